//! Pennies whose payment is not final yet: the list that the reconciliation works through.
//!
//! The entry is put by the transaction that reserves the session, before any payment can exist, and removed by the one
//! that settles it; so there is no payment that is neither listed nor settled. Entries hold ids only.

use domain::ekyc::JourneyId;
use domain::ids::{AuthId, CustomerId, PartnerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expressions::on;
use super::{Ekyc, Place};
use crate::keys::{Key, PennyKey, SubjectRef, sortable_millis};
use crate::{Expression, Item, Query, StoreError, Transaction, Update, from_item, to_item};

/// The label of a penny's entry in a transaction.
pub const PENNY: &str = "penny";

/// Partitions of the list, so that no one of them is hot.
const SHARDS: u8 = 4;

/// What is known of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PennyPhase {
    /// It may or may not have been made.
    Unknown,
    /// The provider accepted it; it is not final.
    Accepted,
}

/// A payment that is not final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Penny {
    /// Whose.
    pub partner: PartnerId,
    /// For which subject.
    pub subject: String,
    /// Whose customer's.
    pub customer: CustomerId,
    /// The journey.
    pub journey: JourneyId,
    /// The session, and the payment's idempotency key.
    pub auth: AuthId,
    /// When the session was reserved.
    pub since: Timestamp,
    /// What is known.
    pub phase: PennyPhase,
    /// The provider's id of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
}

impl Penny {
    /// The subject that it is for; `None` when the entry is not as written.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Some(Place { partner: self.partner, subject: SubjectRef::stored(&self.subject)? })
    }

    fn key(&self) -> PennyKey {
        let shard = self.auth.uuid().as_bytes()[15] % SHARDS;
        PennyKey::new(shard, sortable_millis(self.since), self.auth)
    }
}

impl Ekyc {
    /// Adds a penny that is about to be paid.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when it does not serialise, which it always does.
    pub fn put_penny(
        &self,
        transaction: &mut Transaction,
        penny: &Penny,
    ) -> Result<(), StoreError> {
        let mut item = to_item(penny)?;
        penny.key().stamp(&mut item);
        transaction.put_new(PENNY, &self.table, item);
        Ok(())
    }

    /// Adds that the provider accepted it.
    pub fn accept_penny(&self, transaction: &mut Transaction, penny: &Penny, payment: &str) {
        let update = on("SET #phase = :phase, #payment = :payment")
            .text(":phase", "accepted")
            .text(":payment", payment);
        let update = Update::when(Expression::present(), update);
        transaction.update(PENNY, &self.table, &penny.key(), update);
    }

    /// Adds that it is settled, one way or the other.
    pub fn drop_penny(&self, transaction: &mut Transaction, penny: &Penny) {
        transaction.delete(PENNY, &self.table, &penny.key(), Expression::present());
    }

    /// The pennies that were reserved up to `until`, the oldest of each shard first, at most `limit` of a shard.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pennies(&self, until: Timestamp, limit: u32) -> Result<Vec<Penny>, StoreError> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            // '~' sorts behind every id.
            let last = format!("{}#~", sortable_millis(until));
            let query = Query::partition(format!("PENNY#{shard}")).up_to(last).limit(limit);
            let page = Box::pin(self.table.query(&query)).await?;
            let read = page.items.into_iter().map(|item: Item| from_item::<Penny>(item));
            found.extend(read.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }
}
