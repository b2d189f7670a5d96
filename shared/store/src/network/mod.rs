//! What the network of partners remembers: one item per attribute, found by a blind index of the bank's own scope.
//!
//! Invariants:
//! - No item holds a value, a name, a partner's id or a customer's id: keys and contents are keyed digests.
//! - A customer contributes once per attribute, so recording it again changes nothing, and recording it after a change moves
//!   its contributions.
//! - What a customer has contributed stands in its trail before it is contributed, so a process that dies at any line leaves
//!   nothing that [`Network::forget`] cannot find. A trail is worked on by one at a time, under a lease that outlasts the
//!   longest run of a function.
//!
//! | call | round trips | units |
//! | --- | --- | --- |
//! | [`Network::gather`] | 1 BatchGetItem | 1 per attribute and 4 KB, 1 for the policy |
//! | [`Network::record`] | 3 for the trail, 2 per attribute added or changed or removed | 2 per attribute and KB |
//! | [`Network::forget`] | the same | the same |
//!
//! Only `gather` is on the path of a request; the others belong to the worker behind the table's stream.

#[cfg(test)]
mod tests;
mod trail;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{CryptoError, IndexKind, KeyRing, Scope, ScopeKeys};
use domain::ids::{CustomerId, PartnerId};
use domain::network::{
    Alert, AttributeKind, Attributes, Facts, Fingerprint, History, Outcome, Sighting, View,
};
use jiff::Timestamp;

use crate::keys::{Key, NetworkKey, PolicyKey};
use crate::reviews::read_policy;
use crate::{Expression, Item, StoreError, Table, WriteError, from_item, number, text, to_item};

/// How often a history that others write as well is read and written again before the message has to come again.
const TRIES: usize = 6;

/// The network failed.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Somebody else works on this customer's contributions, or others keep writing the same history: come again.
    #[error("the network is busy with the same customer or attribute")]
    Busy,
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// What one batch read gave.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// What the network knows.
    pub view: View,
    /// The partner's decision policy with its version, where it has one.
    pub policy: Option<(serde_json::Value, u32)>,
}

/// The network in a table.
#[derive(Clone)]
pub struct Network {
    table: Table,
    ring: Arc<KeyRing>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Network({})", self.table.name())
    }
}

/// A customer as the network sees it: everything by its digest.
struct Contribution {
    contributor: Fingerprint,
    member: Fingerprint,
    facts: Facts,
    keys: BTreeMap<String, (AttributeKind, String)>,
}

fn print(keys: &ScopeKeys, kind: &'static str, value: &str) -> Fingerprint {
    let digest = keys.blind_index(IndexKind::named(kind), value.as_bytes());
    Fingerprint::of_digest(digest.as_str())
}

fn contributor(keys: &ScopeKeys, partner: PartnerId, customer: CustomerId) -> Fingerprint {
    print(keys, "network-contributor", &format!("{partner}/{customer}"))
}

fn member(keys: &ScopeKeys, partner: PartnerId) -> Fingerprint {
    print(keys, "network-member", &partner.to_string())
}

/// The key of one attribute's history.
fn history_key(keys: &ScopeKeys, kind: AttributeKind, value: &str) -> NetworkKey {
    let name = match kind {
        AttributeKind::TaxId => "network-key-tax-id",
        AttributeKind::Email => "network-key-email",
        AttributeKind::Phone => "network-key-phone",
        AttributeKind::Device => "network-key-device",
        AttributeKind::BankAccount => "network-key-bank-account",
        AttributeKind::Person => "network-key-person",
    };
    let index = keys.blind_index(IndexKind::named(name), value.as_bytes());
    NetworkKey::new(kind, index.as_str().to_owned())
}

fn contribution(
    keys: &ScopeKeys,
    partner: PartnerId,
    customer: CustomerId,
    attributes: &Attributes,
) -> Contribution {
    let fact =
        |kind, value: &Option<String>| value.as_deref().map(|value| print(keys, kind, value));
    let facts = Facts {
        first_name: fact("network-first-name", &attributes.first_name),
        last_name: fact("network-last-name", &attributes.last_name),
        birth_date: fact("network-birth-date", &attributes.birth_date),
        tax_id: fact("network-tax-id", &attributes.tax_id),
        email: fact("network-email", &attributes.email),
        phone: fact("network-phone", &attributes.phone),
        address: fact("network-address", &attributes.address),
    };
    let keys_of = attributes
        .remembered()
        .into_iter()
        .map(|(kind, value)| {
            let key = history_key(keys, kind, &value);
            (key.pk(), (kind, key.value))
        })
        .collect();
    Contribution {
        contributor: contributor(keys, partner, customer),
        member: member(keys, partner),
        facts,
        keys: keys_of,
    }
}

impl Network {
    /// The network in this table, its digests under the bank's own scope of this ring.
    #[must_use]
    pub const fn new(table: Table, ring: Arc<KeyRing>) -> Self {
        Self { table, ring }
    }

