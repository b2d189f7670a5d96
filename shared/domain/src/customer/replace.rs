//! Replacing the whole record at once, for contracts that know no parts.

use jiff::Timestamp;

use super::verify::details;
use super::{Change, ClientIdentifier, Customer, Party, Refused};
use crate::audit::AuditAction;
use crate::contact::{ContactBody, ContactId, ContactKind};
use crate::enrolment::Enrolment;
use crate::event::EventKind;

/// The fields beside name, address, e-mail and phone by which somebody is told from others; when one of them changes,
/// what was established about the customer no longer holds.
pub const IDENTITY: [&str; 7] = [
    "birthDate",
    "taxId",
    "taxIdType",
    "businessDueDiligence",
    "device",
    "legalBusinessName",
    "representatives",
];

/// Those of them that are screened, and no part of the party.
const SCREENED: [&str; 2] = ["legalBusinessName", "representatives"];

/// What the record is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Who; of the same classification as before.
    pub party: Party,
    /// The partner's own id.
    pub client_identifier: Option<ClientIdentifier>,
    /// What the partner says beside.
    pub enrolment: Enrolment,
    /// The primary address, e-mail and phone: what each is to be, and the id it gets when there is none yet.
    pub primaries: Vec<(ContactId, Option<ContactBody>)>,
    /// Whether the customer goes out of business with us by it.
    pub deactivate: bool,
}

impl Customer {
    /// Makes the record what `new` says. What does not differ does not change, and an identity that differs is to be
    /// verified again.
    ///
    /// # Errors
    /// [`Refused`] when the customer is inactive and anything differs, or by the rules of the primary flag.
    pub fn replace(&mut self, new: Replacement, now: Timestamp) -> Result<Change, Refused> {
        let mut change = Change::new(AuditAction::Replace, Vec::new(), Vec::new());
        let party = self.changed_if(self.party != new.party, |customer| {
            customer.change_party(new.party, AuditAction::Replace, now)
        })?;
        change.absorb(party);
        for (id, body) in new.primaries {
            let contact = self.replace_primary(id, body, now)?;
            change.absorb(contact);
        }
        let mut fields = details(&self.enrolment.clone().unwrap_or_default(), &new.enrolment);
        if self.client_identifier != new.client_identifier {
            fields.push("clientIdentifier".to_owned());
        }
        if self.enrolment.is_none() {
            fields.push("enrolment".to_owned());
        }
        if !fields.is_empty() {
            self.must_be_active()?;
            change.events.push(EventKind::DetailsChanged { fields: fields.clone() });
            if IDENTITY.iter().any(|identity| fields.iter().any(|field| field == identity)) {
                self.identity_changed(&mut change);
            }
            // Who is behind a business is screened with it. As with an address, the scans keep their status meanwhile.
            if SCREENED.iter().any(|screened| fields.iter().any(|field| field == screened)) {
                self.subject_revision += 1;
                if !change.events.iter().any(EventKind::needs_screening) {
                    change.events.push(EventKind::ReviewRequested);
                }
            }
            change.fields.extend(fields);
            self.client_identifier = new.client_identifier;
            self.enrolment = Some(new.enrolment);
            self.touch(now);
        }
        if new.deactivate {
            let step = self.deactivate(now);
            change.absorb(Some(step));
        }
        Ok(change)
    }

    fn changed_if(
        &mut self,
        differs: bool,
        apply: impl FnOnce(&mut Self) -> Result<Change, Refused>,
    ) -> Result<Option<Change>, Refused> {
        if differs { apply(self).map(Some) } else { Ok(None) }
    }

    fn replace_primary(
        &mut self,
        fresh: ContactId,
        body: Option<ContactBody>,
        now: Timestamp,
    ) -> Result<Option<Change>, Refused> {
        let kind: ContactKind = fresh.kind();
        let present = self.primary(kind).cloned();
        match (present, body) {
            (None, None) => Ok(None),
            (Some(was), Some(body)) if was.body == body => Ok(None),
            (Some(was), Some(body)) => self.change_contact(&was, body, None, &[], now).map(Some),
            (Some(was), None) => self.remove_contact(was.id, now).map(Some),
            (None, Some(body)) => self.add_contact(fresh, body, true, &[], now).map(Some),
        }
    }
}

impl Change {
    /// Adds what another step of the same change did.
    fn absorb(&mut self, step: Option<Self>) {
        let Some(step) = step else { return };
        self.fields.extend(step.fields);
        self.contacts.extend(step.contacts);
        for event in step.events {
            // One request for a review says it for the whole change.
            if event == EventKind::ReviewRequested
                && self.events.iter().any(EventKind::needs_screening)
            {
                continue;
            }
            self.events.push(event);
        }
    }
}
