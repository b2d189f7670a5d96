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
    // One look is not enough: a request may be on its way for longer than anybody thinks.
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["unclear"], 1);
    world.pass(SignedDuration::from_secs(599));
    assert_eq!(run(&world).await["notPaid"], 0, "not before ten minutes have passed");
    assert!(world.told().await.is_empty());
    world.pass(SignedDuration::from_secs(1));
    assert_eq!(run(&world).await["notPaid"], 1);
    let both = [("Initiated".to_owned(), None), ("Failed".to_owned(), Some("notPaid".to_owned()))];
    assert_eq!(world.told().await, both);
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
    assert_eq!(run(&world).await["pending"], 0, "it has been looked at");
    world.bank.set_state(auth(&session), PaymentState::Unavailable);
    world.pass(SignedDuration::from_mins(5));
    assert_eq!(run(&world).await["unclear"], 1);
    world.bank.set_state(auth(&session), PaymentState::Rejected(Rejection::Account));
    world.pass(SignedDuration::from_mins(5));
    assert_eq!(run(&world).await["returned"], 1);
    world.pass(SignedDuration::from_hours(1));
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
async fn a_payment_that_shows_late_was_paid() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = unknown(&world, &place, true).await;
    world.bank.set_state(auth(&session), PaymentState::NotFound);
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["unclear"], 1);
    world.bank.set_state(auth(&session), PaymentState::Settled { payment: payment() });
    world.pass(SignedDuration::from_mins(10));
    assert_eq!(run(&world).await["settled"], 1);
    let (_, state, body) = world.state(get(place.session("pennydrop", &session))).await;
    assert_eq!((state.as_str(), &body["remainingPasscodes"]), ("initiated", &json!(1)));
    assert_eq!((world.bank.asked_to_pay(), world.bank.pennies().len()), (1, 1));
}

/// More than a run takes of one shard, and a provider that says nothing of them.
#[tokio::test]
async fn what_cannot_be_settled_keeps_nobody_waiting() {
    use store::ekyc::{Ekyc, Penny, PennyPhase};
    use uuid::Uuid;
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (_, _, session) = world.state(post(place.penny(), details())).await;
    let good = auth(&session);
    let partner = PartnerId::parse(ONE).unwrap();
    let since = world.clock.now() - SignedDuration::from_hours(1);
    let at = Ekyc::application(partner, domain::ids::ApplicationId::from(Uuid::nil()));
    for number in 0..150_u128 {
        // The last byte chooses the shard: the good one's.
        let stuck = Uuid::from_u128(number << 64 | u128::from(good.as_bytes()[15]));
        world.bank.set_state(stuck, PaymentState::Unavailable);
        let penny = Penny {
            partner,
            subject: at.subject.as_str().to_owned(),
            customer: domain::ids::CustomerId::from(Uuid::nil()),
            journey: domain::ekyc::JourneyId::parse("j").unwrap(),
            auth: domain::ids::AuthId::from(stuck),
            since,
            due: since,
            phase: PennyPhase::Accepted,
            payment: None,
            missing_since: None,
            settled_at: None,
        };
        let mut transaction = store::Transaction::new();
        world.core.ekyc.put_penny(&mut transaction, &penny).unwrap();
        transaction.commit(world.core.table()).await.unwrap();
    }
    world.pass(SignedDuration::from_mins(4));
    let first = run(&world).await;
    assert_eq!((&first["unclear"], &first["settled"]), (&json!(100), &json!(0)));
    let second = run(&world).await;
    assert_eq!((&second["unclear"], &second["settled"]), (&json!(50), &json!(1)));
    let third = run(&world).await;
    assert_eq!((&third["unclear"], &third["settled"]), (&json!(0), &json!(0)), "nothing is due");
    world.pass(SignedDuration::from_mins(40));
    let again = run(&world).await;
    let looks = again["unclear"].as_u64().unwrap() + again["settled"].as_u64().unwrap();
    assert_eq!(looks, 100, "and they come again");
}

/// An entry that is not as written fails the run, which an alarm shows, and hides no other.
#[tokio::test]
async fn an_entry_that_cannot_be_read_hides_no_other() {
    use store::{Expression, Item};
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (_, _, session) = world.state(post(place.penny(), details())).await;
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    for shard in 0..4 {
        let key = [("pk", format!("PENNY#{shard}")), ("sk", "0000000000001#x".to_owned())];
        let item: Item = key.iter().map(|(name, of)| ((*name).to_owned(), text(of))).collect();
        world.database.customers().put(item, Expression::absent()).await.unwrap();
    }
    world.pass(SignedDuration::from_mins(4));
    assert!(reconcile(&world.penny, json!({})).await.is_err());
    // It was looked at all the same.
    world.bank.set_state(auth(&session), PaymentState::Returned);
    world.pass(SignedDuration::from_mins(1));
    assert!(reconcile(&world.penny, json!({})).await.is_err());
    assert_eq!(world.told().await.len(), 1, "its next look is not due yet");
    world.pass(SignedDuration::from_mins(5));
    assert!(reconcile(&world.penny, json!({})).await.is_err());
    assert_eq!(world.told().await.len(), 2);
}
