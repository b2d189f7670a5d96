//! Idempotency as the Straddle contract has it (§4).

use super::straddle_creating::{mira, update_of};
use super::*;

const ACCOUNT: &str = "0190b2c4-0000-7000-8000-00000000000a";

fn create() -> Call<'static> {
    straddle("POST", "customers").key("cust-000000001").body(mira())
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_byte_for_byte() {
    let world = World::new();
    let first = world.reply(create().id("r-1")).await;
    assert_eq!((first.status(), first.header("idempotent-replayed")), (201, None));
    let items = world.database.dump(&world.database.customers()).await.len();
    world.clock.advance(jiff::SignedDuration::from_hours(23));
    let again = world.reply(create().id("r-2")).await;
    assert_eq!((again.status(), again.body()), (201, first.body()), "meta and all");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.database.dump(&world.database.customers()).await.len(), items);
    // A day later the key is free: the same request is a new one, and meets the e-mail's rule.
    world.clock.advance(jiff::SignedDuration::from_hours(2));
    assert_eq!(world.reply(create()).await.status(), 422);
}

#[tokio::test]
async fn one_key_is_one_request() {
    let world = World::new();
    let first = world.reply(create()).await;
    let data: Value = serde_json::from_str(first.body()).unwrap();
    let id = data["data"]["id"].as_str().unwrap();
    let other_body = with(mira(), "/name", json!("Mira O"));
    for other in [
        straddle("POST", "customers").body(other_body),
        straddle("PUT", format!("customers/{id}")).body(update_of(&data["data"])),
        straddle("PATCH", format!("customers/{id}/review")).body(json!({ "status": "verified" })),
        straddle("PUT", format!("customers/{id}/refresh_review")),
        straddle("DELETE", format!("customers/{id}")),
    ] {
        let case = format!("{} {}", other.method, other.path);
        let reply = world.reply(other.key("cust-000000001")).await;
        assert_eq!(reply.status(), 409, "{case}");
        assert_eq!(reply.header("x-should-retry"), Some("false"), "{case}");
        let body: Value = serde_json::from_str(reply.body()).unwrap();
        assert_eq!(body["error"]["type"], "/conflict");
    }
    world.ok(straddle("GET", format!("customers/{id}"))).await;
    // In another account, or at another partner, it is another key.
    assert_eq!(world.reply(create().account(ACCOUNT)).await.status(), 201);
    assert_eq!(world.reply(create().partner(TWO)).await.status(), 201);
}

#[tokio::test]
async fn keys_have_10_to_40_characters() {
    let world = World::new();
    for key in ["short-key", &"k".repeat(41)] {
        let (status, answer) =
            world.send(straddle("POST", "customers").key(key).body(mira())).await;
        assert_eq!((status, &answer["error"]["type"]), (400, &json!("/bad_request")));
        assert_eq!(answer["error"]["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer["error"]["items"][0]["reference"], "Idempotency-Key");
    }
    assert_eq!(
        world.reply(straddle("POST", "customers").key(&"k".repeat(40)).body(mira())).await.status(),
        201
    );
}

#[tokio::test]
async fn a_refused_request_has_used_its_key() {
    let world = World::new();
    let wrong = with(mira(), "/phone", json!("x"));
    let ask = |body: Value| straddle("POST", "customers").key("cust-000000002").body(body);
    let first = world.reply(ask(wrong.clone()).id("r-1")).await;
    assert_eq!(first.status(), 422);
    let again = world.reply(ask(wrong).id("r-2")).await;
    assert_eq!((again.status(), again.body()), (422, first.body()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.reply(ask(mira())).await.status(), 409);
    // The same where the table refuses.
    world.straddle_create(mira()).await;
    let taken = || straddle("POST", "customers").key("cust-000000003").body(mira());
    let first = world.reply(taken().id("r-1")).await;
    assert_eq!(first.status(), 422);
    let again = world.reply(taken().id("r-2")).await;
    assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")));
    // What the caller may not do uses nothing up.
    let forbidden = create().scopes("customers:read");
    assert_eq!(world.reply(forbidden).await.status(), 403);
}

#[tokio::test]
async fn every_write_can_be_repeated() {
    let world = World::new();
    let body = with(mira(), "/config", json!({ "sandbox_outcome": "review" }));
    let data = world.straddle_create(body).await;
    let id = data["id"].as_str().unwrap();
    let changed = with(update_of(&data), "/metadata", json!({ "plan": "free" }));
    for (number, call) in [
        straddle("PUT", format!("customers/{id}")).body(changed),
        straddle("PATCH", format!("customers/{id}/review")).body(json!({ "status": "verified" })),
        straddle("PUT", format!("customers/{id}/refresh_review")),
        straddle("DELETE", format!("customers/{id}")),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("write-00000{number}");
        let first = world.reply(Call { key: Some(&key), ..call.clone() }).await;
        assert!(first.status() < 300, "{}", first.body());
        let events = world.events(id).await.len();
        let again = world.reply(Call { key: Some(&key), ..call.clone() }).await;
        assert_eq!((again.status(), again.body()), (first.status(), first.body()));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(world.events(id).await.len(), events);
    }
}

#[tokio::test]
async fn two_with_one_key_at_once_have_one_effect() {
    let world = World::new();
    let (one, two) = tokio::join!(world.reply(create()), world.reply(create()));
    assert_eq!((one.status(), one.body()), (two.status(), two.body()));
    let listed = world.ok(straddle("GET", "customers")).await;
    assert_eq!(listed["meta"]["total_items"], 1);
}
