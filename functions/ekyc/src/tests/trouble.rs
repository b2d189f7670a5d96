//! Pennies whose session is gone, whose code is faster than the look at them, or of which nobody says anything.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::Metric;
use store::ekyc::{Penny, PennyPhase};
use store::keys::Key;
use store::{Expression, Table, text};

use crate::bank::{PaymentId, PaymentState, PennyOutcome, Rejection};
use crate::reconcile::reconcile;

use super::penny_statuses::{details, penny, uuid_of};
use super::*;

async fn run(world: &World) -> Value {
    reconcile(&world.penny, json!({})).await.unwrap()
}

/// The next look at a penny of any age, and what it found.
async fn look(world: &World) -> Value {
    world.pass(SignedDuration::from_hours(12));
    run(world).await
}

fn settled() -> PaymentState {
    PaymentState::Settled { payment: PaymentId::parse("P1").unwrap() }
}

fn pending() -> PaymentState {
    PaymentState::Pending { payment: PaymentId::parse("P1").unwrap() }
}

/// The pennies that are still on the list.
async fn listed(world: &World) -> Vec<Penny> {
    let far = world.clock.now() + SignedDuration::from_hours(24 * 365);
    let found = world.core.ekyc.pennies(far, 100).await.unwrap();
    found.into_iter().map(Result::unwrap).collect()
}

/// Any item's place.
struct At(String, String);

impl Key for At {
    fn pk(&self) -> String {
        self.0.clone()
    }

    fn sk(&self) -> String {
        self.1.clone()
    }
}

/// Removes the partitions of all subjects, as the purge of an erased customer does; `only` keeps to items of one kind.
async fn vanish(database: TestDatabase, only: &str) {
    let table: Table = database.customers();
    for item in database.dump(&table).await {
        let at = At(text(&item, "pk").unwrap().to_owned(), text(&item, "sk").unwrap().to_owned());
        if at.0.contains("#S#") && at.1.starts_with(only) {
            table.delete(&at, Expression::present()).await.unwrap();
        }
    }
}

/// An initiate whose outcome nobody knows.
async fn unknown(world: &World, place: &Place) -> Value {
    world.bank.answer_penny(PennyOutcome::Unknown, true);
    let (status, session) = world.send(post(place.penny(), details())).await;
    assert_eq!(status, 503);
    session
}

#[tokio::test]
async fn a_penny_whose_session_is_gone_is_off_the_list_and_nothing_is_told() {
    let rejected = PaymentState::Rejected(Rejection::Account);
    for only in ["AUTH#", ""] {
        for (noted, state) in [
            (false, settled()),
            (false, pending()),
            (false, rejected.clone()),
            (false, PaymentState::Returned),
            (false, PaymentState::NotFound),
            (true, PaymentState::Returned),
        ] {
            let world = World::new();
            let place = world.subject(Kind::Application).await;
            let session =
                if noted { penny(&world, &place).await.0 } else { unknown(&world, &place).await };
            let before = world.told().await;
            vanish(world.database.clone(), only).await;
            world.bank.set_state(uuid_of(&session), state.clone());
            look(&world).await;
            look(&world).await;
            assert!(listed(&world).await.is_empty(), "{only} {noted} {state:?}");
            assert_eq!(world.told().await, before, "{only} {noted} {state:?}");
        }
    }
}

#[tokio::test]
async fn what_nobody_can_settle_is_given_up_in_the_end_and_reported() {
    static TOLD: Mutex<Vec<(Metric, u64)>> = Mutex::new(Vec::new());
    for (noted, state) in [
        (true, pending()),
        (true, PaymentState::NotFound),
        (true, PaymentState::Unavailable),
        (false, PaymentState::Unavailable),
    ] {
        let mut world = World::new();
        world.penny.report = |metric, by| TOLD.lock().unwrap().push((metric, by));
        let place = world.subject(Kind::Application).await;
        let session =
            if noted { penny(&world, &place).await.0 } else { unknown(&world, &place).await };
        world.bank.set_state(uuid_of(&session), state.clone());
        let mut given_up = 0;
        for half_days in 1..=2 * 31 {
            given_up += look(&world).await["givenUp"].as_u64().unwrap();
            assert_eq!(given_up, u64::from(half_days >= 2 * 30), "{state:?} {half_days}");
        }
        assert!(listed(&world).await.is_empty());
        let told = std::mem::take(&mut *TOLD.lock().unwrap());
        let blind = told.iter().filter(|(metric, _)| *metric == Metric::PennyLooksBlind).count();
        // Every look but the one that gave it up.
        let looks = world.bank.looks().len() - 1;
        assert_eq!(blind, if state == PaymentState::Unavailable { looks } else { 0 });
        assert_eq!(told.last(), Some(&(Metric::PenniesGivenUp, 1)));
    }
}

