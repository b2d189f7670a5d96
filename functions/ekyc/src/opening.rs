//! What both methods do to open a session: look, decide, reserve a slot, and afterwards either note that it was sent or
//! give the slot back.
//!
//! Kill-safety. The slot, the journey, the session and the code's digest are written by one transaction before anything
//! leaves. A function that dies after it leaves a session in `sending`: its slot counts (so no more messages leave than
//! the limit allows), its code is accepted (it may have arrived), the same idempotency key and a double click find it
//! again, a newer session takes its place, and it expires like any other. A penny that died in between is on the list
//! of the reconciliation.

use domain::ekyc::{
    Ask, Code, Ended, Issued, Issues, Journey, JourneyId, JourneyState, Limits, Method,
    SessionState, Start, Verdict, judge, start,
};
use domain::event::EkycStep;
use domain::ids::{AuthId, CustomerId};
use http_api::{Caller, Failure, Reply, Request, Stated};
use jiff::{SignedDuration, Timestamp};
use runtime::Idempotency;
use store::ekyc::{Ekyc, ISSUES, JOURNEY, Penny, Place, Session, Slot, SubjectHead};
use store::{CommitError, Item, Transaction};

use crate::answer::Answer;
use crate::app::{Core, broken};
use crate::passcode::{Challenge, Passcode};
use crate::path::{not_active, unknown_subject};

/// How often a code that equals a live one is drawn again.
const REDRAWS: usize = 5;

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
    /// Something that was left unfinished has been finished: look again.
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
        Start::Same(auth, of) | Start::Repeated(auth, of) => {
            let remaining = look.issues.remaining(limits, now);
            Answer::of("duplicate").session(auth, &of).passcodes(remaining)
        }
        Start::NoMoreCodes { retry_after, lock_until } => {
            if let Some(until) = lock_until {
                core.ekyc.lock(place, wish.method, &look.issues, until).await.map_err(broken)?;
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
    fail(core, &slot, look.head.customer, ended, ended.as_str()).await?;
    Ok(true)
}

/// Ends a session that is open, whoever does it first.
pub(crate) async fn fail(
    core: &Core,
    slot: &Slot<'_>,
    customer: CustomerId,
    ended: Ended,
    reason: &str,
) -> Result<(), Failure> {
    let mut transaction = Transaction::new();
    core.ekyc.fail(&mut transaction, slot, ended);
    core.ekyc.end_session(
        &mut transaction,
        slot.place,
        slot.auth,
        SessionState::Failed,
        Some(reason),
    );
    core.tell(&mut transaction, slot, customer, EkycStep::Failed, Some(reason))?;
    match Box::pin(transaction.commit(core.table())).await {
        // Somebody else moved it: whoever asked looks again.
        Ok(()) | Err(CommitError::Refused(_) | CommitError::Conflict) => Ok(()),
        Err(error) => Err(broken(error)),
    }
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

/// A code that no live code of the subject equals, or the live one that it keeps equalling.
pub(crate) enum Drawn {
    Fresh(Passcode),
    Equal(Box<Issued>),
}

/// Draws a code.
pub(crate) async fn draw(
    core: &Core,
    place: &Place,
    method: Method,
    limits: &Limits,
    issues: &Issues,
    now: Timestamp,
) -> Result<Drawn, Failure> {
    let length = u8::try_from(limits.code_length).map_err(broken)?;
    let mut code = core.passcodes.draw(length);
    let mut equal = equal(core, place, method, issues, &code, now).await?;
    for _ in 0..REDRAWS {
        if equal.is_none() {
            break;
        }
        code = core.passcodes.draw(length);
        equal = self::equal(core, place, method, issues, &code, now).await?;
    }
    // A code is bound to its session, so an equal one does no harm; only the passcodes' contract minds.
    Ok(match equal.filter(|_| method == Method::Otp) {
        None => Drawn::Fresh(code),
        Some(issued) => Drawn::Equal(Box::new(issued)),
    })
}

async fn equal(
    core: &Core,
    place: &Place,
    method: Method,
    issues: &Issues,
    code: &Passcode,
    now: Timestamp,
) -> Result<Option<Issued>, Failure> {
    for issued in issues.live_codes(now) {
        let challenge = Challenge {
            auth: issued.auth,
            partner: place.partner,
            purpose: method,
            destination: &issued.destination,
        };
        let same = core.passcodes.matches(&challenge, code, &issued.digest).await;
        if same.map_err(broken)? {
            return Ok(Some(issued.clone()));
        }
    }
    Ok(None)
}

/// A session about to be reserved.
pub(crate) struct Opening<'a> {
    pub place: &'a Place,
    pub look: &'a Look,
    pub session: Session,
    pub code: &'a Passcode,
    pub once: &'a Once,
    pub now: Timestamp,
}

/// Whether the slot was taken.
pub(crate) enum Reserved {
    /// It was, by this code.
    Yes(Code),
    /// Another request came first: look again.
    No,
}

/// Takes the slot: the codes made so far, the journey, the session (and the penny), all or nothing. 1 round trip.
pub(crate) async fn reserve(core: &Core, opening: &Opening<'_>) -> Result<Reserved, Failure> {
    let Opening { place, look, session, code, once, now } = opening;
    let (limits, method) = (&session.limits, session.method);
    let expires_at = life_of(limits, *now);
    let challenge = Challenge {
        auth: session.auth,
        partner: place.partner,
        purpose: method,
        destination: &session.destination,
    };
    let digest = core.passcodes.protect(&challenge, code).await.map_err(broken)?;
    let code = Code { digest, expires_at };
    let slot = Slot { place, method, journey: &look.journey_id, auth: session.auth };
    let issued = Issued {
        at: *now,
        auth: session.auth,
        journey: look.journey_id.clone(),
        destination: session.destination.clone(),
        digest: code.digest.clone(),
        expires_at,
        request: once.name.clone(),
    };
    let mut issues = look.issues.clone();
    let before = issues.version;
    issues.version += 1;
    issues.add(slot.code_name(1), issued, limits);
    let mut transaction = Transaction::new();
    core.ekyc.put_issues(&mut transaction, &slot, &issues, before).map_err(broken)?;
    core.ekyc.begin(&mut transaction, &slot, &code);
    core.ekyc.put_session(&mut transaction, place, session).map_err(broken)?;
    if method == Method::PennyDrop {
        core.ekyc.put_penny(&mut transaction, &penny(opening)).map_err(broken)?;
    }
    match Box::pin(transaction.commit(core.table())).await {
        Ok(()) => Ok(Reserved::Yes(code)),
        Err(CommitError::Refused(_) | CommitError::Conflict) => Ok(Reserved::No),
        Err(error) => Err(broken(error)),
    }
}

/// The end of a code that is made now.
pub(crate) fn life_of(limits: &Limits, now: Timestamp) -> Timestamp {
    let life = SignedDuration::from_millis(limits.passcode_expiry_in_milliseconds);
    now.saturating_add(life).unwrap_or(Timestamp::MAX)
}

/// The entry of a session's payment.
pub(crate) fn penny(opening: &Opening<'_>) -> Penny {
    Penny {
        partner: opening.place.partner,
        subject: opening.place.subject.as_str().to_owned(),
        customer: opening.look.head.customer,
        journey: opening.look.journey_id.clone(),
        auth: opening.session.auth,
        since: opening.now,
        phase: store::ekyc::PennyPhase::Unknown,
        payment: None,
    }
}

/// What a provider said of a send, to be noted.
#[derive(Default)]
pub(crate) struct Note<'a> {
    /// Its id of the message or payment.
    pub provider: Option<&'a str>,
    /// What the fraud guard remembers.
    pub guard: Option<&'a str>,
    /// The payment to be followed until it is final.
    pub penny: Option<&'a Penny>,
}

