//! What a customer has proved to hold: the latest proof of each kind, until its own session takes it back, and by what the
//! network of partners knows the accounts that it has proved.
//!
//! Invariant: a further account hides none of those before it, and a penny that comes back takes its own account and no other.

use jiff::Timestamp;

use super::{Change, Customer};
use crate::audit::AuditAction;
use crate::event::EventKind;
use crate::ids::AuthId;
use crate::network::{Fingerprint, MOST_ACCOUNTS, ProvedAccount};
use crate::proof::{Proof, ProofKind};

impl Customer {
    /// Notes that possession was proved, and tells it; of a bank account by what the network knows it. An inactive customer has
    /// proved it all the same.
    #[must_use]
    pub fn prove(
        &mut self,
        kind: ProofKind,
        proof: Proof,
        account: Option<Fingerprint>,
        event: EventKind,
        now: Timestamp,
    ) -> Change {
        if let Some(fingerprint) = account {
            self.accounts.retain(|held| held.fingerprint != fingerprint);
            self.accounts.push(ProvedAccount { fingerprint, auth: proof.auth, at: proof.at });
            let beyond = self.accounts.len().saturating_sub(MOST_ACCOUNTS);
            self.accounts.drain(..beyond);
        }
        self.proofs.insert(kind, proof);
        self.touch(now);
        Change::new(AuditAction::Prove, vec![format!("proofs.{kind}")], vec![event])
    }

    /// Takes a proof back that the session `auth` gave, and tells it; `None` when nothing is left of it. Of an account that
    /// another one has taken the place of, the network's knowledge is left.
    #[must_use]
    pub fn disprove(
        &mut self,
        kind: ProofKind,
        auth: AuthId,
        event: EventKind,
        now: Timestamp,
    ) -> Option<Change> {
        let shows = self.proofs.get(&kind).is_some_and(|proof| proof.auth == auth);
        let is_known = self.accounts.iter().any(|account| account.auth == auth);
        if !shows && !is_known {
            return None;
        }
        if shows {
            self.proofs.remove(&kind);
        }
        self.accounts.retain(|account| account.auth != auth);
        self.touch(now);
        let field = if shows { format!("proofs.{kind}") } else { "accounts".to_owned() };
        Some(Change::new(AuditAction::Disprove, vec![field], vec![event]))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::proof::ProofMethod;

    #[test]
    fn accounts_are_kept_beside_the_latest_proof() {
        let mut customer = crate::customer::tests::customer();
        let now = customer.created_at;
        let auth = |number: usize| AuthId::from(Uuid::from_u128(number as u128));
        let event = || EventKind::Deactivated;
        let prove = |customer: &mut Customer, session: usize, account: &str| {
            let proof = Proof {
                method: ProofMethod::PennyDrop,
                masked: "****8472".to_owned(),
                index: account.to_owned(),
                auth: auth(session),
                at: now,
            };
            let account = Some(Fingerprint::of_digest(account));
            let change = customer.prove(ProofKind::BankAccount, proof, account, event(), now);
            assert!(!change.is_empty());
        };
        let known = |customer: &Customer| {
            let known = customer.accounts.iter().map(|held| held.fingerprint.as_str().to_owned());
            known.collect::<Vec<_>>()
        };
        prove(&mut customer, 1, "one");
        prove(&mut customer, 2, "two");
        prove(&mut customer, 3, "one");
        assert_eq!(known(&customer), ["two", "one"]);
        let disprove = |customer: &mut Customer, session: usize| {
            customer.disprove(ProofKind::BankAccount, auth(session), event(), now).is_some()
        };
        assert!(!disprove(&mut customer, 1), "proved again since");
        assert!(disprove(&mut customer, 2), "no proof shows it, the network knows it");
        assert_eq!((known(&customer), customer.proofs.len()), (vec!["one".to_owned()], 1));
        assert!(disprove(&mut customer, 3) && !disprove(&mut customer, 3));
        assert!(customer.accounts.is_empty() && customer.proofs.is_empty());
        for session in 0..20 {
            prove(&mut customer, session, &format!("a{session}"));
        }
        assert_eq!((customer.accounts.len(), known(&customer)[0].as_str()), (MOST_ACCOUNTS, "a12"));
    }
}
