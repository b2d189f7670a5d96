//! What the network of partners remembers: one item per attribute, found by a blind index of the bank's own scope.
//!
//! Invariants:
//! - No item holds a value, a name, a partner's id or a customer's id: keys and contents are keyed digests.
//! - Customers of the sandbox have a memory of their own: nobody invented speaks for or against anybody real.
//! - A customer contributes once per attribute, so recording it again changes nothing, and recording it after a change moves
//!   its contributions.
//! - What a customer has contributed stands in its trail, which the same transaction writes: a process that dies at any line
//!   leaves nothing that [`Network::forget`] cannot find, and keeps nobody waiting.
//! - A message that comes late contributes nothing: the trail knows the version of the customer, and an erased customer's
//!   transaction is refused.
//!
//! | call | round trips | units |
//! | --- | --- | --- |
//! | [`Network::gather`] | 1 BatchGetItem | 1 per attribute and 4 KB, 1 for the policy |
//! | [`Network::record`] | 1 BatchGetItem, 1 more when attributes were removed or changed, 1 TransactWriteItems | 1 per attribute and 4 KB, 2 per changed attribute and KB, 4 for trail and check; the same version again: the reads alone |
//! | [`Network::weighed`] | 1 UpdateItem | 1 |
//! | [`Network::forget`] | 1 BatchGetItem for the trail, 1 for the histories, 1 TransactWriteItems | the same |
//!
//! Only `gather` is on the path of a request; the others belong to the worker behind the table's stream.

mod alerts;
#[cfg(test)]
mod tests;
mod trail;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{CryptoError, IndexKind, KeyRing, Scope, ScopeKeys};
use domain::bank_account::BankAccount;
use domain::ids::{CustomerId, PartnerId};
use domain::network::{
    AttributeKind, Attributes, Facts, Fingerprint, History, Outcome, ProvedAccount, Sighting, View,
};
use jiff::Timestamp;

use crate::keys::{ErasedKey, Key, NetworkKey, NetworkTrailKey, PolicyKey};
use crate::reviews::read_policy;
use crate::{
    CommitError, Expression, Item, StoreError, Table, Transaction, WriteError, from_item, number,
    text, to_item,
};

use self::trail::Trail;

/// How often what others write as well is read and written again before the caller has to wait.
const TRIES: usize = 6;

const TRAIL: &str = "trail";
const HISTORY: &str = "history";
const ERASED: &str = "erased";

/// The network failed.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Others keep writing the same customer's contributions, or the same history: come again.
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

/// A customer as it was read, to be remembered.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The version of the customer's record.
    pub version: u64,
    /// When it was taken on.
    pub at: Timestamp,
    /// How that ended, as far as it has.
    pub outcome: Option<Outcome>,
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
    /// By partition: the history's key, and of an account by what it is known.
    keys: BTreeMap<String, (NetworkKey, Option<ProvedAccount>)>,
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

