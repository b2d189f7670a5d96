//! Nothing is sent to, paid to or asked about a customer who is not active any more; and a lock that met another write.

use domain::ekyc::{Limits, Method};
use domain::ids::ApplicationId;
use store::ekyc::Ekyc;

use crate::opening::{Decided, Once, Wish, decide, look};

use super::penny_statuses::details;
use super::*;

async fn deactivate(world: &World, place: &Place) {
    let (_, subject) = world.send(get(place.0.clone())).await;
    let id = CustomerId::parse(subject["customerId"].as_str().unwrap()).unwrap();
    let partner = PartnerId::parse(ONE).unwrap();
    let before = world.customers.get(partner, id).await.unwrap().unwrap();
    let now = world.clock.now();
    let mut after = before.clone();
    let change = after.deactivate(now);
    let actor = Actor {
        client: ClientId::parse("client-1").unwrap(),
        who: "client-1".to_owned(),
        source_ip: None,
        request_id: "r-0".to_owned(),
    };
    let commit = Commit {
        before: Some(&before),
        after: &after,
        change: &change,
        actor: &actor,
        now,
        owner: None,
        evidence: Vec::new(),
    };
    world.customers.commit(commit).await.unwrap();
}

#[tokio::test]
async fn an_inactive_customer_initiates_nothing() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let code = world.code();
        deactivate(&world, &place).await;
        world.pass_ms(11_000);
        for call in [
            post(place.otp(), json!({})),
            post(place.otp(), json!({ "journeyId": "another" })),
            post(place.resend(&session), json!({})),
            post(place.penny(), details()),
            put(place.0.clone(), person()),
        ] {
            let what = format!("{} {}", call.method, call.path);
            let (status, body) = world.send(call).await;
            assert_eq!(status, 400, "{what}: {body}");
            let told = json!({ "customerId": ["does not refer to an active customer"] });
            assert_eq!(body["errors"], told, "{what}: as every other route of a subject");
        }
        assert_eq!(world.sent.all().len(), 1);
        assert_eq!((world.bank.asked_for_names(), world.bank.asked_to_pay()), (0, 0));
        // A code that is on its way proves what it proves.
        assert_eq!(world.try_code(&place, &session, &code).await.0, "authenticated");
    }
}

/// Whoever decided to lock, and met another write, decides again: a lock is not lost.
#[tokio::test]
async fn a_lock_that_met_another_write_is_decided_again() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    for _ in 0..3 {
        world.initiate(&place).await;
        world.pass_ms(11_000);
    }
    let application = ApplicationId::parse(place.0.rsplit('/').next().unwrap()).unwrap();
    let at = Ekyc::application(PartnerId::parse(ONE).unwrap(), application);
    let limits = Limits::of(Method::Otp);
    let once = Once { record: None, name: None };
    let wish = Wish { method: Method::Otp, destination: None, once: &once };
    let now = world.core.now();
    let mut stale = look(&world.core, &at, Method::Otp, None, false).await.unwrap();
    stale.issues.version -= 1;
    let decided = decide(&world.core, &at, &stale, &wish, &limits, now).await.unwrap();
    assert!(matches!(decided, Decided::Again));
    let fresh = look(&world.core, &at, Method::Otp, None, false).await.unwrap();
    assert_eq!(fresh.issues.lock_until, None);
    let decided = decide(&world.core, &at, &fresh, &wish, &limits, now).await.unwrap();
    assert!(matches!(decided, Decided::Answer(_)));
    let locked = look(&world.core, &at, Method::Otp, None, false).await.unwrap();
    assert_eq!(locked.issues.lock_until, Some(now + SignedDuration::from_hours(1)));
}
