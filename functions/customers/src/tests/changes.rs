//! Changing, deactivating and reviewing customers.

use domain::event::EventKind;
use domain::scan::ScanStatus;
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn a_new_name_is_screened_again() {
    let world = World::new();
    let id = world.bob().await;
    world.screen(&id, &[], &[]).await;
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let name = json!({ "firstName": "Bob", "middleName": "Q", "lastName": "Jones", "suffix": "" });
    let body = world.ok(call("PUT", format!("customers/{id}/name")).body(name.clone())).await;
    assert_eq!(body["name"]["fullName"], "Bob Q Jones");
    assert_eq!((&body["ofac"], &body["pepScan"]), (&json!("Pending"), &json!("Pending")));
    assert_eq!(body["lastModifiedAt"], "2026-01-25T22:56:24.4432580+00:00");
    assert_eq!(body["profile"]["taxId"], "*****8776", "the rest stays");
    let events = world.events(&id).await;
    assert!(events.contains(&EventKind::NameChanged), "{events:?}");

    // The same name again changes nothing, not even the time.
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let again = world.ok(call("PUT", format!("customers/{id}/name")).body(name)).await;
    assert_eq!(again, body);
    assert_eq!(world.events(&id).await.len(), events.len());

    let errors = world.errors(call("PUT", format!("customers/{id}/name")).body(json!({}))).await;
    assert_eq!(errors.1, ["1000 firstName is required", "1000 lastName is required"]);
}

#[tokio::test]
async fn a_profile_is_replaced_but_keeps_its_tax_id() {
    let world = World::new();
    let id = world.bob().await;
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    let put = |profile: Value| call("PUT", format!("customers/{id}/profile")).body(profile);
    let body = world
        .ok(put(json!({ "taxIdType": "Ssn", "taxId": "*****8776", "birthDate": "1953-09-22", "riskRating": "High" })))
        .await;
    assert_eq!(body["profile"]["riskRating"], "High");
    let fields = |events: &[EventKind]| match events.last() {
        Some(EventKind::ProfileChanged { fields }) => fields.clone(),
        other => panic!("{other:?}"),
    };
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(fields(&world.events(&id).await), ["riskRating"]);

    let body = world.ok(put(json!({ "privacyOptOut": true }))).await;
    assert!(
        body["profile"].get("riskRating").is_none() && body["profile"].get("birthDate").is_none()
    );
    assert_eq!(body["profile"]["taxId"], "*****8776");
    world.clock.advance(jiff::SignedDuration::from_secs(1));

    let body = world.ok(put(json!({ "taxIdType": "Itin", "taxId": "900112222" }))).await;
    assert_eq!(body["profile"]["taxId"], "*****2222");
    assert_eq!(fields(&world.events(&id).await), ["taxIdType", "taxId", "privacyOptOut"]);
    let found = |tax: &'static str| call("GET", "customers").query("taxId", tax);
    assert_eq!(
        world.ok(found("119988776")).await["results"],
        json!([]),
        "the old number finds nothing"
    );
    assert_eq!(world.ok(found("900112222")).await["results"][0]["id"], id);

    let errors = world.errors(put(json!({ "taxId": "*****8776" }))).await;
    assert_eq!(errors, (400, vec!["1004 taxId must be 9 digits, not all of them 0".to_owned()]));
}

#[tokio::test]
async fn due_diligence_belongs_to_its_classification() {
    let world = World::new();
    let (bob, firm) = (world.bob().await, world.company().await);
    let personal =
        json!({ "employmentStatus": "Employed", "incomeState": "NJ", "annualIncome": 90000 });
    let body = world
        .ok(call("PUT", format!("customers/{bob}/due-diligence")).body(personal.clone()))
        .await;
    assert_eq!(body["dueDiligence"], personal);
    let business = json!({ "naics": "54", "businessUrl": "https://example.com" });
    let body = world
        .ok(call("PUT", format!("customers/{firm}/business-due-diligence")).body(business.clone()))
        .await;
    assert_eq!(body["businessDueDiligence"], business);
    let wrong =
        world.errors(call("PUT", format!("customers/{firm}/due-diligence")).body(personal)).await;
    assert_eq!(wrong.1, ["1009 dueDiligence does not apply: only a Personal customer has it"]);
    let wrong = world
        .errors(call("PUT", format!("customers/{bob}/business-due-diligence")).body(business))
        .await;
    assert_eq!(
        wrong.1,
        ["1009 businessDueDiligence does not apply: only a Business customer has it"]
    );
}