/// The key of one attribute's history, in the memory of the sandbox or in that of real customers.
fn history_key(keys: &ScopeKeys, kind: AttributeKind, value: &str, sandbox: bool) -> NetworkKey {
    let (real, invented) = match kind {
        AttributeKind::TaxId => ("network-key-tax-id", "sandbox-key-tax-id"),
        AttributeKind::Email => ("network-key-email", "sandbox-key-email"),
        AttributeKind::Phone => ("network-key-phone", "sandbox-key-phone"),
        AttributeKind::Device => ("network-key-device", "sandbox-key-device"),
        AttributeKind::BankAccount => ("network-key-bank-account", "sandbox-key-bank-account"),
        AttributeKind::Person => ("network-key-person", "sandbox-key-person"),
    };
    let name = if sandbox { invented } else { real };
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
    let history = |kind, value: &str, account: Option<&ProvedAccount>| {
        let key = history_key(keys, kind, value, attributes.sandbox);
        (key.pk(), (key, account.cloned()))
    };
    let accounts = attributes.accounts.iter().map(|account| {
        history(AttributeKind::BankAccount, account.fingerprint.as_str(), Some(account))
    });
    let remembered = attributes.remembered();
    let keys_of = remembered
        .iter()
        .map(|(kind, value)| history(*kind, value, None))
        .chain(accounts)
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

    /// By what the network knows a bank account, at whatever partner. No round trip once the bank's keys are there.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn known_as(&self, account: &BankAccount) -> Result<Fingerprint, CryptoError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let plain = format!("{}{}", account.sort_code(), account.account_number());
        Ok(print(&keys, "network-bank-account", &plain))
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
        wanted.extend(own.keys.values().map(|(key, _)| key.to_item()));
        let mut gathered = Gathered::default();
        for item in Box::pin(self.table.get_all(wanted)).await? {
            let pk = text(&item, "pk").map(str::to_owned);
            if pk.as_deref() == Some(policy_key.pk().as_str()) {
                gathered.policy = Some(read_policy(&item)?);
            } else if let Some((key, account)) = pk.and_then(|pk| own.keys.get(&pk)) {
                gathered.view.add(key.kind, account.as_ref(), read_history(item)?);
            }
        }
        gathered.view.contributor = own.contributor;
        gathered.view.member = own.member;
        gathered.view.own = own.facts;
        Ok(gathered)
    }

    /// Lets the network remember a customer as it was read. Repeating it changes nothing, and neither does coming with an
    /// older version of the customer than the one that is remembered, or with one that was erased meanwhile.
    ///
    /// Answers what the network knows of the proved accounts alone that nobody has [looked at](Self::weighed); `None` when a
    /// later version is remembered already, or the customer was erased meanwhile.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn record(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        attributes: &Attributes,
        seen: Seen,
        now: Timestamp,
    ) -> Result<Option<View>, NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let own = contribution(&keys, partner, customer, attributes);
        let (who, member, facts) = (own.contributor, own.member, own.facts);
        let (wanted, accounts): (Vec<NetworkKey>, Vec<Option<ProvedAccount>>) =
            own.keys.into_values().unzip();
        for _ in 0..TRIES {
            let (standing, trail) = self.trail(partner, customer, &wanted).await?;
            if trail.as_ref().is_some_and(|trail| trail.customer_version > seen.version) {
                return Ok(None);
            }
            let is_new = trail.as_ref().is_none_or(|trail| trail.customer_version < seen.version);
            let trail = trail.unwrap_or_default();
            let mut unweighed = View {
                contributor: who.clone(),
                member: member.clone(),
                own: facts.clone(),
                ..View::default()
            };
            let mut transaction = self.removal(&who, &trail, &wanted, now).await?;
            for ((key, account), standing) in wanted.iter().zip(&accounts).zip(standing) {
                if let Some(account) = account
                    && !trail.weighed.contains(&account.fingerprint)
                {
                    unweighed.add(key.kind, Some(account), standing.history.clone());
                }
                // An account is known since it was proved.
                let at = account.as_ref().map_or(seen.at, |account| account.at);
                let (member, facts) = (member.clone(), facts.clone());
                let sighting = Sighting { member, at, facts, outcome: seen.outcome };
                self.change(&mut transaction, key, standing, |history| {
                    history.record(who.clone(), sighting.clone(), now);
                })?;
            }
            if transaction.is_empty() && !is_new {
                return Ok(Some(unweighed));
            }
            let trail_key = NetworkTrailKey::new(partner, customer);
            let next = trail.next(&trail_key, &wanted, &attributes.accounts, seen.version);
            transaction.put(TRAIL, &self.table, next, trail.unchanged());
            let erased = ErasedKey::new(partner, customer);
            transaction.check(ERASED, &self.table, &erased, Expression::absent());
            match Box::pin(transaction.commit(&self.table)).await {
                Ok(()) => return Ok(Some(unweighed)),
                Err(refused) if refused.refusal(ERASED).is_some() => return Ok(None),
                Err(CommitError::Refused(_) | CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(NetworkError::Busy)
    }

    /// Notes that somebody has looked at what the network knows of these accounts of a customer, so that nobody does again. Of
    /// a customer that was erased meanwhile, or is remembered as another version, nothing is noted: it is looked at again. 1
    /// UpdateItem, none without an account.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn weighed(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        version: u64,
        accounts: &[Fingerprint],
    ) -> Result<(), NetworkError> {
        if accounts.is_empty() {
            return Ok(());
        }
        let key = NetworkTrailKey::new(partner, customer);
        match Box::pin(self.table.update(&key, trail::note_weighed(version, accounts))).await {
            Ok(_) | Err(WriteError::Refused(_)) => Ok(()),
            Err(WriteError::Store(error)) if error.is_conflict() => Err(NetworkError::Busy),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
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
        for _ in 0..TRIES {
            let (_, Some(trail)) = self.trail(partner, customer, &[]).await? else {
                return Ok(());
            };
            let mut transaction = self.removal(&who, &trail, &[], now).await?;
            let key = NetworkTrailKey::new(partner, customer);
            transaction.delete(TRAIL, &self.table, &key, trail.unchanged());
            match Box::pin(transaction.commit(&self.table)).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Refused(_) | CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(NetworkError::Busy)
    }

    /// A customer's trail and these histories, in their order, in one batch read.
    async fn trail(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        wanted: &[NetworkKey],
    ) -> Result<(Vec<Standing>, Option<Trail>), NetworkError> {
        let trail_key = NetworkTrailKey::new(partner, customer);
        let mut keys: Vec<Item> = wanted.iter().map(Key::to_item).collect();
        keys.push(trail_key.to_item());
        let mut items = by_partition(Box::pin(self.table.get_all(keys)).await?);
        let trail = items.remove(&trail_key.pk()).map(|item| Trail::read(&item)).transpose()?;
        Ok((standing(&mut items, wanted)?, trail))
    }

    /// The transaction that takes a customer out of the histories that its trail names and `wanted` does not.
    async fn removal(
        &self,
        who: &Fingerprint,
        trail: &Trail,
        wanted: &[NetworkKey],
        now: Timestamp,
    ) -> Result<Transaction, NetworkError> {
        let mut transaction = Transaction::new();
        let left = trail.not_in(wanted)?;
        if left.is_empty() {
            return Ok(transaction);
        }
        let keys = left.iter().map(Key::to_item).collect();
        let mut items = by_partition(Box::pin(self.table.get_all(keys)).await?);
        for (key, standing) in left.iter().zip(standing(&mut items, &left)?) {
            self.change(&mut transaction, key, standing, |history| history.forget(who, now))?;
        }
        Ok(transaction)
    }

    /// Adds the change of a history under the condition that nobody else changes it meanwhile. A change that changes
    /// nothing adds nothing; a history with nothing left is removed.
    fn change(
        &self,
        transaction: &mut Transaction,
        key: &NetworkKey,
        standing: Standing,
        change: impl Fn(&mut History),
    ) -> Result<(), StoreError> {
        let mut after = standing.history.clone();
        change(&mut after);
        if after == standing.history {
            return Ok(());
        }
        let condition = standing.version.map_or_else(Expression::absent, at_version);
        if after.is_empty() {
            transaction.delete(HISTORY, &self.table, key, condition);
        } else {
            let item = history_item(key, &after, standing.version.unwrap_or(0) + 1)?;
            transaction.put(HISTORY, &self.table, item, condition);
        }
        Ok(())
    }
}

/// A history as it stands, or an empty one.
#[derive(Default)]
struct Standing {
    history: History,
    version: Option<i64>,
}

impl Standing {
    fn read(item: Option<Item>) -> Result<Self, StoreError> {
        let Some(item) = item else { return Ok(Self::default()) };
        let version = number(&item, "version");
        Ok(Self { history: read_history(item)?, version })
    }
}

/// The histories of these keys, in their order.
fn standing(
    items: &mut BTreeMap<String, Item>,
    keys: &[NetworkKey],
) -> Result<Vec<Standing>, StoreError> {
    keys.iter().map(|key| Standing::read(items.remove(&key.pk()))).collect()
}

/// All of these have partitions of their own.
fn by_partition(items: Vec<Item>) -> BTreeMap<String, Item> {
    items
        .into_iter()
        .filter_map(|item| Some((text(&item, "pk").map(str::to_owned)?, item)))
        .collect()
}

fn at_version(version: i64) -> Expression {
    Expression::new("#version = :version").name("#version", "version").number(":version", version)
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
