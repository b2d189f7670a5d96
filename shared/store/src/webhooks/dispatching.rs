//! Claiming a delivery and recording what came of it.
//!
//! Invariant: every write after a claim has the claim's token in its condition and gives the claim up. A worker whose
//! lease ran out while it was posting finds the token gone and writes nothing.

use domain::ids::EventId;
use jiff::{SignedDuration, Timestamp};

use crate::keys::RegistrationKey;
use crate::webhooks::due::{GRACE, mark_due, with_due, with_due_names};
use crate::webhooks::{Attempt, Delivery, DeliveryKey, Phase, Stage, Status, WaitingKey, Webhooks};
use crate::{
    CommitError, Expression, Item, StoreError, Transaction, Update, WriteError, from_item, number,
    text, to_item,
};

/// Clocks of two hosts may differ by this much before a message counts as early.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

const DELIVERY: &str = "delivery";
const WAITING: &str = "waiting";
const REGISTRATION: &str = "registration";

/// A delivery that this worker, and no other, may post.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The delivery as it stands.
    pub delivery: Delivery,
    token: String,
}

/// What became of an attempt to claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// It is ours until the lease ends.
    Taken(Box<Claimed>),
    /// It is not to be tried now.
    Passed(Passed),
}

/// Why a delivery is not to be tried now. None of these needs the message again: what has to happen stands in the
/// item and in the `due` index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// There is no such delivery.
    Missing,
    /// It was delivered, held or given up.
    NotQueued,
    /// Its time has not come.
    Early,
    /// Another worker has it.
    Leased,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It stands.
    Written,
    /// The lease ran out and another worker has claimed or settled it.
    ClaimLost,
    /// The registration is not in the phase that this step needs; look again and decide again.
    PhaseChanged,
    /// Another transaction was writing one of the items; try again.
    Conflict,
}

