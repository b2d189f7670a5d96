//! Registrations for signed events: what they take, and exchanging their secret.

use domain::ids::RegistrationId;
use http_api::{Contract, Failure};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::common::{ONBOARDED, World, caller, push, request, value};
use crate::signed::{register, verifies};

const CHANGED: &str = "customer.event.v1";
const ROTATE: &str = "/webhooks/v1/registrations/{registrationId}/rotate-secret";
const ONE: &str = "/webhooks/v1/registrations/{registrationId}";

fn codes(failure: Failure) -> (u16, Vec<i64>) {
    let reply = failure.into_reply(Contract::Cos);
    let errors = value(&reply)["Errors"].as_array().unwrap().clone();
    (reply.status(), errors.iter().map(|error| error["Code"].as_i64().unwrap()).collect())
}

async fn rotate(
    world: &World,
    id: RegistrationId,
    body: &str,
    key: Option<&str>,
) -> Result<Value, Failure> {
    let id = id.to_string();
    let path = [("registrationId", id.as_str())];
    world.send(&request("POST", ROTATE, &path, &[], body, key)).await.map(|reply| value(&reply))
}

#[tokio::test]
async fn a_secret_is_in_the_answer_that_makes_it_and_in_no_other() {
    let world = World::new();
    let (id, secret) = register(&world, CHANGED).await;
    let id = id.to_string();
    let path = [("registrationId", id.as_str())];
    for reply in [
        world.call("GET", ONE, &path, &[], "").await.unwrap(),
        world.call("GET", "/webhooks/v1/registrations", &[], &[], "").await.unwrap(),
        world.call("PUT", ONE, &path, &[], &push(CHANGED).to_string()).await.unwrap(),
        world.call("DELETE", ONE, &path, &[], "").await.unwrap(),
    ] {
        assert!(!reply.body().contains(&secret) && !reply.body().contains("signingSecret"));
        assert!(!reply.body().contains("format"), "events of this name have one format");
    }
    let stored = format!("{:?}", world.database.dump(world.webhooks.table()).await);
    assert!(!stored.contains(secret.strip_prefix("whsec_").unwrap()));

    let body = push(ONBOARDED).to_string();
    let unsigned = world.call("POST", "/webhooks/v1/registrations", &[], &[], &body).await.unwrap();
    assert!(!unsigned.body().contains("signingSecret"));
}

#[tokio::test]
async fn what_has_no_counterpart_in_the_contract_is_refused_by_name() {
    let world = World::new();
    let with = |name: &str, set: Value| {
        let mut body = push(name);
        body.as_object_mut().unwrap().extend(set.as_object().unwrap().clone());
        body.to_string()
    };
    let create = async |body: String| {
        world.call("POST", "/webhooks/v1/registrations", &[], &[], &body).await
    };
    let mut poll = push(CHANGED);
    poll["registrationType"] = json!("Poll");
    poll.as_object_mut().unwrap().remove("callbackUrl");
    assert_eq!(codes(create(poll.to_string()).await.unwrap_err()), (400, vec![1009]));
    for format in ["Basic", "Extended"] {
        let refused = create(with(CHANGED, json!({ "format": format }))).await.unwrap_err();
        assert_eq!(codes(refused), (400, vec![1009]), "{format}");
    }

    let (id, _) = register(&world, CHANGED).await;
    let id = id.to_string();
    let path = [("registrationId", id.as_str())];
    let body = push(ONBOARDED).to_string();
    let refused = world.call("PUT", ONE, &path, &[], &body).await.unwrap_err();
    assert_eq!(codes(refused), (400, vec![1009]), "a registration keeps its contract");
    let moved = world.call("PUT", ONE, &path, &[], &push("customer.created.v1").to_string()).await;
    assert_eq!(value(&moved.unwrap())["eventName"], "customer.created.v1");
}

