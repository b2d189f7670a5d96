//! When a receiver that only fails is suspended, where single events are given up before that.
//!
//! The rule is the payments platform's (§6): a receiver that has failed for five days on end is switched off, and one
//! success makes all good. "On end" needs tries: a streak whose last failure lies further back than a day was followed by
//! nothing, which proves nothing, so the next failure begins a new one.
//!
//! Invariant: it knows no clock and no table; what is written is noted at most once an hour for a receiver, however many
//! deliveries fail.

use jiff::{SignedDuration, Timestamp};
use store::webhooks::Failing;

/// How long a receiver may only fail.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(5 * 24);
/// The longest pause within a streak; the schedule's own longest is eleven hours.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(24);
/// How often a streak that goes on is noted.
const NOTE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What a failure means for the registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The streak is to be noted.
    Note(Failing),
    /// Nothing new.
    Known,
    /// It has lasted too long.
    WornOut,
}

/// Judges a failure at `now` after what was noted before.
#[must_use]
pub fn after_failure(noted: Option<Failing>, now: Timestamp) -> Health {
    let Some(streak) = noted.filter(|streak| now.duration_since(streak.last) <= LONGEST_SILENCE)
    else {
        return Health::Note(Failing { since: now, last: now });
    };
    if now.duration_since(streak.since) >= PATIENCE {
        Health::WornOut
    } else if now.duration_since(streak.last) >= NOTE_EVERY {
        Health::Note(Failing { last: now, ..streak })
    } else {
        Health::Known
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hour(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    #[test]
    fn five_days_of_failures_on_end_are_too_many() {
        let streak = |since, last| Some(Failing { since: hour(since), last: hour(last) });
        let note = |since, last| Health::Note(Failing { since: hour(since), last: hour(last) });
        for (noted, now, expected) in [
            (None, 7, note(7, 7)),
            (streak(0, 0), 0, Health::Known),
            (streak(0, 0), 1, note(0, 1)),
            (streak(0, 90), 91, note(0, 91)),
            (streak(0, 119), 120, Health::WornOut),
            (streak(0, 96), 120, Health::WornOut),
            (streak(0, 95), 120, note(120, 120)),
            (streak(0, 27), 500, note(500, 500)),
            // A clock that is behind the one that noted.
            (streak(5, 6), 4, Health::Known),
        ] {
            assert_eq!(after_failure(noted, hour(now)), expected, "{noted:?} {now}");
        }
    }

    proptest! {
        /// A note is up to an hour old, so pauses of 23 hours are surely within a streak.
        #[test]
        fn a_streak_is_worn_out_after_its_time_and_never_before(
            pauses in prop::collection::vec(1_i64..=23 * 60, 1..400),
        ) {
            let (mut now, mut noted) = (hour(0), None);
            let began = now + SignedDuration::from_mins(pauses[0]);
            for minutes in pauses {
                now += SignedDuration::from_mins(minutes);
                let health = after_failure(noted, now);
                prop_assert_eq!(health == Health::WornOut, now.duration_since(began) >= PATIENCE);
                match health {
                    Health::Note(streak) => noted = Some(streak),
                    Health::Known => {}
                    Health::WornOut => return Ok(()),
                }
            }
        }
    }
}
