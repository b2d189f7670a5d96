//! How a compliance scan's status moves (contract §5).
//!
//! | from | screening: no hit | known hits only | a new hit | its entries left the list | the subject changed | a person decides |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | Pending | Clear | Failed | Failed | Clear | Pending | refused |
//! | Clear | Clear | Clear | Failed | Clear | Pending | refused |
//! | Failed | Failed | Failed | Failed | Clear | Failed | Reviewing, Clear, Positive |
//! | Reviewing | Reviewing | Reviewing | Failed | Clear | Reviewing | Clear, Positive |
//! | Positive | Positive | Positive | Positive | Reviewing | Positive | refused |
//!
//! A hit is a listed entry with the fingerprints of both sides: of the entry's content and of what is screened of the
//! customer. It is new when either differs from what is known. "Its entries left the list" means that every hit that
//! the case rests on was withdrawn by the list: the entry is no longer published. An entry that was altered until it no
//! longer matches is still published, and closes nothing.
//!
//! A scan of whose kind no list was at hand stays Pending.
//!
//! What lists of adverse media say is kept in the same way, beside the two scans: no contract shows it as one, so it begins
//! Clear, and only the decision about a whole customer decides it.
//!
//! Invariants: a machine never confirms; it closes a case only when the list itself has withdrawn all that the case
//! rested on, never because the customer or the engine changed, and never after a person once decided Positive; what a
//! person decided Positive about and the list then withdrew goes back to a person; a person never decides where no
//! machine found anything; a hit that a person has cleared stays cleared until either side changes, whatever comes and
//! goes meanwhile, and is a new hit then, even in the middle of a review, so that nobody clears what was not looked at;
//! a new name or birth date closes no case, it is screened as well and a person decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::choices::choices;
use crate::problem::Problem;

choices! {
    /// Where a scan stands.
    ScanStatus {
        /// Not screened yet.
        Pending = "Pending",
        /// No hit, or every hit cleared by a person.
        Clear = "Clear",
        /// A possible hit waits for a person.
        Failed = "Failed",
        /// A person is looking at it.
        Reviewing = "Reviewing",
        /// Confirmed by a person.
        Positive = "Positive",
    }

    /// Which scan.
    ScanKind {
        /// Sanctions.
        Ofac = "Ofac",
        /// Politically exposed persons.
        PepScan = "PepScan",
    }

    /// What a person decides.
    Decision {
        /// Looking at it.
        Reviewing = "Reviewing",
        /// Not the listed one.
        Clear = "Clear",
        /// The listed one.
        Positive = "Positive",
    }

    /// What has been decided about one hit.
    Verdict {
        /// Nothing yet.
        Open = "Open",
        /// Not the listed one.
        Cleared = "Cleared",
        /// The listed one.
        Confirmed = "Confirmed",
    }
}

/// Most hits that one scan remembers together with what does not hit at present.
const MOST_KNOWN: usize = 500;

/// How many digits a fingerprint has: 64 bits tell the versions of one thing apart.
const FINGERPRINT_DIGITS: usize = 16;

/// Names one entry of one list, in every edition of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListedEntity(String);

impl ListedEntity {
    /// The entry that the list calls `uid`. Lists are named by configuration, without a slash.
    #[must_use]
    pub fn new(list: &str, uid: &str) -> Self {
        Self(format!("{list}/{uid}"))
    }

    /// Stands for all hits beyond those that are kept by name. No list is called so, so that no list withdraws it.
    #[must_use]
    pub fn beyond_the_bound() -> Self {
        Self::new("*", "more")
    }

    /// Reads the form that [`Self::as_str`] gives.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when a part is missing.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        match text.split_once('/') {
            Some((list, uid)) if !list.is_empty() && !uid.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(Problem::Malformed { expected: "a list and the list's key of an entry" }),
        }
    }

    /// List and key, with a slash between.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The list.
    #[must_use]
    pub fn list(&self) -> &str {
        self.0.split_once('/').map_or("", |(list, _)| list)
    }

    /// The list's key of the entry.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, uid)| uid)
    }
}

