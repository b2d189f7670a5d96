//! Time and randomness as things that are passed in.
//!
//! Nothing in this workspace's logic reads a clock or draws a random number by itself, so that a test can run
//! a week of schedule in a millisecond and see the same ids twice. The real implementations live in `runtime`.

use jiff::Timestamp;

/// RFC 3339 in UTC with 7 fractional digits, as the Straddle contract's samples have it.
#[must_use]
pub fn utc_moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes; real implementations must be fit for secrets.
pub trait Random: Send + Sync {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);
}

impl<T: Clock + ?Sized> Clock for std::sync::Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

impl<T: Random + ?Sized> Random for std::sync::Arc<T> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

#[cfg(any(test, feature = "test-support"))]
pub use doubles::{FixedClock, SequenceRandom};

#[cfg(any(test, feature = "test-support"))]
mod doubles {
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use jiff::{SignedDuration, Timestamp};

    use super::{Clock, Random};

    /// A clock that stands still until it is moved. Microsecond resolution.
    #[derive(Debug)]
    pub struct FixedClock(AtomicI64);

    impl FixedClock {
        /// A clock standing at `now`.
        #[must_use]
        pub fn at(now: Timestamp) -> Self {
            Self(AtomicI64::new(now.as_microsecond()))
        }

        /// A clock standing at the given RFC 3339 time.
        ///
        /// # Panics
        /// When the text is not a time; this is for tests.
        #[must_use]
        #[expect(clippy::expect_used, reason = "a test double: a wrong literal must stop the test")]
        pub fn at_text(now: &str) -> Self {
            Self::at(now.parse().expect("an RFC 3339 time"))
        }

        /// Moves the clock to `now`.
        pub fn set(&self, now: Timestamp) {
            self.0.store(now.as_microsecond(), Ordering::SeqCst);
        }

        /// Moves the clock on by `by`.
        pub fn advance(&self, by: SignedDuration) {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            self.0.fetch_add(micros, Ordering::SeqCst);
        }
    }

    impl Clock for FixedClock {
        #[expect(
            clippy::expect_used,
            reason = "a test double: leaving the calendar must stop the test"
        )]
        fn now(&self) -> Timestamp {
            Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).expect("a time in range")
        }
    }

    /// Bytes from a counter through a fixed mixing step: never repeats within a test, the same in every run.
    #[derive(Debug)]
    pub struct SequenceRandom(AtomicU64);

    impl SequenceRandom {
        /// A sequence that starts at `seed`.
        #[must_use]
        pub const fn starting_at(seed: u64) -> Self {
            Self(AtomicU64::new(seed))
        }
    }

    impl Default for SequenceRandom {
        fn default() -> Self {
            Self::starting_at(1)
        }
    }

    impl Random for SequenceRandom {
        fn fill(&self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(8) {
                // SplitMix64's finaliser: a bijection, so distinct counters give distinct blocks.
                let mut z =
                    self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                chunk.copy_from_slice(&z.to_be_bytes()[..chunk.len()]);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_clock_moves_only_when_told() {
            let clock = FixedClock::at_text("2026-01-25T22:55:24.442258Z");
            assert_eq!(clock.now().to_string(), "2026-01-25T22:55:24.442258Z");
            clock.advance(SignedDuration::from_secs(60));
            assert_eq!(clock.now().to_string(), "2026-01-25T22:56:24.442258Z");
        }

        #[test]
        fn the_sequence_repeats_between_runs_but_not_within_one() {
            let (one, two) = (SequenceRandom::default(), SequenceRandom::default());
            let (mut a, mut b, mut c) = ([0; 16], [0; 16], [0; 16]);
            one.fill(&mut a);
            one.fill(&mut b);
            two.fill(&mut c);
            assert_eq!(a, c);
            assert_ne!(a, b);
        }
    }
}
