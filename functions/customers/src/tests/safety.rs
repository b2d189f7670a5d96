//! Retries, replays, races, and the audit chain.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{CustomerId, PartnerId};
use domain::scan::{Decision, ScanKind};
use http_api::{Caller, Failure, Reply, Request};
use serde_json::{Value, json};
use store::keys::{AuditKey, CustomerKey};

use super::*;
use crate::settle::{Attempt, settle};
use crate::update::load;

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_has_one_effect() {
    let world = World::new();
    let first = world.reply(call("POST", "customers").key("k-1").id("r-1").body(bob())).await;
    assert_eq!(first.header("original-request-id"), None);
    let items = world.database.dump(&world.database.customers()).await.len();
    world.clock.advance(jiff::SignedDuration::from_hours(24));
    let second = world.reply(call("POST", "customers").key("k-1").id("r-2").body(bob())).await;
    assert_eq!((second.status(), second.body()), (200, first.body()));
    assert_eq!(second.header("original-request-id"), Some("r-1"));
    assert_eq!(world.database.dump(&world.database.customers()).await.len(), items);

    // Another key, another body, another partner, or eight days later: another request.
    let other_body = with(bob(), "/name/firstName", json!("Rob"));
    let theirs = with(bob(), "/partnerId", Value::from(TWO));
    for other in [
        call("POST", "customers").key("k-2").body(bob()),
        call("POST", "customers").key("k-1").body(other_body),
        call("POST", "customers").key("k-1").partner(TWO).body(theirs),
    ] {
        let reply = world.reply(other).await;
        assert_eq!((reply.status(), reply.header("original-request-id")), (200, None));
        assert_ne!(reply.body(), first.body());
    }
    world.clock.advance(jiff::SignedDuration::from_hours(7 * 24));
    let late = world.reply(call("POST", "customers").key("k-1").body(bob())).await;
    assert_ne!(late.body(), first.body());
    let long = world.errors(call("POST", "customers").key(&"k".repeat(51)).body(bob())).await;
    assert_eq!(long.1, ["1022 Idempotency-Key must have 1 to 50 printable characters"]);
}

#[tokio::test]
async fn an_answer_with_secrets_is_repeated_without_them_to_a_token_that_may_not_see_them() {
    let world = World::new();
    let mut body = bob();
    body["primaryIdentification"] = json!({ "idType": "Passport", "idNumber": "C12345678" });
    let ask = || call("POST", "customers").key("k").body(body.clone());
    let first = world.ok(ask().scopes(UNMASK)).await;
    assert_eq!(first["profile"]["taxId"], "119988776");
    let mut starred = first.clone();
    starred["profile"]["taxId"] = Value::from("*****8776");
    starred["primaryIdentification"]["idNumber"] = Value::from("*****5678");
    assert_eq!(world.ok(ask().scopes("customers:read customers:write")).await, starred);
    assert_eq!(world.ok(ask().scopes(UNMASK)).await, first);
}

