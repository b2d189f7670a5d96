use std::sync::atomic::Ordering;

use domain::ids::PartnerId;
use domain::time::{FixedClock, SequenceRandom};

use super::*;
use crate::test_support::{MemoryKeys, MemoryWrapper};
use crate::wrap::Pending;

const PLAIN: &[u8] = b"900112222";

fn partner(last: usize) -> Scope {
    let text = format!("11111111-2222-3333-4444-{last:012}");
    Scope::Partner(PartnerId::parse(&text).unwrap())
}

fn place() -> Aad {
    Aad::of(&["customer", "1", "taxId"])
}

/// One deployment: several rings (functions) over the same KMS and table.
struct House {
    kms: Arc<MemoryWrapper>,
    table: Arc<MemoryKeys>,
    clock: Arc<FixedClock>,
    random: Arc<SequenceRandom>,
}

impl House {
    fn new() -> Self {
        Self {
            kms: Arc::default(),
            table: Arc::default(),
            clock: Arc::new(FixedClock::at_text("2026-03-01T09:00:00Z")),
            random: Arc::default(),
        }
    }

    fn ring(&self) -> KeyRing {
        self.ring_over(self.table.clone())
    }

    fn ring_over(&self, table: Arc<dyn WrappedKeys>) -> KeyRing {
        KeyRing::new(self.kms.clone(), table, self.clock.clone(), self.random.clone())
    }

    fn unwrapped(&self) -> usize {
        self.kms.unwrapped.load(Ordering::SeqCst)
    }

    async fn stored(&self, scope: Scope) -> Vec<String> {
        let keys = self.table.all(scope).await.unwrap();
        keys.iter().map(|key| key.id.to_string()).collect()
    }
}

#[tokio::test]
async fn what_one_function_seals_another_opens() {
    let house = House::new();
    let sealed = house.ring().seal(partner(1), &place(), PLAIN).await.unwrap();
    let opened = house.ring().open(partner(1), &place(), &sealed).await.unwrap();
    assert_eq!(opened.reveal(), PLAIN);
    assert_eq!(house.stored(partner(1)).await, ["data-00000001", "index-00000001"]);
}

#[tokio::test]
async fn another_scope_does_not_open_it() {
    let house = House::new();
    let ring = house.ring();
    let sealed = ring.seal(partner(1), &place(), PLAIN).await.unwrap();
    let nothing = ring.open(partner(2), &place(), &sealed).await;
    assert!(matches!(nothing, Err(CryptoError::NoKeys(_))));
    ring.keys(partner(2)).await.unwrap();
    let refused = ring.open(partner(2), &place(), &sealed).await;
    assert!(matches!(refused, Err(CryptoError::Refused)));
    let elsewhere = ring.open(partner(1), &Aad::of(&["customer", "2", "taxId"]), &sealed).await;
    assert!(matches!(elsewhere, Err(CryptoError::Refused)));
}

#[tokio::test]
async fn a_wrapped_key_copied_to_another_scope_does_not_unwrap() {
    let house = House::new();
    house.ring().keys(partner(1)).await.unwrap();
    for key in house.table.all(partner(1)).await.unwrap() {
        house.table.put_new(partner(2), &key).await.unwrap();
    }
    let answer = house.ring().keys(partner(2)).await;
    assert!(matches!(answer, Err(CryptoError::KeyService(_))));
}

#[tokio::test]
async fn reading_makes_no_keys() {
    let house = House::new();
    assert!(house.ring().existing_keys(partner(1)).await.unwrap().is_none());
    assert_eq!(house.kms.generated.load(Ordering::SeqCst), 0);
    assert!(house.stored(partner(1)).await.is_empty());
}

#[tokio::test]
async fn half_made_first_keys_are_completed_by_the_next_writer() {
    let house = House::new();
    let ring = house.ring();
    ring.add(partner(1), KeyId::FIRST_DATA).await.unwrap();
    assert!(ring.existing_keys(partner(1)).await.unwrap().is_none());
    ring.keys(partner(1)).await.unwrap();
    assert_eq!(house.stored(partner(1)).await, ["data-00000001", "index-00000001"]);
}

