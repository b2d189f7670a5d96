//! Both adapters, by way of the deployment's secret, against the stub that the local stack runs.
//!
//! The stub is Python with nothing but its standard library: what signs here is checked there by other code.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crypto::Secret;
use runtime::{HttpsSend, Outgoing, SystemClock, SystemRandom};
use serde_json::Value;
use uuid::Uuid;

use super::*;

/// The stub's process; it ends with the test.
struct Stub {
    process: Child,
    url: String,
    secrets: BTreeMap<String, Value>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Stub {
    /// `None`, with a printed line, where there is no Python.
    fn start(test: &str) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/support/bank_stub.py");
        let key = std::env::temp_dir().join(format!("gatehouse-{test}-{}.pem", std::process::id()));
        let started = Command::new("python3")
            .arg(script)
            .arg("--clearbank-key")
            .arg(&key)
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut process) = started else {
            // Straight to the stream: the test harness shows no print of a test that passes.
            let said = "skipped: there is no python3 to run the bank's stub with";
            let _ = writeln!(std::io::stderr(), "{said}");
            return None;
        };
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let _ = std::fs::remove_file(&key);
        let facts: Value = serde_json::from_str(&line).unwrap();
        let secrets = serde_json::from_value(facts["secrets"].clone()).unwrap();
        Some(Self { process, url: facts["url"].as_str().unwrap().to_owned(), secrets })
    }

    fn bank(&self, provider: &str) -> ConfiguredBank {
        configured(Fixed::new(self.secrets[provider].to_string()))
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.url);
        let request = Outgoing {
            method: "GET",
            url: &url,
            headers: &[],
            body: &[],
            max_bytes: 1 << 20,
            deadline: Duration::from_secs(5),
        };
        let received = HttpsSend::new().send(request).await.unwrap();
        serde_json::from_slice(&received.body).unwrap()
    }

    /// The references on an account's statement.
    async fn statement(&self, account: &BankAccount) -> Vec<String> {
        let path = format!(
            "/statement?sortCode={}&accountNumber={}",
            account.sort_code(),
            account.account_number()
        );
        let entries = self.get(&path).await;
        let references = entries.as_array().unwrap().iter();
        references.map(|entry| entry["reference"].as_str().unwrap().to_owned()).collect()
    }
}

/// A secret that a test holds in its hand.
struct Fixed(Mutex<Option<String>>);

impl Fixed {
    fn new(text: impl Into<String>) -> Self {
        Self(Mutex::new(Some(text.into())))
    }
}

impl ReadSecret for Fixed {
    fn read(&self) -> crate::Answer<'_, Result<Secret<String>, CredentialsError>> {
        let text = self.0.lock().unwrap().take();
        Box::pin(async move {
            text.map(Secret::new).ok_or(CredentialsError::Malformed("none left".to_owned()))
        })
    }
}

