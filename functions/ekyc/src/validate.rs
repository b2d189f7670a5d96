//! The code comes back: counted first, compared after, settled last.
//!
//! Round trips: 1 BatchGetItem (subject and session), 1 UpdateItem that counts the attempt against both limits and brings
//! the digest to compare with (beside it 1 GetItem of the destination's wrong codes), 1 TransactWriteItems that settles; a right code reads the customer, on whom it shows, with
//! 1 GetItem more. With an idempotency key 1 GetItem more, and the record rides along.
//!
//! A right code within the limit always authenticates, however many wrong ones are under way: an attempt counts as wrong
//! when it is settled, and a session fails when its wrong ones reach the limit. Claims whose process died are taken for
//! wrong once nobody can be working on them.
//!
//! Kill points: `otp.counted`, `otp.compared`, `otp.settled` (`pennydrop.…` for a penny drop).

use domain::ekyc::{
    Channel, Ended, Journey, JourneyState, Method, SessionState, Verdict, attempts_left, judge,
    settle_wrong,
};
use domain::event::EkycStep;
use domain::problem::Problem;
use domain::proof::{Proof, ProofKind, ProofMethod};
use http_api::{Caller, Failure, ObjectReader, Reply, Request};
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, Settings, failpoint, pause};
use store::customers::Commit;
use store::ekyc::{Ekyc, JOURNEY, Moved, Session, Slot, SubjectHead};
use store::{CommitError, Transaction};

use crate::answer::Answer;
use crate::app::{Core, RETRIES, actor, broken, session_event};
use crate::guard::{FAILURES, Failures, Guard, Policy, Ticket};
use crate::opening::{Once, fail};
use crate::passcode::{Challenge, Passcode};
use crate::path::{self, not_active};

/// Longer than any of our functions may run: a claim that is older belongs to nobody.
const ABANDONED: SignedDuration = SignedDuration::from_secs(60);

/// What validating needs.
pub struct ValidateApp {
    pub(crate) core: Core,
    pub(crate) guard: Guard,
}

impl ValidateApp {
    /// The app of a deployed function; nothing is called yet.
    ///
    /// # Errors
    /// Every missing setting, or the first that cannot be used.
    pub fn start(clients: &Clients) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let core = Core::start(clients)?;
        let policy = Policy::from_settings(&mut Settings::default())?;
        let guard = Guard::start(core.table().clone(), &policy);
        Ok(Self::new(core, guard))
    }

    /// The app over any core.
    #[must_use]
    pub const fn new(core: Core, guard: Guard) -> Self {
        Self { core, guard }
    }
}

/// `passcode`, or one of the names that callers of other products use for it.
fn read_code(object: &ObjectReader<'_>) -> Option<(&'static str, Passcode)> {
    let given = ["passcode", "otp", "code"].into_iter().find(|name| object.has(name));
    let given = given.unwrap_or("passcode");
    object.required(given, Passcode::parse).map(|code| (given, code))
}

/// What became of a claimed attempt.
enum Spent {
    /// It is settled; this is its answer.
    Settled(Reply),
    /// Another request with the same key was settled; this is that one's answer.
    Answered(Reply),
}

/// One validation that is going on.
struct Trial<'a> {
    app: &'a ValidateApp,
    caller: &'a Caller,
    request: &'a Request,
    slot: Slot<'a>,
    head: SubjectHead,
    session: &'a Session,
    once: &'a Once,
}

/// `POST …/{authId}/validate` of both methods.
///
/// # Errors
/// [`Failure`].
pub async fn validate(
    app: &ValidateApp,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    Box::pin(try_code(app, caller, request)).await
}

async fn try_code(app: &ValidateApp, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let (core, method) = (&app.core, path::method(request));
    let (given, code) = request.read(read_code)?;
    let auth = path::auth(request)?;
    let place = path::place(core, caller, request).await?;
    let once = match Once::of(core, caller, request).await? {
        Ok(once) => once,
        Err(earlier) => return Ok(earlier),
    };
    let (head, session) = path::session(core, &place, method, auth).await?;
    let length = i64::try_from(code.len()).unwrap_or(i64::MAX);
    if length != session.limits.code_length {
        let expected = "a passcode of as many digits as the session's";
        return Err(Failure::field(given, Problem::Malformed { expected }));
    }
    let slot = Slot { place: &place, method, journey: &session.journey, auth };
    let trial = Trial { app, caller, request, slot, head, session: &session, once: &once };
    // What ended by its own record needs no look at the journey.
    match session.state {
        SessionState::Authenticated => return trial.authenticated(),
        SessionState::Cancelled => return Err(not_active()),
        SessionState::Sending | SessionState::Initiated | SessionState::Failed => {}
    }
    Box::pin(trial.run(&code)).await
}

