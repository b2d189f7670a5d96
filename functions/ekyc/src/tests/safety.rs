//! Failed sends, lost processes, repeated requests, and what is left in the table.

use crate::senders::SendError;

use super::*;

fn down() -> SendError {
    SendError::Unavailable("the service is down".into())
}

#[tokio::test]
async fn a_failed_send_gives_its_slot_back() {
    for kind in BOTH {
        let world = World::new();
        let place = world.subject(kind).await;
        for (error, status, wait, state) in [
            (down(), 503, Some("30"), ""),
            (SendError::Throttled, 503, Some("1"), ""),
            (SendError::Rejected("OptedOut".into()), 400, None, "destinationRejected"),
        ] {
            world.sent.fail_next(error);
            let reply = world.reply(post(place.otp(), json!({}))).await;
            let body: Value = serde_json::from_str(reply.body()).unwrap();
            assert_eq!((reply.status(), reply.header("retry-after")), (status, wait));
            assert_eq!(body["state"].as_str().unwrap_or(""), state);
        }
        // Nothing was counted, and a retry is no double click.
        assert_eq!(world.initiate(&place).await["remainingPasscodes"], 2);
        assert_eq!(world.told().await, [("Initiated".to_owned(), None)]);
    }
}

#[tokio::test]
async fn a_send_that_may_have_gone_out_keeps_its_session() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    world.sent.fail_next(SendError::Unknown("a timeout".into()));
    let (status, lost) = world.send(post(place.otp(), json!({})).key("k-1")).await;
    assert_eq!(status, 503);
    let code = world.code();
    // The same request finds it again whenever it comes; a double click does within its window.
    let (_, state, again) = world.state(post(place.otp(), json!({}))).await;
    assert_eq!((state.as_str(), &again["authId"]), ("duplicate", &lost["authId"]));
    world.pass_ms(60_000);
    let (_, state, again) = world.state(post(place.otp(), json!({})).key("k-1")).await;
    assert_eq!((state.as_str(), &again["authId"]), ("duplicate", &lost["authId"]));
    assert_eq!(again["remainingPasscodes"], 2, "the slot counts");
    assert_eq!(world.sent.all().len(), 1);
    assert_eq!(world.try_code(&place, &lost, &code).await.0, "authenticated");
}

#[tokio::test]
async fn a_failed_resend_leaves_the_earlier_code_good() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    let code = world.code();
    world.sent.fail_next(down());
    let (status, _) = world.send(post(place.resend(&session), json!({}))).await;
    assert_eq!(status, 503);
    let (_, _, body) = world.state(get(place.session("otp", &session))).await;
    assert_eq!(body["remainingPasscodes"], 2, "the slot came back");
    assert_eq!(world.try_code(&place, &session, &code).await.0, "authenticated");
}

#[tokio::test]
async fn an_idempotency_key_gives_the_first_answer_again() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (_, first) = world.send(post(place.otp(), json!({})).key("k-1")).await;
    world.pass_ms(60_000);
    assert_eq!(world.send(post(place.otp(), json!({})).key("k-1")).await, (200, first.clone()));
    let (status, _) = world.send(post(place.otp(), json!({ "channel": "email" })).key("k-1")).await;
    assert_eq!(status, 409);
    let path = place.validate("otp", &first);
    let guess = json!({ "passcode": world.wrong() });
    let (_, once) = world.send(post(path.clone(), guess.clone()).key("v-1")).await;
    assert_eq!(once["remainingAttempts"], 2);
    let (_, twice) = world.send(post(path.clone(), guess.clone()).key("v-1")).await;
    assert_eq!(once, twice, "one attempt, counted once");
    let (_, third) = world.send(post(path, guess).key("v-2")).await;
    assert_eq!(third["remainingAttempts"], 1);
    let (_, again) = world.send(post(place.resend(&first), json!({})).key("r-1")).await;
    assert_eq!(world.send(post(place.resend(&first), json!({})).key("r-1")).await, (200, again));
    assert_eq!(world.sent.all().len(), 2);
    world.pass(SignedDuration::from_hours(25));
    let (_, state, _) = world.state(post(place.otp(), json!({})).key("k-1")).await;
    assert_eq!(state, "initiated", "a key is remembered for a day");
}

