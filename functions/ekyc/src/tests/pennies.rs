//! Payments whose end is not known at once.

use crate::bank::{NameCheck, PaymentId, PaymentState, PennyOutcome, Rejection};
use crate::reconcile::reconcile;

use super::*;

fn details() -> Value {
    json!({ "sortCode": "202959", "bankAccount": "63748472" })
}

async fn run(world: &World) -> Value {
    reconcile(&world.penny, json!({})).await.unwrap()
}

fn auth(body: &Value) -> uuid::Uuid {
    domain::ids::AuthId::parse(body["authId"].as_str().unwrap()).unwrap().uuid()
}

fn payment() -> PaymentId {
    PaymentId::parse("P1").unwrap()
}

/// An initiate whose outcome nobody knows; the penny left when `paid`.
async fn unknown(world: &World, place: &Place, paid: bool) -> Value {
    world.bank.answer_penny(PennyOutcome::Unknown, paid);
    let reply = world.reply(post(place.penny(), details())).await;
    assert_eq!((reply.status(), reply.header("retry-after")), (503, Some("30")));
    serde_json::from_str(reply.body()).unwrap()
}

#[tokio::test]
async fn an_unknown_payment_that_was_made_is_found_and_never_made_again() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = unknown(&world, &place, true).await;
    assert!(world.told().await.is_empty(), "nothing is told before it is known");
    let (_, state, status) = world.state(get(place.session("pennydrop", &session))).await;
    assert_eq!(
        (state.as_str(), &status["additionalInfo"]["payment"]),
        ("initiated", &json!("pending"))
    );
    assert_eq!(run(&world).await["settled"], 0, "too young");
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["settled"], 1);
    assert_eq!(run(&world).await["settled"], 0, "off the list");
    assert_eq!(world.told().await, [("Initiated".to_owned(), None)]);
    assert_eq!((world.bank.asked_to_pay(), world.bank.pennies().len()), (1, 1));
    let code = world.bank.code(auth(&session)).unwrap();
    let path = place.validate("pennydrop", &session);
    let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
    assert_eq!(state, "authenticated");
}

#[tokio::test]
async fn a_code_that_comes_before_the_reconciliation_is_told_whole_and_once() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = unknown(&world, &place, true).await;
    let code = world.bank.code(auth(&session)).unwrap();
    let path = place.validate("pennydrop", &session);
    let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
    assert_eq!(state, "authenticated");
    let both = [("Initiated".to_owned(), None), ("Authenticated".to_owned(), None)];
    assert_eq!(world.told().await, both);
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["settled"], 1);
    assert_eq!(world.told().await, both);
}

#[tokio::test]
async fn an_unknown_payment_that_was_not_made_gives_its_slot_back() {
    let world = World::new();
    let place = world.subject(Kind::Account).await;
    let session = unknown(&world, &place, false).await;
    let (_, _, status) = world.state(get(place.session("pennydrop", &session))).await;
    assert_eq!(status["remainingPasscodes"], 1);
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["notPaid"], 1);
    assert_eq!(world.told().await, [("Failed".to_owned(), Some("notPaid".to_owned()))]);
    let path = place.validate("pennydrop", &session);
    let (_, state, _) = world.state(post(path, json!({ "passcode": "1234" }))).await;
    assert_eq!(state, "notFound");
    let (_, state, body) = world.state(post(place.penny(), details())).await;
    assert_eq!((state.as_str(), &body["remainingPasscodes"]), ("initiated", &json!(1)));
}

#[tokio::test]
async fn a_code_that_came_back_before_the_payment_was_found_counts() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = unknown(&world, &place, true).await;
    let code = world.bank.code(auth(&session)).unwrap();
    let path = place.validate("pennydrop", &session);
    let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
    assert_eq!(state, "authenticated");
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["settled"], 1);
    let (_, state, _) = world.state(get(place.session("pennydrop", &session))).await;
    assert_eq!(state, "authenticated");
}

