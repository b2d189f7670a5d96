//! Trying one delivery: claim, look at the registration, post, record, arrange what follows.
//!
//! Invariants: a delivery is posted only by whoever holds its claim; what came of it is recorded before anything is
//! sent to the queue, and with it the time by which the sweep takes over, so the hand-off can not be lost; a delivery
//! that is recorded as delivered is never posted again. A crash between the post and its record posts the same event
//! again under the same id: at least once, as the contract says.
//!
//! Kill points, in order: `dispatch.claimed`, `dispatch.posted`, `dispatch.recorded`.

use std::time::Duration;

use crypto::CryptoError;
use domain::ids::{EventId, PartnerId, RegistrationId};
use http::HeaderMap;
use http_api::Contract;
use jiff::{SignedDuration, Timestamp};
use runtime::{Metric, count, failpoint};
use store::customers::{Customers, OwnIds};
use store::webhooks::{
    Attempt, Claim, Claimed, Delivery, DeliveryKey, Format, GRACE, Passed, Phase, Recorded,
    Registration, RegistrationKind,
};

use crate::address::AddressRules;
use crate::body::EventObject;
use crate::callback::CallbackUrl;
use crate::credentials::authorization;
use crate::envelope;
use crate::event_name::contract_of;
use crate::health::{Health, after_failure};
use crate::own_id;
use crate::post::{Answer, Call, Post};
use crate::queue::{DeliveryQueue, LONGEST_DELAY, Message};
use crate::schedule::{Failure, Schedule, Trial, Verdict};
use crate::signature;
use crate::worker::{Worker, WorkerError};

/// Longer than a post with the customer's read before and its record after it can take: a post ends within 15 seconds and
/// a table call within 12.
pub const LEASE: SignedDuration = SignedDuration::from_secs(45);

/// How often a decision is made again when the registration moved under it.
const ROUNDS: u32 = 6;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatched {
    /// The delivery is not to be tried now.
    Passed(Passed),
    /// The receiver has it.
    Delivered,
    /// It failed and will be tried again.
    TryAgain,
    /// It failed for the last time; its registration is suspended.
    Suspended,
    /// It waits behind its registration.
    Held,
    /// Nobody will try it again.
    Dropped,
    /// Another worker took over in the meantime.
    ClaimLost,
}

/// Tries deliveries.
pub struct Dispatcher<P, Q> {
    /// What every worker has.
    pub worker: Worker<Q>,
    /// Sends them.
    pub post: P,
    /// Whom deliveries are about, where their contract shows that.
    pub customers: Customers,
    /// What their partners call them.
    pub own_ids: OwnIds,
    /// Where to.
    pub rules: AddressRules,
}

/// What is to be sent, if anything.
enum Prepared {
    /// This.
    Call(Box<Call>),
    /// Nothing: the registration does not allow it, which counts as a failed try.
    Failed(Failure),
    /// Nothing, now or later: the data of whom it is about were erased.
    Erased,
}

enum Decision {
    Try(Trial),
    Hold,
    Drop,
}

fn decide(registration: Option<&Registration>, event: EventId, ping: bool) -> Decision {
    let Some(registration) = registration else { return Decision::Drop };
    if registration.kind == RegistrationKind::Poll {
        return Decision::Drop;
    }
    match registration.phase {
        Phase::Deleted => Decision::Drop,
        _ if ping => Decision::Try(Trial::Ping),
        Phase::Active => Decision::Try(Trial::Regular),
        Phase::Restarting if registration.probe == Some(event) => {
            Decision::Try(Trial::AfterRestart)
        }
        Phase::Restarting | Phase::Suspended => Decision::Hold,
    }
}

