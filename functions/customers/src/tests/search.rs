//! Listing and searching.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn ids(page: &Value) -> Vec<String> {
    let results = page["results"].as_array().unwrap();
    results.iter().map(|found| found["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_show_everyone_once_and_in_order() {
    let world = World::new();
    let mut all = Vec::new();
    for _ in 0..7 {
        world.clock.advance(jiff::SignedDuration::from_millis(5));
        all.push(world.bob().await);
    }
    let page =
        |number: u32| call("GET", "customers").query("pageNumber", number).query("pageSize", 3);
    let first = world.ok(page(1)).await;
    assert_eq!(ids(&first), all[..3]);
    assert_eq!(
        (
            &first["pageNumber"],
            &first["pageSize"],
            &first["hasPreviousPage"],
            &first["hasNextPage"]
        ),
        (&json!(1), &json!(3), &json!(false), &json!(true))
    );
    assert_eq!(first["results"][0]["profile"]["taxId"], "*****8776");
    let last = world.ok(page(3)).await;
    assert_eq!(ids(&last), all[6..]);
    assert_eq!((&last["hasPreviousPage"], &last["hasNextPage"]), (&json!(true), &json!(false)));
    assert_eq!(ids(&world.ok(page(2)).await), all[3..6]);
    let past = world.ok(page(9)).await;
    assert_eq!((ids(&past).len(), &past["hasNextPage"]), (0, &json!(false)));
    let usual = world.ok(call("GET", "customers")).await;
    assert_eq!((ids(&usual).len(), &usual["pageSize"]), (7, &json!(25)));
    // Tax ids stay masked in lists, whatever the token.
    let unmasked = world.ok(call("GET", "customers").scopes(UNMASK)).await;
    assert_eq!(unmasked["results"][0]["profile"]["taxId"], "*****8776");
}

#[tokio::test]
async fn parameters_out_of_range_are_refused_together() {
    let world = World::new();
    let call = call("GET", "customers")
        .query("pageNumber", 0)
        .query("pageSize", 51)
        .query("id", "x")
        .query("ofac", "Maybe")
        .query("cifNumber", "1")
        .query("fromCreatedAt", "yesterday");
    let (status, errors) = world.errors(call).await;
    assert_eq!(status, 400);
    assert_eq!(
        errors,
        [
            "1004 id must be a GUID",
            "1004 cifNumber must be 11 digits",
            "1005 ofac must be one of Pending, Clear, Failed, Reviewing, Positive",
            "1004 fromCreatedAt must be a time with offset (2026-01-25T17:55:24-05:00) or a date (2026-01-25)",
            "1008 pageNumber must be between 1 and 1000000",
            "1008 pageSize must be between 1 and 50",
        ]
    );
}

#[tokio::test]
async fn every_filter_finds_its_own() {
    let world = World::new();
    let early = world
        .ok(call("POST", "customers").body(with(bob(), "/clientIdentifier", json!("crm-1"))))
        .await;
    let early_id = early["id"].as_str().unwrap().to_owned();
    world.clock.advance(jiff::SignedDuration::from_hours(48));
    let firm = world.company().await;
    world.screen(&firm, &["sdn-1"], &[]).await;

    let search = |name: &'static str, value: String| call("GET", "customers").query(name, value);
    for (name, value, found) in [
        ("id", early_id.clone(), vec![&early_id]),
        ("id", "0190b2c4-0000-7000-8000-000000000001".to_owned(), vec![]),
        ("cifNumber", early["cifNumber"].as_str().unwrap().to_owned(), vec![&early_id]),
        ("cifNumber", "30000000017".to_owned(), vec![]),
        ("taxId", "119988776".to_owned(), vec![&early_id]),
        ("taxId", "990000004".to_owned(), vec![&firm]),
        ("taxId", "990000005".to_owned(), vec![]),
        ("clientIdentifier", "crm-1".to_owned(), vec![&early_id]),
        ("clientIdentifier", "crm-2".to_owned(), vec![]),
        ("classification", "business".to_owned(), vec![&firm]),
        ("ofac", "Failed".to_owned(), vec![&firm]),
        ("ofac", "Pending".to_owned(), vec![&early_id]),
        ("pepScan", "Clear".to_owned(), vec![&firm]),
        ("fromCreatedAt", "2026-01-26".to_owned(), vec![&firm]),
        ("toCreatedAt", "2026-01-25".to_owned(), vec![&early_id]),
        ("toCreatedAt", "2300-01-01".to_owned(), vec![&early_id, &firm]),
        ("toCreatedAt", "7000-01-01".to_owned(), vec![&early_id, &firm]),
        ("fromCreatedAt", "2300-01-01".to_owned(), vec![]),
        ("fromCreatedAt", "2026-01-25T17:55:24.442258-05:00".to_owned(), vec![&early_id, &firm]),
        ("fromCreatedAt", "2026-01-25T17:55:24.442259-05:00".to_owned(), vec![&firm]),
        ("partnerId", ONE.to_owned(), vec![&early_id, &firm]),
        ("partnerId", TWO.to_owned(), vec![]),
    ] {
        let page = world.ok(search(name, value.clone())).await;
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), found, "{name}={value}");
    }
    // Everything given must hold.
    let both = search("taxId", "119988776".to_owned()).query("classification", "Business");
    assert_eq!(ids(&world.ok(both).await).len(), 0);
    let both = search("fromCreatedAt", "2026-01-25".to_owned()).query("toCreatedAt", "2026-01-26");
    assert_eq!(ids(&world.ok(both).await), [early_id.as_str()]);
    // Another partner finds none of it.
    for (name, value) in [("taxId", "119988776"), ("clientIdentifier", "crm-1"), ("id", &*early_id)]
    {
        let theirs = search(name, value.to_owned()).partner(TWO);
        assert_eq!(ids(&world.ok(theirs).await).len(), 0, "{name}");
    }
    let cif = search("cifNumber", early["cifNumber"].as_str().unwrap().to_owned()).partner(TWO);
    assert_eq!(ids(&world.ok(cif).await).len(), 0);
    assert_eq!(ids(&world.ok(call("GET", "customers").partner(TWO)).await).len(), 0);
}

