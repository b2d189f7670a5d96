//! The fraud guard: how many passcodes go to one destination, one range of numbers and one partner's customers, and
//! whether anybody uses them.
//!
//! Whoever can make a stranger's phone ring, or earns from traffic to numbers of their own, sends codes and never uses one.
//! So sends are counted in rolling windows, and a breaker opens where too few codes of a range or a partner are ever used;
//! while it is open nothing is sent there, then a few trials go out, and it closes when one of them is used.
//!
//! Invariants: a send is counted before it goes out and given back only when it surely did not; no rolling window ever
//! holds more sends than its limit, however many functions send at once (every count is a conditional update); a row has
//! a bounded number of slots and a time to live; keys hold a blind index or the range of a number (100 000 numbers share
//! one), never a number or an address. Every row belongs to a partner, so that one partner's traffic neither stops
//! another's nor shows in it.
//!
//! A message that is held back because of its destination or its range is answered like one that was sent
//! ([`Admission::Suppress`]): another answer would tell a stranger that a number is in use here, or when to try again.
//! A partner's own limit says nothing about anybody and is answered openly.
//!
//! Wrong codes are counted per destination as well (`failures`): a destination at which somebody guesses gets no more
//! codes for a while, and in the end none.
//!
//! Cost: three conditional updates at once (two for an e-mail), 1 unit each, and the read of the wrong codes; a row that is new or whose slot has passed
//! takes a second round. A used code costs two updates.

mod failures;
mod ledger;
mod policy;

use std::sync::Arc;

use domain::ekyc::{Channel, Destination};
use domain::ids::PartnerId;
use domain::time::Random;
use jiff::Timestamp;
use runtime::{Metric, SystemRandom, count, pause};
use serde::{Deserialize, Serialize};
use store::keys::Key;
use store::{Expression, StoreError, Table, Update, WriteError, from_item, to_item};

pub(crate) use failures::{FAILURES, Failures};
use ledger::{Ledger, Rule, Verdict};
pub use policy::{Breaker, Limit, Limits, Policy, WrongPolicy};

/// How often a row that others write at the same time is looked at again.
const ROUNDS: u32 = 12;

/// The last digits of a number that do not belong to its range.
const OWN_DIGITS: usize = 5;
/// A range has at least the sign and two digits, however short the number.
const SHORTEST_RANGE: usize = 3;

/// A code that is about to be sent.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the parts say so by their names")]
pub struct Attempt<'a> {
    pub partner: PartnerId,
    pub channel: Channel,
    pub destination: &'a Destination,
    /// The blind index of the destination.
    pub fingerprint: &'a str,
    pub now: Timestamp,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may be sent, and is counted.
    Send(Ticket),
    /// It must not be sent, and is to be answered as if it were.
    Suppress,
}

/// A send that was counted. Holds nothing personal; kept with the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    partner: PartnerId,
    fingerprint: String,
    range: Option<String>,
    at_ms: i64,
    /// Sent while the range's breaker tried whether to close.
    is_trial_of_range: bool,
    /// Sent while the partner's breaker tried whether to close.
    is_trial_of_partner: bool,
}