impl Webhooks {
    /// A delivery. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery(&self, key: DeliveryKey) -> Result<Option<Delivery>, StoreError> {
        self.table.get(&key).await?.map(from_item).transpose()
    }

    /// Puts a delivery that the queue will carry; `false` when it is there already. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_queued(
        &self,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match self.table.put(queued_item(delivery, now)?, Expression::absent()).await {
            Ok(()) => Ok(true),
            Err(WriteError::Refused(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// The same as part of a transaction.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn put_queued_in(
        &self,
        transaction: &mut Transaction,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transaction.put_new(DELIVERY, &self.table, queued_item(delivery, now)?);
        Ok(())
    }

    /// Puts a delivery for a Poll registration, with its place in the line. 1 transaction.
    ///
    /// `false` when it is there already, or its registration is gone.
    ///
    /// # Errors
    /// [`StoreError`]; a conflict is one, because the stream will bring the event again.
    pub async fn put_awaiting(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let mut item = to_item(delivery)?;
        item.extend(crate::keys::Key::to_item(&delivery.key()));
        let mut transaction = Transaction::new();
        transaction.put_new(DELIVERY, &self.table, item);
        transaction.put_new(WAITING, &self.table, waiting_item(delivery));
        let present = Expression::new("attribute_exists(pk) AND #phase <> :deleted")
            .name("#phase", "phase")
            .text(":deleted", Phase::Deleted.as_str());
        transaction.check(REGISTRATION, &self.table, &registration_key(delivery), present);
        match transaction.commit(&self.table).await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(_)) => Ok(false),
            Err(CommitError::Conflict) => Err(conflict()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    /// Claims a delivery for `token` until `lease_until`, at which time the sweep takes it for lost. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(
        &self,
        key: DeliveryKey,
        token: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Claim, StoreError> {
        let condition = Expression::new(
            "#stage = :queued AND #notBefore <= :soon AND (attribute_not_exists(#leaseUntil) OR #leaseUntil < :now)",
        )
        .name("#stage", "stage")
        .name("#notBefore", "notBefore")
        .name("#leaseUntil", "leaseUntil")
        .text(":queued", Stage::Queued.as_str())
        .number(":soon", (now + SKEW).as_millisecond())
        .number(":now", now.as_millisecond());
        let update = Expression::new(
            "SET #owner = :token, #leaseUntil = :until, #dueShard = :dueShard, #dueAt = :dueAt",
        )
        .name("#owner", "owner")
        .name("#leaseUntil", "leaseUntil")
        .text(":token", token)
        .number(":until", lease_until.as_millisecond());
        let update = with_due(update, key.event.uuid(), lease_until);
        match self.table.update(&key, Update::when(condition, update)).await {
            Ok(item) => {
                let claimed = Claimed { delivery: from_item(item)?, token: token.to_owned() };
                Ok(Claim::Taken(Box::new(claimed)))
            }
            Err(WriteError::Refused(standing)) => {
                Ok(Claim::Passed(passed(standing.as_deref(), now)))
            }
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Records a delivery that the receiver has taken. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_delivered(
        &self,
        claimed: &Claimed,
        attempt: Attempt,
    ) -> Result<Recorded, StoreError> {
        let update = claimed.settle(Status::Success, Some(attempt))?;
        self.write(claimed, update).await
    }

    /// Records the delivery that decided a restart: the registration becomes Active and its backlog due. 1 transaction.
    /// [`Recorded::PhaseChanged`] when this event no longer decides; nothing is written then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_probe_delivered(
        &self,
        claimed: &Claimed,
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let delivery = &claimed.delivery;
        let mut transaction = Transaction::new();
        let update = claimed.settle(Status::Success, Some(attempt))?;
        transaction.update(DELIVERY, &self.table, &delivery.key(), claimed.guarded(update));
        let activate = Expression::new(
            "SET #phase = :active, #dueShard = :dueShard, #dueAt = :dueAt REMOVE #probe",
        )
        .text(":active", Phase::Active.as_str());
        let activate = with_due(activate, delivery.registration.uuid(), now + GRACE);
        let update = Update::when(is_probe(delivery.id), activate);
        transaction.update(REGISTRATION, &self.table, &registration_key(delivery), update);
        self.commit(transaction).await
    }

    /// Records a failed try that is followed by another at `not_before`, by `due` at the latest. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_again(
        &self,
        claimed: &Claimed,
        attempt: Attempt,
        not_before: Timestamp,
        due: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let update = Expression::new(
            "SET #tries = :tries, #notBefore = :notBefore, #lastAttemptedAt = :at, #attempts = :attempts, \
             #dueShard = :dueShard, #dueAt = :dueAt REMOVE #owner, #leaseUntil",
        )
        .name("#tries", "tries")
        .name("#notBefore", "notBefore")
        .number(":tries", claimed.delivery.tries.saturating_add(1))
        .number(":notBefore", not_before.as_millisecond());
        let update = with_due(update, claimed.delivery.id.uuid(), due);
        let update = claimed.with_attempt(claim_names(update), attempt)?;
        self.write(claimed, update).await
    }

    /// Records a delivery that nobody will try again: a failed ping, or its registration is gone. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_dropped(
        &self,
        claimed: &Claimed,
        attempt: Option<Attempt>,
    ) -> Result<Recorded, StoreError> {
        let update = claimed.settle(Status::Failed, attempt)?;
        self.write(claimed, update).await
    }

    /// Holds a delivery behind its registration, which must be Suspended, or Restarting on another event. 1 transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold(&self, claimed: &Claimed) -> Result<Recorded, StoreError> {
        let delivery = &claimed.delivery;
        let mut transaction = Transaction::new();
        let update =
            Expression::new("SET #stage = :held REMOVE #owner, #leaseUntil, #dueShard, #dueAt")
                .name("#stage", "stage")
                .text(":held", Stage::Held.as_str());
        let update = with_due_names(claim_names(update));
        transaction.update(DELIVERY, &self.table, &delivery.key(), claimed.guarded(update));
        self.wait_in(&mut transaction, delivery);
        let holding = Expression::new(
            "#phase = :suspended OR (#phase = :restarting AND (attribute_not_exists(#probe) OR #probe <> :this))",
        )
        .name("#phase", "phase")
        .name("#probe", "probe")
        .text(":suspended", Phase::Suspended.as_str())
        .text(":restarting", Phase::Restarting.as_str())
        .text(":this", delivery.id.to_string());
        transaction.check(REGISTRATION, &self.table, &registration_key(delivery), holding);
        self.commit(transaction).await
    }

    /// Records the last failed try: the registration is suspended and the delivery held. 1 transaction.
    /// [`Recorded::PhaseChanged`] when the registration is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suspend(
        &self,
        claimed: &Claimed,
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let delivery = &claimed.delivery;
        let mut transaction = Transaction::new();
        let update = Expression::new(
            "SET #stage = :held, #status = :failed, #tries = :tries, #lastAttemptedAt = :at, \
             #attempts = :attempts REMOVE #owner, #leaseUntil, #dueShard, #dueAt",
        )
        .name("#stage", "stage")
        .name("#status", "status")
        .name("#tries", "tries")
        .text(":held", Stage::Held.as_str())
        .text(":failed", Status::Failed.as_str())
        .number(":tries", delivery.tries.saturating_add(1));
        let update = claimed.with_attempt(with_due_names(claim_names(update)), attempt)?;
        transaction.update(DELIVERY, &self.table, &delivery.key(), claimed.guarded(update));
        self.wait_in(&mut transaction, delivery);
        let suspend = Expression::new(
            "SET #phase = :suspended, #modifiedAt = :now \
             REMOVE #probe, #dueShard, #dueAt, #failingSince, #lastFailedAt",
        )
        .name("#failingSince", "failingSince")
        .name("#lastFailedAt", "lastFailedAt")
        .name("#modifiedAt", "modifiedAt")
        .name("#probe", "probe")
        .text(":suspended", Phase::Suspended.as_str())
        .text(":now", now.to_string());
        let present = Expression::new("attribute_exists(pk) AND #phase <> :deleted")
            .name("#phase", "phase")
            .text(":deleted", Phase::Deleted.as_str());
        let update = Update::when(present, with_due_names(suspend));
        transaction.update(REGISTRATION, &self.table, &registration_key(delivery), update);
        self.commit(transaction).await
    }

    /// The place of a delivery in its registration's line.
    fn wait_in(&self, transaction: &mut Transaction, delivery: &Delivery) {
        transaction.put_new(WAITING, &self.table, waiting_item(delivery));
    }

    async fn write(&self, claimed: &Claimed, update: Expression) -> Result<Recorded, StoreError> {
        match self.table.update(&claimed.delivery.key(), claimed.guarded(update)).await {
            Ok(_) => Ok(Recorded::Written),
            Err(WriteError::Refused(_)) => Ok(Recorded::ClaimLost),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    async fn commit(&self, transaction: Transaction) -> Result<Recorded, StoreError> {
        match transaction.commit(&self.table).await {
            Ok(()) => Ok(Recorded::Written),
            Err(CommitError::Conflict) => Ok(Recorded::Conflict),
            Err(CommitError::Store(error)) => Err(error),
            Err(refused @ CommitError::Refused(_)) => {
                if refused.refusal(DELIVERY).is_some() || refused.refusal(WAITING).is_some() {
                    Ok(Recorded::ClaimLost)
                } else {
                    Ok(Recorded::PhaseChanged)
                }
            }
        }
    }
}

impl Claimed {
    /// An update that applies only while the claim holds.
    fn guarded(&self, update: Expression) -> Update {
        let condition = Expression::new("#owner = :token AND #stage = :queued")
            .name("#owner", "owner")
            .name("#stage", "stage")
            .text(":token", self.token.clone())
            .text(":queued", Stage::Queued.as_str());
        Update::when(condition, update)
    }

    fn settle(&self, status: Status, attempt: Option<Attempt>) -> Result<Expression, StoreError> {
        let attempted = attempt.is_some();
        let update = Expression::new(if attempted {
            "SET #stage = :settled, #status = :status, #tries = :tries, #lastAttemptedAt = :at, \
             #attempts = :attempts REMOVE #owner, #leaseUntil, #dueShard, #dueAt"
        } else {
            "SET #stage = :settled, #status = :status REMOVE #owner, #leaseUntil, #dueShard, #dueAt"
        })
        .name("#stage", "stage")
        .name("#status", "status")
        .text(":settled", Stage::Settled.as_str())
        .text(":status", status.as_str());
        let update = with_due_names(claim_names(update));
        match attempt {
            Some(attempt) => {
                let update = update
                    .name("#tries", "tries")
                    .number(":tries", self.delivery.tries.saturating_add(1));
                self.with_attempt(update, attempt)
            }
            None => Ok(update),
        }
    }

    /// Adds what `#lastAttemptedAt = :at, #attempts = :attempts` stands for.
    fn with_attempt(&self, update: Expression, attempt: Attempt) -> Result<Expression, StoreError> {
        let at = attempt.at.to_string();
        let attempts = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(
            self.delivery.attempts_with(attempt),
        )
        .map_err(|error| StoreError::Malformed(error.to_string()))?;
        Ok(update
            .name("#lastAttemptedAt", "lastAttemptedAt")
            .name("#attempts", "attempts")
            .text(":at", at)
            .value(":attempts", attempts))
    }
}

fn claim_names(update: Expression) -> Expression {
    update.name("#owner", "owner").name("#leaseUntil", "leaseUntil")
}

fn registration_key(delivery: &Delivery) -> RegistrationKey {
    RegistrationKey::new(delivery.partner, delivery.registration)
}

fn waiting_item(delivery: &Delivery) -> Item {
    let key = WaitingKey::new(delivery.partner, delivery.registration, delivery.id);
    crate::keys::Key::to_item(&key)
}

fn queued_item(delivery: &Delivery, now: Timestamp) -> Result<Item, StoreError> {
    let mut item = to_item(delivery)?;
    item.extend(crate::keys::Key::to_item(&delivery.key()));
    mark_due(&mut item, delivery.id.uuid(), now + GRACE);
    Ok(item)
}

/// The registration is Restarting and this event decides.
fn is_probe(event: EventId) -> Expression {
    Expression::new("#phase = :restarting AND #probe = :this")
        .name("#phase", "phase")
        .name("#probe", "probe")
        .text(":restarting", Phase::Restarting.as_str())
        .text(":this", event.to_string())
}

fn passed(standing: Option<&Item>, now: Timestamp) -> Passed {
    let Some(item) = standing else { return Passed::Missing };
    if text(item, "stage") != Some(Stage::Queued.as_str()) {
        return Passed::NotQueued;
    }
    if number(item, "leaseUntil").is_some_and(|until| until >= now.as_millisecond()) {
        return Passed::Leased;
    }
    Passed::Early
}

pub(super) fn conflict() -> StoreError {
    StoreError::Unavailable {
        operation: "TransactWriteItems",
        reason: "another transaction is in the way".to_owned(),
    }
}
