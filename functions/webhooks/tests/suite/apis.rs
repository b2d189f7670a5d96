//! The registrations and events APIs, request by request.

use crate::common::{DOWN, ONBOARDED, PARTNER, World, caller, push, request, value};
use domain::time::Clock as _;
use http_api::{Contract, Failure, Reply};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::webhooks::Phase;
use webhooks::address::AddressRules;
use webhooks::event_name;

const ALL: &str = "/webhooks/v1/registrations";
const ONE: &str = "/webhooks/v1/registrations/{registrationId}";
const EVENTS: &str = "/webhooks/v1/events";
const EVENT: &str = "/webhooks/v1/events/{eventId}";
/// Longer than every retry, lease and grace together, with a few sweeps to spare.
const LONG: SignedDuration = SignedDuration::from_mins(12);

fn errors(failure: Failure) -> (u16, Vec<(u64, String)>) {
    let reply = failure.into_reply(Contract::Cos);
    let body = value(&reply);
    let errors = body["Errors"].as_array().unwrap().iter();
    let errors =
        errors.map(|e| (e["Code"].as_u64().unwrap(), e["Message"].as_str().unwrap().to_owned()));
    (reply.status(), errors.collect())
}

fn codes(result: Result<Reply, Failure>) -> (u16, Vec<u64>) {
    let (status, errors) = errors(result.unwrap_err());
    (status, errors.into_iter().map(|(code, _)| code).collect())
}

async fn create(world: &World, body: Value) -> Result<Reply, Failure> {
    world.call("POST", ALL, &[], &[], &body.to_string()).await
}

async fn on(
    world: &World,
    method: &str,
    suffix: &str,
    id: &str,
    body: &str,
) -> Result<Reply, Failure> {
    world.call(method, &format!("{ONE}{suffix}"), &[("registrationId", id)], &[], body).await
}

async fn on_event(world: &World, method: &str, suffix: &str, id: &str) -> Result<Reply, Failure> {
    world.call(method, &format!("{EVENT}{suffix}"), &[("eventId", id)], &[], "").await
}

async fn list(world: &World, resource: &str, query: &[(&str, &str)]) -> Value {
    value(&world.call("GET", resource, &[], query, "").await.unwrap())
}

#[tokio::test]
async fn the_tutorials_registration_is_taken_and_shown() {
    let world = World::new();
    let reply = create(&world, push(ONBOARDED)).await.unwrap();
    let made = value(&reply);
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        made,
        json!({
            "id": id,
            "partnerId": PARTNER,
            "eventName": ONBOARDED,
            "type": "Push",
            "callbackUrl": "https://cos.example.com/core-events",
            "format": "Basic",
            "status": "Active",
            "createdAt": "2026-05-19T13:52:06.393+00:00",
            "lastModifiedAt": "2026-05-19T13:52:06.393+00:00",
        })
    );
    assert_eq!(value(&on(&world, "GET", "", id, "").await.unwrap()), made);
}

#[tokio::test]
async fn every_event_name_can_be_registered_and_each_once() {
    let world = World::new();
    for name in event_name::ALL {
        create(&world, push(name)).await.unwrap();
    }
    assert_eq!(codes(create(&world, push(ONBOARDED)).await), (400, vec![2003]));
    let page = list(&world, ALL, &[("pageSize", "50")]).await;
    assert_eq!(page["results"].as_array().unwrap().len(), event_name::ALL.len());
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let world = World::new();
    let (status, found) = errors(create(&world, json!({})).await.unwrap_err());
    assert_eq!(status, 400);
    assert_eq!(
        found,
        [
            (1000, "partnerId is required".to_owned()),
            (1000, "eventName is required".to_owned()),
            (1000, "callbackUrl is required".to_owned()),
        ]
    );
    let (_, found) = errors(
        create(
            &world,
            json!({
                "partnerId": "11111111-2222-3333-4444-555555555556",
                "eventName": "Core.Customer.Exploded",
                "type": "Pull",
                "callbackUrl": "http://127.0.0.1/",
                "format": "Huge",
                "authUsername": "a:b",
                "authPassword": "x".repeat(256),
            }),
        )
        .await
        .unwrap_err(),
    );
    let fields: Vec<&str> =
        found.iter().map(|(_, message)| message.split(' ').next().unwrap()).collect();
    assert_eq!(
        fields,
        ["partnerId", "eventName", "type", "callbackUrl", "format", "authUsername", "authPassword"]
    );
    for (body, field) in [
        (json!({"authUsername": "a"}), "authPassword"),
        (json!({"authPassword": "a"}), "authUsername"),
        (json!({"authPassword": 1, "authUsername": "a"}), "authPassword"),
        (json!({"type": "Push", "registrationType": "Poll"}), "registrationType"),
        (json!({"type": "Poll"}), "callbackUrl"),
        (json!({"callbackUrl": 7}), "callbackUrl"),
        (json!({"eventName": {}}), "eventName"),
        (json!({"partnerId": "no-guid"}), "partnerId"),
    ] {
        let mut whole = push(ONBOARDED);
        whole.as_object_mut().unwrap().remove("registrationType");
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let (status, found) = errors(create(&world, whole).await.unwrap_err());
        assert_eq!(status, 400);
        assert!(found.iter().all(|(_, message)| message.starts_with(field)), "{field}: {found:?}");
    }
    assert_eq!(list(&world, ALL, &[]).await["results"], json!([]));
    for body in ["", "[]", "nonsense"] {
        assert_eq!(codes(world.call("POST", ALL, &[], &[], body).await), (400, vec![1020]));
    }
}

