//! The customer: one record, seen through several contracts.
//!
//! Every way in which a customer can change is a method here that either refuses or returns the [`Change`] it made,
//! with the events, the audit entry's words and the sub-resources to write. Invariants: a change that returned has
//! kept every rule; an inactive customer does not change (except what a scan or its reviewer finds out); the primary
//! sub-resource of each kind is part of the customer, so that one read answers a GET.

mod change;
mod contacts;
mod difference;
mod party;
mod prove;
mod replace;
mod verify;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use self::change::{Change, ContactWrite};
pub use self::contacts::{MOST_CONTACTS, Shelf};
use self::difference::Difference;
pub use self::party::{Business, Party, Person};
pub use self::replace::{IDENTITY, Replacement};
pub use self::verify::Vetting;
use crate::audit::{AuditAction, AuditHead};
use crate::choices::CustomerStatus;
use crate::contact::{Contact, ContactBody, ContactId, ContactKind, PrimaryRefused};
use crate::enrolment::Enrolment;
use crate::event::EventKind;
use crate::ids::{AccountId, CifNumber, CustomerId, PartnerId};
use crate::network::ProvedAccount;
use crate::proof::{Proof, ProofKind};
use crate::scan::{Decision, DecisionRefused, Finding, Scan, ScanKind, ScanStatus};
use crate::text::Text;
use crate::verification::{NotInReview, Verification};

/// The partner's own id for a customer. Contracts may allow less.
pub type ClientIdentifier = Text<255>;

/// One customer of one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Whose customer it is.
    pub partner: PartnerId,
    /// The bank's file number.
    pub cif: CifNumber,
    /// Who it is.
    pub party: Party,
    /// The partner's own id.
    pub client_identifier: Option<ClientIdentifier>,
    /// Whether it may be worked with.
    pub status: CustomerStatus,
    /// The sanctions scan.
    pub ofac: Scan,
    /// The scan for politically exposed persons.
    pub pep_scan: Scan,
    /// What lists of adverse media say. No contract shows it as a scan: it informs whoever reviews the identity, and holds
    /// a customer for a person as long as anybody reviews it.
    pub adverse_media: Scan,
    /// Where the review of the identity stands.
    pub verification: Verification,
    /// The account of the partner that it belongs to, where the partner has accounts.
    pub account: Option<AccountId>,
    /// What the partner said beside, when it enrolled the customer through a contract that asks.
    pub enrolment: Option<Enrolment>,
    /// When it was taken on.
    pub created_at: Timestamp,
    /// When anything last changed.
    pub modified_at: Timestamp,
    /// Counts changes; every write is conditional on it.
    pub version: u64,
    /// Counts changes of what is screened (name, birth date, addresses, who is behind a business), from 1.
    pub subject_revision: u64,
    /// The last subject revision that was screened; 0 when none was.
    pub screened_revision: u64,
    /// The end of the audit chain.
    pub audit: AuditHead,
    /// Sub-resources by kind.
    pub contacts: BTreeMap<ContactKind, Shelf>,
    /// What it has proved to hold, the latest of each kind.
    pub proofs: BTreeMap<ProofKind, Proof>,
    /// The bank accounts that it has proved, the latest last, by what the network of partners knows them.
    pub accounts: Vec<ProvedAccount>,
    /// Whether it has its row in the sorted lists, its place in the counters and its lookup row by e-mail address. What
    /// was stored by a release that had none of them gets them with its next change.
    pub is_listed: bool,
    /// Whether a client of the sandbox took it on: then it may be invented. `None` for one that was stored by a release
    /// that did not say; it counts as real, and either kind of client may change it.
    pub sandbox: Option<bool>,
}

/// What a new customer starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onboarding {
    /// Its id.
    pub id: CustomerId,
    /// Whose customer.
    pub partner: PartnerId,
    /// The drawn file number.
    pub cif: CifNumber,
    /// Who.
    pub party: Party,
    /// The partner's own id.
    pub client_identifier: Option<ClientIdentifier>,
    /// Primary sub-resources, at most one of each kind.
    pub primaries: Vec<(ContactId, ContactBody)>,
}

