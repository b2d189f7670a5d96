//! Whether another code may be made for a subject.
//!
//! Every code that was made leaves an entry; the rolling window counts them. A locked application gets none until the
//! lock is over, and asking meanwhile does not extend the lock: nobody can lock a customer out for ever.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Journey, JourneyId, JourneyState, Limits, Method, SubjectKind};
use crate::ids::AuthId;

/// How long an idempotency key names its request.
const KEY_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// Entries that are kept. More than any maximum, so what is forgotten beyond it has left its window.
const KEPT: usize = 100;
/// The longest window that a configuration may ask for.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One code that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// When.
    pub at: Timestamp,
    /// For which session.
    pub auth: AuthId,
    /// Of which journey.
    pub journey: JourneyId,
    /// To where, as a blind index that includes the channel.
    pub destination: String,
    /// The digest of the code.
    pub digest: String,
    /// The end of its life.
    pub expires_at: Timestamp,
    /// The idempotency key of the request that asked, as a blind index.
    pub request: Option<String>,
}

/// The codes that were made for one subject by one method.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Issues {
    /// Counts writes; every one is conditional on it.
    pub version: i64,
    /// By session and number of the code.
    pub issued: BTreeMap<String, Issued>,
    /// Until when an application is locked, or was.
    pub lock_until: Option<Timestamp>,
    /// The journey that a request without a journey goes on with.
    pub journey: Option<JourneyId>,
    /// When a bank was asked whose account it is, by the session that asked.
    pub checks: BTreeMap<String, Timestamp>,
}

/// Whether a code may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The journey failed for good.
    Failed,
    /// The journey is done.
    Authenticated,
    /// The same request again, by its idempotency key: this session is its work.
    Same(AuthId, JourneyId),
    /// A double click: this session is the answer, if its code is unused.
    Repeated(AuthId, JourneyId),
    /// No more codes, until so many seconds have passed; `lock_until` is the lock to set.
    NoMoreCodes {
        /// Seconds to wait, at least 1.
        retry_after: i64,
        /// The lock that this very request earns.
        lock_until: Option<Timestamp>,
    },
    /// One may be made; so many remain after it.
    Free(i64),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// For an application or an account; only applications are locked.
    pub kind: SubjectKind,
    /// By which method.
    pub method: Method,
    /// To where, when double clicks are to be found.
    pub destination: Option<&'a str>,
    /// The idempotency key, as a blind index.
    pub request: Option<&'a str>,
    /// A new code for a session that there is: it locks nothing.
    pub resend: bool,
}

/// Decides, in the contract's order: journey failed, journey authenticated, lock, double click, rolling count.
#[must_use]
pub fn start(
    ask: &Ask<'_>,
    issues: &Issues,
    journey: Option<&Journey>,
    limits: &Limits,
    now: Timestamp,
) -> Start {
    if let Some(same) = issues.issued.values().find(|issued| {
        ask.request.is_some()
            && issued.request.as_deref() == ask.request
            && now.duration_since(issued.at) < KEY_LIFE
    }) {
        return Start::Same(same.auth, same.journey.clone());
    }
    match journey.map(|journey| journey.state) {
        Some(JourneyState::Failed) => return Start::Failed,
        Some(JourneyState::Authenticated) => return Start::Authenticated,
        Some(JourneyState::Open) | None => {}
    }
    if let Some(until) = issues.lock_until.filter(|until| *until > now) {
        return Start::NoMoreCodes { retry_after: seconds_until(until, now), lock_until: None };
    }
    if let Some(again) = issues.clicked_twice(ask, limits, now) {
        return Start::Repeated(again.auth, again.journey.clone());
    }
    let counted = issues.counted(limits, now);
    let most = limits.maximum_number_of_initiates_per_duration;
    let count = i64::try_from(counted.len()).unwrap_or(i64::MAX);
    if count < most {
        return Start::Free(most - count - 1);
    }
    let locks = ask.kind == SubjectKind::Application
        && !ask.resend
        && limits.temp_lock_enabled_on_initiate_application;
    if locks {
        let seconds = limits.temp_lock_duration_on_initiate_application_in_seconds;
        let until = after(now, SignedDuration::from_secs(seconds));
        return Start::NoMoreCodes { retry_after: seconds, lock_until: Some(until) };
    }
    // So many must leave the window before there is room for one.
    let leaving = usize::try_from(count - most).unwrap_or(0);
    let window = SignedDuration::from_millis(limits.initiates_duration_in_milliseconds);
    let free_at = counted.get(leaving).map_or(now, |at| after(*at, window));
    Start::NoMoreCodes { retry_after: seconds_until(free_at, now), lock_until: None }
}

