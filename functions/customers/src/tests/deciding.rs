//! A reviewer decides about the hits that were seen, and about no others.

use domain::scan::ScanStatus;

use super::*;

/// A decision of somebody who has seen these hits.
fn decide<'c>(id: &str, decision: &str, hits: &Value) -> Call<'c> {
    let body = json!({ "decision": decision, "reason": "another person", "hits": hits });
    call("POST", format!("customers/{id}/ofac-decision")).body(body)
}

#[tokio::test]
async fn a_hit_that_came_in_meanwhile_is_not_decided_about() {
    let world = World::new();
    let id = world.bob().await;
    world.screen(&id, &["1"], &[]).await;
    let path = format!("customers/{id}/ofac-decision");
    let opened = world.ok(call("POST", &*path).body(json!({ "decision": "Reviewing" }))).await;
    let seen = opened["hits"].clone();
    assert_eq!((&seen[0]["listId"], &seen[0]["uid"]), (&json!("sdn"), &json!("1")));
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(opened["ofac"], "Reviewing");
    // While the reviewer reads, another entry hits.
    world.screen(&id, &["1", "2"], &[]).await;
    for decision in ["Clear", "Positive", "Reviewing"] {
        let refused = world.errors(decide(&id, decision, &seen)).await;
        let why = "2005 The scan's undecided hits are not the ones that the decision names";
        assert_eq!(refused, (400, vec![why.to_owned()]), "{decision}");
    }
    assert_eq!(world.record(&id).await.ofac.status, ScanStatus::Failed);
    let opened = world.ok(call("POST", &*path).body(json!({ "decision": "Reviewing" }))).await;
    let cleared = world.ok(decide(&id, "Clear", &opened["hits"]).key("k")).await;
    assert_eq!(cleared["ofac"], "Clear");
    assert!(cleared.get("hits").is_none());
    // Repeated, it is answered as it was, although nothing is undecided any more.
    assert_eq!(world.ok(decide(&id, "Clear", &opened["hits"]).key("k")).await, cleared);
}

#[tokio::test]
async fn the_content_of_a_hit_counts_and_may_be_a_whole_digest() {
    let world = World::new();
    let id = world.bob().await;
    world.screen(&id, &["1"], &[]).await;
    let hit = |content: &str| json!([{ "listId": "sdn", "uid": "1", "content": content }]);
    for other in [hit("fedcba9876543210"), json!([])] {
        assert_eq!(world.errors(decide(&id, "Clear", &other)).await.0, 400);
    }
    let wrong = world.errors(decide(&id, "Clear", &json!([{ "uid": "1", "content": "x" }]))).await;
    assert_eq!(
        wrong.1,
        ["1000 hits[0].listId is required", "1004 hits[0].content must be 16 hexadecimal digits"]
    );
    let whole = "0123456789abcdef".repeat(2);
    assert_eq!(world.ok(decide(&id, "Clear", &hit(&whole))).await["ofac"], "Clear");
}

/// What adverse media say is decided with the customer; the decision is kept and bound like one about a scan.
#[tokio::test]
async fn what_adverse_media_say_is_decided_with_the_customer() {
    let world = World::new();
    let data = world.straddle_create(super::straddle_creating::mira()).await;
    let id = data["id"].as_str().unwrap();
    assert_eq!(data["status"], "verified");
    let print = Fingerprint::parse("0123456789abcdef").unwrap();
    let hits = |uids: &[&str]| Finding {
        is_searched: true,
        subject: print.clone(),
        hits: uids.iter().map(|uid| (ListedEntity::new("news", uid), print.clone())).collect(),
        withdrawn: BTreeSet::new(),
    };
    let before = world.record(id).await;
    let (mut after, now) = (before.clone(), world.clock.now());
    let (none, news) = (hits(&[]), hits(&["1"]));
    let change = after.screened(before.subject_revision, &none, &none, Some(&news), now).unwrap();
    world.commit(&before, &after, &change).await;
    let path = format!("customers/{id}");
    assert_eq!(world.ok(straddle("GET", &path)).await["data"]["status"], "review");
    let cos = world.ok(call("GET", &path)).await;
    assert_eq!((&cos["ofac"], &cos["pepScan"]), (&json!("Clear"), &json!("Clear")));

    let verdict = json!({ "status": "verified" });
    let decided = world.ok(straddle("PATCH", format!("{path}/review")).body(verdict)).await;
    assert_eq!(decided["data"]["status"], "verified");
    assert_eq!(world.record(id).await.adverse_media.undecided().count(), 0);
    let items = world.database.dump(&world.database.customers()).await;
    let kept: Vec<_> = items.iter().filter(|item| item.contains_key("decision")).collect();
    let [kept] = &kept[..] else { panic!("one disposition: {kept:?}") };
    assert_eq!(store::text(kept, "scan"), Some("AdverseMedia"));
    assert_eq!(kept["hits"].as_l().unwrap().len(), 1);
    assert!(world.audit(id).await.intact);
}