/// Why a change is refused by the customer's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The customer was deactivated.
    #[error("the customer is inactive")]
    Inactive,
    /// A person has no beneficial owners.
    #[error("only a Business customer has beneficial owners")]
    OwnerOfPerson,
    /// The same person twice.
    #[error("this customer is already a beneficial owner")]
    OwnerTwice,
    /// More than everything.
    #[error("the ownership percentages would exceed 100 in total")]
    Overowned,
    /// The limit per kind.
    #[error("a customer has at most {MOST_CONTACTS} of each kind")]
    TooMany,
    /// The rules of the primary flag.
    #[error(transparent)]
    Primary(#[from] PrimaryRefused),
    /// The scan's state.
    #[error(transparent)]
    Decision(#[from] DecisionRefused),
    /// Only a customer in review is decided.
    #[error(transparent)]
    NotInReview(#[from] NotInReview),
}

/// A screening result for a subject that has changed since; a newer run is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the customer has changed since revision {screened} was screened; it is at {current}")]
pub struct StaleScreening {
    /// The revision that was screened.
    pub screened: u64,
    /// The customer's revision now.
    pub current: u64,
}

impl Customer {
    /// Takes a customer on.
    #[must_use]
    pub fn onboard(start: Onboarding, now: Timestamp) -> (Self, Change) {
        let mut customer = Self {
            id: start.id,
            partner: start.partner,
            cif: start.cif,
            party: start.party,
            client_identifier: start.client_identifier,
            status: CustomerStatus::Active,
            ofac: Scan::default(),
            pep_scan: Scan::default(),
            adverse_media: Scan::clear(),
            verification: Verification::Pending,
            account: None,
            enrolment: None,
            created_at: now,
            modified_at: now,
            version: 1,
            subject_revision: 1,
            screened_revision: 0,
            audit: AuditHead::default(),
            contacts: BTreeMap::new(),
            proofs: BTreeMap::new(),
            accounts: Vec::new(),
            is_listed: true,
            sandbox: None,
        };
        let event = EventKind::Onboarded;
        let mut fields: Vec<String> = names(&["name", "classification", "profile"]);
        match &customer.party {
            Party::Personal(person) if person.due_diligence.is_some() => {
                fields.push("dueDiligence".to_owned());
            }
            Party::Business(business) if business.due_diligence.is_some() => {
                fields.push("businessDueDiligence".to_owned());
            }
            Party::Personal(_) | Party::Business(_) => {}
        }
        if customer.client_identifier.is_some() {
            fields.push("clientIdentifier".to_owned());
        }
        let mut writes = Vec::new();
        for (id, body) in start.primaries {
            fields.push(id.path());
            let contact = Contact { id, primary: id.kind().has_primary(), body };
            let shelf = customer.contacts.entry(id.kind()).or_default();
            shelf.count += 1;
            shelf.primary = Some(contact.clone());
            writes.push(ContactWrite::Add(contact));
        }
        let mut change = Change::new(AuditAction::Onboard, fields, vec![event]);
        change.contacts = writes;
        (customer, change)
    }

    /// The scan of the given kind.
    #[must_use]
    pub const fn scan(&self, kind: ScanKind) -> &Scan {
        match kind {
            ScanKind::Ofac => &self.ofac,
            ScanKind::PepScan => &self.pep_scan,
        }
    }

    /// Whether any screening run has finished for this customer.
    #[must_use]
    pub const fn was_screened(&self) -> bool {
        self.screened_revision > 0
    }

    /// Gives the customer another name, or profile, or due diligence: whatever differs between `party` and the
    /// present one changes. A party of the other classification is the caller's mistake and changes nothing.
    ///
    /// # Errors
    /// [`Refused::Inactive`].
    pub fn change_party(
        &mut self,
        party: Party,
        action: AuditAction,
        now: Timestamp,
    ) -> Result<Change, Refused> {
        self.must_be_active()?;
        let difference = Difference::between(&self.party, &party);
        let mut events = Vec::new();
        if difference.name {
            events.push(EventKind::NameChanged);
        }
        if !difference.profile.is_empty() {
            events.push(EventKind::ProfileChanged { fields: difference.profile.clone() });
        }
        let mut fields = difference.profile;
        if difference.name {
            fields.push("name".to_owned());
        }
        let mut change = Change::new(action, fields, events);
        if change.is_empty() {
            return Ok(change);
        }
        self.party = party;
        if change.events.iter().any(EventKind::needs_screening) {
            self.subject_revision += 1;
        }
        // A citizenship is screened like an address: it adds to what is known about the same person.
        let is_somebody_else =
            |field: &String| field == "name" || field == crate::event::BIRTH_DATE;
        if change.fields.iter().any(is_somebody_else) {
            self.move_scan(ScanKind::Ofac, self.ofac.after_subject_change(), &mut change);
            self.move_scan(ScanKind::PepScan, self.pep_scan.after_subject_change(), &mut change);
        }
        if difference.name || IDENTITY.iter().any(|field| change.fields.iter().any(|f| f == field))
        {
            self.identity_changed(&mut change);
        }
        self.touch(now);
        Ok(change)
    }

    /// Gives the customer another file number.
    ///
    /// # Errors
    /// [`Refused::Inactive`].
    pub fn change_cif(&mut self, cif: CifNumber, now: Timestamp) -> Result<Change, Refused> {
        self.must_be_active()?;
        self.cif = cif;
        self.touch(now);
        Ok(Change::new(
            AuditAction::ChangeCifNumber,
            names(&["cifNumber"]),
            vec![EventKind::CifNumberChanged],
        ))
    }

    /// Deactivates the customer; doing it again changes nothing.
    #[must_use]
    pub fn deactivate(&mut self, now: Timestamp) -> Change {
        if self.status == CustomerStatus::Inactive {
            return Change::new(AuditAction::Deactivate, Vec::new(), Vec::new());
        }
        self.status = CustomerStatus::Inactive;
        self.touch(now);
        Change::new(AuditAction::Deactivate, names(&["status"]), vec![EventKind::Deactivated])
    }

    /// Applies what a screening run found for the given subject revision. Without any news the change is empty,
    /// apart from the first run of a revision, which has to be remembered. What adverse media say of somebody whose
    /// identity nobody reviews is nobody's business.
    ///
    /// # Errors
    /// [`StaleScreening`] when the subject has changed since.
    pub fn screened(
        &mut self,
        revision: u64,
        ofac: &Finding,
        pep_scan: &Finding,
        adverse_media: Option<&Finding>,
        now: Timestamp,
    ) -> Result<Change, StaleScreening> {
        if revision != self.subject_revision {
            return Err(StaleScreening { screened: revision, current: self.subject_revision });
        }
        let standing = self.standing();
        let mut change = Change::new(AuditAction::Screen, Vec::new(), Vec::new());
        for (kind, finding) in [(ScanKind::Ofac, ofac), (ScanKind::PepScan, pep_scan)] {
            let next = self.scan(kind).after_screening(finding);
            if next != *self.scan(kind) {
                change.fields.push(scan_field(kind).to_owned());
            }
            self.move_scan(kind, next, &mut change);
        }
        if let Some(finding) = adverse_media.filter(|_| self.is_reviewed()) {
            self.move_adverse_media(self.adverse_media.after_screening(finding), &mut change);
        }
        if self.screened_revision != revision {
            self.screened_revision = revision;
            change.fields.push("screenedRevision".to_owned());
        }
        if !change.events.is_empty() || self.standing() != standing {
            self.modified_at = now;
        }
        if !change.is_empty() {
            self.version += 1;
        }
        Ok(change)
    }

    /// Applies a reviewer's decision.
    ///
    /// # Errors
    /// [`Refused::Decision`] when the scan's state has no such step.
    pub fn decide(
        &mut self,
        kind: ScanKind,
        decision: Decision,
        now: Timestamp,
    ) -> Result<Change, Refused> {
        let next = self.decided(kind, decision)?;
        let mut change = Change::new(AuditAction::Decide, names(&[scan_field(kind)]), Vec::new());
        self.move_scan(kind, next, &mut change);
        self.touch(now);
        Ok(change)
    }

    /// Notes that an application or account of the customer was created or changed; `fields` names what.
    ///
    /// # Errors
    /// [`Refused::Inactive`].
    pub fn note_subject(&mut self, fields: Vec<String>, now: Timestamp) -> Result<Change, Refused> {
        self.must_be_active()?;
        self.touch(now);
        Ok(Change::new(AuditAction::ChangeSubject, fields, Vec::new()))
    }

    fn must_be_active(&self) -> Result<(), Refused> {
        match self.status {
            CustomerStatus::Active => Ok(()),
            CustomerStatus::Inactive => Err(Refused::Inactive),
        }
    }

    fn touch(&mut self, now: Timestamp) {
        self.modified_at = now;
        self.version += 1;
    }

    /// A scan after a person's decision. Cleared is what had been screened; what has changed since waits for its own
    /// screening.
    fn decided(&self, kind: ScanKind, decision: Decision) -> Result<Scan, DecisionRefused> {
        let mut next = self.scan(kind).after_decision(decision)?;
        if next.status == ScanStatus::Clear && self.screened_revision < self.subject_revision {
            next.status = ScanStatus::Pending;
        }
        Ok(next)
    }

    fn move_scan(&mut self, kind: ScanKind, next: Scan, change: &mut Change) {
        let scan = match kind {
            ScanKind::Ofac => &mut self.ofac,
            ScanKind::PepScan => &mut self.pep_scan,
        };
        if scan.status != next.status {
            let (from, to) = (scan.status, next.status);
            change.events.push(EventKind::ScanChanged { scan: kind, from, to });
        }
        *scan = next;
    }

    /// There is no event of it: what follows for the customer is told.
    fn move_adverse_media(&mut self, next: Scan, change: &mut Change) {
        if next != self.adverse_media {
            self.adverse_media = next;
            change.fields.push(ADVERSE_MEDIA.to_owned());
        }
    }
}

/// What the audit trail calls what adverse media say.
const ADVERSE_MEDIA: &str = "adverseMedia";

/// The contract name of a scan's field.
#[must_use]
pub const fn scan_field(kind: ScanKind) -> &'static str {
    match kind {
        ScanKind::Ofac => "ofac",
        ScanKind::PepScan => "pepScan",
    }
}

fn names(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

#[cfg(test)]
mod tests;
