//! What a session is worth at this moment, and what a wrong code does to it.

use jiff::Timestamp;

use super::{Journey, JourneyState, Limits, SessionState};
use crate::ids::AuthId;

/// What ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// This session; the journey may have another.
    Session,
    /// The journey, for good.
    Journey,
}

impl Ended {
    /// The contract's `additionalInfo.scope`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Journey => "journey",
        }
    }
}

/// What a session is worth, in the contract's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The code came back.
    Authenticated,
    /// It failed.
    Failed(Ended),
    /// Its limit is reached but its end is not written: whoever should have written it died.
    Overdue(Ended),
    /// Superseded by a newer session, or nothing was sent.
    NotActive,
    /// The code is too old.
    Expired,
    /// Every attempt is claimed, and not all of them are settled.
    Crowded,
    /// A code may be tried.
    Open,
}

/// Judges a session. `held` is the state in the session's own record, which knows how it ended even when the journey
/// has gone on to another.
#[must_use]
pub fn judge(
    held: SessionState,
    auth: AuthId,
    journey: &Journey,
    limits: &Limits,
    now: Timestamp,
) -> Verdict {
    let live = journey.live(auth);
    let state = live.map_or(held, |live| live.state);
    if state == SessionState::Authenticated {
        return Verdict::Authenticated;
    }
    if journey.state == JourneyState::Failed {
        return Verdict::Failed(Ended::Journey);
    }
    if state == SessionState::Failed {
        return Verdict::Failed(Ended::Session);
    }
    let Some(live) = live.filter(|live| live.state.is_open()) else { return Verdict::NotActive };
    if journey.state == JourneyState::Authenticated {
        return Verdict::NotActive;
    }
    if let Some(ended) = ended(journey.wrong, live.wrong, limits) {
        return Verdict::Overdue(ended);
    }
    if live.code.expires_at <= now {
        return Verdict::Expired;
    }
    let crowded = live.attempts >= limits.maximum_number_of_invalid_validates_per_session
        || journey.attempts >= limits.maximum_number_of_invalid_validates;
    if crowded { Verdict::Crowded } else { Verdict::Open }
}

/// What one more wrong code does: what ends, and how many attempts remain.
#[must_use]
pub fn settle_wrong(journey: &Journey, auth: AuthId, limits: &Limits) -> (Option<Ended>, i64) {
    let of_session = journey.live(auth).map_or(0, |live| live.wrong) + 1;
    let of_journey = journey.wrong + 1;
    let remaining = (limits.maximum_number_of_invalid_validates_per_session - of_session)
        .min(limits.maximum_number_of_invalid_validates - of_journey)
        .max(0);
    (ended(of_journey, of_session, limits), remaining)
}

/// How many attempts remain for a session.
#[must_use]
pub fn attempts_left(journey: &Journey, auth: AuthId, limits: &Limits) -> i64 {
    let of_session = journey.live(auth).map_or(0, |live| live.wrong);
    (limits.maximum_number_of_invalid_validates_per_session - of_session)
        .min(limits.maximum_number_of_invalid_validates - journey.wrong)
        .max(0)
}

fn ended(of_journey: i64, of_session: i64, limits: &Limits) -> Option<Ended> {
    if of_journey >= limits.maximum_number_of_invalid_validates {
        Some(Ended::Journey)
    } else if of_session >= limits.maximum_number_of_invalid_validates_per_session {
        Some(Ended::Session)
    } else {
        None
    }
}
