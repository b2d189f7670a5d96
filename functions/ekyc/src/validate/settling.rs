//! What becomes of an attempt that was counted: compared, and settled in one transaction as right or as wrong.

use domain::ekyc::{
    Channel, Ended, Journey, JourneyState, Live, Method, SessionState, Verdict, judge, settle_wrong,
};
use domain::event::EkycStep;
use domain::network::Fingerprint;
use domain::proof::{Proof, ProofKind, ProofMethod};
use http_api::{Failure, Reply};
use runtime::{failpoint, pause};
use store::Transaction;
use store::customers::Commit;
use store::ekyc::{Ekyc, JOURNEY, Moved, Slot};

use super::Trial;
use crate::app::{RETRIES, account_of, actor, broken, session_event};
use crate::guard::{FAILURES, Failures, Ticket};
use crate::passcode::{Challenge, Passcode};
use crate::path::not_active;

/// What became of a claimed attempt.
enum Spent {
    /// It is settled; this is its answer.
    Settled(Reply),
    /// It is nobody's: another request has settled the matter; this is the answer.
    Answered(Reply),
    /// It is nobody's: what it was for is gone.
    Gone(Failure),
}

impl Trial<'_> {
    /// Uses a claimed attempt, and gives it back when it was not settled: another request's answer stands, or nothing
    /// could be written. What failed so that it may have been written is not given back.
    pub(super) async fn spend(
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
            Ok(Spent::Gone(failure)) => {
                self.give_back().await?;
                Err(failure)
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
                    Verdict::Authenticated => {
                        self.once.answered(core, reply).await.map(Spent::Answered)
                    }
                    Verdict::Failed(ended) | Verdict::Overdue(ended) => {
                        let failed = self.failed(ended)?;
                        self.once.answered(core, failed).await.map(Spent::Answered)
                    }
                    _ => Ok(Spent::Gone(not_active())),
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
        let account = match kind {
            ProofKind::BankAccount => Some(self.known_account().await?),
            ProofKind::Phone | ProofKind::Email => None,
        };
        let proof = Proof {
            method,
            masked: self.session.masked.clone(),
            index: index.to_owned(),
            auth: self.slot.auth,
            at: now,
        };
        let event = session_event(&self.slot, EkycStep::Authenticated, None);
        let mut after = before.clone();
        let change = after.prove(kind, proof, account, event, now);
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

    /// By what the network of partners knows the account that the penny went to.
    async fn known_account(&self) -> Result<Fingerprint, Failure> {
        let (core, partner) = (&self.app.core, self.slot.place.partner);
        let plain = core.ekyc.open_destination(partner, self.session).await.map_err(broken)?;
        let malformed = || broken("a stored account is not as written");
        let account = account_of(&plain).ok_or_else(malformed)?;
        core.network.known_as(&account).await.map_err(broken)
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
                self.note_failure(&mut transaction, live, ended)?;
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

    /// Notes that a session failed, whose journey is moved beside it from where `live` stands.
    pub(super) fn note_failure(
        &self,
        transaction: &mut Transaction,
        live: &Live,
        ended: Ended,
    ) -> Result<(), Failure> {
        let core = &self.app.core;
        let (place, auth, reason) = (self.slot.place, live.auth, ended.as_str());
        core.ekyc.end_session(transaction, place, auth, SessionState::Failed, Some(reason));
        let slot = Slot { auth, ..self.slot.clone() };
        core.tell_failed(transaction, &slot, self.head.customer, live.state, reason)
    }
}
