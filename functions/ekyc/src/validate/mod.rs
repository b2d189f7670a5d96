//! The code comes back: counted first, compared after, settled last.
//!
//! Round trips: 1 BatchGetItem (subject and session), 1 UpdateItem that counts the attempt against both limits and brings
//! the digest to compare with (beside it 1 GetItem of the destination's wrong codes), 1 TransactWriteItems that settles. A
//! right code reads the customer, on whom it shows, with 1 GetItem more, and tells the guard with 2 UpdateItem; that of a
//! penny drop needs the keys of the network of partners as well, 1 Query once per process. With an idempotency key 1 GetItem
//! more, and the record rides along.
//!
//! A right code within the limit always authenticates, however many wrong ones are under way: an attempt counts as wrong
//! when it is settled, and a session fails when its wrong ones reach the limit. Claims whose process died are taken for
//! wrong once nobody can be working on them.
//!
//! Kill points: `otp.counted`, `otp.compared`, `otp.settled` (`pennydrop.…` for a penny drop).

mod settling;

use domain::ekyc::{Ended, Journey, Method, SessionState, Verdict, judge};
use domain::problem::Problem;
use http_api::{Caller, Failure, ObjectReader, Reply, Request};
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, Settings, failpoint, pause};
use store::ekyc::{Moved, SESSION, Session, Slot, SubjectHead};
use store::{CommitError, Transaction};

use crate::answer::Answer;
use crate::app::{Core, RETRIES, broken};
use crate::guard::{Guard, Policy};
use crate::opening::{Once, fail};
use crate::passcode::Passcode;
use crate::path::{self, not_active};
use crate::reconcile::RETURNED;

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
    let ((given, code), auth) = request.read(|object| {
        path::check_key(object, request);
        let auth = object.take("authId", path::read_auth(request));
        read_code(object).zip(auth)
    })?;
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
        SessionState::Authenticated => {
            return once.answered(core, trial.authenticated()?).await;
        }
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
            Verdict::Authenticated => {
                self.once.answered(core, self.authenticated()?).await.map(Some)
            }
            Verdict::Failed(ended) => self.once.answered(core, self.failed(ended)?).await.map(Some),
            Verdict::NotActive => Err(not_active()),
            Verdict::Overdue(ended) => {
                let from =
                    standing.live(self.slot.auth).map_or(self.session.state, |live| live.state);
                fail(core, &self.slot, self.head.customer, from, ended).await?;
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
        let live = standing.live(self.slot.auth).ok_or_else(not_active)?;
        if ended {
            core.ekyc.fail(&mut transaction, &self.slot, Ended::Session, live.state);
            self.note_failure(&mut transaction, live, Ended::Session)?;
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
            // Its customer was erased.
            refused if refused.refusal(SESSION).is_some() => Err(not_active()),
            CommitError::Refused(_) | CommitError::Conflict => Ok(None),
            error => Err(broken(error)),
        }
    }

    /// The blind index of the destination, whatever the channel.
    fn fingerprint(&self) -> &str {
        let held = self.session.destination.as_str();
        held.split_once('.').map_or(held, |(_, index)| index)
    }

    fn answer(&self, state: &'static str) -> Answer {
        Answer::of(state).session(self.slot.auth, self.slot.journey)
    }

    fn authenticated(&self) -> Result<Reply, Failure> {
        self.answer("authenticated").info("destination", self.session.masked.as_str()).reply()
    }

    fn failed(&self, ended: Ended) -> Result<Reply, Failure> {
        let failed = self.answer("failed").attempts(0).info("scope", ended.as_str());
        match self.session.reason.as_deref().filter(|reason| *reason == RETURNED) {
            Some(reason) => failed.info("reason", reason).reply(),
            None => failed.reply(),
        }
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
