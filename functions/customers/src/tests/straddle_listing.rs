//! Lists: filters, sorts, totals, numbered pages.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::straddle_creating::{firm, mira, numbered};
use super::*;

const ACCOUNT: &str = "0190b2c4-0000-7000-8000-00000000000a";

fn names(answer: &Value) -> Vec<String> {
    let rows = answer["data"].as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

fn list() -> Call<'static> {
    straddle("GET", "customers")
}

/// Four customers of different kinds, statuses and times.
async fn four() -> World {
    let world = World::new();
    for (name, email, outcome, external) in [
        ("Zoe Adams", "zoe@example.com", "verified", "x-1"),
        ("Émile Brun", "emile@example.org", "review", "x-2"),
        ("ann Clark", "ann@example.com", "rejected", "x-3"),
    ] {
        let mut body = with(mira(), "/name", json!(name));
        body["email"] = json!(email);
        body["external_id"] = json!(external);
        body["config"] = json!({ "sandbox_outcome": outcome });
        world.straddle_create(body).await;
        world.clock.advance(jiff::SignedDuration::from_hours(24));
    }
    world.straddle_create(with(firm(), "/config", json!({ "processing_method": "skip" }))).await;
    world
}

#[tokio::test]
async fn a_list_has_all_nine_facts_of_its_page_and_rows_without_secrets() {
    let world = four().await;
    let answer = world.ok(list().query("page_size", 3)).await;
    assert_eq!(answer["response_type"], "array");
    let meta = answer["meta"].as_object().unwrap();
    assert_eq!(meta.len(), 9);
    for (name, value) in [
        ("page_number", json!(1)),
        ("page_size", json!(3)),
        ("max_page_size", json!(1000)),
        ("total_items", json!(4)),
        ("total_pages", json!(2)),
        ("sort_by", json!("name")),
        ("sort_order", json!("asc")),
    ] {
        assert_eq!(meta[name], value, "{name}");
    }
    let row = answer["data"][0].as_object().unwrap();
    let fields: BTreeSet<&str> = row.keys().map(String::as_str).collect();
    let expected = [
        "id",
        "name",
        "type",
        "email",
        "phone",
        "external_id",
        "status",
        "created_at",
        "updated_at",
    ];
    assert_eq!(fields, BTreeSet::from(expected));
    assert_eq!((&row["name"], &row["status"]), (&json!("ann Clark"), &json!("rejected")));
    let nothing = World::new().ok(list()).await;
    assert_eq!(
        (&nothing["meta"]["total_items"], &nothing["meta"]["total_pages"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(nothing["meta"]["page_size"], 100);
}

#[tokio::test]
async fn every_sort_and_filter_does_what_it_says() {
    let world = four().await;
    let all = ["ann Clark", "Fern & Vale", "Zoe Adams", "Émile Brun"];
    let found = async |query: &[(&'static str, &str)]| {
        let call = query.iter().fold(list(), |call, (name, value)| call.query(name, value));
        let answer = world.ok(call).await;
        let names = names(&answer);
        assert_eq!(answer["meta"]["total_items"], names.len(), "{query:?}");
        names
    };
    assert_eq!(found(&[]).await, all);
    assert_eq!(
        found(&[("sort_by", "name"), ("sort_order", "desc")]).await,
        all.iter().rev().copied().collect::<Vec<_>>()
    );
    let by_time = ["Zoe Adams", "Émile Brun", "ann Clark", "Fern & Vale"];
    assert_eq!(found(&[("sort_by", "created_at")]).await, by_time);
    assert_eq!(found(&[("sort_by", "created_at"), ("sort_order", "desc")]).await[0], "Fern & Vale");
    for (query, expected) in [
        (vec![("name", "CLARK")], vec!["ann Clark"]),
        (vec![("name", "a")], vec!["ann Clark", "Fern & Vale", "Zoe Adams"]),
        (vec![("name", "émile b")], vec!["Émile Brun"]),
        (vec![("name", "nobody")], vec![]),
        (vec![("external_id", "x-2")], vec!["Émile Brun"]),
        (vec![("external_id", "x-")], vec![]),
        (vec![("email", "ZOE@example.com")], vec!["Zoe Adams"]),
        (vec![("email", "zoe@example")], vec![]),
        (vec![("email", "zoe@example.com"), ("external_id", "x-2")], vec![]),
        (vec![("email", "zoe@example.com"), ("status", "review")], vec![]),
        (vec![("status", "review,rejected")], vec!["ann Clark", "Émile Brun"]),
        (vec![("status", "pending")], vec!["Fern & Vale"]),
        (vec![("status", "inactive")], vec![]),
        (vec![("types", "business")], vec!["Fern & Vale"]),
        (vec![("types", "individual,business")], all.to_vec()),
        (vec![("types", "individual"), ("status", "verified")], vec!["Zoe Adams"]),
        (vec![("search_text", "example.com")], vec!["ann Clark", "Zoe Adams"]),
        (vec![("search_text", "X-3")], vec!["ann Clark"]),
        (vec![("search_text", "+44207")], vec!["Fern & Vale"]),
        (vec![("search_text", "brun")], vec!["Émile Brun"]),
        (vec![("created_from", "2026-01-26")], vec!["ann Clark", "Fern & Vale", "Émile Brun"]),
        (vec![("created_to", "2026-01-26T23:00:00Z")], vec!["Zoe Adams", "Émile Brun"]),
        (
            vec![("created_from", "2026-01-26T00:00:00"), ("created_to", "2026-01-26")],
            vec!["Émile Brun"],
        ),
        (vec![("created_from", "2026-01-28"), ("created_to", "2026-01-26")], vec![]),
        (
            vec![("name", "a"), ("types", "individual"), ("created_from", "2026-01-26")],
            vec!["ann Clark"],
        ),
    ] {
        assert_eq!(found(&query).await, expected, "{query:?}");
        let mut by_time = query.clone();
        by_time.push(("sort_by", "created_at"));
        let there: BTreeSet<String> = found(&by_time).await.into_iter().collect();
        assert_eq!(there, expected.iter().map(|name| (*name).to_owned()).collect(), "{by_time:?}");
    }
    // Repeated instead of joined.
    let (function, mut event) = list().event();
    event["multiValueQueryStringParameters"] = json!({ "status": ["review", "rejected"] });
    let request = Request::from_event(serde_json::from_value(event).unwrap(), function).unwrap();
    let reply = serve(&world.app, function, &request).await.unwrap();
    assert_eq!(names(&serde_json::from_str(reply.body()).unwrap()), ["ann Clark", "Émile Brun"]);
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let world = World::new();
    for (name, value, status, reference) in [
        ("page_number", "0", 422, "page_number"),
        ("page_number", "x", 400, "PageNumber"),
        ("page_size", "0", 422, "page_size"),
        ("page_size", "1001", 422, "page_size"),
        ("sort_by", "email", 422, "sort_by"),
        ("sort_order", "up", 422, "sort_order"),
        ("created_from", "yesterday", 422, "created_from"),
        ("created_to", "2026-13-01", 422, "created_to"),
        ("status", "verified,unknown", 422, "status"),
        ("types", "person", 422, "types"),
    ] {
        let refused = world.refusal(list().query(name, value)).await;
        assert_eq!((refused.0, refused.2), (status, vec![reference.to_owned()]), "{name}={value}");
    }
}

#[tokio::test]
async fn what_a_page_costs_does_not_depend_on_its_number() {
    let world = World::new();
    let meter = world.app.customers.table().meter();
    for number in 0..60 {
        world.straddle_create(numbered(number)).await;
    }
    for query in [
        vec![],
        vec![("status", "pending")],
        vec![("sort_by", "created_at")],
        vec![("name", "person")],
    ] {
        let mut costs = Vec::new();
        for page in 1..=13 {
            let mut call = list().query("page_size", 5).query("page_number", page);
            for (name, value) in &query {
                call = call.query(name, value);
            }
            meter.take();
            let answer = world.ok(call).await;
            costs.push(meter.take().round_trips);
            let expected = if page <= 12 { 5 } else { 0 };
            assert_eq!(names(&answer).len(), expected, "page {page}");
            assert_eq!(answer["meta"]["total_items"], 60);
            assert_eq!(answer["meta"]["total_pages"], 12);
        }
        println!("{query:?}: {costs:?}");
        assert!(costs[1..11].iter().all(|cost| *cost == costs[1]), "{query:?}: {costs:?}");
        assert!(costs.iter().all(|cost| *cost <= 4), "{query:?}: {costs:?}");
    }
    // Far behind the end is empty, and cheap.
    meter.take();
    let far = world.ok(list().query("page_number", 900_000)).await;
    assert_eq!((names(&far).len(), &far["meta"]["total_items"]), (0, &json!(60)));
    assert!(meter.take().round_trips <= 2);
    // A jump without a bookmark finds its page.
    let jumped = world.ok(list().query("page_size", 7).query("page_number", 4)).await;
    assert_eq!(names(&jumped)[0], "Person 00021");
}

#[tokio::test]
async fn the_counters_stay_exact() {
    let world = World::new();
    let mut ids = Vec::new();
    for number in 0..6 {
        let body = with(numbered(number), "/config", json!({ "sandbox_outcome": "review" }));
        let account = if number % 2 == 0 { Some(ACCOUNT) } else { None };
        let answer = world.send(Call { account, ..straddle("POST", "customers").body(body) }).await;
        ids.push(answer.1["data"]["id"].as_str().unwrap().to_owned());
    }
    let bob = world.bob().await;
    let total = async |status: &str, account: Option<&'static str>| {
        let call = Call { account, ..list().query("status", status) };
        world.ok(call).await["meta"]["total_items"].as_u64().unwrap()
    };
    assert_eq!(
        (
            total("review", None).await,
            total("review", Some(ACCOUNT)).await,
            total("pending", None).await
        ),
        (6, 3, 1)
    );
    let path = |at: usize| format!("customers/{}/review", ids[at]);
    world.ok(straddle("PATCH", path(0)).body(json!({ "status": "verified" }))).await;
    world.ok(straddle("PATCH", path(1)).body(json!({ "status": "rejected" }))).await;
    world.ok(call("DELETE", format!("customers/{}", ids[2]))).await;
    world.ok(straddle("DELETE", format!("customers/{}", ids[3]))).await;
    world.ok(call("DELETE", format!("customers/{bob}"))).await;
    for (status, all, account) in [
        ("review", 2, 1),
        ("verified", 1, 1),
        ("rejected", 1, 0),
        ("inactive", 2, 1),
        ("pending", 0, 0),
    ] {
        assert_eq!(total(status, None).await, all, "{status}");
        assert_eq!(total(status, Some(ACCOUNT)).await, account, "{status}");
    }
    assert_eq!(total("review,verified,rejected,inactive,pending", None).await, 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Pages of any size, in any order and under any filter, are the list cut in pieces.
    #[test]
    fn pages_partition_the_list(
        count in 1_u32..24,
        size in 1_u32..9,
        by_time: bool,
        descending: bool,
        filter in 0_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            for number in 0..count {
                world.straddle_create(numbered(number * 7 % 29)).await;
            }
            let query = |call: Call<'static>| {
                let call = call
                    .query("sort_by", if by_time { "created_at" } else { "name" })
                    .query("sort_order", if descending { "desc" } else { "asc" });
                match filter {
                    0 => call,
                    1 => call.query("status", "pending,review"),
                    2 => call.query("name", "1"),
                    _ => call.query("search_text", "person1"),
                }
            };
            let whole = world.ok(query(list()).query("page_size", 1000)).await;
            let mut pieces = Vec::new();
            for page in 1.. {
                let answer = world.ok(query(list()).query("page_size", size).query("page_number", page)).await;
                assert_eq!(answer["meta"]["total_items"], whole["meta"]["total_items"]);
                let rows = answer["data"].as_array().unwrap().clone();
                if rows.is_empty() {
                    break;
                }
                pieces.extend(rows);
            }
            assert_eq!(Value::from(pieces), whole["data"]);
            let ids: BTreeSet<&str> =
                whole["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
            assert_eq!(whole["meta"]["total_items"], ids.len());
        });
    }
}

/// Prints what pages cost among 10,000 customers, for the table of `make bench`.
#[tokio::test]
#[ignore = "takes minutes: run by benches/run.py"]
async fn ten_thousand_customers() {
    let world = World::new();
    for number in 0..10_000 {
        world.straddle_create(numbered(number)).await;
    }
    let meter = world.app.customers.table().meter();
    for query in [vec![], vec![("sort_by", "created_at")], vec![("search_text", "person")]] {
        let mut costs = Vec::new();
        for page in 1..=100 {
            let mut call = list().query("page_number", page);
            for (name, value) in &query {
                call = call.query(name, value);
            }
            meter.take();
            let answer = world.ok(call).await;
            assert_eq!(names(&answer).len(), 100);
            assert_eq!(answer["meta"]["total_items"], 10_000);
            let cost = meter.take();
            if [1, 2, 3, 10, 50, 99, 100].contains(&page) {
                costs.push((page, cost.round_trips, cost.capacity_units));
            }
        }
        println!("pages of 100 of 10,000 customers, {query:?}: {costs:?}");
        // The second page of a search counts nothing; the last one leaves no bookmark.
        assert!(costs[1..6].iter().all(|cost| cost.1 == costs[1].1), "{costs:?}");
    }
}
