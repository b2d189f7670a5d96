//! The network on a real table: idempotence, erasure, one batch read, nothing readable at rest.

use super::*;
use crate::reviews::Reviews;
use crate::testing::TestDatabase;
use crypto::test_support::key_ring;
use domain::ids::AuthId;
use domain::time::{FixedClock, SequenceRandom};
use jiff::SignedDuration;

impl World {
    async fn look(&self, by: char, who: char, email: &str) -> View {
        let gathered =
            self.network.gather(partner(by), customer(who), &attributes(email)).await.unwrap();
        gathered.view
    }
}

struct World {
    database: TestDatabase,
    table: Table,
    network: Network,
}

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn world() -> World {
    let database = TestDatabase::new();
    let table = database.customers();
    let ring = key_ring(Arc::new(FixedClock::at(now())), Arc::new(SequenceRandom::default()));
    let network = Network::new(table.clone(), ring);
    World { database, table, network }
}

fn partner(last: char) -> PartnerId {
    PartnerId::parse(&format!("11111111-2222-3333-4444-55555555555{last}")).unwrap()
}

fn customer(last: char) -> CustomerId {
    CustomerId::parse(&format!("0190b2c4-0000-7000-8000-00000000000{last}")).unwrap()
}

fn attributes(email: &str) -> Attributes {
    Attributes {
        tax_id: Some("ssn:529448193".into()),
        email: Some(email.into()),
        phone: Some("+17752340142".into()),
        device: Some("203.0.113.9".into()),
        accounts: Vec::new(),
        first_name: Some("mira".into()),
        last_name: Some("oduya".into()),
        birth_date: Some("1988-02-14".into()),
        address: Some("9elmst|89501|US".into()),
        sandbox: false,
    }
}

/// The customer as its version so-and-so.
fn version(version: u64) -> Seen {
    Seen { version, at: now(), outcome: Some(Outcome::Approved) }
}

async fn record(world: &World, by: char, who: char, email: &str) -> Result<(), NetworkError> {
    record_as(world, by, who, email, version(1)).await
}

async fn record_as(
    world: &World,
    by: char,
    who: char,
    email: &str,
    seen: Seen,
) -> Result<(), NetworkError> {
    let attributes = attributes(email);
    world.network.record(partner(by), customer(who), &attributes, seen, now()).await.map(drop)
}

async fn histories(world: &World) -> Vec<Item> {
    let items = world.database.dump(&world.table).await;
    items.into_iter().filter(|item| text(item, "sk") == Some("SEEN")).collect()
}

