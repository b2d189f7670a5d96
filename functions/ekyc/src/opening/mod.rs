//! What both methods do to open a session: look and decide ([`look`], [`decide`]), reserve a slot ([`reserving`]), and
//! afterwards either note that it was sent or give the slot back ([`noting`]).
//!
//! Kill-safety. The slot, the journey, the session and the code's digest are written by one transaction before anything
//! leaves. A function that dies after it leaves a session in `sending`: its slot counts (so no more messages leave than
//! the limit allows), its code is accepted (it may have arrived), the same idempotency key and a double click find it
//! again, a newer session takes its place, and it expires like any other. A penny that died in between is on the list
//! of the reconciliation.

mod noting;
mod reserving;

use domain::ekyc::{
    Ask, Ended, Issues, Journey, JourneyId, JourneyState, Limits, Method, Start, Verdict, judge,
    start,
};
use domain::ids::AuthId;
use domain::problem::Problem;
use http_api::{Caller, Failure, Reply, Request, Stated};
use jiff::Timestamp;
use runtime::{Idempotency, pause};
use store::ekyc::{Ekyc, Place, Slot, SubjectHead};
use store::{CommitError, Item, Transaction};

use crate::answer::Answer;
use crate::app::{Core, RETRIES, broken};
use crate::path::{not_active, unknown_subject};

pub(crate) use noting::{
    Note, Parts, Released, fail, free_alone, note_sent, perhaps, release, was_told, write,
};
pub(crate) use reserving::{
    Drawn, Opening, Reserved, count_check, draw, life_of, penny, reserve, stood,
};

/// A request's idempotency: the record of its answer, and the name under which its work is recognised before there is an
/// answer.
pub(crate) struct Once {
    pub(crate) record: Option<Idempotency>,
    pub(crate) name: Option<String>,
}

impl Once {
    /// The idempotency of a request, or the answer that it was given before.
    pub(crate) async fn of(
        core: &Core,
        caller: &Caller,
        request: &Request,
    ) -> Result<Result<Self, Reply>, Failure> {
        let Some(record) = Idempotency::of(request, caller)? else {
            return Ok(Ok(Self { record: None, name: None }));
        };
        let now = core.clock.now();
        if let Some(earlier) = record.replay(core.table(), &core.ring, now).await? {
            return Ok(Err(earlier));
        }
        let name = record.name(&core.ring).await.map_err(broken)?;
        Ok(Ok(Self { record: Some(record), name: Some(name) }))
    }

    /// Adds the record of an answer to the transaction of its effect.
    pub(crate) async fn keep(
        &self,
        core: &Core,
        transaction: &mut Transaction,
        reply: &Reply,
    ) -> Result<(), Failure> {
        if let Some(record) = &self.record {
            let now = core.clock.now();
            record.record(transaction, core.table(), &core.ring, reply, now).await?;
        }
        Ok(())
    }

    /// Keeps an answer that had no effect of its own to ride along with, so that the same key gets it again and asks no
    /// bank a second time. One that says when to come again is not kept: the same key may come again with it. 1 round
    /// trip, and none without a key.
    pub(crate) async fn answered(&self, core: &Core, reply: Reply) -> Result<Reply, Failure> {
        if self.record.is_none() || reply.header("retry-after").is_some() {
            return Ok(reply);
        }
        for round in 0..=RETRIES {
            if round > 0 {
                pause(round, &*core.random).await;
            }
            let mut transaction = Transaction::new();
            self.keep(core, &mut transaction, &reply).await?;
            let Err(refused) = Box::pin(transaction.commit(core.table())).await else {
                return Ok(reply);
            };
            if let Some(earlier) = self.earlier(core, &refused).await? {
                return Ok(earlier);
            }
            if let CommitError::Store(error) = refused {
                return Err(broken(error));
            }
        }
        Ok(reply)
    }

    /// The answer of another request with this key, when that is what stood in the way.
    pub(crate) async fn earlier(
        &self,
        core: &Core,
        refused: &CommitError,
    ) -> Result<Option<Reply>, Failure> {
        match &self.record {
            Some(record) => Ok(record.replay_of(refused, &core.ring).await?),
            None => Ok(None),
        }
    }
}