#[tokio::test]
async fn the_cache_saves_calls_until_its_lifetime_ends() {
    let house = House::new();
    let ring = house.ring();
    ring.keys(partner(1)).await.unwrap();
    assert_eq!(house.unwrapped(), 2);
    house.clock.advance(SignedDuration::from_mins(59));
    ring.keys(partner(1)).await.unwrap();
    assert_eq!(house.unwrapped(), 2);
    house.clock.advance(SignedDuration::from_mins(1));
    ring.keys(partner(1)).await.unwrap();
    assert_eq!(house.unwrapped(), 4);
}

#[tokio::test]
async fn expired_keys_leave_memory_even_if_nobody_asks_for_them() {
    let house = House::new();
    let ring = house.ring();
    let held = Arc::downgrade(&ring.keys(partner(1)).await.unwrap());
    assert!(held.upgrade().is_some());
    house.clock.advance(SignedDuration::from_hours(1));
    ring.existing_keys(partner(2)).await.unwrap();
    assert!(held.upgrade().is_none());
}

#[tokio::test]
async fn the_cache_is_bounded_and_drops_what_was_unused_longest() {
    let house = House::new();
    let limits = CacheLimits { scopes: 2, ..CacheLimits::default() };
    let ring = house.ring().with_limits(limits);
    for scope in [1, 2, 1, 3] {
        ring.keys(partner(scope)).await.unwrap();
    }
    assert_eq!(ring.lock().scopes.len(), 2);
    let before = house.unwrapped();
    ring.keys(partner(1)).await.unwrap();
    ring.keys(partner(3)).await.unwrap();
    assert_eq!(house.unwrapped(), before);
    ring.keys(partner(2)).await.unwrap();
    assert_eq!(house.unwrapped(), before + 2);
}

#[tokio::test]
async fn a_new_key_seals_only_after_every_cache_knows_it() {
    let house = House::new();
    let (writer, reader) = (house.ring(), house.ring());
    let old = writer.seal(partner(1), &place(), PLAIN).await.unwrap();
    house.clock.advance(SignedDuration::from_hours(24));
    reader.keys(partner(1)).await.unwrap();

    assert_eq!(writer.add_data_key(partner(1)).await.unwrap(), KeyId::data(2));
    let announced = writer.seal(partner(1), &place(), PLAIN).await.unwrap();
    assert_eq!(announced.key(), KeyId::data(1));

    house.clock.advance(SignedDuration::from_hours(1));
    let new = writer.seal(partner(1), &place(), PLAIN).await.unwrap();
    assert_eq!(new.key(), KeyId::data(2));
    for sealed in [&old, &announced, &new] {
        let opened = reader.open(partner(1), &place(), sealed).await.unwrap();
        assert_eq!(opened.reveal(), PLAIN);
    }
}

#[tokio::test]
async fn a_key_added_since_the_cache_was_filled_is_looked_for() {
    let house = House::new();
    let hasty = CacheLimits { lifetime: SignedDuration::ZERO, ..CacheLimits::default() };
    let (writer, reader) = (house.ring().with_limits(hasty), house.ring());
    reader.keys(partner(1)).await.unwrap();
    writer.add_data_key(partner(1)).await.unwrap();
    let sealed = writer.seal(partner(1), &place(), PLAIN).await.unwrap();
    assert_eq!(sealed.key(), KeyId::data(2));
    assert_eq!(reader.open(partner(1), &place(), &sealed).await.unwrap().reveal(), PLAIN);
}

#[tokio::test]
async fn a_key_that_is_stored_nowhere_is_named() {
    let house = House::new();
    let ring = house.ring();
    let mut bytes = ring.seal(partner(1), &place(), PLAIN).await.unwrap().into_bytes();
    bytes[4] = 9;
    let stray = Sealed::parse(bytes).unwrap();
    let answer = ring.open(partner(1), &place(), &stray).await;
    assert!(matches!(answer, Err(CryptoError::UnknownKey { key, .. }) if key == KeyId::data(9)));
}

#[tokio::test]
async fn rotation_leaves_blind_indexes_alone() {
    let house = House::new();
    let ring = house.ring();
    let before = ring.blind_index(partner(1), IndexKind::TAX_ID, PLAIN).await.unwrap();
    ring.add_data_key(partner(1)).await.unwrap();
    house.clock.advance(SignedDuration::from_hours(2));
    let after = house.ring().blind_index(partner(1), IndexKind::TAX_ID, PLAIN).await.unwrap();
    assert_eq!(before, after);
    let other = ring.blind_index(partner(2), IndexKind::TAX_ID, PLAIN).await.unwrap();
    assert_ne!(before, other);
}

