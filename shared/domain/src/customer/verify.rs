//! Verification: what a customer stands at, what a review and a person do to it.

use jiff::Timestamp;

use super::{Change, Customer, Refused, StaleScreening, names};
use crate::audit::AuditAction;
use crate::choices::CustomerStatus;
use crate::enrolment::{Enrolment, Processing, SandboxOutcome};
use crate::event::EventKind;
use crate::ids::AccountId;
use crate::scan::{Decision, Finding, Scan, ScanKind, ScanStatus};
use crate::verification::{NotInReview, Standing, Verdict, Verification};

/// What a review and the screening that went with it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vetting {
    /// What follows for the identity.
    pub verification: Verification,
    /// For the sanctions scan.
    pub ofac: Finding,
    /// For the scan of politically exposed persons.
    pub pep_scan: Finding,
    /// For adverse media; `None` where the partner's policy makes nothing of them. Then nothing of what was found before
    /// is kept either, so that another policy finds it anew.
    pub adverse_media: Option<Finding>,
    /// Whether a sandbox partner prescribed the end; then hits count as seen and cleared, so that the prescribed end
    /// is where the customer stands, tonight as well.
    pub prescribed: bool,
}

impl Customer {
    /// What the customer amounts to, by the table of [`crate::verification`].
    #[must_use]
    pub fn standing(&self) -> Standing {
        let scans = [self.ofac.status, self.pep_scan.status];
        let any = |wanted: &[ScanStatus]| scans.iter().any(|status| wanted.contains(status));
        let waits = [ScanStatus::Failed, ScanStatus::Reviewing];
        let media = self.is_reviewed() && waits.contains(&self.adverse_media.status);
        if self.status == CustomerStatus::Inactive {
            Standing::Inactive
        } else if self.verification == Verification::Pending {
            Standing::Pending
        } else if any(&[ScanStatus::Positive]) || self.verification == Verification::Rejected {
            Standing::Rejected
        } else if any(&waits) || media || self.verification == Verification::Review {
            Standing::Review
        } else if self.verification == Verification::NotAsked {
            Standing::Pending
        } else {
            Standing::Verified
        }
    }

    /// Whether anybody reviews its identity, or has.
    #[must_use]
    pub const fn is_reviewed(&self) -> bool {
        !matches!(self.verification, Verification::NotAsked)
    }

    /// Whether a sandbox partner prescribed how its review ends.
    #[must_use]
    pub fn is_prescribed(&self) -> bool {
        let outcome = self.enrolment.as_ref().and_then(|enrolment| enrolment.sandbox_outcome);
        outcome.is_some_and(|outcome| outcome != SandboxOutcome::Standard)
    }

    /// The event of a changed standing. Deactivation and onboarding have events of their own.
    #[must_use]
    pub fn standing_change(before: Option<&Self>, after: &Self) -> Option<EventKind> {
        let (from, to) = (before?.standing(), after.standing());
        (from != to && to != Standing::Inactive).then_some(EventKind::StandingChanged { from, to })
    }

    /// When this customer's identity is reviewed.
    #[must_use]
    pub fn processing(&self) -> Processing {
        let asked = self.enrolment.as_ref().and_then(|enrolment| enrolment.processing);
        // Without a word of the partner: contracts that do not ask have no request to wait in.
        asked.unwrap_or(if self.enrolment.is_some() {
            Processing::Inline
        } else {
            Processing::Background
        })
    }

    /// Completes the onboarding with what the partner said beside.
    pub fn enrol(&mut self, account: Option<AccountId>, enrolment: Enrolment, change: &mut Change) {
        if enrolment.processing == Some(Processing::Skip) {
            self.verification = Verification::NotAsked;
        }
        change.fields.extend(details(&Enrolment::default(), &enrolment));
        self.account = account;
        self.enrolment = Some(enrolment);
    }

