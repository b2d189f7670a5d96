//! The life of a delivery, with a clock that is moved by hand: the whole schedule, suspension and restart, duplicates
//! and lost messages, and a process that ends at each step.

use crate::common::{DOWN, ONBOARDED, PARTNER, World, push, value};
use domain::event::EventKind;
use domain::ids::RegistrationId;
use domain::time::Clock as _;
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use runtime::StreamRecord;
use serde_json::json;
use store::Transaction;
use store::webhooks::{Passed, Phase, SealedBytes, Stage, Status};
use webhooks::dispatch::{Dispatched, LEASE};
use webhooks::queue::Message;
use webhooks::schedule::Failure;
use webhooks::{fanout, sweep};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Longer than every retry, lease and grace together, with a few sweeps to spare.
const LONG: SignedDuration = SignedDuration::from_mins(12);

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

async fn deliver(world: &World, message: &Message) -> Dispatched {
    let Message::Deliver { partner, registration, event } = message else { panic!("{message:?}") };
    world.dispatcher.deliver(*partner, *registration, *event).await.unwrap()
}

#[tokio::test]
async fn an_event_arrives_once_with_its_body() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = world.onboard(registration).await;
    world.run_for(LONG).await;
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].url, "https://cos.example.com/core-events");
    assert_eq!(seen[0].authorization, None);
    assert_eq!(seen[0].body["id"], id.to_string());
    assert_eq!(seen[0].body["eventName"], ONBOARDED);
    assert_eq!(seen[0].body["status"], "Pending");
    assert_eq!(seen[0].body["details"], json!([]), "Basic by default");
    let delivery = world.delivery(id).await;
    assert_eq!((delivery.stage, delivery.status), (Stage::Settled, Status::Success));
    assert_eq!(delivery.attempts.len(), 1);
    assert_eq!(delivery.attempts[0].duration_ms, 7);
    assert_eq!(world.queue.len(), 0);
}

#[tokio::test]
async fn the_extended_format_and_credentials_are_sent() {
    let world = World::new();
    let mut body = push(ONBOARDED);
    body["format"] = json!("Extended");
    body["authUsername"] = json!("partner");
    body["authPassword"] = json!(" pass word ");
    let registration = world.register(body).await;
    world.onboard(registration).await;
    world.run_for(MINUTE).await;
    let seen = &world.receiver.seen()[0];
    assert_eq!(seen.body["details"][0]["clientIdentifier"], "crm-42");
    assert_eq!(seen.authorization.as_deref(), Some("Basic cGFydG5lcjogcGFzcyB3b3JkIA=="));
    let stored = format!("{:?}", world.database.dump(world.webhooks.table()).await);
    assert!(!stored.contains("pass word") && !stored.contains("cGFydG5lcjog"), "sealed at rest");
}

/// What cannot be opened today cannot be opened tomorrow: the event counts as tried and is held, and nobody is called.
#[tokio::test]
async fn credentials_that_do_not_open_suspend_their_registration() {
    let world = World::new();
    let registration = world.register_push().await;
    let mut damaged = world.registration(registration).await;
    let whole = damaged.clone();
    damaged.credentials = Some(SealedBytes(vec![1, 2, 3]));
    let mut transaction = Transaction::new();
    world.webhooks.update_in(&mut transaction, &whole, &damaged).unwrap();
    transaction.commit(world.webhooks.table()).await.unwrap();
    let id = world.onboard(registration).await;
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 0);
    assert_eq!(world.registration(registration).await.phase, Phase::Suspended);
    let delivery = world.delivery(id).await;
    assert_eq!(delivery.stage, Stage::Held);
    assert!(delivery.attempts.iter().all(|a| a.error.as_deref() == Some("unusable")));
    assert_eq!(delivery.attempts.len(), 4);
}

