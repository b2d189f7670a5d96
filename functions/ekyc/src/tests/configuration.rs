//! One test for every key of the configuration, named after it.

use super::*;

const PENNY: &str = "pennydrop";
const HOUR_MS: i64 = 3_600_000;

fn bank() -> Value {
    json!({ "sortCode": "202959", "bankAccount": "63748472" })
}

/// What an initiate by a method is sent to, and with what.
fn initiate_of(place: &Place, method: &str) -> (String, Value) {
    if method == PENNY { (place.penny(), bank()) } else { (place.otp(), json!({})) }
}

/// How many codes can be had by a method before there are no more, a minute apart.
async fn codes(world: &World, place: &Place, method: &str) -> usize {
    for count in 0..20 {
        let (path, body) = initiate_of(place, method);
        let (_, state, _) = world.state(post(path, body)).await;
        if state == "noMoreCodes" {
            return count;
        }
        assert_eq!(state, "initiated");
        world.pass_ms(60_000);
    }
    20
}

async fn penny(world: &World, place: &Place) -> (Value, String) {
    let (_, state, body) = world.state(post(place.penny(), bank())).await;
    assert_eq!(state, "initiated");
    let auth = domain::ids::AuthId::parse(body["authId"].as_str().unwrap()).unwrap();
    (body, world.bank.code(auth.uuid()).unwrap())
}

async fn validate_penny(world: &World, place: &Place, session: &Value, code: &str) -> String {
    let path = place.validate(PENNY, session);
    world.state(post(path, json!({ "passcode": code }))).await.1
}

#[tokio::test]
async fn maximum_number_of_initiates_per_duration() {
    for kind in BOTH {
        for (method, default) in [("otp", 3), (PENNY, 2)] {
            let world = World::new();
            let place = world.subject(kind).await;
            assert_eq!(codes(&world, &place, method).await, default);
            let world = World::new();
            world.configure(method, json!({ "maximumNumberOfInitiatesPerDuration": 5 })).await;
            let place = world.subject(kind).await;
            assert_eq!(codes(&world, &place, method).await, 5);
        }
    }
}

#[tokio::test]
async fn initiates_duration_in_milliseconds() {
    for kind in BOTH {
        for (method, max) in [("otp", 3), (PENNY, 2)] {
            let world = World::new();
            let keys = json!({
                "initiatesDurationInMilliseconds": HOUR_MS,
                "tempLockEnabledOnInitiateApplication": false,
            });
            world.configure(method, keys).await;
            let place = world.subject(kind).await;
            // They were made one minute apart, and the last one a minute ago.
            assert_eq!(codes(&world, &place, method).await, max);
            let (path, body) = initiate_of(&place, method);
            let passed = i64::try_from(max).unwrap() * 60_000;
            world.pass_ms(HOUR_MS - passed - 1);
            let (_, state, answer) = world.state(post(path.clone(), body.clone())).await;
            assert_eq!(state, "noMoreCodes", "a millisecond before the window frees");
            assert_eq!(answer["additionalInfo"]["retryAfterSeconds"], 1);
            world.pass_ms(1);
            let (_, state, _) = world.state(post(path.clone(), body.clone())).await;
            assert_eq!(state, "initiated", "exactly then");
            let (_, state, _) = world.state(post(path, body)).await;
            assert!(state == "noMoreCodes" || state == "duplicate", "one was freed: {state}");
        }
    }
}

#[tokio::test]
async fn passcode_expiry_in_milliseconds() {
    for kind in BOTH {
        let world = World::new();
        world.configure("otp", json!({ "passcodeExpiryInMilliseconds": 30_000 })).await;
        world.configure(PENNY, json!({ "passcodeExpiryInMilliseconds": 40_000 })).await;
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let (drop, code) = penny(&world, &place).await;
        world.pass_ms(29_999);
        assert_eq!(world.try_code(&place, &session, &world.wrong()).await.0, "invalid");
        world.pass_ms(1);
        assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "expired");
        world.pass_ms(10_000);
        assert_eq!(validate_penny(&world, &place, &drop, &code).await, "expired");
    }
}

