//! Writing a change: one transaction, and what a refusal of it means.

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{IndexKind, ScopeKeys};
use domain::audit::{Actor, AuditAction, AuditEntry, AuditHead};
use domain::choices::Classification;
use domain::contact::ContactId;
use domain::customer::{Change, ContactWrite, Customer};
use domain::event::DomainEvent;
use domain::ids::{CustomerId, EventId, PartnerId};
use jiff::Timestamp;

use super::audit::{audit_item, digest, read_entry, verify};
use super::contact_record::{ContactKey, contact_item};
use super::counts::add_counts;
use super::evidence::evidence_digest;
use super::find::{cif_item, lookup_item, lookups, primary_email, stored_lookups};
use super::record::write_customer;
use super::{ChainBroken, Customers, CustomersError};
use crate::keys::{CifKey, CustomerKey, EmailClaimKey, Key, LookupKey, customer_partition};
use crate::{CommitError, Expression, Item, Query, StoreError, Transaction, Update, outbox};

const CUSTOMER: &str = "customer";
const AUDIT: &str = "audit";
const CIF: &str = "cif";
const OWNER: &str = "owner";
const EMAIL: &str = "email";

/// A change to be written.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The customer that the change was computed from; `None` for a new one.
    pub before: Option<&'a Customer>,
    /// The customer after the change.
    pub after: &'a Customer,
    /// What changed.
    pub change: &'a Change,
    /// Who changed it.
    pub actor: &'a Actor,
    /// When.
    pub now: Timestamp,
    /// A customer that must be a Personal one of the same partner for the change to hold.
    pub owner: Option<CustomerId>,
    /// What the change rests on, made by [`super::evidence`]. Its audit entry binds it.
    pub evidence: Vec<Item>,
}

/// Why a change was not written.
#[derive(Debug, thiserror::Error)]
pub enum CommitRefused {
    /// Another change came first: read again, apply again.
    #[error("another change came first")]
    Stale,
    /// The drawn file number is taken: draw again.
    #[error("the file number is taken")]
    CifTaken,
    /// Another customer of the account has this e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The named owner is no Personal customer of this partner.
    #[error("the owner is no Personal customer")]
    UnknownOwner,
    /// The table or the keys failed.
    #[error(transparent)]
    Failed(#[from] CustomersError),
}

impl From<StoreError> for CommitRefused {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Customers {
    /// Writes a change, all of it or nothing. An empty change writes nothing.
    ///
    /// # Errors
    /// [`CommitRefused`].
    pub async fn commit(&self, commit: Commit<'_>) -> Result<(), CommitRefused> {
        let transaction = self.prepare(commit).await?;
        if transaction.is_empty() {
            return Ok(());
        }
        Box::pin(transaction.commit(&self.table)).await.map_err(CommitRefused::from)
    }

    /// The transaction of a change, for a caller that adds an idempotency record to it. What a refusal of it means is
    /// said by [`CommitRefused::from`].
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn prepare(&self, commit: Commit<'_>) -> Result<Transaction, CustomersError> {
        let (partner, id) = (commit.after.partner, commit.after.id);
        let mut transaction = Transaction::new();
        if !commit.change.is_empty() {
            let keys = self.ring.keys(partner.into()).await?;
            self.add_customer(&mut transaction, &commit, &keys)?;
            self.add_contacts(&mut transaction, &commit, &keys)?;
            self.add_lookups(&mut transaction, &commit, &keys);
            self.add_email_claim(&mut transaction, commit.before, Some(commit.after), &keys);
            add_counts(&mut transaction, &self.table, commit.before, Some(commit.after));
            let standing = Customer::standing_change(commit.before, commit.after);
            for kind in commit.change.events.iter().chain(&standing) {
                let event = DomainEvent {
                    id: EventId::new(&*self.clock, &*self.random),
                    partner,
                    customer: id,
                    occurred_at: commit.now,
                    kind: kind.clone(),
                };
                transaction.put_new("event", &self.table, outbox::event_item(&event)?);
            }
        }
        for item in commit.evidence {
            transaction.put_new("evidence", &self.table, item);
        }
        Ok(transaction)
    }

