//! The review as the contract writes it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::review::record::tests::review;

/// Every path of an object, array elements as `[]`.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                found.insert(path.clone());
                paths(inner, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{at}[]"), found)),
        _ => {}
    }
}

#[test]
fn it_has_the_contracts_shape() {
    let shown = serde_json::to_value(IdentityDetails::from(&review())).unwrap();
    let mut found = BTreeSet::new();
    paths(&shown, "", &mut found);
    for required in [
        "review_id",
        "decision",
        "messages",
        "breakdown",
        "breakdown.email.decision",
        "breakdown.email.codes",
        "breakdown.email.risk_score",
        "breakdown.email.correlation_score",
        "breakdown.email.correlation",
        "breakdown.phone.correlation",
        "breakdown.address.correlation",
        "breakdown.fraud.risk_score",
        "breakdown.synthetic.risk_score",
        "kyc.decision",
        "kyc.codes",
        "kyc.validations",
        "reputation.decision",
        "reputation.codes",
        "reputation.risk_score",
        "reputation.insights.applications_count",
        "reputation.insights.user_institution_count",
        "watch_list.decision",
        "watch_list.codes",
        "watch_list.matched",
        "watch_list.matches",
        "network_alerts.decision",
        "network_alerts.codes",
        "network_alerts.alerts",
        "created_at",
        "updated_at",
    ] {
        assert!(found.contains(required), "{required} is missing");
    }
    assert!(!found.contains("breakdown.fraud.correlation"), "fraud compares nothing");
    assert!(!found.contains("breakdown.business_identification"), "a person is no business");
    assert_eq!(shown["decision"], "review");
    assert_eq!(shown["decided_by"], json!({ "rule": "kyc.review", "policy": "default-3" }));
}

#[test]
fn every_code_has_its_text_and_there_are_no_other_texts() {
    let shown = serde_json::to_value(IdentityDetails::from(&review())).unwrap();
    let mut codes = BTreeSet::new();
    fn collect(value: &Value, codes: &mut BTreeSet<String>) {
        let Value::Object(map) = value else { return };
        for (key, inner) in map {
            if key == "codes" {
                codes.extend(
                    inner.as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()),
                );
            }
            collect(inner, codes);
        }
    }
    collect(&shown, &mut codes);
    let messages: BTreeSet<String> =
        shown["messages"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(messages, codes);
    assert!(codes.len() > 5);
}

#[test]
fn matches_have_the_contracts_four_fields() {
    let found = Match {
        list_name: "L".into(),
        urls: vec!["https://lists.example/1".into()],
        match_fields: vec!["name".into(), "dob".into()],
        score: Score::thousandths(870),
        code: Code::R180,
        entry: "l/1@aa".into(),
        verdict: domain::scan::Verdict::Open,
        is_earlier: false,
    };
    let mut listed = review();
    listed.assessment.watch_list.searched.as_mut().unwrap().matches.push(found);
    let shown = serde_json::to_value(IdentityDetails::from(&listed)).unwrap();
    assert_eq!(
        shown["watch_list"]["matches"],
        json!([{
            "list_name": "L",
            "urls": ["https://lists.example/1"],
            "match_fields": ["name", "dob"],
            "correlation": "high_confidence",
        }])
    );
    assert_eq!(shown["watch_list"]["matched"], json!(["L"]));
}