#[tokio::test]
async fn credentials_are_never_echoed_and_gone_after_an_update_without_them() {
    let world = World::new();
    let mut body = push(ONBOARDED);
    body["authUsername"] = json!("partner");
    body["authPassword"] = json!("hunter2");
    let made = create(&world, body.clone()).await.unwrap();
    let id = value(&made)["id"].as_str().unwrap().to_owned();
    let shown = on(&world, "GET", "", &id, "").await.unwrap();
    for reply in [&made, &shown] {
        assert!(!reply.body().contains("hunter2") && !reply.body().contains("auth"));
    }
    let registration = domain::ids::RegistrationId::parse(&id).unwrap();
    assert!(world.registration(registration).await.credentials.is_some());
    on(&world, "PUT", "", &id, &push(ONBOARDED).to_string()).await.unwrap();
    assert!(world.registration(registration).await.credentials.is_none());
}

#[tokio::test]
async fn a_repeated_key_gives_the_first_answer_and_makes_nothing() {
    let world = World::new();
    let body = push(ONBOARDED).to_string();
    let first = world.send(&request("POST", ALL, &[], &[], &body, Some("k-1"))).await.unwrap();
    let again = world.send(&request("POST", ALL, &[], &[], &body, Some("k-1"))).await.unwrap();
    assert_eq!(again.body(), first.body());
    assert_eq!(again.header("original-request-id"), Some("request-k-1"));
    assert_eq!(first.header("original-request-id"), None);
    let other_key = world.send(&request("POST", ALL, &[], &[], &body, Some("k-2"))).await;
    assert_eq!(codes(other_key), (400, vec![2003]));
    let other = push("Core.Customer.Ofac.Changed").to_string();
    let other = world.send(&request("POST", ALL, &[], &[], &other, Some("k-1"))).await.unwrap();
    assert_ne!(other.body(), first.body(), "the same key with another body is another request");
}

/// A retry of an old update must not undo the newer one.
#[tokio::test]
async fn a_repeated_update_restart_or_acknowledgement_is_answered_and_not_done_again() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = registration.to_string();
    let to = |name: &str, key: &str| {
        request("PUT", ONE, &[("registrationId", &id)], &[], &push(name).to_string(), Some(key))
    };
    let first = world.send(&to("Core.Customer.Ofac.Changed", "k-1")).await.unwrap();
    world.send(&to("Core.Customer.Name.Changed", "k-2")).await.unwrap();
    let again = world.send(&to("Core.Customer.Ofac.Changed", "k-1")).await.unwrap();
    assert_eq!(
        (again.body(), again.header("original-request-id")),
        (first.body(), Some("request-k-1"))
    );
    assert_eq!(world.registration(registration).await.event_name, "Core.Customer.Name.Changed");
    let long = world.send(&to("Core.Customer.Ofac.Changed", &"k".repeat(51))).await;
    assert_eq!(codes(long), (400, vec![1022]));

    world.send(&to(ONBOARDED, "k-3")).await.unwrap();
    world.receiver.always(DOWN);
    world.onboard(registration).await;
    world.run_for(LONG).await;
    let resource = format!("{ONE}/restart");
    let restart = request("PUT", &resource, &[("registrationId", &id)], &[], "", Some("k-4"));
    let restarted = world.send(&restart).await.unwrap();
    world.run_for(LONG).await;
    assert_eq!(world.registration(registration).await.phase, Phase::Suspended);
    let again = world.send(&restart).await.unwrap();
    assert_eq!(again.body(), restarted.body());
    assert_eq!(world.registration(registration).await.phase, Phase::Suspended);
}