impl fmt::Display for ListedEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ListedEntity {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

impl From<ListedEntity> for String {
    fn from(entity: ListedEntity) -> Self {
        entity.0
    }
}

/// The first 64 bits of a SHA-256 in hexadecimal: of a listed entry's content, or of what is screened of a customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint that a digest begins with.
    #[must_use]
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        Self(format!("{:016x}", u64::from_be_bytes([a, b, c, d, e, f, g, h])))
    }

    /// The fingerprint in a whole digest, or in a fingerprint.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when there are fewer than 16 lower-case hexadecimal digits.
    pub fn parse(digest: &str) -> Result<Self, Problem> {
        let digits: String = digest.chars().take(FINGERPRINT_DIGITS).collect();
        let is_digit = |digit: char| digit.is_ascii_digit() || ('a'..='f').contains(&digit);
        if digits.len() == FINGERPRINT_DIGITS && digits.chars().all(is_digit) {
            Ok(Self(digits))
        } else {
            Err(Problem::Malformed { expected: "16 hexadecimal digits" })
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

/// A hit and what has been decided about it: the disposition, bound to the content of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHit {
    /// The listed entry when it hit last.
    pub content: Fingerprint,
    /// The screened facts of the customer when it hit last; `None` for hits recorded before these were kept, which hold
    /// for the customer as the next screening finds it.
    pub subject: Option<Fingerprint>,
    /// What was decided.
    pub verdict: Verdict,
    /// Whether the list still has the entry that hit; a withdrawn hit is remembered for what was decided about it.
    pub listed: bool,
}

impl KnownHit {
    fn is_of(&self, subject: &Fingerprint) -> bool {
        self.subject.as_ref().is_none_or(|known| known == subject)
    }

    /// Whether this hit, with both sides as they were, is known already and needs nobody's attention again.
    #[must_use]
    pub fn covers(&self, content: &Fingerprint, subject: &Fingerprint) -> bool {
        self.content == *content
            && self.is_of(subject)
            && (self.listed || self.verdict == Verdict::Cleared)
    }
}

/// What a screening run found for one scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether any list of this kind was at hand. Where none was, nothing found means nothing.
    pub is_searched: bool,
    /// What was screened.
    pub subject: Fingerprint,
    /// The entries that hit, with the content that hit.
    pub hits: BTreeMap<ListedEntity, Fingerprint>,
    /// Known entries whose hit the list has withdrawn.
    pub withdrawn: BTreeSet<ListedEntity>,
}

/// A scan: where it stands and which hits are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Where it stands.
    pub status: ScanStatus,
    /// What has been found and decided.
    pub hits: BTreeMap<ListedEntity, KnownHit>,
}

impl Default for Scan {
    fn default() -> Self {
        Self { status: ScanStatus::Pending, hits: BTreeMap::new() }
    }
}

/// A decision that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scan that is {from} cannot be decided as {decision}")]
pub struct DecisionRefused {
    /// Where the scan stands.
    pub from: ScanStatus,
    /// What was asked.
    pub decision: Decision,
}

impl Scan {
    /// A scan that nothing was found in and nobody waits for.
    #[must_use]
    pub const fn clear() -> Self {
        Self { status: ScanStatus::Clear, hits: BTreeMap::new() }
    }

    /// Whether a run found anything that is not known, or is known otherwise.
    #[must_use]
    pub fn is_news(&self, finding: &Finding) -> bool {
        finding.hits.iter().any(|(entity, content)| {
            !self.hits.get(entity).is_some_and(|known| known.covers(content, &finding.subject))
        })
    }

    /// Takes over what was accepted about an entry before the scan was kept: for the customer as the next screening finds
    /// it. What is known of the entry stands.
    pub fn take_over(&mut self, entity: ListedEntity, content: Fingerprint) {
        let hit = KnownHit { content, subject: None, verdict: Verdict::Cleared, listed: true };
        self.hits.entry(entity).or_insert(hit);
    }

    /// The hits that a decision would be about.
    pub fn undecided(&self) -> impl Iterator<Item = (&ListedEntity, &KnownHit)> {
        self.hits.iter().filter(|(_, hit)| hit.verdict != Verdict::Cleared)
    }

    /// The scan after a screening run.
    #[must_use]
    pub fn after_screening(&self, finding: &Finding) -> Self {
        let mut hits = self.hits.clone();
        let mut new_hit = false;
        for (entity, content) in &finding.hits {
            let known = self.hits.get(entity);
            let covered = known.is_some_and(|known| known.covers(content, &finding.subject));
            let verdict = match known.map(|known| known.verdict) {
                // Cleared was something else than what hits now.
                Some(Verdict::Cleared) if !covered => Verdict::Open,
                Some(verdict) => verdict,
                None => Verdict::Open,
            };
            new_hit |= !covered;
            let subject = Some(finding.subject.clone());
            let hit = KnownHit { content: content.clone(), subject, verdict, listed: true };
            hits.insert(entity.clone(), hit);
        }
        let withdrawn = withdraw(&mut hits, finding);
        // What was cleared for another subject says nothing about this one.
        hits.retain(|entity, hit| {
            hit.verdict != Verdict::Cleared
                || hit.is_of(&finding.subject)
                || finding.hits.contains_key(entity)
        });
        // Dispositions of entries that do not hit are kept for their return; so many would not fit the record. Forgotten,
        // they come back as new hits.
        if hits.len() > MOST_KNOWN {
            hits.retain(|entity, hit| {
                hit.verdict != Verdict::Cleared || finding.hits.contains_key(entity)
            });
        }
        fold(&mut hits, finding);
        let any = |wanted: Verdict| hits.values().any(|hit| hit.verdict == wanted);
        let open = any(Verdict::Open);
        let still_confirmed =
            hits.values().any(|hit| hit.verdict == Verdict::Confirmed && hit.listed);
        let status = match self.status {
            ScanStatus::Pending if open => ScanStatus::Failed,
            ScanStatus::Pending if !finding.is_searched => ScanStatus::Pending,
            ScanStatus::Pending => ScanStatus::Clear,
            ScanStatus::Clear | ScanStatus::Reviewing if new_hit => ScanStatus::Failed,
            ScanStatus::Failed | ScanStatus::Reviewing
                if withdrawn && !open && !any(Verdict::Confirmed) =>
            {
                ScanStatus::Clear
            }
            ScanStatus::Positive if withdrawn && !still_confirmed => ScanStatus::Reviewing,
            unchanged => unchanged,
        };
        Self { status, hits }
    }