/// A process that died between counting and settling leaves a claim. It blocks nobody for ever, and it is no free try.
#[tokio::test]
async fn claims_of_dead_processes_count_as_wrong_in_the_end() {
    use store::ekyc::{Ekyc, Slot};
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    let code = world.code();
    let application = place.0.rsplit('/').next().unwrap();
    let at = Ekyc::application(
        PartnerId::parse(ONE).unwrap(),
        domain::ids::ApplicationId::parse(application).unwrap(),
    );
    let auth = domain::ids::AuthId::parse(session["authId"].as_str().unwrap()).unwrap();
    let journey = domain::ekyc::JourneyId::parse(session["journeyId"].as_str().unwrap()).unwrap();
    let slot = Slot { place: &at, method: domain::ekyc::Method::Otp, journey: &journey, auth };
    let limits = domain::ekyc::Limits::of(domain::ekyc::Method::Otp);
    for _ in 0..3 {
        world.core.ekyc.claim(&slot, &limits, world.core.now()).await.unwrap();
    }
    // Somebody might still be at work: wait.
    let path = place.validate("otp", &session);
    let (status, _) = world.send(post(path.clone(), json!({ "passcode": code }))).await;
    assert_eq!(status, 409);
    world.pass_ms(60_001);
    let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
    assert_eq!(state, "failed");
    let told = world.told().await;
    assert_eq!(told.iter().filter(|(step, _)| step == "Failed").count(), 1);
}

#[tokio::test]
async fn what_the_guard_holds_back_answers_like_what_was_sent() {
    let limits = Limits { destination: Limit { sends: 1, seconds: 3_600 }, ..Limits::default() };
    let world = World::with(Arc::new(SequenceRandom::default()), limits);
    let warm = world.subject(Kind::Application).await;
    world.state(post(warm.otp(), json!({ "mobileNumber": "07400123999" }))).await;
    let one = world.subject(Kind::Application).await;
    let two = world.subject(Kind::Application).await;
    let before = world.database.calls();
    let sent = world.initiate(&one).await;
    let cost = world.database.calls() - before;
    let before = world.database.calls();
    let held_back = world.initiate(&two).await;
    let held_cost = world.database.calls() - before;
    let shape = |body: &Value| {
        let mut body = body.clone();
        for field in ["authId", "journeyId"] {
            body[field] = "".into();
        }
        body
    };
    assert_eq!(shape(&sent), shape(&held_back));
    assert_eq!(world.sent.all().len(), 2);
    assert_eq!(world.sent.paced.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert!(held_cost.abs_diff(cost) <= 2, "{cost} and {held_cost} calls");
}

#[tokio::test]
async fn nothing_in_clear_is_stored() {
    let world = World::new();
    let mut codes = Vec::new();
    for kind in BOTH {
        let place = world.subject(kind).await;
        let session = world.initiate(&place).await;
        codes.push(world.code());
        world.try_code(&place, &session, &world.wrong()).await;
        world.state(post(place.resend(&session), json!({}))).await;
        codes.push(world.code());
        world.try_code(&place, &session, &world.code()).await;
        let details = json!({ "sortCode": "202959", "bankAccount": "63748472" });
        let (_, _, drop) = world.state(post(place.penny(), details).key("k")).await;
        let auth = domain::ids::AuthId::parse(drop["authId"].as_str().unwrap()).unwrap();
        let code = world.bank.code(auth.uuid()).unwrap();
        let path = place.validate("pennydrop", &drop);
        world.state(post(path, json!({ "passcode": code }))).await;
    }
    let items = world.database.dump(&world.database.customers()).await;
    assert!(items.len() > 20);
    let secrets =
        ["7400123456", "2079460018", "dana@example", "63748472", "202959", ACCOUNT, "N1C 4DA"];
    for item in items {
        let text = format!("{item:?}");
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for code in &codes {
            let quoted = format!("\"{code}\"");
            assert!(!text.contains(&quoted), "a code in {text}");
        }
    }
}