#[tokio::test]
async fn another_partner_sees_and_touches_nothing() {
    let world = World::new();
    let registration = world.register_push().await;
    let event = world.onboard(registration).await;
    let other = caller("11111111-2222-3333-4444-555555555556");
    let (registration, event) = (registration.to_string(), event.to_string());
    for (method, resource, path) in [
        ("GET", ONE.to_owned(), ("registrationId", &registration)),
        ("DELETE", ONE.to_owned(), ("registrationId", &registration)),
        ("PUT", format!("{ONE}/restart"), ("registrationId", &registration)),
        ("PUT", format!("{ONE}/ping"), ("registrationId", &registration)),
        ("GET", EVENT.to_owned(), ("eventId", &event)),
        ("POST", format!("{EVENT}/resend"), ("eventId", &event)),
        ("PUT", format!("{EVENT}/acknowledge"), ("eventId", &event)),
    ] {
        let request = request(method, &resource, &[(path.0, path.1)], &[], "", None);
        assert_eq!(codes(world.send_as(&other, &request).await), (404, vec![2001]), "{resource}");
    }
    for resource in [ALL, EVENTS] {
        let request = request("GET", resource, &[], &[("partnerId", PARTNER)], "", None);
        let page = value(&world.send_as(&other, &request).await.unwrap());
        assert_eq!(page["results"], json!([]));
    }
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let world = World::new();
    for name in &event_name::ALL[..5] {
        create(&world, push(name)).await.unwrap();
    }
    create(&world, json!({"partnerId": PARTNER, "eventName": event_name::ALL[5], "type": "Poll"}))
        .await
        .unwrap();
    for (query, count) in [
        (vec![], 6),
        (vec![("eventName", ONBOARDED)], 1),
        (vec![("type", "Poll")], 1),
        (vec![("type", "Push")], 5),
        (vec![("status", "Active")], 6),
        (vec![("status", "Suspended")], 0),
        (vec![("callbackUrl", "https://cos.example.com/core-events")], 5),
        (vec![("callbackUrl", "https://elsewhere.example.com/")], 0),
        (vec![("partnerId", PARTNER)], 6),
        (vec![("partnerId", "11111111-2222-3333-4444-555555555556")], 0),
    ] {
        let page = list(&world, ALL, &query).await;
        assert_eq!(page["results"].as_array().unwrap().len(), count, "{query:?}");
    }
    let page = list(&world, ALL, &[("pageNumber", "2"), ("pageSize", "4")]).await;
    assert_eq!(page["results"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&page["pageNumber"], &page["pageSize"], &page["hasPreviousPage"], &page["hasNextPage"]),
        (&json!(2), &json!(4), &json!(true), &json!(false))
    );
    let wrong = [
        ("pageNumber", "0"),
        ("pageSize", "51"),
        ("type", "x"),
        ("status", "y"),
        ("eventName", "z"),
    ];
    let (status, found) = errors(world.call("GET", ALL, &[], &wrong, "").await.unwrap_err());
    assert_eq!((status, found.len()), (400, 5), "{found:?}");
}

