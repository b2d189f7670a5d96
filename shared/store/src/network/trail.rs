//! A customer's trail: which histories it stands in, of which version of the customer, and which account of its was looked at,
//! kept beside the customer.
//!
//! Invariant: a trail is written by the transaction that writes the histories, so it names exactly the histories that the
//! customer stands in, at every moment.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::network::{AttributeKind, Fingerprint};

use crate::keys::{Key, NetworkKey, NetworkTrailKey};
use crate::{Expression, Item, StoreError, Update, number, text};

const WEIGHED: &str = "weighed";

/// In how many histories of earlier accounts a customer stays. Which of more go is left to their digests.
const MOST_EARLIER_ACCOUNTS: usize = 7;

/// Notes on a trail that an account was looked at. Whoever has read the trail before reads it again.
pub(super) fn note_weighed(account: &Fingerprint) -> Update {
    let note = Expression::new("SET #weighed = :weighed ADD #version :one")
        .name("#weighed", WEIGHED)
        .name("#version", "version")
        .text(":weighed", account.as_str())
        .number(":one", 1);
    Update::when(Expression::present(), note)
}

/// A trail as it was read; none that stands is an empty one of version 0.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Which version of the customer was contributed last.
    pub(super) customer_version: u64,
    /// The proved account that somebody has looked at, with what others left there.
    pub(super) weighed: Option<Fingerprint>,
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
        let weighed = text(item, WEIGHED).map(Fingerprint::of_digest);
        Ok(Self { customer_version, weighed, version, entries })
    }

    /// The histories of the trail that the customer leaves for these.
    pub(super) fn not_in(&self, wanted: &[NetworkKey]) -> Result<Vec<NetworkKey>, StoreError> {
        let stays = self.entries_with(wanted);
        self.entries.difference(&stays).map(|text| read_entry(text)).collect()
    }

    /// The entries with these histories. An account that gave way to another one has been the customer's all the same:
    /// whoever proves one after another leaves none of them; only without any is nothing left.
    fn entries_with(&self, wanted: &[NetworkKey]) -> BTreeSet<String> {
        let mut entries: BTreeSet<String> = wanted.iter().map(entry).collect();
        if wanted.iter().any(|key| key.kind == AttributeKind::BankAccount) {
            let account = format!("{}#", AttributeKind::BankAccount);
            let earlier =
                self.entries.difference(&entries).filter(|text| text.starts_with(&account));
            let earlier: Vec<String> = earlier.take(MOST_EARLIER_ACCOUNTS).cloned().collect();
            entries.extend(earlier);
        }
        entries
    }

    /// The item of the trail that names these, for this version of the customer.
    pub(super) fn next(
        &self,
        key: &NetworkTrailKey,
        wanted: &[NetworkKey],
        customer_version: u64,
    ) -> Item {
        let entries = self.entries_with(wanted).into_iter().map(AttributeValue::S).collect();
        let mut item = key.to_item();
        item.insert("keys".to_owned(), AttributeValue::L(entries));
        item.insert("version".to_owned(), AttributeValue::N((self.version + 1).to_string()));
        item.insert("customerVersion".to_owned(), AttributeValue::N(customer_version.to_string()));
        if let Some(weighed) = &self.weighed {
            item.insert(WEIGHED.to_owned(), AttributeValue::S(weighed.as_str().to_owned()));
        }
        item
    }

    /// That the trail is still as it was read.
    pub(super) fn unchanged(&self) -> Expression {
        if self.version == 0 { Expression::absent() } else { super::at_version(self.version) }
    }
}