#[tokio::test]
async fn a_replay_is_answered_even_when_it_would_be_refused_today() {
    let world = World::new();
    let id = world.bob().await;
    let add = || call("POST", format!("customers/{id}/phones")).key("k").body(mobile("2015552345"));
    let first = world.reply(add()).await;
    world.ok(call("DELETE", format!("customers/{id}"))).await;
    let again = world.reply(add()).await;
    assert_eq!((again.status(), again.body()), (200, first.body()));
    assert_eq!(world.record(&id).await.count(domain::contact::ContactKind::Phone), 1);
    // A refusal is not an effect: it leaves no record, and the request counts once it can.
    let refused =
        call("POST", format!("customers/{id}/phones")).key("k2").body(mobile("2015552345"));
    assert_eq!(world.errors(refused).await.0, 400);
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_have_one_effect() {
    let world = World::new();
    let ask = || world.reply(call("POST", "customers").key("k").body(bob()));
    let (one, two) = tokio::join!(ask(), ask());
    assert_eq!(one.body(), two.body());
    let page = world.ok(call("GET", "customers")).await;
    assert_eq!(page["results"].as_array().map(Vec::len), Some(1));
}

/// A settled change whose first `races` attempts are overtaken by another change of the same customer.
async fn overtaken(world: &World, id: &str, races: u32) -> (Result<Reply, Failure>, u32) {
    let (function, event) = call("DELETE", format!("customers/{id}")).event();
    let request = Request::from_event(serde_json::from_value(event).unwrap(), function).unwrap();
    let caller: Caller = request.caller().unwrap();
    let customer = CustomerId::parse(id).unwrap();
    let tries = AtomicU32::new(0);
    let answer = settle(&world.app, &caller, &request, async |now| {
        let before = load(&world.app, &caller, customer).await?;
        let tried = tries.fetch_add(1, Ordering::SeqCst);
        if tried < races {
            let name = json!({ "firstName": format!("Bob{}", "x".repeat(tried as usize + 1)), "lastName": "Smith" });
            world.ok(call("PUT", format!("customers/{id}/name")).body(name)).await;
        }
        let mut after = before.clone();
        let change = after.deactivate(now);
        let reply = Reply::json(200, &json!({ "version": after.version }));
        Ok(Attempt::change(Some(before), after, change, reply))
    })
    .await;
    (answer, tries.into_inner())
}

#[tokio::test]
async fn an_overtaken_change_is_applied_to_the_newer_state() {
    let world = World::new();
    let id = world.bob().await;
    let (answer, tries) = overtaken(&world, &id, 2).await;
    assert_eq!((answer.unwrap().body(), tries), (r#"{"version":4}"#, 3));
    let body = world.ok(call("GET", format!("customers/{id}"))).await;
    assert_eq!(
        (&body["name"]["firstName"], &body["status"]),
        (&json!("Bobxx"), &json!("Inactive"))
    );
    assert!(world.audit(&id).await.intact);
}

#[tokio::test]
async fn a_change_that_is_always_overtaken_is_a_conflict() {
    let world = World::new();
    let id = world.bob().await;
    let (answer, tries) = overtaken(&world, &id, 99).await;
    assert!(matches!(answer, Err(Failure::Conflict)));
    assert_eq!(tries, crate::settle::RETRIES + 1);
    assert_eq!(world.ok(call("GET", format!("customers/{id}"))).await["status"], "Active");
}

#[tokio::test]
async fn the_audit_chain_tells_who_did_what() {
    let world = World::new();
    let id = world.bob().await;
    world.screen(&id, &["sdn-1"], &[]).await;
    let name = json!({ "firstName": "Bob", "lastName": "Jones" });
    world.ok(call("PUT", format!("customers/{id}/name")).id("r-7").body(name)).await;
    world.ok(call("GET", format!("customers/{id}")).scopes(UNMASK)).await;
    world.ok(call("GET", format!("customers/{id}"))).await;
    let (partner, customer) = (PartnerId::parse(ONE).unwrap(), CustomerId::parse(&id).unwrap());
    let trail = world.app.customers.audit_trail(partner, customer).await.unwrap();
    let told: Vec<_> = trail
        .iter()
        .map(|entry| {
            (
                entry.action.as_str(),
                entry.actor.client.as_str(),
                entry.actor.request_id.as_str(),
                entry.fields.join(" "),
            )
        })
        .collect();
    let expected = [
        ("Onboard", "client-1", "r-1", "name classification profile"),
        ("Screen", "scan-worker", "m-1", "ofac pepScan screenedRevision"),
        ("ChangeName", "client-1", "r-7", "name"),
        ("ReadUnmasked", "client-1", "r-1", "taxId"),
    ];
    assert_eq!(told.len(), expected.len());
    for ((action, client, request, fields), expected) in told.iter().zip(expected) {
        assert_eq!((*action, *client, *request, fields.as_str()), expected);
    }
    assert_eq!(trail[3].actor.source_ip.as_deref(), Some("192.0.2.1"));
    let finding = world.audit(&id).await;
    assert_eq!((finding.found, finding.intact, finding.entries), (true, true, Some(4)));
    let nobody = world.audit("0190b2c4-0000-7000-8000-000000000001").await;
    assert_eq!((nobody.found, nobody.intact), (false, false));
}

#[tokio::test]
async fn tampering_with_the_chain_is_seen() {
    let world = World::new();
    let id = world.bob().await;
    for number in ["2015552345", "2015552346", "2015552347"] {
        world.ok(call("POST", format!("customers/{id}/phones")).body(mobile(number))).await;
    }
    let table = world.database.customers();
    let (partner, customer) = (PartnerId::parse(ONE).unwrap(), CustomerId::parse(&id).unwrap());
    let key = |seq| AuditKey::new(partner, customer, seq);
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let item = async |seq| table.get(&key(seq)).await.unwrap().unwrap();
    assert_eq!(world.audit(&id).await.entries, Some(4));

    // An entry is changed: the next one does not continue it; the last one is caught by the customer's record.
    for (seq, problem) in
        [(2, "entry 3 does not continue entry 2"), (4, "the last entry, 4, was changed")]
    {
        let original = item(seq).await;
        let mut changed = original.clone();
        changed.insert("who".to_owned(), text("nobody"));
        table.replace(changed).await.unwrap();
        assert_eq!(world.audit(&id).await.problem.as_deref(), Some(problem));
        table.replace(original).await.unwrap();
    }
    // An entry is removed, in the middle and at the end.
    for (seq, problem) in [
        (2, "entry 2 is missing; entry 3 stands in its place"),
        (4, "the chain ends at entry 3, the customer's record at 4"),
    ] {
        let original = item(seq).await;
        table.delete(&key(seq), store::Expression::present()).await.unwrap();
        assert_eq!(world.audit(&id).await.problem.as_deref(), Some(problem));
        table.replace(original).await.unwrap();
    }
    // An entry is made unreadable.
    let original = item(3).await;
    let mut changed = original.clone();
    changed.insert("action".to_owned(), text("Nothing"));
    table.replace(changed).await.unwrap();
    assert_eq!(world.audit(&id).await.problem.as_deref(), Some("entry 3 is unreadable"));
    table.replace(original).await.unwrap();
    assert!(world.audit(&id).await.intact);
}

/// What a review within the request rests on is bound as what the worker finds is, at creation and at a change.
#[tokio::test]
async fn evidence_of_a_review_within_the_request_cannot_go_unseen() {
    use super::straddle_creating::{mira, update_of};
    let world = World::new();
    let data = world.straddle_create(mira()).await;
    let id = data["id"].as_str().unwrap();
    let path = format!("customers/{id}");
    let body = with(update_of(&data), "/name", json!("Mira Oduya Quill"));
    world.ok(straddle("PUT", &path).body(body)).await;
    let table = world.database.customers();
    let all = world.database.dump(&table).await;
    let evidence = all
        .into_iter()
        .filter(|item| store::text(item, "sk").is_some_and(|sk| sk.starts_with("SCREENING#")));
    let evidence: Vec<_> = evidence.collect();
    assert_eq!(evidence.len(), 2);
    assert!(world.audit(id).await.intact);
    for item in evidence {
        let mut changed = item.clone();
        changed.insert("threshold".to_owned(), AttributeValue::N("2".to_owned()));
        table.replace(changed).await.unwrap();
        let problem = world.audit(id).await.problem.unwrap();
        assert!(problem.contains("is gone or was altered"), "{problem}");
        table.replace(item).await.unwrap();
    }
    assert!(world.audit(id).await.intact);
    let partner = PartnerId::parse(ONE).unwrap();
    let customer = CustomerId::parse(id).unwrap();
    let first = table.get(&AuditKey::new(partner, customer, 1)).await.unwrap().unwrap();
    for field in ["verification", "ofac", "pepScan", "screenedRevision"] {
        assert!(format!("{:?}", first["fields"]).contains(&format!("\"{field}\"")), "{field}");
    }
}

#[tokio::test]
async fn a_sealed_tax_id_does_not_open_in_another_record() {
    let world = World::new();
    let (one, two) = (world.bob().await, world.bob().await);
    let table = world.database.customers();
    let partner = PartnerId::parse(ONE).unwrap();
    let key = |id: &str| CustomerKey::new(partner, CustomerId::parse(id).unwrap());
    let from = table.get(&key(&one)).await.unwrap().unwrap();
    let mut into = table.get(&key(&two)).await.unwrap().unwrap();
    assert!(from.contains_key("common"));
    into.insert("common".to_owned(), from["common"].clone());
    table.replace(into).await.unwrap();
    let (function, event) = call("GET", format!("customers/{two}")).event();
    let request = Request::from_event(serde_json::from_value(event).unwrap(), function).unwrap();
    let answer = serve(&world.app, function, &request).await;
    assert!(matches!(answer, Err(Failure::Internal(_))));
}

#[tokio::test]
async fn a_decision_and_a_screening_at_once_keep_both() {
    let world = World::new();
    let id = world.bob().await;
    world.screen(&id, &["sdn-1"], &[]).await;
    let before = world.record(&id).await;
    let mut stale = before.clone();
    let change = stale.decide(ScanKind::Ofac, Decision::Clear, world.clock.now()).unwrap();
    // A nightly run finds another entry before the decision is written.
    world.screen(&id, &["sdn-1", "sdn-2"], &[]).await;
    let actor = domain::audit::Actor {
        client: domain::ids::ClientId::parse("client-1").unwrap(),
        who: "client-1".to_owned(),
        source_ip: None,
        request_id: "r-9".to_owned(),
    };
    let commit = store::customers::Commit {
        before: Some(&before),
        after: &stale,
        change: &change,
        actor: &actor,
        now: world.clock.now(),
        owner: None,
        evidence: Vec::new(),
    };
    let refused = world.app.customers.commit(commit).await;
    assert!(matches!(refused, Err(store::customers::CommitRefused::Stale)));
    let record = world.record(&id).await;
    assert_eq!(record.ofac.hits.len(), 2);
    let key = CustomerKey::new(record.partner, record.id);
    assert!(world.database.customers().get(&key).await.unwrap().is_some());
}
