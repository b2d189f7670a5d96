//! Verification keys in memory, so that a token costs no call for its key.
//!
//! Invariants: keys are used for at most [`CacheLimits::lifetime`] without being read again, and for at most
//! [`CacheLimits::stale`] when reading them again fails; an unknown key id causes one reading, and not another until
//! [`CacheLimits::forced_pause`] is over, so that a flood of forged tokens does not become a flood of look-ups.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How long keys are trusted.
#[derive(Debug, Clone, Copy)]
pub struct CacheLimits {
    /// Read again after this.
    pub lifetime: SignedDuration,
    /// Usable up to this age while reading fails.
    pub stale: SignedDuration,
    /// Between two readings because of unknown ids, or after one that failed.
    pub forced_pause: SignedDuration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            lifetime: SignedDuration::from_mins(5),
            stale: SignedDuration::from_hours(1),
            forced_pause: SignedDuration::from_secs(30),
        }
    }
}

struct State<K> {
    keys: Arc<Vec<K>>,
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

/// The keys of one issuer.
pub struct KeyCache<K> {
    limits: CacheLimits,
    state: Mutex<State<K>>,
}

impl<K> KeyCache<K> {
    /// Nothing read yet.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let state = State { keys: Arc::default(), read_at: None, tried_at: None };
        Self { limits, state: Mutex::new(state) }
    }

    /// The keys, read with `load` when they are missing or old.
    ///
    /// # Errors
    /// That of `load`, when nothing usable is held.
    pub async fn keys<E>(
        &self,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<Vec<K>, E>,
    ) -> Result<Arc<Vec<K>>, E> {
        let (held, age, rested) = self.look(now);
        match age {
            Some(age) if age < self.limits.lifetime => Ok(held),
            Some(age) if age < self.limits.stale => {
                if !rested {
                    return Ok(held);
                }
                // A failure is forgiven: the keys were good a moment ago.
                Ok(self.read(now, load).await.unwrap_or(held))
            }
            _ => self.read(now, load).await,
        }
    }

    /// The keys, read again if none of them is `wanted`.
    ///
    /// # Errors
    /// That of `load`, when nothing usable is held.
    pub async fn keys_with<E>(
        &self,
        now: Timestamp,
        wanted: impl Fn(&K) -> bool,
        load: impl AsyncFn() -> Result<Vec<K>, E>,
    ) -> Result<Arc<Vec<K>>, E> {
        let held = self.keys(now, &load).await?;
        let (_, age, rested) = self.look(now);
        let just_read = age.is_some_and(|age| age.is_zero());
        if held.iter().any(wanted) || just_read || !rested {
            return Ok(held);
        }
        Ok(self.read(now, &load).await.unwrap_or(held))
    }

    fn look(&self, now: Timestamp) -> (Arc<Vec<K>>, Option<SignedDuration>, bool) {
        let state = self.lock();
        let age = state.read_at.map(|at| now.duration_since(at));
        let pause = self.limits.forced_pause;
        let rested = state.tried_at.is_none_or(|at| now.duration_since(at) >= pause);
        (Arc::clone(&state.keys), age, rested)
    }

    async fn read<E>(
        &self,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<Vec<K>, E>,
    ) -> Result<Arc<Vec<K>>, E> {
        self.lock().tried_at = Some(now);
        let keys = Arc::new(load().await?);
        let mut state = self.lock();
        state.keys = Arc::clone(&keys);
        state.read_at = Some(now);
        Ok(keys)
    }

    /// A panic elsewhere leaves the state whole: the fields are independent.
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    struct Source {
        answer: RefCell<Result<Vec<&'static str>, &'static str>>,
        reads: Cell<u32>,
        cache: KeyCache<&'static str>,
    }

    impl Source {
        fn new() -> Self {
            Self {
                answer: RefCell::new(Ok(vec!["a"])),
                reads: Cell::new(0),
                cache: KeyCache::new(CacheLimits::default()),
            }
        }

        async fn load(&self) -> Result<Vec<&'static str>, &'static str> {
            self.reads.set(self.reads.get() + 1);
            self.answer.borrow().clone()
        }

        async fn keys(&self, second: i64) -> Result<Vec<&'static str>, &'static str> {
            let now = Timestamp::from_second(second).unwrap();
            Ok(self.cache.keys(now, || self.load()).await?.to_vec())
        }

        async fn find(&self, second: i64, key: &str) -> Result<bool, &'static str> {
            let now = Timestamp::from_second(second).unwrap();
            let keys = self.cache.keys_with(now, |held| *held == key, || self.load()).await?;
            Ok(keys.contains(&key))
        }
    }

    #[tokio::test]
    async fn keys_are_read_once_per_lifetime() {
        let source = Source::new();
        for (second, reads) in [(0, 1), (299, 1), (300, 2), (301, 2), (600, 3)] {
            assert_eq!(source.keys(second).await, Ok(vec!["a"]));
            assert_eq!(source.reads.get(), reads, "at {second}");
        }
    }

    #[tokio::test]
    async fn an_outage_is_bridged_for_an_hour() {
        let source = Source::new();
        source.keys(0).await.unwrap();
        *source.answer.borrow_mut() = Err("down");
        for (second, reads) in [(300, 2), (301, 2), (330, 3), (3599, 4)] {
            assert_eq!(source.keys(second).await, Ok(vec!["a"]));
            assert_eq!(source.reads.get(), reads, "at {second}");
        }
        assert_eq!(source.keys(3600).await, Err("down"));
        *source.answer.borrow_mut() = Ok(vec!["b"]);
        assert_eq!(source.keys(3601).await, Ok(vec!["b"]));
    }

    #[tokio::test]
    async fn a_cold_start_in_an_outage_fails() {
        let source = Source::new();
        *source.answer.borrow_mut() = Err("down");
        assert_eq!(source.keys(0).await, Err("down"));
    }

    #[tokio::test]
    async fn an_unknown_id_forces_one_reading_per_pause() {
        let source = Source::new();
        assert_eq!(source.find(0, "b").await, Ok(false));
        assert_eq!(source.reads.get(), 1, "what was just read is not read again");
        *source.answer.borrow_mut() = Ok(vec!["a", "b"]);
        assert_eq!(source.find(10, "b").await, Ok(false));
        assert_eq!(source.reads.get(), 1);
        assert_eq!(source.find(30, "b").await, Ok(true));
        assert_eq!(source.reads.get(), 2);
        for second in 31..60 {
            assert_eq!(source.find(second, "c").await, Ok(false));
        }
        assert_eq!(source.reads.get(), 2);
        assert_eq!(source.find(60, "c").await, Ok(false));
        assert_eq!(source.reads.get(), 3);
    }

    #[tokio::test]
    async fn a_failing_forced_reading_keeps_what_is_held() {
        let source = Source::new();
        source.keys(0).await.unwrap();
        *source.answer.borrow_mut() = Err("down");
        assert_eq!(source.find(40, "b").await, Ok(false));
        assert_eq!(source.find(41, "a").await, Ok(true));
    }
}
