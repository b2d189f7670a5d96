//! The audit chain of a customer in the table: appending, reading, verifying.
//!
//! Invariant: entry n carries the digest of entry n−1, and the customer's item carries the last number and digest; so
//! nobody who can write items but not rewrite all of them and the head can change, drop or reorder an entry unnoticed.

use crypto::sha256;
use domain::audit::{Actor, AuditAction, AuditDigest, AuditEntry, AuditHead};
use domain::ids::{ClientId, CustomerId, PartnerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::{read_digest, to_compact_item};
use crate::keys::{AuditKey, Key};
use crate::{Item, StoreError, from_item};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditRecord {
    seq: u64,
    at: Timestamp,
    client: ClientId,
    who: String,
    source_ip: Option<String>,
    request_id: String,
    action: AuditAction,
    fields: Vec<String>,
    previous: String,
}

/// The digest of an entry.
pub(super) fn digest(entry: &AuditEntry) -> AuditDigest {
    AuditDigest(sha256(&entry.canonical()))
}

/// The item of an entry.
pub(super) fn audit_item(
    partner: PartnerId,
    customer: CustomerId,
    entry: &AuditEntry,
) -> Result<Item, StoreError> {
    let mut item = to_compact_item(&AuditRecord {
        seq: entry.seq,
        at: entry.at,
        client: entry.actor.client.clone(),
        who: entry.actor.who.clone(),
        source_ip: entry.actor.source_ip.clone(),
        request_id: entry.actor.request_id.clone(),
        action: entry.action,
        fields: entry.fields.clone(),
        previous: hex::encode(entry.previous.0),
    })?;
    AuditKey::new(partner, customer, entry.seq).stamp(&mut item);
    Ok(item)
}

/// Reads the item of an entry.
pub(super) fn read_entry(item: Item) -> Result<AuditEntry, StoreError> {
    let record: AuditRecord = from_item(item)?;
    Ok(AuditEntry {
        seq: record.seq,
        at: record.at,
        actor: Actor {
            client: record.client,
            who: record.who,
            source_ip: record.source_ip,
            request_id: record.request_id,
        },
        action: record.action,
        fields: record.fields,
        previous: read_digest(&record.previous)?,
    })
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainBroken {
    /// An entry is missing, or stands where another belongs.
    #[error("entry {expected} is missing; entry {found} stands in its place")]
    Missing {
        /// The number that should come next.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An entry does not carry the digest of the one before: one of the two was changed.
    #[error("entry {seq} does not continue entry {}", seq - 1)]
    Unlinked {
        /// The entry that does not continue.
        seq: u64,
    },
    /// An item under an audit key cannot be read as an entry.
    #[error("entry {seq} is unreadable")]
    Unreadable {
        /// Where it should stand in the chain.
        seq: u64,
    },
    /// The chain ends elsewhere than the customer's item says.
    #[error("the chain ends at entry {found}, the customer's record at {head}")]
    WrongEnd {
        /// The last entry found.
        found: u64,
        /// The last entry by the customer's item.
        head: u64,
    },
    /// A disposition that an entry binds by its digest is gone or was altered.
    #[error("the disposition that entry {seq} binds is gone or was altered")]
    EvidenceAltered {
        /// The entry.
        seq: u64,
    },
    /// The last entry is not the one that the customer's item names: it was changed.
    #[error("the last entry, {seq}, was changed")]
    LastChanged {
        /// The last entry.
        seq: u64,
    },
}

/// Checks entries in order against each other and against the head.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn verify(
    entries: impl IntoIterator<Item = Result<AuditEntry, StoreError>>,
    head: &AuditHead,
) -> Result<u64, ChainBroken> {
    let mut at = AuditHead::default();
    for entry in entries {
        let expected = at.seq + 1;
        let entry = entry.map_err(|_| ChainBroken::Unreadable { seq: expected })?;
        if entry.seq != expected {
            return Err(ChainBroken::Missing { expected, found: entry.seq });
        }
        if entry.previous != at.digest {
            return Err(ChainBroken::Unlinked { seq: entry.seq });
        }
        at = AuditHead { seq: entry.seq, digest: digest(&entry) };
    }
    if at.seq != head.seq {
        return Err(ChainBroken::WrongEnd { found: at.seq, head: head.seq });
    }
    if at.digest != head.digest {
        return Err(ChainBroken::LastChanged { seq: at.seq });
    }
    Ok(at.seq)
}