    fn add_customer(
        &self,
        transaction: &mut Transaction,
        commit: &Commit<'_>,
        keys: &ScopeKeys,
    ) -> Result<(), CustomersError> {
        let (partner, id) = (commit.after.partner, commit.after.id);
        let head = commit.before.map_or_else(AuditHead::default, |before| before.audit);
        let change = commit.change;
        let mut fields = change.fields.clone();
        for evidence in &commit.evidence {
            fields.push(evidence_digest(evidence)?);
        }
        let actor = commit.actor.clone();
        let entry = AuditEntry::following(&head, commit.now, actor, change.action, fields);
        let mut after = commit.after.clone();
        after.audit = AuditHead { seq: entry.seq, digest: digest(&entry) };
        let condition = match commit.before {
            None => Expression::absent(),
            Some(before) => unchanged_since(before),
        };
        transaction.put(CUSTOMER, &self.table, write_customer(&after, keys)?, condition);
        transaction.put_new(AUDIT, &self.table, audit_item(partner, id, &entry)?);
        if commit.before.map(|before| before.cif) != Some(after.cif) {
            transaction.put_new(CIF, &self.table, cif_item(after.cif, partner, id));
            if let Some(before) = commit.before {
                let old = CifKey::new(before.cif);
                transaction.delete("old-cif", &self.table, &old, Expression::present());
            }
        }
        if let Some(owner) = commit.owner {
            let condition = Expression::new("#classification = :personal")
                .name("#classification", "classification")
                .text(":personal", Classification::Personal.as_str());
            transaction.check(OWNER, &self.table, &CustomerKey::new(partner, owner), condition);
        }
        Ok(())
    }

    fn add_contacts(
        &self,
        transaction: &mut Transaction,
        commit: &Commit<'_>,
        keys: &ScopeKeys,
    ) -> Result<(), CustomersError> {
        let key = |contact: ContactId| ContactKey {
            partner: commit.after.partner,
            customer: commit.after.id,
            contact,
        };
        for write in &commit.change.contacts {
            match write {
                ContactWrite::Add(contact) => {
                    let item = contact_item(key(contact.id), contact, keys)?;
                    transaction.put_new("contact", &self.table, item);
                }
                ContactWrite::Replace(contact) => {
                    let item = contact_item(key(contact.id), contact, keys)?;
                    transaction.put("contact", &self.table, item, Expression::present());
                }
                ContactWrite::Demote(contact) => {
                    let update = Expression::new("SET #isPrimary = :no")
                        .name("#isPrimary", "isPrimary")
                        .value(":no", AttributeValue::Bool(false));
                    let update = Update::when(Expression::present(), update);
                    transaction.update("contact", &self.table, &key(*contact), update);
                }
                ContactWrite::Remove(contact) => {
                    let condition = Expression::present();
                    transaction.delete("contact", &self.table, &key(*contact), condition);
                }
            }
        }
        Ok(())
    }

    fn add_lookups(&self, transaction: &mut Transaction, commit: &Commit<'_>, keys: &ScopeKeys) {
        let (partner, id) = (commit.after.partner, commit.after.id);
        let old =
            commit.before.map_or_else(Default::default, |before| stored_lookups(before, keys));
        let new = lookups(commit.after, keys);
        for (term, value) in new.difference(&old) {
            let key = LookupKey::new(partner, term, value.clone(), id);
            transaction.put_new("lookup", &self.table, lookup_item(&key));
        }
        for (term, value) in old.difference(&new) {
            let key = LookupKey::new(partner, term, value.clone(), id);
            transaction.delete("lookup", &self.table, &key, Expression::present());
        }
    }

    /// Who has given more about a customer than the onboarding contract asks has a say in whose e-mail address it is.
    pub(super) fn add_email_claim(
        &self,
        transaction: &mut Transaction,
        before: Option<&Customer>,
        after: Option<&Customer>,
        keys: &ScopeKeys,
    ) {
        let claim = |customer: &Customer| {
            customer.enrolment.as_ref()?;
            let value = keys.blind_index(IndexKind::EMAIL, primary_email(customer)?.as_bytes());
            let account = customer.account.map_or_else(|| "-".to_owned(), |id| id.to_string());
            Some(EmailClaimKey::new(customer.partner, account, value.as_str().to_owned()))
        };
        let (old, new) = (before.and_then(claim), after.and_then(claim));
        if old == new {
            return;
        }
        if let (Some(key), Some(customer)) = (new, after) {
            let mut item = key.to_item();
            item.insert("customer".to_owned(), AttributeValue::S(customer.id.to_string()));
            transaction.put_new(EMAIL, &self.table, item);
        }
        if let Some(key) = old {
            transaction.delete("old-email", &self.table, &key, Expression::present());
        }
    }

