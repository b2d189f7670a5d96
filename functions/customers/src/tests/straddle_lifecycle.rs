//! Replacing, deciding, reviewing, unmasking and erasing through the Straddle contract.

use domain::event::EventKind;

use super::straddle_creating::{firm, mira, update_of};
use super::*;

async fn in_review(world: &World) -> (String, Value) {
    let data = world
        .straddle_create(with(mira(), "/config", json!({ "sandbox_outcome": "review" })))
        .await;
    (data["id"].as_str().unwrap().to_owned(), data)
}

#[tokio::test]
async fn a_put_replaces_the_whole() {
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let id = data["id"].as_str().unwrap();
    let path = format!("customers/{id}");
    // The same again: nothing changes, not even the time of the last change.
    let events = world.events(id).await.len();
    let same = world.ok(straddle("PUT", &path).body(update_of(&data))).await;
    assert_eq!(same["data"], data);
    assert_eq!(world.events(id).await.len(), events);
    // Everything that may be left out goes.
    let bare = json!({ "name": "Mira Oduya", "email": "mira.oduya@example.com", "phone": "+14155550101",
        "device": { "ip_address": "203.0.113.9" }, "status": "verified" });
    let changed = world.ok(straddle("PUT", &path).body(bare.clone())).await;
    let after = &changed["data"];
    for field in ["address", "compliance_profile", "external_id", "metadata"] {
        assert_eq!(after[field], Value::Null, "{field}");
    }
    // What the contract does not accept here stays.
    assert_eq!((&after["type"], &after["config"]), (&data["type"], &data["config"]));
    assert_eq!(after["status"], "verified", "verified again: the sandbox says so");
    assert_eq!(world.record(id).await.count(domain::contact::ContactKind::Address), 0);
    let cost = world.app.customers.table().meter();
    cost.take();
    let metadata = with(bare, "/metadata", json!({ "plan": "free" }));
    world.ok(straddle("PUT", &path).body(metadata)).await;
    assert_eq!(cost.take().round_trips, 2, "a read and a transaction: the identity is the same");
    let events = world.events(id).await;
    assert!(
        events.contains(&EventKind::DetailsChanged { fields: vec!["metadata".into()] }),
        "{events:?}"
    );
    assert!(world.audit(id).await.intact);
}

#[tokio::test]
async fn an_update_has_the_rules_of_a_creation() {
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let path = format!("customers/{}", data["id"].as_str().unwrap());
    for (pointer, value, status, reference) in [
        ("/name", Value::Null, 422, "name"),
        ("/email", json!("x"), 422, "email"),
        ("/phone", json!(""), 422, "phone"),
        ("/device", Value::Null, 422, "device"),
        ("/status", Value::Null, 422, "status"),
        ("/status", json!("Verified"), 422, "status"),
        ("/status", json!("rejected"), 422, "status"),
        ("/status", json!("pending"), 422, "status"),
        ("/address/zip", json!("x"), 422, "address.zip"),
        ("/compliance_profile/ssn", json!("***-**-****"), 422, "compliance_profile.ssn"),
        ("/metadata", json!({ "a": 1 }), 400, "Metadata"),
    ] {
        let body = with(update_of(&data), pointer, value);
        let refused = world.refusal(straddle("PUT", &path).body(body)).await;
        assert_eq!((refused.0, refused.2), (status, vec![reference.to_owned()]), "{pointer}");
    }
}

/// Within a request the same addresses are screened as off it; else a hit that a person has cleared would come back with
/// the next change, because the screened facts differ.
#[tokio::test]
async fn further_addresses_are_screened_within_the_request_too() {
    let world = World::new();
    let mut listed = with(mira(), "/name", json!("Volodar Quistzle"));
    listed["compliance_profile"] = Value::Null;
    listed["config"] = json!({ "sandbox_outcome": "standard" });
    let data = world.straddle_create(listed).await;
    assert_eq!(data["status"], "review");
    let path = format!("customers/{}", data["id"].as_str().unwrap());
    let mut other = home();
    other["isPrimary"] = json!(false);
    other["countryCode"] = json!("GB");
    other["postalCode"] = json!("N1C 4DA");
    other["state"] = Value::Null;
    world.ok(call("POST", format!("{path}/addresses")).body(other)).await;
    let record = world.record(data["id"].as_str().unwrap()).await;
    assert_eq!(record.count(domain::contact::ContactKind::Address), 2);

    // What the worker finds, with all addresses, a person clears.
    let vetter = world.app.vetter.as_ref().unwrap();
    let addresses = world.app.customers.contacts(
        record.partner,
        record.id,
        domain::contact::ContactKind::Address,
    );
    let addresses = addresses.await.unwrap();
    let (now, mut set) =
        (world.clock.now(), vetter.editions().current(world.clock.now()).await.unwrap());
    let found = vetter.screen(&record, &addresses, &mut set, now).await.unwrap();
    world.screened(data["id"].as_str().unwrap(), &found.ofac, &found.pep_scan).await;
    let decided = world
        .ok(straddle("PATCH", format!("{path}/review")).body(json!({ "status": "verified" })))
        .await;
    assert_eq!(decided["data"]["status"], "verified");

    let phone = with(update_of(&decided["data"]), "/phone", json!("+14155550199"));
    let meter = world.app.customers.table().meter();
    meter.take();
    let changed = world.ok(straddle("PUT", &path).body(phone)).await;
    assert_eq!(changed["data"]["status"], "verified", "cleared is cleared");
    assert_eq!(
        meter.take().round_trips,
        5,
        "1 read, 1 query of addresses, the review's 2, 1 transaction"
    );
}

