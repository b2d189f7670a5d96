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

/// Bounds go by the millisecond, as order and totals do: page and total agree also where several customers share one.
#[tokio::test]
async fn customers_of_one_millisecond_are_bounded_and_counted_together() {
    let world = World::new();
    let mut times = Vec::new();
    for number in 0..5 {
        let data = world.straddle_create(numbered(number)).await;
        times.push(data["created_at"].as_str().unwrap().to_owned());
        // Each request takes a millisecond here; two hundred microseconds lie between these.
        world.clock.advance(jiff::SignedDuration::from_micros(-800));
    }
    let millisecond = |time: &String| time[..23].to_owned();
    assert!(
        times.iter().any(|time| millisecond(time) == millisecond(&times[2]) && *time != times[2])
    );
    for (at, time) in times.iter().enumerate() {
        let count = |holds: &dyn Fn(String) -> bool| {
            times.iter().filter(|other| holds(millisecond(other))).count()
        };
        let from = count(&|other| other >= millisecond(time));
        let to = count(&|other| other <= millisecond(time));
        for (name, expected) in [("created_from", from), ("created_to", to)] {
            for sort in ["name", "created_at"] {
                for size in 1..=5_usize {
                    let asked = list().query(name, time).query("page_size", size);
                    let page = world.ok(asked.query("sort_by", sort)).await;
                    assert_eq!(page["meta"]["total_items"], expected, "{name} {at} {sort} {size}");
                    assert_eq!(names(&page).len(), size.min(expected), "{name} {at} {sort} {size}");
                }
            }
        }
    }
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
        ("page_number", "-1", 422, "page_number"),
        ("page_number", "-99999999999999999999", 422, "page_number"),
        ("page_number", "1000001", 422, "page_number"),
        ("page_number", "99999999999999999999", 422, "page_number"),
        ("page_number", "x", 400, "PageNumber"),
        ("page_number", "1.0", 400, "PageNumber"),
        ("page_number", "1e2", 400, "PageNumber"),
        ("page_number", "0x1", 400, "PageNumber"),
        ("page_number", "1,2", 400, "PageNumber"),
        ("page_number", "-", 400, "PageNumber"),
        ("page_number", "١", 400, "PageNumber"),
        ("page_size", "0", 422, "page_size"),
        ("page_size", "-5", 422, "page_size"),
        ("page_size", "1001", 422, "page_size"),
        ("page_size", "4294967297", 422, "page_size"),
        ("page_size", "ten", 400, "PageSize"),
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
    // At the bounds, and blank, which is absent.
    for (name, value, number, size) in [
        ("page_number", "1", 1, 100),
        ("page_number", "1000000", 1_000_000, 100),
        ("page_number", "007", 7, 100),
        ("page_number", "", 1, 100),
        ("page_number", " ", 1, 100),
        ("page_size", "1", 1, 1),
        ("page_size", "1000", 1, 1000),
        ("page_size", "", 1, 100),
    ] {
        let meta = world.ok(list().query(name, value)).await["meta"].clone();
        assert_eq!(
            (&meta["page_number"], &meta["page_size"]),
            (&json!(number), &json!(size)),
            "{name}={value}"
        );
    }
    // The ends of time as other platforms write them, and what a time may look like.
    for (name, value) in [
        ("created_from", "0001-01-01T00:00:00"),
        ("created_to", "9999-12-31T23:59:59.9999999Z"),
        ("created_to", "9999-12-31T23:59:59.9999999"),
        ("created_to", "9999-12-31"),
    ] {
        for by in ["name", "created_at"] {
            world.ok(list().query(name, value).query("sort_by", by)).await;
        }
    }
    let (_, refused) = world.send(list().query("created_to", "soon")).await;
    assert_eq!(
        refused["error"]["items"][0]["detail"],
        "created_to must be a date (2026-01-25) or a time (2026-01-25T17:55:24-05:00; without offset, UTC)."
    );
    // All wrong ones at once; a value of the wrong type is told first.
    let both = list().query("page_number", "0").query("page_size", "0").query("status", "gone");
    let (status, _, named) = world.refusal(both.clone()).await;
    assert_eq!(
        (status, named),
        (422, ["page_number", "page_size", "status"].map(str::to_owned).to_vec())
    );
    let (status, _, named) =
        world.refusal(both.query("sort_by", "name").query("page_size", "x")).await;
    assert_eq!((status, named), (400, vec!["PageSize".to_owned()]));
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

/// Few of many: the counters say where the page ends, so that nobody walks to the end of the listing for it.
#[tokio::test]
async fn a_rare_status_costs_what_it_is_and_not_what_there_is() {
    let world = World::new();
    let meter = world.app.customers.table().meter();
    for number in 0..9 {
        let outcome = if number == 1 { "review" } else { "verified" };
        let body = with(numbered(number), "/config", json!({ "sandbox_outcome": outcome }));
        world.straddle_create(body).await;
    }
    for (query, rows, round_trips) in [
        (vec![("status", "review")], 1, 2),
        (vec![("status", "rejected")], 0, 1),
        (vec![("status", "review,verified"), ("page_size", "9")], 9, 2),
        (vec![("types", "individual"), ("page_size", "4")], 4, 3),
        (vec![("types", "business")], 0, 1),
    ] {
        let call = query.iter().fold(list(), |call, (name, value)| call.query(name, value));
        meter.take();
        let answer = world.ok(call).await;
        assert_eq!(meter.take().round_trips, round_trips, "{query:?}");
        assert_eq!(names(&answer).len(), rows, "{query:?}");
    }
}

/// Neither an external id nor an e-mail address has to be unique: what a page costs does not grow with how many share it.
#[tokio::test]
async fn what_many_customers_share_costs_a_page_and_not_all_of_them() {
    let world = World::new();
    let meter = world.app.customers.table().meter();
    for number in 0..130 {
        let mut body = with(numbered(number * 77 % 130), "/external_id", json!("shared"));
        if number % 50 == 7 {
            body["config"] = json!({ "sandbox_outcome": "review" });
        }
        world.straddle_create(body).await;
    }
    world.straddle_create(with(numbered(900), "/external_id", json!("shared-not"))).await;
    let shared = || list().query("external_id", "shared");
    for (by, costs) in [("name", vec![3, 4, 4]), ("created_at", vec![3, 3, 3])] {
        let whole = world.ok(shared().query("sort_by", by).query("page_size", 1000)).await;
        let mut pieces = Vec::new();
        for page in 1..=14 {
            let call = shared().query("sort_by", by).query("page_size", 10);
            meter.take();
            let answer = world.ok(call.query("page_number", page)).await;
            if let Some(cost) = costs.get(page - 1) {
                assert!(meter.take().round_trips <= *cost, "{by} {page}");
            }
            assert_eq!(answer["meta"]["total_items"], 130, "{by} {page}");
            pieces.extend(names(&answer));
        }
        assert_eq!(pieces, names(&whole), "{by}");
        let mut sorted = pieces.clone();
        sorted.sort_unstable();
        assert_eq!((pieces == sorted, sorted.len()), (by == "name", 130));
    }
    // With other filters the total is theirs.
    let call = shared().query("status", "review").query("page_size", 2);
    let answer = world.ok(call).await;
    assert_eq!((names(&answer).len(), &answer["meta"]["total_items"]), (2, &json!(3)));
}

#[tokio::test]
async fn an_address_that_many_share_is_compared_whole() {
    let world = World::new();
    for number in 0..103 {
        let mut body = bob();
        body["name"]["firstName"] = json!(format!("B{number:03}"));
        let address = match number {
            101 => "b@example.com.mx",
            102 => "bb@example.com",
            _ => "B@example.com",
        };
        body["primaryEmail"] = json!({ "emailType": "Home", "emailAddress": address });
        world.ok(call("POST", "customers").body(body)).await;
    }
    let same = || list().query("email", "b@Example.com").query("page_size", 40);
    for (page, rows) in [(1, 40), (2, 40), (3, 21), (4, 0)] {
        for by in ["name", "created_at"] {
            let call = same().query("sort_by", by).query("page_number", page);
            // Without and with another filter, which makes the total one that is counted.
            for call in [call.clone(), call.query("name", "b")] {
                let answer = world.ok(call).await;
                assert_eq!(
                    (names(&answer).len(), &answer["meta"]["total_items"]),
                    (rows, &json!(101))
                );
            }
        }
    }
}

/// Whoever waits for somebody is found by that, however many others there are.
#[tokio::test]
async fn customers_in_review_are_found_among_any_number() {
    let world = World::new();
    let meter = world.app.customers.table().meter();
    let outcomes = ["verified", "review", "rejected", "verified", "review", "verified"];
    let mut ids = Vec::new();
    for number in 0..24_u32 {
        let outcome = outcomes[number as usize % 6];
        let account = (number % 2 == 0).then_some(ACCOUNT);
        let body =
            with(numbered(number * 7 % 24), "/config", json!({ "sandbox_outcome": outcome }));
        let answer = world.send(Call { account, ..straddle("POST", "customers").body(body) }).await;
        ids.push(answer.1["data"]["id"].as_str().unwrap().to_owned());
    }
    for (status, account, rows) in [
        ("review", None, 8),
        ("rejected", None, 4),
        ("review,rejected", None, 12),
        ("review", Some(ACCOUNT), 4),
    ] {
        for by in ["name", "created_at"] {
            for order in ["asc", "desc"] {
                let call = |query: Call<'static>| Call {
                    account,
                    ..query.query("sort_by", by).query("sort_order", order)
                };
                meter.take();
                let found = world.ok(call(list().query("status", status))).await;
                assert_eq!(meter.take().round_trips, 2, "the counters and the cases");
                assert_eq!(found["meta"]["total_items"], rows);
                // As in the list of everybody.
                let all = world.ok(call(list())).await;
                let wanted = all["data"].as_array().unwrap().iter();
                let wanted: Vec<_> = wanted
                    .filter(|row| status.contains(row["status"].as_str().unwrap()))
                    .cloned()
                    .collect();
                assert_eq!(found["data"], Value::from(wanted.clone()));
                let second = list().query("status", status).query("page_size", 3);
                meter.take();
                let second = world.ok(call(second.query("page_number", 2))).await;
                assert_eq!(meter.take().round_trips, 3, "a look for a bookmark; none is left");
                assert_eq!(
                    second["data"],
                    Value::from(wanted.into_iter().skip(3).take(3).collect::<Vec<_>>())
                );
            }
        }
    }
    let path = format!("customers/{}/review", ids[1]);
    world.ok(straddle("PATCH", path).body(json!({ "status": "verified" }))).await;
    let left = world.ok(list().query("status", "review")).await;
    assert_eq!((names(&left).len(), &left["meta"]["total_items"]), (7, &json!(7)));
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

const CROWD: u32 = 10_000;

/// Prints what pages cost among 10,000 customers, for the table of `make bench`, which wants to see each of these lines.
#[tokio::test]
#[ignore = "takes minutes: run by benches/run.py"]
async fn ten_thousand_customers() {
    let world = World::over(TestDatabase::without_streams(), 1);
    for number in 0..CROWD {
        let mut body = numbered(number);
        if let Some(outcome) = ["review", "verified"].get((number as usize).wrapping_sub(700)) {
            body["config"] = json!({ "sandbox_outcome": outcome });
        }
        if number % 40 == 3 {
            body["external_id"] = json!("shared");
        }
        world.straddle_create(body).await;
    }
    let meter = world.app.customers.table().meter();
    let many = u64::from(CROWD);
    for (query, total) in [
        (vec![], many),
        (vec![("sort_by", "created_at")], many),
        (vec![("search_text", "person")], many),
        (vec![("external_id", "shared"), ("sort_by", "created_at")], many / 40),
        (vec![("status", "review")], 1),
        (vec![("status", "verified")], 1),
    ] {
        let pages = total.div_ceil(100);
        let mut costs = Vec::new();
        for page in 1..=pages {
            let mut call = list().query("page_number", page);
            for (name, value) in &query {
                call = call.query(name, value);
            }
            meter.take();
            let answer = world.ok(call).await;
            let cost = meter.take();
            assert_eq!(names(&answer).len() as u64, (total - (page - 1) * 100).min(100));
            assert_eq!(answer["meta"]["total_items"], total);
            if [1, 2, 3, 10, 50, pages - 1, pages].contains(&page) {
                costs.push((page, cost.round_trips, cost.capacity_units));
            }
        }
        println!("pages of 100 of 10,000 customers, {query:?}: {costs:?}");
        // Where one of all is looked for, it is found without its page being filled; the index is read once at most.
        let once = f64::from(CROWD) / 12.0;
        assert!(total > 1 || (costs[0].1 <= 3 && costs[0].2 <= once), "{costs:?}");
        // The second page of a search counts nothing; the last one leaves no bookmark.
        for cost in costs.iter().filter(|cost| (2..pages).contains(&cost.0)) {
            assert_eq!(cost.1, costs[1].1, "{costs:?}");
            assert!(cost.2 <= costs[1].2 * 1.1, "{costs:?}");
        }
    }
}
