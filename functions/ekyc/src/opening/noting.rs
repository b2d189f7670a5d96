//! What becomes of a session afterwards: noted as sent, ended, or its slot given back.
//!
//! Invariants: whatever somebody else has written meanwhile is left as it is; no partner hears of the end of a session
//! that it never heard of: `Failed` for a session whose beginning nobody told is told together with it, by one
//! transaction. Of a session whose record is gone, because its customer was erased, nothing is told any more.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::ekyc::{Ended, SessionState};
use domain::event::EkycStep;
use domain::ids::CustomerId;
use http_api::{Failure, Reply};
use runtime::pause;
use store::customers::CommitRefused;
use store::ekyc::{ISSUES, JOURNEY, PENNY, Penny, SESSION, Slot};
use store::{CommitError, Transaction};

use super::Once;
use crate::app::{Core, RETRIES, broken};

/// What of a transaction is still to be written; what another request has written is left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    /// The codes made so far.
    pub counts: bool,
    /// The journey's move.
    pub moves: bool,
    /// The penny's entry.
    pub penny: bool,
    /// The session's record, and what is told of it. Without it the subject is gone.
    pub session: bool,
}

/// When to look again after what was sent or paid but could not be noted.
const LATER_SECONDS: u32 = 30;

/// It may have been sent or paid, or was: the session stands, and the caller learns its id.
pub(crate) fn perhaps(
    slot: &Slot<'_>,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Failure {
    let known =
        vec![("authId", slot.auth.to_string()), ("journeyId", slot.journey.as_str().to_owned())];
    Failure::Unavailable { retry_after: LATER_SECONDS, known, source: source.into() }
}

/// Writes what `fill` makes, again and with less of it while others are in the way. The answer is that of another request
/// with the same key, when its record stood there.
///
/// # Errors
/// [`Failure::Conflict`] when others keep being in the way.
pub(crate) async fn write(
    core: &Core,
    once: Option<&Once>,
    fill: impl AsyncFn(&mut Transaction, Parts) -> Result<(), Failure>,
) -> Result<Option<Reply>, Failure> {
    let mut parts = Parts { counts: true, moves: true, penny: true, session: true };
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*core.random).await;
        }
        let mut transaction = Transaction::new();
        fill(&mut transaction, parts).await?;
        if transaction.is_empty() {
            return Ok(None);
        }
        let Err(refused) = Box::pin(transaction.commit(core.table())).await else {
            return Ok(None);
        };
        if let Some(once) = once
            && let Some(earlier) = once.earlier(core, &refused).await?
        {
            return Ok(Some(earlier));
        }
        let known = [ISSUES, JOURNEY, PENNY, SESSION].map(|label| refused.refusal(label).is_some());
        match refused {
            CommitError::Conflict => {}
            CommitError::Refused(_) if known.contains(&true) => {
                // A session is refused for nothing but that it is gone.
                let [counts, moves, penny, session] = known;
                parts.counts &= !counts;
                parts.moves &= !moves;
                parts.penny &= !penny;
                parts.session &= !session;
            }
            refused => match CommitRefused::from(refused) {
                CommitRefused::Stale => {}
                refused => return Err(broken(refused)),
            },
        }
    }
    Err(Failure::Conflict)
}

/// What a provider said of a send, to be noted.
#[derive(Default)]
pub(crate) struct Note<'a> {
    /// Whose session's first send it was; `None` for a later one, whose beginning has been told.
    pub first: Option<CustomerId>,
    /// Its id of the message or payment.
    pub provider: Option<&'a str>,
    /// What the fraud guard remembers.
    pub guard: Option<&'a str>,
    /// The payment to be followed until its story is over.
    pub penny: Option<&'a Penny>,
}

/// Notes that a code was sent: with a session's first one the journey moves on and the event goes out; the answer is
/// kept. 1 round trip. A journey that has moved on already (the code came back, a newer session began) is left alone.
///
/// # Errors
/// What could not be noted was sent all the same: the answer names the session, and never says that nothing was done.
pub(crate) async fn note_sent(
    core: &Core,
    slot: &Slot<'_>,
    note: &Note<'_>,
    once: &Once,
    reply: Reply,
) -> Result<Reply, Failure> {
    let kept = Box::pin(note_with(core, slot, note, Some(once), &reply)).await;
    let noted = match kept {
        // Another request with the same key was answered first, before this one's session began.
        Ok(Some(_)) | Err(Failure::KeyReused) => {
            let alone = Box::pin(note_with(core, slot, note, None, &reply)).await;
            alone.and(kept)
        }
        kept => kept,
    };
    match noted {
        Ok(earlier) => Ok(earlier.unwrap_or(reply)),
        Err(failure @ (Failure::Conflict | Failure::KeyReused)) => Err(perhaps(slot, failure)),
        Err(failure) => Err(failure),
    }
}