#[tokio::test]
async fn an_update_replaces_and_keeps_the_rules() {
    let world = World::new();
    let id = world.register_push().await.to_string();
    create(&world, push("Core.Customer.Ofac.Changed")).await.unwrap();
    world.clock.advance(SignedDuration::from_secs(5));
    let mut body = push("Core.Customer.Name.Changed");
    body["callbackUrl"] = json!("https://other.example.com/");
    body["format"] = json!("Extended");
    let updated = value(&on(&world, "PUT", "", &id, &body.to_string()).await.unwrap());
    assert_eq!(updated["eventName"], "Core.Customer.Name.Changed");
    assert_eq!(updated["lastModifiedAt"], "2026-05-19T13:52:11.393+00:00");
    assert_eq!(value(&on(&world, "GET", "", &id, "").await.unwrap()), updated);
    let taken = push("Core.Customer.Ofac.Changed").to_string();
    assert_eq!(codes(on(&world, "PUT", "", &id, &taken).await), (400, vec![2003]));
    let mut poll = push(ONBOARDED);
    poll["registrationType"] = json!("Poll");
    assert_eq!(codes(on(&world, "PUT", "", &id, &poll.to_string()).await), (400, vec![1009]));
    assert_eq!(codes(on(&world, "PUT", "", &id, "{}").await), (400, vec![1000, 1000, 1000]));
    create(&world, push(ONBOARDED)).await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_is_not_found_and_its_name_is_free() {
    let world = World::new();
    let id = world.register_push().await.to_string();
    assert_eq!(on(&world, "DELETE", "", &id, "").await.unwrap().status(), 200);
    for (method, suffix) in
        [("GET", ""), ("DELETE", ""), ("PUT", "/restart"), ("PUT", "/ping"), ("PUT", "")]
    {
        let answer = on(&world, method, suffix, &id, &push(ONBOARDED).to_string()).await;
        assert_eq!(codes(answer), (404, vec![2001]), "{method} {suffix}");
    }
    assert_eq!(codes(on(&world, "GET", "", "not-a-guid", "").await), (404, vec![2001]));
    create(&world, push(ONBOARDED)).await.unwrap();
}

#[tokio::test]
async fn local_networks_are_a_setting() {
    let local = World::with_rules(AddressRules::parse("127.0.0.0/8").unwrap());
    let mut body = push(ONBOARDED);
    body["callbackUrl"] = json!("http://127.0.0.1:9000/hook");
    assert!(create(&local, body.clone()).await.is_ok());
    assert_eq!(codes(create(&World::new(), body).await), (400, vec![1004]));
}

#[tokio::test]
async fn restarting_what_is_active_or_polled_changes_nothing_and_polled_is_not_pinged() {
    let world = World::new();
    let push = world.register_push().await;
    world.restart(push).await;
    assert_eq!(world.queue.len(), 0);
    let poll = world
        .register(json!({"partnerId": PARTNER, "eventName": "Core.Customer.Name.Changed", "type": "Poll"}))
        .await
        .to_string();
    assert_eq!(codes(on(&world, "PUT", "/ping", &poll, "").await), (400, vec![2005]));
    let renamed = json!({"partnerId": PARTNER, "eventName": "Core.Customer.Phone.Added", "format": "Extended"});
    let updated = value(&on(&world, "PUT", "", &poll, &renamed.to_string()).await.unwrap());
    assert_eq!(updated, value(&on(&world, "GET", "", &poll, "").await.unwrap()));
    assert_eq!((&updated["type"], &updated["format"]), (&json!("Poll"), &json!("Extended")));
}

#[tokio::test]
async fn a_suspended_registration_says_so() {
    let world = World::new();
    let id = world.register_push().await;
    world.receiver.always(DOWN);
    let event = world.onboard(id).await;
    world.run_for(LONG).await;
    let shown = value(&on(&world, "GET", "", &id.to_string(), "").await.unwrap());
    assert_eq!(shown["status"], "Suspended");
    let listed = list(&world, ALL, &[("status", "Suspended")]).await;
    assert_eq!(listed["results"][0]["id"], id.to_string());
    let resent = on_event(&world, "POST", "/resend", &event.to_string()).await;
    assert_eq!(codes(resent), (400, vec![2005]));
}

#[tokio::test]
async fn an_event_shows_every_attempt() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.script(&[DOWN], Ok(202));
    let id = world.onboard(registration).await.to_string();
    let pending = value(&on_event(&world, "GET", "", &id).await.unwrap());
    assert_eq!((&pending["status"], &pending["attempts"]), (&json!("Pending"), &json!([])));
    world.run_for(LONG).await;
    let shown = value(&on_event(&world, "GET", "", &id).await.unwrap());
    assert_eq!(shown["status"], "Success");
    assert_eq!(shown["registrationId"], registration.to_string());
    let attempts = shown["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(
        (&attempts[0]["statusCode"], &attempts[0]["error"]),
        (&json!(503), &json!("status"))
    );
    assert_eq!((&attempts[1]["statusCode"], attempts[1].get("error")), (&json!(202), None));
    assert_eq!(codes(on_event(&world, "GET", "", "nonsense").await), (404, vec![2001]));
}

