//! The customer: one record, seen through several contracts.
//!
//! Every way in which a customer can change is a method here that either refuses or returns the [`Change`] it made,
//! with the events, the audit entry's words and the sub-resources to write. Invariants: a change that returned has
//! kept every rule; an inactive customer does not change (except what a scan or its reviewer finds out); the primary
//! sub-resource of each kind is part of the customer, so that one read answers a GET.

mod difference;
mod replace;
mod verify;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::difference::Difference;
pub use self::replace::{IDENTITY, Replacement};
pub use self::verify::Vetting;
use crate::audit::{AuditAction, AuditHead};
use crate::choices::{Classification, CustomerStatus};
use crate::contact::{
    Contact, ContactBody, ContactId, ContactKind, Owner, PrimaryRefused, primary_on_add,
    primary_on_change, primary_on_remove,
};
use crate::enrolment::Enrolment;
use crate::event::EventKind;
use crate::ids::{AccountId, CifNumber, CustomerId, PartnerId};
use crate::name::{EntityName, PersonName};
use crate::numbers::BasisPoints;
use crate::profile::{
    BusinessDueDiligence, BusinessProfile, CommonProfile, DueDiligence, PersonProfile,
};
use crate::proof::{Proof, ProofKind};
use crate::scan::{Decision, DecisionRefused, Finding, Scan, ScanKind, ScanStatus};
use crate::text::Text;
use crate::verification::{NotInReview, Verification};

/// The partner's own id for a customer. Contracts may allow less.
pub type ClientIdentifier = Text<255>;

/// How many sub-resources of one kind a customer may have. Far above any use seen, low enough that a list is one
/// query.
pub const MOST_CONTACTS: u32 = 50;

/// A person as a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: PersonName,
    /// The profile.
    pub profile: PersonProfile,
    /// Work and income, when asked.
    pub due_diligence: Option<DueDiligence>,
}

/// A company as a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Business {
    /// The name.
    pub name: EntityName,
    /// The profile.
    pub profile: BusinessProfile,
    /// Its business, when asked.
    pub due_diligence: Option<BusinessDueDiligence>,
}

/// Who the customer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// A person.
    Personal(Person),
    /// A company.
    Business(Business),
}

impl Party {
    /// Which of the two.
    #[must_use]
    pub const fn classification(&self) -> Classification {
        match self {
            Self::Personal(_) => Classification::Personal,
            Self::Business(_) => Classification::Business,
        }
    }

    /// The part of the profile that both have.
    #[must_use]
    pub const fn common(&self) -> &CommonProfile {
        match self {
            Self::Personal(person) => &person.profile.common,
            Self::Business(business) => &business.profile.common,
        }
    }

    /// The name in full, for screening and for answers.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self {
            Self::Personal(person) => person.name.full(),
            Self::Business(business) => business.name.as_str().to_owned(),
        }
    }
}

/// What the customer knows about its sub-resources of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelf {
    /// How many there are.
    pub count: u32,
    /// The primary one.
    pub primary: Option<Contact>,
}

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

/// What to do with one sub-resource's item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactWrite {
    /// Write a new one.
    Add(Contact),
    /// Write an existing one anew.
    Replace(Contact),
    /// Take the primary flag from an existing one.
    Demote(ContactId),
    /// Remove an existing one.
    Remove(ContactId),
}

/// What a change did, to be stored together with the customer in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The audit entry's action.
    pub action: AuditAction,
    /// The audit entry's fields.
    pub fields: Vec<String>,
    /// The events.
    pub events: Vec<EventKind>,
    /// The sub-resources to write.
    pub contacts: Vec<ContactWrite>,
}

impl Change {
    const fn new(action: AuditAction, fields: Vec<String>, events: Vec<EventKind>) -> Self {
        Self { action, fields, events, contacts: Vec::new() }
    }