#[tokio::test]
async fn four_tries_each_30_to_60_seconds_apart_and_then_suspension() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    let id = world.onboard(registration).await;
    world.run_for(LONG * 5).await;
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 4);
    for pair in seen.windows(2) {
        let gap = pair[1].at.duration_since(pair[0].at);
        assert!(gap >= seconds(30) && gap <= seconds(61), "{gap}");
        assert_eq!(pair[0].body["id"], pair[1].body["id"], "a stable id");
    }
    assert!(seen[1].body["lastAttemptedAt"].is_string());
    let delivery = world.delivery(id).await;
    assert_eq!((delivery.stage, delivery.status), (Stage::Held, Status::Failed));
    let classes: Vec<_> =
        delivery.attempts.iter().map(|a| (a.status_code, a.error.as_deref())).collect();
    assert_eq!(classes, [(Some(503), Some("status")); 4]);
    assert_eq!(world.registration(registration).await.phase, Phase::Suspended);

    let held = world.onboard(registration).await;
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 4, "while suspended nothing is tried");
    let held = world.delivery(held).await;
    assert_eq!((held.stage, held.status), (Stage::Held, Status::Pending));
}

#[tokio::test]
async fn success_on_any_of_the_four_tries_ends_it() {
    for failures in 0..4 {
        let world = World::new();
        let registration = world.register_push().await;
        world.receiver.script(&vec![DOWN; failures], Ok(204));
        let id = world.onboard(registration).await;
        world.run_for(LONG).await;
        assert_eq!(world.receiver.seen().len(), failures + 1);
        assert_eq!(world.delivery(id).await.status, Status::Success);
        assert_eq!(world.registration(registration).await.phase, Phase::Active);
    }
}

#[tokio::test]
async fn after_a_restart_one_event_decides_and_the_backlog_follows_in_full() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    let mut ids = vec![world.onboard(registration).await];
    world.run_for(LONG).await;
    for _ in 0..60 {
        world.advance(SignedDuration::from_millis(1));
        ids.push(world.onboard(registration).await);
    }
    world.run_for(MINUTE).await;
    assert_eq!(world.receiver.seen().len(), 4);

    world.receiver.script(&[DOWN], Ok(200));
    world.restart(registration).await;
    world.drain().await;
    assert_eq!(world.receiver.seen().len(), 5, "one event, one try");
    let fresh = world.onboard(registration).await;
    world.drain().await;
    assert_eq!(world.receiver.seen().len(), 5, "a new event waits behind the one that decides");
    ids.push(fresh);
    world.run_for(MINUTE * 2).await;
    assert_eq!(world.registration(registration).await.phase, Phase::Active);
    let mut expected: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut seen = world.receiver.ids()[5..].to_vec();
    assert_eq!(seen[0], expected[0], "the oldest decides");
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected, "everything once");
    for id in ids {
        assert_eq!(world.delivery(id).await.status, Status::Success);
    }
    let before = world.receiver.seen().len();
    world.run_for(LONG * 2).await;
    assert_eq!(world.receiver.seen().len(), before);
    assert_eq!(world.queue.len(), 0);
}

#[tokio::test]
async fn two_failures_after_a_restart_suspend_again_and_lose_nothing() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    let one = world.onboard(registration).await;
    world.run_for(LONG).await;
    let two = world.onboard(registration).await;
    world.drain().await;
    for round in 1..=3 {
        world.restart(registration).await;
        world.run_for(LONG).await;
        assert_eq!(world.receiver.seen().len(), 4 + 2 * round, "two more tries");
        assert_eq!(world.registration(registration).await.phase, Phase::Suspended);
    }
    world.receiver.always(Ok(200));
    world.restart(registration).await;
    world.run_for(LONG).await;
    for id in [one, two] {
        assert_eq!(world.delivery(id).await.status, Status::Success);
    }
}

#[tokio::test]
async fn a_restart_with_nothing_held_is_simply_active() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    let id = world.onboard(registration).await;
    world.run_for(LONG).await;
    let key = store::webhooks::WaitingKey::new(world.caller.partner, registration, id);
    assert!(world.webhooks.drop_waiting(key).await.unwrap());
    world.restart(registration).await;
    world.drain().await;
    assert_eq!(world.registration(registration).await.phase, Phase::Active);
    world.receiver.always(Ok(200));
    let next = world.onboard(registration).await;
    world.run_for(LONG).await;
    assert_eq!(world.delivery(next).await.status, Status::Success);
}

