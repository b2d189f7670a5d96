//! Creating through the Straddle contract: every field rule, and what the configuration does.

use super::*;

pub(super) fn mira() -> Value {
    json!({
        "name": "Mira Oduya",
        "type": "individual",
        "email": "mira.oduya@example.com",
        "phone": "+14155550101",
        "device": { "ip_address": "203.0.113.9" },
        "address": { "address1": "9 Elm St", "address2": null, "city": "Reno", "state": "NV", "zip": "89501" },
        "compliance_profile": { "ssn": "123-45-6789", "dob": "1988-02-14" },
        "external_id": "u-1001",
        "metadata": { "plan": "pro" },
        "config": { "sandbox_outcome": "verified", "processing_method": "inline" },
    })
}

pub(super) fn firm() -> Value {
    json!({
        "name": "Fern & Vale",
        "type": "business",
        "email": "office@fernvale.example",
        "phone": "+442071608800",
        "device": { "ip_address": "0.0.0.0" },
        "compliance_profile": {
            "ein": "12-3456789",
            "legal_business_name": "Fern and Vale LLC",
            "website": "https://www.fernvale.example/about",
            "representatives": [{ "name": "Ana Fern", "email": "ana@fernvale.example", "phone": "+14155550102" }, { "name": "Bo Vale" }],
        },
        "config": { "sandbox_outcome": "review" },
    })
}

/// Another person, told from the first by a number.
pub(super) fn numbered(number: u32) -> Value {
    let mut body = with(mira(), "/email", json!(format!("person{number}@example.com")));
    body["name"] = json!(format!("Person {number:05}"));
    body["external_id"] = json!(format!("e-{number}"));
    body["config"] = json!({ "processing_method": "skip" });
    body
}

impl World {
    pub(super) async fn straddle_create(&self, body: Value) -> Value {
        let (status, answer) = self.send(straddle("POST", "customers").body(body)).await;
        assert_eq!(status, 201, "{answer}");
        answer["data"].clone()
    }

    /// Status, type and item references of a refused request.
    pub(super) async fn refusal(&self, call: Call<'_>) -> (u16, String, Vec<String>) {
        let (status, answer) = self.send(call).await;
        assert_eq!(answer["response_type"], "error", "{answer}");
        assert_eq!(answer["error"]["status"], status);
        let items = answer["error"]["items"].as_array().cloned().unwrap_or_default();
        let references = items.iter().map(|item| item["reference"].as_str().unwrap().to_owned());
        (status, answer["error"]["type"].as_str().unwrap().to_owned(), references.collect())
    }
}

#[tokio::test]
async fn a_person_is_created_and_shown_as_the_contract_says() {
    let world = World::new();
    let (status, answer) = world.send(straddle("POST", "customers").body(mira())).await;
    assert_eq!((status, &answer["response_type"]), (201, &json!("object")));
    assert_eq!(answer["meta"]["api_request_id"], "r-1");
    assert_eq!(answer["meta"]["api_request_timestamp"], "2026-01-25T22:55:24.4422580Z");
    let id = answer["data"]["id"].as_str().unwrap();
    assert_eq!(
        answer["data"],
        json!({
            "id": id,
            "name": "Mira Oduya",
            "type": "individual",
            "email": "mira.oduya@example.com",
            "phone": "+14155550101",
            "external_id": "u-1001",
            "status": "verified",
            "created_at": "2026-01-25T22:55:24.4422580Z",
            "updated_at": "2026-01-25T22:55:24.4422580Z",
            "address": { "address1": "9 Elm St", "address2": null, "city": "Reno", "state": "NV", "zip": "89501" },
            "compliance_profile": { "ssn": "***-**-****", "dob": "****-**-**" },
            "device": { "ip_address": "**.**.**.**" },
            "metadata": { "plan": "pro" },
            "config": { "processing_method": "inline", "sandbox_outcome": "verified" },
        })
    );
    let (status, read) = world.send(straddle("GET", format!("customers/{id}"))).await;
    assert_eq!((status, &read["data"]), (200, &answer["data"]));
    assert!(world.audit(id).await.intact);
    // What happened is told once, and nobody needs to be asked for a screening.
    let events = world.events(id).await;
    let onboarded = domain::event::EventKind::OnboardedScreened;
    assert!(events.contains(&onboarded), "{events:?}");
    assert!(!events.iter().any(domain::event::EventKind::needs_screening));
}

