//! One test for every row of the status table, named after it, on both subjects: the penny drop's column.

use crate::bank::{NameCheck, PennyOutcome, Rejection};

use super::*;

const BANK: (&str, &str) = ("202959", "63748472");

pub(super) fn details() -> Value {
    json!({ "sortCode": BANK.0, "bankAccount": BANK.1 })
}

/// A penny drop that was initiated, and the code that stands on the statement.
pub(super) async fn penny(world: &World, place: &Place) -> (Value, String) {
    let (status, state, body) = world.state(post(place.penny(), details())).await;
    assert_eq!((status, state.as_str()), (200, "initiated"), "{body}");
    let auth = uuid_of(&body);
    let code = world.bank.code(auth).unwrap();
    (body, code)
}

pub(super) fn uuid_of(body: &Value) -> uuid::Uuid {
    domain::ids::AuthId::parse(body["authId"].as_str().unwrap()).unwrap().uuid()
}

#[tokio::test]
async fn initiated_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (body, code) = penny(&world, &place).await;
        assert_eq!(body["remainingPasscodes"], 1);
        assert_eq!((code.len(), world.bank.pennies().len()), (4, 1));
        assert_eq!(world.told().await, [("Initiated".to_owned(), None)]);
    }
}

#[tokio::test]
async fn no_more_codes_for_a_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        for _ in 0..2 {
            penny(&world, &place).await;
            world.pass_ms(1_000);
        }
        let (status, state, _) = world.state(post(place.penny(), details())).await;
        assert_eq!((status, state.as_str()), (200, "noMoreCodes"));
        assert_eq!(world.bank.asked_to_pay(), 2);
    }
}

#[tokio::test]
async fn authenticated_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (session, code) = penny(&world, &place).await;
        let path = place.validate("pennydrop", &session);
        let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
        assert_eq!(state, "authenticated");
        let proof = ("bankAccount".to_owned(), "penny-drop".to_owned(), "****8472".to_owned());
        assert_eq!(world.proofs(&place).await, [proof]);
        let (_, state, _) = world.state(post(place.penny(), details())).await;
        assert_eq!((state.as_str(), world.bank.asked_to_pay()), ("authenticated", 1));
    }
}

/// What the network of partners knows the account by is kept with its proof, and is the same at whatever partner, for a
/// session of whatever subject; no other proof has any.
#[tokio::test]
async fn an_account_is_known_to_the_network_by_its_digest() {
    use domain::bank_account::BankAccount;
    use domain::proof::ProofKind;
    let world = World::new();
    let account = BankAccount::parse("202959", "63748472").unwrap();
    let known = world.penny.core.network.known_as(&account).await.unwrap();
    assert!(!format!("{known:?} {}", known.as_str()).contains("8472"));
    for kind in BOTH {
        let place = world.subject(kind).await;
        let (session, code) = penny(&world, &place).await;
        let path = place.validate("pennydrop", &session);
        world.state(post(path, json!({ "passcode": code }))).await;
        let otp = world.initiate(&place).await;
        let (state, _) = world.try_code(&place, &otp, &world.code()).await;
        assert_eq!(state, "authenticated");
        let customer = world.holder(&place).await;
        let [account] = &customer.accounts[..] else { panic!("one account") };
        let proof = &customer.proofs[&ProofKind::BankAccount];
        assert_eq!(account.fingerprint, known);
        assert_eq!((account.auth, account.at), (proof.auth, proof.at));
    }
}

#[tokio::test]
async fn failed_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (session, code) = penny(&world, &place).await;
        let path = place.validate("pennydrop", &session);
        let body = json!({ "passcode": wrong(&code) });
        let (_, state, answer) = world.state(post(path.clone(), body.clone())).await;
        assert_eq!((state.as_str(), &answer["remainingAttempts"]), ("invalid", &json!(1)));
        let (_, state, _) = world.state(post(path.clone(), body)).await;
        assert_eq!(state, "failed");
        let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
        assert_eq!(state, "failed");
    }
}

#[tokio::test]
async fn not_found_for_an_unknown_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let path = format!("{}/{ONE}/validate", place.penny());
        let (status, state, _) = world.state(post(path, json!({ "passcode": "1234" }))).await;
        assert_eq!((status, state.as_str()), (404, "notFound"));
    }
}

