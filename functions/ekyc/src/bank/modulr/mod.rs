//! Modulr: name checks and payments over its REST API.
//!
//! Invariant: the nonce of a payment is made of its session's id, so that however often and from wherever it is asked for,
//! Modulr sees one request: it refuses a nonce that it has seen, and answers what it answered before when told that this
//! is a retry (`x-mod-retry`, within 48 hours). A name check is never repeated.

mod signing;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use jiff::SignedDuration;
use runtime::Received;

use super::check::{NameAnswer, NameCheck, NameQuery};
use super::credentials::ModulrAccess;
use super::http::{Call, Deadlines, Sent, answered, json, name_answer, nonce, penny_outcome, read};
use super::name::AccountKind;
use super::payment::{PaymentQuery, PaymentState, Penny, PennyOutcome, Rejection, Sighting};
use super::provider::{BankProvider, Surroundings};
use crate::Answer;

/// The account's bank has to answer within seconds; Modulr says NO_RESPONSE when it does not.
const CHECK_DEADLINE: Duration = Duration::from_secs(8);
/// Payments are only accepted within the call, and carried out after it. Twice this and a check must fit into the
/// gateway's 29 seconds.
const PAY_DEADLINE: Duration = Duration::from_secs(6);
const FIND_DEADLINE: Duration = Duration::from_secs(7);

/// Clocks differ; a payment is looked for from this long before its session began to pay.
const BEFORE: SignedDuration = SignedDuration::from_secs(600);

/// Modulr's API with one account.
pub struct Modulr {
    access: ModulrAccess,
    surroundings: Surroundings,
    deadlines: Deadlines,
}

/// A request's number, and whether Modulr may have seen it.
struct Numbered<'a> {
    nonce: &'a str,
    retry: bool,
}

impl Modulr {
    /// The API that `access` is for.
    #[must_use]
    pub const fn new(access: ModulrAccess, surroundings: Surroundings) -> Self {
        let deadlines = Deadlines { check: CHECK_DEADLINE, pay: PAY_DEADLINE, find: FIND_DEADLINE };
        Self { access, surroundings, deadlines }
    }

    async fn send(&self, call: Call<'_>, numbered: Numbered<'_>) -> Sent {
        let date = signing::http_date(self.surroundings.clock.now());
        let authorization = signing::authorization(&self.access, &date, numbered.nonce);
        let mut own = vec![
            ("authorization", authorization.as_str()),
            ("date", date.as_str()),
            ("x-mod-nonce", numbered.nonce),
        ];
        if numbered.retry {
            own.push(("x-mod-retry", "true"));
        }
        call.send(&self.surroundings.http, &self.access.base_url, &own).await
    }

    async fn ask(&self, query: &NameQuery) -> NameAnswer {
        let request = wire::NameCheckRequest {
            payment_account_id: &self.access.source_account_id,
            sort_code: query.account.sort_code(),
            account_number: query.account.account_number(),
            account_type: match query.kind {
                AccountKind::Personal => "PERSONAL",
                AccountKind::Business => "BUSINESS",
            },
            name: query.name.reveal(),
        };
        let nonce = nonce(&*self.surroundings.random);
        let numbered = Numbered { nonce: &nonce, retry: false };
        let body = json(&request);
        let call = Call::post("/account-name-check", &body, self.deadlines.check);
        name_answer(self.send(call, numbered).await, named)
    }

    async fn pay(&self, penny: &Penny) -> PennyOutcome {
        let auth = penny.auth.hyphenated().to_string();
        let request = wire::PaymentRequest {
            source_account_id: &self.access.source_account_id,
            destination: wire::Destination {
                r#type: "SCAN",
                sort_code: penny.account.sort_code(),
                account_number: penny.account.account_number(),
                name: penny.name.reveal(),
            },
            currency: "GBP",
            amount: wire::ONE_PENNY,
            reference: penny.reference.reveal(),
            external_reference: &auth,
            end_to_end_reference: &auth,
            name_check: penny
                .name_check
                .as_deref()
                .map(|id| wire::NameCheckReference { id, source: "MODULR" }),
        };
        let body = json(&request);
        // It begins as a first try even where another process may have been before us: then Modulr refuses the nonce,
        // and the second try gets what that process would have got.
        let first = self.try_to_pay(&body, &auth, false).await;
        if first != PennyOutcome::Unknown {
            return first;
        }
        match self.try_to_pay(&body, &auth, true).await {
            // Only of the first try is it sure that nothing was paid before it.
            PennyOutcome::Rejected(Rejection::NotSent | Rejection::Provider) => {
                PennyOutcome::Unknown
            }
            told => told,
        }
    }