#[tokio::test]
async fn until_the_overlap_is_over_both_secrets_verify() {
    let world = World::new();
    let (id, old) = register(&world, CHANGED).await;
    let answer = rotate(&world, id, r#"{"overlapHours": 2}"#, None).await.unwrap();
    let new = answer["signingSecret"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!(answer["previousSecretsEndAt"], "2026-05-19T15:52:06.393+00:00");
    let deliver = async || {
        world.take_on().await;
        world.drain().await;
        world.receiver.seen().pop().unwrap()
    };
    let seen = deliver().await;
    assert!(verifies(&seen, new) && verifies(&seen, &old));
    let header = seen.headers["webhook-signature"].to_str().unwrap();
    assert_eq!(header.split(' ').filter(|part| part.starts_with("v1,")).count(), 2, "{header}");

    world.advance(SignedDuration::from_hours(2) - SignedDuration::from_secs(1));
    assert!(verifies(&deliver().await, &old));
    world.advance(SignedDuration::from_secs(1));
    let seen = deliver().await;
    assert!(verifies(&seen, new) && !verifies(&seen, &old));
    let id = id.to_string();
    let shown = world.call("GET", ONE, &[("registrationId", &id)], &[], "").await.unwrap();
    assert!(!shown.body().contains("previousSecretsEndAt"));
}

#[tokio::test]
async fn a_day_is_the_usual_overlap_and_none_ends_every_earlier_secret_at_once() {
    let world = World::new();
    let (id, first) = register(&world, CHANGED).await;
    let second = rotate(&world, id, "", None).await.unwrap();
    assert_eq!(second["previousSecretsEndAt"], "2026-05-20T13:52:06.393+00:00");
    let third = rotate(&world, id, r#"{"overlapHours": 0}"#, None).await.unwrap();
    assert_eq!(third.get("previousSecretsEndAt"), None);
    world.take_on().await;
    world.drain().await;
    let seen = world.receiver.seen().pop().unwrap();
    assert!(verifies(&seen, third["signingSecret"].as_str().unwrap()));
    assert!(
        !verifies(&seen, second["signingSecret"].as_str().unwrap()) && !verifies(&seen, &first)
    );
}

#[tokio::test]
async fn a_repeated_rotation_is_one_and_too_many_overlapping_ones_are_refused() {
    let world = World::new();
    let (id, _) = register(&world, CHANGED).await;
    let once = rotate(&world, id, "", Some("rotation-1")).await.unwrap();
    let twice = rotate(&world, id, "", Some("rotation-1")).await.unwrap();
    assert_eq!(once, twice);
    assert_eq!(world.registration(id).await.secrets.len(), 2);
    for _ in 0..3 {
        rotate(&world, id, "", None).await.unwrap();
    }
    assert_eq!(codes(rotate(&world, id, "", None).await.unwrap_err()), (400, vec![2005]));
    rotate(&world, id, r#"{"overlapHours": 0}"#, None).await.unwrap();
    assert_eq!(world.registration(id).await.secrets.len(), 1);
}

#[tokio::test]
async fn wrong_rotations_are_refused() {
    let world = World::new();
    let (id, _) = register(&world, CHANGED).await;
    for hours in ["169", "-1", "1.5", "\"24\"", "true"] {
        let body = format!("{{\"overlapHours\": {hours}}}");
        let (status, found) = codes(rotate(&world, id, &body, None).await.unwrap_err());
        assert_eq!((status, found.len()), (400, 1), "{hours}");
    }
    assert_eq!(codes(rotate(&world, id, "[]", None).await.unwrap_err()).0, 400);
    let unsigned = world.register_push().await;
    assert_eq!(codes(rotate(&world, unsigned, "", None).await.unwrap_err()), (400, vec![2005]));

    let text = id.to_string();
    let rotation = request("POST", ROTATE, &[("registrationId", &text)], &[], "", None);
    let stranger = caller("11111111-2222-3333-4444-555555555556");
    let refused = world.send_as(&stranger, &rotation).await.unwrap_err();
    assert_eq!(refused.into_reply(Contract::Cos).status(), 404);
    assert_eq!(world.registration(id).await.secrets.len(), 1);
}