#[tokio::test]
async fn invalid_bank_details() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let refused = async |details: Value, reason: &str| {
            let (status, state, body) = world.state(post(place.penny(), details)).await;
            assert_eq!((status, state.as_str()), (200, "invalidBankDetails"), "{body}");
            assert_eq!(body["additionalInfo"]["reason"], reason);
            assert_eq!(body.get("authId"), None);
        };
        // 9·8 = 72 is no multiple of 11.
        refused(json!({ "sortCode": "000100", "bankAccount": "80000000" }), "modulus").await;
        world.bank.answer_name(NameCheck::NotMatched);
        refused(details(), "nameMismatch").await;
        world.bank.answer_name(NameCheck::AccountSwitched);
        refused(details(), "accountSwitched").await;
        world.bank.answer_name(NameCheck::AccountUnknown);
        refused(details(), "accountUnknown").await;
        assert_eq!(world.bank.asked_to_pay(), 0);
        let world = World::new();
        let place = world.subject(kind).await;
        let refused = async |details: Value, reason: &str| {
            let (status, state, body) = world.state(post(place.penny(), details)).await;
            assert_eq!((status, state.as_str()), (200, "invalidBankDetails"), "{body}");
            assert_eq!(body["additionalInfo"]["reason"], reason);
        };
        for (check, reason) in [
            (NameCheck::ReferenceUnknown, "referenceUnknown"),
            (NameCheck::WrongParticipant, "wrongParticipant"),
            (NameCheck::BusinessMatched, "accountType"),
            (NameCheck::NotEnrolled, "unverifiable"),
        ] {
            world.bank.answer_name(check);
            refused(details(), reason).await;
        }
        assert_eq!(world.bank.asked_to_pay(), 0);
        world.bank.answer_name(NameCheck::Matched);
        world.bank.answer_penny(PennyOutcome::Rejected(Rejection::Account), false);
        refused(details(), "payment").await;
        // None of them counts: both codes are still to be had.
        assert_eq!(penny(&world, &place).await.0["remainingPasscodes"], 1);
    }
}

/// Where there is a directory of sort codes, the account's bank is not asked about one that it does not have.
#[tokio::test]
async fn a_sort_code_that_the_directory_does_not_have() {
    use crate::bank::{TextPlace, directory};
    for (rows, reason) in [
        ("202959,accepting\n", None),
        ("202959,closed\n", Some("sortCode")),
        ("202960,accepting\n", Some("sortCode")),
    ] {
        let mut world = World::new();
        world.penny.bank.directory = Some(directory::source(TextPlace::Packaged(rows)));
        let place = world.subject(Kind::Application).await;
        let (_, state, body) = world.state(post(place.penny(), details())).await;
        match reason {
            None => assert_eq!(state, "initiated"),
            Some(reason) => {
                assert_eq!(state, "invalidBankDetails");
                assert_eq!(body["additionalInfo"]["reason"], reason, "{rows}");
                assert_eq!(world.bank.asked_for_names(), 0, "{rows}");
            }
        }
    }
}

#[tokio::test]
async fn address_details_missing() {
    for kind in BOTH {
        for missing in ["houseNumber", "townOrCity", "postcode"] {
            let world = World::new();
            let mut person = person();
            person["address"].as_object_mut().unwrap().remove(missing);
            let place = world.subject_of(kind, person).await;
            let (status, state, _) = world.state(post(place.penny(), details())).await;
            assert_eq!((status, state.as_str()), (200, "addressDetailsMissing"), "{missing}");
            assert_eq!(world.bank.asked_to_pay(), 0);
        }
    }
}

#[tokio::test]
async fn invalid_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (session, code) = penny(&world, &place).await;
        let path = place.validate("pennydrop", &session);
        let tried = post(path.clone(), json!({ "passcode": wrong(&code) }));
        let (status, state, answer) = world.state(tried).await;
        assert_eq!((status, state.as_str()), (200, "invalid"));
        assert_eq!(answer["remainingAttempts"], 1);
        let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
        assert_eq!(state, "authenticated");
    }
}

#[tokio::test]
async fn expired_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (session, code) = penny(&world, &place).await;
        world.pass_ms(259_200_000);
        let path = place.validate("pennydrop", &session);
        for expected in ["expired", "expired", "expired", "failed"] {
            let tried = post(path.clone(), json!({ "passcode": code }));
            assert_eq!(world.state(tried).await.1, expected);
        }
    }
}

#[tokio::test]
async fn invalid_request_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (session, _) = penny(&world, &place).await;
        let path = place.validate("pennydrop", &session);
        for body in ["", "[]", "{}", r#"{"passcode":"123x"}"#, r#"{"passcode":"12345"}"#] {
            let call = post(path.clone(), json!({})).raw(body);
            let (status, state, _) = world.state(call).await;
            assert_eq!((status, state.as_str()), (400, "invalidRequest"), "{body}");
        }
        let (_, _, body) = world.state(get(place.session("pennydrop", &session))).await;
        assert_eq!(body["remainingAttempts"], 2, "none of them was an attempt");
        let call = post(place.penny(), json!({})).raw("[]");
        let (status, state, _) = world.state(call).await;
        assert_eq!((status, state.as_str()), (400, "invalidRequest"));
    }
}

#[tokio::test]
async fn not_found_for_a_superseded_penny_drop() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (first, code) = penny(&world, &place).await;
        penny(&world, &place).await;
        let path = place.validate("pennydrop", &first);
        let (status, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
        assert_eq!((status, state.as_str()), (404, "notFound"));
    }
}