#[tokio::test]
async fn a_forbidden_address_suspends_at_once() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(Err(Failure::ForbiddenAddress));
    let id = world.onboard(registration).await;
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1);
    assert_eq!(world.registration(registration).await.phase, Phase::Suspended);
    assert_eq!(world.delivery(id).await.attempts[0].error.as_deref(), Some("forbidden-address"));
}

#[tokio::test]
async fn duplicate_messages_and_stream_records_deliver_once() {
    let world = World::new();
    let registration = world.register_push().await;
    let event = world.domain_event(EventKind::Onboarded);
    for _ in 0..3 {
        fanout::announce_event(&world.dispatcher.worker, &event).await.unwrap();
    }
    let messages = world.queue.messages();
    assert_eq!(messages.len(), 3);
    for message in messages {
        world.queue.push(message);
    }
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1);
    fanout::announce_event(&world.dispatcher.worker, &event).await.unwrap();
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1, "also much later");
    assert_eq!(world.delivery(fanout::delivery_id(event.id, registration)).await.tries, 1);
}

#[tokio::test]
async fn duplicates_during_the_retries_neither_hasten_nor_add_tries() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    world.onboard(registration).await;
    let message = world.queue.messages()[0].clone();
    for _ in 0..300 {
        world.queue.push(message.clone());
        world.run_for(seconds(1)).await;
    }
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 4);
    for pair in seen.windows(2) {
        assert!(pair[1].at.duration_since(pair[0].at) >= seconds(28));
    }
}

#[tokio::test]
async fn messages_out_of_order_or_for_nothing_are_harmless() {
    let world = World::new();
    let registration = world.register_push().await;
    let partner = world.caller.partner;
    let worker = &world.dispatcher.worker;
    let nothing = domain::ids::EventId::new(&*worker.clock, &*worker.random);
    let message = Message::Deliver { partner, registration, event: nothing };
    assert_eq!(deliver(&world, &message).await, Dispatched::Passed(Passed::Missing));
    let nobody = RegistrationId::new(&*worker.clock, &*worker.random);
    for registration in [registration, nobody] {
        let message = Message::Release { partner, registration };
        world.dispatcher.handle(&message).await.unwrap();
    }
    assert_eq!(world.registration(registration).await.phase, Phase::Active);
    assert_eq!(world.queue.len(), 0);
}

#[tokio::test]
async fn a_deleted_registration_ends_its_deliveries_quietly() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    let trying = world.onboard(registration).await;
    world.drain().await;
    let path = [("registrationId", &*registration.to_string())];
    let resource = "/webhooks/v1/registrations/{registrationId}";
    world.call("DELETE", resource, &path, &[], "").await.unwrap();
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1);
    let delivery = world.delivery(trying).await;
    assert_eq!((delivery.stage, delivery.status), (Stage::Settled, Status::Failed));
    let found = world.webhooks.registration_in_any_phase(world.caller.partner, registration).await;
    assert_eq!(found.unwrap(), None, "the item itself is gone");
}

#[tokio::test]
async fn deleting_a_suspended_registration_drops_what_it_held() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    let mut ids = vec![world.onboard(registration).await];
    world.run_for(LONG).await;
    for _ in 0..30 {
        ids.push(world.onboard(registration).await);
    }
    world.drain().await;
    let path = [("registrationId", &*registration.to_string())];
    let resource = "/webhooks/v1/registrations/{registrationId}";
    world.call("DELETE", resource, &path, &[], "").await.unwrap();
    world.run_for(LONG).await;
    for id in ids {
        let delivery = world.delivery(id).await;
        assert_eq!((delivery.stage, delivery.status), (Stage::Settled, Status::Failed));
    }
    let waiting = world.webhooks.oldest_waiting(world.caller.partner, registration, 10).await;
    assert!(waiting.unwrap().is_empty());
}