#[tokio::test]
async fn one_tax_id_may_have_several_customers() {
    let world = World::new();
    let mut all = BTreeSet::new();
    for _ in 0..3 {
        all.insert(world.bob().await);
    }
    let found =
        world.ok(call("GET", "customers").query("taxId", "119988776").query("pageSize", 2)).await;
    assert_eq!((ids(&found).len(), &found["hasNextPage"]), (2, &json!(true)));
    let rest = world
        .ok(call("GET", "customers")
            .query("taxId", "119988776")
            .query("pageSize", 2)
            .query("pageNumber", 2))
        .await;
    let seen: BTreeSet<String> = ids(&found).into_iter().chain(ids(&rest)).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn operations_cost_what_the_table_says() {
    let world = World::new();
    let id = world.bob().await;
    let firm = world.company().await;
    let phones = format!("customers/{id}/phones");
    let phone = world.ok(call("POST", &phones).body(mobile("2015552345"))).await;
    let one = format!("{phones}/{}", phone["id"].as_str().unwrap());
    let name = |first: &str| json!({ "firstName": first, "lastName": "S" });
    let owner = json!({ "ownerCustomerId": id, "ownershipPercentage": 30 });
    let with_phone = with(bob(), "/primaryPhone", mobile("2015552345"));
    let get = || call("GET", format!("customers/{id}"));
    let meter = world.app.customers.table().meter();
    meter.take();
    // Round trips are exact, units an upper bound.
    for (round_trips, units, call) in [
        (1, 17.0, call("POST", "customers").body(bob())),
        (1, 21.0, call("POST", "customers").key("k").body(with_phone)),
        (1, 1.0, get()),
        (2, 9.0, get().scopes(UNMASK)),
        (1, 1.0, call("GET", &phones)),
        (1, 2.0, call("GET", &one)),
        (1, 1.0, call("GET", "customers")),
        (2, 1.5, call("GET", "customers").query("pageSize", 2)),
        (1, 1.0, call("GET", "customers").query("id", &id).query("taxId", "119988776")),
        (2, 4.0, call("GET", "customers").query("taxId", "119988776")),
        (2, 13.0, call("PUT", format!("customers/{id}/name")).body(name("B"))),
        (2, 15.0, call("PUT", format!("customers/{id}/name")).key("k").body(name("C"))),
        (2, 14.0, call("POST", &phones).body(mobile("2015552346"))),
        (3, 19.0, call("POST", format!("customers/{firm}/beneficial-owners")).body(owner)),
        (2, 15.0, call("PUT", &one).body(mobile("2015552347"))),
        (2, 14.0, call("DELETE", format!("customers/{id}"))),
    ] {
        let (method, path) = (call.method, call.path.clone());
        world.ok(call).await;
        let cost = meter.take();
        println!(
            "{method} {path}: {} round trips, {} units",
            cost.round_trips, cost.capacity_units
        );
        assert!(cost.capacity_units <= units, "{method} {path}: {} units", cost.capacity_units);
        assert!(cost.round_trips <= round_trips, "{method} {path}: {}", cost.round_trips);
    }
}
