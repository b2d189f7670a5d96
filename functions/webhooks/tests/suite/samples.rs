//! The sample events are what the functions read.

use std::path::{Path, PathBuf};

use http_api::{Contract, Request};
use runtime::StreamRecord;
use serde_json::Value;
use webhooks::queue::Message;
use webhooks::{fanout, sweep};

use crate::common::{ONBOARDED, PARTNER, World, value};

fn samples(function: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function);
    let mut files: Vec<PathBuf> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text
            .replace("{{client.partnerId}}", PARTNER)
            .replace("{{client.clientId}}", "client-1");
        assert!(!text.contains("{{"), "{path:?} has a placeholder that is not filled in");
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).unwrap())
    };
    files.into_iter().map(read).collect()
}

#[tokio::test]
async fn requests_are_answered_as_their_names_say() {
    let world = World::new();
    let mut statuses = Vec::new();
    for function in ["webhook-registrations", "webhook-events"] {
        for (name, event) in samples(function) {
            let event = serde_json::from_value(event).unwrap();
            let request = Request::from_event(event, function).unwrap();
            let caller = request.caller().unwrap();
            let reply = world.send_as(&caller, &request).await;
            let reply = reply.unwrap_or_else(|failure| failure.into_reply(Contract::Cos));
            statuses.push((name, reply.status()));
        }
    }
    let expected = |name: &str| match name {
        "missing-fields" | "forbidden-callback" | "invalid-filters" => 400,
        unknown if unknown.ends_with("unknown") => 404,
        "poll" => 204,
        _ => 200,
    };
    assert!(statuses.len() >= 10);
    for (name, status) in &statuses {
        if !name.ends_with("-push") || name == "forbidden-callback" {
            assert_eq!(*status, expected(name), "{name}");
        }
    }
}

#[tokio::test]
async fn stream_records_are_fanned_out() {
    let world = World::new();
    world.register_push().await;
    for (name, event) in samples("event-fanout") {
        for record in event["Records"].as_array().unwrap() {
            let record = StreamRecord {
                change: record["eventName"].as_str().unwrap().into(),
                new_image: Some(record["dynamodb"]["NewImage"].clone()),
                old_image: None,
            };
            fanout::fan_out(&world.dispatcher.worker, &record)
                .await
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
    world.drain().await;
    let seen = world.receiver.seen();
    assert_eq!(seen.len(), 1, "the same event in every sample");
    assert_eq!(seen[0].body["eventName"], ONBOARDED);
}

#[tokio::test]
async fn queue_messages_and_schedules_are_read() {
    let world = World::new();
    for (name, event) in samples("webhook-dispatch") {
        let body = event["Records"][0]["body"].as_str().unwrap();
        let message = serde_json::from_str::<Message>(body);
        assert_eq!(message.is_err(), name == "malformed", "{name}");
        if let Ok(message) = message {
            world.dispatcher.handle(&message).await.unwrap();
        }
    }
    for (name, event) in samples("webhook-sweep") {
        let ahead = sweep::ahead(&event).unwrap();
        assert_eq!(ahead.is_zero(), name == "clock");
    }
    let page = world.call("GET", "/webhooks/v1/events", &[], &[], "").await.unwrap();
    assert_eq!(value(&page)["results"], Value::Array(vec![]));
}