#[tokio::test]
async fn a_company_s_new_owner_is_checked() {
    let world = World::new();
    let (bob, firm) = (world.bob().await, world.company().await);
    let put = |owner: &str| {
        call("PUT", format!("customers/{firm}/profile"))
            .body(json!({ "primaryOwnerCustomerId": owner }))
    };
    let refused = world.errors(put(&firm)).await;
    assert_eq!(refused.1, ["1010 primaryOwnerCustomerId does not refer to a Personal customer"]);
    assert_eq!(world.ok(put(&bob)).await["profile"]["primaryOwnerCustomerId"], bob);
}

#[tokio::test]
async fn deactivation_is_final_and_repeatable() {
    let world = World::new();
    let id = world.bob().await;
    let body = world.ok(call("DELETE", format!("customers/{id}"))).await;
    assert_eq!(body["status"], "Inactive");
    let events = world.events(&id).await.len();
    assert_eq!(world.ok(call("DELETE", format!("customers/{id}"))).await, body);
    assert_eq!(world.events(&id).await.len(), events);
    assert_eq!(world.ok(call("GET", format!("customers/{id}"))).await, body);
    let refused = (400, vec!["2005 The customer is inactive and cannot be changed".to_owned()]);
    let name = json!({ "firstName": "Eve", "lastName": "Smith" });
    assert_eq!(world.errors(call("PUT", format!("customers/{id}/name")).body(name)).await, refused);
    let phone = call("POST", format!("customers/{id}/phones")).body(mobile("2015552345"));
    assert_eq!(world.errors(phone).await, refused);
}

#[tokio::test]
async fn reviewers_decide_what_a_scan_found() {
    let world = World::new();
    let id = world.bob().await;
    let decide = |scan: &str, body: Value| {
        call("POST", format!("customers/{id}/{scan}-decision")).body(body)
    };
    let early = world.errors(decide("ofac", json!({ "decision": "Reviewing" }))).await;
    assert_eq!(
        early,
        (400, vec!["2005 The scan's present status does not allow this decision".to_owned()])
    );

    world.screen(&id, &["sdn-1"], &["pep-1"]).await;
    let body = world.ok(decide("ofac", json!({ "decision": "Reviewing" }))).await;
    assert_eq!((&body["ofac"], &body["pepScan"]), (&json!("Reviewing"), &json!("Failed")));
    let body =
        world.ok(decide("ofac", json!({ "decision": "Clear", "reason": "another person" }))).await;
    assert_eq!(body["ofac"], "Clear");
    let body = world
        .ok(decide("pep-scan", json!({ "decision": "Positive", "reason": "confirmed" })))
        .await;
    assert_eq!(body["pepScan"], "Positive");
    assert_eq!(
        world.errors(decide("pep-scan", json!({ "decision": "Clear", "reason": "x" }))).await.0,
        400
    );

    let moved = world.events(&id).await.into_iter().filter(|event| {
        matches!(
            event,
            EventKind::ScanChanged { from: ScanStatus::Failed | ScanStatus::Reviewing, .. }
        )
    });
    assert_eq!(moved.count(), 3);
    let reasons: Vec<String> = world
        .database
        .dump(&world.database.customers())
        .await
        .iter()
        .filter_map(|item| store::text(item, "reason").map(str::to_owned))
        .collect();
    assert_eq!(reasons.len(), 2);
    // Each disposition names what it is about, by the content of both sides.
    let evidence = world.database.dump(&world.database.customers()).await;
    for item in evidence.iter().filter(|item| store::text(item, "decision").is_some()) {
        let hits = item["hits"].as_l().unwrap();
        assert!(!hits.is_empty());
        for hit in hits {
            let hit = hit.as_m().unwrap();
            let digits = |name| store::text(hit, name).map(str::len);
            assert_eq!((digits("content"), digits("subject")), (Some(16), Some(16)));
            assert_eq!(store::text(hit, "listId"), Some("sdn"));
        }
    }

    let wrong = world.errors(decide("ofac", json!({ "decision": "Maybe" }))).await;
    assert_eq!(wrong.1, ["1005 decision must be one of Reviewing, Clear, Positive"]);
    let wrong = world.errors(decide("ofac", json!({ "decision": "Clear" }))).await;
    assert_eq!(wrong.1, ["1000 reason is required"]);
}