#[tokio::test]
async fn another_identity_is_verified_again() {
    let world = World::new();
    for (pointer, value) in [
        ("/name", json!("Mira Adeyemi")),
        ("/email", json!("other@example.com")),
        ("/phone", json!("+14155550199")),
        ("/address/city", json!("Sparks")),
        ("/compliance_profile/ssn", json!("123-45-6780")),
        ("/compliance_profile/dob", json!("1988-02-15")),
        ("/device/ip_address", json!("203.0.113.10")),
    ] {
        let data = world.straddle_create(mira()).await;
        let id = data["id"].as_str().unwrap();
        let review = async || {
            let answer = world.ok(straddle("GET", format!("customers/{id}/review"))).await;
            answer["data"]["identity_details"]["review_id"].clone()
        };
        let first = review().await;
        let body = with(update_of(&data), pointer, value);
        world.ok(straddle("PUT", format!("customers/{id}")).body(body)).await;
        assert_ne!(review().await, first, "{pointer}");
        world.ok(straddle("DELETE", format!("customers/{id}"))).await;
    }
    // In the background the customer is pending until the worker has looked.
    let config = json!({ "processing_method": "background" });
    let data = world.straddle_create(with(mira(), "/config", config)).await;
    let id = data["id"].as_str().unwrap();
    let before = world.record(id).await;
    let mut after = before.clone();
    let none = domain::scan::Finding {
        is_searched: true,
        subject: domain::scan::Fingerprint::parse("0123456789abcdef").unwrap(),
        hits: std::collections::BTreeMap::new(),
        withdrawn: std::collections::BTreeSet::new(),
    };
    let vetting = domain::customer::Vetting {
        verification: domain::verification::Verification::Verified,
        ofac: none.clone(),
        pep_scan: none,
        adverse_media: None,
        prescribed: false,
    };
    let change = after.vetted(1, &vetting, world.clock.now()).unwrap();
    world.commit(&before, &after, &change).await;
    let read = world.ok(straddle("GET", format!("customers/{id}"))).await;
    assert_eq!(read["data"]["status"], "verified");
    let body = with(update_of(&read["data"]), "/phone", json!("+14155550177"));
    let changed = world.ok(straddle("PUT", format!("customers/{id}")).body(body)).await;
    assert_eq!(changed["data"]["status"], "pending");
    let events = world.events(id).await;
    assert!(events.contains(&EventKind::ReviewRequested), "{events:?}");
}

#[tokio::test]
async fn the_other_view_changes_the_same_identity() {
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let id = data["id"].as_str().unwrap();
    let name = json!({ "firstName": "Mira", "lastName": "Adeyemi" });
    world.ok(call("PUT", format!("customers/{id}/name")).body(name)).await;
    let read = world.ok(straddle("GET", format!("customers/{id}"))).await;
    assert_eq!(
        (&read["data"]["name"], &read["data"]["status"]),
        (&json!("Mira Adeyemi"), &json!("pending"))
    );
    assert!(world.events(id).await.contains(&EventKind::NameChanged));
}