    async fn try_to_pay(&self, body: &[u8], auth: &str, retry: bool) -> PennyOutcome {
        let nonce = format!("penny-{auth}");
        let numbered = Numbered { nonce: &nonce, retry };
        let call = Call::post("/payments", body, self.deadlines.pay);
        penny_outcome(self.send(call, numbered).await, |answer| paid(answer, auth))
    }

    async fn find(&self, query: &PaymentQuery) -> PaymentState {
        let auth = query.auth.hyphenated().to_string();
        let path = match &query.payment {
            Some(payment) => format!("/payments?id={}", payment.as_str()),
            None => {
                let from = query.begun_at.checked_sub(BEFORE).unwrap_or(query.begun_at);
                format!(
                    "/payments?externalReference={auth}&sourceAccountId={}&type=PAYOUT&fromCreatedDate={}",
                    self.access.source_account_id,
                    from.strftime("%Y-%m-%dT%H:%M:%S%%2B0000"),
                )
            }
        };
        let nonce = nonce(&*self.surroundings.random);
        let numbered = Numbered { nonce: &nonce, retry: false };
        let sent = self.send(Call::get(&path, self.deadlines.find), numbered).await;
        answered::<wire::PaymentPage>(sent).map_or(PaymentState::Unavailable, |page| {
            let states = page.content.iter().filter_map(|payment| payment.state(&auth));
            PaymentState::most_telling(states)
        })
    }
}

fn named(answer: &Received) -> Option<NameAnswer> {
    match answer.status {
        200 | 201 => read::<wire::NameCheckAnswer>(answer)
            .map(|read| NameAnswer { check: read.result.check(), id: Some(read.id) }),
        400 if wire::is_about_the_account(&answer.body) => {
            Some(NameAnswer { check: NameCheck::AccountUnknown, id: None })
        }
        _ => None,
    }
}

fn paid(answer: &Received, auth: &str) -> PennyOutcome {
    match answer.status {
        200 | 201 => match read::<wire::Payment>(answer).and_then(|payment| payment.state(auth)) {
            Some(PaymentState::Settled { payment } | PaymentState::Pending { payment }) => {
                PennyOutcome::Accepted { payment }
            }
            Some(PaymentState::Rejected(why)) => PennyOutcome::Rejected(why),
            Some(PaymentState::Returned) => PennyOutcome::Rejected(Rejection::Account),
            // It was taken on, but as what cannot be read.
            _ => PennyOutcome::Unknown,
        },
        400 if wire::is_about_the_account(&answer.body) => {
            PennyOutcome::Rejected(Rejection::Account)
        }
        // Refused before it was looked at.
        400 | 429 => PennyOutcome::Rejected(Rejection::Provider),
        // 403 among them is a nonce that was used: then the penny may be paid.
        _ => PennyOutcome::Unknown,
    }
}

impl BankProvider for Modulr {
    fn check_name<'a>(&'a self, query: &'a NameQuery) -> Answer<'a, NameAnswer> {
        Box::pin(self.ask(query))
    }

    fn pay_penny<'a>(&'a self, penny: &'a Penny) -> Answer<'a, PennyOutcome> {
        Box::pin(self.pay(penny))
    }

    fn find_payment<'a>(&'a self, query: &'a PaymentQuery) -> Answer<'a, Sighting> {
        Box::pin(async move {
            let seen_to = self.surroundings.clock.now();
            Sighting { state: self.find(query).await, seen_to }
        })
    }
}
