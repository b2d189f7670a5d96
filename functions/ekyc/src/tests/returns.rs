//! Pennies that arrive and come back.

use crate::bank::{PaymentId, PaymentState};
use crate::reconcile::reconcile;

use super::penny_statuses::{details, penny, uuid_of};
use super::*;

async fn run(world: &World) -> Value {
    reconcile(&world.penny, json!({})).await.unwrap()
}

/// The next look at a penny of any age, and what it found.
async fn look(world: &World) -> Value {
    world.pass(SignedDuration::from_hours(12));
    run(world).await
}

async fn validate(world: &World, place: &Place, session: &Value, code: &str) -> String {
    let path = place.validate("pennydrop", session);
    world.state(post(path, json!({ "passcode": code }))).await.1
}

fn settled() -> PaymentState {
    PaymentState::Settled { payment: PaymentId::parse("P1").unwrap() }
}

const RETURNED: (&str, &str) = ("Failed", "paymentReturned");

#[tokio::test]
async fn a_penny_that_comes_back_before_its_code_verifies_nothing() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (session, code) = penny(&world, &place).await;
        world.bank.set_state(uuid_of(&session), settled());
        assert_eq!(look(&world).await["settled"], 1);
        assert_eq!(look(&world).await["settled"], 1, "it has arrived and is followed");
        world.bank.set_state(uuid_of(&session), PaymentState::Returned);
        assert_eq!(look(&world).await["returned"], 1);
        let path = place.validate("pennydrop", &session);
        let (_, state, body) = world.state(post(path, json!({ "passcode": code }))).await;
        let reason = &body["additionalInfo"]["reason"];
        assert_eq!((state.as_str(), reason), ("failed", &json!("paymentReturned")));
        assert_eq!(world.proofs(&place).await, []);
        let told = world.told().await;
        let last = told.last().map(|(step, why)| (step.as_str(), why.as_deref().unwrap_or("")));
        assert_eq!((told.len(), last), (2, Some(RETURNED)));
        assert_eq!(look(&world).await["returned"], 0, "off the list");
        assert_eq!(world.bank.asked_to_pay(), 1);
    }
}

#[tokio::test]
async fn a_penny_that_comes_back_later_takes_its_proof_with_it() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (session, code) = penny(&world, &place).await;
        world.bank.set_state(uuid_of(&session), settled());
        assert_eq!(look(&world).await["settled"], 1);
        assert_eq!(validate(&world, &place, &session, &code).await, "authenticated");
        assert_eq!(world.proofs(&place).await.len(), 1);
        world.bank.set_state(uuid_of(&session), PaymentState::Returned);
        assert_eq!(look(&world).await["returned"], 1);
        assert_eq!(world.proofs(&place).await, [], "and the audit chain says so");
        let told = world.told().await;
        let steps: Vec<&str> = told.iter().map(|(step, _)| step.as_str()).collect();
        assert_eq!(steps, ["Initiated", "Authenticated", "Failed"]);
        let at = place.session("pennydrop", &session);
        let (_, state, body) = world.state(get(at)).await;
        let reason = &body["additionalInfo"]["reason"];
        assert_eq!((state.as_str(), reason), ("failed", &json!("paymentReturned")));
        assert_eq!(validate(&world, &place, &session, &code).await, "failed");
        // The customer may try another account in the same journey.
        let (again, code) = penny(&world, &place).await;
        assert_eq!(again["journeyId"], session["journeyId"]);
        assert_eq!(validate(&world, &place, &again, &code).await, "authenticated");
        assert_eq!(world.proofs(&place).await.len(), 1);
    }
}

