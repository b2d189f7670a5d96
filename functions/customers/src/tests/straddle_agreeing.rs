//! The status and the review's decision say the same, whichever contract has decided what; and who was rejected by a person
//! is a person's to take back.

use std::sync::OnceLock;

use domain::scan::{Decision, ScanKind};
use domain::verification::Verdict;
use http_api::{Caller, Failure, Reply, Request};

use super::straddle_creating::{mira, update_of};
use super::*;
use crate::settle::{Attempt, Decided, settle};
use crate::update::load;

/// Somebody whom the list names, by a review that nobody prescribed.
async fn listed(world: &World, email: &str) -> String {
    let mut body = with(mira(), "/name", json!("Volodar Quistzle"));
    body["email"] = json!(email);
    body["compliance_profile"] = Value::Null;
    body["config"] = json!({ "sandbox_outcome": "standard" });
    let data = world.straddle_create(body).await;
    let path = format!("customers/{}", data["id"].as_str().unwrap());
    agreed(world, &path).await;
    path
}

/// The status and the latest review, whose decision is the status.
async fn agreed(world: &World, path: &str) -> (String, Value) {
    let shown = world.ok(straddle("GET", format!("{path}/review"))).await;
    let status = shown["data"]["customer_details"]["status"].as_str().unwrap().to_owned();
    let details = shown["data"]["identity_details"].clone();
    let decision = match status.as_str() {
        "verified" => "accept",
        "rejected" => "reject",
        other => other,
    };
    assert_eq!(details["decision"], decision, "{}", details["decided_by"]);
    (status, details)
}

/// Replaces one field, by which the identity is reviewed again.
async fn put(world: &World, path: &str, field: &str, value: &str) -> (String, Value) {
    let data = world.ok(straddle("GET", path)).await["data"].clone();
    let body = with(update_of(&data), &format!("/{field}"), json!(value));
    world.ok(straddle("PUT", path).body(body)).await;
    agreed(world, path).await
}

async fn patch(world: &World, path: &str, status: &str) {
    let body = json!({ "status": status });
    world.ok(straddle("PATCH", format!("{path}/review")).body(body)).await;
    assert_eq!(agreed(world, path).await.0, status);
}

async fn decide_scan(world: &World, path: &str, decision: &str) {
    let body = json!({ "decision": decision, "reason": "looked at both" });
    world.ok(call("POST", format!("{path}/ofac-decision")).body(body)).await;
}

#[tokio::test]
async fn the_review_says_what_the_status_says() {
    let world = World::new();
    // What a person has cleared is shown and does not decide.
    let path = listed(&world, "cleared@example.com").await;
    patch(&world, &path, "verified").await;
    let (status, details) = put(&world, &path, "phone", "+14155550199").await;
    assert_eq!(
        (status.as_str(), &details["decided_by"]["rule"]),
        ("verified", &json!("all_modules.accept"))
    );
    let codes = &details["watch_list"]["codes"];
    assert!(codes.as_array().unwrap().contains(&json!("G006")), "{codes}");
    assert_eq!(details["watch_list"]["matches"].as_array().unwrap().len(), 1);

    // What waits for a person under an earlier name is shown, and is settled where its scan is.
    let path = listed(&world, "renamed@example.com").await;
    let (status, details) = put(&world, &path, "name", "Mira Oduya").await;
    assert_eq!(status, "review");
    let [waiting] = &details["watch_list"]["matches"].as_array().unwrap()[..] else {
        panic!("{details}")
    };
    assert_eq!(waiting["match_fields"], json!(["earlier.name"]));
    for code in ["R180", "G007"] {
        assert!(details["messages"][code].is_string(), "{code}");
    }
    decide_scan(&world, &path, "Clear").await;
    let (status, details) = agreed(&world, &path).await;
    assert_eq!((status.as_str(), &details["messages"]["G007"]), ("verified", &Value::Null));
    let (status, details) = put(&world, &path, "phone", "+14155550199").await;
    assert_eq!((status.as_str(), &details["watch_list"]["matches"]), ("verified", &json!([])));

    // What a person has confirmed rejects, whatever is asked for.
    let path = listed(&world, "confirmed@example.com").await;
    decide_scan(&world, &path, "Positive").await;
    let (status, details) = put(&world, &path, "phone", "+14155550199").await;
    assert_eq!(
        (status.as_str(), &details["decided_by"]["rule"]),
        ("rejected", &json!("watch_list.reject"))
    );
}

