//! One screening of a customer in full: what hits, and which known hits the lists have withdrawn.
//!
//! Invariant: a hit counts as withdrawn only by the list's doing. The entry is not in the edition any more; or it is
//! there with another content, does not match, and the customer is screened by the same facts as when it did. An entry
//! that is missing for any other reason (another name of the customer, other weights, more hits than are reported, a
//! list that is not at hand) is not withdrawn: a person decides.

use std::collections::{BTreeMap, BTreeSet};

use domain::contact::Contact;
use domain::customer::Customer;
use domain::scan::{Finding, Fingerprint, KnownHit, ListedEntity, Scan};
use screening::{Config, Hit, Topic};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::editions::EditionSet;
use crate::screen::{Screening, Subject, screen};

/// Why a hit is no hit any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WithdrawalReason {
    /// The list does not have the entry any more.
    Removed,
    /// The entry was altered and does not match the same customer any more.
    Altered,
}

/// A known hit that the list has withdrawn.
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
}

impl Findings {
    /// Whether any known hit is withdrawn: such a run must have been made with the editions in force.
    #[must_use]
    pub const fn withdraws(&self) -> bool {
        !self.screening.withdrawn.is_empty()
    }

    /// Whether anything hits.
    #[must_use]
    pub fn hits(&self) -> bool {
        !(self.ofac.hits.is_empty() && self.pep_scan.hits.is_empty())
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
    let mut screening = screen(&subject, editions, config);
    let fingerprint = screening.subject.clone();
    let finding = |topic: Topic, hits: &[Hit]| Finding {
        is_searched: editions.covers(topic),
        subject: fingerprint.clone(),
        hits: hits.iter().map(known_as).collect(),
        withdrawn: BTreeSet::new(),
    };
    let (mut ofac, mut pep_scan) =
        (finding(Topic::Sanctions, &screening.ofac), finding(Topic::Pep, &screening.pep_scan));
    let reported = count_by_list(&screening);
    let mut checked = BTreeMap::new();
    for (scan, finding) in [(&customer.ofac, &mut ofac), (&customer.pep_scan, &mut pep_scan)] {
        for (entity, known, reason) in withdrawn(scan, finding, editions, &mut checked) {
            let cut = reported.get(entity.list()).copied().unwrap_or(0) >= config.max_hits;
            if reason == WithdrawalReason::Altered && cut {
                continue;
            }
            finding.withdrawn.insert(entity.clone());
            screening.withdrawn.push(Withdrawal {
                list_id: entity.list().to_owned(),
                uid: entity.uid().to_owned(),
                content: known.content.clone(),
                reason,
            });
        }
    }
    Findings { screening, ofac, pep_scan }
}

/// A hit by the names under which a scan knows it.
pub(crate) fn known_as(hit: &Hit) -> (ListedEntity, Fingerprint) {
    (ListedEntity::new(&hit.list_id, &hit.uid), content_of(&hit.content_hash))
}

/// The engine's hash of an entry, shortened. A hash of another form must not lose a hit, so it is hashed once more.
fn content_of(hash: &str) -> Fingerprint {
    Fingerprint::parse(hash)
        .unwrap_or_else(|_| Fingerprint::of_digest(&Sha256::digest(hash.as_bytes()).into()))
}

fn count_by_list(screening: &Screening) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for hit in screening.ofac.iter().chain(&screening.pep_scan) {
        *counts.entry(hit.list_id.clone()).or_insert(0) += 1;
    }
    counts
}

/// The known hits that are none any more, and why. `whole` remembers which indexes were checked byte for byte: an entry
/// that a damaged file does not give must not count as removed.
fn withdrawn<'a>(
    scan: &'a Scan,
    finding: &Finding,
    editions: &EditionSet,
    whole: &mut BTreeMap<String, bool>,
) -> Vec<(&'a ListedEntity, &'a KnownHit, WithdrawalReason)> {
    let missing = scan
        .hits
        .iter()
        .filter(|(entity, known)| known.listed && !finding.hits.contains_key(*entity));
    let mut found = Vec::new();
    for (entity, known) in missing {
        let Some(index) = editions.index_of(entity.list()) else { continue };
        let reason = match index.entity(entity.list(), entity.uid()) {
            None => {
                let list = entity.list().to_owned();
                let whole = *whole.entry(list).or_insert_with(|| index.verify_content());
                whole.then_some(WithdrawalReason::Removed)
            }
            Some(listed) => {
                let altered = content_of(&listed.content_hash()) != known.content;
                let same_subject = known.subject.as_ref() == Some(&finding.subject);
                (altered && same_subject).then_some(WithdrawalReason::Altered)
            }
        };
        found.extend(reason.map(|reason| (entity, known, reason)));
    }
    found
}

#[cfg(test)]
mod tests;
