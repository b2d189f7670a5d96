//! Several writes that happen together or not at all.
//!
//! Each entry has a label, so that a refusal says which condition did not hold and shows the item that stood in the
//! way: no read is needed to learn why.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update as UpdateEntry,
};

use crate::keys::Key;
use crate::table::some;
use crate::{Expression, Item, StoreError, Table, Update};

/// DynamoDB's limit on the entries of one transaction.
const MAX_ENTRIES: usize = 100;

/// Why nothing of a transaction was done.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// One or more conditions did not hold.
    #[error("a condition did not hold: {}", labels(.0))]
    Refused(Vec<Refusal>),
    /// Another transaction was writing one of the items at the same moment.
    #[error("another transaction is in the way")]
    Conflict,
    /// The table failed, or the transaction could not be built.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommitError {
    /// The refusal of the entry with this label.
    pub fn refusal(&self, label: &str) -> Option<&Refusal> {
        match self {
            CommitError::Refused(refusals) => {
                refusals.iter().find(|refusal| refusal.label == label)
            }
            _ => None,
        }
    }
}

/// An entry whose condition did not hold.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The entry's label.
    pub label: &'static str,
    /// The item as it stands, when there is one.
    pub standing: Option<Item>,
}

fn labels(refusals: &[Refusal]) -> String {
    refusals.iter().map(|refusal| refusal.label).collect::<Vec<_>>().join(", ")
}

/// A transaction being put together.
#[derive(Debug, Default)]
pub struct Transaction {
    entries: Vec<TransactWriteItem>,
    labels: Vec<&'static str>,
    malformed: Option<String>,
}

impl Transaction {
    /// An empty transaction.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds the entries of another one after its own.
    pub fn append(&mut self, later: Self) {
        self.entries.extend(later.entries);
        self.labels.extend(later.labels);
        self.malformed = self.malformed.take().or(later.malformed);
    }

    /// Writes an item where none stands.
    pub fn put_new(&mut self, label: &'static str, table: &Table, item: Item) {
        self.put(label, table, item, Expression::absent());
    }

    /// Writes an item when the condition holds.
    pub fn put(&mut self, label: &'static str, table: &Table, item: Item, condition: Expression) {
        let put = Put::builder()
            .table_name(&*table.name)
            .set_item(Some(item))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let entry = put.map(|put| TransactWriteItem::builder().put(put).build());
        self.add(label, entry.map_err(|error| error.to_string()));
    }

    /// Changes an item when its condition holds.
    pub fn update(&mut self, label: &'static str, table: &Table, key: &impl Key, update: Update) {
        let entry = UpdateEntry::builder()
            .table_name(&*table.name)
            .set_key(Some(key.to_item()))
            .set_expression_attribute_names(some(update.names()))
            .set_expression_attribute_values(some(update.values()))
            .update_expression(update.update.text)
            .condition_expression(update.condition.text)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let entry = entry.map(|update| TransactWriteItem::builder().update(update).build());
        self.add(label, entry.map_err(|error| error.to_string()));
    }

    /// Removes an item when the condition holds.
    pub fn delete(
        &mut self,
        label: &'static str,
        table: &Table,
        key: &impl Key,
        condition: Expression,
    ) {
        let entry = Delete::builder()
            .table_name(&*table.name)
            .set_key(Some(key.to_item()))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let entry = entry.map(|delete| TransactWriteItem::builder().delete(delete).build());
        self.add(label, entry.map_err(|error| error.to_string()));
    }

    /// Writes nothing but needs the condition to hold.
    pub fn check(
        &mut self,
        label: &'static str,
        table: &Table,
        key: &impl Key,
        condition: Expression,
    ) {
        let entry = ConditionCheck::builder()
            .table_name(&*table.name)
            .set_key(Some(key.to_item()))
            .condition_expression(condition.text)
            .set_expression_attribute_names(some(condition.names))
            .set_expression_attribute_values(some(condition.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let entry = entry.map(|check| TransactWriteItem::builder().condition_check(check).build());
        self.add(label, entry.map_err(|error| error.to_string()));
    }

    fn add(&mut self, label: &'static str, entry: Result<TransactWriteItem, String>) {
        match entry {
            Ok(entry) => {
                self.entries.push(entry);
                self.labels.push(label);
            }
            Err(reason) => self.malformed = Some(reason),
        }
    }

    /// Does all of it or nothing, in one round trip; 2 units per KB written. `table` names the client to use. The SDK
    /// sends the same client token on its own retries, so a lost answer cannot apply it twice.
    ///
    /// # Errors
    /// [`CommitError::Refused`] with every condition that did not hold; [`CommitError::Conflict`] when the same items
    /// are in another transaction.
    pub async fn commit(self, table: &Table) -> Result<(), CommitError> {
        if let Some(reason) = self.malformed {
            return Err(StoreError::Malformed(reason).into());
        }
        if self.entries.len() > MAX_ENTRIES {
            return Err(StoreError::Malformed("over 100 entries in a transaction".into()).into());
        }
        let answer = table
            .client
            .transact_write_items()
            .set_transact_items(Some(self.entries))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                table.meter.record(answer.consumed_capacity());
                Ok(())
            }
            Err(error) => {
                table.meter.record(None);
                Err(match error.as_service_error() {
                    Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                        cancellation(cancelled, &self.labels)
                    }
                    Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
                        CommitError::Conflict
                    }
                    _ => StoreError::call("TransactWriteItems", &error).into(),
                })
            }
        }
    }
}