#[tokio::test]
async fn a_slow_worker_whose_claim_was_taken_changes_nothing() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = world.onboard(registration).await;
    let message = world.queue.messages()[0].clone();
    let key = store::webhooks::DeliveryKey::new(world.caller.partner, id);
    let now = world.clock.now();
    world.webhooks.claim(key, "slow", now, now + LEASE).await.unwrap();
    assert_eq!(deliver(&world, &message).await, Dispatched::Passed(Passed::Leased));
    world.advance(LEASE + seconds(1));
    assert_eq!(deliver(&world, &message).await, Dispatched::Delivered);
}

// ---- A process that ends, or a queue that fails, at each step: the sweep brings everything back.

#[tokio::test]
async fn ended_after_the_fan_out_put() {
    let world = World::new();
    let registration = world.register_push().await;
    world.queue.refuse(true);
    let event = world.domain_event(EventKind::Onboarded);
    assert!(fanout::announce_event(&world.dispatcher.worker, &event).await.is_err());
    world.queue.refuse(false);
    world.run_for(MINUTE * 3).await;
    assert_eq!(world.receiver.ids(), [fanout::delivery_id(event.id, registration).to_string()]);
}

#[tokio::test]
async fn a_message_that_is_lost() {
    let world = World::new();
    let registration = world.register_push().await;
    world.queue.lose(true);
    world.onboard(registration).await;
    world.queue.lose(false);
    world.run_for(MINUTE * 3).await;
    assert_eq!(world.receiver.seen().len(), 1);
}

#[tokio::test]
async fn ended_after_the_claim() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = world.onboard(registration).await;
    world.queue.clear();
    let key = store::webhooks::DeliveryKey::new(world.caller.partner, id);
    let now = world.clock.now();
    world.webhooks.claim(key, "dead", now, now + LEASE).await.unwrap();
    world.run_for(MINUTE * 3).await;
    assert_eq!(world.receiver.seen().len(), 1);
    assert_eq!(world.delivery(id).await.status, Status::Success);
}

#[tokio::test]
async fn ended_during_the_post() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = world.onboard(registration).await;
    world.receiver.panics(true);
    let message = world.queue.take_visible().unwrap();
    let ended =
        std::panic::AssertUnwindSafe(world.dispatcher.handle(&message)).catch_unwind().await;
    assert!(ended.is_err());
    world.receiver.panics(false);
    world.run_for(MINUTE * 3).await;
    assert_eq!(world.receiver.ids(), [id.to_string()], "posted again under the same id");
    assert_eq!(world.delivery(id).await.tries, 1);
}

#[tokio::test]
async fn ended_between_a_failures_record_and_its_next_message() {
    let world = World::new();
    let registration = world.register_push().await;
    let id = world.onboard(registration).await;
    world.receiver.script(&[DOWN], Ok(200));
    let message = world.queue.take_visible().unwrap();
    world.queue.refuse(true);
    assert!(world.dispatcher.handle(&message).await.is_err());
    world.queue.refuse(false);
    // SQS brings the message again too; its claim finds that the time has not come.
    assert_eq!(deliver(&world, &message).await, Dispatched::Passed(Passed::Early));
    world.run_for(MINUTE * 4).await;
    assert_eq!(world.receiver.seen().len(), 2);
    assert_eq!(world.delivery(id).await.status, Status::Success);
}

#[tokio::test]
async fn ended_between_success_and_acknowledging_the_message() {
    let world = World::new();
    let registration = world.register_push().await;
    world.onboard(registration).await;
    let message = world.queue.take_visible().unwrap();
    assert_eq!(deliver(&world, &message).await, Dispatched::Delivered);
    assert_eq!(deliver(&world, &message).await, Dispatched::Passed(Passed::NotQueued));
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1);
}

/// Every message of a restart is lost in turn; the backlog still arrives.
#[tokio::test]
async fn ended_anywhere_in_a_restart() {
    for lost in 0..6 {
        let world = World::new();
        let registration = world.register_push().await;
        world.receiver.always(DOWN);
        world.onboard(registration).await;
        world.run_for(LONG).await;
        for _ in 0..2 {
            world.onboard(registration).await;
        }
        world.drain().await;
        world.receiver.always(Ok(200));
        world.restart(registration).await;
        let before = world.receiver.seen().len();
        for _ in 0..lost {
            if let Some(message) = world.queue.take_visible() {
                world.dispatcher.handle(&message).await.unwrap();
            }
        }
        world.queue.clear();
        world.run_for(MINUTE * 20).await;
        assert_eq!(world.receiver.seen().len() - before, 3, "lost after {lost}");
        assert_eq!(world.registration(registration).await.phase, Phase::Active);
        assert_eq!(world.queue.len(), 0);
    }
}