    /// Whether nothing happened at all, so that nothing needs to be stored.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.events.is_empty() && self.contacts.is_empty()
    }
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

    /// The primary sub-resource of a kind.
    #[must_use]
    pub fn primary(&self, kind: ContactKind) -> Option<&Contact> {
        self.contacts.get(&kind).and_then(|shelf| shelf.primary.as_ref())
    }

    /// How many sub-resources of a kind there are.
    #[must_use]
    pub fn count(&self, kind: ContactKind) -> u32 {
        self.contacts.get(&kind).map_or(0, |shelf| shelf.count)
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

    /// Notes that possession was proved, and tells it. An inactive customer has proved it all the same.
    #[must_use]
    pub fn prove(
        &mut self,
        kind: ProofKind,
        proof: Proof,
        event: EventKind,
        now: Timestamp,
    ) -> Change {
        self.proofs.insert(kind, proof);
        self.touch(now);
        Change::new(AuditAction::Prove, vec![format!("proofs.{kind}")], vec![event])
    }

    /// Takes a proof back that the session `auth` gave, and tells it; `None` when another session has proved it since.
    #[must_use]
    pub fn disprove(
        &mut self,
        kind: ProofKind,
        auth: crate::ids::AuthId,
        event: EventKind,
        now: Timestamp,
    ) -> Option<Change> {
        self.proofs.get(&kind).filter(|proof| proof.auth == auth)?;
        self.proofs.remove(&kind);
        self.touch(now);
        Some(Change::new(AuditAction::Disprove, vec![format!("proofs.{kind}")], vec![event]))
    }

    /// Adds a sub-resource. `siblings` are the present owners, and are looked at for owners only.
    ///
    /// # Errors
    /// [`Refused`] by the state, the limits, or the rules of ownership.
    pub fn add_contact(
        &mut self,
        id: ContactId,
        body: ContactBody,
        asks_primary: bool,
        siblings: &[Contact],
        now: Timestamp,
    ) -> Result<Change, Refused> {
        self.must_be_active()?;
        let kind = id.kind();
        if self.count(kind) >= MOST_CONTACTS {
            return Err(Refused::TooMany);
        }
        self.check_owner(id, &body, siblings)?;
        let current = self.primary(kind).map(|contact| contact.id);
        let moved = primary_on_add(kind, current, asks_primary);
        let contact = Contact { id, primary: moved.primary, body };
        let shelf = self.contacts.entry(kind).or_default();
        shelf.count += 1;
        if moved.primary {
            shelf.primary = Some(contact.clone());
        }
        let mut change = Change::new(
            AuditAction::AddContact,
            vec![id.path()],
            vec![EventKind::ContactAdded { contact: id }],
        );
        change.contacts.push(ContactWrite::Add(contact));
        Self::demote(moved.demoted, &mut change);
        self.contact_changed(kind, moved.primary, &mut change, now);
        Ok(change)
    }

    /// Replaces what the sub-resource `present` says. `asks_primary` is `None` when the caller left the flag alone.
    /// `siblings` are the present owners, and are looked at for owners only. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`Refused`] by the state, the primary rules, or the rules of ownership.
    pub fn change_contact(
        &mut self,
        present: &Contact,
        body: ContactBody,
        asks_primary: Option<bool>,
        siblings: &[Contact],
        now: Timestamp,
    ) -> Result<Change, Refused> {
        self.must_be_active()?;
        let (id, kind) = (present.id, present.id.kind());
        self.check_owner(id, &body, siblings)?;
        let current = self.primary(kind).map(|contact| contact.id);
        let moved = primary_on_change(current, id, asks_primary)?;
        let contact = Contact { id, primary: moved.primary, body };
        let fields = difference::of_contacts(present, &contact);
        if fields.is_empty() {
            return Ok(Change::new(AuditAction::ChangeContact, fields, Vec::new()));
        }
        if moved.primary {
            self.contacts.entry(kind).or_default().primary = Some(contact.clone());
        }
        let mut change = Change::new(
            AuditAction::ChangeContact,
            fields,
            vec![EventKind::ContactChanged { contact: id }],
        );
        change.contacts.push(ContactWrite::Replace(contact));
        Self::demote(moved.demoted, &mut change);
        self.contact_changed(kind, moved.primary, &mut change, now);
        Ok(change)
    }

    /// Removes a sub-resource that exists.
    ///
    /// # Errors
    /// [`Refused`] by the state or the primary rules.
    pub fn remove_contact(&mut self, id: ContactId, now: Timestamp) -> Result<Change, Refused> {
        self.must_be_active()?;
        let kind = id.kind();
        let current = self.primary(kind).map(|contact| contact.id);
        primary_on_remove(current, id, self.count(kind))?;
        let shelf = self.contacts.entry(kind).or_default();
        shelf.count = shelf.count.saturating_sub(1);
        if current == Some(id) {
            shelf.primary = None;
        }
        let mut change = Change::new(
            AuditAction::RemoveContact,
            vec![id.path()],
            vec![EventKind::ContactRemoved { contact: id }],
        );
        change.contacts.push(ContactWrite::Remove(id));
        self.contact_changed(kind, current == Some(id), &mut change, now);
        Ok(change)
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

    /// An address is screened, so another address is another subject. The scans keep their status meanwhile: an
    /// address only adds to what is known about the same person, and the contract lets an account be opened right
    /// after the first address was added.
    fn contact_changed(
        &mut self,
        kind: ContactKind,
        primary: bool,
        change: &mut Change,
        now: Timestamp,
    ) {
        if kind == ContactKind::Address {
            self.subject_revision += 1;
        }
        let reviewed =
            matches!(kind, ContactKind::Address | ContactKind::Email | ContactKind::Phone);
        if primary && reviewed {
            self.identity_changed(change);
        }
        self.touch(now);
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

    /// The one that lost the flag has changed as well, and its readers are told.
    fn demote(demoted: Option<ContactId>, change: &mut Change) {
        if let Some(id) = demoted {
            change.contacts.push(ContactWrite::Demote(id));
            change.events.push(EventKind::ContactChanged { contact: id });
        }
    }

    fn check_owner(
        &self,
        id: ContactId,
        body: &ContactBody,
        siblings: &[Contact],
    ) -> Result<(), Refused> {
        let ContactBody::Owner(new) = body else { return Ok(()) };
        if self.party.classification() != Classification::Business {
            return Err(Refused::OwnerOfPerson);
        }
        let others = || {
            siblings.iter().filter(|other| other.id != id).filter_map(|other| match &other.body {
                ContactBody::Owner(owner) => Some(owner),
                _ => None,
            })
        };
        if others().any(|owner: &Owner| owner.customer == new.customer) {
            return Err(Refused::OwnerTwice);
        }
        let total: u32 = others().map(|owner| u32::from(owner.share.get())).sum();
        if total + u32::from(new.share.get()) > u32::from(BasisPoints::WHOLE.get()) {
            return Err(Refused::Overowned);
        }
        Ok(())
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