/// Reasons come one per entry, in order. A refused condition tells the caller something definite, so it wins over a
/// conflict on another entry.
fn cancellation(
    cancelled: &aws_sdk_dynamodb::types::error::TransactionCanceledException,
    labels: &[&'static str],
) -> CommitError {
    let reasons = cancelled.cancellation_reasons();
    let with_code = |code: &'static str| {
        reasons.iter().zip(labels).filter(move |(reason, _)| reason.code() == Some(code))
    };
    let refusals: Vec<Refusal> = with_code("ConditionalCheckFailed")
        .map(|(reason, label)| Refusal { label, standing: reason.item.clone() })
        .collect();
    if !refusals.is_empty() {
        CommitError::Refused(refusals)
    } else if with_code("TransactionConflict").next().is_some() {
        CommitError::Conflict
    } else {
        let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason.code()).collect();
        CommitError::Store(StoreError::Unavailable {
            operation: "TransactWriteItems",
            reason: format!("cancelled: {}", codes.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use domain::ids::CifNumber;

    use super::*;
    use crate::keys::CifKey;
    use crate::testing::TestDatabase;
    use crate::text;

    fn cif(number: u64) -> CifKey {
        CifKey::new(CifNumber::parse(&format!("3{number:010}")).unwrap())
    }

    fn item(key: &CifKey, holder: &str) -> Item {
        let mut item = key.to_item();
        item.insert("holder".to_owned(), AttributeValue::S(holder.to_owned()));
        item
    }

    #[tokio::test]
    async fn all_of_it_happens_or_nothing() {
        let database = TestDatabase::new();
        let table = database.customers();
        table.put(item(&cif(1), "first"), Expression::absent()).await.unwrap();

        let mut transaction = Transaction::new();
        transaction.put_new("two", &table, item(&cif(2), "second"));
        transaction.put_new("one", &table, item(&cif(1), "second"));
        transaction.check("three", &table, &cif(3), Expression::present());
        let refused = transaction.commit(&table).await.unwrap_err();

        let standing = refused.refusal("one").unwrap().standing.as_ref().unwrap();
        assert_eq!(text(standing, "holder"), Some("first"), "the item in the way is shown");
        assert!(refused.refusal("three").is_some(), "every refusal is reported");
        assert!(refused.refusal("two").is_none());
        assert!(table.get(&cif(2)).await.unwrap().is_none(), "nothing was written");
    }

    #[tokio::test]
    async fn every_kind_of_entry_works_in_one_round_trip() {
        let database = TestDatabase::new();
        let table = database.customers();
        for number in 1..=3 {
            table.put(item(&cif(number), "old"), Expression::absent()).await.unwrap();
        }
        table.meter().take();

        let mut transaction = Transaction::new();
        transaction.put_new("new", &table, item(&cif(4), "new"));
        let update = Expression::new("SET #h = :h").name("#h", "holder").text(":h", "new");
        transaction.update("change", &table, &cif(1), Update::when(Expression::present(), update));
        transaction.delete("remove", &table, &cif(2), Expression::present());
        transaction.check("check", &table, &cif(3), Expression::present());
        transaction.commit(&table).await.unwrap();
        let cost = table.meter().take();
        assert_eq!(cost.round_trips, 1);
        assert!(cost.capacity_units > 0.0);

        let one = table.get(&cif(1)).await.unwrap().unwrap();
        assert_eq!(text(&one, "holder"), Some("new"));
        assert!(table.get(&cif(2)).await.unwrap().is_none());
        assert!(table.get(&cif(4)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn too_large_a_transaction_is_refused_before_it_is_sent() {
        let database = TestDatabase::new();
        let table = database.customers();
        let mut transaction = Transaction::new();
        for number in 0..101 {
            transaction.put_new("many", &table, item(&cif(number), "x"));
        }
        let before = database.calls();
        assert!(matches!(transaction.commit(&table).await, Err(CommitError::Store(_))));
        assert_eq!(database.calls(), before);
    }
}
