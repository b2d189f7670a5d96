//! The story that a partner is told of a session has a beginning, whoever died meanwhile.

use domain::ekyc::{JourneyId, Method, SessionState};
use domain::ids::{ApplicationId, AuthId};
use store::ekyc::{Ekyc, Slot};

use crate::opening::{Note, Once, note_sent};
use crate::senders::SendError;

use super::*;

/// A session whose process died after the send: nobody has noted it, and its code is known.
async fn unnoted(world: &World, place: &Place) -> (Value, String) {
    world.sent.fail_next(SendError::Unknown("a timeout".into()));
    let (status, lost) = world.send(post(place.otp(), json!({}))).await;
    assert_eq!(status, 503);
    assert!(world.told().await.is_empty());
    (lost, world.code())
}

async fn steps(world: &World) -> Vec<String> {
    world.told().await.into_iter().map(|(step, _)| step).collect()
}

/// What the slow sender does when it comes to its end at last.
async fn note_late(world: &World, place: &Place, session: &Value) {
    let application = ApplicationId::parse(place.0.rsplit('/').next().unwrap()).unwrap();
    let at = Ekyc::application(PartnerId::parse(ONE).unwrap(), application);
    let auth = AuthId::parse(session["authId"].as_str().unwrap()).unwrap();
    let journey = JourneyId::parse(session["journeyId"].as_str().unwrap()).unwrap();
    let slot = Slot { place: &at, method: Method::Otp, journey: &journey, auth };
    let (_, subject) = world.send(get(place.0.clone())).await;
    let customer = CustomerId::parse(subject["customerId"].as_str().unwrap()).unwrap();
    let note = Note { first: Some(customer), provider: Some("m-1"), guard: None, penny: None };
    let once = Once { record: None, name: None };
    let reply = Reply::ok(&json!({})).unwrap();
    note_sent(&world.core, &slot, &note, &once, reply).await.unwrap();
}

#[tokio::test]
async fn a_session_that_fails_by_wrong_codes_before_it_was_noted() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (lost, code) = unnoted(&world, &place).await;
    for _ in 0..3 {
        world.try_code(&place, &lost, &wrong(&code)).await;
    }
    assert_eq!(steps(&world).await, ["Initiated", "Failed"]);
    note_late(&world, &place, &lost).await;
    assert_eq!(steps(&world).await, ["Initiated", "Failed"], "it is not told again");
    // Nor when another session has taken its place.
    world.initiate(&place).await;
    note_late(&world, &place, &lost).await;
    assert_eq!(steps(&world).await, ["Initiated", "Failed", "Initiated"]);
}

#[tokio::test]
async fn a_session_that_fails_by_late_codes_before_it_was_noted() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (lost, code) = unnoted(&world, &place).await;
    world.pass_ms(600_000);
    for _ in 0..4 {
        world.try_code(&place, &lost, &code).await;
    }
    assert_eq!(steps(&world).await, ["Initiated", "Failed"]);
}

#[tokio::test]
async fn a_session_that_fails_with_its_journey_before_it_was_noted() {
    let world = World::new();
    let keys = json!({
        "maximumNumberOfInvalidValidates": 3,
        "maximumNumberOfInvalidValidatesPerSession": 2,
    });
    world.configure("otp", keys).await;
    let place = world.subject(Kind::Application).await;
    let first = world.initiate(&place).await;
    for _ in 0..2 {
        world.try_code(&place, &first, &world.wrong()).await;
    }
    world.pass_ms(11_000);
    world.sent.fail_next(SendError::Unknown("a timeout".into()));
    let (_, second) = world.send(post(place.otp(), json!({}))).await;
    world.try_code(&place, &second, &world.wrong()).await;
    assert_eq!(steps(&world).await, ["Initiated", "Failed", "Initiated", "Failed"]);
}

#[tokio::test]
async fn a_beginning_is_told_once_however_often_it_is_noted() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (lost, _) = unnoted(&world, &place).await;
    let (_, state, _) = world.state(post(place.resend(&lost), json!({}))).await;
    assert_eq!(state, "initiated");
    assert_eq!(steps(&world).await, ["Initiated"], "the resend noted it");
    note_late(&world, &place, &lost).await;
    assert_eq!(steps(&world).await, ["Initiated"]);
}

/// A claim is abandoned, and the next initiate ends the session that nobody ended.
#[tokio::test]
async fn a_session_that_somebody_else_ends_is_told_whole() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (lost, code) = unnoted(&world, &place).await;
    let application = ApplicationId::parse(place.0.rsplit('/').next().unwrap()).unwrap();
    let at = Ekyc::application(PartnerId::parse(ONE).unwrap(), application);
    let auth = AuthId::parse(lost["authId"].as_str().unwrap()).unwrap();
    let journey = JourneyId::parse(lost["journeyId"].as_str().unwrap()).unwrap();
    let slot = Slot { place: &at, method: Method::Otp, journey: &journey, auth };
    let limits = domain::ekyc::Limits::of(Method::Otp);
    for _ in 0..3 {
        world.core.ekyc.claim(&slot, &limits, world.core.now()).await.unwrap();
    }
    world.pass_ms(60_001);
    assert_eq!(world.try_code(&place, &lost, &code).await.0, "failed");
    assert_eq!(steps(&world).await, ["Initiated", "Failed"]);
    let held = world.core.ekyc.journey(&at, Method::Otp, &journey).await.unwrap().unwrap();
    assert_eq!(held.live(auth).map(|live| live.state), Some(SessionState::Failed));
}
