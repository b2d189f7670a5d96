//! One test for every row of the status table, named after it, on both subjects: the passcode's column. The penny drop's is
//! in [`super::penny_statuses`].

use super::penny_statuses::details;
use super::*;

#[tokio::test]
async fn initiated_otp() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let body = world.initiate(&place).await;
        assert_eq!(body["remainingPasscodes"], 2);
        assert!(body["authId"].is_string() && body["journeyId"].is_string());
        assert_eq!(body["additionalInfo"]["destination"], "*******3456");
        assert_eq!(body["additionalInfo"]["channel"], "sms");
        let sent = world.sent.all();
        assert_eq!((sent.len(), sent[0].code.len()), (1, 6));
        assert_eq!(sent[0].destination, "+447400123456");
        assert_eq!(world.told().await, [("Initiated".to_owned(), None)]);
        assert!(!body.to_string().contains(&sent[0].code));
    }
}

#[tokio::test]
async fn no_more_codes_by_the_rolling_count() {
    for kind in BOTH {
        let world = World::new();
        let unlocked = json!({ "tempLockEnabledOnInitiateApplication": false });
        world.configure("otp", unlocked).await;
        let place = world.subject(kind).await;
        for left in [2, 1, 0] {
            assert_eq!(world.initiate(&place).await["remainingPasscodes"], left);
            world.pass_ms(11_000);
        }
        let reply = world.reply(post(place.otp(), json!({}))).await;
        let body: Value = serde_json::from_str(reply.body()).unwrap();
        assert_eq!((reply.status(), &body["state"]), (200, &json!("noMoreCodes")));
        assert_eq!(body["remainingPasscodes"], 0);
        // The first of the three leaves the window an hour after it was made.
        assert_eq!(reply.header("retry-after"), Some("3567"));
        assert_eq!(body["additionalInfo"]["retryAfterSeconds"], 3567);
        assert_eq!(world.sent.all().len(), 3);
    }
}

#[tokio::test]
async fn no_more_codes_by_the_lock_of_an_application() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    for _ in 0..3 {
        world.initiate(&place).await;
        world.pass_ms(11_000);
    }
    for (passed, wait) in [(0, "3600"), (1_000, "3599")] {
        world.pass_ms(passed);
        let reply = world.reply(post(place.otp(), json!({}))).await;
        assert_eq!(reply.header("retry-after"), Some(wait), "the lock does not extend itself");
    }
}

#[tokio::test]
async fn authenticated_otp_validate_and_again() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let code = world.code();
        let (state, body) = world.try_code(&place, &session, &code).await;
        assert_eq!(state, "authenticated", "{body}");
        // Any well-formed code, without a count.
        for again in [code.clone(), wrong(&code), wrong(&code), wrong(&code), wrong(&code)] {
            assert_eq!(world.try_code(&place, &session, &again).await.0, "authenticated");
        }
        let told: Vec<String> = world.told().await.into_iter().map(|(step, _)| step).collect();
        assert_eq!(told, ["Initiated", "Authenticated"]);
        let proof = ("phone".to_owned(), "otp-sms".to_owned(), "*******3456".to_owned());
        assert_eq!(world.proofs(&place).await, [proof]);
    }
}

#[tokio::test]
async fn authenticated_initiate_sends_nothing() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        world.try_code(&place, &session, &world.code()).await;
        let (status, state, body) = world.state(post(place.otp(), json!({}))).await;
        assert_eq!((status, state.as_str()), (200, "authenticated"));
        assert_eq!(body["authId"], session["authId"]);
        assert_eq!(world.sent.all().len(), 1);
        let fresh = json!({ "journeyId": "another" });
        let (_, state, _) = world.state(post(place.otp(), fresh)).await;
        assert_eq!(state, "initiated", "a new journey is a new beginning");
    }
}