#[tokio::test]
async fn events_are_listed_newest_first_by_page_and_filter() {
    let world = World::new();
    let registration = world.register_push().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(world.onboard(registration).await.to_string());
        world.advance(SignedDuration::from_secs(60));
    }
    world.drain().await;
    ids.reverse();
    let mut seen = Vec::new();
    for number in ["1", "2", "3"] {
        let page = list(&world, EVENTS, &[("pageNumber", number), ("pageSize", "3")]).await;
        assert_eq!(page["hasNextPage"], number != "3");
        let results = page["results"].as_array().unwrap().iter();
        seen.extend(results.map(|event| event["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, ids);
    let registration = registration.to_string();
    for (query, count) in [
        (vec![("status", "Success")], 7),
        (vec![("status", "Pending")], 0),
        (vec![("eventName", ONBOARDED)], 7),
        (vec![("eventName", "Core.Customer.Name.Changed")], 0),
        (vec![("registrationId", &*registration)], 7),
        (vec![("registrationId", PARTNER)], 0),
        (vec![("fromCreatedAt", "2026-05-19T13:53:06.393Z")], 6),
        (vec![("toCreatedAt", "2026-05-19T13:53:06.393+00:00")], 2),
        (vec![("fromCreatedAt", "2026-05-19"), ("toCreatedAt", "2026-05-19")], 7),
        (vec![("fromCreatedAt", "2026-05-20")], 0),
        (vec![("fromCreatedAt", "2026-05-20"), ("toCreatedAt", "2026-05-18")], 0),
    ] {
        let page = list(&world, EVENTS, &query).await;
        assert_eq!(page["results"].as_array().unwrap().len(), count, "{query:?}");
    }
    let newest = list(&world, EVENTS, &[("pageSize", "1")]).await["results"][0].clone();
    let at = newest["createdAt"].as_str().unwrap();
    let exact = list(&world, EVENTS, &[("fromCreatedAt", at), ("toCreatedAt", at)]).await;
    assert_eq!(exact["results"], json!([newest]), "bounds as shown are inclusive");
    let wrong =
        [("fromCreatedAt", "x"), ("toCreatedAt", "y"), ("status", "z"), ("registrationId", "1")];
    let (status, found) = errors(world.call("GET", EVENTS, &[], &wrong, "").await.unwrap_err());
    assert_eq!((status, found.len()), (400, 4), "{found:?}");
}

#[tokio::test]
async fn a_delivered_event_can_be_resent_and_an_idempotent_resend_is_one() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = world.onboard(registration).await.to_string();
    let waiting = on_event(&world, "POST", "/resend", &id).await.unwrap();
    assert_eq!(value(&waiting)["status"], "Pending", "on its way already");
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1);
    let resource = format!("{EVENT}/resend");
    let resend = request("POST", &resource, &[("eventId", &id)], &[], "", Some("again"));
    assert_eq!(value(&world.send(&resend).await.unwrap())["status"], "Pending");
    world.run_for(LONG).await;
    assert_eq!(world.receiver.ids(), [id.clone(), id.clone()]);
    let replay = world.send(&resend).await.unwrap();
    assert_eq!(replay.header("original-request-id"), Some("request-again"));
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 2);
    world.receiver.always(DOWN);
    on_event(&world, "POST", "/resend", &id).await.unwrap();
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 6, "a resend has its four tries");
}

#[tokio::test]
async fn polling_gives_the_oldest_until_it_is_acknowledged() {
    let world = World::new();
    let poll = "/webhooks/v1/events/poll";
    let body =
        json!({"partnerId": PARTNER, "eventName": ONBOARDED, "type": "Poll", "format": "Extended"});
    let registration = world.register(body).await;
    assert_eq!(world.call("GET", poll, &[], &[], "").await.unwrap().status(), 204);
    let one = world.onboard(registration).await.to_string();
    world.advance(SignedDuration::from_millis(1));
    let two = world.onboard(registration).await.to_string();
    assert_eq!(world.queue.len(), 0, "nothing is pushed");
    for _ in 0..2 {
        let event = list(&world, poll, &[]).await;
        assert_eq!(event["id"], one);
        assert_eq!(
            (&event["status"], &event["details"][0]["clientIdentifier"]),
            (&json!("Pending"), &json!("crm-42"))
        );
    }
    let other = [("eventName", "Core.Customer.Name.Changed")];
    assert_eq!(world.call("GET", poll, &[], &other, "").await.unwrap().status(), 204);
    let mine = registration.to_string();
    assert_eq!(
        list(&world, poll, &[("registrationId", &mine), ("eventName", ONBOARDED)]).await["id"],
        one
    );
    for _ in 0..2 {
        let acknowledged = on_event(&world, "PUT", "/acknowledge", &one).await.unwrap();
        assert_eq!(value(&acknowledged)["status"], "Success");
    }
    assert_eq!(list(&world, poll, &[]).await["id"], two);
    assert_eq!(codes(on_event(&world, "POST", "/resend", &two).await), (400, vec![2005]));
    on_event(&world, "PUT", "/acknowledge", &two).await.unwrap();
    assert_eq!(world.call("GET", poll, &[], &[], "").await.unwrap().status(), 204);
    assert_eq!(
        codes(world.call("GET", poll, &[], &[("eventName", "x")], "").await),
        (400, vec![1005])
    );
}