#[tokio::test]
async fn the_sweep_is_quiet_bounded_and_does_not_flood_a_long_queue() {
    let world = World::new();
    let registration = world.register_push().await;
    world.onboard(registration).await;
    let worker = &world.dispatcher.worker;
    let swept = sweep::sweep(worker, SignedDuration::ZERO).await.unwrap();
    assert_eq!(swept.deliveries, 0, "not yet overdue");
    let mut sent = 0;
    for _ in 0..60 {
        world.advance(MINUTE);
        sent += sweep::sweep(worker, SignedDuration::ZERO).await.unwrap().deliveries;
    }
    assert!((3..=12).contains(&sent), "{sent} copies in an hour of an unread queue");
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), 1);
    let ahead = sweep::ahead(&json!({"aheadSeconds": 120})).unwrap();
    assert_eq!(sweep::sweep(worker, ahead).await.unwrap(), sweep::Swept::default());
    assert!(sweep::ahead(&json!({"aheadSeconds": -1})).is_err());
    assert!(sweep::ahead(&json!({"aheadSeconds": "x"})).is_err());
}

#[tokio::test]
async fn real_stream_records_are_fanned_out_and_others_ignored() {
    let world = World::new();
    let registration = world.register_push().await;
    let customers = world.database.customers();
    let event = world.domain_event(EventKind::Onboarded);
    customers.replace(store::outbox::event_item(&event).unwrap()).await.unwrap();
    let mut other = store::outbox::event_item(&event).unwrap();
    other.insert("sk".into(), other["pk"].clone());
    customers.replace(other).await.unwrap();
    let records = world.database.stream_records(&customers);
    assert_eq!(records.len(), 2);
    for record in &records {
        let record = StreamRecord {
            change: record["eventName"].as_str().unwrap().to_owned(),
            new_image: record["dynamodb"].get("NewImage").cloned(),
            old_image: None,
        };
        fanout::fan_out(&world.dispatcher.worker, &record).await.unwrap();
        let removed = StreamRecord { change: "REMOVE".into(), ..record };
        fanout::fan_out(&world.dispatcher.worker, &removed).await.unwrap();
    }
    world.run_for(MINUTE).await;
    assert_eq!(world.receiver.ids(), [fanout::delivery_id(event.id, registration).to_string()]);
    let broken = StreamRecord {
        change: "INSERT".into(),
        new_image: Some(json!({"sk": {"S": "EVENT#x"}})),
        old_image: None,
    };
    assert!(fanout::fan_out(&world.dispatcher.worker, &broken).await.is_err());
}

#[tokio::test]
async fn a_ping_is_tried_once_and_suspends_nothing() {
    let world = World::new();
    let registration = world.register_push().await;
    world.receiver.always(DOWN);
    let path = [("registrationId", &*registration.to_string())];
    let resource = "/webhooks/v1/registrations/{registrationId}/ping";
    let reply = world.call("PUT", resource, &path, &[], "").await.unwrap();
    assert_eq!(value(&reply)["isPing"], true);
    world.run_for(LONG).await;
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((&seen[0].body["isPing"], &seen[0].body["resources"]), (&json!(true), &json!([])));
    assert_eq!(seen[0].body["partnerId"], PARTNER);
    assert_eq!(world.registration(registration).await.phase, Phase::Active);
    world.onboard(registration).await;
    world.run_for(LONG).await;
    assert_eq!(world.registration(registration).await.phase, Phase::Suspended);
    let before = world.receiver.seen().len();
    world.call("PUT", resource, &path, &[], "").await.unwrap();
    world.run_for(LONG).await;
    assert_eq!(world.receiver.seen().len(), before + 1, "also while suspended");
}
