//! The repository against a real expression engine.

use domain::ids::{EventId, PartnerId, RegistrationId};
use domain::time::{FixedClock, SequenceRandom};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::testing::TestDatabase;
use crate::{CommitError, Transaction};

struct Fixture {
    database: TestDatabase,
    webhooks: Webhooks,
    clock: FixedClock,
    random: SequenceRandom,
    partner: PartnerId,
}

fn start() -> Timestamp {
    "2026-05-19T13:52:06.393Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

impl Fixture {
    fn new() -> Self {
        let database = TestDatabase::new();
        Self {
            webhooks: Webhooks::new(database.webhooks()),
            database,
            clock: FixedClock::at(start()),
            random: SequenceRandom::default(),
            partner: PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap(),
        }
    }

    fn registration(&self, event_name: &str, kind: RegistrationKind) -> Registration {
        Registration {
            id: RegistrationId::new(&self.clock, &self.random),
            partner: self.partner,
            event_name: event_name.into(),
            kind,
            callback_url: Some("https://receiver.example/hook".into()),
            format: Format::Basic,
            credentials: Some(SealedBytes(vec![1, 2, 3])),
            secrets: vec![],
            secret_generation: 0,
            failing_since: None,
            last_failed_at: None,
            phase: Phase::Active,
            probe: None,
            created_at: start(),
            modified_at: start(),
        }
    }

    async fn update(&self, before: &Registration, after: &Registration) -> Result<(), CommitError> {
        let mut transaction = Transaction::new();
        self.webhooks.update_in(&mut transaction, before, after)?;
        transaction.commit(self.webhooks.table()).await
    }

    async fn restart(&self, registration: &Registration) -> Result<(), CommitError> {
        let mut transaction = Transaction::new();
        self.webhooks.restart_in(&mut transaction, registration, later(2));
        transaction.commit(self.webhooks.table()).await
    }

    async fn acknowledge(&self, key: WaitingKey) -> Result<(), CommitError> {
        let mut transaction = Transaction::new();
        self.webhooks.acknowledge_in(&mut transaction, key);
        transaction.commit(self.webhooks.table()).await
    }

    async fn create(&self, registration: &Registration) -> Result<(), CommitError> {
        let mut transaction = Transaction::new();
        self.webhooks.create_in(&mut transaction, registration)?;
        transaction.commit(self.webhooks.table()).await
    }

    fn delivery(&self, registration: &Registration) -> Delivery {
        Delivery {
            id: EventId::new(&self.clock, &self.random),
            partner: self.partner,
            registration: registration.id,
            event_name: registration.event_name.clone(),
            customer: None,
            created_at: start(),
            resources: vec!["core/v1/cm/customers/1".into()],
            details: vec![json!({"customerId": "1"})],
            ping: false,
            status: Status::Pending,
            stage: match registration.kind {
                RegistrationKind::Push => Stage::Queued,
                RegistrationKind::Poll => Stage::Awaiting,
            },
            tries: 0,
            not_before: 0,
            last_attempted_at: None,
            attempts: vec![],
        }
    }

    async fn claim(&self, delivery: &Delivery, token: &str, now: Timestamp) -> Claim {
        let until = now + SignedDuration::from_secs(30);
        self.webhooks.claim(delivery.key(), token, now, until).await.unwrap()
    }

    async fn taken(&self, delivery: &Delivery, now: Timestamp) -> Claimed {
        match self.claim(delivery, "t", now).await {
            Claim::Taken(claimed) => *claimed,
            other => panic!("{other:?}"),
        }
    }

    async fn stored(&self, delivery: &Delivery) -> Delivery {
        self.webhooks.delivery(delivery.key()).await.unwrap().unwrap()
    }

    async fn phase(&self, registration: &Registration) -> Option<Phase> {
        let found =
            self.webhooks.registration_in_any_phase(self.partner, registration.id).await.unwrap();
        found.map(|registration| registration.phase)
    }

    async fn overdue(&self, now: Timestamp) -> Vec<Overdue> {
        let mut found = Vec::new();
        for shard in 0..DUE_SHARDS {
            found.extend(self.webhooks.overdue(shard, now, 100).await.unwrap());
        }
        found
    }
}

fn attempt(at: Timestamp, status: u16) -> Attempt {
    Attempt { at, duration_ms: 5, status_code: Some(status), error: None }
}

#[tokio::test]
async fn a_registration_survives_storage_and_its_name_is_unique_per_partner() {
    let f = Fixture::new();
    let one = f.registration("Core.Customer.Onboarded", RegistrationKind::Push);
    f.create(&one).await.unwrap();
    let found = f.webhooks.registration(f.partner, one.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&one));

    let two = f.registration("Core.Customer.Onboarded", RegistrationKind::Push);
    let refused = f.create(&two).await.unwrap_err();
    assert!(refused.refusal(NAME_LABEL).is_some());
    assert_eq!(
        f.webhooks.registration(f.partner, two.id).await.unwrap(),
        None,
        "nothing was written"
    );

    let other = Registration {
        partner: PartnerId::parse("11111111-2222-3333-4444-555555555556").unwrap(),
        ..two
    };
    f.create(&other).await.unwrap();
    assert_eq!(f.webhooks.registration(f.partner, other.id).await.unwrap(), None);
    let subscribers =
        f.webhooks.subscribers(f.partner, &["Core.Customer.Onboarded"]).await.unwrap();
    assert_eq!(subscribers, [one]);
    assert!(
        f.webhooks
            .subscribers(f.partner, &["Core.Customer.Name.Changed"])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_update_moves_the_name_and_can_not_take_anothers() {
    let f = Fixture::new();
    let one = f.registration("A", RegistrationKind::Push);
    let two = f.registration("B", RegistrationKind::Push);
    f.create(&one).await.unwrap();
    f.create(&two).await.unwrap();
    let to_b = Registration { event_name: "B".into(), ..one.clone() };
    assert!(f.update(&one, &to_b).await.unwrap_err().refusal(NAME_LABEL).is_some());
    let to_c = Registration {
        event_name: "C".into(),
        callback_url: Some("https://other.example/".into()),
        format: Format::Extended,
        credentials: None,
        modified_at: later(1),
        ..one.clone()
    };
    f.update(&one, &to_c).await.unwrap();
    assert_eq!(f.webhooks.registration(f.partner, one.id).await.unwrap(), Some(to_c.clone()));
    assert!(f.webhooks.subscribers(f.partner, &["A"]).await.unwrap().is_empty());
    assert_eq!(f.webhooks.subscribers(f.partner, &["A", "C"]).await.unwrap(), [to_c]);
    let refused = f.update(&one, &to_b).await.unwrap_err();
    assert!(
        refused.refusal(NAME_LABEL).is_some(),
        "B is still taken, and what was read of A is stale"
    );
    let again = Registration { event_name: "D".into(), ..one.clone() };
    let refused = f.update(&one, &again).await.unwrap_err();
    assert!(refused.refusal(REGISTRATION_LABEL).is_some() && refused.refusal(NAME_LABEL).is_none());
}

#[tokio::test]
async fn a_delivery_is_put_once_and_claimed_by_one() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    let delivery = f.delivery(&registration);
    assert_eq!(f.claim(&delivery, "x", start()).await, Claim::Passed(Passed::Missing));
    assert!(f.webhooks.put_queued(&delivery, start()).await.unwrap());
    assert!(!f.webhooks.put_queued(&delivery, start()).await.unwrap());
    assert_eq!(f.stored(&delivery).await, delivery);

    let claimed = f.taken(&delivery, start()).await;
    assert_eq!(claimed.delivery, delivery);
    assert_eq!(f.claim(&delivery, "x", later(29)).await, Claim::Passed(Passed::Leased));
    let done = f.webhooks.record_delivered(&claimed, attempt(start(), 200)).await.unwrap();
    assert_eq!(done, Recorded::Written);
    assert_eq!(f.claim(&delivery, "x", later(60)).await, Claim::Passed(Passed::NotQueued));
    let stored = f.stored(&delivery).await;
    assert_eq!((stored.stage, stored.status, stored.tries), (Stage::Settled, Status::Success, 1));
    assert_eq!(stored.attempts, [attempt(start(), 200)]);
    assert!(f.overdue(later(100_000)).await.is_empty(), "nothing is due any more");
}

#[tokio::test]
async fn whoever_lost_its_lease_writes_nothing() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    f.create(&registration).await.unwrap();
    let delivery = f.delivery(&registration);
    f.webhooks.put_queued(&delivery, start()).await.unwrap();
    let slow = f.taken(&delivery, start()).await;
    let Claim::Taken(quick) = f.claim(&delivery, "quick", later(31)).await else { panic!() };
    let w = &f.webhooks;
    let lost = [
        w.record_delivered(&slow, attempt(start(), 200)).await.unwrap(),
        w.record_again(&slow, attempt(start(), 500), later(90), later(150)).await.unwrap(),
        w.record_dropped(&slow, None).await.unwrap(),
        w.suspend(&slow, attempt(start(), 500), later(32)).await.unwrap(),
    ];
    assert_eq!(lost, [Recorded::ClaimLost; 4]);
    assert_eq!(f.phase(&registration).await, Some(Phase::Active));
    assert_eq!(
        w.record_delivered(&quick, attempt(later(31), 200)).await.unwrap(),
        Recorded::Written
    );
}

