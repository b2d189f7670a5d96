//! Scenarios over time: windows, locks, resends, journeys, channels.

use super::*;

#[tokio::test]
async fn a_lock_outlives_the_window_and_issued_codes_stay_good() {
    let world = World::new();
    world
        .configure(
            "otp",
            json!({
                "initiatesDurationInMilliseconds": 60_000,
                "tempLockDurationOnInitiateApplicationInSeconds": 300,
            }),
        )
        .await;
    let place = world.subject(Kind::Application).await;
    let mut session = Value::Null;
    for _ in 0..3 {
        session = world.initiate(&place).await;
        world.pass_ms(10_000);
    }
    assert_eq!(world.state(post(place.otp(), json!({}))).await.1, "noMoreCodes");
    world.pass_ms(200_000);
    assert_eq!(world.state(post(place.otp(), json!({}))).await.1, "noMoreCodes");
    assert_eq!(world.state(post(place.resend(&session), json!({}))).await.1, "noMoreCodes");
    assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "authenticated");
}

#[tokio::test]
async fn a_resend_keeps_the_session_replaces_the_code_and_counts() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        let first = world.code();
        let (state, _) = world.try_code(&place, &session, &wrong(&first)).await;
        assert_eq!(state, "invalid");
        world.pass_ms(500_000);
        let (_, state, body) = world.state(post(place.resend(&session), json!({}))).await;
        assert_eq!((state.as_str(), &body["authId"]), ("initiated", &session["authId"]));
        assert_eq!(body["remainingPasscodes"], 1);
        assert_eq!(body["additionalInfo"]["sendNumber"], 2);
        let second = world.code();
        assert_ne!(first, second);
        let sent = world.sent.all();
        assert_eq!((sent.len(), &sent[0].destination), (2, &sent[1].destination));
        // Past the first code's life, within the second's; and the count went on.
        world.pass_ms(500_000);
        let (state, body) = world.try_code(&place, &session, &first).await;
        assert_eq!((state.as_str(), &body["remainingAttempts"]), ("invalid", &json!(1)));
        assert_eq!(world.try_code(&place, &session, &second).await.0, "authenticated");
        let told: Vec<String> = world.told().await.into_iter().map(|(step, _)| step).collect();
        assert_eq!(told, ["Initiated", "Authenticated"], "a resend is no new session");
    }
}

#[tokio::test]
async fn a_resend_beyond_the_maximum_locks_nothing() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    for left in [1, 0] {
        let (_, _, body) = world.state(post(place.resend(&session), json!({}))).await;
        assert_eq!(body["remainingPasscodes"], left);
    }
    let (_, state, body) = world.state(post(place.resend(&session), json!({}))).await;
    assert_eq!(
        (state.as_str(), &body["additionalInfo"]["retryAfterSeconds"]),
        ("noMoreCodes", &json!(3600))
    );
    world.pass(SignedDuration::from_hours(1));
    let (_, state, _) = world.state(post(place.otp(), json!({}))).await;
    assert_eq!(state, "initiated");
}

#[tokio::test]
async fn resends_of_ended_sessions_say_how_they_ended() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let first = world.initiate(&place).await;
    world.pass_ms(11_000);
    let second = world.initiate(&place).await;
    assert_eq!(world.state(post(place.resend(&first), json!({}))).await.1, "notFound");
    world.try_code(&place, &second, &world.code()).await;
    assert_eq!(world.state(post(place.resend(&second), json!({}))).await.1, "authenticated");
    let other = world.subject(Kind::Application).await;
    assert_eq!(world.state(post(other.resend(&second), json!({}))).await.1, "sessionIdNotFound");
}

#[tokio::test]
async fn a_change_of_configuration_leaves_a_running_session_alone() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    world
        .configure(
            "otp",
            json!({
                "otpCodeLength": 8,
                "maximumNumberOfInvalidValidatesPerSession": 1,
                "passcodeExpiryInMilliseconds": 1_000,
            }),
        )
        .await;
    world.pass(SignedDuration::from_secs(61));
    assert_eq!(world.try_code(&place, &session, &world.wrong()).await.0, "invalid");
    assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "authenticated");
    let (_, _, _) = world.state(post(place.otp(), json!({ "journeyId": "next" }))).await;
    assert_eq!(world.code().len(), 8, "the next one is under the new configuration");
}

#[tokio::test]
async fn leading_zeros_are_part_of_a_code() {
    struct Zeros;
    impl Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
            if let Some(last) = bytes.get_mut(5) {
                *last = 7;
            }
        }
    }
    let world = World::with_random(Arc::new(Zeros));
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    assert_eq!(world.code(), "000007");
    assert_eq!(world.try_code(&place, &session, "7").await.0, "invalidRequest");
    assert_eq!(world.try_code(&place, &session, "000007").await.0, "authenticated");
}