/// One that fails at every look is given up as well, and fails the run until then.
#[tokio::test]
async fn what_fails_each_time_does_not_come_for_ever() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    penny(&world, &place).await;
    let [held] = listed(&world).await.try_into().unwrap();
    let broken = Penny { payment: Some("not an id".to_owned()), ..held.clone() };
    let broken = Penny { due: held.due + SignedDuration::from_secs(1), ..broken };
    let mut transaction = store::Transaction::new();
    world.core.ekyc.move_penny(&mut transaction, &held, &broken).unwrap();
    transaction.commit(world.core.table()).await.unwrap();
    for _ in 1..2 * 30 {
        world.pass(SignedDuration::from_hours(12));
        assert!(reconcile(&world.penny, json!({})).await.is_err());
        assert_eq!(listed(&world).await.len(), 1);
    }
    world.pass(SignedDuration::from_hours(12));
    assert!(reconcile(&world.penny, json!({})).await.is_err());
    assert!(listed(&world).await.is_empty());
}

/// Two weeks count only when somebody could look at their end.
#[tokio::test]
async fn what_nobody_could_look_at_is_not_taken_for_settled() {
    for state in [PaymentState::Unavailable, PaymentState::NotFound] {
        let world = World::new();
        let place = world.subject(Kind::Application).await;
        let (session, _) = penny(&world, &place).await;
        world.bank.set_state(uuid_of(&session), settled());
        look(&world).await;
        world.bank.set_state(uuid_of(&session), state);
        for _ in 0..2 * 15 {
            assert_eq!(look(&world).await["unclear"], 1);
        }
        world.bank.set_state(uuid_of(&session), PaymentState::Returned);
        assert_eq!(look(&world).await["returned"], 1);
    }
}

/// The code comes back while the provider says that there was no penny, or that it came back.
#[tokio::test]
async fn a_code_that_is_faster_than_the_look_is_not_forgotten() {
    for state in [PaymentState::Returned, PaymentState::Rejected(Rejection::Provider)] {
        let world = Arc::new(World::new());
        let place = world.subject(Kind::Application).await;
        let session = unknown(&world, &place).await;
        world.bank.set_state(uuid_of(&session), state.clone());
        comes_back_meanwhile(&world, &place, &session);
        assert_eq!(look(&world).await["returned"], 1, "{state:?}");
        assert_eq!(world.proofs(&place).await, [], "{state:?}");
        assert!(listed(&world).await.is_empty());
    }
    let world = Arc::new(World::new());
    let place = world.subject(Kind::Application).await;
    let session = unknown(&world, &place).await;
    world.bank.set_state(uuid_of(&session), PaymentState::NotFound);
    world.pass(SignedDuration::from_mins(4));
    assert_eq!(run(&world).await["unclear"], 1);
    comes_back_meanwhile(&world, &place, &session);
    world.pass(SignedDuration::from_mins(10));
    let second = run(&world).await;
    assert_eq!((&second["unclear"], &second["notPaid"]), (&json!(1), &json!(0)));
    assert_eq!(world.proofs(&place).await.len(), 1);
    let (_, _, status) = world.state(get(place.session("pennydrop", &session))).await;
    assert_eq!(status["remainingPasscodes"], 1, "it has its slot");
    // It shows in the end, and comes back.
    world.bank.set_state(uuid_of(&session), PaymentState::Returned);
    assert_eq!(look(&world).await["returned"], 1);
    assert_eq!(world.proofs(&place).await, []);
}

fn comes_back_meanwhile(world: &Arc<World>, place: &Place, session: &Value) {
    let code = world.bank.code(uuid_of(session)).unwrap();
    let call = post(place.validate("pennydrop", session), json!({ "passcode": code }));
    let of = Arc::clone(world);
    world.bank.meanwhile(async move {
        // On a thread of its own, as another function is.
        let validating = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(of.state(call)).1
        });
        assert_eq!(validating.join().unwrap(), "authenticated");
    });
}

/// Draws what it draws, until it is stuck at one value.
struct Stuck(Arc<AtomicBool>, SequenceRandom);

impl Random for Stuck {
    fn fill(&self, bytes: &mut [u8]) {
        self.1.fill(bytes);
        if self.0.load(Ordering::SeqCst) {
            bytes.fill(7);
        }
    }
}