#[tokio::test]
async fn failed_by_the_session_limit() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let code = world.code();
        for left in [2, 1] {
            let (state, body) = world.try_code(&place, &session, &wrong(&code)).await;
            assert_eq!((state.as_str(), &body["remainingAttempts"]), ("invalid", &json!(left)));
        }
        let (state, body) = world.try_code(&place, &session, &wrong(&code)).await;
        assert_eq!(
            (state.as_str(), &body["additionalInfo"]["scope"]),
            ("failed", &json!("session"))
        );
        let (state, _) = world.try_code(&place, &session, &code).await;
        assert_eq!(state, "failed", "the right code comes too late");
        let told = world.told().await;
        assert_eq!(told.last(), Some(&("Failed".to_owned(), Some("session".to_owned()))));
        assert_eq!(told.len(), 2);
        // The journey may have another session.
        world.pass_ms(1_000);
        assert_eq!(world.initiate(&place).await["remainingPasscodes"], 1);
        let (state, _) = world.try_code(&place, &session, &code).await;
        assert_eq!(state, "failed", "the earlier session stays failed behind the newer one");
    }
}

#[tokio::test]
async fn failed_by_the_journey_limit_for_good() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let mut last = (String::new(), Value::Null);
        for _ in 0..2 {
            let session = world.initiate(&place).await;
            for _ in 0..3 {
                last = world.try_code(&place, &session, &world.wrong()).await;
            }
            world.pass_ms(11_000);
        }
        assert_eq!(
            (last.0.as_str(), &last.1["additionalInfo"]["scope"]),
            ("failed", &json!("journey"))
        );
        let (status, state, body) = world.state(post(place.otp(), json!({}))).await;
        assert_eq!((status, state.as_str()), (200, "failed"));
        assert_eq!(body["additionalInfo"]["scope"], "journey");
        world.pass(SignedDuration::from_hours(24 * 365));
        let (_, state, _) = world.state(post(place.otp(), json!({}))).await;
        assert_eq!(state, "failed", "for good");
        assert_eq!(world.sent.all().len(), 2);
    }
}

#[tokio::test]
async fn failed_by_the_expired_allowance() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let code = world.code();
        world.pass_ms(600_000);
        for _ in 0..3 {
            assert_eq!(world.try_code(&place, &session, &code).await.0, "expired");
        }
        let (state, body) = world.try_code(&place, &session, &code).await;
        assert_eq!(
            (state.as_str(), &body["additionalInfo"]["scope"]),
            ("failed", &json!("session"))
        );
    }
}

#[tokio::test]
async fn not_found_for_a_superseded_session() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let first = world.initiate(&place).await;
        let code = world.code();
        world.pass_ms(10_000);
        world.initiate(&place).await;
        let path = place.validate("otp", &first);
        let (status, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
        assert_eq!((status, state.as_str()), (404, "notFound"));
        let (status, state, _) = world.state(get(place.session("otp", &first))).await;
        assert_eq!((status, state.as_str()), (404, "notFound"));
    }
}

#[tokio::test]
async fn not_found_past_its_time_to_live() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        world.pass(SignedDuration::from_hours(24 * 31));
        let (state, _) = world.try_code(&place, &session, &world.code()).await;
        assert_eq!(state, "notFound");
    }
}

#[tokio::test]
async fn not_found_for_an_unknown_journey_where_it_must_be_known() {
    for kind in BOTH {
        let world = World::new();
        world.configure("otp", json!({ "requireKnownJourney": true })).await;
        let place = world.subject(kind).await;
        let body = json!({ "journeyId": "never-heard-of" });
        let (status, state, _) = world.state(post(place.otp(), body)).await;
        assert_eq!((status, state.as_str()), (404, "notFound"));
        let begun = world.initiate(&place).await;
        world.pass_ms(11_000);
        let body = json!({ "journeyId": begun["journeyId"] });
        let (_, state, _) = world.state(post(place.otp(), body)).await;
        assert_eq!(state, "initiated");
        world.configure("pennydrop", json!({ "requireKnownJourney": true })).await;
        let mut body = json!({ "sortCode": "202959", "bankAccount": "63748472" });
        body["journeyId"] = json!("never-heard-of");
        let (status, state, _) = world.state(post(place.penny(), body)).await;
        assert_eq!((status, state.as_str()), (404, "notFound"));
    }
}