#[tokio::test]
async fn a_retry_has_its_time_and_the_sweep_takes_over_after_it() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    let delivery = f.delivery(&registration);
    f.webhooks.put_queued(&delivery, start()).await.unwrap();
    assert!(f.overdue(later(59)).await.is_empty());
    assert_eq!(f.overdue(later(60)).await.len(), 1, "a put that was never sent");

    let claimed = f.taken(&delivery, start()).await;
    assert_eq!(f.overdue(later(30)).await.len(), 1, "a claim that was never recorded");
    f.webhooks.record_again(&claimed, attempt(start(), 500), later(45), later(105)).await.unwrap();
    assert_eq!(f.claim(&delivery, "x", later(42)).await, Claim::Passed(Passed::Early));
    assert!(f.overdue(later(104)).await.is_empty());
    let due = f.overdue(later(105)).await;
    let [Overdue::Delivery { key, due_at }] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(*key, delivery.key());
    let handed = f.webhooks.put_off_delivery(*key, due_at, later(105)).await.unwrap();
    assert_eq!(handed.map(|delivery| delivery.tries), Some(1));
    assert_eq!(f.webhooks.put_off_delivery(*key, due_at, later(105)).await.unwrap(), None, "once");
    assert!(f.overdue(later(164)).await.is_empty());
    assert_eq!(f.overdue(later(165)).await.len(), 1);
    assert_eq!(f.taken(&delivery, later(106)).await.delivery.tries, 1);
}

