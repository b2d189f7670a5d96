//! A customer's sub-resources: adding, changing and removing them.
//!
//! Invariants: the count and the primary one of each kind are part of the customer and move with every change here; nobody
//! owns a business twice, and nobody more than the whole of it.

use jiff::Timestamp;

use super::{Change, ContactWrite, Customer, Refused, difference};
use crate::audit::AuditAction;
use crate::choices::Classification;
use crate::contact::{
    Contact, ContactBody, ContactId, ContactKind, Owner, primary_on_add, primary_on_change,
    primary_on_remove,
};
use crate::event::EventKind;
use crate::numbers::BasisPoints;

/// How many sub-resources of one kind a customer may have. Far above any use seen, low enough that a list is one
/// query.
pub const MOST_CONTACTS: u32 = 50;

/// What the customer knows about its sub-resources of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelf {
    /// How many there are.
    pub count: u32,
    /// The primary one.
    pub primary: Option<Contact>,
}

impl Customer {
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
