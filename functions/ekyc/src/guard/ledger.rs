//! One row of counts: sends and used codes per slot of time, and the breaker over them.
//!
//! A window is twelve slots and the one that is being filled. A rolling window of the limit's length always lies within
//! those thirteen, so their sum is never less than what the window holds: the limit is kept exactly, and a slot's length
//! at most later than it had to be.
//!
//! Everything here is pure. The usual entry is an update whose condition says all (current slot, room, closed breaker);
//! whatever else happens is a [`step`] from the row that stood in its way to the next one, written on the condition
//! that the row's revision has not changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::{Expression, Update};

use super::policy::{Breaker, Limit};

const SLOTS: i64 = 12;
/// Rows are kept this long after their window, for whoever looks into what happened.
const KEPT_SECONDS: i64 = 24 * 3_600;

/// The limit of a row.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    sends: u32,
    slot_ms: i64,
    window_seconds: i64,
    pub(super) breaker: Option<Breaker>,
}

/// What became of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is counted.
    Admitted {
        /// Whether it tries out a breaker that was open.
        is_trial: bool,
    },
    /// The window holds no more.
    Full { retry_after_ms: i64 },
    /// Too few codes are used.
    Open { retry_after_ms: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Mode {
    #[default]
    Closed,
    Open,
    Trial,
}

/// The row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ledger {
    /// The slot that is being filled.
    slot: i64,
    /// The sum of `sends`.
    total: u32,
    /// By slot number. Text, because attribute names are.
    sends: BTreeMap<String, u32>,
    /// Codes used, by the slot of their send.
    used: BTreeMap<String, u32>,
    mode: Mode,
    /// The breaker judges slots behind this one.
    judged_to: i64,
    open_until_ms: i64,
    trials: u32,
    trials_used: u32,
    last_trial_ms: i64,
    /// Goes up with every write.
    pub(super) revision: u64,
    /// The table's time to live.
    expires_at: i64,
}

impl Rule {
    pub(super) fn new(limit: &Limit, breaker: Option<Breaker>) -> Self {
        let window_seconds = i64::from(limit.seconds);
        let slot_ms = (window_seconds * 1000 / SLOTS).max(1);
        Self { sends: limit.sends, slot_ms, window_seconds, breaker }
    }

    pub(super) fn slot(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.slot_ms)
    }

    /// Counts a send when nothing else has to happen.
    pub(super) fn usual_entry(&self, now_ms: i64) -> Update {
        let slot = self.slot(now_ms);
        let condition =
            Expression::new("#current = :current AND #total < :most AND #mode = :closed")
                .name("#current", "slot")
                .name("#mode", "mode")
                .number(":current", slot)
                .number(":most", self.sends)
                .text(":closed", "closed");
        let update = Expression::new(
            "SET #total = #total + :one, #sends.#slot = #sends.#slot + :one, #revision = #revision + :one",
        )
        .name("#total", "total")
        .name("#sends", "sends")
        .name("#slot", &slot.to_string())
        .name("#revision", "revision")
        .number(":one", 1);
        Update::when(condition, update)
    }

    /// Takes back a send that was counted at `at_ms`, while its slot is still there.
    pub(super) fn withdrawal(&self, at_ms: i64, is_trial: bool) -> Update {
        let slot = self.slot(at_ms).to_string();
        let mut text = "SET #total = #total - :one, #sends.#slot = #sends.#slot - :one, #revision = #revision + :one".to_owned();
        if is_trial {
            text.push_str(", #trials = #trials - :one");
        }
        let mut update = Expression::new(text)
            .name("#total", "total")
            .name("#sends", "sends")
            .name("#slot", &slot)
            .name("#revision", "revision")
            .number(":one", 1);
        let mut condition = "#sends.#slot > :none".to_owned();
        if is_trial {
            update = update.name("#trials", "trials");
            condition.push_str(" AND #trials > :none");
        }
        Update::when(Expression::new(condition).number(":none", 0), update)
    }

    /// Opens the breaker if it is closed, and how long for.
    pub(super) fn opening(&self, now_ms: i64) -> (Update, i64) {
        let open_ms = self.breaker.as_ref().map_or(0, |breaker| millis(breaker.open_seconds));
        let update = Expression::new(
            "SET #mode = :open, #openUntilMs = :until, #revision = #revision + :one",
        )
        .name("#openUntilMs", "openUntilMs")
        .name("#revision", "revision")
        .text(":open", "open")
        .number(":until", now_ms + open_ms)
        .number(":one", 1);
        let condition =
            Expression::new("#mode = :closed").name("#mode", "mode").text(":closed", "closed");
        (Update::when(condition, update), open_ms)
    }
}

fn millis(seconds: u32) -> i64 {
    i64::from(seconds) * 1000
}

fn number(slot: &str) -> i64 {
    slot.parse().unwrap_or(i64::MIN)
}

