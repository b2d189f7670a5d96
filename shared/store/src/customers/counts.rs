//! How many customers there are, by classification and standing, for the totals of lists.
//!
//! The counters change in the transaction that changes the customer, so they are exact. Each scope has 16 of them and a
//! customer always counts in the same one, so that two customers changing at once seldom meet; when they do, the later
//! transaction is tried again like any other. A total is one query of at most 16 small items, whatever it counts.

use std::collections::BTreeMap;

use domain::choices::Classification;
use domain::customer::Customer;
use domain::ids::{AccountId, CustomerId, PartnerId};
use domain::verification::Standing;

use super::{Customers, CustomersError};
use crate::keys::{CountKey, Key};
use crate::{Expression, Query, Table, Transaction, Update, number};

const SHARDS: u8 = 16;
const EVERYBODY: &str = "ALL";

fn shard(customer: CustomerId) -> u8 {
    // The last bits of an id are random.
    customer.uuid().as_bytes()[15] % SHARDS
}

fn attribute(classification: Classification, standing: Standing) -> String {
    format!("{classification}-{standing}")
}

/// The counters that a customer stands in: its scope and the attribute.
fn places(customer: &Customer) -> Vec<(String, String)> {
    let attribute = attribute(customer.party.classification(), customer.standing());
    let account = customer.account.map(|account| account.to_string());
    [Some(EVERYBODY.to_owned()), account]
        .into_iter()
        .flatten()
        .map(|scope| (scope, attribute.clone()))
        .collect()
}

/// Moves a customer from its old counters to its new ones.
pub(super) fn add_counts(
    transaction: &mut Transaction,
    table: &Table,
    before: Option<&Customer>,
    after: Option<&Customer>,
) {
    let Some(customer) = after.or(before) else { return };
    // One item can stand in a transaction only once, so both moves of a scope are one update.
    let mut moves: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    let counted = before.filter(|before| before.is_listed);
    for (customer, by) in [(counted, -1), (after, 1)] {
        for (scope, attribute) in customer.map_or_else(Vec::new, places) {
            *moves.entry(scope).or_default().entry(attribute).or_default() += by;
        }
    }
    for (scope, attributes) in moves {
        let mut update = Expression::new(String::new());
        let mut added = Vec::new();
        for (at, (attribute, by)) in attributes.into_iter().filter(|(_, by)| *by != 0).enumerate() {
            let (name, value) = (format!("#count{at}"), format!(":by{at}"));
            added.push(format!("{name} {value}"));
            update = update.name(&name, &attribute).number(&value, by);
        }
        if added.is_empty() {
            continue;
        }
        update.text = format!("ADD {}", added.join(", "));
        let key = CountKey::new(customer.partner, scope, shard(customer.id));
        transaction.update("count", table, &key, Update::when(Expression::always(), update));
    }
}

impl Customers {
    /// How many customers have one of these classifications and standings; empty lists admit all. 1 query.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn count(
        &self,
        partner: PartnerId,
        account: Option<AccountId>,
        classifications: &[Classification],
        standings: &[Standing],
    ) -> Result<u64, CustomersError> {
        let scope = account.map_or_else(|| EVERYBODY.to_owned(), |account| account.to_string());
        let shards = Query::partition(CountKey::new(partner, scope, 0).pk());
        let items = Box::pin(self.table.query_all(&shards)).await?;
        let mut total = 0;
        for classification in Classification::ALL {
            if !classifications.is_empty() && !classifications.contains(classification) {
                continue;
            }
            for standing in Standing::ALL {
                if !standings.is_empty() && !standings.contains(standing) {
                    continue;
                }
                let attribute = attribute(*classification, *standing);
                total += items.iter().filter_map(|item| number(item, &attribute)).sum::<i64>();
            }
        }
        Ok(u64::try_from(total).unwrap_or(0))
    }
}
