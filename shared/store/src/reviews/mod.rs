//! Identity reviews: a history per customer, and each partner's decision policy.
//!
//! Invariants: an entry is put where none stands and never written again; its number is the lock: of two writers that saw the
//! same entry, one gets the next number and the other one is refused and reads again; the entry with the highest number is
//! the current one, so there is no pointer that could be lost. A policy's versions are all kept.
//!
//! What a review says is the reviewer's business: it is kept as it comes, and this module knows its number only.
//!
//! | call | round trips | units |
//! | --- | --- | --- |
//! | [`Reviews::current`] | 1 Query | 1 per 4 KB |
//! | [`Reviews::history`] | 1 Query per MB | 1 per 4 KB |
//! | [`Reviews::set_policy`] | 1 GetItem, 1 TransactWriteItems | 5 |

#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{CustomerId, PartnerId};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys::{Key, PolicyKey, PolicyVersionKey, ReviewKey, customer_partition};
use crate::{
    CommitError, Expression, Item, Query, StoreError, Table, Transaction, from_item, number, text,
    to_item,
};

/// The sort keys of entries begin so.
const PREFIX: &str = "REVIEW#";

/// The item of a review's entry, to be put where none stands, in the transaction of the change that it belongs to.
///
/// # Errors
/// [`StoreError::Malformed`] when it does not serialise.
pub fn review_item(
    partner: PartnerId,
    customer: CustomerId,
    number: u32,
    review: &impl Serialize,
) -> Result<Item, StoreError> {
    let mut item = ReviewKey::new(partner, customer, number).to_item();
    item.insert("review".to_owned(), AttributeValue::M(to_item(review)?));
    Ok(item)
}

/// Reads an entry's item.
///
/// # Errors
/// [`StoreError::Malformed`] for any other item.
pub fn read_review<R: DeserializeOwned>(mut item: Item) -> Result<R, StoreError> {
    match item.remove("review") {
        Some(AttributeValue::M(review)) => from_item(review),
        _ => Err(StoreError::Malformed("an item is no review".to_owned())),
    }
}

/// Why a policy was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PolicyRefused {
    /// Somebody else stored one meanwhile.
    #[error("the policy has another version by now")]
    Stale,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reviews and policies in a table.
#[derive(Debug, Clone)]
pub struct Reviews {
    table: Table,
}

impl Reviews {
    /// Reviews in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The current entry. Strongly consistent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn current<R: DeserializeOwned>(
        &self,
        partner: PartnerId,
        customer: CustomerId,
    ) -> Result<Option<R>, StoreError> {
        let query = Query::partition(customer_partition(partner, customer))
            .beginning(PREFIX)
            .backward()
            .limit(1);
        let page = Box::pin(self.table.query(&query)).await?;
        page.items.into_iter().next().map(read_review).transpose()
    }

    /// All entries, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn history<R: DeserializeOwned>(
        &self,
        partner: PartnerId,
        customer: CustomerId,
    ) -> Result<Vec<R>, StoreError> {
        let query = Query::partition(customer_partition(partner, customer)).beginning(PREFIX);
        let items = Box::pin(self.table.query_all(&query)).await?;
        items.into_iter().map(read_review).collect()
    }

    /// Stores a partner's policy as its next version and gives that; `seen` is the version that it was made from, 0 when
    /// there was none. Whether it is a policy is for the caller to have checked.
    ///
    /// # Errors
    /// [`PolicyRefused`].
    pub async fn set_policy(
        &self,
        partner: PartnerId,
        policy: &serde_json::Value,
        (seen, by): (u32, &str),
        now: Timestamp,
    ) -> Result<u32, PolicyRefused> {
        let version = seen + 1;
        let item = |key: &dyn Key| {
            let mut item = key.to_item();
            item.insert("policy".to_owned(), AttributeValue::S(policy.to_string()));
            item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
            item.insert("by".to_owned(), AttributeValue::S(by.to_owned()));
            item.insert("at".to_owned(), AttributeValue::S(now.to_string()));
            item
        };
        let condition = if seen == 0 {
            Expression::absent()
        } else {
            Expression::new("#version = :seen").name("#version", "version").number(":seen", seen)
        };
        let mut transaction = Transaction::new();
        let kept = PolicyVersionKey::new(partner, version);
        transaction.put("current", &self.table, item(&PolicyKey::new(partner)), condition);
        transaction.put_new("version", &self.table, item(&kept));
        match Box::pin(transaction.commit(&self.table)).await {
            Ok(()) => Ok(version),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::Refused(_) | CommitError::Conflict) => Err(PolicyRefused::Stale),
        }
    }

    /// A partner's policy with its version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policy(
        &self,
        partner: PartnerId,
    ) -> Result<Option<(serde_json::Value, u32)>, StoreError> {
        let item = Box::pin(self.table.get(&PolicyKey::new(partner))).await?;
        item.as_ref().map(read_policy).transpose()
    }
}

/// Reads a policy's item.
pub(crate) fn read_policy(item: &Item) -> Result<(serde_json::Value, u32), StoreError> {
    let malformed = || StoreError::Malformed("an item is no policy".to_owned());
    let version = number(item, "version").and_then(|version| u32::try_from(version).ok());
    let policy = text(item, "policy").and_then(|policy| serde_json::from_str(policy).ok());
    policy.zip(version).ok_or_else(malformed)
}