#[tokio::test]
async fn maximum_number_of_invalid_validates() {
    for kind in BOTH {
        let world = World::new();
        let keys = json!({
            "maximumNumberOfInvalidValidates": 3,
            "maximumNumberOfInvalidValidatesPerSession": 2,
        });
        world.configure("otp", keys.clone()).await;
        world.configure(PENNY, keys).await;
        let place = world.subject(kind).await;
        let first = world.initiate(&place).await;
        world.try_code(&place, &first, &world.wrong()).await;
        assert_eq!(world.try_code(&place, &first, &world.wrong()).await.0, "failed");
        let second = world.initiate(&place).await;
        let (state, body) = world.try_code(&place, &second, &world.wrong()).await;
        assert_eq!(
            (state.as_str(), &body["additionalInfo"]["scope"]),
            ("failed", &json!("journey"))
        );
        let (drop, code) = penny(&world, &place).await;
        validate_penny(&world, &place, &drop, &wrong(&code)).await;
        validate_penny(&world, &place, &drop, &wrong(&code)).await;
        let (drop, code) = penny(&world, &place).await;
        assert_eq!(validate_penny(&world, &place, &drop, &wrong(&code)).await, "failed");
        let (_, state, body) = world.state(post(place.penny(), bank())).await;
        assert_eq!(
            (state.as_str(), &body["additionalInfo"]["scope"]),
            ("failed", &json!("journey"))
        );
    }
}

#[tokio::test]
async fn maximum_number_of_invalid_validates_per_session() {
    for kind in BOTH {
        let world = World::new();
        let keys = json!({ "maximumNumberOfInvalidValidatesPerSession": 1 });
        world.configure("otp", keys.clone()).await;
        world.configure(PENNY, keys).await;
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let (state, body) = world.try_code(&place, &session, &world.wrong()).await;
        assert_eq!(
            (state.as_str(), &body["additionalInfo"]["scope"]),
            ("failed", &json!("session"))
        );
        let (drop, code) = penny(&world, &place).await;
        assert_eq!(validate_penny(&world, &place, &drop, &wrong(&code)).await, "failed");
    }
}

#[tokio::test]
async fn maximum_number_of_expired_validates() {
    for kind in BOTH {
        let world = World::new();
        let keys = json!({
            "maximumNumberOfExpiredValidates": 1,
            "passcodeExpiryInMilliseconds": 20_000,
        });
        world.configure("otp", keys.clone()).await;
        world.configure(PENNY, keys).await;
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let (drop, code) = penny(&world, &place).await;
        world.pass_ms(20_000);
        assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "expired");
        assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "failed");
        assert_eq!(validate_penny(&world, &place, &drop, &code).await, "expired");
        assert_eq!(validate_penny(&world, &place, &drop, &code).await, "failed");
        // The allowance is the journey's: its next session has none left.
        let next = world.initiate(&place).await;
        world.pass_ms(20_000);
        assert_eq!(world.try_code(&place, &next, &world.code()).await.0, "failed");
    }
}

#[tokio::test]
async fn otp_code_length() {
    for kind in BOTH {
        for length in [4, 6, 10] {
            let world = World::new();
            world.configure("otp", json!({ "otpCodeLength": length })).await;
            let place = world.subject(kind).await;
            let session = world.initiate(&place).await;
            assert_eq!(world.code().len(), length);
            assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "authenticated");
        }
    }
}

#[tokio::test]
async fn penny_drop_code_length() {
    for kind in BOTH {
        for length in [4, 6] {
            let world = World::new();
            world.configure(PENNY, json!({ "pennyDropCodeLength": length })).await;
            let place = world.subject(kind).await;
            let (session, code) = penny(&world, &place).await;
            assert_eq!(code.len(), length);
            assert_eq!(validate_penny(&world, &place, &session, &code).await, "authenticated");
        }
    }
}

#[tokio::test]
async fn temp_lock_enabled_on_initiate_application() {
    // Long enough for the window to free up, and not for the lock of an hour.
    for (method, max, window, passed) in
        [("otp", 3, 300_000, 300_000), (PENNY, 2, HOUR_MS, HOUR_MS - 30_000)]
    {
        for (kind, enabled, locks) in [
            (Kind::Application, true, true),
            (Kind::Application, false, false),
            (Kind::Account, true, false),
        ] {
            let world = World::new();
            let keys = json!({
                "tempLockEnabledOnInitiateApplication": enabled,
                "initiatesDurationInMilliseconds": window,
            });
            world.configure(method, keys).await;
            let place = world.subject(kind).await;
            assert_eq!(codes(&world, &place, method).await, max);
            world.pass_ms(passed);
            let (path, body) = initiate_of(&place, method);
            let (_, state, _) = world.state(post(path, body)).await;
            let expected = if locks { "noMoreCodes" } else { "initiated" };
            assert_eq!(
                state, expected,
                "{method} {kind:?}: the window has freed up, a lock has not"
            );
        }
    }
}