    /// The scan after a review and the screening that went with it. Where a sandbox partner prescribed the end, hits count as
    /// seen and cleared.
    #[must_use]
    pub fn after_vetting(&self, finding: &Finding, prescribed: bool) -> Self {
        let next = self.after_screening(finding);
        if prescribed { next.all_cleared() } else { next }
    }

    /// The scan with all that hits cleared and nobody asked: of an invented customer, whose end a sandbox partner prescribed.
    #[must_use]
    pub fn all_cleared(mut self) -> Self {
        for hit in self.hits.values_mut() {
            hit.verdict = Verdict::Cleared;
        }
        Self { status: ScanStatus::Clear, ..self }
    }

    /// The scan after the subject's name or birth date changed: what a machine saw before says nothing about it, but a
    /// case that waits for a person still does. What was cleared is kept, because it is bound to the facts it was cleared
    /// for: should they come back, so does the disposition.
    #[must_use]
    pub fn after_subject_change(&self) -> Self {
        let status = match self.status {
            ScanStatus::Pending | ScanStatus::Clear => ScanStatus::Pending,
            open_or_confirmed => open_or_confirmed,
        };
        Self { status, hits: self.hits.clone() }
    }

    /// The scan after a person decided about all hits that are not cleared yet.
    ///
    /// # Errors
    /// [`DecisionRefused`] when the table above has no such step.
    pub fn after_decision(&self, decision: Decision) -> Result<Self, DecisionRefused> {
        let (status, verdict) = match (self.status, decision) {
            (ScanStatus::Failed, Decision::Reviewing) => (ScanStatus::Reviewing, None),
            (ScanStatus::Failed | ScanStatus::Reviewing, Decision::Clear) => {
                (ScanStatus::Clear, Some(Verdict::Cleared))
            }
            (ScanStatus::Failed | ScanStatus::Reviewing, Decision::Positive) => {
                (ScanStatus::Positive, Some(Verdict::Confirmed))
            }
            (from, decision) => return Err(DecisionRefused { from, decision }),
        };
        let mut hits = self.hits.clone();
        if let Some(verdict) = verdict {
            for hit in hits.values_mut().filter(|hit| hit.verdict != Verdict::Cleared) {
                hit.verdict = verdict;
            }
        }
        Ok(Self { status, hits })
    }
}

/// Where still too many are known, because under each of a customer's names others hit: the open ones that do not hit at
/// present become one, which a person has to settle.
fn fold(hits: &mut BTreeMap<ListedEntity, KnownHit>, finding: &Finding) {
    if hits.len() <= MOST_KNOWN {
        return;
    }
    let more = ListedEntity::beyond_the_bound();
    let before = hits.len();
    hits.retain(|entity, hit| {
        hit.verdict != Verdict::Open || *entity == more || finding.hits.contains_key(entity)
    });
    if hits.len() < before && !finding.hits.contains_key(&more) {
        let hit = KnownHit {
            content: finding.subject.clone(),
            subject: Some(finding.subject.clone()),
            verdict: Verdict::Open,
            listed: true,
        };
        hits.insert(more, hit);
    }
}

/// Takes out what the list has withdrawn; answers whether a case rested on any of it.
fn withdraw(hits: &mut BTreeMap<ListedEntity, KnownHit>, finding: &Finding) -> bool {
    let mut rested_on = false;
    for entity in finding.withdrawn.iter().filter(|entity| !finding.hits.contains_key(*entity)) {
        let Some(hit) = hits.get_mut(entity).filter(|hit| hit.listed) else { continue };
        hit.listed = false;
        rested_on |= hit.verdict != Verdict::Cleared;
        if hit.verdict == Verdict::Open {
            hits.remove(entity);
        }
    }
    rested_on
}

#[cfg(test)]
mod tests;