    /// Leaves an audit entry for a read of secrets in clear, before they are shown. The customer does not count as
    /// changed by it.
    ///
    /// # Errors
    /// [`CommitRefused::Stale`] when the chain grew meanwhile.
    pub async fn record_read(
        &self,
        customer: &Customer,
        actor: &Actor,
        fields: Vec<String>,
        now: Timestamp,
    ) -> Result<(), CommitRefused> {
        let (partner, id) = (customer.partner, customer.id);
        let action = AuditAction::ReadUnmasked;
        let entry = AuditEntry::following(&customer.audit, now, actor.clone(), action, fields);
        let head = Expression::new("SET #auditSeq = :next, #auditHash = :digest")
            .name("#auditSeq", "auditSeq")
            .name("#auditHash", "auditHash")
            .number(":next", entry.seq)
            .text(":digest", hex::encode(digest(&entry).0));
        let mut transaction = Transaction::new();
        let update = Update::when(unchanged_since(customer), head);
        transaction.update(CUSTOMER, &self.table, &CustomerKey::new(partner, id), update);
        transaction.put_new(AUDIT, &self.table, audit_item(partner, id, &entry)?);
        Box::pin(transaction.commit(&self.table)).await.map_err(CommitRefused::from)
    }

    /// The whole audit chain, checked link by link, also of an erased customer. `None` when there was no such customer.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn verify_audit(
        &self,
        partner: PartnerId,
        id: CustomerId,
    ) -> Result<Option<Result<u64, ChainBroken>>, CustomersError> {
        let query = Query::partition(customer_partition(partner, id)).beginning("AUDIT#");
        let mut before = None;
        loop {
            let (head, is_erased) = match self.get(partner, id).await? {
                Some(customer) => (customer.audit, false),
                None => match self.erased(partner, id).await? {
                    Some(head) => (head, true),
                    None => return Ok(None),
                },
            };
            let items = Box::pin(self.table.query_all(&query)).await?;
            let entries: Vec<_> = items.into_iter().map(read_entry).collect();
            let readable: Vec<AuditEntry> =
                entries.iter().filter_map(|entry| entry.as_ref().ok()).cloned().collect();
            let verdict = verify(entries, &head);
            match verdict {
                // An erased customer's evidence is gone by right.
                Ok(count) if is_erased => return Ok(Some(Ok(count))),
                Ok(count) => {
                    let altered = self.altered_evidence(partner, id, &readable).await?;
                    return Ok(Some(altered.map_or(Ok(count), Err)));
                }
                // Head and chain are read one after the other: a change between the two looks like tampering, and is none
                // when the head has moved.
                Err(_) if before.as_ref().is_some_and(|seen| *seen != head) => {}
                Err(broken) if before.is_some() => return Ok(Some(Err(broken))),
                Err(_) => {}
            }
            before = Some(head);
        }
    }

    /// The audit entries themselves, oldest first.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn audit_trail(
        &self,
        partner: PartnerId,
        id: CustomerId,
    ) -> Result<Vec<AuditEntry>, CustomersError> {
        let query = Query::partition(customer_partition(partner, id)).beginning("AUDIT#");
        let items = Box::pin(self.table.query_all(&query)).await?;
        Ok(items.into_iter().map(read_entry).collect::<Result<_, _>>()?)
    }
}

/// The version counts changes; the audit number also counts reads in clear, which write the chain.
pub(super) fn unchanged_since(before: &Customer) -> Expression {
    Expression::new("#version = :version AND #auditSeq = :auditSeq")
        .name("#version", "version")
        .number(":version", before.version)
        .name("#auditSeq", "auditSeq")
        .number(":auditSeq", before.audit.seq)
}

impl From<CommitError> for CommitRefused {
    /// What the caller can do something about comes before what it can only retry.
    fn from(error: CommitError) -> Self {
        if error.refusal(CIF).is_some() {
            return Self::CifTaken;
        }
        if error.refusal(OWNER).is_some() {
            return Self::UnknownOwner;
        }
        if error.refusal(EMAIL).is_some() {
            return Self::EmailTaken;
        }
        match error {
            CommitError::Refused(_) | CommitError::Conflict => Self::Stale,
            CommitError::Store(error) => error.into(),
        }
    }
}
