//! The safety net: once a minute, whatever should have moved on is handed to the queue again.
//!
//! Invariant: a sweep only puts times off and sends messages; it decides nothing about a delivery. It is bounded, so a
//! large backlog takes several runs and no run its whole time; the oldest come first.
//!
//! Kill points: `sweep.put_off`, `sweep.registration_put_off`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runtime::failpoint;
use serde_json::{Value, json};
use store::webhooks::{DUE_SHARDS, Overdue};

use crate::queue::{DeliveryQueue, Message};
use crate::worker::{Worker, WorkerError};

/// Most items that one run takes from one shard.
pub const PER_SHARD: u32 = 250;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deliveries handed over.
    pub deliveries: u32,
    /// Registrations handed over.
    pub registrations: u32,
    /// Items that had moved on by themselves.
    pub moved_on: u32,
}

impl Swept {
    /// What the function answers.
    #[must_use]
    pub fn to_json(self) -> Value {
        json!({
            "deliveries": self.deliveries,
            "registrations": self.registrations,
            "movedOn": self.moved_on,
        })
    }
}

/// How far ahead an invocation asks to look: `{"aheadSeconds": 120}`, for an operator who does not want to wait.
///
/// # Errors
/// [`WorkerError::Malformed`] when it is not between 0 and a day.
pub fn ahead(event: &Value) -> Result<SignedDuration, WorkerError> {
    match event.get("aheadSeconds") {
        None => Ok(SignedDuration::ZERO),
        Some(seconds) => seconds
            .as_i64()
            .filter(|seconds| (0..=86_400).contains(seconds))
            .map(SignedDuration::from_secs)
            .ok_or(WorkerError::Malformed("aheadSeconds")),
    }
}

/// Hands over everything that was due before `ahead` from now.
///
/// # Errors
/// [`WorkerError`]; what was not handed over is still due.
pub async fn sweep<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    ahead: SignedDuration,
) -> Result<Swept, WorkerError> {
    let mut swept = Swept::default();
    let now = worker.now();
    for shard in 0..DUE_SHARDS {
        for overdue in worker.webhooks.overdue(shard, now + ahead, PER_SHARD).await? {
            hand_over(worker, overdue, now, &mut swept).await?;
        }
    }
    Ok(swept)
}

async fn hand_over<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    overdue: Overdue,
    now: Timestamp,
    swept: &mut Swept,
) -> Result<(), WorkerError> {
    match overdue {
        Overdue::Delivery { key, due_at } => {
            match worker.webhooks.put_off_delivery(key, &due_at, now).await? {
                Some(delivery) => {
                    failpoint("sweep.put_off");
                    worker.hand_over(&delivery).await?;
                    swept.deliveries += 1;
                }
                None => swept.moved_on += 1,
            }
        }
        Overdue::Registration { key, due_at } => {
            if worker.webhooks.put_off_registration(&key, &due_at, now).await? {
                failpoint("sweep.registration_put_off");
                let message =
                    Message::Release { partner: key.partner, registration: key.registration };
                worker.queue.send(&message, Duration::ZERO).await?;
                swept.registrations += 1;
            } else {
                swept.moved_on += 1;
            }
        }
    }
    Ok(())
}