/// Notes that a session's first code was sent: the journey moves on, the event goes out, the answer is kept. 1 round
/// trip. A journey that has moved on already (the code came back, a newer session began) is left alone.
pub(crate) async fn note_sent(
    core: &Core,
    slot: &Slot<'_>,
    customer: CustomerId,
    note: &Note<'_>,
    once: &Once,
    reply: Reply,
) -> Result<Reply, Failure> {
    let (mut moves, mut tells) = (true, true);
    for round in 0..=crate::app::RETRIES {
        if round > 0 {
            runtime::pause(round, &*core.random).await;
        }
        let mut transaction = Transaction::new();
        if moves {
            core.ekyc.sent(&mut transaction, slot);
        }
        core.ekyc.note_send(&mut transaction, slot.place, slot.auth, note.provider, note.guard);
        if let (Some(penny), Some(payment)) = (note.penny, note.provider) {
            core.ekyc.accept_penny(&mut transaction, penny, payment);
        }
        if tells {
            core.tell(&mut transaction, slot, customer, EkycStep::Initiated, None)?;
        }
        once.keep(core, &mut transaction, &reply).await?;
        if transaction.is_empty() {
            return Ok(reply);
        }
        let Err(refused) = Box::pin(transaction.commit(core.table())).await else {
            return Ok(reply);
        };
        if let Some(earlier) = once.earlier(core, &refused).await? {
            return Ok(earlier);
        }
        match refused {
            refused if refused.refusal(JOURNEY).is_some() => {
                moves = false;
                let standing = Ekyc::standing_journey(&refused).map_err(broken)?;
                tells = !standing.is_some_and(|journey| was_told(&journey, slot.auth));
            }
            CommitError::Conflict => {}
            refused => return Err(broken(refused)),
        }
    }
    Err(Failure::Conflict)
}

/// Whether the code came back before anybody noted that it was sent: then the same transaction told both.
pub(crate) fn was_told(journey: &Journey, auth: AuthId) -> bool {
    journey.live(auth).is_some_and(|live| live.state == SessionState::Authenticated)
}

/// Gives the slot of a session back of which nothing was sent. What has gone its own way meanwhile is left alone.
pub(crate) async fn release(
    core: &Core,
    slot: &Slot<'_>,
    reason: &str,
    penny: Option<&Penny>,
    event: Option<CustomerId>,
) -> Result<(), Failure> {
    let (mut counts, mut moves) = (true, true);
    for round in 0..=crate::app::RETRIES {
        if round > 0 {
            runtime::pause(round, &*core.random).await;
        }
        let mut transaction = Transaction::new();
        if counts {
            core.ekyc.drop_issued(&mut transaction, slot, 1);
        }
        if moves {
            core.ekyc.cancel(&mut transaction, slot);
            let cancelled = SessionState::Cancelled;
            core.ekyc.end_session(&mut transaction, slot.place, slot.auth, cancelled, Some(reason));
            if let Some(customer) = event {
                core.tell(&mut transaction, slot, customer, EkycStep::Failed, Some(reason))?;
            }
        }
        if let Some(penny) = penny {
            core.ekyc.drop_penny(&mut transaction, penny);
        }
        if transaction.is_empty() {
            return Ok(());
        }
        match Box::pin(transaction.commit(core.table())).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(refused @ CommitError::Refused(_)) => {
                if refused.refusal(store::ekyc::PENNY).is_some() {
                    // Another run has done it.
                    return Ok(());
                }
                counts &= refused.refusal(ISSUES).is_none();
                moves &= refused.refusal(JOURNEY).is_none();
            }
            Err(error) => return Err(broken(error)),
        }
    }
    Err(Failure::Conflict)
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