impl Issues {
    /// How many more codes may be made now.
    #[must_use]
    pub fn remaining(&self, limits: &Limits, now: Timestamp) -> i64 {
        if self.lock_until.is_some_and(|until| until > now) {
            return 0;
        }
        let count = i64::try_from(self.counted(limits, now).len()).unwrap_or(i64::MAX);
        (limits.maximum_number_of_initiates_per_duration - count).max(0)
    }

    /// The times that count in the rolling window, oldest first. A lock that is over has cleared what was before its
    /// end.
    fn counted(&self, limits: &Limits, now: Timestamp) -> Vec<Timestamp> {
        let window = SignedDuration::from_millis(limits.initiates_duration_in_milliseconds);
        let cleared = self.lock_until.filter(|until| *until <= now);
        let mut times: Vec<Timestamp> = self
            .issued
            .values()
            .map(|issued| issued.at)
            .filter(|at| now.duration_since(*at) < window)
            .filter(|at| cleared.is_none_or(|until| *at >= until))
            .collect();
        times.sort_unstable();
        times
    }

    fn clicked_twice(&self, ask: &Ask<'_>, limits: &Limits, now: Timestamp) -> Option<&Issued> {
        let window = SignedDuration::from_millis(limits.duplicate_window_in_milliseconds);
        self.issued
            .values()
            .filter(|issued| ask.destination == Some(issued.destination.as_str()))
            .filter(|issued| now.duration_since(issued.at) < window)
            .max_by_key(|issued| issued.at)
    }

    /// The codes of other sessions that are still accepted.
    pub fn live_codes(&self, now: Timestamp) -> impl Iterator<Item = &Issued> {
        self.issued.values().filter(move |issued| issued.expires_at > now)
    }

    /// Counts a name check of the session `auth`, in the rolling window of the codes.
    ///
    /// # Errors
    /// So many seconds until there is room for one, at least 1.
    pub fn check_name(&mut self, auth: AuthId, limits: &Limits, now: Timestamp) -> Result<(), i64> {
        let window = SignedDuration::from_millis(limits.initiates_duration_in_milliseconds);
        let mut times: Vec<Timestamp> = self.checks.values().copied().collect();
        times.retain(|at| now.duration_since(*at) < window);
        times.sort_unstable();
        let most = usize::try_from(limits.name_checks()).unwrap_or(0);
        if let Some(leaving) = times.len().checked_sub(most) {
            let free_at = times.get(leaving).map_or(now, |at| after(*at, window));
            return Err(seconds_until(free_at, now));
        }
        // Another merchant's window may be longer than this one's.
        self.checks.retain(|_, at| now.duration_since(*at) < LONGEST_WINDOW);
        self.checks.insert(auth.to_string(), now);
        while self.checks.len() > KEPT {
            let oldest = self.checks.iter().min_by_key(|(_, at)| **at);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else { break };
            self.checks.remove(&name);
        }
        Ok(())
    }

    /// Adds a code under `name` and forgets those that neither count nor live any more.
    pub fn add(&mut self, name: String, issued: Issued) {
        let now = issued.at;
        // A lock that is over has cleared what was before its end; it stays, so that this holds for what lives on as well.
        if let Some(until) = self.lock_until.filter(|until| *until <= now) {
            self.issued.retain(|_, held| held.expires_at > now || held.at >= until);
        }
        // Another merchant's window may be longer than this one's.
        self.issued.retain(|_, held| {
            held.expires_at > now || now.duration_since(held.at) < LONGEST_WINDOW
        });
        self.journey = Some(issued.journey.clone());
        self.issued.insert(name, issued);
        while self.issued.len() > KEPT {
            let oldest = self.issued.iter().min_by_key(|(_, held)| held.at);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else { break };
            self.issued.remove(&name);
        }
    }
}

/// Whole seconds, never too few and at least one.
fn seconds_until(until: Timestamp, now: Timestamp) -> i64 {
    let millis = until.duration_since(now).as_millis();
    i64::try_from(millis).map_or(i64::MAX, |millis| millis.saturating_add(999) / 1_000).max(1)
}

/// The calendar ends at 9999; what would be later is its end.
fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
