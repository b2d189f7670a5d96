//! What a change did: everything that is to be stored with the customer, so that one transaction holds all of it.

use crate::audit::AuditAction;
use crate::contact::{Contact, ContactId};
use crate::event::EventKind;

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
    pub(super) const fn new(
        action: AuditAction,
        fields: Vec<String>,
        events: Vec<EventKind>,
    ) -> Self {
        Self { action, fields, events, contacts: Vec::new() }
    }

    /// Whether nothing happened at all, so that nothing needs to be stored.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.events.is_empty() && self.contacts.is_empty()
    }
}
