//! Onboarding and reading.

use serde_json::{Value, json};
use store::keys::{CifKey, Key};

use super::*;

#[tokio::test]
async fn the_tutorial_s_customer_is_onboarded() {
    let world = World::new();
    let body = world.ok(call("POST", "customers").scopes(UNMASK).body(bob())).await;
    assert_eq!(body["cifNumber"].as_str().unwrap().len(), 11);
    assert_eq!(body["profile"]["taxId"], "119988776");
    let id = body["id"].as_str().unwrap();
    let expected = json!({
        "id": id,
        "cifNumber": body["cifNumber"],
        "classification": "Personal",
        "status": "Active",
        "ofac": "Pending",
        "pepScan": "Pending",
        "name": { "firstName": "Bob", "lastName": "Smith", "fullName": "Bob Smith" },
        "profile": {
            "regO": false,
            "politicallyExposedPerson": false,
            "enableBackupWithholding": false,
            "taxIdType": "Ssn",
            "taxId": "119988776",
            "birthDate": "1953-09-22",
            "riskRating": "Low",
        },
        "createdAt": "2026-01-25T22:55:24.4422580+00:00",
        "lastModifiedAt": "2026-01-25T22:55:24.4422580+00:00",
        "partnerId": ONE,
    });
    assert_eq!(body, expected);

    let masked = world.ok(call("GET", format!("customers/{id}"))).await;
    assert_eq!(masked, with(expected, "/profile/taxId", Value::from("*****8776")));
}

#[tokio::test]
async fn after_screening_the_answer_is_the_tutorial_s() {
    let world = World::new();
    let id = world.bob().await;
    world.screen(&id, &[], &[]).await;
    let body = world.ok(call("GET", format!("customers/{id}"))).await;
    assert_eq!((&body["ofac"], &body["pepScan"]), (&json!("Clear"), &json!("Clear")));
    assert_eq!(body["profile"]["citizenshipCountryCode"], "US");
    assert_eq!(body["dueDiligence"], json!({ "annualIncome": 0 }));
}

#[tokio::test]
async fn onboarding_costs_one_transaction() {
    let world = World::new();
    world.bob().await;
    let before = world.database.calls();
    world.bob().await;
    assert_eq!(world.database.calls() - before, 1, "the partner's keys are known by now");
}

#[tokio::test]
async fn primaries_come_along_and_are_primary() {
    let world = World::new();
    let mut body = bob();
    body["primaryAddress"] = home();
    body["primaryPhone"] = mobile("2015552345");
    body["primaryEmail"] = json!({ "emailType": "Work", "emailAddress": "bob@example.com" });
    body["primaryIdentification"] = json!({ "idType": "Passport", "idNumber": "C12345678" });
    body["clientIdentifier"] = json!("crm-42");
    body["dueDiligence"] = json!({ "employmentStatus": "Employed", "annualIncome": 90000.5 });
    let created = world.ok(call("POST", "customers").body(body)).await;
    let read =
        world.ok(call("GET", format!("customers/{}", created["id"].as_str().unwrap()))).await;
    assert_eq!(created, read);
    assert_eq!(read["primaryAddress"]["street1"], "123 Any St");
    assert_eq!(read["primaryAddress"]["isPrimary"], true);
    assert_eq!(read["primaryPhone"]["phoneNumber"], "2015552345");
    assert_eq!(read["primaryEmail"]["emailAddress"], "bob@example.com");
    assert_eq!(read["primaryIdentification"]["idNumber"], "*****5678");
    assert_eq!(read["dueDiligence"]["annualIncome"], 90000.5);
    assert_eq!(read["clientIdentifier"], "crm-42");
}

#[tokio::test]
async fn a_company_needs_an_owner_that_is_a_person_of_this_partner() {
    let world = World::new();
    let onboard = |owner: &str| {
        call("POST", "customers").body(with(
            company(),
            "/profile/primaryOwnerCustomerId",
            Value::from(owner),
        ))
    };
    let refused =
        (400, vec!["1010 primaryOwnerCustomerId does not refer to a Personal customer".to_owned()]);
    let other_company = world.company().await;
    let stranger = {
        let theirs = with(bob(), "/partnerId", Value::from(TWO));
        let body = world.ok(call("POST", "customers").partner(TWO).body(theirs)).await;
        body["id"].as_str().unwrap().to_owned()
    };
    for owner in ["0190b2c4-0000-7000-8000-000000000001", &other_company, &stranger] {
        assert_eq!(world.errors(onboard(owner)).await, refused, "{owner}");
    }
    let bob = world.bob().await;
    let body = world.ok(onboard(&bob)).await;
    assert_eq!(body["profile"]["primaryOwnerCustomerId"], bob);
    assert_eq!(
        body["name"],
        json!({ "entityName": "Rivers Tech LLC", "fullName": "Rivers Tech LLC" })
    );
    assert_eq!(body["businessDueDiligence"]["naics"], "541512");
    assert!(body.get("dueDiligence").is_none());
    assert!(body["profile"].get("regO").is_none());
}