/// A table that shows the state of before the race to the first reader, as two cold functions see it.
struct Racing {
    table: Arc<MemoryKeys>,
    rival: KeyRing,
    raced: std::sync::atomic::AtomicBool,
}

impl WrappedKeys for Racing {
    fn all(&self, scope: Scope) -> Pending<'_, Vec<WrappedKey>> {
        Box::pin(async move {
            let seen = self.table.all(scope).await?;
            if !self.raced.swap(true, Ordering::SeqCst) {
                self.rival.keys(scope).await?;
            }
            Ok(seen)
        })
    }

    fn put_new<'a>(&'a self, scope: Scope, key: &'a WrappedKey) -> Pending<'a, Put> {
        self.table.put_new(scope, key)
    }
}

#[tokio::test]
async fn the_loser_of_the_first_creation_uses_the_winners_keys() {
    let house = House::new();
    let winner = house.ring();
    let raced = std::sync::atomic::AtomicBool::new(false);
    let racing = Racing { table: house.table.clone(), rival: house.ring(), raced };
    let loser = house.ring_over(Arc::new(racing));
    let sealed = loser.seal(partner(1), &place(), PLAIN).await.unwrap();
    assert_eq!(winner.open(partner(1), &place(), &sealed).await.unwrap().reveal(), PLAIN);
    assert_eq!(house.kms.generated.load(Ordering::SeqCst), 4);
    assert_eq!(house.stored(partner(1)).await, ["data-00000001", "index-00000001"]);
    assert_eq!(
        loser.blind_index(partner(1), IndexKind::TAX_ID, PLAIN).await.unwrap(),
        winner.blind_index(partner(1), IndexKind::TAX_ID, PLAIN).await.unwrap()
    );
}

#[tokio::test]
async fn nothing_secret_is_in_debug_output() {
    let house = House::new();
    let keys = house.ring().keys(partner(1)).await.unwrap();
    let shown = format!("{keys:?} {:?}", house.table.all(partner(1)).await.unwrap());
    assert!(shown.starts_with("ScopeKeys(11111111-2222-3333-4444-000000000001, 1 data keys)"));
    assert!(!shown.contains("bytes") && !shown.contains("wrapped:"));
}

#[tokio::test]
async fn codes_outlive_a_rotation_and_belong_to_their_context() {
    let house = House::new();
    let ring = house.ring();
    let scope = Scope::Passcodes;
    let (first, code) = ring.authenticate(scope, "one", b"message").await.unwrap();
    let added = house.ring().add_data_key(scope).await.unwrap();
    house.clock.advance(SignedDuration::from_hours(2));
    let (second, other) = ring.authenticate(scope, "one", b"message").await.unwrap();
    assert_eq!((first, second), (KeyId::FIRST_DATA, added));
    assert_ne!(code, other);
    for (id, context, message, code, expected) in [
        (first, "one", b"message".as_slice(), code, true),
        (second, "one", b"message", other, true),
        (first, "one", b"message", other, false),
        (first, "two", b"message", code, false),
        (first, "one", b"massage", code, false),
    ] {
        let answer = ring.verifies(scope, id, context, message, &code).await.unwrap();
        assert_eq!(answer, expected, "{id} {context}");
    }
    for unknown in [KeyId::data(9), KeyId::INDEX] {
        let answer = ring.verifies(scope, unknown, "one", b"message", &code).await;
        assert!(matches!(answer, Err(CryptoError::UnknownKey { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_cache_that_missed_a_rotation_looks_again() {
    let house = House::new();
    let (old, new) = (house.ring(), house.ring());
    let scope = Scope::Passcodes;
    old.authenticate(scope, "one", b"message").await.unwrap();
    new.add_data_key(scope).await.unwrap();
    house.clock.advance(SignedDuration::from_mins(59));
    old.authenticate(scope, "one", b"message").await.unwrap();
    house.clock.advance(SignedDuration::from_mins(2));
    let (id, code) = new.authenticate(scope, "one", b"message").await.unwrap();
    assert_eq!(id, KeyId::data(2));
    assert!(old.verifies(scope, id, "one", b"message", &code).await.unwrap());
}
