//! The real clock and the real randomness, which the domain is handed.

use std::time::SystemTime;

use domain::time::{Clock, Random};
use jiff::Timestamp;

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Whole microseconds, which every answer shows in full: a time that a caller read must compare equal to the
        // time that is stored. A clock before 1970 or after 9999 cannot be told apart from a broken one; the epoch makes it visible.
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// The operating system's random generator.
///
/// Passcodes and secrets come straight from here, so that nothing depends on how the TLS library was seeded
/// (`docs/security.md`).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no id or secret may be made; Lambda restarts the sandbox"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system's random generator");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_microseconds() {
        for _ in 0..100 {
            assert_eq!(SystemClock.now().subsec_nanosecond() % 1_000, 0);
        }
    }
}