fn configured(secret: Fixed) -> ConfiguredBank {
    let surroundings = Surroundings {
        http: Arc::new(HttpsSend::new()),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    ConfiguredBank::new(Box::new(secret), surroundings)
}

fn account(suffix: &str) -> BankAccount {
    BankAccount::parse("000100", &format!("123468{suffix}")).unwrap()
}

fn name() -> AccountName {
    AccountName::of_person("Jon", "Smith").unwrap()
}

fn query(suffix: &str) -> NameQuery {
    let kind = AccountKind::Personal;
    NameQuery { auth: Uuid::from_u128(1), account: account(suffix), name: name(), kind }
}

fn penny(auth: u128, suffix: &str, code: &str) -> Penny {
    let prefix = ReferencePrefix::parse("NEWCO").unwrap();
    Penny {
        auth: Uuid::from_u128(auth),
        account: account(suffix),
        name: name(),
        reference: PaymentReference::compose(&prefix, code).unwrap(),
        name_check: None,
    }
}

fn find(auth: u128) -> PaymentQuery {
    let (auth, begun_at) = (Uuid::from_u128(auth), Timestamp::now());
    PaymentQuery { auth, begun_at, payment: None, settled_at: None }
}

async fn names_are_checked(bank: &ConfiguredBank) {
    let held = Some(AccountName::parse("Jon Smyth").unwrap());
    let later = |retry_after_seconds| NameCheck::Unavailable { retry_after_seconds };
    for (suffix, expected) in [
        ("00", NameCheck::Matched),
        ("01", NameCheck::NotMatched),
        ("02", NameCheck::CloseMatch { held }),
        ("03", NameCheck::BusinessMatched),
        ("04", NameCheck::AccountUnknown),
        ("05", NameCheck::AccountSwitched),
        ("06", later(None)),
        ("07", NameCheck::NotEnrolled),
        ("08", later(Some(5))),
        ("09", later(Some(5))),
        ("10", later(None)),
        ("99", NameCheck::Matched),
    ] {
        assert_eq!(bank.check_name(&query(suffix)).await.check, expected, "{suffix}");
    }
}

/// A penny that arrives, stands on the statement, and comes back after it was seen to have arrived.
async fn comes_back_late(bank: &ConfiguredBank, stub: &Stub) {
    let late = penny(6, "23", "3333");
    assert!(matches!(bank.pay_penny(&late).await, PennyOutcome::Accepted { .. }));
    assert!(matches!(bank.find_payment(&find(6)).await.state, PaymentState::Pending { .. }));
    let arrived = bank.find_payment(&find(6)).await.state;
    let PaymentState::Settled { payment } = arrived else { panic!("{arrived:?}") };
    assert_eq!(stub.statement(&late.account).await, ["NEWCO 3333"]);
    let seen = Timestamp::now();
    let since = PaymentQuery { payment: Some(payment), settled_at: Some(seen), ..find(6) };
    assert_eq!(bank.find_payment(&since).await.state, PaymentState::Returned);
}

/// The stub keeps to the times that it is asked about, so that a look at the wrong ones finds nothing.
async fn looks_at_all_times_since(bank: &ConfiguredBank) {
    let hour = jiff::SignedDuration::from_hours(1);
    // Booked long after the session began.
    let early = PaymentQuery { begun_at: Timestamp::now() - hour, ..find(6) };
    assert_eq!(bank.find_payment(&early).await.state, PaymentState::Returned);
    let late = PaymentQuery { begun_at: Timestamp::now() + hour, ..find(6) };
    assert_eq!(bank.find_payment(&late).await.state, PaymentState::NotFound);
}

#[tokio::test]
async fn modulr_end_to_end() {
    let Some(stub) = Stub::start("modulr") else { return };
    let bank = stub.bank("modulr");
    names_are_checked(&bank).await;

    // A penny, again, and its way to the account.
    let first = penny(1, "00", "4821");
    let accepted = bank.pay_penny(&first).await;
    let PennyOutcome::Accepted { payment } = accepted.clone() else { panic!("{accepted:?}") };
    assert_eq!(bank.pay_penny(&first).await, accepted);
    assert_eq!(stub.statement(&first.account).await, ["NEWCO 4821"]);
    assert_eq!(
        bank.find_payment(&find(1)).await.state,
        PaymentState::Pending { payment: payment.clone() }
    );
    assert_eq!(
        bank.find_payment(&find(1)).await.state,
        PaymentState::Settled { payment: payment.clone() }
    );
    let by_id = PaymentQuery { payment: Some(payment.clone()), ..find(1) };
    assert_eq!(
        bank.find_payment(&by_id).await.state,
        PaymentState::Settled { payment: payment.clone() }
    );
    let of_another = PaymentQuery { payment: Some(payment), ..find(2) };
    assert_eq!(bank.find_payment(&of_another).await.state, PaymentState::NotFound);

    // Refused because of the account.
    let refused = bank.pay_penny(&penny(3, "20", "1111")).await;
    assert_eq!(refused, PennyOutcome::Rejected(Rejection::Account));
    assert_eq!(bank.find_payment(&find(3)).await.state, PaymentState::NotFound);

    // Returned.
    let returned = penny(4, "21", "2222");
    assert!(matches!(bank.pay_penny(&returned).await, PennyOutcome::Accepted { .. }));
    assert!(matches!(bank.find_payment(&find(4)).await.state, PaymentState::Pending { .. }));
    assert_eq!(bank.find_payment(&find(4)).await.state, PaymentState::Returned);
    assert!(stub.statement(&returned.account).await.is_empty());
    comes_back_late(&bank, &stub).await;

    // The connection is cut after the penny was taken on: the retry gets the answer, and there is one penny.
    let cut = penny(5, "22", "0007");
    let outcome = bank.pay_penny(&cut).await;
    assert!(matches!(outcome, PennyOutcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(stub.statement(&cut.account).await, ["NEWCO 0007"]);
    assert_eq!(stub.get("/pennies").await.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn clear_bank_end_to_end() {
    let Some(stub) = Stub::start("clearbank") else { return };
    let bank = stub.bank("clearbank");
    names_are_checked(&bank).await;

    let first = penny(1, "00", "4821");
    let accepted = bank.pay_penny(&first).await;
    let PennyOutcome::Accepted { payment } = accepted else { panic!("{accepted:?}") };
    // Asked again, ClearBank says that it knows the request: whether it paid, only the account tells.
    assert_eq!(bank.pay_penny(&first).await, PennyOutcome::Unknown);
    assert_eq!(stub.statement(&first.account).await, ["NEWCO 4821"]);
    assert_eq!(
        bank.find_payment(&find(1)).await.state,
        PaymentState::Pending { payment: payment.clone() }
    );
    assert_eq!(bank.find_payment(&find(1)).await.state, PaymentState::Settled { payment });
    assert_eq!(bank.find_payment(&find(2)).await.state, PaymentState::NotFound);

    let refused = bank.pay_penny(&penny(3, "20", "1111")).await;
    assert_eq!(refused, PennyOutcome::Rejected(Rejection::Account));
    assert!(matches!(bank.pay_penny(&penny(4, "21", "2222")).await, PennyOutcome::Accepted { .. }));
    assert!(matches!(bank.find_payment(&find(4)).await.state, PaymentState::Pending { .. }));
    assert_eq!(bank.find_payment(&find(4)).await.state, PaymentState::Rejected(Rejection::Account));
    comes_back_late(&bank, &stub).await;
    looks_at_all_times_since(&bank).await;

    let cut = penny(5, "22", "0007");
    assert_eq!(bank.pay_penny(&cut).await, PennyOutcome::Unknown);
    assert!(matches!(bank.find_payment(&find(5)).await.state, PaymentState::Pending { .. }));
    assert_eq!(stub.statement(&cut.account).await, ["NEWCO 0007"]);
}

/// A signature that is not right is refused by the stub, so the tests above can fail.
#[tokio::test]
async fn wrong_credentials_are_refused() {
    let Some(stub) = Stub::start("wrong") else { return };
    let mut modulr = stub.secrets["modulr"].clone();
    modulr["hmacSecret"] = "another".into();
    let bank = configured(Fixed::new(modulr.to_string()));
    assert_eq!(bank.check_name(&query("00")).await, NameAnswer::unavailable(None));
    assert_eq!(bank.pay_penny(&penny(1, "00", "4821")).await, PennyOutcome::Unknown);
    assert_eq!(bank.find_payment(&find(1)).await.state, PaymentState::Unavailable);

    let mut modulr = stub.secrets["modulr"].clone();
    modulr["algorithm"] = "hmac-sha512".into();
    let bank = configured(Fixed::new(modulr.to_string()));
    assert_eq!(bank.check_name(&query("00")).await.check, NameCheck::Matched);

    let mut clear_bank = stub.secrets["clearbank"].clone();
    clear_bank["privateKey"] = super::clearbank::fresh_key().into();
    let bank = configured(Fixed::new(clear_bank.to_string()));
    assert_eq!(bank.check_name(&query("00")).await, NameAnswer::unavailable(None));
    assert_eq!(bank.pay_penny(&penny(1, "00", "4821")).await, PennyOutcome::Unknown);
    assert!(stub.get("/pennies").await.as_array().unwrap().is_empty());
}

#[tokio::test]
async fn without_credentials_nothing_is_known_and_nothing_leaves() {
    let bank = configured(Fixed::new("{}"));
    assert_eq!(bank.check_name(&query("00")).await, NameAnswer::unavailable(None));
    assert_eq!(
        bank.pay_penny(&penny(1, "00", "4821")).await,
        PennyOutcome::Rejected(Rejection::NotSent)
    );
    assert_eq!(bank.find_payment(&find(1)).await.state, PaymentState::Unavailable);
}
