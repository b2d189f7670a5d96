//! A review as it is kept: entries of a history, each one whole.
//!
//! Invariants: an entry is never changed; whatever happens to a review (a decision of a person, a new run, a match on a list
//! that came out later) is a further entry with the next number; the entry with the highest number is the current one. No
//! entry holds a name, number, address or date of the customer. Erasing a customer removes its entries with the rest of what
//! is known of it.

use std::collections::BTreeSet;

use domain::ids::ReviewId;
use domain::scan::ListedEntity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assess::{Assessment, Screened};
use super::finding::Decision;
use super::watch_list::{self, WatchList};

/// Why an entry was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "cause")]
pub enum Cause {
    /// The customer is new.
    Opened,
    /// The customer changed, or somebody asked for a new run.
    Renewed,
    /// A person decided.
    Decided {
        /// Who, as the audit trail names them.
        by: String,
    },
    /// A watchlist named somebody like the customer.
    Listed,
    /// The lists do not name any more whom they named before.
    Withdrawn,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Counts the customer's entries, from 1.
    pub number: u32,
    /// The run of the modules that it is about.
    pub review_id: ReviewId,
    /// Why the entry was made.
    #[serde(flatten)]
    pub cause: Cause,
    /// What it comes to.
    pub decision: Decision,
    /// The rule that decided.
    pub rule: String,
    /// What the modules found.
    pub assessment: Assessment,
    /// When the modules ran.
    pub created_at: Timestamp,
    /// When this entry was made.
    pub updated_at: Timestamp,
}

impl Review {
    /// The first entry.
    #[must_use]
    pub fn opened(id: ReviewId, assessment: Assessment, now: Timestamp) -> Self {
        Self {
            number: 1,
            review_id: id,
            cause: Cause::Opened,
            decision: assessment.decision,
            rule: assessment.rule.clone(),
            assessment,
            created_at: now,
            updated_at: now,
        }
    }

    /// The entry after a new run of the modules.
    #[must_use]
    pub fn renewed(&self, id: ReviewId, assessment: Assessment, now: Timestamp) -> Self {
        let opened = Self::opened(id, assessment, now);
        Self { number: self.number + 1, cause: Cause::Renewed, ..opened }
    }

    /// The entry after a person has decided. Whether there was something to decide is the customer's state to say.
    #[must_use]
    pub fn decided(&self, decision: Decision, by: &str, now: Timestamp) -> Self {
        Self {
            number: self.number + 1,
            cause: Cause::Decided { by: by.to_owned() },
            decision,
            rule: format!("manual_decision.{decision}"),
            updated_at: now,
            ..self.clone()
        }
    }

    /// The entry after the lists were searched again, when they name somebody that they did not name before, or name them
    /// otherwise; a person has cleared the old matches and need not do it again.
    #[must_use]
    pub fn rescreened(&self, searched: WatchList, now: Timestamp) -> Option<Self> {
        let known: Vec<&str> = self
            .assessment
            .watch_list
            .searched
            .iter()
            .flat_map(|searched| &searched.matches)
            .map(|found| found.entry.as_str())
            .collect();
        if searched.matches.iter().all(|found| known.contains(&found.entry.as_str())) {
            return None;
        }
        let mut assessment = self.assessment.clone();
        assessment.watch_list = Screened {
            finding: watch_list::judge(Some(&searched), &assessment.policy),
            searched: Some(searched),
        };
        let decision = self.decision.max(assessment.watch_list.finding.decision);
        Some(Self {
            number: self.number + 1,
            cause: Cause::Listed,
            decision,
            rule: format!("watch_list.{decision}"),
            assessment,
            updated_at: now,
            ..self.clone()
        })
    }

    /// The entry after the lists have withdrawn entries that were matches: what is left, and what a person has decided of
    /// this review, come to; never more than before. A decision that is the latest entry stands as it is: what a person said
    /// of somebody outlives the list. `history` has the entries up to this one.
    #[must_use]
    pub fn withdrawn(
        &self,
        history: &[Self],
        searched: WatchList,
        withdrawn: &BTreeSet<&ListedEntity>,
        now: Timestamp,
    ) -> Option<Self> {
        let is_withdrawn = |found: &watch_list::Match| {
            let entity = found.entry.rsplit_once('@').map_or(&*found.entry, |(entity, _)| entity);
            withdrawn.iter().any(|gone| gone.as_str() == entity)
        };
        let known = self.assessment.watch_list.searched.iter().flat_map(|known| &known.matches);
        let is_decided = |entry: &Self| matches!(entry.cause, Cause::Decided { .. });
        if is_decided(self) || !known.into_iter().any(is_withdrawn) {
            return None;
        }
        let mut assessment = self.assessment.clone();
        assessment.watch_list = Screened {
            finding: watch_list::judge(Some(&searched), &assessment.policy),
            searched: Some(searched),
        };
        let decided = history
            .iter()
            .filter(|entry| entry.review_id == self.review_id && is_decided(entry))
            .max_by_key(|entry| entry.number);
        let left = match decided {
            Some(decided) => decided.decision.max(assessment.watch_list.finding.decision),
            None => {
                let all = assessment.findings().into_iter().map(|(_, finding)| finding.decision);
                all.max().unwrap_or(Decision::Accept)
            }
        };
        Some(Self {
            number: self.number + 1,
            cause: Cause::Withdrawn,
            decision: left.min(self.decision),
            rule: "watch_list.withdrawn".to_owned(),
            assessment,
            updated_at: now,
            ..self.clone()
        })
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
pub(in crate::review) mod tests;