/// What a new session is decided by.
pub(crate) struct Look {
    pub subject: Item,
    pub head: SubjectHead,
    pub issues: Issues,
    pub journey_id: JourneyId,
    pub journey: Option<Journey>,
}

/// Reads what a new session is decided by. 1 round trip, 2 when the journey of the last session is gone on with.
pub(crate) async fn look(
    core: &Core,
    place: &Place,
    method: Method,
    asked: Option<&JourneyId>,
    must_be_known: bool,
) -> Result<Look, Failure> {
    let standing = core.ekyc.standing(place, method, asked).await.map_err(broken)?;
    let subject = standing.subject.ok_or_else(|| unknown_subject(place.subject.kind()))?;
    let head = Ekyc::head(&subject).map_err(broken)?;
    let (issues, mut journey) = (standing.issues, standing.journey);
    if asked.is_some() && must_be_known && journey.is_none() {
        return Err(not_active());
    }
    let journey_id = match (asked, &issues.journey) {
        (Some(asked), _) => asked.clone(),
        (None, None) => core.new_journey()?,
        (None, Some(last)) => {
            journey = core.ekyc.journey(place, method, last).await.map_err(broken)?;
            last.clone()
        }
    };
    Ok(Look { subject, head, issues, journey_id, journey })
}

/// A slot for a new code.
pub(crate) struct Free {
    /// So many remain after it.
    pub remaining: i64,
    /// The limits of its session.
    pub limits: Limits,
}

/// Whether to go on, or what to answer.
pub(crate) enum Decided {
    /// A slot is free.
    Free(Free),
    /// This is the answer.
    Answer(Reply),
    /// The same request is under way, or its process died: this is the answer, and its own is still to be kept.
    UnderWay(Reply),
    /// Something that was left unfinished has been finished, or another request came first: look again.
    Again,
}

/// What is asked for, apart from what was looked up.
pub(crate) struct Wish<'a> {
    pub method: Method,
    pub destination: Option<&'a str>,
    pub once: &'a Once,
}

/// Decides by the contract's order, and sets the lock that the decision may bring.
pub(crate) async fn decide(
    core: &Core,
    place: &Place,
    look: &Look,
    wish: &Wish<'_>,
    limits: &Limits,
    now: Timestamp,
) -> Result<Decided, Failure> {
    let snapshot = snapshot(core, place, look).await?;
    let running = snapshot.as_ref().unwrap_or(limits);
    if finish_overdue(core, place, wish.method, look, running, now).await? {
        return Ok(Decided::Again);
    }
    let mut ask = Ask {
        kind: place.subject.kind(),
        method: wish.method,
        destination: wish.destination.filter(|_| wish.method == Method::Otp),
        request: wish.once.name.as_deref(),
        resend: false,
    };
    let journey = look.journey.as_ref();
    let mut begun = start(&ask, &look.issues, journey, limits, now);
    if let Start::Repeated(auth, of) = &begun
        && !is_unused(core, place, wish, *auth, of, now).await?
    {
        // Its code came back or will not: a second click is a new wish.
        ask.destination = None;
        begun = start(&ask, &look.issues, journey, limits, now);
    }
    let answer = match begun {
        Start::Free(remaining) => {
            let limits = limits_of_next(limits, snapshot.as_ref());
            return Ok(Decided::Free(Free { remaining, limits }));
        }
        Start::Failed => {
            let live = journey.and_then(|journey| journey.live.as_ref());
            let failed = Answer::of("failed").info("scope", Ended::Journey.as_str());
            match live {
                Some(live) => failed.session(live.auth, &look.journey_id),
                None => failed.journey(Some(&look.journey_id)),
            }
        }
        Start::Authenticated => {
            let live = journey.and_then(|journey| journey.live.as_ref());
            let done = Answer::of("authenticated");
            match live {
                Some(live) => done.session(live.auth, &look.journey_id),
                None => done.journey(Some(&look.journey_id)),
            }
        }
        Start::Same(auth, of) => {
            let remaining = look.issues.remaining(limits, now);
            let same = Answer::of("duplicate").session(auth, &of).passcodes(remaining);
            return same.reply().map(Decided::UnderWay);
        }
        Start::Repeated(auth, of) => {
            let remaining = look.issues.remaining(limits, now);
            Answer::of("duplicate").session(auth, &of).passcodes(remaining)
        }
        Start::NoMoreCodes { retry_after, lock_until } => {
            if let Some(until) = lock_until {
                let locked = core.ekyc.lock(place, wish.method, &look.issues, until).await;
                if !locked.map_err(broken)? {
                    // Another request wrote first: what was decided by is no longer so.
                    return Ok(Decided::Again);
                }
            }
            Answer::of("noMoreCodes")
                .journey(Some(&look.journey_id))
                .passcodes(0)
                .retry_after(retry_after)
        }
    };
    answer.reply().map(Decided::Answer)
}