/// What was paid and could not be noted is never answered as if nothing had been done.
#[tokio::test]
async fn a_penny_that_cannot_be_noted_names_its_session() {
    let mut world = World::new();
    let stuck = Arc::new(AtomicBool::new(false));
    let sequence = SequenceRandom::starting_at(50_000);
    world.penny.core.random = Arc::new(Stuck(Arc::clone(&stuck), sequence));
    let place = world.subject(Kind::Application).await;
    let stick = || {
        let stuck = Arc::clone(&stuck);
        async move { stuck.store(true, Ordering::SeqCst) }
    };
    // The event of the first penny has the id that the second one's will have.
    world.bank.meanwhile(stick());
    penny(&world, &place).await;
    stuck.store(false, Ordering::SeqCst);
    world.bank.meanwhile(stick());
    let (status, session) = world.send(post(place.penny(), details())).await;
    stuck.store(false, Ordering::SeqCst);
    assert_eq!(status, 503, "{session}");
    assert!(session["journeyId"].is_string(), "{session}");
    let code = world.bank.code(uuid_of(&session)).unwrap();
    let path = place.validate("pennydrop", &session);
    let (_, state, _) = world.state(post(path, json!({ "passcode": code }))).await;
    assert_eq!(state, "authenticated", "it stands");
}

/// The customer is erased while the penny is under way.
#[tokio::test]
async fn a_session_that_goes_while_its_penny_is_paid_is_no_success() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    world.bank.meanwhile(vanish(world.database.clone(), ""));
    let (status, body) = world.send(post(place.penny(), details())).await;
    assert_eq!(status, 503);
    assert!(body["authId"].is_string(), "{body}");
    assert_eq!((world.told().await, listed(&world).await), (Vec::new(), Vec::new()));
    // Nothing was paid, and everything is gone: no session is named that nobody will find.
    let place = world.subject(Kind::Application).await;
    world.bank.answer_penny(PennyOutcome::Rejected(Rejection::NotSent), false);
    world.bank.meanwhile(vanish(world.database.clone(), ""));
    assert_eq!(world.send(post(place.penny(), details())).await.0, 503);
    assert_eq!((world.told().await, listed(&world).await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_message_whose_session_goes_meanwhile_is_no_success() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    world.sent.meanwhile(vanish(world.database.clone(), "AUTH#"));
    let (status, body) = world.send(post(place.otp(), json!({}))).await;
    assert_eq!(status, 503, "{body}");
    assert!(body["authId"].is_string(), "{body}");
    assert!(world.told().await.is_empty());
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    world.sent.meanwhile(vanish(world.database.clone(), ""));
    let (status, body) = world.send(post(place.resend(&session), json!({}))).await;
    assert_eq!((status, &body["authId"]), (503, &session["authId"]));
}

#[tokio::test]
async fn a_code_for_a_session_that_goes_meanwhile_is_not_found() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let session = world.initiate(&place).await;
    vanish(world.database.clone(), "AUTH#").await;
    let (state, _) = world.try_code(&place, &session, &world.code()).await;
    assert_eq!(state, "sessionIdNotFound");
}

/// Somebody waits for those of which nothing is known.
#[tokio::test]
async fn unknown_pennies_are_looked_at_first() {
    let world = World::new();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let place = world.subject(Kind::Application).await;
        sessions.push(penny(&world, &place).await.0);
        world.pass_ms(1_000);
    }
    let place = world.subject(Kind::Application).await;
    let last = unknown(&world, &place).await;
    look(&world).await;
    let looks = world.bank.looks();
    assert_eq!((looks.len(), looks[0].auth), (4, uuid_of(&last)));
    assert_eq!(looks[1].auth, uuid_of(&sessions[0]), "and then in the order of their time");
}

#[tokio::test]
async fn a_look_that_takes_too_long_is_given_up() {
    let mut world = World::new();
    world.penny.look = Duration::from_millis(20);
    let place = world.subject(Kind::Application).await;
    let (session, _) = penny(&world, &place).await;
    world.bank.set_state(uuid_of(&session), PaymentState::Returned);
    world.bank.meanwhile(tokio::time::sleep(Duration::from_secs(600)));
    assert_eq!(look(&world).await["unclear"], 1);
    assert_eq!(listed(&world).await[0].phase, PennyPhase::Accepted);
    assert_eq!(look(&world).await["returned"], 1);
}

/// Only what the provider has looked through is not looked through again.
#[tokio::test]
async fn the_next_look_begins_where_the_last_one_ended() {
    let world = World::new();
    let place = world.subject(Kind::Application).await;
    let (session, _) = penny(&world, &place).await;
    world.bank.set_state(uuid_of(&session), settled());
    let seen = world.core.now() + SignedDuration::from_secs(7);
    world.bank.see_to(seen);
    for _ in 0..2 {
        look(&world).await;
    }
    let since: Vec<_> = world.bank.looks().iter().map(|asked| asked.settled_at).collect();
    assert_eq!(since, [None, Some(seen)]);
}
