//! The adapter against a server that does one wrong thing at a time.

use crypto::Secret;
use domain::bank_account::BankAccount;
use uuid::Uuid;

use super::*;
use crate::bank::http::MAX_ANSWER;
use crate::bank::name::AccountName;
use crate::bank::payment::{PaymentId, PaymentReference, ReferencePrefix};
use crate::bank::testing::{Act, NOW, Server, surroundings};

const AUTH: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
const ID: &str = "01900000000070008000000000000001";

fn clear_bank(url: &str) -> ClearBank {
    let access = ClearBankAccess {
        base_url: url.to_owned(),
        token: Secret::new("t0ken".to_owned()),
        private_key: Secret::new(signing::tests::any_key()),
        account_id: "3dca-1".to_owned(),
        debtor_iban: "GB29NWBK60161331926819".to_owned(),
        debtor_address: "UK, London".to_owned(),
    };
    let mut bank = ClearBank::new(access, surroundings()).unwrap();
    let short = Duration::from_millis(600);
    bank.deadlines = Deadlines { check: short, pay: short, find: short };
    bank
}

fn query() -> NameQuery {
    NameQuery {
        auth: AUTH,
        account: BankAccount::parse("00-01-00", "12346800").unwrap(),
        name: AccountName::parse("John, Smith").unwrap(),
        kind: AccountKind::Personal,
    }
}

fn penny() -> Penny {
    let prefix = ReferencePrefix::parse("NEWCO").unwrap();
    Penny {
        auth: AUTH,
        account: query().account,
        name: AccountName::of_person("John", "Smith").unwrap(),
        reference: PaymentReference::compose(&prefix, "4821").unwrap(),
        name_check: None,
    }
}

fn found() -> PaymentQuery {
    let begun_at = "2016-07-25T10:00:00Z".parse().unwrap();
    PaymentQuery { auth: AUTH, begun_at, payment: None, settled_at: None }
}