/// Why a code may not be sent, openly.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The partner as a whole sends too much, or too little of what it sends is used.
    #[error("the partner may send no more passcodes now")]
    PartnerBusy {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The rows could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The guard of all partners.
#[derive(Clone)]
pub struct Guard {
    table: Table,
    limits: Limits,
    random: Arc<dyn Random>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard({:?})", self.limits)
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted<'a> {
    Destination(&'a str),
    Range(&'a str),
    Partner,
}

/// The row that counts it.
struct LedgerKey<'a> {
    partner: PartnerId,
    counted: Counted<'a>,
}

impl Key for LedgerKey<'_> {
    fn pk(&self) -> String {
        let Self { partner, counted } = self;
        match counted {
            Counted::Destination(fingerprint) => format!("P#{partner}#GUARD#TO#{fingerprint}"),
            Counted::Range(range) => format!("P#{partner}#GUARD#RANGE#{range}"),
            Counted::Partner => format!("P#{partner}#GUARD#ALL"),
        }
    }

    fn sk(&self) -> String {
        "SENDS".to_owned()
    }
}

impl Guard {
    /// The guard of a deployed function over the rows in `table`.
    #[must_use]
    pub fn start(table: Table, policy: &Policy) -> Self {
        Self::new(table, policy.limits.clone(), Arc::new(SystemRandom))
    }

    /// A guard with any limits.
    #[must_use]
    pub fn new(table: Table, limits: Limits, random: Arc<dyn Random>) -> Self {
        Self { table, limits, random }
    }

    /// Counts a send everywhere, or nowhere.
    ///
    /// # Errors
    /// [`GuardError::PartnerBusy`] when the partner's own limit is reached or its breaker is open.
    pub async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admission, GuardError> {
        let range = range_of(attempt.destination);
        let (partner, now) = (attempt.partner, attempt.now);
        let one = |counted| self.enter(partner, counted, now);
        let of_range = async {
            match range {
                Some(range) => one(Counted::Range(range)).await,
                None => Ok(Verdict::Admitted { is_trial: false }),
            }
        };
        let (all, ranged, destined, failures) = tokio::join!(
            one(Counted::Partner),
            of_range,
            one(Counted::Destination(attempt.fingerprint)),
            self.failures(partner, attempt.fingerprint)
        );
        let is_trial = |verdict: &Result<Verdict, StoreError>| {
            matches!(verdict, Ok(Verdict::Admitted { is_trial: true }))
        };
        let ticket = Ticket {
            partner,
            fingerprint: attempt.fingerprint.to_owned(),
            range: range.map(str::to_owned),
            at_ms: now.as_millisecond(),
            is_trial_of_range: is_trial(&ranged),
            is_trial_of_partner: is_trial(&all),
        };
        let verdicts = [&all, &ranged, &destined];
        let held_back = !matches!(&failures, Ok(failures) if !failures.hold_back(now));
        if !held_back && verdicts.iter().all(|one| matches!(one, Ok(Verdict::Admitted { .. }))) {
            return Ok(Admission::Send(ticket));
        }
        for (verdict, counted) in verdicts.into_iter().zip(ticket.counted()) {
            if let (Ok(Verdict::Admitted { .. }), Some((counted, is_trial))) = (verdict, counted) {
                self.take_back(&ticket, counted, is_trial).await?;
            }
        }
        // A table that failed is reported before anything is concluded from the rows that did answer.
        let (all, ..) = (all?, ranged?, destined?, failures?);
        if let Verdict::Full { retry_after_ms } | Verdict::Open { retry_after_ms } = all {
            let seconds = u32::try_from(retry_after_ms.max(0) / 1000 + 1).unwrap_or(u32::MAX);
            return Err(GuardError::PartnerBusy { retry_after_seconds: seconds });
        }
        count(Metric::PasscodesHeldBack, 1);
        Ok(Admission::Suppress)
    }

    /// Gives back a send that surely did not go out.
    ///
    /// # Errors
    /// When the table fails; the send then stays counted until its window has passed.
    pub async fn withdraw(&self, ticket: &Ticket) -> Result<(), StoreError> {
        for (counted, is_trial) in ticket.counted().into_iter().flatten() {
            self.take_back(ticket, counted, is_trial).await?;
        }
        Ok(())
    }

    /// Notes that the code of a send was used.
    ///
    /// # Errors
    /// When the table fails; the code then counts as one that was not used.
    pub async fn used(&self, ticket: &Ticket) -> Result<(), StoreError> {
        for (counted, is_trial) in ticket.counted().into_iter().flatten() {
            let rule = self.rule(counted);
            if rule.breaker.is_none() {
                continue;
            }
            let slot = rule.slot(ticket.at_ms).to_string();
            let mut text =
                "SET #used.#slot = #used.#slot + :one, #revision = #revision + :one".to_owned();
            if is_trial {
                text.push_str(", #trialsUsed = #trialsUsed + :one");
            }
            let mut update = Expression::new(text)
                .name("#used", "used")
                .name("#slot", &slot)
                .name("#revision", "revision")
                .number(":one", 1);
            if is_trial {
                update = update.name("#trialsUsed", "trialsUsed");
            }
            let key = LedgerKey { partner: ticket.partner, counted };
            let there = Expression::new("attribute_exists(#used.#slot)");
            settle(self.table.update(&key, Update::when(there, update)).await)?;
        }
        Ok(())
    }

    /// Counts one send in one row.
    async fn enter(
        &self,
        partner: PartnerId,
        counted: Counted<'_>,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let rule = self.rule(counted);
        let key = LedgerKey { partner, counted };
        let now_ms = now.as_millisecond();
        for round in 0..ROUNDS {
            if round > 2 {
                pause(round - 2, &*self.random).await;
            }
            // The usual case in one round trip: a closed breaker, the current slot, room in the window.
            let standing = match self.table.update(&key, rule.usual_entry(now_ms)).await {
                Ok(item) => {
                    let ledger: Ledger = from_item(item)?;
                    if !ledger.should_open(&rule, now_ms) {
                        return Ok(Verdict::Admitted { is_trial: false });
                    }
                    return self.open(&key, &rule, now_ms).await;
                }
                Err(WriteError::Refused(standing)) => standing,
                Err(WriteError::Store(error)) => return Err(error),
            };
            let seen: Option<Ledger> = standing.map(|item| from_item(*item)).transpose()?;
            let (next, verdict) = ledger::step(seen.as_ref(), &rule, now_ms);
            let Some(next) = next else { return Ok(verdict) };
            let condition = match &seen {
                None => Expression::absent(),
                Some(seen) => Expression::new("#revision = :revision")
                    .name("#revision", "revision")
                    .number(":revision", seen.revision),
            };
            let has_opened = next.is_open() && !seen.as_ref().is_some_and(Ledger::is_open);
            let mut item = to_item(&next)?;
            key.stamp(&mut item);
            match self.table.put(item, condition).await {
                Ok(()) => {
                    if has_opened {
                        count(Metric::PasscodeBreakersOpened, 1);
                    }
                    return Ok(verdict);
                }
                Err(WriteError::Refused(_)) => {}
                Err(WriteError::Store(error)) => return Err(error),
            }
        }
        // So many at once in one slot are what the guard is there for.
        Ok(Verdict::Full { retry_after_ms: 0 })
    }

    /// Opens a breaker after the send that showed the need was counted, and takes that send back.
    async fn open(
        &self,
        key: &LedgerKey<'_>,
        rule: &Rule,
        now_ms: i64,
    ) -> Result<Verdict, StoreError> {
        let (update, retry_after_ms) = rule.opening(now_ms);
        match self.table.update(key, update).await {
            Ok(_) => count(Metric::PasscodeBreakersOpened, 1),
            Err(WriteError::Refused(_)) => {}
            Err(WriteError::Store(error)) => return Err(error),
        }
        let taken_back = self.table.update(key, rule.withdrawal(now_ms, false)).await;
        settle(taken_back)?;
        Ok(Verdict::Open { retry_after_ms })
    }

    async fn take_back(
        &self,
        ticket: &Ticket,
        counted: Counted<'_>,
        is_trial: bool,
    ) -> Result<(), StoreError> {
        let key = LedgerKey { partner: ticket.partner, counted };
        let withdrawal = self.rule(counted).withdrawal(ticket.at_ms, is_trial);
        settle(self.table.update(&key, withdrawal).await)
    }

    fn rule(&self, counted: Counted<'_>) -> Rule {
        let Limits { destination, range, partner, breaker } = &self.limits;
        match counted {
            Counted::Destination(_) => Rule::new(destination, None),
            Counted::Range(_) => Rule::new(range, Some(breaker.clone())),
            Counted::Partner => Rule::new(partner, Some(breaker.clone())),
        }
    }
}

impl Ticket {
    /// The rows that it was counted in and whether it was a trial there, in the order of [`Guard::admit`].
    fn counted(&self) -> [Option<(Counted<'_>, bool)>; 3] {
        let range = self.range.as_deref();
        [
            Some((Counted::Partner, self.is_trial_of_partner)),
            range.map(|range| (Counted::Range(range), self.is_trial_of_range)),
            Some((Counted::Destination(&self.fingerprint), false)),
        ]
    }
}

/// A row that has moved on in the meantime needs nothing any more.
fn settle(answer: Result<store::Item, WriteError>) -> Result<(), StoreError> {
    match answer {
        Ok(_) | Err(WriteError::Refused(_)) => Ok(()),
        Err(WriteError::Store(error)) => Err(error),
    }
}

/// The range of a number: all but its last five digits. Mailboxes have none: their hosts are shared by millions, or are a
/// family's own.
fn range_of(destination: &Destination) -> Option<&str> {
    let Destination::Phone(number) = destination else { return None };
    let number = number.e164();
    number.get(..number.len().saturating_sub(OWN_DIGITS).max(SHORTEST_RANGE))
}

#[cfg(test)]
mod tests;