#[tokio::test]
async fn duplicate_within_the_window() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let first = world.initiate(&place).await;
        world.pass_ms(9_999);
        let (status, state, body) = world.state(post(place.otp(), json!({}))).await;
        assert_eq!((status, state.as_str()), (200, "duplicate"));
        assert_eq!(body["authId"], first["authId"]);
        assert_eq!(body["remainingPasscodes"], 2, "it is not counted");
        let other = json!({ "email": "dana@example.com" });
        let (_, state, _) = world.state(post(place.otp(), other)).await;
        assert_eq!(state, "initiated", "another channel is another wish");
        world.pass_ms(1);
        let (_, state, _) = world.state(post(place.otp(), json!({}))).await;
        assert_eq!((state.as_str(), world.sent.all().len()), ("initiated", 3));
    }
}

#[tokio::test]
async fn duplicate_when_the_code_equals_a_live_one() {
    struct Same;
    impl Random for Same {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }
    for kind in BOTH {
        let world = World::with_random(Arc::new(Same));
        let place = world.subject(kind).await;
        let first = world.initiate(&place).await;
        assert_eq!(world.code(), "777777");
        let again = json!({ "journeyId": "another", "email": "dana@example.com" });
        let (_, state, body) = world.state(post(place.otp(), again.clone())).await;
        assert_eq!((state.as_str(), &body["authId"]), ("duplicate", &first["authId"]));
        assert_eq!((world.sent.all().len(), &body["remainingPasscodes"]), (1, &json!(2)));
        world.pass_ms(600_000);
        let (_, state, _) = world.state(post(place.otp(), again)).await;
        assert_eq!(state, "initiated", "the equal code lives no more");
    }
}

#[tokio::test]
async fn invalid_with_attempts_left() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let (state, body) = world.try_code(&place, &session, &world.wrong()).await;
        assert_eq!((state.as_str(), &body["remainingAttempts"]), ("invalid", &json!(2)));
        assert_eq!(body["authId"], session["authId"]);
        let (state, _) = world.try_code(&place, &session, &world.code()).await;
        assert_eq!(state, "authenticated");
    }
}

#[tokio::test]
async fn expired_validate_with_the_right_code() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        world.pass_ms(599_999);
        assert_eq!(world.try_code(&place, &session, &world.wrong()).await.0, "invalid");
        world.pass_ms(1);
        assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "expired");
        assert_eq!(world.try_code(&place, &session, &world.wrong()).await.0, "expired");
    }
}

#[tokio::test]
async fn expired_resend_wants_a_new_session() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        world.pass_ms(600_000);
        let (status, state, _) = world.state(post(place.resend(&session), json!({}))).await;
        assert_eq!((status, state.as_str()), (200, "expired"));
        assert_eq!(world.sent.all().len(), 1);
    }
}