fn report(members: &str) -> Act {
    Act::json(200, &format!(r#"{{"Data":{{"VerificationReport":{{{members}}}}}}}"#))
}

fn batch(status: u16, response: &str) -> Act {
    Act::json(
        status,
        &format!(
            r#"{{"transactions":[{{"endToEndIdentification":"{ID}","response":"{response}"}}],"halLinks":[]}}"#
        ),
    )
}

#[tokio::test]
async fn a_name_check_is_sent_as_documented() {
    let server = Server::start(vec![report(r#""Matched":true,"Name":null,"ReasonCode":null"#)]);
    let answer = clear_bank(&server.url).check_name(&query()).await;
    assert_eq!(answer, NameAnswer { check: NameCheck::Matched, id: None });
    let arrived = server.arrived();
    assert_eq!(arrived[0].line, "POST /open-banking/outbound/v1/name-verification");
    let request_id = arrived[0].headers["x-request-id"].clone();
    assert!(request_id.len() <= 35);
    assert_eq!(
        arrived[0].json(),
        serde_json::json!({
            "SchemeName": "SortCodeAccountNumber", "LegalOwnerType": "Personal",
            "Identification": "00010012346800", "OwnerName": ",,John  Smith",
            "SecondaryIdentification": null, "EndToEndIdentification": request_id,
        })
    );
    assert_eq!(arrived[0].headers["authorization"], "Bearer t0ken");
    assert!(arrived[0].headers["digitalsignature"].len() >= 344);
}

#[tokio::test]
async fn every_answer_to_a_name_check_has_its_meaning() {
    let coded = |code: &str| {
        report(&format!(r#""Matched":false,"Name":"Jon Smyth","ReasonCode":"{code}""#))
    };
    let held = || Some(AccountName::parse("Jon Smyth").unwrap());
    let later = |retry_after_seconds| NameCheck::Unavailable { retry_after_seconds };
    for (act, expected) in [
        (coded("MATC"), NameCheck::Matched),
        (coded("ANNM"), NameCheck::NotMatched),
        (coded("MBAM"), NameCheck::CloseMatch { held: held() }),
        (coded("BANM"), NameCheck::BusinessMatched),
        (coded("PANM"), NameCheck::PersonalMatched),
        (coded("BAMM"), NameCheck::BusinessCloseMatch { held: held() }),
        (coded("PAMM"), NameCheck::PersonalCloseMatch { held: held() }),
        (coded("AC01"), NameCheck::AccountUnknown),
        (coded("IVCR"), NameCheck::ReferenceUnknown),
        (coded("ACNS"), NameCheck::NotSupported),
        (coded("OPTO"), NameCheck::NotSupported),
        (coded("CASS"), NameCheck::AccountSwitched),
        (coded("SCNS"), NameCheck::WrongParticipant),
        (coded("NEWC"), NameCheck::NotSupported),
        // A code is believed, and not the word beside it.
        (report(r#""Matched":true,"ReasonCode":"ANNM""#), NameCheck::NotMatched),
        (report(r#""Matched":false"#), NameCheck::NotSupported),
        (Act::json(422, "{}"), NameCheck::NotEnrolled),
        (Act::json(400, r#"{"Error":{"Reason":"r","ParticipantName":"p"}}"#), later(None)),
        (Act::json(403, "{}"), later(None)),
        (Act::json(424, "{}"), later(None)),
        (Act::Answer(429, Vec::new(), "Retry-After: 5\r\n"), later(Some(5))),
        (Act::json(500, "oops"), later(None)),
        (Act::json(200, "{}"), later(None)),
        (Act::Answer(200, vec![b' '; MAX_ANSWER + 1], ""), later(None)),
        (Act::Drop, later(None)),
        (Act::Silence, later(None)),
    ] {
        let server = Server::start(vec![act]);
        assert_eq!(clear_bank(&server.url).check_name(&query()).await.check, expected);
        assert_eq!(server.arrived().len(), 1, "a name check is never repeated");
    }
}

#[tokio::test]
async fn a_penny_is_sent_as_documented() {
    let server = Server::start(vec![batch(202, "Accepted")]);
    let outcome = clear_bank(&server.url).pay_penny(&penny()).await;
    assert_eq!(outcome, PennyOutcome::Accepted { payment: PaymentId::parse(ID).unwrap() });
    let arrived = server.arrived();
    assert_eq!(arrived[0].line, "POST /v3/payments/fps");
    assert_eq!(arrived[0].headers["x-request-id"], format!("penny-{ID}"));
    assert_eq!(
        arrived[0].json(),
        serde_json::json!({ "paymentInstructions": [{
            "paymentInstructionIdentification": ID,
            "debtor": { "address": "UK, London" },
            "debtorAccount": { "identification": { "iban": "GB29NWBK60161331926819" } },
            "creditTransfers": [{
                "paymentIdentification": { "instructionIdentification": ID, "endToEndIdentification": ID },
                "amount": { "instructedAmount": 0.01, "currency": "GBP" },
                "creditor": { "name": "John Smith" },
                "creditorAccount": { "identification": { "other": {
                    "identification": "00010012346800", "schemeName": { "code": "BBAN" } } } },
                "remittanceInformation": { "structured": {
                    "creditorReferenceInformation": { "reference": "NEWCO 4821" } } },
            }],
        }]})
    );
    assert!(arrived[0].body.contains("\"instructedAmount\":0.01,"));
}

#[tokio::test]
async fn every_answer_to_a_penny_has_its_meaning() {
    let rejected = PennyOutcome::Rejected;
    let about_account = r#"{"title":"t","errors":{"paymentInstructions[0].creditTransfers[0].creditorAccount":["m"]}}"#;
    for (act, expected) in [
        (batch(202, "InvalidAccount"), rejected(Rejection::Account)),
        (batch(400, "InvalidAccount"), rejected(Rejection::Account)),
        (batch(400, "InsufficientFunds"), rejected(Rejection::Provider)),
        (batch(400, "DebitPaymentDisabled"), rejected(Rejection::Provider)),
        (batch(400, "InvalidCurrency"), rejected(Rejection::Provider)),
        (batch(400, "Rejected"), rejected(Rejection::Provider)),
        (Act::json(400, r#"{"title":"t"}"#), rejected(Rejection::Provider)),
        (Act::json(422, about_account), rejected(Rejection::Account)),
        (Act::json(422, r#"{"errors":{"debtor":["m"]}}"#), rejected(Rejection::Provider)),
        (Act::json(429, ""), rejected(Rejection::Provider)),
        // It may have been paid before, or now.
        (batch(400, "InvalidInstructionIdentification"), PennyOutcome::Unknown),
        (batch(202, "SomethingNew"), PennyOutcome::Unknown),
        (Act::json(202, r#"{"transactions":[]}"#), PennyOutcome::Unknown),
        (Act::json(202, "{"), PennyOutcome::Unknown),
        (Act::json(401, ""), PennyOutcome::Unknown),
        (Act::json(403, ""), PennyOutcome::Unknown),
        (Act::json(409, ""), PennyOutcome::Unknown),
        (Act::json(500, ""), PennyOutcome::Unknown),
        (Act::json(503, ""), PennyOutcome::Unknown),
        (Act::Answer(202, vec![b' '; MAX_ANSWER + 1], ""), PennyOutcome::Unknown),
        (Act::Drop, PennyOutcome::Unknown),
        (Act::Silence, PennyOutcome::Unknown),
    ] {
        let server = Server::start(vec![act]);
        assert_eq!(clear_bank(&server.url).pay_penny(&penny()).await, expected);
        assert_eq!(server.arrived().len(), 1, "ClearBank is asked once");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = clear_bank(&format!("http://{closed}")).pay_penny(&penny()).await;
    assert_eq!(outcome, rejected(Rejection::NotSent));
}

fn transaction(id: &str, direction: &str, status: &str) -> String {
    format!(
        r#"{{"endToEndIdentifier":"{id}","debitCreditCode":"{direction}","status":"{status}","transactionId":"t"}}"#
    )
}

fn page(transactions: &[String]) -> Act {
    Act::json(200, &format!(r#"{{"transactions":[{}],"halLinks":[]}}"#, transactions.join(",")))
}

#[tokio::test]
async fn a_penny_is_found_among_the_accounts_transactions() {
    let payment = PaymentId::parse(ID).unwrap();
    for (act, expected) in [
        (page(&[]), PaymentState::NotFound),
        (
            page(&[transaction(ID, "DBIT", "ACSC")]),
            PaymentState::Settled { payment: payment.clone() },
        ),
        (
            page(&[transaction(ID, "DBIT", "PDNG")]),
            PaymentState::Pending { payment: payment.clone() },
        ),
        (page(&[transaction(ID, "DBIT", "RJCT")]), PaymentState::Rejected(Rejection::Account)),
        (page(&[transaction(ID, "CRDT", "ACSC")]), PaymentState::Returned),
        (
            page(&[transaction(ID, "CRDT", "ACSC"), transaction(ID, "DBIT", "ACSC")]),
            PaymentState::Returned,
        ),
        (page(&[transaction("other", "CRDT", "ACSC")]), PaymentState::NotFound),
        (page(&[transaction("other", "DBIT", "ACSC")]), PaymentState::NotFound),
        (Act::json(200, "[]"), PaymentState::Unavailable),
        (Act::json(500, ""), PaymentState::Unavailable),
        (Act::Drop, PaymentState::Unavailable),
        (Act::Silence, PaymentState::Unavailable),
    ] {
        let server = Server::start(vec![act]);
        assert_eq!(clear_bank(&server.url).find_payment(&found()).await.state, expected);
        let arrived = server.arrived();
        assert_eq!(
            arrived[0].line,
            "GET /v2/Accounts/3dca-1/Transactions?pageNumber=1&pageSize=100\
             &startDateTime=2016-07-25T09:50:00Z&endDateTime=2016-07-25T16:36:07Z"
        );
        assert!(!arrived[0].headers.contains_key("digitalsignature"));
    }
}

#[tokio::test]
async fn full_pages_are_turned_and_not_without_end() {
    let full: Vec<String> = vec![transaction("other", "DBIT", "ACSC"); PAGE_SIZE];
    let last = page(&[transaction(ID, "DBIT", "ACSC")]);
    let server = Server::start(vec![page(&full), page(&full), last]);
    let state = clear_bank(&server.url).find_payment(&found()).await.state;
    assert!(matches!(state, PaymentState::Settled { .. }), "{state:?}");
    assert!(server.arrived()[2].line.contains("pageNumber=3&"));
    let server = Server::start(vec![page(&full)]);
    let state = clear_bank(&server.url).find_payment(&found()).await.state;
    assert_eq!(state, PaymentState::Unavailable, "what was not looked through is not known");
    assert_eq!(server.arrived().len(), MOST_PAGES);
    // A return that was seen is one, whatever was not; that it has settled says nothing of what was not seen.
    for (direction, expected) in
        [("CRDT", PaymentState::Returned), ("DBIT", PaymentState::Unavailable)]
    {
        for last in [page(&full), Act::json(500, "")] {
            let mut first = full.clone();
            first[0] = transaction(ID, direction, "ACSC");
            let server = Server::start(vec![page(&first), last]);
            let state = clear_bank(&server.url).find_payment(&found()).await.state;
            assert_eq!(state, expected, "{direction}");
        }
    }
}

/// A return is booked when it comes: what is looked through are the times since the last look.
#[tokio::test]
async fn a_return_is_looked_for_since_the_last_look() {
    let payment = PaymentId::parse(ID).unwrap();
    let settled = PaymentState::Settled { payment: payment.clone() };
    let full = vec![transaction("other", "DBIT", "ACSC"); PAGE_SIZE];
    for (act, expected) in [
        (page(&[]), settled),
        (page(&[transaction(ID, "CRDT", "ACSC")]), PaymentState::Returned),
        (page(&full), PaymentState::Unavailable),
        (Act::json(500, ""), PaymentState::Unavailable),
    ] {
        let server = Server::start(vec![act]);
        let settled_at = Some("2016-07-20T10:00:00Z".parse().unwrap());
        let query = PaymentQuery { payment: Some(payment.clone()), settled_at, ..found() };
        let seen = clear_bank(&server.url).find_payment(&query).await;
        assert_eq!(seen.state, expected);
        assert_eq!(seen.seen_to.to_string(), NOW, "the next look begins where this one ended");
        let line = server.arrived()[0].line.clone();
        let times = "startDateTime=2016-07-20T09:50:00Z&endDateTime=2016-07-25T16:36:07Z";
        assert!(line.ends_with(times), "{line}");
    }
}