#[tokio::test]
async fn a_company_is_created_and_shown_as_the_contract_says() {
    let world = World::new();
    let data = world.straddle_create(firm()).await;
    assert_eq!((&data["type"], &data["status"]), (&json!("business"), &json!("review")));
    assert_eq!(data["address"], Value::Null);
    assert_eq!(data["metadata"], Value::Null);
    assert_eq!(
        data["compliance_profile"],
        json!({
            "ein": "**-*******",
            "legal_business_name": "Fern and Vale LLC",
            "website": "https://www.fernvale.example/about",
            "representatives": [
                { "name": "Ana Fern", "email": "ana@fernvale.example", "phone": "+14155550102" },
                { "name": "Bo Vale", "email": null, "phone": null },
            ],
        })
    );
}

#[tokio::test]
async fn every_field_rule_is_kept() {
    let world = World::new();
    let long = |length: usize| json!("x".repeat(length));
    let pairs = |count: usize| -> Value {
        (0..count)
            .map(|at| (format!("k{at}"), json!("v")))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    // Pointer, value (null removes the field), status, and the reference of the item.
    let cases = [
        ("/name", Value::Null, 422, "name"),
        ("/name", json!(""), 422, "name"),
        ("/name", long(201), 422, "name"),
        ("/name", json!(7), 400, "Name"),
        ("/type", Value::Null, 422, "type"),
        ("/type", json!("Individual"), 422, "type"),
        ("/type", json!("alien"), 422, "type"),
        ("/email", Value::Null, 422, "email"),
        ("/email", json!("nobody"), 422, "email"),
        ("/email", json!(["a@b.example"]), 400, "Email"),
        ("/phone", Value::Null, 422, "phone"),
        ("/phone", json!("4155550101"), 422, "phone"),
        ("/phone", json!("+0155550101"), 422, "phone"),
        ("/phone", json!("+1234567890123456"), 422, "phone"),
        ("/phone", json!("+1"), 422, "phone"),
        ("/device", Value::Null, 422, "device"),
        ("/device", json!("203.0.113.9"), 400, "Device"),
        ("/device/ip_address", json!(""), 422, "device.ip_address"),
        ("/device/ip_address", json!("::1"), 422, "device.ip_address"),
        ("/device/ip_address", json!("**.**.**.**"), 422, "device.ip_address"),
        ("/device/ip_address", json!(5), 400, "Device.IpAddress"),
        ("/address", json!("9 Elm St"), 400, "Address"),
        ("/address/address1", Value::Null, 422, "address.address1"),
        ("/address/address1", long(101), 422, "address.address1"),
        ("/address/address2", long(101), 422, "address.address2"),
        ("/address/city", Value::Null, 422, "address.city"),
        ("/address/city", long(101), 422, "address.city"),
        ("/address/state", Value::Null, 422, "address.state"),
        ("/address/state", json!("nv"), 422, "address.state"),
        ("/address/state", json!("Nevada"), 422, "address.state"),
        ("/address/zip", Value::Null, 422, "address.zip"),
        ("/address/zip", json!("8950"), 422, "address.zip"),
        ("/address/zip", json!("89501-12"), 422, "address.zip"),
        ("/compliance_profile", json!([]), 400, "ComplianceProfile"),
        ("/compliance_profile/ssn", Value::Null, 422, "compliance_profile.ssn"),
        ("/compliance_profile/ssn", json!("123456789"), 422, "compliance_profile.ssn"),
        ("/compliance_profile/ssn", json!("***-**-****"), 422, "compliance_profile.ssn"),
        ("/compliance_profile/ssn", json!("1234-5-6789"), 422, "compliance_profile.ssn"),
        ("/compliance_profile/dob", Value::Null, 422, "compliance_profile.dob"),
        ("/compliance_profile/dob", json!("14.02.1988"), 422, "compliance_profile.dob"),
        ("/compliance_profile/dob", json!("1988-02-30"), 422, "compliance_profile.dob"),
        ("/compliance_profile/dob", json!("2030-01-01"), 422, "compliance_profile.dob"),
        ("/external_id", long(256), 422, "external_id"),
        ("/external_id", json!(1), 400, "ExternalId"),
        ("/metadata", pairs(21), 422, "metadata"),
        ("/metadata", json!({ "x".repeat(41): "v" }), 422, "metadata"),
        ("/metadata", json!({ "plan": "v".repeat(501) }), 422, "metadata"),
        ("/metadata", json!({ "plan": 3 }), 400, "Metadata"),
        ("/metadata", json!({ "plan": null }), 400, "Metadata"),
        ("/metadata", json!([]), 400, "Metadata"),
        ("/config", json!("inline"), 400, "Config"),
        ("/config/processing_method", json!("later"), 422, "config.processing_method"),
        ("/config/processing_method", json!("INLINE"), 422, "config.processing_method"),
        ("/config/sandbox_outcome", json!("maybe"), 422, "config.sandbox_outcome"),
    ];
    for (pointer, value, status, reference) in cases {
        let case = format!("{pointer} = {value}");
        let refused =
            world.refusal(straddle("POST", "customers").body(with(mira(), pointer, value))).await;
        let kind = if status == 422 { "/validation_error" } else { "/bad_request" };
        assert_eq!(refused, (status, kind.to_owned(), vec![reference.to_owned()]), "{case}");
    }
    for (pointer, value, reference) in [
        ("/compliance_profile/ein", Value::Null, "compliance_profile.ein"),
        ("/compliance_profile/ein", json!("123456789"), "compliance_profile.ein"),
        (
            "/compliance_profile/legal_business_name",
            Value::Null,
            "compliance_profile.legal_business_name",
        ),
        (
            "/compliance_profile/website",
            json!("www.fernvale.example"),
            "compliance_profile.website",
        ),
        (
            "/compliance_profile/website",
            json!("ftp://fernvale.example"),
            "compliance_profile.website",
        ),
        (
            "/compliance_profile/representatives/0/name",
            Value::Null,
            "compliance_profile.representatives[0].name",
        ),
        (
            "/compliance_profile/representatives/0/email",
            json!("x"),
            "compliance_profile.representatives[0].email",
        ),
        (
            "/compliance_profile/representatives/0/phone",
            json!("1"),
            "compliance_profile.representatives[0].phone",
        ),
    ] {
        let body = if pointer.contains("/0/") {
            let mut body = firm();
            let field = pointer.rsplit('/').next().unwrap();
            let one = body["compliance_profile"]["representatives"][0].as_object_mut().unwrap();
            one.remove(field);
            if !value.is_null() {
                one.insert(field.to_owned(), value);
            }
            body
        } else {
            with(firm(), pointer, value)
        };
        let refused = world.refusal(straddle("POST", "customers").body(body)).await;
        assert_eq!(
            refused,
            (422, "/validation_error".to_owned(), vec![reference.to_owned()]),
            "{pointer}"
        );
    }
    // Every wrong field at once.
    let refused = world.refusal(straddle("POST", "customers").body(json!({}))).await;
    assert_eq!(refused.2, ["type", "name", "phone", "email", "device"]);
    // No object at all.
    for body in [json!([]), json!("x"), json!(1)] {
        let refused = world.refusal(straddle("POST", "customers").body(body)).await;
        assert_eq!(refused, (400, "/bad_request".to_owned(), vec![]));
    }
    assert_eq!(world.refusal(straddle("POST", "customers")).await.0, 400);
    let listed = world.ok(straddle("GET", "customers")).await;
    assert_eq!(listed["meta"]["total_items"], 0, "a refused request leaves nothing");
}

#[tokio::test]
async fn what_the_patterns_allow_is_taken_and_judged_by_the_review() {
    let world = World::new();
    for (number, (pointer, value)) in [
        ("/phone", json!("+15")),
        ("/phone", json!("+10005550101")),
        ("/phone", json!("+999999999999999")),
        ("/address/state", json!("ZZ")),
        ("/address/zip", json!("89501-1234")),
        ("/compliance_profile/ssn", json!("000-00-0000")),
        ("/compliance_profile/ssn", json!(null)),
        ("/device/ip_address", json!("0.0.0.0")),
        ("/metadata", json!({})),
        ("/metadata", json!({ "k".repeat(40): "v".repeat(500), "empty": "" })),
        ("/name", json!("Cher")),
        ("/surprise", json!({ "unknown": ["keys", "are", "passed", "over"] })),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = with(mira(), "/email", json!(format!("mira{number}@example.com")));
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[field] = value.clone();
        let data = world.straddle_create(body.clone()).await;
        let id = data["id"].as_str().unwrap();
        let shown = world.ok(straddle("GET", format!("customers/{id}/unmasked"))).await;
        if pointer != "/surprise" {
            assert_eq!(shown["data"].pointer(pointer), Some(&value), "{pointer}");
        }
    }
}

#[tokio::test]
async fn the_configuration_decides_when_and_the_sandbox_how() {
    let world = World::new();
    let config = |number: u32, config: Value| {
        with(with(mira(), "/email", json!(format!("c{number}@example.com"))), "/config", config)
    };
    for (number, outcome) in [(0, "verified"), (1, "review"), (2, "rejected")] {
        let data =
            world.straddle_create(config(number, json!({ "sandbox_outcome": outcome }))).await;
        assert_eq!(data["status"], outcome);
        assert_eq!(
            data["config"],
            json!({ "processing_method": "inline", "sandbox_outcome": outcome })
        );
        let id = data["id"].as_str().unwrap();
        let review = world.ok(straddle("GET", format!("customers/{id}/review"))).await;
        let decision = match outcome {
            "verified" => "accept",
            "rejected" => "reject",
            other => other,
        };
        assert_eq!(review["data"]["identity_details"]["decision"], decision);
        assert_eq!(review["data"]["customer_details"], data);
    }
    // Production has no outcomes to prescribe.
    let body = config(3, json!({ "sandbox_outcome": "rejected", "processing_method": "inline" }));
    let call = straddle("POST", "customers").environment("production").body(body);
    let (status, answer) = world.send(call).await;
    assert_eq!(
        (status, &answer["data"]["config"]),
        (201, &json!({ "processing_method": "inline" }))
    );

    let background = world
        .straddle_create(config(
            4,
            json!({ "processing_method": "background", "sandbox_outcome": "verified" }),
        ))
        .await;
    assert_eq!(background["status"], "pending");
    let events = world.events(background["id"].as_str().unwrap()).await;
    assert!(events.iter().any(domain::event::EventKind::needs_screening), "{events:?}");

    let skipped = world.straddle_create(config(5, json!({ "processing_method": "skip" }))).await;
    assert_eq!(skipped["status"], "pending");
    let id = skipped["id"].as_str().unwrap();
    let review = world.ok(straddle("GET", format!("customers/{id}/review"))).await;
    assert!(review["data"].get("identity_details").is_none());
    // No review, but nobody skips the sanctions lists.
    assert!(world.events(id).await.iter().any(domain::event::EventKind::needs_screening));
    world.screen(id, &["sdn-1"], &[]).await;
    let read = world.ok(straddle("GET", format!("customers/{id}"))).await;
    assert_eq!(read["data"]["status"], "review");
}

#[tokio::test]
async fn real_checks_run_within_the_request_and_a_listed_name_is_seen() {
    let world = World::new();
    let mut body = mira();
    body["name"] = json!("Volodar Quistzle");
    body["compliance_profile"]["dob"] = json!("1961-03-04");
    body["config"] = json!({ "sandbox_outcome": "standard" });
    let data = world.straddle_create(body.clone()).await;
    assert_ne!(data["status"], "verified");
    let id = data["id"].as_str().unwrap();
    let review = world.ok(straddle("GET", format!("customers/{id}/review"))).await;
    let details = &review["data"]["identity_details"];
    assert_ne!(details["watch_list"]["decision"], "accept", "{details}");
    let cos = world.ok(call("GET", format!("customers/{id}"))).await;
    assert_eq!(cos["ofac"], "Failed");
    // A prescribed end is where the customer stands, list or no list, tonight as well.
    body["email"] = json!("other@example.com");
    body["config"] = json!({ "sandbox_outcome": "verified" });
    let forced = world.straddle_create(body).await;
    assert_eq!(forced["status"], "verified");
    let id = forced["id"].as_str().unwrap();
    let record = world.record(id).await;
    assert_eq!(record.ofac.hits.len(), 1);
    let (entity, known) = record.ofac.hits.iter().next().unwrap();
    let again = domain::scan::Finding {
        is_searched: true,
        subject: known.subject.clone().unwrap(),
        hits: [(entity.clone(), known.content.clone())].into(),
        withdrawn: std::collections::BTreeSet::new(),
    };
    let none = domain::scan::Finding { hits: std::collections::BTreeMap::new(), ..again.clone() };
    world.screened(id, &again, &none).await;
    assert_eq!(
        world.ok(straddle("GET", format!("customers/{id}"))).await["data"]["status"],
        "verified"
    );
}

#[tokio::test]
async fn an_email_is_unique_within_its_account() {
    const ACCOUNT: &str = "0190b2c4-0000-7000-8000-00000000000a";
    const OTHER: &str = "0190b2c4-0000-7000-8000-00000000000b";
    let world = World::new();
    let create =
        |email: &str| straddle("POST", "customers").body(with(mira(), "/email", json!(email)));
    let first = world.straddle_create(mira()).await;
    for email in ["mira.oduya@example.com", "Mira.Oduya@EXAMPLE.com"] {
        let (status, answer) = world.send(create(email)).await;
        assert_eq!((status, &answer["error"]["type"]), (422, &json!("/validation_error")));
        assert!(answer["error"].get("items").is_none());
        let detail = answer["error"]["detail"].as_str().unwrap();
        assert!(detail.contains("must be unique") && !detail.contains("example.com"), "{detail}");
    }
    // Another account and another partner have their own.
    for account in [ACCOUNT, OTHER] {
        assert_eq!(world.send(create("mira.oduya@example.com").account(account)).await.0, 201);
        assert_eq!(world.send(create("mira.oduya@example.com").account(account)).await.0, 422);
    }
    assert_eq!(world.send(create("mira.oduya@example.com").partner(TWO)).await.0, 201);
    // A change frees the address, and so does a deletion.
    let id = first["id"].as_str().unwrap();
    let changed = with(update_of(&first), "/email", json!("mira@new.example"));
    world.ok(straddle("PUT", format!("customers/{id}")).body(changed)).await;
    let second = world.send(create("mira.oduya@example.com")).await;
    assert_eq!(second.0, 201);
    let second = second.1["data"]["id"].as_str().unwrap().to_owned();
    world.ok(straddle("DELETE", format!("customers/{second}"))).await;
    assert_eq!(world.send(create("mira.oduya@example.com")).await.0, 201);
    // Taking a taken one is refused and changes nothing.
    let taken = with(update_of(&first), "/email", json!("mira.oduya@example.com"));
    assert_eq!(world.send(straddle("PUT", format!("customers/{id}")).body(taken)).await.0, 422);
    let read = world.ok(straddle("GET", format!("customers/{id}"))).await;
    assert_eq!(read["data"]["email"], "mira@new.example");
    // The other view keeps the rule for these customers, and has none for its own.
    let emails = world.ok(call("GET", format!("customers/{id}/emails"))).await;
    let email = emails["results"][0]["id"].as_str().unwrap();
    let body = json!({ "emailType": "Work", "emailAddress": "mira.oduya@example.com" });
    let refused =
        world.errors(call("PUT", format!("customers/{id}/emails/{email}")).body(body)).await;
    assert_eq!((refused.0, &refused.1[0][..4]), (400, "2003"));
    let with_email = with(
        bob(),
        "/primaryEmail",
        json!({ "emailType": "Work", "emailAddress": "mira@new.example" }),
    );
    world.ok(call("POST", "customers").body(with_email)).await;
}

#[tokio::test]
async fn two_with_one_email_at_once_are_one() {
    let world = World::new();
    let ask = || world.send(straddle("POST", "customers").body(mira()));
    let (one, two) = tokio::join!(ask(), ask());
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
}

/// A replacement that changes nothing, made of what a read shows but for what is starred.
pub(super) fn update_of(shown: &Value) -> Value {
    let mut body = json!({
        "name": shown["name"],
        "email": shown["email"],
        "phone": shown["phone"],
        "status": shown["status"],
        "device": { "ip_address": "203.0.113.9" },
        "address": shown["address"],
        "external_id": shown["external_id"],
        "metadata": shown["metadata"],
    });
    if shown["type"] == "individual" && !shown["compliance_profile"].is_null() {
        body["compliance_profile"] = json!({ "ssn": "123-45-6789", "dob": "1988-02-14" });
    }
    body
}

#[tokio::test]
async fn creating_costs_one_transaction_and_inline_one_batch_read_more() {
    let world = World::new();
    world.straddle_create(with(mira(), "/email", json!("warm@example.com"))).await;
    let meter = world.app.customers.table().meter();
    meter.take();
    let inline = with(mira(), "/config", json!({}));
    let calls = world.database.calls();
    let reply = world.reply(straddle("POST", "customers").key("cost-000001").body(inline)).await;
    assert_eq!(reply.status(), 201);
    assert_eq!(world.database.calls() - calls, 2, "one batch read, one transaction");
    let cost = meter.take();
    assert_eq!(cost.round_trips, 2);
    println!("inline create: {} units", cost.capacity_units);
    let background = with(numbered(1), "/config", json!({ "processing_method": "background" }));
    world.straddle_create(background).await;
    let cost = meter.take();
    println!("background create: {} units", cost.capacity_units);
    assert_eq!(cost.round_trips, 1);
}