#[tokio::test]
async fn every_wrong_field_is_reported_at_once() {
    let world = World::new();
    let body = json!({
        "partnerId": TWO,
        "classification": "Personal",
        "name": { "lastName": 7 },
        "profile": { "taxIdType": "Ssn", "taxId": "11998877", "birthDate": "2026-01-26", "regO": "no",
                     "citizenshipCountryCode": "XX", "riskRating": "Extreme", "dateFormed": "2015-06-25" },
        "clientIdentifier": "x".repeat(51),
        "primaryAddress": { "addressType": "Home", "countryCode": "US", "state": "XX", "postalCode": "1" },
        "primaryPhone": { "phoneType": "Mobile", "phoneNumber": "1234567890" },
    });
    let (status, errors) = world.errors(call("POST", "customers").body(body)).await;
    assert_eq!(status, 400);
    assert_eq!(
        errors,
        [
            "1010 partnerId does not refer to the partner of the token",
            "1002 clientIdentifier must have at most 50 characters",
            "1000 firstName is required",
            "1001 lastName must be a string",
            "1009 dateFormed does not apply: only a Business customer has it",
            "1004 citizenshipCountryCode must be an ISO 3166-1 alpha-2 country code",
            "1004 taxId must be 9 digits, not all of them 0",
            "1005 riskRating must be one of Low, Medium, High",
            "1001 regO must be true or false",
            "1006 birthDate must not be in the future",
            "1000 primaryAddress.street1 is required",
            "1000 primaryAddress.city is required",
            "1004 primaryAddress.state must be a US state or territory code",
            "1004 primaryAddress.postalCode must be a ZIP code (12345 or 12345-6789)",
            "1004 primaryPhone.phoneNumber must be a US number of 10 digits (area code and exchange begin \
             with 2 to 9) or an E.164 number with '+'",
        ]
    );
    assert!(world.database.dump(&world.database.customers()).await.is_empty());
}

#[tokio::test]
async fn missing_parts_are_named() {
    let world = World::new();
    let cases = [
        ("/partnerId", json!(null), "1000 partnerId is required"),
        ("/partnerId", json!("x"), "1004 partnerId must be a GUID"),
        ("/classification", json!(null), "1000 classification is required"),
        (
            "/classification",
            json!("Person"),
            "1005 classification must be one of Personal, Business",
        ),
        ("/name", json!(null), "1000 name is required"),
        ("/name", json!([]), "1001 name must be an object"),
        ("/profile", json!(null), "1000 profile is required"),
        ("/name/firstName", json!(""), "1000 firstName is required"),
        (
            "/name/firstName",
            json!("x".repeat(101)),
            "1002 firstName must have at most 100 characters",
        ),
        (
            "/name/entityName",
            json!("X"),
            "1009 entityName does not apply: only a Business customer has it",
        ),
        ("/profile/taxId", json!(null), "1000 taxId is required"),
        ("/profile/taxIdType", json!(null), "1000 taxIdType is required"),
        ("/profile/taxIdType", json!("None"), "1009 taxId does not apply: taxIdType is None"),
        ("/profile/birthDate", json!("1899-12-31"), "1007 birthDate must not be before 1900-01-01"),
        (
            "/profile/birthDate",
            json!("2023-02-29"),
            "1004 birthDate must be an existing date (YYYY-MM-DD)",
        ),
        (
            "/profile/backupWithholdingPercent",
            json!(101),
            "1008 backupWithholdingPercent must be between 0 and 100",
        ),
        (
            "/dueDiligence",
            json!({ "annualIncome": -1 }),
            "1004 annualIncome must be an amount with at most two decimals",
        ),
        (
            "/businessDueDiligence",
            json!({ "naics": "54" }),
            "1009 businessDueDiligence does not apply: only a Business customer has it",
        ),
    ];
    for (pointer, value, expected) in cases {
        let body = with(bob(), pointer, value);
        let errors = world.errors(call("POST", "customers").body(body)).await;
        assert_eq!(errors, (400, vec![expected.to_owned()]), "{pointer}");
    }
    let errors = world.errors(call("POST", "customers")).await;
    assert_eq!(errors, (400, vec!["1020 The body must be a JSON object".to_owned()]));
}

