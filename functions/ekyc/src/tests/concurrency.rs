//! Many at once. The same is run against the deployed bundle.

use super::*;

/// Runs requests in parallel, each on a thread of its own, all beginning at once.
pub(super) fn together(world: &World, calls: Vec<Call<'_>>) -> Vec<(u16, String)> {
    let gate = std::sync::Barrier::new(calls.len());
    let gate = &gate;
    std::thread::scope(|scope| {
        let run = |call: Call<'_>| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            gate.wait();
            let (status, state, _) = runtime.block_on(world.state(call));
            (status, state)
        };
        let running: Vec<_> =
            calls.into_iter().map(|call| scope.spawn(move || run(call))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn count(answers: &[(u16, String)], state: &str) -> usize {
    answers.iter().filter(|(_, found)| found == state).count()
}

#[tokio::test]
async fn two_hundred_guesses_count_exactly_three_and_never_authenticate() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    let path = place.validate("otp", &session);
    let code: u32 = world.code().parse().unwrap();
    let guesses = (1..=200).map(|n| {
        let guess = format!("{:06}", (code + n) % 1_000_000);
        post(path.clone(), json!({ "passcode": guess }))
    });
    let answers = together(&world, guesses.collect());
    assert_eq!(count(&answers, "authenticated"), 0);
    assert_eq!(count(&answers, "invalid"), 2);
    // Who came while the three were being settled was told to come again.
    let busy = answers.iter().filter(|(status, _)| *status == 409).count();
    assert_eq!(count(&answers, "failed") + busy, 198, "{answers:?}");
    let journey = journey(&world).await;
    assert_eq!((journey["attempts"].as_str(), journey["wrong"].as_str()), (Some("3"), Some("3")));
    let (state, _) = world.try_code(&place, &session, &world.code()).await;
    assert_eq!(state, "failed");
    assert_eq!(world.told().await.iter().filter(|(step, _)| step == "Failed").count(), 1);
}

/// The numbers of the only journey there is.
async fn journey(world: &World) -> Value {
    let items = world.database.dump(&world.database.customers()).await;
    let item = items
        .into_iter()
        .find(|item| store::text(item, "sk").is_some_and(|sk| sk.starts_with("JOURNEY#")))
        .unwrap();
    let numbers = item
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), Value::from(value.as_n().ok()?.as_str()))));
    Value::Object(numbers.collect())
}

#[tokio::test]
async fn fifty_right_codes_authenticate_once() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    let path = place.validate("otp", &session);
    let body = json!({ "passcode": world.code() });
    let calls = (0..50).map(|_| post(path.clone(), body.clone())).collect();
    let answers = together(&world, calls);
    assert_eq!(count(&answers, "authenticated"), 50, "{answers:?}");
    let told = world.told().await;
    assert_eq!(told.iter().filter(|(step, _)| step == "Authenticated").count(), 1);
    assert_eq!(world.proofs(&place).await.len(), 1);
    // Each of them was claimed, and none of them was wrong.
    let journey = journey(&world).await;
    let numbers = ["attempts", "wrong", "liveAttempts", "liveWrong"];
    assert_eq!(numbers.map(|name| journey[name].as_str()), [Some("0"); 4]);
}

#[tokio::test]
async fn fifty_initiates_send_exactly_three() {
    let world = World::new();
    // Each to another mailbox, so that none is a double click.
    let place = world.subject(Kind::Application).await;
    let calls = (0..50).map(|n| post(place.otp(), json!({ "email": format!("m{n}@example.com") })));
    let answers = together(&world, calls.collect());
    assert_eq!(world.sent.all().len(), 3, "{answers:?}");
    assert_eq!(count(&answers, "initiated"), 3);
    let others = count(&answers, "noMoreCodes")
        + answers.iter().filter(|(status, _)| *status == 409).count();
    assert_eq!(others, 47, "{answers:?}");
}

#[tokio::test]
async fn a_double_click_sends_one_message() {
    let world = World::new();
    let place = world.subject(Kind::Account).await;
    let calls = (0..10).map(|_| post(place.otp(), json!({}))).collect();
    let answers = together(&world, calls);
    assert_eq!((count(&answers, "initiated"), count(&answers, "duplicate")), (1, 9));
    assert_eq!(world.sent.all().len(), 1);
}

#[tokio::test]
async fn a_right_code_within_the_limit_always_authenticates() {
    for _ in 0..20 {
        let world = World::new();
        let place = world.subject(Kind::Application).await;
        let session = world.initiate(&place).await;
        let path = place.validate("otp", &session);
        let tries = [world.wrong(), world.code(), world.wrong()];
        let calls =
            tries.iter().map(|code| post(path.clone(), json!({ "passcode": code }))).collect();
        let answers = together(&world, calls);
        assert_eq!(answers[1].1, "authenticated", "{answers:?}");
        assert_eq!(count(&answers, "failed"), 0, "{answers:?}");
    }
}

/// A double click on "confirm" is one attempt, however many processes counted it.
#[tokio::test]
async fn the_same_key_at_once_is_one_attempt() {
    for most in [1, 3] {
        for _ in 0..5 {
            let world = World::new();
            let limit = json!({ "maximumNumberOfInvalidValidatesPerSession": most });
            world.configure("otp", limit).await;
            let place = world.subject(Kind::Application).await;
            let session = world.initiate(&place).await;
            let path = place.validate("otp", &session);
            for (tried, key) in ["v-1", "v-2"].into_iter().take(most.min(2)).enumerate() {
                let guess = json!({ "passcode": world.wrong() });
                let calls = (0..4).map(|_| post(path.clone(), guess.clone()).key(key)).collect();
                let answers = together(&world, calls);
                let expected = if most == 1 { "failed" } else { "invalid" };
                assert_eq!(count(&answers, expected), 4, "{answers:?}");
                let counted = journey(&world).await;
                let tried = (tried + 1).to_string();
                let numbers = ["attempts", "wrong", "liveAttempts", "liveWrong"];
                assert_eq!(numbers.map(|name| counted[name].as_str()), [Some(tried.as_str()); 4]);
            }
            let right = json!({ "passcode": world.code() });
            let calls = (0..4).map(|_| post(path.clone(), right.clone()).key("v-3")).collect();
            let answers = together(&world, calls);
            let expected = if most == 1 { "failed" } else { "authenticated" };
            assert_eq!(count(&answers, expected), 4, "{answers:?}");
        }
    }
}