/// Its code came back before its payment was noted, and it before anybody looked.
#[tokio::test]
async fn a_penny_that_nobody_noted_takes_its_proof_with_it_too() {
    use crate::bank::PennyOutcome;
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    world.bank.answer_penny(PennyOutcome::Unknown, true);
    let (status, session) = world.send(post(place.penny(), details())).await;
    assert_eq!(status, 503);
    let code = world.bank.code(uuid_of(&session)).unwrap();
    assert_eq!(validate(&world, &place, &session, &code).await, "authenticated");
    world.bank.set_state(uuid_of(&session), PaymentState::Returned);
    assert_eq!(look(&world).await["returned"], 1);
    assert_eq!(world.proofs(&place).await, []);
    let told = world.told().await;
    let steps: Vec<&str> = told.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(steps, ["Initiated", "Authenticated", "Failed"]);
}

/// It came back before anybody noted or knew it: the story is told whole, and the slot is free.
#[tokio::test]
async fn a_penny_that_nobody_saw_and_that_came_back_was_not_paid() {
    use crate::bank::{PennyOutcome, Rejection};
    for (state, reason) in [
        (PaymentState::Returned, "payment"),
        (PaymentState::Rejected(Rejection::Account), "payment"),
        (PaymentState::Rejected(Rejection::Provider), "notPaid"),
    ] {
        let world = World::new();
        let place = world.subject(Kind::Account).await;
        world.bank.answer_penny(PennyOutcome::Unknown, true);
        let (_, session) = world.send(post(place.penny(), details())).await;
        world.bank.set_state(uuid_of(&session), state);
        assert_eq!(look(&world).await["notPaid"], 1);
        let told = [("Initiated".to_owned(), None), ("Failed".to_owned(), Some(reason.to_owned()))];
        assert_eq!(world.told().await, told);
        assert_eq!(penny(&world, &place).await.0["remainingPasscodes"], 1);
    }
}

/// What another session has proved since is not this one's to take back.
#[tokio::test]
async fn a_later_proof_stays() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (first, code) = penny(&world, &place).await;
    assert_eq!(validate(&world, &place, &first, &code).await, "authenticated");
    let mut body = details();
    body["journeyId"] = "another".into();
    let (_, _, second) = world.state(post(place.penny(), body)).await;
    let code = world.bank.code(uuid_of(&second)).unwrap();
    assert_eq!(validate(&world, &place, &second, &code).await, "authenticated");
    world.bank.set_state(uuid_of(&first), PaymentState::Returned);
    assert_eq!(look(&world).await["returned"], 1);
    assert_eq!(world.proofs(&place).await.len(), 1);
    let at = place.session("pennydrop", &first);
    assert_eq!(world.state(get(at)).await.1, "failed");
    let at = place.session("pennydrop", &second);
    assert_eq!(world.state(get(at)).await.1, "authenticated");
}

#[tokio::test]
async fn a_penny_is_followed_for_two_weeks_and_no_longer() {
    let world = World::new();
    let place = world.subject(Kind::Account).await;
    let (session, _) = penny(&world, &place).await;
    let mut looks = 0;
    for _ in 0..14 * 24 * 2 {
        world.pass(SignedDuration::from_mins(30));
        looks += run(&world).await["settled"].as_u64().unwrap();
    }
    assert!((20..50).contains(&looks), "{looks} looks");
    // The last one, which ends it.
    assert_eq!(look(&world).await["settled"], 1);
    world.bank.set_state(uuid_of(&session), PaymentState::Returned);
    assert_eq!(look(&world).await["returned"], 0);
    assert_eq!(world.told().await.len(), 1);
}

#[tokio::test]
async fn a_penny_of_a_session_that_has_ended_proves_nothing_either_way() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (session, code) = penny(&world, &place).await;
    for _ in 0..2 {
        validate(&world, &place, &session, &wrong(&code)).await;
    }
    let before = world.told().await;
    assert_eq!(before.len(), 2);
    world.bank.set_state(uuid_of(&session), PaymentState::Returned);
    assert_eq!(look(&world).await["returned"], 1);
    assert_eq!(world.told().await, before, "it failed once");
    assert_eq!(look(&world).await["returned"], 0);
}