#[tokio::test]
async fn a_customer_can_be_deactivated_and_is_then_left_alone() {
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let id = data["id"].as_str().unwrap();
    let path = format!("customers/{id}");
    let body = with(update_of(&data), "/status", json!("inactive"));
    let gone = world.ok(straddle("PUT", &path).body(body.clone())).await;
    assert_eq!(gone["data"]["status"], "inactive");
    assert_eq!(world.ok(call("GET", format!("customers/{id}"))).await["status"], "Inactive");
    let again = world.ok(straddle("PUT", &path).body(body.clone())).await;
    assert_eq!(again["data"], gone["data"]);
    for refused in [
        straddle("PUT", &path).body(with(body.clone(), "/name", json!("Other Name"))),
        straddle("PUT", &path).body(with(body.clone(), "/status", json!("verified"))),
        straddle("PATCH", format!("{path}/review")).body(json!({ "status": "verified" })),
        straddle("PUT", format!("{path}/refresh_review")),
    ] {
        assert_eq!(world.refusal(refused).await.0, 422);
    }
    world.ok(straddle("DELETE", &path)).await;
}

#[tokio::test]
async fn a_person_decides_only_what_is_in_review() {
    let world = World::new();
    for (verdict, decision) in [("verified", "accept"), ("rejected", "reject")] {
        let (id, _) = in_review(&world).await;
        let path = format!("customers/{id}/review");
        let before = world.ok(straddle("GET", &path)).await["data"]["identity_details"].clone();
        let decided = world.ok(straddle("PATCH", &path).body(json!({ "status": verdict }))).await;
        assert_eq!(decided["data"]["status"], verdict);
        let after = world.ok(straddle("GET", &path)).await["data"]["identity_details"].clone();
        assert_eq!(
            (&after["decision"], &after["review_id"]),
            (&json!(decision), &before["review_id"])
        );
        // Once is enough, whichever way.
        for again in ["verified", "rejected"] {
            let call = straddle("PATCH", &path).body(json!({ "status": again }));
            let (status, answer) = world.send(call).await;
            let detail = format!("A customer whose status is {verdict} cannot be decided.");
            assert_eq!((status, &answer["error"]["detail"]), (422, &json!(detail)));
            assert!(answer["error"].get("items").is_none());
        }
        world.ok(straddle("DELETE", format!("customers/{id}"))).await;
    }
    let (id, _) = in_review(&world).await;
    let path = format!("customers/{id}/review");
    for (body, reference) in [
        (json!({}), "status"),
        (json!({ "status": "review" }), "status"),
        (json!({ "status": "Verified" }), "status"),
    ] {
        let refused = world.refusal(straddle("PATCH", &path).body(body)).await;
        assert_eq!((refused.0, refused.2), (422, vec![reference.to_owned()]));
    }
}

#[tokio::test]
async fn one_state_machine_serves_both_views() {
    let world = World::new();
    let (id, _) = in_review(&world).await;
    world.screen(&id, &["sdn-9"], &[]).await;
    // A decision here clears the open scans there.
    let path = format!("customers/{id}");
    world
        .ok(straddle("PATCH", format!("{path}/review")).body(json!({ "status": "verified" })))
        .await;
    let cos = world.ok(call("GET", &path)).await;
    assert_eq!(
        (&cos["status"], &cos["ofac"], &cos["pepScan"]),
        (&json!("Active"), &json!("Clear"), &json!("Clear"))
    );
    // A hit of a later night moves the customer to review, and clearing it there moves it back here.
    world.screen(&id, &["sdn-9", "sdn-10"], &[]).await;
    let status = async || world.ok(straddle("GET", &path)).await["data"]["status"].clone();
    assert_eq!(status().await, "review");
    let decision = json!({ "decision": "Clear", "reason": "another person" });
    world.ok(call("POST", format!("{path}/ofac-decision")).body(decision)).await;
    assert_eq!(status().await, "verified");
    // A confirmed hit is a rejection, and final.
    world.screen(&id, &["sdn-9", "sdn-10", "sdn-11"], &[]).await;
    let decision = json!({ "decision": "Positive", "reason": "it is him" });
    world.ok(call("POST", format!("{path}/ofac-decision")).body(decision)).await;
    assert_eq!(status().await, "rejected");
    let moves: Vec<String> = world
        .events(&id)
        .await
        .iter()
        .filter_map(|event| match event {
            EventKind::StandingChanged { from, to } => Some(format!("{from} {to}")),
            _ => None,
        })
        .collect();
    assert_eq!(
        moves,
        [
            "review verified",
            "verified review",
            "review verified",
            "verified review",
            "review rejected"
        ]
    );
}

#[tokio::test]
async fn another_review_is_asked_for_and_comes_later() {
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let id = data["id"].as_str().unwrap();
    let (status, answer) =
        world.send(straddle("PUT", format!("customers/{id}/refresh_review"))).await;
    assert_eq!((status, &answer["data"]["status"]), (202, &json!("pending")));
    assert!(world.events(id).await.contains(&EventKind::ReviewRequested));
}