impl<P: Post, Q: DeliveryQueue> Dispatcher<P, Q> {
    /// Does what a message of the delivery queue asks for.
    ///
    /// # Errors
    /// [`WorkerError`]; the message should come again.
    pub async fn handle(&self, message: &Message) -> Result<(), WorkerError> {
        match message {
            Message::Deliver { partner, registration, event } => {
                self.deliver(*partner, *registration, *event).await.map(drop)
            }
            Message::Release { partner, registration } => {
                crate::release::release(&self.worker, *partner, *registration).await
            }
        }
    }

    /// Tries one delivery.
    ///
    /// # Errors
    /// [`WorkerError`]; whatever was claimed is due when its lease ends.
    pub async fn deliver(
        &self,
        partner: PartnerId,
        registration: RegistrationId,
        event: EventId,
    ) -> Result<Dispatched, WorkerError> {
        let webhooks = &self.worker.webhooks;
        let now = self.worker.now();
        let token = self.worker.token();
        let key = DeliveryKey::new(partner, event);
        let (claim, mut found) = tokio::try_join!(
            webhooks.claim(key, &token, now, now + LEASE),
            webhooks.registration_in_any_phase(partner, registration),
        )?;
        let claimed = match claim {
            Claim::Taken(claimed) => claimed,
            Claim::Passed(reason) => return Ok(Dispatched::Passed(reason)),
        };
        failpoint("dispatch.claimed");
        for round in 0..ROUNDS {
            if round > 0 {
                runtime::pause(round, &*self.worker.random).await;
                found = webhooks.registration_in_any_phase(partner, registration).await?;
            }
            let recorded = match (decide(found.as_ref(), event, claimed.delivery.ping), &found) {
                (Decision::Try(trial), Some(registration)) => {
                    return self.attempt(&claimed, registration, trial).await;
                }
                (Decision::Try(_) | Decision::Drop, _) => {
                    let recorded = webhooks.record_dropped(&claimed, None).await?;
                    (recorded, Dispatched::Dropped)
                }
                (Decision::Hold, _) => (webhooks.hold(&claimed).await?, Dispatched::Held),
            };
            match recorded {
                (Recorded::Written, outcome) => return Ok(outcome),
                (Recorded::ClaimLost, _) => return Ok(Dispatched::ClaimLost),
                // It was suspended, restarted or deleted since it was read.
                (Recorded::PhaseChanged | Recorded::Conflict, _) => {}
            }
        }
        Err(WorkerError::Unsettled)
    }

    async fn attempt(
        &self,
        claimed: &Claimed,
        registration: &Registration,
        trial: Trial,
    ) -> Result<Dispatched, WorkerError> {
        let at = self.worker.now();
        let answer = match self.call(claimed, registration, at).await? {
            Prepared::Call(call) => self.post.post(*call).await,
            Prepared::Failed(failure) => Answer { outcome: Err(failure), took: Duration::ZERO },
            Prepared::Erased => {
                let recorded = self.worker.webhooks.record_dropped(claimed, None).await?;
                return Ok(written(recorded, Dispatched::Dropped));
            }
        };
        failpoint("dispatch.posted");
        count(Metric::DeliveriesAttempted, 1);
        let attempt = attempt_of(at, answer);
        let tries = claimed.delivery.tries.saturating_add(1);
        let contract = contract_of(&claimed.delivery.event_name);
        let schedule = Schedule::of(contract);
        let mut verdict = schedule.verdict(trial, tries, answer.outcome, &*self.worker.random);
        if contract == Contract::Straddle {
            verdict = self.with_health(registration, trial, verdict, at).await?;
        }
        match verdict {
            Verdict::Delivered => self.delivered(claimed, attempt, trial).await,
            Verdict::Again(gap) => self.again(claimed, attempt, gap).await,
            Verdict::Suspend => self.suspend(claimed, attempt).await,
            Verdict::GiveUp => {
                count(Metric::DeliveriesFailed, 1);
                let recorded = self.worker.webhooks.record_dropped(claimed, Some(attempt)).await?;
                failpoint("dispatch.recorded");
                Ok(written(recorded, Dispatched::Dropped))
            }
        }
    }

