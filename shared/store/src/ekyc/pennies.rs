//! Pennies whose story is not over: the list that the reconciliation works through.
//!
//! The entry is put by the transaction that reserves the session, before any payment can exist, and removed by the one
//! that ends its story; so there is no payment that is neither listed nor over. Entries hold ids only. They lie in the
//! order of their next look, and every look moves its entry behind the others: what cannot be settled keeps nobody
//! waiting.

use domain::ekyc::JourneyId;
use domain::ids::{AuthId, CustomerId, PartnerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expressions::{moment, on};
use super::{Ekyc, Place};
use crate::keys::{Key, PennyKey, SubjectRef, sortable_millis};
use crate::{Expression, Item, Query, StoreError, Transaction, Update, from_item, text, to_item};

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
    /// The provider accepted it; it has not arrived yet.
    Accepted,
    /// It has arrived, and may still come back.
    Settled,
}

impl PennyPhase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Settled => "settled",
        }
    }
}

/// A payment whose story is not over.
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
    /// When it is to be looked at next: its place in the list.
    #[serde(skip)]
    pub due: Timestamp,
    /// What is known.
    pub phase: PennyPhase,
    /// The provider's id of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    /// When the provider first had none, as long as that has not changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
    /// When it was last seen to have arrived and not to have come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}

impl Penny {
    /// The subject that it is for; `None` when the entry is not as written.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Some(Place { partner: self.partner, subject: SubjectRef::stored(&self.subject)? })
    }

    fn key(&self) -> PennyKey {
        let shard = self.auth.uuid().as_bytes()[15] % SHARDS;
        PennyKey::new(shard, sortable_millis(self.due), self.auth)
    }

    fn read(item: Item) -> Result<Self, StoreError> {
        let malformed = || StoreError::Malformed("a penny".to_owned());
        let due = text(&item, "sk").and_then(|sk| sk.split('#').next());
        let due = due.and_then(|due| due.parse().ok()).ok_or_else(malformed)?;
        let read: Self = from_item(item)?;
        Ok(Self { due: moment(due)?, ..read })
    }

    /// That nobody else has moved it since it was read.
    fn unmoved(&self) -> Expression {
        on("#phase = :phase").text(":phase", self.phase.as_str())
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

    /// Adds that the provider accepted it, at its place in the list.
    pub fn accept_penny(&self, transaction: &mut Transaction, penny: &Penny, payment: &str) {
        let update = on("SET #phase = :accepted, #payment = :payment")
            .text(":accepted", PennyPhase::Accepted.as_str())
            .text(":payment", payment);
        let update = Update::when(penny.unmoved(), update);
        transaction.update(PENNY, &self.table, &penny.key(), update);
    }

    /// Adds what is known of it after a look, and moves it to its next one, which is later than `seen`'s.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when it does not serialise, which it always does.
    pub fn move_penny(
        &self,
        transaction: &mut Transaction,
        seen: &Penny,
        next: &Penny,
    ) -> Result<(), StoreError> {
        self.drop_penny(transaction, seen);
        self.put_penny(transaction, next)
    }

    /// Adds that its story is over, one way or the other.
    pub fn drop_penny(&self, transaction: &mut Transaction, penny: &Penny) {
        transaction.delete(PENNY, &self.table, &penny.key(), penny.unmoved());
    }

    /// The pennies that are due at `now`, at most `limit` of a shard, those that have waited longest first. One that is
    /// not as written does not hide the others. 4 round trips.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pennies(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Result<Penny, StoreError>>, StoreError> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            // '~' sorts behind every id.
            let last = format!("{}#~", sortable_millis(now));
            let query = Query::partition(format!("PENNY#{shard}")).up_to(last).limit(limit);
            let page = Box::pin(self.table.query(&query)).await?;
            found.extend(page.items.into_iter().map(Penny::read));
        }
        found.sort_by_key(|read| read.as_ref().map_or(Timestamp::MAX, |penny| penny.due));
        Ok(found)
    }
}
