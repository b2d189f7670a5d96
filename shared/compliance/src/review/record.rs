//! A review as it is kept: entries of a history, each one whole.
//!
//! Invariants: an entry is never changed; whatever happens to a review (a decision of a person, a new run, a match on a list
//! that came out later) is a further entry with the next number; the entry with the highest number is the current one. No
//! entry holds a name, number, address or date of the customer. Erasing a customer removes its entries with the rest of what
//! is known of it.

use std::collections::BTreeSet;

use domain::ids::ReviewId;
use domain::scan::{ListedEntity, Scan, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assess::{Assessment, EARLIER_REJECTION, Screened};
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
    /// A person decided about a scan, and something else still holds the customer.
    ScanDecided {
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
    /// Whether an earlier entry is a person's rejection that no person has taken back, see [`Self::bars`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_barred: bool,
}

impl Review {
    /// The first entry.
    #[must_use]
    pub fn opened(id: ReviewId, mut assessment: Assessment, now: Timestamp) -> Self {
        if let Some(searched) = &mut assessment.watch_list.searched {
            searched.bound();
        }
        Self {
            number: 1,
            review_id: id,
            cause: Cause::Opened,
            decision: assessment.decision,
            rule: assessment.rule.clone(),
            assessment,
            created_at: now,
            updated_at: now,
            is_barred: false,
        }
    }

    /// The entry after a new run of the modules.
    #[must_use]
    pub fn renewed(&self, id: ReviewId, assessment: Assessment, now: Timestamp) -> Self {
        let opened = Self::opened(id, assessment, now);
        let is_barred = self.bars();
        Self { number: self.number + 1, cause: Cause::Renewed, is_barred, ..opened }
    }

    /// The entry after a person has decided, with the scans as the decision has left them. Whether there was something to
    /// decide is the customer's state to say.
    #[must_use]
    pub fn decided(&self, decision: Decision, by: &str, scans: &[&Scan], now: Timestamp) -> Self {
        let mut assessment = self.assessment.clone();
        assessment.decided(scans);
        let cause = Cause::Decided { by: by.to_owned() };
        let rule = format!("manual_decision.{decision}");
        Self { is_barred: false, ..self.next(cause, (decision, rule), assessment, now) }
    }

    /// The entry after a person has decided about a scan while something else goes on holding the customer where it `stands`
    /// (`None` where that is nothing that a review says). A rule of the watchlists gives way to what decides without the matches
    /// that were cleared; where nothing does, because it was for them that a policy had turned the customer away, the rule says
    /// so until the modules run again.
    #[must_use]
    pub fn scan_decided(
        &self,
        stands: Option<Decision>,
        by: &str,
        scans: &[&Scan],
        now: Timestamp,
    ) -> Self {
        let mut assessment = self.assessment.clone();
        assessment.decided(scans);
        let decision = stands.unwrap_or(self.decision);
        let rule = if self.rule.starts_with("watch_list.") || decision != self.decision {
            let of_module = assessment.rule_for(decision);
            let of_person = || self.bars().then(|| EARLIER_REJECTION.to_owned());
            of_module.or_else(of_person).unwrap_or_else(|| "watch_list.cleared".to_owned())
        } else {
            self.rule.clone()
        };
        let cause = Cause::ScanDecided { by: by.to_owned() };
        self.next(cause, (decision, rule), assessment, now)
    }

    /// Whether a person has rejected the customer and none has decided since. It outlives every later run: only a person
    /// takes it back.
    #[must_use]
    pub fn bars(&self) -> bool {
        let is_rejection =
            matches!(self.cause, Cause::Decided { .. }) && self.decision == Decision::Reject;
        self.is_barred || is_rejection
    }

    /// The entry after the lists were searched again, when there is news: they name somebody that they did not name before,
    /// or name them otherwise; `withdrawn` has entries that were matches; or the customer stands elsewhere than this entry
    /// says. What a person has cleared is no news, and a decision that is the latest entry outlives the list's withdrawal.
    ///
    /// The entry says what the customer stands at by its scans, so that review and status cannot contradict each other;
    /// where the customer stands at nothing that a review says (`None`), it is never milder than this one.
    #[must_use]
    pub fn rescreened(
        &self,
        searched: WatchList,
        withdrawn: &BTreeSet<&ListedEntity>,
        stands: Option<Decision>,
        now: Timestamp,
    ) -> Option<Self> {
        let known = || self.assessment.watch_list.searched.iter().flat_map(|known| &known.matches);
        // What was cleared of another subject, and is open again, is not known.
        let is_known = |found: &watch_list::Match| {
            let is_again = |known: &watch_list::Match| is_cleared(known) && !is_cleared(found);
            known().any(|known| known.entry == found.entry && !is_again(known))
        };
        let is_new = !searched.matches.iter().all(is_known);
        let is_decided = matches!(self.cause, Cause::Decided { .. });
        let is_withdrawn = |found: &watch_list::Match| {
            withdrawn.iter().any(|gone| gone.as_str() == found.entity())
        };
        let is_less = !is_decided && known().any(|found| !is_cleared(found) && is_withdrawn(found));
        if !is_new && !is_less && stands.is_none_or(|stands| stands == self.decision) {
            return None;
        }
        let mut assessment = self.assessment.clone();
        let finding = watch_list::judge(Some(&searched), &assessment.policy);
        let mut searched = searched;
        searched.bound();
        assessment.watch_list = Screened { finding, searched: Some(searched) };
        let severest = || self.decision.max(assessment.watch_list.finding.decision);
        let decision = stands.unwrap_or_else(severest);
        let (cause, rule) = if is_new || decision > self.decision {
            (Cause::Listed, format!("watch_list.{decision}"))
        } else {
            (Cause::Withdrawn, "watch_list.withdrawn".to_owned())
        };
        Some(self.next(cause, (decision, rule), assessment, now))
    }

    /// A further entry about the same run of the modules.
    fn next(
        &self,
        cause: Cause,
        (decision, rule): (Decision, String),
        assessment: Assessment,
        now: Timestamp,
    ) -> Self {
        let (number, is_barred) = (self.number + 1, self.bars());
        let (review_id, created_at) = (self.review_id, self.created_at);
        Self {
            number,
            review_id,
            cause,
            decision,
            rule,
            assessment,
            created_at,
            updated_at: now,
            is_barred,
        }
    }
}

fn is_cleared(found: &watch_list::Match) -> bool {
    found.verdict == Verdict::Cleared
}

#[cfg(test)]
#[path = "record_tests.rs"]
pub(in crate::review) mod tests;
