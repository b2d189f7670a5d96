//! What should have moved on by now.
//!
//! The index `due` holds every delivery that is still to be tried, and every registration with work left over (a
//! backlog to release, a deletion to finish), each at the time by which it should have moved on. A sweep reads what is
//! overdue and hands it to the queue again. The index is eventually consistent, which costs a sweep at most.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{EventId, PartnerId, RegistrationId};
use jiff::{SignedDuration, Timestamp};

use crate::keys::{RegistrationKey, sortable_millis};
use crate::webhooks::{Delivery, DeliveryKey, Webhooks};
use crate::{Expression, Item, Query, StoreError, Update, WriteError, from_item, text};

/// The index's name.
pub const DUE_INDEX: &str = "due";
/// How many partitions the index is spread over; one partition takes 1,000 writes a second.
pub const DUE_SHARDS: u8 = 4;

/// How long something may take to move on after it was handed to the queue.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// The longest that a sweep puts an overdue delivery off.
pub const LONGEST_GRACE: SignedDuration = SignedDuration::from_mins(15);

/// An item that should have moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// A delivery to try.
    Delivery {
        /// Its key.
        key: DeliveryKey,
        /// When it was due, as stored.
        due_at: String,
    },
    /// A registration with work left over.
    Registration {
        /// Its key.
        key: RegistrationKey,
        /// When it was due, as stored.
        due_at: String,
    },
}

/// The shard of an id: its last byte is random.
fn shard(id: uuid::Uuid) -> String {
    let last = id.as_bytes().last().copied().unwrap_or(0);
    shard_name(last % DUE_SHARDS)
}

fn shard_name(shard: u8) -> String {
    format!("DUE#{shard}")
}

/// Puts the index attributes into an item about to be put.
pub(super) fn mark_due(item: &mut Item, id: uuid::Uuid, due: Timestamp) {
    item.insert("dueShard".to_owned(), AttributeValue::S(shard(id)));
    item.insert("dueAt".to_owned(), AttributeValue::S(sortable_millis(due)));
}

/// Adds what `SET #dueShard = :dueShard, #dueAt = :dueAt` stands for.
pub(super) fn with_due(expression: Expression, id: uuid::Uuid, due: Timestamp) -> Expression {
    with_due_names(expression).text(":dueShard", shard(id)).text(":dueAt", sortable_millis(due))
}

/// Adds what `REMOVE #dueShard, #dueAt` stands for.
pub(super) fn with_due_names(expression: Expression) -> Expression {
    expression.name("#dueShard", "dueShard").name("#dueAt", "dueAt")
}

/// The ids in an index row. A registration's partition ends in `#R`, a delivery's in `#E`.
fn read_row(item: &Item) -> Result<Overdue, StoreError> {
    let malformed = || StoreError::Malformed("a row of the due index".to_owned());
    let (pk, sk) =
        (text(item, "pk").ok_or_else(malformed)?, text(item, "sk").ok_or_else(malformed)?);
    let due_at = text(item, "dueAt").ok_or_else(malformed)?.to_owned();
    let mut parts = pk.strip_prefix("P#").ok_or_else(malformed)?.split('#');
    let partner = parts.next().and_then(|id| PartnerId::parse(id).ok()).ok_or_else(malformed)?;
    match parts.next() {
        Some("E") => {
            let event = EventId::parse(sk).map_err(|_| malformed())?;
            Ok(Overdue::Delivery { key: DeliveryKey::new(partner, event), due_at })
        }
        Some("R") => {
            let registration = RegistrationId::parse(sk).map_err(|_| malformed())?;
            Ok(Overdue::Registration { key: RegistrationKey::new(partner, registration), due_at })
        }
        _ => Err(malformed()),
    }
}

impl Webhooks {
    /// The oldest items of a shard that are overdue at `now`. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn overdue(
        &self,
        shard: u8,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Overdue>, StoreError> {
        let query = Query::index(DUE_INDEX, "dueShard", "dueAt", shard_name(shard))
            .up_to(sortable_millis(now))
            .limit(limit);
        self.table.query(&query).await?.items.iter().map(read_row).collect()
    }

    /// Puts an overdue delivery's time off, so that the next sweep lets this hand-over have its turn: by half the
    /// event's age within [`GRACE`] and [`LONGEST_GRACE`], so that a queue that is merely long is not filled with
    /// copies minute after minute. `None` when the delivery has moved on since. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_off_delivery(
        &self,
        key: DeliveryKey,
        due_at: &str,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StoreError> {
        let born = i64::try_from(key.event.unix_millis()).unwrap_or(0);
        let age = now.as_millisecond().saturating_sub(born);
        let wait = SignedDuration::from_millis(age / 2).clamp(GRACE, LONGEST_GRACE);
        match self.table.update(&key, put_off(due_at, now + wait)).await {
            Ok(item) => from_item(item).map(Some),
            Err(WriteError::Refused(_)) => Ok(None),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// The same for a registration; `false` when it has moved on since. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_off_registration(
        &self,
        key: &RegistrationKey,
        due_at: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match self.table.update(key, put_off(due_at, now + GRACE)).await {
            Ok(_) => Ok(true),
            Err(WriteError::Refused(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }
}

fn put_off(seen: &str, next: Timestamp) -> Update {
    let condition = Expression::new("#dueAt = :seen").name("#dueAt", "dueAt").text(":seen", seen);
    let update = Expression::new("SET #dueAt = :next")
        .name("#dueAt", "dueAt")
        .text(":next", sortable_millis(next));
    Update::when(condition, update)
}