    /// The request to send; an error is ours, what a registration causes is a [`Prepared`].
    async fn call(
        &self,
        claimed: &Claimed,
        registration: &Registration,
        at: Timestamp,
    ) -> Result<Prepared, WorkerError> {
        let Some(url) = &registration.callback_url else {
            return Ok(Prepared::Failed(Failure::Unusable));
        };
        // Read again under today's rules: what was registered under others must not be reached.
        let Ok(url) = CallbackUrl::parse(url, &self.rules) else {
            return Ok(Prepared::Failed(Failure::ForbiddenAddress));
        };
        let (keys, delivery) = (&self.worker.keys, &claimed.delivery);
        let contract = contract_of(&delivery.event_name);
        let (body, headers) = match contract {
            Contract::Straddle => {
                let Some(body) = self.envelope(delivery).await? else {
                    return Ok(Prepared::Erased);
                };
                // Made per try, from exactly these bytes.
                let headers = signature::headers(keys, registration, delivery.id, at, &body).await;
                match openable(headers)?.flatten() {
                    Some(headers) => (body, headers),
                    None => return Ok(Prepared::Failed(Failure::Unusable)),
                }
            }
            Contract::Cos | Contract::NewDay | Contract::OAuth => {
                let mut told = delivery.clone();
                if registration.format == Format::Extended {
                    own_id::complete(&self.own_ids, std::slice::from_mut(&mut told)).await?;
                }
                let body = EventObject::posted(&told, registration.format);
                (serde_json::to_vec(&body)?, HeaderMap::new())
            }
        };
        let Some(authorization) = openable(authorization(keys, registration).await)? else {
            return Ok(Prepared::Failed(Failure::Unusable));
        };
        let deadline = Schedule::of(contract).deadline();
        let call = Call { url, authorization, deadline, headers, body: body.into() };
        Ok(Prepared::Call(Box::new(call)))
    }

    /// The platform's body; `None` when the customer's data were erased.
    async fn envelope(&self, delivery: &Delivery) -> Result<Option<Vec<u8>>, WorkerError> {
        if delivery.ping {
            return Ok(Some(envelope::ping(delivery)?));
        }
        let Some(customer) = delivery.customer else { return Ok(None) };
        match self.customers.get(delivery.partner, customer).await? {
            Some(customer) => Ok(Some(envelope::body(delivery, &customer)?)),
            None => Ok(None),
        }
    }

