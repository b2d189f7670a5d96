//! Trying one delivery: claim, look at the registration, post, record, arrange what follows.
//!
//! Invariants: a delivery is posted only by whoever holds its claim; what came of it is recorded before anything is
//! sent to the queue, and with it the time by which the sweep takes over, so the hand-off can not be lost; a delivery
//! that is recorded as delivered is never posted again. A crash between the post and its record posts the same event
//! again under the same id: at least once, as the contract says.
//!
//! Kill points, in order: `dispatch.claimed`, `dispatch.posted`, `dispatch.recorded`.

use std::time::Duration;

use domain::ids::{EventId, PartnerId, RegistrationId};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use runtime::{Metric, count, failpoint};
use store::webhooks::{
    Attempt, Claim, Claimed, DeliveryKey, Passed, Phase, Recorded, Registration, RegistrationKind,
};

use crate::address::AddressRules;
use crate::body::EventObject;
use crate::callback::CallbackUrl;
use crate::credentials::authorization;
use crate::post::{Answer, Call, Post};
use crate::queue::{DeliveryQueue, Message};
use crate::schedule::{Failure, Schedule, Trial, Verdict};
use crate::worker::{Worker, WorkerError};

/// Longer than a post with its record can take: the post's own deadline is 10 seconds and a table call ends within 12.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);

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
    /// How often and when.
    pub schedule: Schedule,
    /// Where to.
    pub rules: AddressRules,
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
        let answer = match self.call(claimed, registration).await? {
            Ok(call) => self.post.post(call).await,
            Err(failure) => Answer { outcome: Err(failure), took: Duration::ZERO },
        };
        failpoint("dispatch.posted");
        count(Metric::DeliveriesAttempted, 1);
        let attempt = attempt_of(at, answer);
        let tries = claimed.delivery.tries.saturating_add(1);
        match self.schedule.verdict(trial, tries, answer.outcome, &*self.worker.random) {
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

    /// The request to send; the inner error is one that a receiver's registration causes, the outer one is ours.
    async fn call(
        &self,
        claimed: &Claimed,
        registration: &Registration,
    ) -> Result<Result<Call, Failure>, WorkerError> {
        let Some(url) = &registration.callback_url else { return Ok(Err(Failure::Unusable)) };
        // Read again under today's rules: what was registered under others must not be reached.
        let Ok(url) = CallbackUrl::parse(url, &self.rules) else {
            return Ok(Err(Failure::ForbiddenAddress));
        };
        let body = EventObject::posted(&claimed.delivery, registration.format);
        let body = serde_json::to_vec(&body)?.into();
        let authorization = match authorization(&self.worker.keys, registration).await {
            Ok(authorization) => authorization,
            Err(error) if error.is_lasting() => return Ok(Err(Failure::Unusable)),
            Err(error) => return Err(error.into()),
        };
        // Signatures over `body` belong into `headers`: they are made per attempt, from exactly these bytes.
        Ok(Ok(Call { url, authorization, headers: HeaderMap::new(), body }))
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
        let recorded = self.worker.webhooks.record_again(claimed, attempt, not_before).await?;
        failpoint("dispatch.recorded");
        if recorded == Recorded::Written {
            let delay = Duration::try_from(gap).unwrap_or(Duration::ZERO);
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
