//! Erasing a customer: what the law wants gone goes, what the law wants kept stays.
//!
//! One transaction removes the customer's item, its lookup rows, its file number, its claim on an e-mail address and its
//! place in the counters, and leaves the end of the audit chain and an event. From then on no read finds the customer.
//! The event brings the rest (sub-resources, reviews, screening evidence, its applications and accounts with their
//! sessions: more than a transaction takes) to the worker that purges it. Audit entries name fields and hold no values;
//! they stay.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::{Actor, AuditAction, AuditEntry, AuditHead};
use domain::customer::Customer;
use domain::event::{DomainEvent, EventKind};
use domain::ids::{CustomerId, EventId, PartnerId};
use jiff::Timestamp;

use super::audit::{audit_item, digest};
use super::commit::unchanged_since;
use super::counts::add_counts;
use super::find::stored_lookups;
use super::record::{malformed, read_digest};
use super::{Customers, CustomersError};
use crate::keys::{
    CifKey, CustomerKey, ErasedKey, Key, LookupKey, customer_partition, held_subject_partition,
};
use crate::{Expression, Query, Transaction, WriteError, number, outbox, text};

/// An erasure to be written.
#[derive(Debug)]
pub struct Erasure<'a> {
    /// The customer as it was read.
    pub customer: &'a Customer,
    /// Who erases it.
    pub actor: &'a Actor,
    /// When.
    pub now: Timestamp,
}

/// What stays of an erased customer's partition; everything else is purged.
fn stays(sort_key: &str) -> bool {
    // Events have left by the stream long since, and those of an earlier release name the partner's own id.
    sort_key == "ERASED" || sort_key.starts_with("AUDIT#")
}

/// A sort key and nothing else, for removing what a query found.
struct Found {
    pk: String,
    sk: String,
}

impl Key for Found {
    fn pk(&self) -> String {
        self.pk.clone()
    }

    fn sk(&self) -> String {
        self.sk.clone()
    }
}

impl Customers {
    /// The transaction of an erasure, for a caller that adds an idempotency record to it.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn prepare_erasure(
        &self,
        erasure: &Erasure<'_>,
    ) -> Result<Transaction, CustomersError> {
        let (customer, now) = (erasure.customer, erasure.now);
        let (partner, id) = (customer.partner, customer.id);
        let keys = self.ring.keys(partner.into()).await?;
        let mut transaction = Transaction::new();
        let key = CustomerKey::new(partner, id);
        transaction.delete("customer", &self.table, &key, unchanged_since(customer));
        let entry = AuditEntry::following(
            &customer.audit,
            now,
            erasure.actor.clone(),
            AuditAction::Erase,
            vec!["customer".to_owned()],
        );
        transaction.put_new("audit", &self.table, audit_item(partner, id, &entry)?);
        let mut left = ErasedKey::new(partner, id).to_item();
        left.insert("auditSeq".to_owned(), AttributeValue::N(entry.seq.to_string()));
        left.insert("auditHash".to_owned(), AttributeValue::S(hex::encode(digest(&entry).0)));
        left.insert("erasedAt".to_owned(), AttributeValue::S(now.to_string()));
        transaction.put_new("erased", &self.table, left);
        let cif = CifKey::new(customer.cif);
        transaction.delete("old-cif", &self.table, &cif, Expression::present());
        for (term, value) in stored_lookups(customer, &keys) {
            let key = LookupKey::new(partner, term, value, id);
            transaction.delete("lookup", &self.table, &key, Expression::present());
        }
        self.add_email_claim(&mut transaction, Some(customer), None, &keys);
        add_counts(&mut transaction, &self.table, Some(customer), None);
        let event = DomainEvent {
            id: EventId::new(&*self.clock, &*self.random),
            partner,
            customer: id,
            occurred_at: now,
            kind: EventKind::Erased,
        };
        transaction.put_new("event", &self.table, outbox::event_item(&event)?);
        Ok(transaction)
    }

    /// The end of an erased customer's audit chain; `None` when it was never erased.
    pub(super) async fn erased(
        &self,
        partner: PartnerId,
        id: CustomerId,
    ) -> Result<Option<AuditHead>, CustomersError> {
        let Some(item) = Box::pin(self.table.get(&ErasedKey::new(partner, id))).await? else {
            return Ok(None);
        };
        let seq = number(&item, "auditSeq").and_then(|seq| u64::try_from(seq).ok());
        let (Some(seq), Some(hash)) = (seq, text(&item, "auditHash")) else {
            return Err(malformed("what is left of an erased customer").into());
        };
        Ok(Some(AuditHead { seq, digest: read_digest(hash)? }))
    }

    /// Whether there was such a customer and it was erased. 1 read.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn was_erased(
        &self,
        partner: PartnerId,
        id: CustomerId,
    ) -> Result<bool, CustomersError> {
        Ok(self.erased(partner, id).await?.is_some())
    }

    /// Removes what an erased customer left behind, and says how many items. Does nothing for any other id, and nothing
    /// when it is repeated.
    ///
    /// # Errors
    /// [`CustomersError`].
    pub async fn purge(&self, partner: PartnerId, id: CustomerId) -> Result<u64, CustomersError> {
        if self.erased(partner, id).await?.is_none() {
            return Ok(0);
        }
        let pk = customer_partition(partner, id);
        let items = Box::pin(self.table.query_all(&Query::partition(pk.clone()))).await?;
        let mut removed = 0;
        for item in items {
            let Some(sk) = text(&item, "sk").filter(|sk| !stays(sk)) else { continue };
            // An application or account goes before the note that finds it.
            if let Some(held) = held_subject_partition(partner, sk) {
                removed += self.purge_partition(held).await?;
            }
            removed += self.purge_item(pk.clone(), sk).await?;
        }
        Ok(removed)
    }

    async fn purge_partition(&self, pk: String) -> Result<u64, CustomersError> {
        let mut removed = 0;
        for item in Box::pin(self.table.query_all(&Query::partition(pk.clone()))).await? {
            let Some(sk) = text(&item, "sk") else { continue };
            removed += self.purge_item(pk.clone(), sk).await?;
        }
        Ok(removed)
    }

    async fn purge_item(&self, pk: String, sk: &str) -> Result<u64, CustomersError> {
        let key = Found { pk, sk: sk.to_owned() };
        match Box::pin(self.table.delete(&key, Expression::present())).await {
            Ok(()) => Ok(1),
            // Another worker was faster.
            Err(WriteError::Refused(_)) => Ok(0),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }
}