    /// Keeps count of a receiver's failures, where these and not the last try of one event suspend it.
    async fn with_health(
        &self,
        registration: &Registration,
        trial: Trial,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Verdict, WorkerError> {
        let webhooks = &self.worker.webhooks;
        match (verdict, trial) {
            (Verdict::Delivered, _) => {
                if registration.failing().is_some() {
                    webhooks.note_success(registration).await?;
                }
            }
            (Verdict::Again(_) | Verdict::GiveUp, Trial::Regular) => {
                match after_failure(registration.failing(), now) {
                    Health::Note(failing) => {
                        webhooks.note_failing(registration, failing).await?;
                    }
                    Health::Known => {}
                    Health::WornOut => return Ok(Verdict::Suspend),
                }
            }
            // A test decides nothing, a restart has its own rule, and a suspension ends the streak.
            (Verdict::Again(_) | Verdict::GiveUp | Verdict::Suspend, _) => {}
        }
        Ok(verdict)
    }

    async fn delivered(
        &self,
        claimed: &Claimed,
        attempt: Attempt,
        trial: Trial,
    ) -> Result<Dispatched, WorkerError> {
        let webhooks = &self.worker.webhooks;
        let mut recorded = Recorded::PhaseChanged;
        if trial == Trial::AfterRestart {
            recorded = self
                .repeat_on_conflict(async || {
                    webhooks
                        .record_probe_delivered(claimed, attempt.clone(), self.worker.now())
                        .await
                })
                .await?;
        }
        let released = recorded == Recorded::Written;
        if recorded == Recorded::PhaseChanged {
            recorded = webhooks.record_delivered(claimed, attempt).await?;
        }
        failpoint("dispatch.recorded");
        if recorded == Recorded::Written {
            count(Metric::DeliveriesSucceeded, 1);
        }
        if released {
            let message = Message::Release {
                partner: claimed.delivery.partner,
                registration: claimed.delivery.registration,
            };
            self.worker.queue.send(&message, Duration::ZERO).await?;
        }
        Ok(written(recorded, Dispatched::Delivered))
    }

    async fn again(
        &self,
        claimed: &Claimed,
        attempt: Attempt,
        gap: SignedDuration,
    ) -> Result<Dispatched, WorkerError> {
        count(Metric::DeliveriesFailed, 1);
        let not_before = self.worker.now() + gap;
        // What the queue cannot hold back that long is the sweep's alone.
        let by_queue = Duration::try_from(gap).ok().filter(|delay| *delay <= LONGEST_DELAY);
        let due = if by_queue.is_some() { not_before + GRACE } else { not_before };
        let recorded = self.worker.webhooks.record_again(claimed, attempt, not_before, due).await?;
        failpoint("dispatch.recorded");
        if let (Recorded::Written, Some(delay)) = (recorded, by_queue) {
            self.worker.queue.send(&Message::deliver(&claimed.delivery), delay).await?;
        }
        Ok(written(recorded, Dispatched::TryAgain))
    }

    async fn suspend(
        &self,
        claimed: &Claimed,
        attempt: Attempt,
    ) -> Result<Dispatched, WorkerError> {
        let webhooks = &self.worker.webhooks;
        count(Metric::DeliveriesFailed, 1);
        let recorded = self
            .repeat_on_conflict(async || {
                webhooks.suspend(claimed, attempt.clone(), self.worker.now()).await
            })
            .await?;
        let outcome = match recorded {
            Recorded::Written => {
                count(Metric::RegistrationsSuspended, 1);
                Dispatched::Suspended
            }
            // The partner deleted the registration during the post.
            Recorded::PhaseChanged => {
                let recorded = webhooks.record_dropped(claimed, Some(attempt)).await?;
                written(recorded, Dispatched::Dropped)
            }
            Recorded::ClaimLost | Recorded::Conflict => Dispatched::ClaimLost,
        };
        failpoint("dispatch.recorded");
        Ok(outcome)
    }

    async fn repeat_on_conflict(
        &self,
        step: impl AsyncFn() -> Result<Recorded, store::StoreError>,
    ) -> Result<Recorded, WorkerError> {
        for round in 0..ROUNDS {
            if round > 0 {
                runtime::pause(round, &*self.worker.random).await;
            }
            match step().await? {
                Recorded::Conflict => {}
                settled => return Ok(settled),
            }
        }
        Err(WorkerError::Unsettled)
    }
}

const fn written(recorded: Recorded, outcome: Dispatched) -> Dispatched {
    match recorded {
        Recorded::Written => outcome,
        Recorded::ClaimLost | Recorded::PhaseChanged | Recorded::Conflict => Dispatched::ClaimLost,
    }
}

fn attempt_of(at: Timestamp, answer: Answer) -> Attempt {
    let (status_code, error) = match answer.outcome {
        Ok(status) => (Some(status), None),
        Err(failure) => (failure.status(), Some(failure.class().to_owned())),
    };
    let duration_ms = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
    Attempt { at, duration_ms, status_code, error }
}

/// `None` for secrets that will not open tomorrow either: then the registration is at fault, and not the services around.
fn openable<T>(opened: Result<T, CryptoError>) -> Result<Option<T>, CryptoError> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.is_lasting() => Ok(None),
        Err(error) => Err(error),
    }
}
