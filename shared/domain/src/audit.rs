//! Who did what to a customer, as a chain of entries.
//!
//! Invariant: an entry's canonical bytes contain the digest of the entry before it and every field with its length
//! in front, so two different entries never have the same bytes and no entry can be changed, dropped or moved
//! without the digests after it failing. The digest itself (SHA-256) is computed where cryptography lives. Fields
//! are named, values are not recorded.

use std::fmt;

use jiff::Timestamp;

use crate::choices::choices;
use crate::ids::ClientId;

choices! {
    /// What was done.
    AuditAction {
        /// The customer was taken on.
        Onboard = "Onboard",
        /// The name was changed.
        ChangeName = "ChangeName",
        /// The profile was changed.
        ChangeProfile = "ChangeProfile",
        /// Due diligence was changed.
        ChangeDueDiligence = "ChangeDueDiligence",
        /// The file number was changed.
        ChangeCifNumber = "ChangeCifNumber",
        /// A sub-resource was added.
        AddContact = "AddContact",
        /// A sub-resource was changed.
        ChangeContact = "ChangeContact",
        /// A sub-resource was removed.
        RemoveContact = "RemoveContact",
        /// A screening run moved a scan.
        Screen = "Screen",
        /// A person decided about a scan.
        Decide = "Decide",
        /// An application or an account of the customer was created or changed.
        ChangeSubject = "ChangeSubject",
        /// Possession of a phone, mailbox or bank account was proved.
        Prove = "Prove",
        /// What had proved possession was taken back.
        Disprove = "Disprove",
        /// The customer was deactivated.
        Deactivate = "Deactivate",
        /// The whole record was replaced.
        Replace = "Replace",
        /// A review of the identity was asked for.
        RequestReview = "RequestReview",
        /// A review of the identity was made.
        Review = "Review",
        /// The customer's data were erased.
        Erase = "Erase",
        /// Secrets were read in clear.
        ReadUnmasked = "ReadUnmasked",
    }
}

/// Who is acting, and through which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The API client, or the name of one of our own functions.
    pub client: ClientId,
    /// The person or system behind the client, as its token says.
    pub who: String,
    /// From which address, when there was one.
    pub source_ip: Option<String>,
    /// The request, by the id that its answer carries.
    pub request_id: String,
}

/// SHA-256 of an entry. Zero stands before the first one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditDigest(pub [u8; 32]);

impl fmt::Debug for AuditDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The end of a customer's chain: how many entries there are and the last one's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditHead {
    /// The number of the last entry; 0 when there is none.
    pub seq: u64,
    /// Its digest.
    pub digest: AuditDigest,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: AuditAction,
    /// Which fields, by contract name.
    pub fields: Vec<String>,
    /// The digest of the entry before.
    pub previous: AuditDigest,
}

impl AuditEntry {
    /// The entry that follows `head`.
    #[must_use]
    pub fn following(
        head: &AuditHead,
        at: Timestamp,
        actor: Actor,
        action: AuditAction,
        fields: Vec<String>,
    ) -> Self {
        Self { seq: head.seq + 1, at, actor, action, fields, previous: head.digest }
    }

    /// The bytes to digest.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = b"gatehouse-audit-1".to_vec();
        bytes.extend_from_slice(&self.previous.0);
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.as_nanosecond().to_be_bytes());
        let mut text = |part: &str| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        };
        text(self.actor.client.as_str());
        text(&self.actor.who);
        text(if self.actor.source_ip.is_some() { "from" } else { "" });
        text(self.actor.source_ip.as_deref().unwrap_or(""));
        text(&self.actor.request_id);
        text(self.action.as_str());
        for field in &self.fields {
            text(field);
        }
        bytes
    }
}

#[cfg(test)]
mod rules {
    use proptest::prelude::*;

    use super::*;

    fn entry(who: &str, request: &str, fields: Vec<String>) -> AuditEntry {
        let actor = Actor {
            client: ClientId::parse("sandbox").unwrap(),
            who: who.to_owned(),
            source_ip: Some("192.0.2.1".to_owned()),
            request_id: request.to_owned(),
        };
        let at = "2026-01-25T22:55:24.442Z".parse().unwrap();
        AuditEntry::following(&AuditHead::default(), at, actor, AuditAction::Onboard, fields)
    }

    #[test]
    fn the_chain_counts_from_one_and_links_back() {
        let first = entry("a", "b", vec![]);
        assert_eq!((first.seq, first.previous), (1, AuditDigest::default()));
        let mut linked = first.clone();
        linked.previous = AuditDigest([1; 32]);
        assert_ne!(first.canonical(), linked.canonical());
    }

    #[test]
    fn every_part_counts() {
        let base = entry("a", "b", vec!["name".into()]);
        let mut variants = vec![base.clone(); 8];
        variants[1].seq = 2;
        variants[2].at = "2026-01-25T22:55:25Z".parse().unwrap();
        variants[3].actor.client = ClientId::parse("other").unwrap();
        variants[4].actor.source_ip = None;
        variants[5].actor.source_ip = Some(String::new());
        variants[6].action = AuditAction::Deactivate;
        variants[7].fields.push("more".into());
        let mut bytes: Vec<_> = variants.iter().map(AuditEntry::canonical).collect();
        bytes.sort();
        bytes.dedup();
        assert_eq!(bytes.len(), 8);
    }

    proptest! {
        /// Moving characters between neighbouring parts gives other bytes.
        #[test]
        fn no_two_entries_share_bytes(
            a in "[ab]{0,3}", b in "[ab]{0,3}", c in "[ab]{0,3}", d in "[ab]{0,3}",
        ) {
            let same = a == c && b == d;
            let one = entry(&a, &b, vec![a.clone(), b.clone()]).canonical();
            let two = entry(&c, &d, vec![c.clone(), d.clone()]).canonical();
            prop_assert_eq!(one == two, same);
        }
    }
}