#[tokio::test]
async fn a_returned_payment_fails_its_session() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (_, _, session) = world.state(post(place.penny(), details())).await;
    world.pass(SignedDuration::from_mins(4));
    world.bank.set_state(auth(&session), PaymentState::Pending { payment: payment() });
    assert_eq!(run(&world).await["pending"], 1);
    world.bank.set_state(auth(&session), PaymentState::Unavailable);
    assert_eq!(run(&world).await["unclear"], 1);
    world.bank.set_state(auth(&session), PaymentState::Rejected(Rejection::Account));
    assert_eq!(run(&world).await["returned"], 1);
    assert_eq!(run(&world).await["returned"], 0);
    let (_, state, body) = world.state(get(place.session("pennydrop", &session))).await;
    assert_eq!(
        (state.as_str(), &body["additionalInfo"]["reason"]),
        ("failed", &json!("paymentReturned"))
    );
    let code = world.bank.code(auth(&session)).unwrap();
    let path = place.validate("pennydrop", &session);
    let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
    assert_eq!(state, "failed");
    let told = world.told().await;
    assert_eq!(told.last(), Some(&("Failed".to_owned(), Some("paymentReturned".to_owned()))));
    // The customer may try another account in the same journey.
    let (_, state, _) = world.state(post(place.penny(), details())).await;
    assert_eq!(state, "initiated");
}

#[tokio::test]
async fn a_payment_that_was_surely_not_made_frees_its_slot_at_once() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    for rejection in [Rejection::Provider, Rejection::NotSent] {
        world.bank.answer_penny(PennyOutcome::Rejected(rejection), false);
        let (status, body) = world.send(post(place.penny(), details())).await;
        assert_eq!((status, body.get("authId")), (503, None));
    }
    let (_, state, body) = world.state(post(place.penny(), details())).await;
    assert_eq!((state.as_str(), &body["remainingPasscodes"]), ("initiated", &json!(1)));
    assert_eq!(world.bank.pennies().len(), 1);
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["settled"], 1, "only the paid one is on the list");
}

#[tokio::test]
async fn a_name_check_without_an_answer_counts_nothing() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    world.bank.answer_name(NameCheck::Unavailable { retry_after_seconds: Some(7) });
    let reply = world.reply(post(place.penny(), details())).await;
    assert_eq!((reply.status(), reply.header("retry-after")), (503, Some("7")));
    world.bank.answer_name(NameCheck::Matched);
    let (_, _, body) = world.state(post(place.penny(), details())).await;
    assert_eq!(body["remainingPasscodes"], 1);
}

#[tokio::test]
async fn the_same_key_pays_once() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (_, first) = world.send(post(place.penny(), details()).key("k-1")).await;
    assert_eq!(world.send(post(place.penny(), details()).key("k-1")).await, (200, first.clone()));
    assert_eq!(world.bank.asked_to_pay(), 1);
    // A request whose process died after the payment is recognised by its key: the same session, no second penny.
    world.bank.answer_penny(PennyOutcome::Unknown, true);
    let (status, lost) = world.send(post(place.penny(), details()).key("k-2")).await;
    assert_eq!(status, 503);
    world.pass_ms(60_000);
    let (_, state, again) = world.state(post(place.penny(), details()).key("k-2")).await;
    assert_eq!((state.as_str(), &again["authId"]), ("duplicate", &lost["authId"]));
    assert_eq!(world.bank.asked_to_pay(), 2);
}

#[tokio::test]
async fn shapes_are_told_apart_from_refusals() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    for (body, fields) in [
        (json!({}), vec!["sortCode", "bankAccount"]),
        (json!({ "sortCode": "12345", "bankAccount": "1" }), vec!["sortCode", "bankAccount"]),
        (json!({ "sortCode": "20-29-59", "bankAccount": "12345678901" }), vec!["bankAccount"]),
        (json!({ "sortCode": 202959, "bankAccount": "12345678" }), vec!["sortCode"]),
    ] {
        let (status, state, answer) = world.state(post(place.penny(), body.clone())).await;
        assert_eq!((status, state.as_str()), (400, "invalidRequest"), "{body}");
        for field in fields {
            assert!(answer["errors"][field].is_array(), "{field}: {answer}");
        }
    }
    let spaced = json!({ "sortCode": "20-29-59", "bankAccount": "63748472" });
    assert_eq!(world.state(post(place.penny(), spaced)).await.1, "initiated");
}
