//! A customer's trail: which histories it stands in, of which version of the customer, and which of its accounts were looked
//! at, kept beside the customer.
//!
//! Invariant: a trail is written by the transaction that writes the histories, so it names exactly the histories that the
//! customer stands in, at every moment.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::network::{AttributeKind, Fingerprint, ProvedAccount};

use crate::keys::{Key, NetworkKey, NetworkTrailKey};
use crate::{Expression, Item, StoreError, Update, number};

const WEIGHED: &str = "weighed";

/// Notes on a trail of this version of the customer that these accounts were looked at: a later one may have taken an account
/// back. Whoever has read the trail before reads it again.
pub(super) fn note_weighed(customer_version: u64, accounts: &[Fingerprint]) -> Update {
    let note = Expression::new("ADD #weighed :weighed, #version :one")
        .name("#weighed", WEIGHED)
        .name("#version", "version")
        .value(":weighed", set_of(accounts))
        .number(":one", 1);
    let as_read = Expression::new("#customerVersion = :customerVersion")
        .name("#customerVersion", "customerVersion")
        .number(":customerVersion", customer_version);
    Update::when(as_read, note)
}

fn set_of<'a>(accounts: impl IntoIterator<Item = &'a Fingerprint>) -> AttributeValue {
    AttributeValue::Ss(accounts.into_iter().map(|it| it.as_str().to_owned()).collect())
}

/// A trail as it was read; none that stands is an empty one of version 0.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Which version of the customer was contributed last.
    pub(super) customer_version: u64,
    /// The proved accounts that somebody has looked at, with what others left there.
    pub(super) weighed: BTreeSet<Fingerprint>,
    version: i64,
    entries: BTreeSet<String>,
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
    /// Reads a trail.
    pub(super) fn read(item: &Item) -> Result<Self, StoreError> {
        let malformed = || StoreError::Malformed("an item is no trail".to_owned());
        let list = item.get("keys").and_then(|keys| keys.as_l().ok()).ok_or_else(malformed)?;
        let entries = list
            .iter()
            .map(|text| text.as_s().cloned().map_err(|_| malformed()))
            .collect::<Result<_, _>>()?;
        let customer_version = number(item, "customerVersion")
            .and_then(|version| u64::try_from(version).ok())
            .ok_or_else(malformed)?;
        let version = number(item, "version").ok_or_else(malformed)?;
        let weighed = item.get(WEIGHED).and_then(|set| set.as_ss().ok()).into_iter().flatten();
        let weighed = weighed.map(|text| Fingerprint::of_digest(text)).collect();
        Ok(Self { customer_version, weighed, version, entries })
    }

    /// The histories of the trail that are not among these.
    pub(super) fn not_in(&self, wanted: &[NetworkKey]) -> Result<Vec<NetworkKey>, StoreError> {
        let wanted: BTreeSet<String> = wanted.iter().map(entry).collect();
        self.entries.difference(&wanted).map(|text| read_entry(text)).collect()
    }

    /// The item of the trail that names these, for this version of the customer with these accounts: what was looked at of an
    /// account that was taken back is looked at again when it is proved again.
    pub(super) fn next(
        &self,
        key: &NetworkTrailKey,
        wanted: &[NetworkKey],
        accounts: &[ProvedAccount],
        customer_version: u64,
    ) -> Item {
        let entries: BTreeSet<String> = wanted.iter().map(entry).collect();
        let entries = entries.into_iter().map(AttributeValue::S).collect();
        let mut item = key.to_item();
        item.insert("keys".to_owned(), AttributeValue::L(entries));
        item.insert("version".to_owned(), AttributeValue::N((self.version + 1).to_string()));
        item.insert("customerVersion".to_owned(), AttributeValue::N(customer_version.to_string()));
        let held = accounts.iter().map(|account| &account.fingerprint);
        let weighed: Vec<_> = held.filter(|account| self.weighed.contains(account)).collect();
        if !weighed.is_empty() {
            item.insert(WEIGHED.to_owned(), set_of(weighed));
        }
        item
    }

    /// That the trail is still as it was read.
    pub(super) fn unchanged(&self) -> Expression {
        if self.version == 0 { Expression::absent() } else { super::at_version(self.version) }
    }
}
