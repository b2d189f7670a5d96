//! The partners' own ids of customers, for whoever has to tell them and needs nothing else of a customer.
//!
//! An own id may be an e-mail address. So no event and no delivery keeps one: it is read when it is told, and is gone with
//! its customer.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{CustomerId, PartnerId};

use crate::keys::{CustomerKey, Key};
use crate::{StoreError, Table, text};

/// Reads own ids and no other attribute of a customer: the role of a function that has only this is bound to it.
#[derive(Debug, Clone)]
pub struct OwnIds {
    table: Table,
}

impl OwnIds {
    /// Own ids in the customers' table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The own ids of those customers that are there and have one. 1 batch read per 100.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(
        &self,
        partner: PartnerId,
        customers: &BTreeSet<CustomerId>,
    ) -> Result<BTreeMap<CustomerId, String>, StoreError> {
        let keys: BTreeMap<String, CustomerId> =
            customers.iter().map(|id| (CustomerKey::new(partner, *id).pk(), *id)).collect();
        let wanted = customers.iter().map(|id| CustomerKey::new(partner, *id).to_item()).collect();
        let found = self.table.get_all_of(wanted, "pk, sk, clientIdentifier").await?;
        let own = |item| {
            let id = keys.get(text(item, "pk")?)?;
            Some((*id, text(item, "clientIdentifier")?.to_owned()))
        };
        Ok(found.iter().filter_map(own).collect())
    }
}
