//! The line behind a registration: what is held while it is suspended, or awaits acknowledgement.

use domain::ids::{EventId, PartnerId, RegistrationId};
use jiff::Timestamp;

use crate::keys::RegistrationKey;
use crate::webhooks::dispatching::conflict;
use crate::webhooks::due::{GRACE, with_due, with_due_names};
use crate::webhooks::{Delivery, DeliveryKey, Phase, Stage, Status, WaitingKey, Webhooks};
use crate::{CommitError, Expression, Query, StoreError, Transaction, Update, text};

const DELIVERY: &str = "delivery";
const WAITING: &str = "waiting";
const REGISTRATION: &str = "registration";

impl Webhooks {
    /// The oldest events in a registration's line. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn oldest_waiting(
        &self,
        partner: PartnerId,
        registration: RegistrationId,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let query = Query::partition(WaitingKey::partition(partner, registration)).limit(limit);
        let items = self.table.query(&query).await?.items;
        items
            .iter()
            .map(|item| {
                text(item, "sk")
                    .and_then(|sk| EventId::parse(sk).ok())
                    .ok_or_else(|| StoreError::Malformed("a waiting row".to_owned()))
            })
            .collect()
    }

    /// Takes a held delivery out of the line and queues it afresh. `false` when it is no longer held. 1 transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&self, key: WaitingKey, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = Transaction::new();
        self.requeue_held_in(&mut transaction, key, now);
        self.settle_line(transaction).await
    }

    /// Makes the oldest held delivery the one that decides a restart. `false` when the registration is not Restarting
    /// or has its deciding event already. 1 transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn choose_probe(&self, key: WaitingKey, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = Transaction::new();
        self.requeue_held_in(&mut transaction, key, now);
        let condition = Expression::new("#phase = :restarting AND attribute_not_exists(#probe)")
            .name("#phase", "phase")
            .name("#probe", "probe")
            .text(":restarting", Phase::Restarting.as_str());
        // The delivery itself is due from here on, so the registration no longer is.
        let update = with_due_names(Expression::new("SET #probe = :this REMOVE #dueShard, #dueAt"))
            .text(":this", key.event.to_string());
        let registration = RegistrationKey::new(key.partner, key.registration);
        transaction.update(
            REGISTRATION,
            &self.table,
            &registration,
            Update::when(condition, update),
        );
        self.settle_line(transaction).await
    }

    /// Drops a waiting delivery whose registration was deleted. `false` when it no longer waits. 1 transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_waiting(&self, key: WaitingKey) -> Result<bool, StoreError> {
        let mut transaction = Transaction::new();
        self.settle_waiting_in(&mut transaction, key, Status::Failed);
        self.settle_line(transaction).await
    }

    /// Takes an acknowledged delivery out of the line, as part of a transaction; refused when it does not await one.
    pub fn acknowledge_in(&self, transaction: &mut Transaction, key: WaitingKey) {
        self.settle_waiting_in(transaction, key, Status::Success);
    }

    /// Queues a settled delivery afresh, as part of a transaction; refused under the label `delivery` when it is not
    /// settled.
    pub fn resend_in(&self, transaction: &mut Transaction, delivery: &Delivery, now: Timestamp) {
        let update = requeue(delivery.id, Stage::Settled, now);
        transaction.update(DELIVERY, &self.table, &delivery.key(), update);
    }

    fn requeue_held_in(&self, transaction: &mut Transaction, key: WaitingKey, now: Timestamp) {
        let delivery = DeliveryKey::new(key.partner, key.event);
        transaction.update(DELIVERY, &self.table, &delivery, requeue(key.event, Stage::Held, now));
        transaction.delete(WAITING, &self.table, &key, Expression::present());
    }

    fn settle_waiting_in(&self, transaction: &mut Transaction, key: WaitingKey, status: Status) {
        let condition = Expression::new("#stage IN (:held, :awaiting)")
            .name("#stage", "stage")
            .text(":held", Stage::Held.as_str())
            .text(":awaiting", Stage::Awaiting.as_str());
        let update = Expression::new("SET #stage = :settled, #status = :status")
            .name("#stage", "stage")
            .name("#status", "status")
            .text(":settled", Stage::Settled.as_str())
            .text(":status", status.as_str());
        let delivery = DeliveryKey::new(key.partner, key.event);
        transaction.update(DELIVERY, &self.table, &delivery, Update::when(condition, update));
        transaction.delete(WAITING, &self.table, &key, Expression::present());
    }

    async fn settle_line(&self, transaction: Transaction) -> Result<bool, StoreError> {
        match transaction.commit(&self.table).await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(_)) => Ok(false),
            Err(CommitError::Conflict) => Err(conflict()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}

/// From `stage` to a fresh start: no tries used, to be tried at once. The attempt log stays.
fn requeue(event: EventId, stage: Stage, now: Timestamp) -> Update {
    let condition =
        Expression::new("#stage = :from").name("#stage", "stage").text(":from", stage.as_str());
    let update = Expression::new(
        "SET #stage = :queued, #status = :pending, #tries = :none, #notBefore = :now, \
         #dueShard = :dueShard, #dueAt = :dueAt",
    )
    .name("#stage", "stage")
    .name("#status", "status")
    .name("#tries", "tries")
    .name("#notBefore", "notBefore")
    .text(":queued", Stage::Queued.as_str())
    .text(":pending", Status::Pending.as_str())
    .number(":none", 0)
    .number(":now", now.as_millisecond());
    Update::when(condition, with_due(update, event.uuid(), now + GRACE))
}