impl Ledger {
    pub(super) fn is_open(&self) -> bool {
        self.mode == Mode::Open
    }

    /// Whether too few of the sends that had the time to be used were used.
    pub(super) fn should_open(&self, rule: &Rule, now_ms: i64) -> bool {
        let Some(breaker) = &rule.breaker else { return false };
        if self.mode != Mode::Closed {
            return false;
        }
        let mature_before = now_ms - millis(breaker.mature_seconds);
        let judged = |slot: &str| {
            let slot = number(slot);
            slot > self.judged_to && (slot + 1) * rule.slot_ms <= mature_before
        };
        let sum = |counts: &BTreeMap<String, u32>| -> u64 {
            let judged = counts.iter().filter(|(slot, _)| judged(slot));
            judged.map(|(_, count)| u64::from(*count)).sum()
        };
        let sent = sum(&self.sends);
        sent >= u64::from(breaker.sends)
            && sum(&self.used) * 100 < sent * u64::from(breaker.least_used_percent)
    }

    /// Moves the window to `now_ms`.
    fn roll(&mut self, rule: &Rule, now_ms: i64) {
        // A clock that stands back a little writes into the slot of the one ahead.
        self.slot = self.slot.max(rule.slot(now_ms));
        let oldest = self.slot - SLOTS;
        for counts in [&mut self.sends, &mut self.used] {
            counts.retain(|slot, _| number(slot) >= oldest);
            counts.entry(self.slot.to_string()).or_insert(0);
        }
        self.total = self.sends.values().sum();
    }

    /// When the first sends leave the window.
    fn room_after_ms(&self, rule: &Rule, now_ms: i64) -> i64 {
        let first =
            self.sends.iter().filter(|(_, count)| **count > 0).map(|(slot, _)| number(slot));
        first.min().map_or(0, |slot| (slot + SLOTS + 1) * rule.slot_ms - now_ms)
    }

    fn enter(&mut self) {
        self.total += 1;
        *self.sends.entry(self.slot.to_string()).or_insert(0) += 1;
    }

    /// The breaker's word on a send. Changes only the breaker's own members.
    fn ask_breaker(&mut self, breaker: &Breaker, now_ms: i64) -> Verdict {
        if self.mode == Mode::Open {
            if now_ms < self.open_until_ms {
                return Verdict::Open { retry_after_ms: self.open_until_ms - now_ms };
            }
            (self.mode, self.trials, self.trials_used) = (Mode::Trial, 0, 0);
        }
        if self.mode == Mode::Closed {
            return Verdict::Admitted { is_trial: false };
        }
        if self.trials < breaker.trials {
            self.trials += 1;
            self.last_trial_ms = now_ms;
            return Verdict::Admitted { is_trial: true };
        }
        let (used, trials) = (u64::from(self.trials_used), u64::from(self.trials));
        if used > 0 && used * 100 >= trials * u64::from(breaker.least_used_percent) {
            self.mode = Mode::Closed;
            self.judged_to = self.slot;
            return Verdict::Admitted { is_trial: false };
        }
        let told_at = self.last_trial_ms + millis(breaker.mature_seconds);
        if now_ms < told_at {
            return Verdict::Open { retry_after_ms: told_at - now_ms };
        }
        self.open(breaker, now_ms)
    }

    fn open(&mut self, breaker: &Breaker, now_ms: i64) -> Verdict {
        self.mode = Mode::Open;
        self.open_until_ms = now_ms + millis(breaker.open_seconds);
        Verdict::Open { retry_after_ms: millis(breaker.open_seconds) }
    }
}

/// What a send makes of a row, or of none. Nothing is to be written where only the verdict comes back.
pub(super) fn step(seen: Option<&Ledger>, rule: &Rule, now_ms: i64) -> (Option<Ledger>, Verdict) {
    let mut next = seen.cloned().unwrap_or_default();
    next.roll(rule, now_ms);
    // Before the breaker is asked: a trial that finds no room would be lost.
    if next.total >= rule.sends {
        let retry_after_ms = next.room_after_ms(rule, now_ms);
        return (None, Verdict::Full { retry_after_ms });
    }
    let verdict = match &rule.breaker {
        Some(breaker) if next.should_open(rule, now_ms) => next.open(breaker, now_ms),
        Some(breaker) => next.ask_breaker(breaker, now_ms),
        None => Verdict::Admitted { is_trial: false },
    };
    let is_admitted = matches!(verdict, Verdict::Admitted { .. });
    let was_open = seen.is_some_and(Ledger::is_open);
    if !is_admitted && (was_open == next.is_open()) {
        return (None, verdict);
    }
    if is_admitted {
        next.enter();
    }
    next.revision += 1;
    next.expires_at = now_ms.div_euclid(1000) + rule.window_seconds + KEPT_SECONDS;
    (Some(next), verdict)
}

#[cfg(test)]
mod tests;