    /// Applies a review and its screening, made of the customer as it is now: within the request that changed it.
    pub fn reviewed(&mut self, vetting: &Vetting, change: &mut Change) {
        change.fields.extend(names(&["verification", "ofac", "pepScan", "screenedRevision"]));
        let scans = [(ScanKind::Ofac, &vetting.ofac), (ScanKind::PepScan, &vetting.pep_scan)];
        for (kind, finding) in scans {
            let next = self.scan(kind).after_vetting(finding, vetting.prescribed);
            self.move_scan(kind, next, change);
        }
        let next = match &vetting.adverse_media {
            None => Scan::clear(),
            Some(finding) => self.adverse_media.after_vetting(finding, vetting.prescribed),
        };
        self.move_adverse_media(next, change);
        self.screened_revision = self.subject_revision;
        self.verification = vetting.verification;
        // Nobody needs to be asked for what is there.
        change.events.retain(|event| *event != EventKind::ReviewRequested);
        for event in &mut change.events {
            if *event == EventKind::Onboarded {
                *event = EventKind::OnboardedScreened;
            }
        }
    }

    /// Applies a review and its screening that were made of the given subject revision, off the request path.
    ///
    /// # Errors
    /// [`StaleScreening`] when the subject has changed since.
    pub fn vetted(
        &mut self,
        revision: u64,
        vetting: &Vetting,
        now: Timestamp,
    ) -> Result<Change, StaleScreening> {
        if revision != self.subject_revision {
            return Err(StaleScreening { screened: revision, current: self.subject_revision });
        }
        let mut change = Change::new(AuditAction::Review, Vec::new(), Vec::new());
        self.reviewed(vetting, &mut change);
        self.touch(now);
        Ok(change)
    }

    /// Applies a person's decision: the open scans and what adverse media say are cleared with it, or the customer is
    /// refused whatever they say.
    ///
    /// # Errors
    /// [`Refused::NotInReview`].
    pub fn decide_standing(&mut self, verdict: Verdict, now: Timestamp) -> Result<Change, Refused> {
        let standing = self.standing();
        if standing != Standing::Review {
            return Err(NotInReview(standing).into());
        }
        let mut change = Change::new(AuditAction::Decide, names(&["status"]), Vec::new());
        match verdict {
            Verdict::Rejected => self.verification = Verification::Rejected,
            Verdict::Verified => {
                self.verification = Verification::Verified;
                for kind in [ScanKind::Ofac, ScanKind::PepScan] {
                    if let Ok(cleared) = self.decided(kind, Decision::Clear) {
                        self.move_scan(kind, cleared, &mut change);
                    }
                }
                if let Ok(cleared) = self.adverse_media.after_decision(Decision::Clear) {
                    self.move_adverse_media(cleared, &mut change);
                }
            }
        }
        self.touch(now);
        Ok(change)
    }

    /// Asks for another review.
    ///
    /// # Errors
    /// [`Refused::Inactive`].
    pub fn request_review(&mut self, now: Timestamp) -> Result<Change, Refused> {
        self.must_be_active()?;
        self.verification = Verification::Pending;
        self.touch(now);
        let events = vec![EventKind::ReviewRequested];
        Ok(Change::new(AuditAction::RequestReview, names(&["review"]), events))
    }

    /// What was established is about somebody else now. Where no review is wanted none becomes due.
    pub(super) fn identity_changed(&mut self, change: &mut Change) {
        match self.verification {
            Verification::NotAsked | Verification::Pending => {}
            // What a person decided about somebody whom nobody was to review is about somebody else now.
            Verification::Review | Verification::Verified | Verification::Rejected
                if self.processing() == Processing::Skip =>
            {
                self.verification = Verification::NotAsked;
            }
            Verification::Review | Verification::Verified | Verification::Rejected => {
                self.verification = Verification::Pending;
                if !change.events.iter().any(EventKind::needs_screening) {
                    change.events.push(EventKind::ReviewRequested);
                }
            }
        }
    }
}

/// The names of the fields that differ.
pub(super) fn details(old: &Enrolment, new: &Enrolment) -> Vec<String> {
    let differ = [
        ("device", old.device != new.device),
        ("metadata", old.metadata != new.metadata),
        ("processingMethod", old.processing != new.processing),
        ("sandboxOutcome", old.sandbox_outcome != new.sandbox_outcome),
        ("legalBusinessName", old.legal_name != new.legal_name),
        ("representatives", old.representatives != new.representatives),
    ];
    differ.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
}