/// What a person has decided about a match is in the review at once, whichever way it was decided and whatever is left.
#[tokio::test]
async fn a_match_is_settled_in_the_review_with_its_scan() {
    let world = World::new();
    // A number that nothing confirms is for a person as well.
    let numbered = json!({ "ssn": "536-22-8441", "dob": null });
    for (number, (profile, decision, status, rule, on_list, code)) in [
        (&numbered, "Clear", "review", "kyc.review", "accept", "G006"),
        (&numbered, "Positive", "rejected", "manual_decision.reject", "reject", "R180"),
        (&numbered, "verified", "verified", "manual_decision.accept", "accept", "G006"),
        (&numbered, "rejected", "rejected", "manual_decision.reject", "review", "R180"),
        (&Value::Null, "Clear", "verified", "manual_decision.accept", "accept", "G006"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("settled{number}@example.com");
        let mut body = with(mira(), "/name", json!("Volodar Quistzle"));
        body["email"] = json!(email);
        body["compliance_profile"] = profile.clone();
        body["config"] = json!({ "sandbox_outcome": "standard" });
        let data = world.straddle_create(body).await;
        let path = format!("customers/{}", data["id"].as_str().unwrap());
        let (_, before) = agreed(&world, &path).await;
        assert_eq!(before["decided_by"]["rule"], "watch_list.review");
        if decision.starts_with('v') || decision.starts_with('r') {
            patch(&world, &path, decision).await;
        } else {
            decide_scan(&world, &path, "Reviewing").await;
            assert_eq!(agreed(&world, &path).await.1, before, "nothing is decided yet");
            decide_scan(&world, &path, decision).await;
        }
        let (stands, details) = agreed(&world, &path).await;
        let seen =
            (stands.as_str(), &details["decided_by"]["rule"], &details["watch_list"]["decision"]);
        assert_eq!(seen, (status, &json!(rule), &json!(on_list)), "{decision}");
        assert_eq!(details["watch_list"]["codes"], json!(["G001", code]), "{decision}");
        assert!(details["messages"][code].is_string(), "{decision}");
        assert_eq!(details["review_id"], before["review_id"], "the modules have not run again");
    }
}

/// Each settles a scan of its own, and neither is in the other's way.
#[tokio::test]
async fn two_reviewers_at_once_settle_two_scans() {
    let world = World::new();
    let path = listed(&world, "two@example.com").await;
    let id = path.rsplit('/').next().unwrap();
    let hits = world.ok(call("GET", &path)).await["ofac"].clone();
    assert_eq!(hits, "Failed");
    world.screen(id, &["sdn-9"], &["pep-9"]).await;
    let decide = async |scan: &str| {
        let body = json!({ "decision": "Clear", "reason": "looked at both" });
        world.ok(call("POST", format!("{path}/{scan}-decision")).body(body)).await
    };
    tokio::join!(decide("ofac"), decide("pep-scan"));
    assert_eq!(agreed(&world, &path).await.0, "verified");
}

/// By the review of an earlier round nobody decides about the customer; a scan has its own hits to be bound to.
#[tokio::test]
async fn only_a_decision_about_the_customer_is_bound_to_its_review() {
    let world = World::new();
    for (verdict, email) in
        [(None, "scan@example.com"), (Some(Verdict::Verified), "all@example.com")]
    {
        let path = listed(&world, email).await;
        let (function, event) = call("POST", format!("{path}/ofac-decision")).event();
        let request =
            Request::from_event(serde_json::from_value(event).unwrap(), function).unwrap();
        let caller: Caller = request.caller().unwrap();
        let id = CustomerId::parse(path.rsplit('/').next().unwrap()).unwrap();
        let review = Arc::new(OnceLock::from(Some(7)));
        let answer = settle(&world.app, &caller, &request, async |now| {
            let before = load(&world.app, &caller, id).await?;
            let mut after = before.clone();
            let change = after.decide(ScanKind::Ofac, Decision::Clear, now).unwrap();
            let decided = Some(Decided { verdict, review: Arc::clone(&review) });
            let reply = Reply::json(200, &json!({}));
            Ok(Attempt { decided, ..Attempt::change(Some(before), after, change, reply) })
        })
        .await;
        match verdict {
            None => assert!(answer.is_ok()),
            Some(_) => assert!(matches!(answer, Err(Failure::Overtaken))),
        }
    }
}

#[tokio::test]
async fn who_writes_customers_takes_back_no_rejection() {
    let world = World::new();
    let path = listed(&world, "barred@example.com").await;
    patch(&world, &path, "rejected").await;
    let meter = world.app.customers.table().meter();
    for (field, value) in [("phone", "+14155550199"), ("name", "Mira Oduya")] {
        assert_eq!(put(&world, &path, field, value).await.0, "review", "{field}");
    }
    decide_scan(&world, &path, "Clear").await;
    let (status, details) = agreed(&world, &path).await;
    let seen = (status.as_str(), &details["decided_by"]["rule"]);
    assert_eq!(seen, ("review", &json!("earlier_rejection.review")));
    meter.take();
    let data = world.ok(straddle("GET", &path)).await["data"].clone();
    let body = with(update_of(&data), "/phone", json!("+14155550198"));
    meter.take();
    let changed = world.ok(straddle("PUT", &path).body(body)).await;
    assert_eq!(meter.take().round_trips, 4, "1 read, the review's 2, 1 transaction");
    assert_eq!(changed["data"]["status"], "review");
    let (_, details) = agreed(&world, &path).await;
    assert_eq!(details["decided_by"]["rule"], "earlier_rejection.review");
    patch(&world, &path, "verified").await;
    assert_eq!(put(&world, &path, "phone", "+14155550197").await.0, "verified");
}