/// The partner's own id may be personal: it is told while the customer is there and kept nowhere else.
#[tokio::test]
async fn an_own_id_is_gone_with_its_customer() {
    let world = World::new();
    let mut body = push(ONBOARDED);
    body["format"] = json!("Extended");
    let registration = world.register(body).await;
    let id = world.onboard(registration).await;
    let customer = world.delivery(id).await.customer.unwrap();
    world.run_for(LONG).await;
    let shown = async || {
        let one = value(&on_event(&world, "GET", "", &id.to_string()).await.unwrap());
        let all = list(&world, "/webhooks/v1/events", &[]).await;
        [one["details"].clone(), all["results"][0]["details"].clone()]
    };
    let told = json!([{ "customerId": customer.to_string(), "clientIdentifier": "crm-42" }]);
    assert_eq!(world.receiver.seen()[0].body["details"], told);
    assert_eq!(shown().await, [told.clone(), told]);
    let kept = format!("{:?}", world.database.dump(world.webhooks.table()).await);
    assert!(!kept.contains("crm-42"), "{kept}");
    world.forget(customer).await;
    on_event(&world, "POST", "/resend", &id.to_string()).await.unwrap();
    world.run_for(LONG).await;
    let told = json!([{ "customerId": customer.to_string() }]);
    assert_eq!(world.receiver.seen()[1].body["details"], told);
    assert_eq!(shown().await, [told.clone(), told]);
}

#[tokio::test]
async fn pushed_events_are_not_acknowledged() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = world.onboard(registration).await.to_string();
    assert_eq!(codes(on_event(&world, "PUT", "/acknowledge", &id).await), (400, vec![2005]));
    world.run_for(LONG).await;
    assert_eq!(codes(on_event(&world, "PUT", "/acknowledge", &id).await), (400, vec![2005]));
}

#[tokio::test]
async fn polling_merges_registrations_by_age() {
    let world = World::new();
    let mut expected = Vec::new();
    let names = ["Core.Customer.Name.Changed", ONBOARDED];
    for name in names {
        world.register(json!({"partnerId": PARTNER, "eventName": name, "type": "Poll"})).await;
    }
    for turn in 0..6 {
        let kind = if turn % 2 == 0 {
            domain::event::EventKind::NameChanged
        } else {
            domain::event::EventKind::Onboarded
        };
        let event = world.domain_event(kind);
        webhooks::fanout::announce_event(&world.dispatcher.worker, &event).await.unwrap();
        expected.push(names[turn % 2].to_owned());
        world.advance(SignedDuration::from_millis(1));
    }
    let mut seen = Vec::new();
    for _ in 0..6 {
        let event = list(&world, "/webhooks/v1/events/poll", &[]).await;
        seen.push(event["eventName"].as_str().unwrap().to_owned());
        on_event(&world, "PUT", "/acknowledge", event["id"].as_str().unwrap()).await.unwrap();
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn requests_cost_what_their_modules_say() {
    let world = World::new();
    let meter = world.webhooks.table().meter();
    let registration = world.register_push().await;
    assert_eq!(meter.take().round_trips, 1, "create");
    let id = registration.to_string();
    on(&world, "GET", "", &id, "").await.unwrap();
    assert_eq!(meter.take().round_trips, 1, "get");
    list(&world, ALL, &[]).await;
    assert_eq!(meter.take().round_trips, 1, "list");
    on(&world, "PUT", "", &id, &push(ONBOARDED).to_string()).await.unwrap();
    assert_eq!(meter.take().round_trips, 2, "update");
    let event = world.onboard(registration).await.to_string();
    meter.take();
    on_event(&world, "GET", "", &event).await.unwrap();
    assert_eq!(meter.take().round_trips, 1, "event");
    list(&world, EVENTS, &[]).await;
    assert_eq!(meter.take().round_trips, 1, "events");
    assert!(world.clock.now() > jiff::Timestamp::UNIX_EPOCH);
}
