//! An idempotency key gets its first answer again, also one that says no, and asks no bank a second time.

use crate::bank::{NameCheck, PennyOutcome, Rejection};

use super::penny_statuses::{details, penny};
use super::*;

/// The same request again gets the same answer; another body under its key is a mistake.
async fn is_kept(world: &World, path: &str, body: &Value) {
    let first = world.send(post(path, body.clone()).key("k")).await;
    let asked = (world.bank.asked_for_names(), world.bank.asked_to_pay());
    assert_eq!(world.send(post(path, body.clone()).key("k")).await, first, "{path}");
    assert_eq!((world.bank.asked_for_names(), world.bank.asked_to_pay()), asked, "{path}");
    let mut other = body.clone();
    other["journeyId"] = "another".into();
    assert_eq!(world.send(post(path, other).key("k")).await.0, 409, "{path} {first:?}");
}

#[tokio::test]
async fn a_refused_account_is_asked_about_once() {
    for check in [NameCheck::NotMatched, NameCheck::AccountUnknown] {
        let world = World::new();
        let place = world.subject(Kind::Application).await;
        world.bank.answer_name(check);
        is_kept(&world, &place.penny(), &details()).await;
        assert_eq!(world.bank.asked_for_names(), 1);
        // What would be answered now does not matter.
        world.bank.answer_name(NameCheck::Matched);
        let (_, state, _) = world.state(post(place.penny(), details()).key("k")).await;
        assert_eq!(state, "invalidBankDetails");
        let (_, state, _) = world.state(post(place.penny(), details()).key("k-2")).await;
        assert_eq!(state, "initiated");
    }
}

#[tokio::test]
async fn every_answer_of_an_initiate_is_kept() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    world.bank.answer_penny(PennyOutcome::Rejected(Rejection::Account), false);
    is_kept(&world, &place.penny(), &details()).await;
    let place = world.subject(Kind::Application).await;
    let bad = json!({ "sortCode": "000100", "bankAccount": "80000000" });
    is_kept(&world, &place.penny(), &bad).await;
    let mut nowhere = person();
    nowhere["address"].as_object_mut().unwrap().remove("postcode");
    let place = world.subject_of(Kind::Application, nowhere).await;
    is_kept(&world, &place.penny(), &details()).await;
    // A double click, and a journey that is done.
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    is_kept(&world, &place.otp(), &json!({})).await;
    world.try_code(&place, &session, &world.code()).await;
    let (_, state, _) = world.state(post(place.otp(), json!({})).key("k")).await;
    assert_eq!(state, "duplicate", "as it was answered first");
    let (_, state, _) = world.state(post(place.otp(), json!({})).key("done")).await;
    assert_eq!(state, "authenticated");
    let path = place.validate("otp", &session);
    let body = json!({ "passcode": world.code() });
    assert_eq!(world.state(post(path.clone(), body).key("v")).await.1, "authenticated");
    let body = json!({ "passcode": world.wrong() });
    assert_eq!(world.send(post(path, body).key("v")).await.0, 409);
}

/// What says when to come again may be asked again with the same key.
#[tokio::test]
async fn an_answer_that_says_when_to_come_again_is_not_kept() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    for _ in 0..2 {
        penny(&world, &place).await;
        world.pass_ms(1_000);
    }
    let (_, state, _) = world.state(post(place.penny(), details()).key("k")).await;
    assert_eq!(state, "noMoreCodes");
    world.pass(SignedDuration::from_hours(20 + 4));
    let (_, state, _) = world.state(post(place.penny(), details()).key("k")).await;
    assert_eq!(state, "initiated");
    let place = world.subject(Kind::Application).await;
    world.bank.answer_penny(PennyOutcome::Rejected(Rejection::NotSent), false);
    assert_eq!(world.send(post(place.penny(), details()).key("k")).await.0, 503);
    let (_, state, _) = world.state(post(place.penny(), details()).key("k")).await;
    assert_eq!(state, "initiated");
}

/// Another request with the same key was answered while this one's penny was under way: what was paid is noted all the same.
#[tokio::test]
async fn what_was_paid_is_noted_though_its_key_was_answered_meanwhile() {
    use crate::answer::Answer;
    use crate::opening::Once;
    let other = json!({ "sortCode": "202959", "bankAccount": "63748472", "journeyId": "other" });
    for (body, status) in [(details(), 200), (other, 503)] {
        let world = Arc::new(World::new());
        let place = world.subject(Kind::Application).await;
        let (of, call) = (Arc::clone(&world), post(place.penny(), body).key("k"));
        world.bank.meanwhile(async move {
            // On a thread of its own, as another function is.
            let answering = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(async {
                    let request = call.request();
                    let caller = request.caller().unwrap();
                    let once = Once::of(&of.core, &caller, &request).await.unwrap();
                    let Ok(once) = once else { panic!("nothing is kept yet") };
                    let answer = Answer::of("duplicate").reply().unwrap();
                    once.answered(&of.core, answer).await.unwrap();
                });
            });
            answering.join().unwrap();
        });
        let (found, answer) = world.send(post(place.penny(), details()).key("k")).await;
        assert_eq!(found, status, "{answer}");
        // The one answer that there was; or, of another request's, that this one's session stands.
        assert_eq!(answer["state"] == "duplicate", status == 200, "{answer}");
        assert_eq!(answer["authId"].is_string(), status == 503, "{answer}");
        assert_eq!(world.told().await, [("Initiated".to_owned(), None)]);
    }
}
