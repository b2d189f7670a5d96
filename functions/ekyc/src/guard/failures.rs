//! Consecutive wrong codes for one destination, whatever the journey, the session or the subject.
//!
//! The limits of a session and a journey start again with every journey that a caller names. This count does not: only a
//! right code clears it (NIST SP 800-63B-4, rate limiting: at most 100 consecutive failures, and a new code takes none
//! back). From [`FREE`] failures on, sends to the destination are held back for a while that doubles with each further
//! one; from [`MOST`] on, nothing is sent there and no code for it is right.
//!
//! Invariants: the count rises in the transaction that settles a wrong code, and stops at [`MOST`], so that guesses at
//! what was never sent cannot keep a destination shut for ever; a held-back destination answers as every other one does.

use domain::ids::PartnerId;
use jiff::{SignedDuration, Timestamp};
use store::keys::Key;
use store::{Expression, StoreError, Transaction, Update, number};

use super::Guard;

/// The label of the row in a transaction.
pub(crate) const FAILURES: &str = "failures";

/// So many wrong codes cost nothing but themselves: two journeys of the default limits.
const FREE: i64 = 12;
/// Where NIST SP 800-63B-4 ends the patience with consecutive failures.
const MOST: i64 = 100;
/// The wait after the first failure beyond the free ones; it doubles with each further one.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);
/// The longest wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);
/// How long a row is kept after its last failure.
const KEPT_SECONDS: i64 = 90 * 24 * 3_600;

/// What is known of a destination's wrong codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Failures {
    consecutive: i64,
    last_ms: i64,
}

impl Failures {
    /// Whether there are any to clear.
    pub(crate) const fn any(self) -> bool {
        self.consecutive > 0
    }

    /// Whether no code is right any more.
    pub(crate) const fn stopped(self) -> bool {
        self.consecutive >= MOST
    }

    /// Whether nothing is to be sent now.
    pub(super) fn hold_back(self, now: Timestamp) -> bool {
        let waited = now.as_millisecond().saturating_sub(self.last_ms).max(0);
        self.stopped() || i128::from(waited) < self.wait().as_millis()
    }

    fn wait(self) -> SignedDuration {
        match self.consecutive - FREE {
            ..=0 => SignedDuration::ZERO,
            beyond @ 1..=11 => (FIRST_WAIT * (1 << (beyond - 1))).min(LONGEST_WAIT),
            _ => LONGEST_WAIT,
        }
    }
}

/// The row of one destination, by its blind index.
struct FailuresKey<'a> {
    partner: PartnerId,
    fingerprint: &'a str,
}

impl Key for FailuresKey<'_> {
    fn pk(&self) -> String {
        format!("P#{}#GUARD#TO#{}", self.partner, self.fingerprint)
    }

    fn sk(&self) -> String {
        "FAILURES".to_owned()
    }
}

impl Guard {
    /// The wrong codes of a destination. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn failures(
        &self,
        partner: PartnerId,
        fingerprint: &str,
    ) -> Result<Failures, StoreError> {
        let item = self.table.get(&FailuresKey { partner, fingerprint }).await?;
        Ok(item.map_or_else(Failures::default, |item| Failures {
            consecutive: number(&item, "consecutive").unwrap_or(0),
            last_ms: number(&item, "lastAt").unwrap_or(0),
        }))
    }

    /// Adds a wrong code to the transaction that settles it. Refused under [`FAILURES`] once the count has stopped.
    pub(crate) fn count_failure(
        &self,
        transaction: &mut Transaction,
        partner: PartnerId,
        fingerprint: &str,
        now: Timestamp,
    ) {
        let may = Expression::new("attribute_not_exists(#consecutive) OR #consecutive < :most")
            .name("#consecutive", "consecutive")
            .number(":most", MOST);
        let update = Expression::new(
            "SET #consecutive = if_not_exists(#consecutive, :zero) + :one, #lastAt = :now, \
             #expiresAt = :keep",
        )
        .name("#lastAt", "lastAt")
        .name("#expiresAt", "expiresAt")
        .number(":zero", 0)
        .number(":one", 1)
        .number(":now", now.as_millisecond())
        .number(":keep", now.as_second() + KEPT_SECONDS);
        let key = FailuresKey { partner, fingerprint };
        transaction.update(FAILURES, &self.table, &key, Update::when(may, update));
    }

    /// Adds to the transaction of a right code that the count begins again. Refused under [`FAILURES`] when the row has
    /// gone meanwhile, which is as good.
    pub(crate) fn clear_failures(
        &self,
        transaction: &mut Transaction,
        partner: PartnerId,
        fingerprint: &str,
    ) {
        let update = Expression::new("SET #consecutive = :zero")
            .name("#consecutive", "consecutive")
            .number(":zero", 0);
        let key = FailuresKey { partner, fingerprint };
        let update = Update::when(Expression::present(), update);
        transaction.update(FAILURES, &self.table, &key, update);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_day_and_ends_in_a_stop() {
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        for (consecutive, minutes) in [
            (0, 0),
            (FREE, 0),
            (FREE + 1, 1),
            (FREE + 2, 2),
            (FREE + 11, 1_024),
            (FREE + 12, 1_440),
            (MOST - 1, 1_440),
        ] {
            let failures = Failures { consecutive, last_ms: now.as_millisecond() };
            let over = now + SignedDuration::from_mins(minutes);
            assert!(!failures.hold_back(over), "{consecutive}");
            let before = over - SignedDuration::from_millis(1);
            assert_eq!(failures.hold_back(before), minutes > 0, "{consecutive}");
            assert!(!failures.stopped());
        }
        let stopped = Failures { consecutive: MOST, last_ms: 0 };
        assert!(stopped.stopped() && stopped.hold_back(now));
    }
}