#[tokio::test]
async fn suspension_holds_the_event_and_others_follow_it_into_the_line() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    f.create(&registration).await.unwrap();
    let (one, two) = (f.delivery(&registration), f.delivery(&registration));
    for delivery in [&one, &two] {
        f.webhooks.put_queued(delivery, start()).await.unwrap();
    }
    let first = f.taken(&one, start()).await;
    let second = f.taken(&two, start()).await;
    assert_eq!(f.webhooks.hold(&second).await.unwrap(), Recorded::PhaseChanged, "it is Active");
    let suspended = f.webhooks.suspend(&first, attempt(start(), 500), later(1)).await.unwrap();
    assert_eq!(suspended, Recorded::Written);
    assert_eq!(f.phase(&registration).await, Some(Phase::Suspended));
    assert_eq!(f.webhooks.hold(&second).await.unwrap(), Recorded::Written);
    assert_eq!(f.stored(&one).await.status, Status::Failed);
    assert_eq!(f.stored(&two).await.status, Status::Pending);
    let waiting = f.webhooks.oldest_waiting(f.partner, registration.id, 10).await.unwrap();
    let mut expected = vec![one.id, two.id];
    expected.sort();
    assert_eq!(waiting, expected);
    assert!(f.overdue(later(100_000)).await.is_empty());
}

#[tokio::test]
async fn a_restart_tries_one_event_and_its_success_activates() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    f.create(&registration).await.unwrap();
    let (one, two) = (f.delivery(&registration), f.delivery(&registration));
    f.webhooks.put_queued(&one, start()).await.unwrap();
    f.webhooks.put_queued(&two, start()).await.unwrap();
    let claimed = f.taken(&one, start()).await;
    f.webhooks.suspend(&claimed, attempt(start(), 500), later(1)).await.unwrap();

    f.restart(&registration).await.unwrap();
    let restarted = f.webhooks.registration(f.partner, registration.id).await.unwrap().unwrap();
    assert_eq!(restarted.phase, Phase::Restarting);
    assert!(f.restart(&registration).await.is_err(), "only once");
    let key = |delivery: &Delivery| WaitingKey::new(f.partner, registration.id, delivery.id);
    assert!(f.webhooks.choose_probe(key(&one), later(3)).await.unwrap());
    assert!(!f.webhooks.choose_probe(key(&one), later(3)).await.unwrap());
    assert_eq!(f.stored(&one).await.tries, 0, "it starts afresh");
    assert_eq!(f.stored(&one).await.attempts.len(), 1, "its log stays");

    let second = f.taken(&two, later(3)).await;
    assert_eq!(f.webhooks.hold(&second).await.unwrap(), Recorded::Written);
    let probe = f.taken(&one, later(4)).await;
    assert_eq!(f.webhooks.hold(&probe).await.unwrap(), Recorded::PhaseChanged, "it is to be tried");
    let done = f.webhooks.record_probe_delivered(&probe, attempt(later(4), 200), later(4)).await;
    assert_eq!(done.unwrap(), Recorded::Written);
    assert_eq!(f.phase(&registration).await, Some(Phase::Active));
    assert!(matches!(f.overdue(later(64)).await.as_slice(), [Overdue::Registration { .. }]));
    assert!(f.webhooks.release(key(&two), later(5)).await.unwrap());
    assert!(!f.webhooks.release(key(&two), later(5)).await.unwrap(), "once");
    assert_eq!(f.stored(&two).await.stage, Stage::Queued);
}

