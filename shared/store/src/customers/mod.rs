//! Customers and everything that belongs to one: sub-resources, lookup rows, audit chain, events.
//!
//! Invariants:
//! - A change is one transaction of the customer's item, its sub-resources, lookup rows, events, audit entry and the
//!   request's idempotency record ([`Commit`]). There is no state in which one of them is missing.
//! - The customer's item is written under the condition that its version and its audit head are the ones that the change
//!   was computed from; the new state is computed by `domain`, never here.
//! - The partner is part of every key, so a customer of another partner does not exist.
//!
//! | call | round trips | units |
//! | --- | --- | --- |
//! | [`Customers::get`] | 1 GetItem | 1 per 4 KB |
//! | [`Customers::get_with_contact`] | 1 BatchGetItem | 2 |
//! | [`Customers::contacts`] | 1 Query | 1 per 4 KB |
//! | [`Customers::commit`] | 1 TransactWriteItems | 2 per item and KB |
//! | [`Customers::find`] | 1 Query | 1 |
//! | [`Customers::list`] | 1 Query, + 1 PutItem when a page follows, + 1 Query from page 2 on | 0.5 per 4 KB + 1 |
//! | [`Customers::summaries`] | 1 Query and, side by side, 1 of the counters (page 1) or of the bookmark (later pages); + 1 PutItem when a page follows | 0.5 per 4 KB + 2 |
//! | [`Customers::prepare_erasure`] | none; 1 TransactWriteItems when committed | 2 per item and KB |
//! | [`Customers::purge`] | 1 Query, 1 DeleteItem per item | 1 per item |
//! | [`Customers::record_read`] | 1 TransactWriteItems | 6 |
//! | [`Customers::verify_audit`] | 1 GetItem and 1 Query per MB of chain | 1 per 4 KB |
//!
//! Calls to the table are boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
//!
//! The partner's data keys cost one query and two KMS calls per process and hour beside that.

mod audit;
mod commit;
mod contact_record;
mod counts;
mod enrolment_record;
mod erase;
mod evidence;
mod find;
mod hits_record;
mod listing;
mod own_ids;
mod proof_record;
mod record;
mod summary;
#[cfg(test)]
mod tests;
mod watched;

use std::sync::Arc;

use crypto::{CryptoError, KeyRing, ScopeKeys};
use domain::contact::{Contact, ContactId, ContactKind};
use domain::customer::Customer;
use domain::ids::{CustomerId, PartnerId};
use domain::time::{Clock, Random};

use self::contact_record::{ContactKey, read_contact_item, sort_prefix};
use crate::keys::{CustomerKey, Key, customer_partition};
use crate::{Item, Query, StoreError, Table, text};

pub use audit::ChainBroken;
pub use commit::{Commit, CommitRefused};
pub use erase::Erasure;
pub use evidence::evidence;
pub use find::{BY_PARTNER, ListError, ListFilter, OPEN_CASES, Term};
pub use listing::{Listed, ListingOrder, SortBy, SummaryFilter};
pub use own_ids::OwnIds;
pub use summary::Summary;
pub use watched::Watched;

/// The customer table or its keys failed; nothing a caller did.
#[derive(Debug, thiserror::Error)]
pub enum CustomersError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys, or a value that does not open.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// The customers of all partners.
#[derive(Clone)]
pub struct Customers {
    pub(crate) table: Table,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl std::fmt::Debug for Customers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Customers({})", self.table.name())
    }
}

impl Customers {
    /// Customers in this table, their secrets under this ring.
    #[must_use]
    pub const fn new(
        table: Table,
        ring: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { table, ring, clock, random }
    }

    /// The table itself.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// The keys under which secrets and blind indexes are.
    #[must_use]
    pub const fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// One customer.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn get(
        &self,
        partner: PartnerId,
        id: CustomerId,
    ) -> Result<Option<Customer>, CustomersError> {
        let item = Box::pin(self.table.get(&CustomerKey::new(partner, id))).await?;
        let items = item.into_iter().collect();
        Ok(self.read_all(partner, items).await?.into_iter().next())
    }

    /// One customer and one of its sub-resources, read together.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn get_with_contact(
        &self,
        partner: PartnerId,
        id: CustomerId,
        contact: ContactId,
    ) -> Result<Option<(Customer, Option<Contact>)>, CustomersError> {
        let contact_key = ContactKey { partner, customer: id, contact };
        let wanted = vec![CustomerKey::new(partner, id).to_item(), contact_key.to_item()];
        let (mut customer, mut found) = (None, None);
        for item in Box::pin(self.table.get_all(wanted)).await? {
            let keys = self.keys_to_read(partner).await?;
            if text(&item, "sk") == Some(contact_key.sk().as_str()) {
                found = Some(read_contact_item(id, item, &keys)?);
            } else {
                customer = Some(record::read_customer(item, &keys)?);
            }
        }
        Ok(customer.map(|customer| (customer, found)))
    }

    /// All sub-resources of one kind, in the order in which they were added (to the millisecond, as their ids are).
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn contacts(
        &self,
        partner: PartnerId,
        id: CustomerId,
        kind: ContactKind,
    ) -> Result<Vec<Contact>, CustomersError> {
        let query = Query::partition(customer_partition(partner, id)).beginning(sort_prefix(kind));
        let items = Box::pin(self.table.query_all(&query)).await?;
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys_to_read(partner).await?;
        items.into_iter().map(|item| read_contact_item(id, item, &keys)).collect()
    }

    async fn read_all(
        &self,
        partner: PartnerId,
        items: Vec<Item>,
    ) -> Result<Vec<Customer>, CustomersError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys_to_read(partner).await?;
        items.into_iter().map(|item| record::read_customer(item, &keys)).collect()
    }

    /// Readers need no right to make keys: where an item exists, its keys do.
    pub(crate) async fn keys_to_read(
        &self,
        partner: PartnerId,
    ) -> Result<Arc<ScopeKeys>, CustomersError> {
        let scope = partner.into();
        self.ring.existing_keys(scope).await?.ok_or_else(|| CryptoError::NoKeys(scope).into())
    }
}
