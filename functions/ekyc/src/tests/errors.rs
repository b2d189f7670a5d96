//! Every wrong field of a request is named in one answer, wherever it stands.

use super::*;

/// The fields that an answer names, sorted.
async fn named(world: &World, call: Call<'_>) -> Vec<String> {
    let what = format!("{} {} {:?}", call.method, call.path, call.body);
    let (status, body) = world.send(call).await;
    assert_eq!(status, 400, "{what}: {body}");
    let mut fields: Vec<String> = body["errors"].as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    fields
}

#[tokio::test]
async fn penny_drops() {
    let world = World::new();
    for kind in BOTH {
        let place = world.subject(kind).await;
        for (body, fields) in [
            (json!({}), vec!["bankAccount", "sortCode"]),
            (json!({ "sortCode": "12345" }), vec!["bankAccount", "sortCode"]),
            (json!({ "bankAccount": "1" }), vec!["bankAccount", "sortCode"]),
            (json!({ "sortCode": "12345", "bankAccount": "1" }), vec!["bankAccount", "sortCode"]),
            (
                json!({ "sortCode": 1, "bankAccount": "1", "journeyId": "a b" }),
                vec!["bankAccount", "journeyId", "sortCode"],
            ),
            (json!({ "sortCode": "20-29-59", "bankAccount": "12345678901" }), vec!["bankAccount"]),
            (json!({ "sortCode": "20-29-59", "bankAccount": "1234567890" }), vec!["bankAccount"]),
            (json!({ "sortCode": 202959, "bankAccount": "12345678" }), vec!["sortCode"]),
        ] {
            assert_eq!(named(&world, post(place.penny(), body.clone())).await, fields, "{body}");
        }
        let call = post(place.penny(), json!({ "sortCode": "1" })).merchant("a b").key(" ");
        let fields = ["Idempotency-Key", "Merchant-Id", "bankAccount", "sortCode"];
        assert_eq!(named(&world, call).await, fields);
        let spaced = json!({ "sortCode": "20-29-59", "bankAccount": "63748472" });
        assert_eq!(world.state(post(place.penny(), spaced)).await.1, "initiated");
    }
}

#[tokio::test]
async fn passcodes() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let abroad = json!({
        "mobileNumber": "+33612345678",
        "journeyId": "a b",
        "channel": "pigeon",
        "transactionDetails": { "transactionValue": "x", "transactionCurrency": "pounds" },
    });
    assert_eq!(
        named(&world, post(place.otp(), abroad).merchant("a b")).await,
        [
            "Merchant-Id",
            "channel",
            "journeyId",
            "mobileNumber",
            "transactionDetails.transactionCurrency",
            "transactionDetails.transactionValue",
        ]
    );
    let both = json!({ "mobileNumber": "02079460018", "homeNumber": "x", "email": "y" });
    let fields = ["email", "homeNumber", "mobileNumber"];
    assert_eq!(named(&world, post(place.otp(), both)).await, fields);
    let nothing = post(place.otp(), json!({})).raw("").merchant("a b");
    assert_eq!(named(&world, nothing).await, ["Merchant-Id"]);
}

#[tokio::test]
async fn validations() {
    let world = World::new();
    let place = world.subject(Kind::Account).await;
    for method in ["otp", "pennydrop"] {
        let path = format!("{}/kycauthentications/{method}/nonsense/validate", place.0);
        let fields = ["authId", "passcode"];
        assert_eq!(named(&world, post(path.clone(), json!({}))).await, fields);
        assert_eq!(named(&world, post(path.clone(), json!({ "passcode": "x" }))).await, fields);
        let long = "k".repeat(129);
        let fields = ["Idempotency-Key", "authId", "passcode"];
        assert_eq!(named(&world, post(path, json!({})).key(&long)).await, fields);
    }
}

#[tokio::test]
async fn subjects() {
    let world = World::new();
    let call = post("applications", json!({ "name": { "familyName": "Rivers" } })).key("é");
    assert_eq!(named(&world, call).await, ["Idempotency-Key", "customerId", "name.givenName"]);
    let place = world.subject(Kind::Account).await;
    let call = put(place.0.clone(), json!({ "version": "x", "name": {} })).key(" ");
    let fields = ["Idempotency-Key", "name.familyName", "name.givenName", "version"];
    assert_eq!(named(&world, call).await, fields);
}

#[tokio::test]
async fn configurations() {
    let world = World::new();
    let otp = json!({
        "otpCodelength": 6,
        "otpCodeLength": 3,
        "maximumNumberOfInvalidValidates": 0,
        "requireKnownJourney": "yes",
        "locale": "english",
        "messageTemplates": { "en-GB": { "sms": "no code", "voice": "nor here" } },
    });
    assert_eq!(
        named(&world, put("configurations/default/ekyc/otp", otp)).await,
        [
            "locale",
            "maximumNumberOfInvalidValidates",
            "messageTemplates.en-GB.sms",
            "messageTemplates.en-GB.voice",
            "otpCodeLength",
            "otpCodelength",
            "requireKnownJourney",
            "version",
        ]
    );
    let penny = json!({
        "version": -1,
        "otpCodeLength": 6,
        "pennyDropCodeLength": 9,
        "referencePrefix": "new co",
        "unverifiable": "perhaps",
    });
    assert_eq!(
        named(&world, put("configurations/default/ekyc/pennydrop", penny)).await,
        ["otpCodeLength", "pennyDropCodeLength", "referencePrefix", "unverifiable", "version"]
    );
}