#[tokio::test]
async fn a_probe_that_no_longer_decides_activates_nothing() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    f.create(&registration).await.unwrap();
    let delivery = f.delivery(&registration);
    f.webhooks.put_queued(&delivery, start()).await.unwrap();
    let claimed = f.taken(&delivery, start()).await;
    let done = f.webhooks.record_probe_delivered(&claimed, attempt(start(), 200), start()).await;
    assert_eq!(done.unwrap(), Recorded::PhaseChanged);
    assert_eq!(f.stored(&delivery).await.stage, Stage::Queued, "nothing was written");
}

#[tokio::test]
async fn polled_events_wait_in_order_until_they_are_acknowledged() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Poll);
    f.create(&registration).await.unwrap();
    let one = f.delivery(&registration);
    f.clock.advance(SignedDuration::from_millis(1));
    let two = f.delivery(&registration);
    for delivery in [&two, &one] {
        assert!(f.webhooks.put_awaiting(delivery).await.unwrap());
        assert!(!f.webhooks.put_awaiting(delivery).await.unwrap(), "a replay");
    }
    let oldest = async || f.webhooks.oldest_waiting(f.partner, registration.id, 1).await.unwrap();
    assert_eq!(oldest().await, [one.id]);
    let key = WaitingKey::new(f.partner, registration.id, one.id);
    f.acknowledge(key).await.unwrap();
    assert!(f.acknowledge(key).await.is_err(), "only once");
    assert_eq!(f.stored(&one).await.status, Status::Success);
    assert_eq!(oldest().await, [two.id]);
    assert_eq!(f.claim(&two, "t", start()).await, Claim::Passed(Passed::NotQueued));
}

#[tokio::test]
async fn a_deleted_registration_is_gone_for_its_partner_and_its_line_is_cleared() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Poll);
    f.create(&registration).await.unwrap();
    let delivery = f.delivery(&registration);
    f.webhooks.put_awaiting(&delivery).await.unwrap();
    let deleted = f.webhooks.delete_registration(&registration, start()).await.unwrap();
    assert_eq!(deleted, Change::Done);
    assert_eq!(f.webhooks.registration(f.partner, registration.id).await.unwrap(), None);
    assert!(f.webhooks.registrations(f.partner).await.unwrap().is_empty());
    let late = f.delivery(&registration);
    assert!(!f.webhooks.put_awaiting(&late).await.unwrap(), "nothing joins the line any more");
    assert!(matches!(f.overdue(later(60)).await.as_slice(), [Overdue::Registration { .. }]));
    let key = WaitingKey::new(f.partner, registration.id, delivery.id);
    assert!(f.webhooks.drop_waiting(key).await.unwrap());
    assert_eq!(f.stored(&delivery).await.status, Status::Failed);
    f.webhooks.remove_registration(&registration).await.unwrap();
    assert_eq!(f.phase(&registration).await, None);
    f.create(&f.registration("A", RegistrationKind::Push)).await.unwrap();
    let left = f.database.dump(f.webhooks.table()).await;
    assert_eq!(left.len(), 3, "a new registration, its name, and the dropped event");
}

