//! What every webhook worker is given, and how it fails.

use std::sync::Arc;
use std::time::Duration;

use crypto::{CryptoError, KeyRing};
use domain::ids::EventId;
use domain::time::{Clock, Random};
use http_api::{Failure, Reply};
use jiff::Timestamp;
use runtime::Idempotency;
use store::customers::CustomersError;
use store::webhooks::{Delivery, Webhooks};
use store::{CommitError, StoreError, Transaction};

use crate::queue::{DeliveryQueue, Message, QueueError};

/// The things that travel together.
#[derive(Clone)]
pub struct Worker<Q> {
    /// Registrations and deliveries.
    pub webhooks: Webhooks,
    /// Seals and opens credentials and signing secrets.
    pub keys: Arc<KeyRing>,
    /// The delivery queue.
    pub queue: Q,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids, tokens and jitter.
    pub random: Arc<dyn Random>,
}

/// Why a step was not done; it will be done again.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Credentials or signing secrets could not be opened.
    #[error("the secrets of a registration could not be opened")]
    Crypto(#[from] CryptoError),
    /// The customer that a delivery is about could not be read.
    #[error("the customer of an event could not be read")]
    Customer(#[from] CustomersError),
    /// A body did not serialise.
    #[error("an event could not be written as JSON")]
    Body(#[from] serde_json::Error),
    /// What came is not what this worker reads.
    #[error("malformed input: {0}")]
    Malformed(&'static str),
    /// Several tries met another writer each time.
    #[error("the state of a delivery could not be settled")]
    Unsettled,
}

/// When an event was created: the millisecond in its id, so that a list bounded by the times it shows includes the
/// events it showed. `otherwise` stands in for an id without a time, which this product does not make.
#[must_use]
pub fn created_at(id: EventId, otherwise: Timestamp) -> Timestamp {
    i64::try_from(id.unix_millis())
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .unwrap_or(otherwise)
}

impl<Q: DeliveryQueue> Worker<Q> {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hands a delivery to the dispatcher at once.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn hand_over(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.queue.send(&Message::deliver(delivery), Duration::ZERO).await
    }

    /// Writes a change together with the idempotency record of its answer, and answers; or gives an earlier answer to the
    /// same request again.
    ///
    /// # Errors
    /// What stands in the change's way, or [`Failure`] when the record cannot be kept or read.
    pub async fn settle(
        &self,
        mut transaction: Transaction,
        idempotency: Option<&Idempotency>,
        reply: Reply,
    ) -> Result<Result<Reply, CommitError>, Failure> {
        let table = self.webhooks.table();
        if let Some(idempotency) = idempotency {
            idempotency.record(&mut transaction, table, &self.keys, &reply, self.now()).await?;
        }
        let Err(refused) = transaction.commit(table).await else { return Ok(Ok(reply)) };
        if let Some(idempotency) = idempotency
            && let Some(replay) = idempotency.replay_of(&refused, &self.keys).await?
        {
            return Ok(Ok(replay));
        }
        Ok(Err(refused))
    }

    /// The earlier answer to the same request. For changes that depend on what is read first: whatever has happened
    /// since, what was answered before is answered again.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn earlier(
        &self,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<Reply>, Failure> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        Ok(Box::pin(idempotency.replay(self.webhooks.table(), &self.keys, self.now())).await?)
    }

    /// A token that no other claim has.
    #[must_use]
    pub fn token(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        hex::encode(bytes)
    }
}
