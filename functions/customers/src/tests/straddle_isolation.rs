//! Nobody reaches what is not theirs: each of the nine operations across partners, across accounts, and without its scope.

use aws_sdk_dynamodb::types::AttributeValue;

use super::straddle_creating::{mira, update_of};
use super::*;

const ACCOUNT: &str = "0190b2c4-0000-7000-8000-00000000000a";
const OTHER: &str = "0190b2c4-0000-7000-8000-00000000000b";

/// The operations on one customer: method, path behind it, body, scope.
fn on_one(data: &Value) -> Vec<(&'static str, &'static str, Option<Value>, &'static str)> {
    vec![
        ("GET", "", None, "customers:read"),
        ("PUT", "", Some(update_of(data)), "customers:write"),
        ("GET", "/unmasked", None, "customers:unmask"),
        ("GET", "/review", None, "customers:read"),
        ("PATCH", "/review", Some(json!({ "status": "verified" })), "compliance:review"),
        ("PUT", "/refresh_review", None, "customers:write"),
        ("DELETE", "", None, "customers:write"),
    ]
}

fn made<'a>(method: &'a str, id: &str, behind: &str, body: Option<Value>) -> Call<'a> {
    let mut call = straddle(method, format!("customers/{id}{behind}"));
    call.body = body;
    call
}

/// A value as text that does not depend on the order of a map's fields.
fn plain(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(map) => {
            let sorted: std::collections::BTreeMap<_, _> =
                map.iter().map(|(name, value)| (name, plain(value))).collect();
            format!("{sorted:?}")
        }
        AttributeValue::L(list) => format!("{:?}", list.iter().map(plain).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

async fn everything(world: &World) -> String {
    let mut items = world.database.dump(&world.database.customers()).await;
    items.retain(|item| !store::text(item, "pk").unwrap().starts_with("KEY#"));
    let mut lines: Vec<String> =
        items.into_iter().map(|item| plain(&AttributeValue::M(item))).collect();
    lines.sort();
    lines.join("\n")
}

#[tokio::test]
async fn another_partners_customer_is_not_there() {
    let world = World::new();
    let data = world
        .straddle_create(with(mira(), "/config", json!({ "sandbox_outcome": "review" })))
        .await;
    let id = data["id"].as_str().unwrap().to_owned();
    let unknown = "0190b2c4-0000-7000-8000-000000000001";
    let before = everything(&world).await;
    for (method, behind, body, _) in on_one(&data) {
        let theirs = world.send(made(method, &id, behind, body.clone()).partner(TWO)).await;
        let nobodys = world.send(made(method, unknown, behind, body.clone()).partner(TWO)).await;
        let malformed = world.send(made(method, "42", behind, body).partner(TWO)).await;
        assert_eq!(theirs.0, 404, "{method} {behind}");
        assert_eq!(theirs.1["error"], nobodys.1["error"], "{method} {behind}");
        assert_eq!(theirs.1["error"], malformed.1["error"], "{method} {behind}");
    }
    let listed = world.ok(straddle("GET", "customers").partner(TWO)).await;
    assert_eq!((&listed["data"], &listed["meta"]["total_items"]), (&json!([]), &json!(0)));
    for (name, value) in
        [("email", "mira.oduya@example.com"), ("external_id", "u-1001"), ("search_text", "mira")]
    {
        let listed = world.ok(straddle("GET", "customers").partner(TWO).query(name, value)).await;
        assert_eq!(listed["data"], json!([]), "{name}");
    }
    assert_eq!(everything(&world).await, before, "nothing was written");
    // Creating with the same facts makes another customer and touches none.
    let (status, answer) =
        world.send(straddle("POST", "customers").body(mira()).partner(TWO)).await;
    assert_eq!(status, 201);
    assert_ne!(answer["data"]["id"], data["id"]);
}

#[tokio::test]
async fn another_accounts_customer_is_not_there_and_the_platform_sees_all() {
    let world = World::new();
    let body = with(mira(), "/config", json!({ "sandbox_outcome": "review" }));
    let (status, answer) =
        world.send(straddle("POST", "customers").account(ACCOUNT).body(body.clone())).await;
    assert_eq!(status, 201);
    let data = answer["data"].clone();
    let id = data["id"].as_str().unwrap();
    let before = everything(&world).await;
    for (method, behind, body, _) in on_one(&data) {
        let theirs = world.send(made(method, id, behind, body).account(OTHER)).await;
        assert_eq!(theirs.0, 404, "{method} {behind}");
    }
    assert_eq!(everything(&world).await, before, "nothing was written");
    let count = async |call: Call<'_>| world.ok(call).await["meta"]["total_items"].clone();
    for sort in ["name", "created_at"] {
        let list = || straddle("GET", "customers").query("sort_by", sort);
        assert_eq!(count(list().account(OTHER)).await, 0);
        assert_eq!(count(list().account(ACCOUNT)).await, 1);
        assert_eq!(count(list()).await, 1);
    }
    for (name, value) in
        [("email", "mira.oduya@example.com"), ("external_id", "u-1001"), ("search_text", "mira")]
    {
        let list = || straddle("GET", "customers").query(name, value);
        assert_eq!(count(list().account(OTHER)).await, 0, "{name}");
        assert_eq!(count(list().account(ACCOUNT)).await, 1, "{name}");
    }
    // Creating is scoped by the header: the same e-mail is free in the other account.
    assert_eq!(world.send(straddle("POST", "customers").account(OTHER).body(body)).await.0, 201);
    // The account itself, and its platform, may do all of it.
    for (method, behind, body, _) in on_one(&data) {
        let own = world.send(made(method, id, behind, body).account(ACCOUNT)).await;
        assert!(own.0 < 300, "{method} {behind}: {}", own.1);
    }
    for (name, wrong) in [("GET", "x"), ("POST", ""), ("DELETE", "0190b2c4")] {
        let call = if name == "DELETE" {
            made("DELETE", id, "", None)
        } else {
            straddle(name, "customers").body(mira())
        };
        let refused = world.refusal(call.account(wrong)).await;
        assert_eq!(
            refused,
            (400, "/bad_request".to_owned(), vec!["Straddle-Account-Id".to_owned()])
        );
    }
}

#[tokio::test]
async fn each_operation_needs_its_scope() {
    let world = World::new();
    let data = world
        .straddle_create(with(mira(), "/config", json!({ "sandbox_outcome": "review" })))
        .await;
    let id = data["id"].as_str().unwrap().to_owned();
    let without = |scope: &str| {
        EVERYTHING.split(' ').filter(|held| *held != scope).collect::<Vec<_>>().join(" ")
    };
    let mut operations: Vec<(Call<'_>, &str)> = vec![
        (straddle("POST", "customers").body(mira()), "customers:write"),
        (straddle("GET", "customers"), "customers:read"),
    ];
    for (method, behind, body, scope) in on_one(&data) {
        operations.push((made(method, &id, behind, body), scope));
    }
    assert_eq!(operations.len(), 9);
    for (call, scope) in operations {
        let scopes = without(scope);
        let case = format!("{} {}", call.method, call.path);
        let refused = world.refusal(Call { scopes: &scopes, ..call }).await;
        assert_eq!((refused.0, refused.1.as_str()), (403, "/forbidden"), "{case}");
    }
}
