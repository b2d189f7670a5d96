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
            (SendError::Misconfigured("AccessDenied".into()), 503, Some("30"), ""),
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

/// What is wrong with our own setup is an alarm, and nobody else's mistake.
#[tokio::test]
async fn a_sender_that_is_not_set_up_is_reported() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static REPORTED: AtomicUsize = AtomicUsize::new(0);
    let mut world = World::new();
    world.otp.report = |_| _ = REPORTED.fetch_add(1, Ordering::SeqCst);
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    for (error, reports) in [
        (SendError::Misconfigured("AccessDenied".into()), 1),
        (down(), 1),
        (SendError::Throttled, 1),
        (SendError::Rejected("OptedOut".into()), 1),
        (SendError::Misconfigured("NotFound".into()), 2),
    ] {
        world.sent.fail_next(error);
        world.send(post(place.resend(&session), json!({}))).await;
        assert_eq!(REPORTED.load(Ordering::SeqCst), reports);
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
    let told = world.told().await;
    let steps: Vec<&str> = told.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(steps, ["Initiated", "Authenticated"], "nobody else tells the first any more");
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
    world.configure("pennydrop", json!({ "pennyDropCodeLength": 6 })).await;
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
        codes.push(code);
        // By call and by e-mail, to what nobody holds.
        for (journey, body) in [
            ("call", json!({ "homeNumber": "020 7946 0123" })),
            ("mail", json!({ "email": "eve@example.com" })),
        ] {
            let mut body = body;
            body["journeyId"] = journey.into();
            world.pass(SignedDuration::from_hours(1));
            world.state(post(place.otp(), body)).await;
            codes.push(world.code());
        }
        // A name that does not match, and a penny that comes back.
        world.bank.answer_name(crate::bank::NameCheck::NotMatched);
        let fresh = json!({ "sortCode": "202959", "bankAccount": "63748472", "journeyId": "j" });
        assert_eq!(world.state(post(place.penny(), fresh)).await.1, "invalidBankDetails");
        world.bank.answer_name(crate::bank::NameCheck::Matched);
        world.bank.set_state(auth.uuid(), crate::bank::PaymentState::Returned);
        crate::reconcile::reconcile(&world.penny, json!({})).await.unwrap();
    }
    assert_eq!(codes.len(), 10);
    let mut items = world.database.dump(&world.database.customers()).await;
    // What is gone from the table was in its stream, which others read.
    let told = world.database.stream_records(&world.database.customers());
    let held = items.len();
    assert!(held > 20 && told.len() > held);
    for record in &told {
        let text = aws_sdk_dynamodb::types::AttributeValue::S(record.to_string());
        items.push([("record".to_owned(), text)].into());
    }
    let secrets = [
        "7400123456",
        "2079460018",
        "2079460123",
        "dana@example",
        "eve@example",
        "63748472",
        "202959",
        ACCOUNT,
        "N1C 4DA",
    ];
    for item in items {
        let text = format!("{item:?}").replace("\\\"", "\"");
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for code in &codes {
            let quoted = format!("\"{code}\"");
            assert!(!text.contains(&quoted), "a code in {text}");
        }
    }
}

/// Every code is one digit all over, and every draw takes the next digit.
#[derive(Default)]
struct Counting(std::sync::atomic::AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(1 + self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    }
}

#[tokio::test]
async fn a_code_that_was_held_back_is_not_accepted() {
    let limits = Limits { destination: Limit { sends: 1, seconds: 3_600 }, ..Limits::default() };
    let world = World::with(Arc::new(Counting::default()), limits);
    let warm = world.subject(Kind::Application).await;
    let session = world.initiate(&warm).await;
    assert_eq!(world.code(), "111111");
    let other = world.subject(Kind::Application).await;
    let held_back = world.initiate(&other).await;
    let paced = || world.sent.paced.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!((world.sent.all().len(), paced()), (1, 1));
    assert_eq!(world.try_code(&other, &held_back, "222222").await.0, "invalid");
    // The third draw was the secret in the place of the second code.
    let (_, state, _) = world.state(post(warm.resend(&session), json!({}))).await;
    assert_eq!((state.as_str(), paced()), ("initiated", 2));
    assert_eq!(world.try_code(&warm, &session, "444444").await.0, "invalid");
}

