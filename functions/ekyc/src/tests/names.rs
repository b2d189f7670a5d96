//! Name checks are counted, so that nobody can ask for account after account whose it is.

use crate::bank::NameCheck;

use super::concurrency::together;
use super::penny_statuses::details;
use super::*;

#[tokio::test]
async fn whose_account_it_is_is_asked_so_often_and_no_more() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        world.bank.answer_name(NameCheck::NotMatched);
        for _ in 0..6 {
            let (_, state, _) = world.state(post(place.penny(), details())).await;
            assert_eq!(state, "invalidBankDetails");
            world.pass_ms(60_000);
        }
        // Matching or not, nothing is learned any more, and the bank is not asked.
        world.bank.answer_name(NameCheck::Matched);
        let reply = world.reply(post(place.penny(), details())).await;
        let body: Value = serde_json::from_str(reply.body()).unwrap();
        assert_eq!(reply.status(), 429);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["type"], "urn:gatehouse:problem:too-many-requests");
        // The first of the six leaves the window a day after it was asked.
        let wait = 86_400 - 360;
        assert_eq!(reply.header("retry-after"), Some(wait.to_string().as_str()));
        assert_eq!((world.bank.asked_for_names(), world.bank.asked_to_pay()), (6, 0));
        // What needs no bank is answered still.
        let bad = json!({ "sortCode": "000100", "bankAccount": "80000000" });
        assert_eq!(world.state(post(place.penny(), bad)).await.1, "invalidBankDetails");
        world.pass_ms(wait * 1_000 - 1);
        assert_eq!(world.send(post(place.penny(), details())).await.0, 429);
        world.pass_ms(1);
        assert_eq!(world.state(post(place.penny(), details())).await.1, "initiated");
        // Another subject has its own.
        let other = world.subject_of(Kind::Application, person()).await;
        assert_eq!(world.state(post(other.penny(), details())).await.1, "initiated");
    }
}

#[tokio::test]
async fn fifty_at_once_ask_exactly_six_times() {
    let world = World::new();
    let place = world.subject(Kind::Account).await;
    world.bank.answer_name(NameCheck::NotMatched);
    let mut refused = 0;
    // Who met others too often was told to come again, and does.
    for _ in 0..10 {
        let calls = (0..50).map(|_| post(place.penny(), details())).collect();
        let answers = together(&world, calls);
        refused += answers.iter().filter(|(_, state)| state == "invalidBankDetails").count();
        assert!(answers.iter().all(|(status, _)| [200, 409, 429].contains(status)), "{answers:?}");
        if answers.iter().all(|(status, _)| *status == 429) {
            break;
        }
    }
    assert_eq!((refused, world.bank.asked_for_names()), (6, 6));
}

#[tokio::test]
async fn a_check_that_told_nothing_is_not_counted() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    world.bank.answer_name(NameCheck::Unavailable { retry_after_seconds: None });
    for _ in 0..10 {
        assert_eq!(world.send(post(place.penny(), details())).await.0, 503);
    }
    world.bank.answer_name(NameCheck::Matched);
    let (_, state, body) = world.state(post(place.penny(), details())).await;
    assert_eq!((state.as_str(), &body["remainingPasscodes"]), ("initiated", &json!(1)));
}

/// Our own payments are in trouble: the customer comes again as told, and finds the checks that there were.
#[tokio::test]
async fn a_penny_that_was_not_paid_because_of_us_costs_no_check() {
    use crate::bank::{PennyOutcome, Rejection};
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        for round in 0..7 {
            let why = if round % 2 == 0 { Rejection::Provider } else { Rejection::NotSent };
            world.bank.answer_penny(PennyOutcome::Rejected(why), false);
            let reply = world.reply(post(place.penny(), details())).await;
            assert_eq!((reply.status(), reply.header("retry-after")), (503, Some("30")));
            world.pass_ms(30_000);
        }
        let (_, state, body) = world.state(post(place.penny(), details())).await;
        assert_eq!((state.as_str(), &body["remainingPasscodes"]), ("initiated", &json!(1)));
        // One that is refused because of the account has told something, and counts.
        for _ in 0..5 {
            world.bank.answer_penny(PennyOutcome::Rejected(Rejection::Account), false);
            let (_, state, _) = world.state(post(place.penny(), details())).await;
            assert_eq!(state, "invalidBankDetails");
        }
        assert_eq!(world.send(post(place.penny(), details())).await.0, 429);
    }
}

/// A configuration that is older than this limit has its default.
#[tokio::test]
async fn sessions_and_configurations_of_before_have_the_default() {
    use domain::ekyc::{Limits, Method};
    let limits = Limits::of(Method::PennyDrop);
    let mut json = serde_json::to_value(&limits).unwrap();
    json.as_object_mut().unwrap().remove("maximumNumberOfNameChecksPerDuration").unwrap();
    assert_eq!(serde_json::from_value::<Limits>(json).unwrap(), limits);
}
