//! A customer's trail: which histories it stands in, kept beside the customer.
//!
//! A trail is taken under a lease, widened by what is about to be contributed, and left with what was. Invariant: at every
//! moment the trail names at least the histories that the customer stands in.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{CustomerId, PartnerId};
use domain::network::AttributeKind;
use jiff::{SignedDuration, Timestamp};

use super::{Network, NetworkError};
use crate::keys::{Key, NetworkKey, NetworkTrailKey};
use crate::{Expression, Item, StoreError, WriteError, number};

/// Longer than any function runs, so that whoever holds a lease that is over is no longer running.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// A trail that is being worked on.
pub(super) struct Trail {
    key: NetworkTrailKey,
    version: i64,
    keys: BTreeSet<String>,
}

/// One entry as text: kind and blind index.
fn entry(key: &NetworkKey) -> String {
    format!("{}#{}", key.kind, key.value)
}

fn read_entry(text: &str) -> Result<NetworkKey, StoreError> {
    let known = text.split_once('#').and_then(|(name, value)| {
        let kind = AttributeKind::ALL.into_iter().find(|kind| kind.as_str() == name)?;
        Some(NetworkKey::new(kind, value.to_owned()))
    });
    known.ok_or_else(|| StoreError::Malformed("a trail names no history".to_owned()))
}

impl Trail {
    /// The histories of the trail that are not among these.
    pub(super) fn not_in(&self, wanted: &[NetworkKey]) -> Vec<NetworkKey> {
        let wanted: BTreeSet<String> = wanted.iter().map(entry).collect();
        // They were checked when the trail was read.
        self.keys.difference(&wanted).filter_map(|text| read_entry(text).ok()).collect()
    }

    /// The customer stands in these alone.
    pub(super) fn keep(&mut self, wanted: &[NetworkKey]) {
        self.keys = wanted.iter().map(entry).collect();
    }

    fn item(&self, version: i64, lease: Timestamp) -> Item {
        let mut item = self.key.to_item();
        let keys = self.keys.iter().cloned().map(AttributeValue::S).collect();
        item.insert("keys".to_owned(), AttributeValue::L(keys));
        item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
        item.insert("leaseUntil".to_owned(), AttributeValue::N(lease.as_second().to_string()));
        item
    }
}

fn unchanged(version: i64) -> Expression {
    if version == 0 {
        Expression::absent()
    } else {
        Expression::new("#version = :version")
            .name("#version", "version")
            .number(":version", version)
    }
}

impl Network {
    /// Takes a customer's trail, widened by `wanted`.
    pub(super) async fn take_trail(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        wanted: &[NetworkKey],
        now: Timestamp,
    ) -> Result<Trail, NetworkError> {
        let key = NetworkTrailKey::new(partner, customer);
        let standing = Box::pin(self.table.get(&key)).await?;
        let mut trail = Trail { key, version: 0, keys: BTreeSet::new() };
        if let Some(item) = standing {
            if number(&item, "leaseUntil").is_some_and(|until| until > now.as_second()) {
                return Err(NetworkError::Busy);
            }
            trail.version = number(&item, "version")
                .ok_or_else(|| StoreError::Malformed("a trail has no version".to_owned()))?;
            trail.keys = read_keys(&item)?;
        }
        trail.keys.extend(wanted.iter().map(entry));
        let lease = now.checked_add(LEASE).unwrap_or(now);
        let item = trail.item(trail.version + 1, lease);
        self.write_trail(item, unchanged(trail.version)).await?;
        trail.version += 1;
        Ok(trail)
    }

    /// Leaves a trail as the work has made it; an empty one is removed.
    pub(super) async fn leave_trail(&self, trail: Trail) -> Result<(), NetworkError> {
        let condition = unchanged(trail.version);
        if trail.keys.is_empty() {
            return match Box::pin(self.table.delete(&trail.key, condition)).await {
                Ok(()) => Ok(()),
                Err(WriteError::Refused(_)) => Err(NetworkError::Busy),
                Err(WriteError::Store(error)) => Err(error.into()),
            };
        }
        let item = trail.item(trail.version + 1, Timestamp::UNIX_EPOCH);
        self.write_trail(item, condition).await
    }

    async fn write_trail(&self, item: Item, condition: Expression) -> Result<(), NetworkError> {
        match Box::pin(self.table.put(item, condition)).await {
            Ok(()) => Ok(()),
            Err(WriteError::Refused(_)) => Err(NetworkError::Busy),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }
}

fn read_keys(item: &Item) -> Result<BTreeSet<String>, StoreError> {
    let malformed = || StoreError::Malformed("a trail has no keys".to_owned());
    let list = item.get("keys").and_then(|keys| keys.as_l().ok()).ok_or_else(malformed)?;
    list.iter()
        .map(|key| {
            let text = key.as_s().map_err(|_| malformed())?;
            read_entry(text)?;
            Ok(text.clone())
        })
        .collect()
}