impl Trial<'_> {
    async fn run(&self, code: &Passcode) -> Result<Reply, Failure> {
        let core = &self.app.core;
        for round in 0..=RETRIES {
            if round > 0 {
                pause(round, &*core.random).await;
            }
            let now = core.now();
            let claim = Box::pin(core.ekyc.claim(&self.slot, &self.session.limits, now));
            let failures = self.app.guard.failures(self.slot.place.partner, self.fingerprint());
            let (claimed, failures) = tokio::join!(claim, Box::pin(failures));
            let standing = match claimed.map_err(broken)? {
                Moved::Done(journey) => {
                    failpoint(self.step("counted"));
                    let failures = failures.map_err(broken);
                    return Box::pin(self.spend(code, journey, failures)).await;
                }
                Moved::Conflict => continue,
                Moved::Refused(standing) => standing.ok_or_else(not_active)?,
            };
            if let Some(reply) = Box::pin(self.refused(&standing, now)).await? {
                return Ok(reply);
            }
        }
        Err(Failure::Conflict)
    }

    /// Why no attempt could be claimed. `None` when it is worth trying again.
    async fn refused(&self, standing: &Journey, now: Timestamp) -> Result<Option<Reply>, Failure> {
        let (core, limits) = (&self.app.core, &self.session.limits);
        match judge(self.session.state, self.slot.auth, standing, limits, now) {
            Verdict::Authenticated => self.authenticated().map(Some),
            Verdict::Failed(ended) => self.failed(ended).map(Some),
            Verdict::NotActive => Err(not_active()),
            Verdict::Overdue(ended) => {
                fail(core, &self.slot, self.head.customer, ended, ended.as_str()).await?;
                Ok(None)
            }
            Verdict::Expired => Box::pin(self.expired(standing)).await,
            Verdict::Crowded => {
                let old = |claimed: Timestamp| now.duration_since(claimed) > ABANDONED;
                if standing.claimed_at.is_some_and(old) {
                    let wrote = core.ekyc.write_off(&self.slot, standing);
                    Box::pin(wrote).await.map_err(broken)?;
                }
                Ok(None)
            }
            Verdict::Open => Ok(None),
        }
    }

    /// Counts a code that came too late, or ends the session when that has happened too often.
    async fn expired(&self, standing: &Journey) -> Result<Option<Reply>, Failure> {
        let core = &self.app.core;
        let ended = standing.expired >= self.session.limits.maximum_number_of_expired_validates;
        let reply =
            if ended { self.failed(Ended::Session)? } else { self.answer("expired").reply()? };
        let mut transaction = Transaction::new();
        if ended {
            core.ekyc.fail(&mut transaction, &self.slot, Ended::Session);
            self.note_failure(&mut transaction, self.slot.auth, Ended::Session)?;
        } else {
            core.ekyc.count_expired(&mut transaction, &self.slot, standing);
        }
        self.once.keep(core, &mut transaction, &reply).await?;
        match Box::pin(transaction.commit(core.table())).await {
            Ok(()) => Ok(Some(reply)),
            Err(refused) => self.stood(refused).await,
        }
    }

    /// What stood in a transaction's way: another request's answer, or nothing that a retry does not mend.
    async fn stood(&self, refused: CommitError) -> Result<Option<Reply>, Failure> {
        if let Some(earlier) = self.once.earlier(&self.app.core, &refused).await? {
            return Ok(Some(earlier));
        }
        match refused {
            CommitError::Refused(_) | CommitError::Conflict => Ok(None),
            error => Err(broken(error)),
        }
    }

    /// Uses a claimed attempt, and gives it back when it was not settled: another request's answer stands, or nothing
    /// could be written. What failed so that it may have been written is not given back.
    async fn spend(
        &self,
        code: &Passcode,
        journey: Journey,
        failures: Result<Failures, Failure>,
    ) -> Result<Reply, Failure> {
        let compared = match failures {
            Ok(failures) => Box::pin(self.compare(code, journey, failures)).await,
            Err(failure) => {
                self.give_back().await?;
                return Err(failure);
            }
        };
        match compared {
            Ok(Spent::Settled(reply)) => Ok(reply),
            Ok(Spent::Answered(reply)) => {
                self.give_back().await?;
                Ok(reply)
            }
            Err(failure @ (Failure::Conflict | Failure::KeyReused)) => {
                self.give_back().await?;
                Err(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    /// An attempt that nobody gets an answer of its own for is not counted.
    async fn give_back(&self) -> Result<(), Failure> {
        let core = &self.app.core;
        let mut is_live = true;
        for round in 0..=RETRIES {
            if round > 0 {
                pause(round, &*core.random).await;
            }
            let back = Box::pin(core.ekyc.give_back(&self.slot, is_live));
            match back.await.map_err(broken)? {
                Moved::Done(_) => return Ok(()),
                Moved::Conflict => {}
                // A newer session took its place, or the claim was written off.
                Moved::Refused(standing) => {
                    let live =
                        standing.is_some_and(|journey| journey.live(self.slot.auth).is_some());
                    if live == is_live {
                        return Ok(());
                    }
                    is_live = live;
                }
            }
        }
        // It counts as wrong in the end, as that of a process that died.
        Ok(())
    }

    /// The blind index of the destination, whatever the channel.
    fn fingerprint(&self) -> &str {
        let held = self.session.destination.as_str();
        held.split_once('.').map_or(held, |(_, index)| index)
    }

    async fn compare(
        &self,
        code: &Passcode,
        journey: Journey,
        failures: Failures,
    ) -> Result<Spent, Failure> {
        let live = journey.live(self.slot.auth).ok_or_else(not_active)?;
        let challenge = Challenge {
            auth: self.slot.auth,
            partner: self.slot.place.partner,
            purpose: self.slot.method,
            destination: &self.session.destination,
        };
        let digest = live.code.digest.clone();
        let right = self.app.core.passcodes.matches(&challenge, code, &digest).await;
        // After too many wrong codes for its destination none is right; compared all the same, for the time it takes.
        let right = right.map_err(broken)? && !failures.stopped();
        failpoint(self.step("compared"));
        let spent = if right {
            Box::pin(self.settle_right(journey, failures)).await?
        } else {
            Box::pin(self.settle_wrong(journey, failures)).await?
        };
        failpoint(self.step("settled"));
        Ok(spent)
    }

    /// The right code: the session, the journey, the customer and the event in one transaction.
    async fn settle_right(&self, mut seen: Journey, failures: Failures) -> Result<Spent, Failure> {
        let core = &self.app.core;
        let mut clears = failures.any();
        let reply = self.authenticated()?;
        for round in 0..=RETRIES {
            if round > 0 {
                pause(round, &*core.random).await;
            }
            let from = seen.live(self.slot.auth).map_or(SessionState::Initiated, |live| live.state);
            let mut transaction = Transaction::new();
            if from == SessionState::Sending {
                // Whoever should have noted that it was sent died or is slow; the code shows that it was.
                let (customer, step) = (self.head.customer, EkycStep::Initiated);
                core.tell(&mut transaction, &self.slot, customer, step, None)?;
            }
            transaction.append(Box::pin(self.prove()).await?);
            core.ekyc.settle_right(&mut transaction, &self.slot, from);
            let (place, auth) = (self.slot.place, self.slot.auth);
            core.ekyc.end_session(&mut transaction, place, auth, SessionState::Authenticated, None);
            if clears {
                let guard = &self.app.guard;
                guard.clear_failures(&mut transaction, place.partner, self.fingerprint());
            }
            self.once.keep(core, &mut transaction, &reply).await?;
            let Err(refused) = Box::pin(transaction.commit(core.table())).await else {
                self.tell_guard().await;
                return Ok(Spent::Settled(reply));
            };
            clears &= refused.refusal(FAILURES).is_none();
            if let Some(standing) = Ekyc::standing_journey(&refused).map_err(broken)? {
                seen = standing;
            }
            let moved = refused.refusal(JOURNEY).is_some();
            if let Some(earlier) = self.stood(refused).await? {
                return Ok(Spent::Answered(earlier));
            }
            let open = seen.live(self.slot.auth).is_some_and(|live| live.state.is_open());
            if moved && open && seen.state == JourneyState::Open {
                // It was noted as sent meanwhile.
                continue;
            }
            if moved {
                // Somebody else's right code, the session's end, or a newer session came first.
                let (now, limits) = (core.now(), &self.session.limits);
                return match judge(self.session.state, self.slot.auth, &seen, limits, now) {
                    Verdict::Authenticated => Ok(Spent::Settled(reply)),
                    Verdict::Failed(ended) | Verdict::Overdue(ended) => {
                        self.failed(ended).map(Spent::Settled)
                    }
                    _ => Err(not_active()),
                };
            }
        }
        Err(Failure::Conflict)
    }

    /// The transaction that shows the proof on the customer and tells it. A customer that was erased meanwhile has no
    /// record to show it on.
    async fn prove(&self) -> Result<Transaction, Failure> {
        let (core, place) = (&self.app.core, self.slot.place);
        let now = core.clock.now();
        let found = core.customers.get(place.partner, self.head.customer).await.map_err(broken)?;
        let Some(before) = found else {
            let mut transaction = Transaction::new();
            let (customer, step) = (self.head.customer, EkycStep::Authenticated);
            core.tell(&mut transaction, &self.slot, customer, step, None)?;
            return Ok(transaction);
        };
        let (kind, method) = match (self.slot.method, self.session.channel) {
            (Method::PennyDrop, _) | (Method::Otp, None) => {
                (ProofKind::BankAccount, ProofMethod::PennyDrop)
            }
            (Method::Otp, Some(Channel::Sms)) => (ProofKind::Phone, ProofMethod::OtpSms),
            (Method::Otp, Some(Channel::Voice)) => (ProofKind::Phone, ProofMethod::OtpVoice),
            (Method::Otp, Some(Channel::Email)) => (ProofKind::Email, ProofMethod::OtpEmail),
        };
        let index = self.session.destination.split_once('.').map_or("", |(_, index)| index);
        let proof = Proof {
            method,
            masked: self.session.masked.clone(),
            index: index.to_owned(),
            auth: self.slot.auth,
            at: now,
        };
        let event = session_event(&self.slot, EkycStep::Authenticated, None);
        let mut after = before.clone();
        let change = after.prove(kind, proof, event, now);
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor(self.caller, self.request),
            now,
            owner: None,
            evidence: Vec::new(),
        };
        Box::pin(core.customers.prepare(commit)).await.map_err(broken)
    }

    /// The breaker learns that a code was used; it is no part of the answer.
    async fn tell_guard(&self) {
        let ticket = self.session.guard.as_deref();
        if let Some(ticket) = ticket.and_then(|text| serde_json::from_str::<Ticket>(text).ok()) {
            let _not_learned = Box::pin(self.app.guard.used(&ticket)).await.is_err();
        }
    }

    /// The wrong code: counted as wrong, and what ends by it ended, in one transaction.
    async fn settle_wrong(&self, mut seen: Journey, failures: Failures) -> Result<Spent, Failure> {
        let (core, auth) = (&self.app.core, self.slot.auth);
        let mut counts = !failures.stopped();
        for round in 0..=RETRIES {
            if round > 0 {
                pause(round, &*core.random).await;
            }
            let (mut ended, remaining) = settle_wrong(&seen, auth, &self.session.limits);
            let live = seen.live.as_ref().filter(|live| live.state.is_open());
            let mine = live.is_some_and(|live| live.auth == auth);
            if seen.state != JourneyState::Open || live.is_none() {
                ended = None;
            }
            if ended == Some(Ended::Session) && !mine {
                ended = None;
            }
            let reply = match ended {
                Some(ended) => self.failed(ended)?,
                // Another attempt's right code came first; this one was wrong all the same.
                None => self.answer("invalid").attempts(remaining.max(1)).reply()?,
            };
            let mut transaction = Transaction::new();
            core.ekyc.settle_wrong(&mut transaction, &self.slot, &seen, ended);
            if let (Some(ended), Some(live)) = (ended, live) {
                self.note_failure(&mut transaction, live.auth, ended)?;
            }
            if counts {
                let (guard, partner) = (&self.app.guard, self.slot.place.partner);
                guard.count_failure(&mut transaction, partner, self.fingerprint(), core.now());
            }
            self.once.keep(core, &mut transaction, &reply).await?;
            let Err(refused) = Box::pin(transaction.commit(core.table())).await else {
                return Ok(Spent::Settled(reply));
            };
            counts &= refused.refusal(FAILURES).is_none();
            let standing = Ekyc::standing_journey(&refused).map_err(broken)?;
            if let Some(earlier) = self.stood(refused).await? {
                return Ok(Spent::Answered(earlier));
            }
            match standing {
                Some(standing) => seen = standing,
                None => {
                    let (place, journey) = (self.slot.place, self.slot.journey);
                    let found = core.ekyc.journey(place, self.slot.method, journey).await;
                    seen = found.map_err(broken)?.ok_or_else(not_active)?;
                }
            }
        }
        Err(Failure::Conflict)
    }

    fn note_failure(
        &self,
        transaction: &mut Transaction,
        auth: domain::ids::AuthId,
        ended: Ended,
    ) -> Result<(), Failure> {
        let core = &self.app.core;
        let (place, reason) = (self.slot.place, ended.as_str());
        core.ekyc.end_session(transaction, place, auth, SessionState::Failed, Some(reason));
        let slot = Slot { auth, ..self.slot.clone() };
        core.tell(transaction, &slot, self.head.customer, EkycStep::Failed, Some(reason))
    }

    fn answer(&self, state: &'static str) -> Answer {
        Answer::of(state).session(self.slot.auth, self.slot.journey)
    }

    fn authenticated(&self) -> Result<Reply, Failure> {
        self.answer("authenticated").info("destination", self.session.masked.as_str()).reply()
    }

    fn failed(&self, ended: Ended) -> Result<Reply, Failure> {
        self.answer("failed").attempts(0).info("scope", ended.as_str()).reply()
    }

    const fn step(&self, step: &'static str) -> &'static str {
        match (self.slot.method, step.as_bytes()) {
            (Method::Otp, b"counted") => "otp.counted",
            (Method::Otp, b"compared") => "otp.compared",
            (Method::Otp, _) => "otp.settled",
            (Method::PennyDrop, b"counted") => "pennydrop.counted",
            (Method::PennyDrop, b"compared") => "pennydrop.compared",
            (Method::PennyDrop, _) => "pennydrop.settled",
        }
    }
}

/// `GET …/{authId}` of both methods: where a session stands. Reads only. 2 round trips.
///
/// # Errors
/// [`Failure`].
pub async fn status(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    Box::pin(stand(core, caller, request)).await
}

async fn stand(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let method = path::method(request);
    let auth = path::auth(request)?;
    let place = path::place(core, caller, request).await?;
    let (_, session) = path::session(core, &place, method, auth).await?;
    let now = core.now();
    let look = core.ekyc.standing(&place, method, Some(&session.journey));
    let look = Box::pin(look).await.map_err(broken)?;
    let journey = look.journey.ok_or_else(not_active)?;
    let limits = &session.limits;
    let (state, scope) = match judge(session.state, auth, &journey, limits, now) {
        Verdict::Authenticated => ("authenticated", None),
        Verdict::Failed(ended) | Verdict::Overdue(ended) => ("failed", Some(ended)),
        Verdict::NotActive => return Err(not_active()),
        Verdict::Expired => ("expired", None),
        Verdict::Crowded | Verdict::Open => ("initiated", None),
    };
    let mut answer = Answer::of(state)
        .session(auth, &session.journey)
        .passcodes(look.issues.remaining(limits, now))
        .info("destination", session.masked.as_str());
    if let Some(channel) = session.channel {
        answer = answer.info("channel", channel.as_str());
    }
    if let Some(ended) = scope {
        answer = answer.attempts(0).info("scope", ended.as_str());
    }
    if let Some(reason) = session.reason.as_deref().filter(|reason| *reason == "paymentReturned") {
        answer = answer.info("reason", reason);
    }
    if state == "initiated" {
        answer = answer.attempts(attempts_left(&journey, auth, limits));
        if let Some(live) = journey.live(auth) {
            answer = answer.info("expiresAt", live.code.expires_at.to_string());
            // The payment may not have been made yet; the reconciliation will know.
            if method == Method::PennyDrop && live.state == SessionState::Sending {
                answer = answer.info("payment", "pending");
            }
        }
    }
    answer.reply()
}
