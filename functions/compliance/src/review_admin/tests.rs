//! Operators' commands on a real table.

use crypto::test_support::key_ring;
use domain::ids::{AuthId, CustomerId};
use domain::network::{Attributes, ProvedAccount};
use domain::time::{FixedClock, SequenceRandom};
use store::testing::TestDatabase;

use super::*;

const PARTNER: &str = "11111111-2222-3333-4444-555555555555";

fn app() -> (App, Network) {
    let table = TestDatabase::new().customers();
    let clock = Arc::new(FixedClock::at_text("2026-12-01T12:00:00Z"));
    let ring = key_ring(Arc::clone(&clock) as _, Arc::new(SequenceRandom::default()));
    let network = Network::new(table.clone(), ring);
    (App::for_test(network.clone(), Reviews::new(table), clock), network)
}

fn set(policy: Value, version: u32) -> Value {
    json!({ "action": "set-policy", "partnerId": PARTNER, "policy": policy, "version": version, "by": "ops" })
}

#[tokio::test]
async fn a_policy_is_checked_counted_and_read_back_whole() {
    let (app, _) = app();
    let get = json!({ "action": "get-policy", "partnerId": PARTNER });
    let before = handle(&app, get.clone()).await.unwrap();
    assert_eq!(
        (&before["version"], &before["policy"]["version"]),
        (&json!(0), &json!("default-3"))
    );
    let strict = json!({ "fraud": { "review": 0.3, "reject": 0.6 } });
    assert_eq!(handle(&app, set(strict.clone(), 0)).await.unwrap(), json!({ "version": 1 }));
    let after = handle(&app, get).await.unwrap();
    assert_eq!(after["policy"]["fraud"], json!({ "review": 0.3, "reject": 0.6 }));
    assert_eq!(after["policy"]["version"], "partner-1");
    for (command, words) in [
        (set(strict, 0), "another version"),
        (set(json!({ "fraud": { "review": 0.6, "reject": 0.3 } }), 1), "fraud"),
        (set(json!({ "frauds": {} }), 1), "not a policy"),
        (json!({ "action": "drop-policy" }), "not a command"),
        (json!({ "action": "get-policy", "partnerId": PARTNER, "x": 1 }), "not a command"),
    ] {
        let error = handle(&app, command).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_alert_is_raised_and_withdrawn_without_being_repeated() {
    let (app, network) = app();
    let partner = PartnerId::parse(PARTNER).unwrap();
    let customer = CustomerId::parse("0190b2c4-0000-7000-8000-000000000001").unwrap();
    let attributes = Attributes { email: Some("bad@box.example".into()), ..Attributes::default() };
    let command = |action: &str, value: &str| json!({ "action": action, "partnerId": PARTNER, "kind": "email", "value": value });
    for _ in 0..2 {
        let answer = handle(&app, command("raise-alert", "Bad@Box.example")).await.unwrap();
        assert_eq!(answer, json!({ "listed": true, "shared": false }));
    }
    let view = network.gather(partner, customer, &attributes).await.unwrap().view;
    assert!(view.histories[&AttributeKind::Email].alerts.contains_key(&view.member));
    handle(&app, command("withdraw-alert", "bad@box.example")).await.unwrap();
    let view = network.gather(partner, customer, &attributes).await.unwrap().view;
    assert!(view.histories.is_empty());
    let error = handle(&app, command("raise-alert", "secret value")).await.unwrap_err();
    assert!(!error.to_string().contains("secret value"), "{error}");
}

/// However it is written, it is the account that a penny has proved.
#[tokio::test]
async fn an_alert_of_a_bank_account_is_of_the_account_that_is_proved() {
    let (app, network) = app();
    let partner = PartnerId::parse(PARTNER).unwrap();
    let customer = CustomerId::parse("0190b2c4-0000-7000-8000-000000000001").unwrap();
    let account = BankAccount::parse("202959", "63748472").unwrap();
    let proved = ProvedAccount {
        fingerprint: network.known_as(&account).await.unwrap(),
        auth: AuthId::parse("0190b2c4-0000-7000-8000-000000000009").unwrap(),
        at: "2026-12-01T12:00:00Z".parse().unwrap(),
    };
    let known = proved.fingerprint.clone();
    let attributes = Attributes { accounts: vec![proved], ..Attributes::default() };
    let command = |action: &str, value: &str| json!({ "action": action, "partnerId": PARTNER, "kind": "bankAccount", "value": value });
    handle(&app, command("raise-alert", "20-29-59 63748472")).await.unwrap();
    let view = network.gather(partner, customer, &attributes).await.unwrap().view;
    assert!(view.accounts[&known].alerts.contains_key(&view.member));
    handle(&app, command("withdraw-alert", "20295963748472")).await.unwrap();
    let view = network.gather(partner, customer, &attributes).await.unwrap().view;
    assert!(view.accounts.is_empty());
    for none in ["63748472", "GB29NWBK60161331926819", ""] {
        let error = handle(&app, command("raise-alert", none)).await.unwrap_err().to_string();
        assert!(error.starts_with("value is not of the kind"), "{error}");
    }
}