#[tokio::test]
async fn channels_follow_the_request_then_what_is_held() {
    for (body, channel, destination) in [
        (json!({}), "sms", "+447400123456"),
        (json!({ "mobileNumber": "07400 999888" }), "sms", "+447400999888"),
        (json!({ "homeNumber": "020 7946 0018" }), "voice", "+442079460018"),
        (json!({ "email": "other@example.com" }), "email", "other@example.com"),
        (json!({ "channel": "voice" }), "voice", "+442079460018"),
        (json!({ "channel": "email" }), "email", "dana@example.com"),
    ] {
        let world = World::new();
        let place = world.subject(Kind::Application).await;
        let (_, state, answer) = world.state(post(place.otp(), body.clone())).await;
        assert_eq!(state, "initiated", "{body}: {answer}");
        assert_eq!(answer["additionalInfo"]["channel"], channel);
        assert_eq!(world.sent.all()[0].destination, destination);
        assert!(!answer.to_string().contains(destination.trim_start_matches("+44")), "{answer}");
    }
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    for (body, field) in [
        (json!({ "mobileNumber": MOBILE, "email": "a@example.com" }), "email"),
        (json!({ "mobileNumber": MOBILE, "homeNumber": MOBILE, "email": "a@b.com" }), "homeNumber"),
        (json!({ "mobileNumber": "12" }), "mobileNumber"),
        (json!({ "mobileNumber": "+33612345678" }), "mobileNumber"),
        (json!({ "email": "nobody" }), "email"),
        (json!({ "channel": "pigeon" }), "channel"),
        (json!({ "journeyId": "a b" }), "journeyId"),
        (
            json!({ "transactionDetails": { "transactionCurrency": "pounds" } }),
            "transactionDetails.transactionCurrency",
        ),
    ] {
        let (status, state, answer) = world.state(post(place.otp(), body.clone())).await;
        assert_eq!((status, state.as_str()), (400, "invalidRequest"), "{body}");
        assert!(answer["errors"][field].is_array(), "{body}: {answer}");
    }
    assert!(world.sent.all().is_empty());
}

#[tokio::test]
async fn without_a_destination_there_is_no_code() {
    let world = World::new();
    let mut nobody = person();
    nobody["contact"] = json!({});
    let place = world.subject_of(Kind::Application, nobody).await;
    let (status, state, _) = world.state(post(place.otp(), json!({}))).await;
    assert_eq!((status, state.as_str()), (400, "noDestination"));
    let (_, state, _) = world.state(post(place.otp(), json!({ "email": "a@example.com" }))).await;
    assert_eq!(state, "initiated");
}

#[tokio::test]
async fn a_status_says_where_a_session_stands() {
    let world = World::new();
    let place = world.subject(Kind::Account).await;
    let session = world.initiate(&place).await;
    let at = place.session("otp", &session);
    let (_, state, body) = world.state(get(at.clone())).await;
    assert_eq!(state, "initiated");
    assert_eq!((&body["remainingPasscodes"], &body["remainingAttempts"]), (&json!(2), &json!(3)));
    world.try_code(&place, &session, &world.wrong()).await;
    assert_eq!(world.state(get(at.clone())).await.2["remainingAttempts"], 2);
    world.pass_ms(600_000);
    assert_eq!(world.state(get(at.clone())).await.1, "expired");
    let before = world.database.calls();
    world.state(get(at)).await;
    assert_eq!(world.database.calls() - before, 2);
}

#[tokio::test]
async fn journeys_count_apart() {
    let world = World::new();
    world.configure("otp", json!({ "maximumNumberOfInitiatesPerDuration": 10 })).await;
    let place = world.subject(Kind::Application).await;
    let begin = async |journey: &str| {
        let (_, state, body) =
            world.state(post(place.otp(), json!({ "journeyId": journey }))).await;
        assert_eq!((state.as_str(), &body["journeyId"]), ("initiated", &json!(journey)));
        world.pass_ms(10_000);
        (body, world.code())
    };
    let (one, code_one) = begin("one").await;
    let (two, code_two) = begin("two").await;
    for _ in 0..3 {
        world.try_code(&place, &two, &wrong(&code_two)).await;
    }
    assert_eq!(world.try_code(&place, &two, &code_two).await.0, "failed");
    assert_eq!(world.try_code(&place, &one, &code_one).await.0, "authenticated");
}
