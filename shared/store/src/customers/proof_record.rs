//! What a customer has proved, as a part of its item, and back.
//!
//! Invariant: of a phone, mailbox or bank account stand here its mask and digests, never itself.

use domain::ids::AuthId;
use domain::network::{Fingerprint, ProvedAccount};
use domain::proof::{Proof, ProofMethod};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct ProofRecord {
    method: ProofMethod,
    masked: String,
    index: String,
    auth: AuthId,
    at: Timestamp,
}

/// A proved account.
#[derive(Serialize, Deserialize)]
pub(super) struct AccountRecord {
    known: Fingerprint,
    auth: AuthId,
    at: Timestamp,
}

pub(super) fn write_proof(proof: &Proof) -> ProofRecord {
    ProofRecord {
        method: proof.method,
        masked: proof.masked.clone(),
        index: proof.index.clone(),
        auth: proof.auth,
        at: proof.at,
    }
}

pub(super) fn write_account(account: &ProvedAccount) -> AccountRecord {
    AccountRecord { known: account.fingerprint.clone(), auth: account.auth, at: account.at }
}

pub(super) fn read_account(record: AccountRecord) -> ProvedAccount {
    ProvedAccount { fingerprint: record.known, auth: record.auth, at: record.at }
}

pub(super) fn read_proof(record: ProofRecord) -> Proof {
    let ProofRecord { method, masked, index, auth, at } = record;
    Proof { method, masked, index, auth, at }
}