#[tokio::test]
async fn secrets_are_shown_with_the_scope_and_never_unnoticed() {
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let id = data["id"].as_str().unwrap();
    let path = format!("customers/{id}/unmasked");
    let (status, answer) = world.send(straddle("GET", &path).scopes(USUAL)).await;
    assert_eq!((status, &answer["error"]["type"]), (403, &json!("/forbidden")));
    let shown = world.ok(straddle("GET", &path)).await["data"].clone();
    let mut expected = data.clone();
    expected["compliance_profile"] = json!({ "ssn": "123-45-6789", "dob": "1988-02-14" });
    expected["device"] = json!({ "ip_address": "203.0.113.9" });
    assert_eq!(shown, expected);
    let (partner, customer) = (PartnerId::parse(ONE).unwrap(), CustomerId::parse(id).unwrap());
    let trail = world.app.customers.audit_trail(partner, customer).await.unwrap();
    let last = trail.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.fields.join(" ")),
        ("ReadUnmasked", "taxId birthDate device".to_owned())
    );
    let data = world.straddle_create(firm()).await;
    let shown = world
        .ok(straddle("GET", format!("customers/{}/unmasked", data["id"].as_str().unwrap())))
        .await;
    assert_eq!(shown["data"]["compliance_profile"]["ein"], "12-3456789");
}

#[tokio::test]
async fn a_review_has_every_module_and_a_text_for_every_code() {
    let world = World::new();
    for (body, modules) in [
        (mira(), ["email", "phone", "address", "fraud", "synthetic"].as_slice()),
        (
            firm(),
            ["business_identification", "business_validation", "business_evaluation"].as_slice(),
        ),
    ] {
        let data = world.straddle_create(with(body, "/config", json!({}))).await;
        let id = data["id"].as_str().unwrap();
        let answer = world.ok(straddle("GET", format!("customers/{id}/review"))).await;
        let details = &answer["data"]["identity_details"];
        for module in modules {
            assert!(details["breakdown"][module]["decision"].is_string(), "{module}: {details}");
        }
        for module in ["kyc", "reputation", "watch_list", "network_alerts"] {
            assert!(details[module]["decision"].is_string(), "{module}: {details}");
        }
        for field in ["review_id", "decision", "created_at", "updated_at"] {
            assert!(details[field].is_string(), "{field}");
        }
        let messages = details["messages"].as_object().unwrap();
        let mut codes = 0;
        let breakdown = details["breakdown"].as_object().unwrap().values();
        for module in breakdown.chain([
            &details["kyc"],
            &details["reputation"],
            &details["watch_list"],
            &details["network_alerts"],
        ]) {
            for code in module["codes"].as_array().unwrap() {
                assert!(messages.contains_key(code.as_str().unwrap()), "{code}");
                codes += 1;
            }
        }
        assert!(codes > 0);
        let statuses = [("accept", "verified"), ("review", "review"), ("reject", "rejected")];
        assert!(
            statuses.contains(&(
                details["decision"].as_str().unwrap(),
                data["status"].as_str().unwrap()
            )),
            "{details}"
        );
    }
}