/// Limits under which one session takes a hundred guesses.
async fn patient() -> World {
    let world = World::new();
    let most = json!({
        "maximumNumberOfInvalidValidates": 100,
        "maximumNumberOfInvalidValidatesPerSession": 100,
    });
    world.configure("otp", most).await;
    world
}

async fn guess(world: &World, place: &Place, session: &Value, times: u32) {
    for _ in 0..times {
        let (state, _) = world.try_code(place, session, &world.wrong()).await;
        assert_eq!(state, "invalid");
    }
}

#[tokio::test]
async fn wrong_codes_count_for_the_destination_whatever_the_journey() {
    let world = patient().await;
    let one = world.subject(Kind::Application).await;
    let two = world.subject(Kind::Application).await;
    let three = world.subject(Kind::Application).await;
    let session = world.initiate(&one).await;
    guess(&world, &one, &session, 13).await;
    // Nothing is sent for a minute, and nobody sees it.
    let body = world.initiate(&two).await;
    assert_eq!((world.sent.all().len(), &body["remainingPasscodes"]), (1, &json!(2)));
    world.pass_ms(60_000);
    world.initiate(&three).await;
    assert_eq!(world.sent.all().len(), 2);
    // A right code clears the count.
    let code = world.sent.all()[0].code.clone();
    assert_eq!(world.try_code(&one, &session, &code).await.0, "authenticated");
    let four = world.subject(Kind::Application).await;
    let session = world.initiate(&four).await;
    assert_eq!(world.sent.all().len(), 3);
    guess(&world, &four, &session, 12).await;
    let five = world.subject(Kind::Application).await;
    world.initiate(&five).await;
    assert_eq!(world.sent.all().len(), 4);
}

#[tokio::test]
async fn after_a_hundred_wrong_codes_none_is_right() {
    let world = patient().await;
    let one = world.subject(Kind::Application).await;
    let session = world.initiate(&one).await;
    guess(&world, &one, &session, 60).await;
    world.pass(SignedDuration::from_hours(24));
    let two = world.subject(Kind::Account).await;
    let named = json!({ "journeyId": "another" });
    let (_, _, session) = world.state(post(two.otp(), named)).await;
    assert_eq!(world.sent.all().len(), 2);
    guess(&world, &two, &session, 40).await;
    let code = world.code();
    assert_eq!(world.try_code(&two, &session, &code).await.0, "invalid");
    guess(&world, &two, &session, 3).await;
    // Nor is anything sent there, while another destination goes on.
    world.pass(SignedDuration::from_hours(48));
    let three = world.subject(Kind::Application).await;
    world.initiate(&three).await;
    assert_eq!(world.sent.all().len(), 2);
    let elsewhere = json!({ "mobileNumber": "07400123999" });
    let (_, _, session) = world.state(post(three.otp(), elsewhere)).await;
    assert_eq!(world.sent.all().len(), 3);
    assert_eq!(world.try_code(&three, &session, &world.code()).await.0, "authenticated");
}

/// What can fail beforehand fails before the code that the customer holds has given way.
#[tokio::test]
async fn a_resend_that_cannot_begin_leaves_the_earlier_code_good() {
    use store::ekyc::Ekyc;
    use store::keys::SessionKey;
    use store::{Expression, Update};
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    let application = place.0.rsplit('/').next().unwrap();
    let partner = PartnerId::parse(ONE).unwrap();
    let id = domain::ids::ApplicationId::parse(application).unwrap();
    let auth = domain::ids::AuthId::parse(session["authId"].as_str().unwrap()).unwrap();
    let key = SessionKey::new(partner, Ekyc::application(partner, id).subject, auth);
    let foreign = Expression::new("SET sealed = :foreign").text(":foreign", "00");
    let update = Update::when(Expression::present(), foreign);
    world.database.customers().update(&key, update).await.unwrap();
    let failed = world.try_serve(&post(place.resend(&session), json!({}))).await;
    assert!(matches!(failed, Err(Failure::Internal(_))), "{failed:?}");
    let (_, _, body) = world.state(get(place.session("otp", &session))).await;
    assert_eq!(body["remainingPasscodes"], 2, "no slot was taken");
    assert_eq!(world.try_code(&place, &session, &world.code()).await.0, "authenticated");
}