#[tokio::test]
async fn temp_lock_duration_on_initiate_application_in_seconds() {
    for (method, max) in [("otp", 3), (PENNY, 2)] {
        let world = World::new();
        let keys = json!({ "tempLockDurationOnInitiateApplicationInSeconds": 120 });
        world.configure(method, keys).await;
        let place = world.subject(Kind::Application).await;
        assert_eq!(codes(&world, &place, method).await, max);
        world.pass_ms(119_999);
        let (path, body) = initiate_of(&place, method);
        let (_, state, answer) = world.state(post(path.clone(), body.clone())).await;
        let wait = &answer["additionalInfo"]["retryAfterSeconds"];
        assert_eq!((state.as_str(), wait), ("noMoreCodes", &json!(1)), "{method}");
        world.pass_ms(1);
        // The lock is over, and the window was cleared with it.
        for left in (0..max).rev() {
            let (_, state, answer) = world.state(post(path.clone(), body.clone())).await;
            assert_eq!(
                (state.as_str(), &answer["remainingPasscodes"]),
                ("initiated", &json!(left))
            );
            world.pass_ms(11_000);
        }
    }
}

#[tokio::test]
async fn duplicate_window_in_milliseconds() {
    for kind in BOTH {
        let world = World::new();
        world.configure("otp", json!({ "duplicateWindowInMilliseconds": 2_000 })).await;
        let place = world.subject(kind).await;
        world.initiate(&place).await;
        world.pass_ms(1_999);
        assert_eq!(world.state(post(place.otp(), json!({}))).await.1, "duplicate");
        world.pass_ms(1);
        assert_eq!(world.state(post(place.otp(), json!({}))).await.1, "initiated");
    }
}

#[tokio::test]
async fn allow_voice_fallback() {
    let landline = json!({ "mobileNumber": "02079460018" });
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let (status, _, body) = world.state(post(place.otp(), landline.clone())).await;
        assert_eq!(status, 400);
        assert!(body["errors"]["mobileNumber"].is_array(), "{body}");
        let world = World::new();
        world.configure("otp", json!({ "allowVoiceFallback": true })).await;
        let place = world.subject(kind).await;
        let (_, state, body) = world.state(post(place.otp(), landline.clone())).await;
        assert_eq!(
            (state.as_str(), &body["additionalInfo"]["channel"]),
            ("initiated", &json!("voice"))
        );
    }
}

#[tokio::test]
async fn reference_prefix() {
    for kind in BOTH {
        let world = World::new();
        world.configure(PENNY, json!({ "referencePrefix": "NEWCO" })).await;
        let place = world.subject(kind).await;
        penny(&world, &place).await;
        assert!(world.bank.pennies()[0].1.starts_with("NEWCO "));
    }
}

#[tokio::test]
async fn maximum_number_of_name_checks_per_duration() {
    use crate::bank::NameCheck;
    for kind in BOTH {
        for (keys, most) in [
            (json!({}), 6),
            (json!({ "maximumNumberOfNameChecksPerDuration": 3 }), 3),
            // Never fewer than the pennies that may be had.
            (
                json!({
                    "maximumNumberOfNameChecksPerDuration": 1,
                    "maximumNumberOfInitiatesPerDuration": 4,
                }),
                4,
            ),
        ] {
            let world = World::new();
            world.configure(PENNY, keys).await;
            let place = world.subject(kind).await;
            world.bank.answer_name(NameCheck::NotMatched);
            for _ in 0..most {
                assert_eq!(world.state(post(place.penny(), bank())).await.1, "invalidBankDetails");
            }
            let (status, _) = world.send(post(place.penny(), bank())).await;
            assert_eq!((status, world.bank.asked_for_names()), (429, most));
        }
    }
}

#[tokio::test]
async fn accept_close_match_accept_business_and_unverifiable() {
    use crate::bank::{AccountName, NameCheck};
    let close =
        NameCheck::CloseMatch { held: Some(AccountName::of_person("D", "Rivers").unwrap()) };
    for (check, key, value, without, with) in [
        (close, "acceptCloseMatch", json!(false), "initiated", "invalidBankDetails"),
        (
            NameCheck::BusinessMatched,
            "acceptBusiness",
            json!(true),
            "invalidBankDetails",
            "initiated",
        ),
        (
            NameCheck::NotEnrolled,
            "unverifiable",
            json!("proceed"),
            "invalidBankDetails",
            "initiated",
        ),
    ] {
        for (keys, expected) in [(json!({}), without), (json!({ key: value }), with)] {
            for kind in BOTH {
                let world = World::new();
                world.configure(PENNY, keys.clone()).await;
                let place = world.subject(kind).await;
                world.bank.answer_name(check.clone());
                assert_eq!(world.state(post(place.penny(), bank())).await.1, expected, "{key}");
            }
        }
    }
}