/// Notes it together with the answer, when `once` is given.
async fn note_with(
    core: &Core,
    slot: &Slot<'_>,
    note: &Note<'_>,
    once: Option<&Once>,
    reply: &Reply,
) -> Result<Option<Reply>, Failure> {
    let gone = AtomicBool::new(false);
    let written = write(core, once, async |transaction, parts| {
        if !parts.session {
            gone.store(true, Ordering::Relaxed);
            if let (true, Some(penny)) = (parts.penny, note.penny) {
                core.ekyc.drop_penny(transaction, penny);
            }
            return Ok(());
        }
        if note.first.is_some() && parts.moves {
            core.ekyc.sent(transaction, slot);
        }
        core.ekyc.note_send(transaction, slot.place, slot.auth, note.provider, note.guard);
        if let (true, Some(penny), Some(payment)) = (parts.penny, note.penny, note.provider) {
            core.ekyc.accept_penny(transaction, penny, payment);
        }
        if let Some(customer) = note.first
            && (parts.moves || !was_told(core, slot).await?)
        {
            core.tell(transaction, slot, customer, EkycStep::Initiated, None)?;
        }
        match once {
            Some(once) => once.keep(core, transaction, reply).await,
            None => Ok(()),
        }
    });
    let earlier = Box::pin(written).await?;
    if gone.into_inner() { Err(Failure::Conflict) } else { Ok(earlier) }
}

/// Whether somebody else has told a session's beginning, where its journey has moved without us: whoever moved it from
/// `sending` told it. One that was superseded cannot move any more, and its own record says what became of it; of one that
/// has none any more nothing is told. At most 2 round trips.
pub(crate) async fn was_told(core: &Core, slot: &Slot<'_>) -> Result<bool, Failure> {
    let journey = core.ekyc.journey(slot.place, slot.method, slot.journey).await;
    if let Some(live) = journey.map_err(broken)?.as_ref().and_then(|held| held.live(slot.auth)) {
        return Ok(live.state != SessionState::Sending);
    }
    let (_, session) = core.ekyc.session(slot.place, slot.auth).await.map_err(broken)?;
    Ok(session.is_none_or(|held| !held.state.is_open() || held.provider.is_some()))
}

/// Ends a session that is open, whoever does it first. `from` is where it stands. 1 round trip.
pub(crate) async fn fail(
    core: &Core,
    slot: &Slot<'_>,
    customer: CustomerId,
    from: SessionState,
    ended: Ended,
) -> Result<(), Failure> {
    let (failed, reason) = (SessionState::Failed, ended.as_str());
    let mut transaction = Transaction::new();
    core.ekyc.fail(&mut transaction, slot, ended, from);
    core.ekyc.end_session(&mut transaction, slot.place, slot.auth, failed, Some(reason));
    core.tell_failed(&mut transaction, slot, customer, from, reason)?;
    match Box::pin(transaction.commit(core.table())).await {
        // Somebody else moved it: whoever asked looks again.
        Ok(()) | Err(CommitError::Refused(_) | CommitError::Conflict) => Ok(()),
        Err(error) => Err(broken(error)),
    }
}

/// What became of a slot that was to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    /// It is free, or somebody else has settled it.
    Yes,
    /// The session's code has come back meanwhile: nothing was written.
    Proved,
}

/// Gives the slot of a session back of which nothing was sent. What has gone its own way meanwhile is left alone; a penny
/// that the reconciliation has looked at is its to settle, and so is one whose code came back.
///
/// # Errors
/// [`perhaps`] when others keep being in the way: the session stands.
pub(crate) async fn release(
    core: &Core,
    slot: &Slot<'_>,
    reason: &str,
    penny: Option<&Penny>,
    event: Option<CustomerId>,
) -> Result<Released, Failure> {
    let proved = AtomicBool::new(false);
    let written = write(core, None, async |transaction, parts| {
        if let Some(penny) = penny {
            if !parts.penny {
                return Ok(());
            }
            if !parts.moves && has_proved(core, slot).await? {
                proved.store(true, Ordering::Relaxed);
                return Ok(());
            }
            core.ekyc.drop_penny(transaction, penny);
        }
        if parts.counts {
            core.ekyc.drop_issued(transaction, slot, 1);
        }
        if parts.moves {
            core.ekyc.cancel(transaction, slot);
        }
        if parts.moves && parts.session {
            let cancelled = SessionState::Cancelled;
            core.ekyc.end_session(transaction, slot.place, slot.auth, cancelled, Some(reason));
            if let Some(customer) = event {
                core.tell_failed(transaction, slot, customer, SessionState::Sending, reason)?;
            }
        }
        Ok(())
    });
    match Box::pin(written).await {
        Ok(_) if proved.into_inner() => Ok(Released::Proved),
        Ok(_) => Ok(Released::Yes),
        Err(Failure::Conflict) => {
            // A penny is on the reconciliation's list, which gives its slot back; nobody looks after a passcode's.
            if penny.is_none() {
                free_alone(core, slot, 1).await?;
            }
            Err(perhaps(slot, Failure::Conflict))
        }
        Err(failure) => Err(failure),
    }
}

/// Takes a code off those that were made, by the smallest write that does it: fewer are in its way.
pub(crate) async fn free_alone(core: &Core, slot: &Slot<'_>, sends: i64) -> Result<(), Failure> {
    let written = write(core, None, async |transaction, parts| {
        if parts.counts {
            core.ekyc.drop_issued(transaction, slot, sends);
        }
        Ok(())
    });
    match Box::pin(written).await {
        Ok(_) => Ok(()),
        Err(Failure::Conflict) => {
            tracing::warn!("a slot stays taken until its window is over");
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// Whether the session's code has come back.
async fn has_proved(core: &Core, slot: &Slot<'_>) -> Result<bool, Failure> {
    let journey = core.ekyc.journey(slot.place, slot.method, slot.journey).await.map_err(broken)?;
    let live = journey.as_ref().and_then(|held| held.live(slot.auth));
    Ok(live.is_some_and(|live| live.state == SessionState::Authenticated))
}