#[tokio::test]
async fn another_partner_s_customer_is_an_unknown_customer() {
    let world = World::new();
    let id = world.bob().await;
    let unknown = "0190b2c4-0000-7000-8000-000000000001";
    let phone = {
        let body = world
            .ok(call("POST", format!("customers/{id}/phones")).body(mobile("2015552345")))
            .await;
        body["id"].as_str().unwrap().to_owned()
    };
    let name = json!({ "firstName": "Eve", "lastName": "Smith" });
    let decision = json!({ "decision": "Clear", "reason": "none" });
    let calls: Vec<(&str, &str, Option<Value>)> = vec![
        ("GET", "", None),
        ("DELETE", "", None),
        ("PUT", "/name", Some(name)),
        ("PUT", "/profile", Some(json!({}))),
        ("PUT", "/due-diligence", Some(json!({}))),
        ("POST", "/ofac-decision", Some(decision)),
        ("POST", "/phones", Some(mobile("2015552345"))),
        ("GET", "/phones", None),
    ];
    for (method, rest, body) in calls {
        let on = |id: &str| {
            let mut call = call(method, format!("customers/{id}{rest}")).partner(TWO);
            call.body = body.clone();
            call
        };
        let theirs = world.send(on(&id)).await;
        assert_eq!(theirs, world.send(on(unknown)).await, "{method} {rest}");
        assert_eq!(theirs.0, 404, "{method} {rest}");
    }
    for (method, body) in [("GET", None), ("PUT", Some(mobile("2015552345"))), ("DELETE", None)] {
        let on = |phone: &str| {
            let mut call = call(method, format!("customers/{id}/phones/{phone}")).partner(TWO);
            call.body = body.clone();
            call
        };
        assert_eq!(world.send(on(&phone)).await, world.send(on(unknown)).await, "{method}");
    }
    let record = world.record(&id).await;
    assert_eq!(record.version, 2, "nothing of it had an effect");
}

#[tokio::test]
async fn scopes_are_required() {
    let world = World::new();
    let id = world.bob().await;
    for (method, path, body) in [
        ("POST", "customers".to_owned(), bob()),
        ("DELETE", format!("customers/{id}"), json!({})),
        ("POST", format!("customers/{id}/ofac-decision"), json!({})),
    ] {
        let call = call(method, path).scopes("customers:read").body(body);
        assert_eq!(world.errors(call).await.0, 403, "{method}");
    }
}

#[tokio::test]
async fn a_taken_file_number_is_drawn_again() {
    let probe = World::seeded(7);
    let first = probe.ok(call("POST", "customers").body(bob())).await;
    let taken = domain::ids::CifNumber::parse(first["cifNumber"].as_str().unwrap()).unwrap();

    let world = World::seeded(7);
    let table = world.database.customers();
    table.replace(CifKey::new(taken).to_item()).await.unwrap();
    let second = world.ok(call("POST", "customers").body(bob())).await;
    assert_ne!(second["cifNumber"], first["cifNumber"]);
}

#[tokio::test]
async fn secrets_are_sealed_and_nothing_personal_is_in_keys_or_events() {
    let world = World::new();
    let mut body = bob();
    body["primaryIdentification"] = json!({ "idType": "Passport", "idNumber": "C12345678" });
    body["primaryEmail"] = json!({ "emailType": "Work", "emailAddress": "bob@example.com" });
    world.ok(call("POST", "customers").key("k").body(body)).await;
    for item in world.database.dump(&world.database.customers()).await {
        let shown = format!("{item:?}");
        for secret in ["119988776", "C12345678"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        let (pk, sk) = (store::text(&item, "pk").unwrap(), store::text(&item, "sk").unwrap());
        for personal in ["Bob", "Smith", "example.com", "1953"] {
            assert!(!pk.contains(personal) && !sk.contains(personal), "{personal} in a key");
            if sk.starts_with("EVENT#") || sk.starts_with("AUDIT#") {
                assert!(!shown.contains(personal), "{personal} in {shown}");
            }
        }
    }
}