    /// What the network knows of an applicant, and the partner's policy, in one batch read.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn gather(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        attributes: &Attributes,
    ) -> Result<Gathered, NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let own = contribution(&keys, partner, customer, attributes);
        let policy_key = PolicyKey::new(partner);
        let mut wanted = vec![policy_key.to_item()];
        wanted.extend(
            own.keys.values().map(|(kind, value)| NetworkKey::new(*kind, value.clone()).to_item()),
        );
        let mut gathered = Gathered::default();
        for item in Box::pin(self.table.get_all(wanted)).await? {
            let pk = text(&item, "pk").map(str::to_owned);
            if pk.as_deref() == Some(policy_key.pk().as_str()) {
                gathered.policy = Some(read_policy(&item)?);
            } else if let Some((kind, _)) = pk.and_then(|pk| own.keys.get(&pk)) {
                gathered.view.histories.insert(*kind, read_history(item)?);
            }
        }
        gathered.view.contributor = own.contributor;
        gathered.view.member = own.member;
        gathered.view.own = own.facts;
        Ok(gathered)
    }

    /// Lets the network remember a customer as it is now; `at` is when it was taken on. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn record(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        attributes: &Attributes,
        (at, outcome): (Timestamp, Option<Outcome>),
        now: Timestamp,
    ) -> Result<(), NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let own = contribution(&keys, partner, customer, attributes);
        let sighting = Sighting { member: own.member, at, facts: own.facts, outcome };
        let wanted: Vec<NetworkKey> =
            own.keys.into_values().map(|(kind, value)| NetworkKey::new(kind, value)).collect();
        let mut trail = self.take_trail(partner, customer, &wanted, now).await?;
        for key in trail.not_in(&wanted) {
            self.change(&key, |history| history.forget(&own.contributor, now)).await?;
        }
        for key in &wanted {
            self.change(key, |history| {
                history.record(own.contributor.clone(), sighting.clone(), now);
            })
            .await?;
        }
        trail.keep(&wanted);
        self.leave_trail(trail).await
    }

    /// Takes out everything that a customer has contributed. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn forget(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        now: Timestamp,
    ) -> Result<(), NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let who = contributor(&keys, partner, customer);
        let mut trail = self.take_trail(partner, customer, &[], now).await?;
        for key in trail.not_in(&[]) {
            self.change(&key, |history| history.forget(&who, now)).await?;
        }
        trail.keep(&[]);
        self.leave_trail(trail).await
    }

    /// Puts an attribute on a partner's alert list; `shared` warns every partner, without saying who warned.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn raise_alert(
        &self,
        partner: PartnerId,
        (kind, value): (AttributeKind, &str),
        shared: bool,
        now: Timestamp,
    ) -> Result<(), NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let who = member(&keys, partner);
        self.change(&history_key(&keys, kind, value), |history| {
            let at = history.alerts.get(&who).map_or(now, |alert| alert.at);
            history.alerts.insert(who.clone(), Alert { at, shared });
        })
        .await
    }

    /// Takes an attribute off a partner's alert list.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn withdraw_alert(
        &self,
        partner: PartnerId,
        (kind, value): (AttributeKind, &str),
    ) -> Result<(), NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let who = member(&keys, partner);
        self.change(&history_key(&keys, kind, value), |history| {
            history.alerts.remove(&who);
        })
        .await
    }

    /// Reads a history, changes it and writes it under the condition that nobody else did meanwhile. A change that changes
    /// nothing writes nothing; a history with nothing left is removed.
    async fn change(
        &self,
        key: &NetworkKey,
        change: impl Fn(&mut History),
    ) -> Result<(), NetworkError> {
        for _ in 0..TRIES {
            let standing = Box::pin(self.table.get(key)).await?;
            let version = standing.as_ref().and_then(|item| number(item, "version"));
            let before = match standing {
                Some(item) => read_history(item)?,
                None => History::default(),
            };
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(());
            }
            let condition = match version {
                None => Expression::absent(),
                Some(version) => Expression::new("#version = :version")
                    .name("#version", "version")
                    .number(":version", version),
            };
            let written = if after.is_empty() {
                Box::pin(self.table.delete(key, condition)).await
            } else {
                let item = history_item(key, &after, version.unwrap_or(0) + 1)?;
                Box::pin(self.table.put(item, condition)).await
            };
            match written {
                Ok(()) => return Ok(()),
                Err(WriteError::Refused(_)) => {}
                Err(WriteError::Store(error)) => return Err(error.into()),
            }
        }
        Err(NetworkError::Busy)
    }
}

fn history_item(key: &NetworkKey, history: &History, version: i64) -> Result<Item, StoreError> {
    let mut item = key.to_item();
    item.insert("history".to_owned(), AttributeValue::M(to_item(history)?));
    item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
    if let Some(expires) = history.expires_at() {
        item.insert("expiresAt".to_owned(), AttributeValue::N(expires.as_second().to_string()));
    }
    Ok(item)
}

fn read_history(mut item: Item) -> Result<History, StoreError> {
    match item.remove("history") {
        Some(AttributeValue::M(history)) => from_item(history),
        _ => Err(StoreError::Malformed("an item is no history".to_owned())),
    }
}