#[tokio::test]
async fn an_erased_customer_is_gone_but_for_its_audit_chain() {
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let id = data["id"].as_str().unwrap();
    let path = format!("customers/{id}");
    world.ok(straddle("GET", format!("{path}/unmasked"))).await;
    world.ok(call("POST", format!("{path}/addresses")).body(home())).await;
    let read = world.ok(straddle("GET", &path)).await;
    let erased = world.ok(straddle("DELETE", &path)).await;
    assert_eq!(erased["data"], read["data"], "the last of it");
    for (method, path, body) in [
        ("GET", path.clone(), None),
        ("GET", format!("{path}/unmasked"), None),
        ("GET", format!("{path}/review"), None),
        ("PATCH", format!("{path}/review"), Some(json!({ "status": "verified" }))),
        ("PUT", format!("{path}/refresh_review"), None),
        ("PUT", path.clone(), Some(update_of(&data))),
        ("DELETE", path.clone(), None),
    ] {
        let mut call = straddle(method, &path);
        call.body = body;
        let refused = world.refusal(call).await;
        assert_eq!((refused.0, refused.1.as_str()), (404, "/not_found"), "{method} {path}");
    }
    assert_eq!(world.errors(call("GET", &path)).await.0, 404);
    let listed = world.ok(straddle("GET", "customers")).await;
    assert_eq!((&listed["meta"]["total_items"], &listed["data"]), (&json!(0), &json!([])));
    for (name, value) in [("email", "mira.oduya@example.com"), ("external_id", "u-1001")] {
        assert_eq!(
            world.ok(straddle("GET", "customers").query(name, value)).await["meta"]["total_items"],
            0
        );
    }
    // The worker removes the rest, once or twice.
    let (partner, customer) = (PartnerId::parse(ONE).unwrap(), CustomerId::parse(id).unwrap());
    assert!(world.events(id).await.contains(&EventKind::Erased));
    assert!(world.app.customers.purge(partner, customer).await.unwrap() >= 5);
    assert_eq!(world.app.customers.purge(partner, customer).await.unwrap(), 0);
    let left: Vec<String> = world
        .database
        .dump(&world.database.customers())
        .await
        .iter()
        .filter(|item| store::text(item, "pk").unwrap().ends_with(id))
        .map(|item| store::text(item, "sk").unwrap().to_owned())
        .collect();
    assert!(!left.is_empty());
    for sk in &left {
        assert!(sk == "ERASED" || sk.starts_with("AUDIT#"), "{sk}");
    }
    // Nothing that is left, of this customer or elsewhere, has a value of it in clear. Answers that are kept for
    // retries are sealed and expire within a day.
    let everything = format!("{:?}", world.database.dump(&world.database.customers()).await);
    for personal in
        ["Oduya", "oduya", "4155550101", "1988-02-14", "203.0.113.9", "9 Elm St", "123456789"]
    {
        assert!(!everything.contains(personal), "{personal}");
    }
    // The chain holds, to the last entry.
    let finding = world.audit(id).await;
    assert_eq!((finding.found, finding.intact, finding.entries), (true, true, Some(4)));
    let trail = world.app.customers.audit_trail(partner, customer).await.unwrap();
    assert_eq!(trail.last().unwrap().action.as_str(), "Erase");
    // A customer that was not erased is not purged.
    let other = world.bob().await;
    assert_eq!(
        world.app.customers.purge(partner, CustomerId::parse(&other).unwrap()).await.unwrap(),
        0
    );
    world.ok(call("GET", format!("customers/{other}"))).await;
}

impl World {
    /// Writes a change that was computed elsewhere.
    pub(super) async fn commit(
        &self,
        before: &domain::customer::Customer,
        after: &domain::customer::Customer,
        change: &domain::customer::Change,
    ) {
        let actor = domain::audit::Actor {
            client: domain::ids::ClientId::parse("scan-worker").unwrap(),
            who: "scan-worker".to_owned(),
            source_ip: None,
            request_id: "m-1".to_owned(),
        };
        let now = self.clock.now();
        let (owner, evidence) = (None, Vec::new());
        let commit = store::customers::Commit {
            before: Some(before),
            after,
            change,
            actor: &actor,
            now,
            owner,
            evidence,
        };
        self.app.customers.commit(commit).await.unwrap();
    }
}

/// Who settles the last open scan has decided about the customer, and its review says so.
#[tokio::test]
async fn a_decision_through_the_other_contract_is_part_of_the_review() {
    let world = World::new();
    for (decision, status, reviewed) in
        [("Clear", "verified", "accept"), ("Positive", "rejected", "reject")]
    {
        let mut body = with(mira(), "/name", json!("Volodar Quistzle"));
        body["email"] = json!(format!("{reviewed}@example.com"));
        body["compliance_profile"] = Value::Null;
        body["config"] = json!({ "sandbox_outcome": "standard" });
        let data = world.straddle_create(body).await;
        assert_eq!(data["status"], "review");
        let path = format!("customers/{}", data["id"].as_str().unwrap());
        let open = json!({ "decision": "Reviewing" });
        world.ok(call("POST", format!("{path}/ofac-decision")).body(open)).await;
        let review = async || {
            let shown = world.ok(straddle("GET", format!("{path}/review"))).await;
            shown["data"]["identity_details"].clone()
        };
        assert_eq!(review().await["decision"], "review", "nothing is decided yet");
        let decided = json!({ "decision": decision, "reason": "looked at both" });
        world.ok(call("POST", format!("{path}/ofac-decision")).body(decided)).await;
        assert_eq!(world.ok(straddle("GET", &path)).await["data"]["status"], status);
        let shown = review().await;
        assert_eq!(
            (&shown["decision"], &shown["decided_by"]["rule"]),
            (&json!(reviewed), &json!(format!("manual_decision.{reviewed}")))
        );
    }
}
