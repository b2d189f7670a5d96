//! The adapter against a server that does one wrong thing at a time.

use std::time::Instant;

use crypto::Secret;
use domain::bank_account::BankAccount;
use uuid::Uuid;

use super::*;
use crate::bank::credentials::SignatureAlgorithm;
use crate::bank::http::MAX_ANSWER;
use crate::bank::name::AccountName;
use crate::bank::payment::{PaymentId, PaymentReference, ReferencePrefix};
use crate::bank::testing::{Act, Server, surroundings};

const AUTH: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

fn modulr(url: &str) -> Modulr {
    let access = ModulrAccess {
        base_url: url.to_owned(),
        key_id: "KNOWN-TOKEN".to_owned(),
        hmac_secret: Secret::new("s3cret".to_owned()),
        algorithm: SignatureAlgorithm::HmacSha1,
        source_account_id: "A123AAA4".to_owned(),
    };
    let mut modulr = Modulr::new(access, surroundings());
    let short = Duration::from_millis(600);
    modulr.deadlines = Deadlines { check: short, pay: short, find: short };
    modulr
}

fn query() -> NameQuery {
    NameQuery {
        auth: AUTH,
        account: BankAccount::parse("00-01-00", "12346800").unwrap(),
        name: AccountName::of_person("Joe", "Bloggs").unwrap(),
        kind: AccountKind::Personal,
    }
}

fn penny() -> Penny {
    let prefix = ReferencePrefix::parse("NEWCO").unwrap();
    Penny {
        auth: AUTH,
        account: query().account,
        name: query().name,
        reference: PaymentReference::compose(&prefix, "4821").unwrap(),
        name_check: Some("C12001569Z".to_owned()),
    }
}

fn found(payment: Option<&str>) -> PaymentQuery {
    PaymentQuery {
        auth: AUTH,
        begun_at: "2026-01-25T10:00:00.5Z".parse().unwrap(),
        payment: payment.map(|id| PaymentId::parse(id).unwrap()),
        settled_at: None,
    }
}

fn accepted() -> PennyOutcome {
    PennyOutcome::Accepted { payment: PaymentId::parse("P000001ABC").unwrap() }
}

fn created(status: &str) -> Act {
    Act::json(
        201,
        &format!(
            r#"{{"id":"P000001ABC","status":"{status}","externalReference":"{AUTH}","details":{{}}}}"#
        ),
    )
}

#[tokio::test]
async fn a_name_check_is_sent_as_documented() {
    let server = Server::start(vec![Act::json(
        201,
        r#"{"id":"C12001569Z","result":{"code":"CLOSE_MATCH","name":"Joseph Bloggs"}}"#,
    )]);
    let answer = modulr(&server.url).check_name(&query()).await;
    assert_eq!(answer.id.as_deref(), Some("C12001569Z"));
    let held = Some(AccountName::parse("Joseph Bloggs").unwrap());
    assert_eq!(answer.check, NameCheck::CloseMatch { held });
    let arrived = server.arrived();
    assert_eq!(arrived[0].line, "POST /account-name-check");
    assert_eq!(
        arrived[0].json(),
        serde_json::json!({
            "paymentAccountId": "A123AAA4", "sortCode": "000100", "accountNumber": "12346800",
            "accountType": "PERSONAL", "name": "Joe Bloggs",
        })
    );
    let header = |name: &str| arrived[0].headers[name].clone();
    assert_eq!(header("date"), "Mon, 25 Jul 2016 16:36:07 GMT");
    let nonce = header("x-mod-nonce");
    let date = header("date");
    assert_eq!(header("authorization"), signing::authorization(&modulr("").access, &date, &nonce));
    assert!(!arrived[0].headers.contains_key("x-mod-retry"));
}