#[tokio::test]
async fn one_delivery_costs_what_the_design_allows() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    f.create(&registration).await.unwrap();
    let delivery = f.delivery(&registration);
    let meter = f.webhooks.table().meter();
    meter.take();
    f.webhooks.subscribers(f.partner, &["A", "B", "C"]).await.unwrap();
    f.webhooks.put_queued(&delivery, start()).await.unwrap();
    assert_eq!(meter.take().round_trips, 3, "fan-out");
    let claimed = f.taken(&delivery, start()).await;
    f.webhooks.registration_in_any_phase(f.partner, registration.id).await.unwrap();
    f.webhooks.record_delivered(&claimed, attempt(start(), 200)).await.unwrap();
    assert_eq!(meter.take().round_trips, 3, "claim, registration, record");
}

#[test]
fn the_attempt_log_is_bounded() {
    let f = Fixture::new();
    let mut delivery = f.delivery(&f.registration("A", RegistrationKind::Push));
    for second in 0..50 {
        delivery.attempts = delivery.attempts_with(attempt(later(second), 500));
    }
    assert_eq!(delivery.attempts.len(), MAX_ATTEMPTS_KEPT);
    assert_eq!(delivery.attempts[0].at, later(30));
}

fn secret(generation: u32, ends_at: Option<Timestamp>) -> SigningSecret {
    SigningSecret { generation, sealed: SealedBytes(vec![7, 8, 9]), ends_at }
}

#[tokio::test]
async fn of_two_rotations_at_once_one_is_written() {
    let f = Fixture::new();
    let mut first = f.registration("A", RegistrationKind::Push);
    (first.secrets, first.secret_generation) = (vec![secret(1, None)], 1);
    f.create(&first).await.unwrap();
    let rotated = Registration {
        secrets: vec![secret(2, None), secret(1, Some(later(60)))],
        secret_generation: 2,
        modified_at: later(1),
        ..first.clone()
    };
    for expected in [true, false] {
        let mut transaction = Transaction::new();
        f.webhooks.rotate_in(&mut transaction, &first, &rotated).unwrap();
        let committed = transaction.commit(f.webhooks.table()).await;
        assert_eq!(committed.is_ok(), expected);
    }
    let stored = f.webhooks.registration(f.partner, first.id).await.unwrap().unwrap();
    assert_eq!(stored, rotated);
    let live = |at| stored.live_secrets(at).map(|secret| secret.generation).collect::<Vec<_>>();
    assert_eq!((live(later(59)), live(later(60))), (vec![2, 1], vec![2]));

    // An update by the partner keeps the secrets, and a deletion takes them away at once.
    let changed = Registration { callback_url: Some("https://other.example/".into()), ..stored };
    f.update(&rotated, &changed).await.unwrap();
    let stored = f.webhooks.registration(f.partner, first.id).await.unwrap().unwrap();
    assert_eq!(stored.secrets.len(), 2);
    f.webhooks.delete_registration(&stored, later(2)).await.unwrap();
    let gone = f.webhooks.registration_in_any_phase(f.partner, first.id).await.unwrap().unwrap();
    assert!(gone.secrets.is_empty());
}

#[tokio::test]
async fn a_streak_of_failures_is_noted_by_one_and_ended_by_a_success() {
    let f = Fixture::new();
    let registration = f.registration("A", RegistrationKind::Push);
    f.create(&registration).await.unwrap();
    let read = async || f.webhooks.registration(f.partner, registration.id).await.unwrap().unwrap();
    let streak = Failing { since: start(), last: start() };
    assert!(f.webhooks.note_failing(&registration, streak).await.unwrap());
    assert!(
        !f.webhooks.note_failing(&registration, streak).await.unwrap(),
        "computed from no streak"
    );
    let noted = read().await;
    assert_eq!(noted.failing(), Some(streak));
    let longer = Failing { last: later(3600), ..streak };
    assert!(f.webhooks.note_failing(&noted, longer).await.unwrap());
    assert_eq!(read().await.failing(), Some(longer));
    f.webhooks.note_success(&noted).await.unwrap();
    f.webhooks.note_success(&noted).await.unwrap();
    assert_eq!(read().await, registration);

    // A suspension is the end of a streak too: the restart begins afresh.
    f.webhooks.note_failing(&registration, streak).await.unwrap();
    let delivery = f.delivery(&registration);
    f.webhooks.put_queued(&delivery, start()).await.unwrap();
    let claimed = f.taken(&delivery, start()).await;
    f.webhooks.suspend(&claimed, attempt(start(), 500), later(1)).await.unwrap();
    assert_eq!(read().await.failing(), None);
    assert!(!f.webhooks.note_failing(&read().await, streak).await.unwrap(), "suspended");
}