#[tokio::test]
async fn what_one_partner_saw_another_one_finds_without_learning_whose_it_is() {
    let world = world();
    record(&world, '5', '1', "a@b.example").await.unwrap();
    let view = world.look('6', '2', "x@y.example").await;
    let kinds: Vec<_> = view.histories.keys().copied().collect();
    assert_eq!(
        kinds,
        [AttributeKind::TaxId, AttributeKind::Phone, AttributeKind::Device, AttributeKind::Person]
    );
    let seen = view.by_others(AttributeKind::TaxId, now());
    assert_eq!(seen.len(), 1);
    assert!(seen[0].facts.same_name(&view.own) && seen[0].facts.email != view.own.email);
    assert_ne!(seen[0].member, view.member);
    for item in histories(&world).await {
        let shown = format!("{item:?}");
        for secret in [
            "529448193",
            "oduya",
            "b.example",
            "5552340142",
            "203.0.113",
            "1988",
            "5555555",
            "0190b2c4",
        ] {
            assert!(!shown.contains(secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn recording_again_changes_nothing() {
    let world = world();
    for _ in 0..3 {
        record(&world, '5', '1', "a@b.example").await.unwrap();
    }
    let items = histories(&world).await;
    assert_eq!(items.len(), 5);
    for item in items {
        assert_eq!(number(&item, "version"), Some(1), "an unchanged history is not written");
        assert!(number(&item, "expiresAt").is_some());
        assert_eq!(read_history(item).unwrap().sightings.len(), 1);
    }
    let view = world.look('5', '1', "a@b.example").await;
    assert!(view.by_others(AttributeKind::TaxId, now()).is_empty(), "nobody is their own other");
}

#[tokio::test]
async fn a_change_moves_what_was_contributed_and_a_late_message_does_not_move_it_back() {
    let world = world();
    let has = async |email: &str| {
        world.look('6', '2', email).await.histories.contains_key(&AttributeKind::Email)
    };
    record_as(&world, '5', '1', "old@b.example", version(1)).await.unwrap();
    record_as(&world, '5', '1', "new@b.example", version(2)).await.unwrap();
    assert!(!has("old@b.example").await, "a history with nothing left is gone");
    assert!(has("new@b.example").await);
    record_as(&world, '5', '1', "old@b.example", version(1)).await.unwrap();
    assert!(!has("old@b.example").await && has("new@b.example").await);
    // A version that contributes the same is known as well.
    record_as(&world, '5', '1', "new@b.example", version(4)).await.unwrap();
    record_as(&world, '5', '1', "old@b.example", version(3)).await.unwrap();
    assert!(!has("old@b.example").await && has("new@b.example").await);
}

fn proved(fingerprint: &Fingerprint) -> ProvedAccount {
    let auth = AuthId::parse("0190b2c4-0000-7000-8000-000000000009").unwrap();
    ProvedAccount {
        fingerprint: fingerprint.clone(),
        auth,
        at: now() - SignedDuration::from_hours(3),
    }
}

/// Accounts are known since they were proved, each for itself, and go when they are taken back. Each is looked at once, and
/// again when it comes again.
#[tokio::test]
async fn proved_accounts_are_remembered_since_their_proofs() {
    let world = world();
    let account = |number: &str| BankAccount::parse("202959", number).unwrap();
    let (one, other) = (
        world.network.known_as(&account("63748472")).await.unwrap(),
        world.network.known_as(&account("63748473")).await.unwrap(),
    );
    assert_eq!(world.network.known_as(&account("63748472")).await.unwrap(), one, "everywhere");
    assert_ne!(one, other);
    let held = |known: &[&Fingerprint]| Attributes {
        accounts: known.iter().map(|known| proved(known)).collect(),
        ..attributes("a@b.example")
    };
    let at = now() - SignedDuration::from_hours(3);
    let sightings = async |known: &Fingerprint| {
        let (by, who) = (partner('6'), customer('2'));
        let view = world.network.gather(by, who, &held(&[known])).await.unwrap().view;
        let seen = view.by_others(AttributeKind::BankAccount, now());
        seen.iter().map(|seen| seen.at).collect::<Vec<_>>()
    };
    let taken_on = now() - SignedDuration::from_hours(24 * 400);
    let (p, c) = (partner('5'), customer('1'));
    for (version, (known, unweighed)) in (1..).zip([
        (&[&one][..], vec![&one]),
        (&[&one, &other], vec![&other]),
        (&[&other], vec![]),
        (&[&other, &one], vec![&one]),
        (&[], vec![]),
    ]) {
        let seen = Seen { version, at: taken_on, outcome: None };
        let record = async || world.network.record(p, c, &held(known), seen, now()).await;
        let view = record().await.unwrap().unwrap();
        let mut expected: Vec<&Fingerprint> = unweighed;
        expected.sort();
        assert_eq!(view.accounts.keys().collect::<Vec<_>>(), expected, "{version}");
        let looked_at: Vec<Fingerprint> = view.accounts.into_keys().collect();
        for _ in 0..2 {
            world.network.weighed(p, c, version, &looked_at).await.unwrap();
            assert!(record().await.unwrap().unwrap().accounts.is_empty());
        }
        assert_eq!(sightings(&one).await, vec![at; usize::from(known.contains(&&one))]);
        assert_eq!(sightings(&other).await, vec![at; usize::from(known.contains(&&other))]);
        let shown = format!("{:?}", world.database.dump(&world.table).await);
        assert!(!shown.contains("637484") && !shown.contains("202959"));
    }
    let late = Seen { version: 2, at: taken_on, outcome: None };
    assert_eq!(world.network.record(p, c, &held(&[&one]), late, now()).await.unwrap(), None);
    // Who looked at an earlier version notes nothing: the account was taken back meanwhile.
    world.network.weighed(p, c, 4, std::slice::from_ref(&one)).await.unwrap();
    let seen = Seen { version: 6, at: taken_on, outcome: None };
    let again = world.network.record(p, c, &held(&[&one]), seen, now()).await.unwrap().unwrap();
    assert_eq!(again.accounts.len(), 1);
    world.network.forget(p, c, now()).await.unwrap();
    world.network.weighed(p, c, 6, &[one]).await.unwrap();
    assert!(world.database.dump(&world.table).await.is_empty(), "erased is erased");
}

#[tokio::test]
async fn what_comes_after_the_erasure_contributes_nothing() {
    let world = world();
    record(&world, '5', '1', "a@b.example").await.unwrap();
    let erased = ErasedKey::new(partner('5'), customer('1')).to_item();
    world.table.put(erased, Expression::absent()).await.unwrap();
    world.network.forget(partner('5'), customer('1'), now()).await.unwrap();
    record_as(&world, '5', '1', "a@b.example", version(2)).await.unwrap();
    assert_eq!(world.database.dump(&world.table).await.len(), 1, "the mark of the erasure alone");
}

#[tokio::test]
async fn round_trips_are_as_documented() {
    let world = world();
    // The keys of the bank's scope are read once per process.
    world.network.ring.keys(Scope::Global).await.unwrap();
    let trips = || world.table.meter().take().round_trips;
    let _ = trips();
    record_as(&world, '5', '1', "a@b.example", version(1)).await.unwrap();
    assert_eq!(trips(), 2);
    record_as(&world, '5', '1', "a@b.example", version(1)).await.unwrap();
    assert_eq!(trips(), 1);
    record_as(&world, '5', '1', "c@d.example", version(2)).await.unwrap();
    assert_eq!(trips(), 3);
    world.network.forget(partner('5'), customer('1'), now()).await.unwrap();
    assert_eq!(trips(), 3);
}

#[tokio::test]
async fn erasing_takes_out_what_the_customer_left_and_nothing_else() {
    let world = world();
    record(&world, '5', '1', "a@b.example").await.unwrap();
    record(&world, '6', '2', "a@b.example").await.unwrap();
    for _ in 0..2 {
        world.network.forget(partner('5'), customer('1'), now()).await.unwrap();
    }
    let items = histories(&world).await;
    assert_eq!(items.len(), 5);
    for item in items {
        assert_eq!(read_history(item).unwrap().sightings.len(), 1);
    }
    world.network.forget(partner('6'), customer('2'), now()).await.unwrap();
    assert!(world.database.dump(&world.table).await.is_empty(), "no history and no trail is left");
}

#[tokio::test]
async fn gathering_is_one_batch_read_and_brings_the_policy() {
    let world = world();
    record(&world, '5', '1', "a@b.example").await.unwrap();
    let reviews = Reviews::new(world.table.clone());
    let policy = serde_json::json!({ "fraud": { "review": 0.3, "reject": 0.6 } });
    reviews.set_policy(partner('5'), &policy, (0, "ops"), now()).await.unwrap();
    world.table.meter().take();
    let found = world
        .network
        .gather(partner('5'), customer('2'), &attributes("a@b.example"))
        .await
        .unwrap();
    assert_eq!(world.table.meter().take().round_trips, 1);
    assert_eq!(found.policy, Some((policy, 1)));
    assert_eq!(found.view.histories.len(), 5);
    let none = world.network.gather(partner('7'), customer('2'), &Attributes::default()).await;
    assert!(none.unwrap().policy.is_none());
}

#[tokio::test]
async fn alerts_stand_until_they_are_withdrawn() {
    let world = world();
    let email = (AttributeKind::Email, "a@b.example");
    for _ in 0..2 {
        world.network.raise_alert(partner('5'), email, true, now()).await.unwrap();
    }
    record(&world, '6', '2', "a@b.example").await.unwrap();
    world.network.forget(partner('6'), customer('2'), now()).await.unwrap();
    let items = histories(&world).await;
    assert_eq!(items.len(), 2, "one in each memory");
    assert!(items.iter().all(|item| number(item, "expiresAt").is_none()), "warnings do not expire");
    let view = world.look('7', '3', "a@b.example").await;
    let alerts = &view.histories[&AttributeKind::Email].alerts;
    assert!(alerts.values().all(|alert| alert.shared) && !alerts.contains_key(&view.member));
    world.network.withdraw_alert(partner('5'), email).await.unwrap();
    assert!(histories(&world).await.is_empty());
}

#[tokio::test]
async fn many_at_once_lose_nothing() {
    let world = world();
    let writers = ['1', '2', '3', '4'].map(|who| record(&world, '5', who, "a@b.example"));
    let [one, two, three, four] = writers;
    let (one, two, three, four) = tokio::join!(one, two, three, four);
    for done in [one, two, three, four] {
        done.unwrap();
    }
    for item in histories(&world).await {
        assert_eq!(read_history(item).unwrap().sightings.len(), 4);
    }
}

/// Whatever call a process dies at, recording again makes it whole at once, and the customer can be taken out again whole.
#[tokio::test]
async fn a_process_may_die_at_every_call() {
    for calls in 0.. {
        let world = world();
        record_as(&world, '5', '1', "old@b.example", version(1)).await.unwrap();
        world.database.cut_after(Some(calls));
        let done = record_as(&world, '5', '1', "new@b.example", version(2)).await.is_ok();
        world.database.cut_after(None);
        if calls % 2 == 0 {
            record_as(&world, '5', '1', "new@b.example", version(2)).await.unwrap();
            let view = world.look('6', '2', "new@b.example").await;
            assert_eq!(view.histories.len(), 5, "after {calls} calls");
            let view = world.look('6', '2', "old@b.example").await;
            assert!(!view.histories.contains_key(&AttributeKind::Email), "after {calls} calls");
        }
        world.network.forget(partner('5'), customer('1'), now()).await.unwrap();
        let left = world.database.dump(&world.table).await;
        assert!(left.is_empty(), "after {calls} calls {} items are left", left.len());
        if done {
            assert!(calls > 2, "the cut was felt");
            return;
        }
    }
}

#[tokio::test]
async fn the_sandbox_has_a_memory_of_its_own_and_the_same_warnings() {
    let world = world();
    let sandbox = |email: &str| Attributes { sandbox: true, ..attributes(email) };
    world
        .network
        .record(partner('1'), customer('1'), &sandbox("a@b.example"), version(1), now())
        .await
        .unwrap();
    let histories = async |attributes: &Attributes| {
        let gathered = world.network.gather(partner('2'), customer('2'), attributes).await.unwrap();
        gathered.view.histories
    };
    assert!(histories(&attributes("a@b.example")).await.is_empty());
    assert_eq!(histories(&sandbox("a@b.example")).await.len(), 5);
    let bad = (AttributeKind::Email, "bad@b.example");
    world.network.raise_alert(partner('1'), bad, true, now()).await.unwrap();
    for attributes in [attributes("bad@b.example"), sandbox("bad@b.example")] {
        assert_eq!(histories(&attributes).await[&AttributeKind::Email].alerts.len(), 1);
    }
    world.network.withdraw_alert(partner('1'), bad).await.unwrap();
    assert!(histories(&attributes("bad@b.example")).await.is_empty());
    assert!(!histories(&sandbox("bad@b.example")).await.contains_key(&AttributeKind::Email));
    // Forgetting finds what was given to either.
    world.network.forget(partner('1'), customer('1'), now()).await.unwrap();
    assert!(histories(&sandbox("a@b.example")).await.is_empty());
}