#[tokio::test]
async fn every_answer_to_a_name_check_has_its_meaning() {
    let held = || Some(AccountName::parse("Jon Smyth").unwrap());
    let coded = |code: &str| {
        Act::json(201, &format!(r#"{{"id":"C1","result":{{"code":"{code}","name":"Jon Smyth"}}}}"#))
    };
    let later = |retry_after_seconds| NameCheck::Unavailable { retry_after_seconds };
    let error = r#"[{"field":"accountNumber","code":"INVALID","message":"m"}]"#;
    for (act, expected) in [
        (coded("MATCHED"), NameCheck::Matched),
        (coded("NOT_MATCHED"), NameCheck::NotMatched),
        (coded("CLOSE_MATCH"), NameCheck::CloseMatch { held: held() }),
        (coded("BUSINESS_ACCOUNT_NAME_MATCHED"), NameCheck::BusinessMatched),
        (coded("PERSONAL_ACCOUNT_NAME_MATCHED"), NameCheck::PersonalMatched),
        (coded("BUSINESS_ACCOUNT_CLOSE_MATCH"), NameCheck::BusinessCloseMatch { held: held() }),
        (coded("PERSONAL_ACCOUNT_CLOSE_MATCH"), NameCheck::PersonalCloseMatch { held: held() }),
        (coded("ACCOUNT_DOES_NOT_EXIST"), NameCheck::AccountUnknown),
        (coded("SECONDARY_ACCOUNT_ID_NOT_FOUND"), NameCheck::ReferenceUnknown),
        (coded("ACCOUNT_NOT_SUPPORTED"), NameCheck::NotSupported),
        (coded("ACCOUNT_SWITCHED"), NameCheck::AccountSwitched),
        (coded("WRONG_PARTICIPANT"), NameCheck::WrongParticipant),
        (coded("NO_RESPONSE"), later(None)),
        (coded("NOT_ENROLLED"), NameCheck::NotEnrolled),
        (coded("SOMETHING_NEW"), NameCheck::NotSupported),
        (Act::json(400, error), NameCheck::AccountUnknown),
        (Act::json(400, r#"[{"field":"name","code":"INVALID"}]"#), later(None)),
        (Act::json(403, "{}"), later(None)),
        (Act::json(404, "[]"), later(None)),
        (Act::Answer(429, b"{}".to_vec(), "Retry-After: 12\r\n"), later(Some(12))),
        (Act::Answer(503, b"".to_vec(), "Retry-After: 999999\r\n"), later(Some(3_600))),
        (Act::Answer(503, b"".to_vec(), "Retry-After: soon\r\n"), later(None)),
        (Act::json(500, "oops"), later(None)),
        (Act::json(302, "{}"), later(None)),
        // What cannot be read is no answer.
        (Act::json(201, "{\"id\":\"C1\",\"result\":{}}"), later(None)),
        (Act::json(201, "<html>"), later(None)),
        (Act::Answer(201, vec![b' '; MAX_ANSWER + 1], ""), later(None)),
        (Act::Drop, later(None)),
        (Act::Silence, later(None)),
    ] {
        let server = Server::start(vec![act]);
        let answer = modulr(&server.url).check_name(&query()).await;
        assert_eq!(answer.check, expected);
        assert_eq!(server.arrived().len(), 1, "a name check is never repeated");
    }
}

#[tokio::test]
async fn a_penny_is_sent_as_documented() {
    let server = Server::start(vec![created("SUBMITTED")]);
    assert_eq!(modulr(&server.url).pay_penny(&penny()).await, accepted());
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].line, "POST /payments");
    let auth = AUTH.to_string();
    assert_eq!(
        arrived[0].json(),
        serde_json::json!({
            "sourceAccountId": "A123AAA4",
            "destination": { "type": "SCAN", "sortCode": "000100", "accountNumber": "12346800", "name": "Joe Bloggs" },
            "currency": "GBP", "amount": 0.01, "reference": "NEWCO 4821",
            "externalReference": auth, "endToEndReference": auth,
            "nameCheck": { "id": "C12001569Z", "source": "MODULR" },
        })
    );
    assert!(arrived[0].body.contains("\"amount\":0.01,"), "{}", arrived[0].body);
    assert_eq!(arrived[0].headers["x-mod-nonce"], format!("penny-{auth}"));
}

/// What the first and the second try come to, and how many tries there were.
#[tokio::test]
async fn every_answer_to_a_penny_has_its_meaning() {
    let about_account = r#"[{"field":"destination.accountNumber","code":"INVALID","message":"m"}]"#;
    let about_us = r#"[{"field":"sourceAccountId","code":"INVALID","message":"m"}]"#;
    let rejected = PennyOutcome::Rejected;
    let unknown = PennyOutcome::Unknown;
    let cases = [
        (vec![created("PROCESSED")], accepted(), 1),
        (vec![created("ER_INVALID")], rejected(Rejection::Account), 1),
        (vec![created("ER_EXTSYS")], rejected(Rejection::Provider), 1),
        (vec![Act::json(400, about_account)], rejected(Rejection::Account), 1),
        (vec![Act::json(400, about_us)], rejected(Rejection::Provider), 1),
        (
            vec![Act::json(429, "{\"error\":\"Rate limit exceeded\"}")],
            rejected(Rejection::Provider),
            1,
        ),
        // The answer is lost, and the second try gets it.
        (vec![Act::Drop, created("SUBMITTED")], accepted(), 2),
        (vec![Act::Silence, created("SUBMITTED")], accepted(), 2),
        (vec![Act::json(500, ""), created("SUBMITTED")], accepted(), 2),
        (vec![Act::json(201, "{\"id\""), created("SUBMITTED")], accepted(), 2),
        (
            vec![Act::Answer(201, vec![b' '; MAX_ANSWER + 1], ""), created("VALIDATED")],
            accepted(),
            2,
        ),
        // Another process was before us: the nonce is used.
        (vec![Act::json(403, "{}"), created("SUBMITTED")], accepted(), 2),
        (vec![Act::Drop, Act::json(400, about_account)], rejected(Rejection::Account), 2),
        // After a first try that may have paid, only finding the payment tells.
        (vec![Act::Drop, Act::json(400, about_us)], unknown.clone(), 2),
        (vec![Act::Drop, Act::json(429, "")], unknown.clone(), 2),
        (vec![Act::json(401, "")], unknown.clone(), 2),
        (vec![Act::json(403, "")], unknown.clone(), 2),
        (vec![Act::json(404, "")], unknown.clone(), 2),
        (vec![Act::json(503, "")], unknown.clone(), 2),
        (vec![Act::json(302, "")], unknown.clone(), 2),
        (vec![Act::Drop], unknown, 2),
    ];
    for (number, (acts, expected, tries)) in cases.into_iter().enumerate() {
        let server = Server::start(acts);
        assert_eq!(modulr(&server.url).pay_penny(&penny()).await, expected, "case {number}");
        let arrived = server.arrived();
        assert_eq!(arrived.len(), tries, "case {number}");
        // Both tries are one request to Modulr.
        let nonces: Vec<&String> = arrived.iter().map(|one| &one.headers["x-mod-nonce"]).collect();
        assert!(nonces.windows(2).all(|pair| pair[0] == pair[1]), "{nonces:?}");
        assert!(arrived.windows(2).all(|pair| pair[0].body == pair[1].body));
        let retries = arrived.iter().filter(|one| one.headers.contains_key("x-mod-retry")).count();
        assert_eq!(retries, tries - 1);
    }
}

#[tokio::test]
async fn what_did_not_leave_was_not_paid() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in
        [format!("http://{closed}"), "http://bank.example".to_owned(), "https://a b".to_owned()]
    {
        let outcome = modulr(&url).pay_penny(&penny()).await;
        assert_eq!(outcome, PennyOutcome::Rejected(Rejection::NotSent), "{url}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let server = Server::start(vec![Act::Silence]);
    let started = Instant::now();
    assert_eq!(modulr(&server.url).pay_penny(&penny()).await, PennyOutcome::Unknown);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_penny_is_found_by_its_session_or_its_id() {
    let page =
        |content: &str| Act::json(200, &format!(r#"{{"content":[{content}],"totalPages":1}}"#));
    let entry = |status: &str, auth: &str| {
        format!(r#"{{"id":"P000001ABC","status":"{status}","externalReference":"{auth}"}}"#)
    };
    let auth = AUTH.to_string();
    let payment = PaymentId::parse("P000001ABC").unwrap();
    let settled = PaymentState::Settled { payment: payment.clone() };
    for (act, expected) in [
        (page(""), PaymentState::NotFound),
        (page(&entry("PROCESSED", &auth)), settled.clone()),
        (page(&entry("SUBMITTED", &auth)), PaymentState::Pending { payment }),
        (page(&entry("RETURNED", &auth)), PaymentState::Returned),
        (page(&entry("PROCESSED", "another")), PaymentState::NotFound),
        (page(&format!("{},{}", entry("CANCELLED", &auth), entry("PROCESSED", &auth))), settled),
        (Act::json(200, "[]"), PaymentState::Unavailable),
        (Act::json(200, "{"), PaymentState::Unavailable),
        (Act::json(404, "{}"), PaymentState::Unavailable),
        (Act::json(503, ""), PaymentState::Unavailable),
        (Act::Drop, PaymentState::Unavailable),
        (Act::Silence, PaymentState::Unavailable),
    ] {
        let server = Server::start(vec![act]);
        assert_eq!(modulr(&server.url).find_payment(&found(None)).await.state, expected);
        let line = server.arrived()[0].line.clone();
        assert_eq!(
            line,
            format!(
                "GET /payments?externalReference={auth}&sourceAccountId=A123AAA4&type=PAYOUT\
                 &fromCreatedDate=2026-01-25T09:50:00%2B0000"
            )
        );
    }
    let server = Server::start(vec![page(&entry("PROCESSED", &auth))]);
    let _ = modulr(&server.url).find_payment(&found(Some("P000001ABC"))).await;
    assert_eq!(server.arrived()[0].line, "GET /payments?id=P000001ABC");
}
