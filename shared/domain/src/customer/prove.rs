//! What a customer has proved to hold: the latest proof of each kind, until its own session takes it back.

use jiff::Timestamp;

use super::{Change, Customer};
use crate::audit::AuditAction;
use crate::event::EventKind;
use crate::ids::AuthId;
use crate::proof::{Proof, ProofKind};

impl Customer {
    /// Notes that possession was proved, and tells it. An inactive customer has proved it all the same.
    #[must_use]
    pub fn prove(
        &mut self,
        kind: ProofKind,
        proof: Proof,
        event: EventKind,
        now: Timestamp,
    ) -> Change {
        self.proofs.insert(kind, proof);
        self.touch(now);
        Change::new(AuditAction::Prove, vec![format!("proofs.{kind}")], vec![event])
    }

    /// Takes a proof back that the session `auth` gave, and tells it; `None` when another session has proved it since.
    #[must_use]
    pub fn disprove(
        &mut self,
        kind: ProofKind,
        auth: AuthId,
        event: EventKind,
        now: Timestamp,
    ) -> Option<Change> {
        self.proofs.get(&kind).filter(|proof| proof.auth == auth)?;
        self.proofs.remove(&kind);
        self.touch(now);
        Some(Change::new(AuditAction::Disprove, vec![format!("proofs.{kind}")], vec![event]))
    }
}