#[tokio::test]
async fn message_templates_and_locale() {
    let world = World::new();
    let keys = json!({
        "locale": "cy-GB",
        "messageTemplates": { "cy-GB": { "sms": "{code} {purpose} {life}" } },
    });
    world.configure("otp", keys).await;
    for kind in BOTH {
        let place = world.subject(kind).await;
        world.initiate(&place).await;
    }
    let sent = world.sent.all();
    assert!(sent.len() == 2 && sent.iter().all(|one| one.locale.as_deref() == Some("cy-GB")));
    let path = "configurations/default/ekyc/otp";
    let keys = json!({ "version": 1, "messageTemplates": { "en-GB": { "sms": "no code" } } });
    let (status, body) = world.send(put(path, keys)).await;
    assert_eq!(status, 400);
    let errors = body["errors"].as_object().unwrap();
    assert!(errors.keys().all(|field| field.starts_with("messageTemplates")), "{body}");
}

#[tokio::test]
async fn unsafe_values_are_refused_by_name() {
    let world = World::new();
    let refused = async |method: &str, keys: Value, field: &str| {
        let mut keys = keys;
        keys["version"] = 0.into();
        let path = format!("configurations/default/ekyc/{method}");
        let (status, body) = world.send(put(path, keys.clone())).await;
        assert_eq!(status, 400, "{keys}");
        assert!(body["errors"][field].is_array(), "{keys}: {body}");
    };
    for key in domain::ekyc::KEYS {
        let method = key.only.map_or("otp", |only| only.as_str());
        for value in [json!(0), json!(-1), json!(key.max + 1), json!("x"), json!(1.5), json!(true)]
        {
            refused(method, json!({ key.name: value }), key.name).await;
        }
    }
    let per_session = "maximumNumberOfInvalidValidatesPerSession";
    let keys = json!({ "maximumNumberOfInvalidValidates": 2, per_session: 3 });
    refused("otp", keys, per_session).await;
    refused("otp", json!({ "otpCodelength": 6 }), "otpCodelength").await;
    refused("otp", json!({ "pennyDropCodeLength": 4 }), "pennyDropCodeLength").await;
    refused("pennydrop", json!({ "referencePrefix": "new co" }), "referencePrefix").await;
    refused("pennydrop", json!({ "unverifiable": "perhaps" }), "unverifiable").await;
    let (status, _) = world.send(put("configurations/default/ekyc/otp", json!({}))).await;
    assert_eq!(status, 400, "the version is required");
}

#[tokio::test]
async fn versions_lock_and_merchants_have_their_own() {
    let world = World::new();
    let path = "configurations/shop-7/ekyc/otp";
    let (_, shown) = world.send(get(path)).await;
    assert_eq!((&shown["version"], &shown["otpCodeLength"]), (&json!(0), &json!(6)));
    let (status, first) = world.send(put(path, json!({ "version": 0, "otpCodeLength": 8 }))).await;
    assert_eq!((status, &first["version"]), (200, &json!(1)));
    let (status, _) = world.send(put(path, json!({ "version": 0, "otpCodeLength": 9 }))).await;
    assert_eq!(status, 409);
    // What was read can be sent back as it is.
    let (_, shown) = world.send(get(path)).await;
    let (status, second) = world.send(put(path, shown)).await;
    assert_eq!((status, &second["version"], &second["otpCodeLength"]), (200, &json!(2), &json!(8)));
    let again = put(path, json!({ "version": 2, "otpCodeLength": 7 })).key("k-1");
    let (_, third) = world.send(again).await;
    let again = put(path, json!({ "version": 2, "otpCodeLength": 7 })).key("k-1");
    assert_eq!(world.send(again).await, (200, third), "the same request again");

    let place = world.subject(Kind::Application).await;
    let asked = post(place.otp(), json!({})).merchant("shop-7");
    world.state(asked).await;
    assert_eq!(world.code().len(), 7);
    world.pass_ms(11_000);
    world.state(post(place.otp(), json!({})).merchant("shop-8")).await;
    assert_eq!(world.code().len(), 6);
    let (status, _) = world.send(get(path).partner(TWO)).await;
    assert_eq!(status, 200);
    let (_, other) = world.send(get(path).partner(TWO)).await;
    assert_eq!(other["version"], 0, "another partner's merchant is another one");
}

/// A session is judged by the limits that it was created under, by an initiate as well.
#[tokio::test]
async fn lower_maxima_fail_no_running_journey() {
    let world = World::new();
    let place = world.subject(Kind::Account).await;
    let session = world.initiate(&place).await;
    for _ in 0..2 {
        assert_eq!(world.try_code(&place, &session, &world.wrong()).await.0, "invalid");
    }
    let lower = json!({
        "maximumNumberOfInvalidValidates": 2,
        "maximumNumberOfInvalidValidatesPerSession": 1,
    });
    world.configure("otp", lower).await;
    world.pass_ms(61_000);
    let next = world.initiate(&place).await;
    assert_eq!(next["journeyId"], session["journeyId"]);
    assert!(world.told().await.iter().all(|(step, _)| step == "Initiated"));
    assert_eq!(world.try_code(&place, &next, &world.code()).await.0, "authenticated");
}
