//! How a compliance scan's status moves (contract §5).
//!
//! | from | screening: no hit | known hits only | a new hit | the subject changed | a person decides |
//! | --- | --- | --- | --- | --- | --- |
//! | Pending | Clear | Failed | Failed | Pending | refused |
//! | Clear | Clear | Clear | Failed | Pending | refused |
//! | Failed | Failed | Failed | Failed | Failed | Reviewing, Clear, Positive |
//! | Reviewing | Reviewing | Reviewing | Failed | Reviewing | Clear, Positive |
//! | Positive | Positive | Positive | Positive | Positive | refused |
//!
//! Invariants: a machine never confirms and never closes a case that a person has to decide (a hit that disappears
//! from a list leaves Failed and Reviewing as they are); a person never decides where no machine found anything; a
//! hit a person has cleared does not come back every night, but a new one does, even in the middle of a review, so
//! that nobody clears what was not looked at; a new name or birth date closes no case, it is screened as well and a person
//! decides; Positive is final.

use std::collections::BTreeSet;

use crate::choices::choices;

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
}

/// A scan: where it stands and which list entries have been seen for the current subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Where it stands.
    pub status: ScanStatus,
    /// The ids of the list entries that hit so far. Ids of list entries, not of people.
    pub known_hits: BTreeSet<String>,
}

impl Default for Scan {
    fn default() -> Self {
        Self { status: ScanStatus::Pending, known_hits: BTreeSet::new() }
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
    /// The scan after a screening run that hit exactly the list entries `hits`.
    #[must_use]
    pub fn after_screening(&self, hits: &BTreeSet<String>) -> Self {
        let new_hit = !hits.is_subset(&self.known_hits);
        let status = match self.status {
            ScanStatus::Pending if hits.is_empty() => ScanStatus::Clear,
            ScanStatus::Pending => ScanStatus::Failed,
            ScanStatus::Clear | ScanStatus::Reviewing if new_hit => ScanStatus::Failed,
            unchanged => unchanged,
        };
        Self { status, known_hits: self.known_hits.union(hits).cloned().collect() }
    }

    /// The scan after the subject's name or birth date changed: what a machine saw before says nothing about it, but a
    /// case that waits for a person still does.
    #[must_use]
    pub fn after_subject_change(&self) -> Self {
        match self.status {
            ScanStatus::Failed | ScanStatus::Reviewing | ScanStatus::Positive => self.clone(),
            ScanStatus::Pending | ScanStatus::Clear => Self::default(),
        }
    }

    /// The scan after a person decided.
    ///
    /// # Errors
    /// [`DecisionRefused`] when the table above has no such step.
    pub fn after_decision(&self, decision: Decision) -> Result<Self, DecisionRefused> {
        let status = match (self.status, decision) {
            (ScanStatus::Failed, Decision::Reviewing) => ScanStatus::Reviewing,
            (ScanStatus::Failed | ScanStatus::Reviewing, Decision::Clear) => ScanStatus::Clear,
            (ScanStatus::Failed | ScanStatus::Reviewing, Decision::Positive) => {
                ScanStatus::Positive
            }
            (from, decision) => return Err(DecisionRefused { from, decision }),
        };
        Ok(Self { status, known_hits: self.known_hits.clone() })
    }
}

#[cfg(test)]
mod rules {
    use proptest::prelude::*;

    use super::*;

    fn hits(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn scan(status: ScanStatus, known: &[&str]) -> Scan {
        Scan { status, known_hits: hits(known) }
    }

    #[test]
    fn screening_follows_the_table() {
        use ScanStatus::{Clear, Failed, Pending, Positive, Reviewing};
        for (from, none, known, new) in [
            (Pending, Clear, Failed, Failed),
            (Clear, Clear, Clear, Failed),
            (Failed, Failed, Failed, Failed),
            (Reviewing, Reviewing, Reviewing, Failed),
            (Positive, Positive, Positive, Positive),
        ] {
            let scan = scan(from, &["sdn-1"]);
            assert_eq!(scan.after_screening(&hits(&[])).status, none, "{from}, none");
            assert_eq!(scan.after_screening(&hits(&["sdn-1"])).status, known, "{from}, known");
            assert_eq!(scan.after_screening(&hits(&["sdn-1", "sdn-2"])).status, new, "{from}, new");
        }
    }

    #[test]
    fn a_cleared_hit_does_not_come_back_but_a_new_one_does() {
        let found = Scan::default().after_screening(&hits(&["sdn-1"]));
        let cleared = found.after_decision(Decision::Clear).unwrap();
        assert_eq!(cleared.after_screening(&hits(&["sdn-1"])).status, ScanStatus::Clear);
        assert_eq!(cleared.after_screening(&hits(&["sdn-2"])).status, ScanStatus::Failed);
    }

    #[test]
    fn decisions_follow_the_table() {
        use ScanStatus::{Clear, Failed, Pending, Positive, Reviewing};
        for from in [Pending, Clear, Failed, Reviewing, Positive] {
            for decision in Decision::ALL {
                let allowed = match from {
                    Failed => true,
                    Reviewing => *decision != Decision::Reviewing,
                    _ => false,
                };
                let decided = scan(from, &[]).after_decision(*decision);
                assert_eq!(decided.is_ok(), allowed, "{from} {decision}");
                if let Ok(scan) = decided {
                    assert_eq!(scan.status.as_str(), decision.as_str());
                }
            }
        }
    }

    #[test]
    fn a_new_subject_starts_over_unless_a_case_is_open_or_confirmed() {
        for from in ScanStatus::ALL {
            let after = scan(*from, &["sdn-1"]).after_subject_change();
            if !matches!(from, ScanStatus::Pending | ScanStatus::Clear) {
                assert_eq!(after, scan(*from, &["sdn-1"]));
            } else {
                assert_eq!(after, Scan::default());
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Screen(BTreeSet<String>),
        Subject,
        Decide(Decision),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let ids = proptest::collection::btree_set("[a-d]", 0..3);
        let step = prop_oneof![
            ids.prop_map(Step::Screen),
            Just(Step::Subject),
            proptest::sample::select(Decision::ALL).prop_map(Step::Decide),
        ];
        proptest::collection::vec(step, 0..60)
    }

    proptest! {
        /// Over any history: only a person confirms; nothing leaves Positive; only a person leaves Failed; screening twice with the same hits changes nothing more.
        #[test]
        fn machines_and_people_keep_to_their_parts(steps in steps()) {
            let mut scan = Scan::default();
            for step in steps {
                let before = scan.clone();
                match &step {
                    Step::Screen(hits) => {
                        scan = scan.after_screening(hits);
                        prop_assert_eq!(scan.after_screening(hits), scan.clone());
                        prop_assert!(hits.is_subset(&scan.known_hits));
                    }
                    Step::Subject => scan = scan.after_subject_change(),
                    Step::Decide(decision) => {
                        if let Ok(decided) = scan.after_decision(*decision) {
                            scan = decided;
                        }
                    }
                }
                if before.status == ScanStatus::Positive {
                    prop_assert_eq!(scan.status, ScanStatus::Positive);
                }
                if scan.status == ScanStatus::Positive && before.status != ScanStatus::Positive {
                    prop_assert!(matches!(step, Step::Decide(Decision::Positive)));
                }
                if before.status == ScanStatus::Failed && scan.status != ScanStatus::Failed {
                    prop_assert!(matches!(step, Step::Decide(_)));
                }
            }
        }
    }
}
