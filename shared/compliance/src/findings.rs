//! One screening of a customer in full: what hits, and which known hits the lists have withdrawn.
//!
//! Invariant: a hit counts as withdrawn only when its entry is not in the edition any more. An entry that is there and does
//! not match any more (it was altered, the customer has another name, the weights are others, its list is not at hand) is
//! not withdrawn: a person decides. That an entry was altered until it no longer matches the same customer is written
//! down for that person.

use std::collections::{BTreeMap, BTreeSet};

use crypto::sha256;
use domain::contact::Contact;
use domain::customer::Customer;
use domain::scan::{Finding, Fingerprint, KnownHit, ListedEntity, Scan};
use screening::{Config, EntityKey, Topic};
use serde::{Deserialize, Serialize};

use crate::editions::EditionSet;
use crate::screen::{Answer, Screening, Subject, answer};

/// Why a hit is no hit any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WithdrawalReason {
    /// The list does not have the entry any more: the list has withdrawn it.
    Removed,
    /// The entry was altered and does not match the same customer any more. Nothing follows from that by itself.
    Altered,
}

/// A known hit that the list has withdrawn, or altered until it is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Withdrawal {
    /// The list.
    pub list_id: String,
    /// The list's key of the entry.
    pub uid: String,
    /// The content that had hit.
    pub content: Fingerprint,
    /// Why it does not any more.
    pub reason: WithdrawalReason,
}

/// What a run found, for the record and for the customer's two scans.
#[derive(Debug, Clone)]
pub struct Findings {
    /// The evidence.
    pub screening: Screening,
    /// For the sanctions scan.
    pub ofac: Finding,
    /// For the scan of politically exposed persons.
    pub pep_scan: Finding,
    /// For adverse media; `None` for somebody whose identity nobody reviews.
    pub adverse_media: Option<Finding>,
}

impl Findings {
    /// Whether any known hit is withdrawn: such a run must have been made with the editions in force.
    #[must_use]
    pub fn withdraws(&self) -> bool {
        self.withdrawn().next().is_some()
    }

    /// Whether anything hits.
    #[must_use]
    pub fn hits(&self) -> bool {
        self.all().any(|finding| !finding.hits.is_empty())
    }

    /// The entries that the lists do not have any more.
    pub fn withdrawn(&self) -> impl Iterator<Item = &ListedEntity> {
        self.all().flat_map(|finding| &finding.withdrawn)
    }

    fn all(&self) -> impl Iterator<Item = &Finding> {
        [Some(&self.ofac), Some(&self.pep_scan), self.adverse_media.as_ref()].into_iter().flatten()
    }

    /// Names the whole answer: the same subject, hits, editions and configuration have the same one.
    ///
    /// # Errors
    /// [`serde_json::Error`] when the screening does not serialise.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        Ok(screening::sha256_hex(&serde_json::to_vec(&self.screening)?).chars().take(32).collect())
    }
}

/// Screens a customer with all its addresses.
#[must_use]
pub fn screen_customer(
    customer: &Customer,
    addresses: &[Contact],
    editions: &EditionSet,
    config: &Config,
) -> Findings {
    let subject = Subject::of(customer, addresses);
    // Whatever else the lists hold, what is known is looked at again.
    let media = customer.is_reviewed();
    let known: Vec<EntityKey> = [&customer.ofac, &customer.pep_scan, &customer.adverse_media]
        .into_iter()
        .flat_map(|scan| scan.hits.iter().filter(|(_, hit)| hit.listed))
        .map(|(entity, _)| key_of(entity))
        .collect();
    let Answer { mut screening, ofac, pep_scan, adverse_media } =
        answer(&subject, &known, editions, config, media);
    let fingerprint = screening.subject.clone();
    let finding = |topic: Topic, hits: BTreeMap<ListedEntity, Fingerprint>| Finding {
        is_searched: editions.covers(topic),
        subject: fingerprint.clone(),
        hits,
        withdrawn: BTreeSet::new(),
    };
    let (mut ofac, mut pep_scan) = (finding(Topic::Sanctions, ofac), finding(Topic::Pep, pep_scan));
    let mut adverse_media = adverse_media.map(|hits| finding(Topic::AdverseMedia, hits));
    let mut all_withdrawn = Vec::new();
    let scans = [(&customer.ofac, &mut ofac), (&customer.pep_scan, &mut pep_scan)].into_iter();
    let media = adverse_media.as_mut().map(|finding| (&customer.adverse_media, finding));
    for (scan, finding) in scans.chain(media) {
        for (entity, known, reason) in withdrawn(scan, finding, editions) {
            if reason == WithdrawalReason::Removed {
                finding.withdrawn.insert(entity.clone());
            }
            all_withdrawn.push(Withdrawal {
                list_id: entity.list().to_owned(),
                uid: entity.uid().to_owned(),
                content: known.content.clone(),
                reason,
            });
        }
    }
    screening.record_withdrawn(all_withdrawn);
    Findings { screening, ofac, pep_scan, adverse_media }
}

pub(crate) fn key_of(entity: &ListedEntity) -> EntityKey {
    EntityKey { list_id: entity.list().to_owned(), uid: entity.uid().to_owned() }
}

/// An entry that hits, by the names under which a scan knows it.
pub(crate) fn known_as(list: &str, uid: &str, content: &str) -> (ListedEntity, Fingerprint) {
    (ListedEntity::new(list, uid), content_of(content))
}

/// The engine's hash of an entry, shortened. A hash of another form must not lose a hit, so it is hashed once more.
fn content_of(hash: &str) -> Fingerprint {
    Fingerprint::parse(hash).unwrap_or_else(|_| Fingerprint::of_digest(&sha256(hash.as_bytes())))
}

/// The known hits that are none any more by the list's doing, and why.
fn withdrawn<'a>(
    scan: &'a Scan,
    finding: &Finding,
    editions: &EditionSet,
) -> Vec<(&'a ListedEntity, &'a KnownHit, WithdrawalReason)> {
    let missing = scan
        .hits
        .iter()
        .filter(|(entity, known)| known.listed && !finding.hits.contains_key(*entity));
    let reason = |(entity, known): (&'a ListedEntity, &'a KnownHit)| {
        let index = editions.index_of(entity.list())?;
        if !index.lists().iter().any(|list| list.id == entity.list()) {
            return None;
        }
        let reason = match index.content_of(entity.list(), entity.uid()) {
            None => WithdrawalReason::Removed,
            Some(content) => {
                let altered = content_of(&content) != known.content;
                let same_subject = known.subject.as_ref() == Some(&finding.subject);
                (altered && same_subject).then_some(WithdrawalReason::Altered)?
            }
        };
        Some((entity, known, reason))
    };
    missing.filter_map(reason).collect()
}

#[cfg(test)]
mod tests;
