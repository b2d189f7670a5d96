//! Where the key ring keeps its wrapped data keys: beside the data that they protect.
//!
//! Only KMS can unwrap them, so a dump of the table reveals nothing; and a key is put under the condition that its id is
//! new, so two functions that make the first key of a partner at once end up with one.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{KeyId, Pending, Put, Scope, WrappedKey, WrappedKeys};

use crate::keys::{DataKeyKey, Key};
use crate::{Expression, Item, Query, StoreError, Table, WriteError, text};

/// Wrapped keys in a table.
#[derive(Debug, Clone)]
pub struct DataKeyTable(Table);

impl DataKeyTable {
    /// Keeps keys in `table`.
    pub const fn new(table: Table) -> Self {
        Self(table)
    }

    async fn read(&self, scope: Scope) -> Result<Vec<WrappedKey>, StoreError> {
        let query = Query::partition(DataKeyKey::new(scope, KeyId::INDEX).pk());
        self.0.query_all(&query).await?.iter().map(read_key).collect()
    }

    async fn write(&self, scope: Scope, key: &WrappedKey) -> Result<Put, StoreError> {
        let mut item = DataKeyKey::new(scope, key.id).to_item();
        item.insert("wrapped".into(), AttributeValue::B(Blob::new(key.wrapped.clone())));
        item.insert("createdAt".into(), AttributeValue::S(key.created_at.to_string()));
        match self.0.put(item, Expression::absent()).await {
            Ok(()) => Ok(Put::Stored),
            Err(WriteError::Refused(_)) => Ok(Put::AlreadyThere),
            Err(WriteError::Store(error)) => Err(error),
        }
    }
}

fn read_key(item: &Item) -> Result<WrappedKey, StoreError> {
    let malformed = || StoreError::Malformed("data key".to_owned());
    let id = text(item, "sk").and_then(KeyId::parse).ok_or_else(malformed)?;
    let created_at =
        text(item, "createdAt").and_then(|at| at.parse().ok()).ok_or_else(malformed)?;
    let wrapped = item.get("wrapped").and_then(|value| value.as_b().ok()).ok_or_else(malformed)?;
    Ok(WrappedKey { id, created_at, wrapped: wrapped.as_ref().to_vec() })
}

impl WrappedKeys for DataKeyTable {
    fn all(&self, scope: Scope) -> Pending<'_, Vec<WrappedKey>> {
        Box::pin(async move { Ok(self.read(scope).await?) })
    }

    fn put_new<'a>(&'a self, scope: Scope, key: &'a WrappedKey) -> Pending<'a, Put> {
        Box::pin(async move { Ok(self.write(scope, key).await?) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crypto::test_support::MemoryWrapper;
    use crypto::{Aad, KeyRing};
    use domain::time::{FixedClock, SequenceRandom};

    use super::*;
    use crate::testing::TestDatabase;

    #[tokio::test]
    async fn two_rings_over_one_table_open_each_others_values() {
        let database = TestDatabase::new();
        let wrapper = Arc::new(MemoryWrapper::default());
        let ring = |seed| {
            KeyRing::new(
                Arc::clone(&wrapper) as _,
                Arc::new(DataKeyTable::new(database.customers())),
                Arc::new(FixedClock::at_text("2026-01-25T22:55:24Z")),
                Arc::new(SequenceRandom::starting_at(seed)),
            )
        };
        let (one, two) = (ring(1), ring(1_000));
        let aad = Aad::of(&["customer"]);
        let (sealed, other) = tokio::join!(
            one.seal(Scope::Global, &aad, b"119988776"),
            two.seal(Scope::Global, &aad, b"900112222"),
        );
        let opened = two.open(Scope::Global, &aad, &sealed.unwrap()).await.unwrap();
        assert_eq!(opened.reveal(), b"119988776");
        let opened = one.open(Scope::Global, &aad, &other.unwrap()).await.unwrap();
        assert_eq!(opened.reveal(), b"900112222");

        let stored = DataKeyTable::new(database.customers()).all(Scope::Global).await.unwrap();
        assert_eq!(stored.len(), 2, "one data key and one index key, whoever came first");
    }
}