#[tokio::test]
async fn invalid_request() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let path = place.validate("otp", &session);
        for body in [
            "",
            "[]",
            "{}",
            r#"{"passcode":""}"#,
            r#"{"passcode":"12345x"}"#,
            r#"{"passcode":123456}"#,
            r#"{"passcode":"12345"}"#,
            r#"{"passcode":"1234567"}"#,
            r#"{"passcode":"١٢٣٤٥٦"}"#,
        ] {
            let (status, state, answer) =
                world.state(post(path.clone(), json!({})).raw(body)).await;
            assert_eq!((status, state.as_str()), (400, "invalidRequest"), "{body}");
            assert!(answer["errors"].is_object() && answer["traceId"] == "r-1", "{answer}");
        }
        let malformed = format!("{}/not-a-guid/validate", place.otp());
        let (status, state, _) =
            world.state(post(malformed, json!({ "passcode": "123456" }))).await;
        assert_eq!((status, state.as_str()), (400, "invalidRequest"));
        // None of them was an attempt.
        let (_, body) = world.try_code(&place, &session, &world.wrong()).await;
        assert_eq!(body["remainingAttempts"], 2);
        for name in ["otp", "code"] {
            let body = json!({ name: world.wrong() });
            assert_eq!(world.state(post(path.clone(), body)).await.0, 200, "{name} is an alias");
        }
    }
}

#[tokio::test]
async fn session_id_not_found() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let other = world.subject(Kind::Application).await;
        let session = world.initiate(&other).await;
        let mine = world.initiate(&place).await;
        let code = json!({ "passcode": "123456" });
        let unknown = format!("{}/{ONE}/validate", place.otp());
        let (status, state, first) = world.state(post(unknown, code.clone())).await;
        assert_eq!((status, state.as_str()), (404, "sessionIdNotFound"));
        // Another application's session answers exactly like none.
        let foreign = place.validate("otp", &session);
        let (status, state, second) = world.state(post(foreign, code.clone())).await;
        assert_eq!((status, state.as_str()), (404, "sessionIdNotFound"));
        assert_eq!(first, second);
        // So does a session of the other method.
        let crossed = place.validate("pennydrop", &mine);
        let (status, state, _) = world.state(post(crossed, json!({ "passcode": "1234" }))).await;
        assert_eq!((status, state.as_str()), (404, "notFound"));
    }
}

#[tokio::test]
async fn application_id_not_found() {
    unknown_subject("applications/0190b2c4-0000-7000-8000-0000000000ff", "applicationIdNotFound")
        .await;
    unknown_subject("applications/nonsense", "applicationIdNotFound").await;
}

#[tokio::test]
async fn account_id_not_found() {
    unknown_subject("accounts/0003915000000000000", "accountIdNotFound").await;
    unknown_subject("accounts/nonsense", "accountIdNotFound").await;
}

async fn unknown_subject(path: &str, expected: &str) {
    let world = World::new();
    let place = Place(path.to_owned());
    let session = json!({ "authId": ONE });
    for call in [
        get(path),
        put(path, person()),
        post(place.otp(), json!({})),
        post(place.penny(), details()),
        post(place.resend(&session), json!({})),
        post(place.validate("otp", &session), json!({ "passcode": "123456" })),
        post(place.validate("pennydrop", &session), json!({ "passcode": "1234" })),
        get(place.session("otp", &session)),
        get(place.session("pennydrop", &session)),
    ] {
        let what = format!("{} {}", call.method, call.path);
        let (status, state, _) = world.state(call).await;
        assert_eq!((status, state.as_str()), (404, expected), "{what}");
    }
}

#[tokio::test]
async fn another_partners_subject_is_an_unknown_one() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let state = match kind {
            Kind::Application => "applicationIdNotFound",
            Kind::Account => "accountIdNotFound",
        };
        for call in [
            get(place.0.clone()),
            post(place.otp(), json!({})),
            post(place.validate("otp", &session), json!({ "passcode": world.code() })),
            get(place.session("otp", &session)),
        ] {
            let (status, found, _) = world.state(call.partner(TWO)).await;
            assert_eq!((status, found.as_str()), (404, state));
        }
    }
}

#[tokio::test]
async fn a_wrong_length_is_reported_under_the_name_that_was_sent() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    for name in ["passcode", "otp", "code"] {
        let path = place.validate("otp", &session);
        let (status, _, body) = world.state(post(path, json!({ name: "1234567" }))).await;
        assert_eq!(status, 400);
        assert!(body["errors"][name].is_array(), "{body}");
    }
}