/// The limits that the newest session was created under, where a wrong code makes them matter: a session is judged by its
/// own, whatever was configured since. 1 round trip, and none where no code was wrong.
async fn snapshot(core: &Core, place: &Place, look: &Look) -> Result<Option<Limits>, Failure> {
    let judged = look
        .journey
        .as_ref()
        .filter(|journey| journey.state == JourneyState::Open && journey.wrong > 0);
    let Some(live) = judged.and_then(|journey| journey.live.as_ref()) else { return Ok(None) };
    let (_, session) = Box::pin(core.ekyc.session(place, live.auth)).await.map_err(broken)?;
    Ok(session.map(|session| session.limits))
}

/// The limits of a journey's next session: those in force, but a journey that has wrong codes keeps the room that it had.
/// Otherwise a lower maximum would fail it by the codes that were wrong before.
fn limits_of_next(limits: &Limits, snapshot: Option<&Limits>) -> Limits {
    let mut next = limits.clone();
    if let Some(before) = snapshot {
        next.maximum_number_of_invalid_validates = next
            .maximum_number_of_invalid_validates
            .max(before.maximum_number_of_invalid_validates);
    }
    next
}

/// A journey whose limit was reached but whose end was not written, because its writer died.
async fn finish_overdue(
    core: &Core,
    place: &Place,
    method: Method,
    look: &Look,
    limits: &Limits,
    now: Timestamp,
) -> Result<bool, Failure> {
    let Some(journey) = &look.journey else { return Ok(false) };
    let Some(live) = &journey.live else { return Ok(false) };
    let Verdict::Overdue(ended) = judge(live.state, live.auth, journey, limits, now) else {
        return Ok(false);
    };
    let slot = Slot { place, method, journey: &look.journey_id, auth: live.auth };
    fail(core, &slot, look.head.customer, live.state, ended).await?;
    Ok(true)
}

async fn is_unused(
    core: &Core,
    place: &Place,
    wish: &Wish<'_>,
    auth: AuthId,
    journey: &JourneyId,
    now: Timestamp,
) -> Result<bool, Failure> {
    let journey = core.ekyc.journey(place, wish.method, journey).await.map_err(broken)?;
    Ok(journey.is_some_and(|journey| {
        journey.state == JourneyState::Open
            && journey
                .live(auth)
                .is_some_and(|live| live.state.is_open() && live.code.expires_at > now)
    }))
}

/// The subject's customer is not active any more, or has gone: the answer that the other routes of subjects give.
pub(crate) fn inactive() -> Failure {
    let expected = "an active customer";
    Failure::field("customerId", Problem::UnknownReference { expected })
}

/// Nothing to send to.
pub(crate) const fn no_destination() -> Failure {
    Failure::Stated(Stated {
        status: 400,
        state: "noDestination",
        detail: "The request names no destination and none is held",
    })
}

/// The service will not send there.
pub(crate) const fn destination_rejected() -> Failure {
    Failure::Stated(Stated {
        status: 400,
        state: "destinationRejected",
        detail: "The destination does not take messages",
    })
}
