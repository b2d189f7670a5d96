//! Which fields of two versions of a customer differ: what events and audit entries name.

use super::Party;
use crate::contact::{Contact, ContactBody};
use crate::profile::CommonProfile;

/// What differs between two parties of the same classification.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// The name.
    pub(super) name: bool,
    /// The fields of profile and due diligence, by contract name.
    pub(super) profile: Vec<String>,
}

impl Difference {
    pub(super) fn between(old: &Party, new: &Party) -> Self {
        let mut found = Self::default();
        match (old, new) {
            (Party::Personal(old), Party::Personal(new)) => {
                found.name = old.name != new.name;
                let (a, b) = (&old.profile, &new.profile);
                found.common(&a.common, &b.common);
                found.note("regO", a.reg_o != b.reg_o);
                found.note(
                    "politicallyExposedPerson",
                    a.politically_exposed != b.politically_exposed,
                );
                found.note(crate::event::BIRTH_DATE, a.birth_date != b.birth_date);
                found.note("privacyOptOut", a.privacy_opt_out != b.privacy_opt_out);
                found.note("dueDiligence", old.due_diligence != new.due_diligence);
            }
            (Party::Business(old), Party::Business(new)) => {
                found.name = old.name != new.name;
                let (a, b) = (&old.profile, &new.profile);
                found.common(&a.common, &b.common);
                found.note("dateFormed", a.date_formed != b.date_formed);
                found.note("entityType", a.entity_type != b.entity_type);
                found.note("ownershipType", a.ownership_type != b.ownership_type);
                found.note("primaryOwnerCustomerId", a.primary_owner != b.primary_owner);
                found.note("businessDueDiligence", old.due_diligence != new.due_diligence);
            }
            (Party::Personal(_), Party::Business(_)) | (Party::Business(_), Party::Personal(_)) => {
            }
        }
        found
    }

    fn common(&mut self, a: &CommonProfile, b: &CommonProfile) {
        self.note(crate::event::CITIZENSHIP, a.citizenship != b.citizenship);
        self.note("enableBackupWithholding", a.backup_withholding != b.backup_withholding);
        self.note(
            "backupWithholdingPercent",
            a.backup_withholding_percent != b.backup_withholding_percent,
        );
        self.note(
            "taxIdType",
            a.tax.as_ref().map(|tax| tax.kind()) != b.tax.as_ref().map(|tax| tax.kind()),
        );
        self.note(
            "taxId",
            a.tax.as_ref().and_then(|tax| tax.number())
                != b.tax.as_ref().and_then(|tax| tax.number()),
        );
        self.note("riskRating", a.risk_rating != b.risk_rating);
    }

    fn note(&mut self, field: &str, changed: bool) {
        if changed {
            self.profile.push(field.to_owned());
        }
    }
}

/// The fields in which two versions of one sub-resource differ, as the audit chain names them: `phones/<id>.phoneNumber`.
pub(super) fn of_contacts(old: &Contact, new: &Contact) -> Vec<String> {
    let mut fields = vec![("isPrimary", old.primary != new.primary)];
    match (&old.body, &new.body) {
        (ContactBody::Address(a), ContactBody::Address(b)) => fields.extend([
            ("addressType", a.address_type != b.address_type),
            ("classification", a.classification != b.classification),
            ("street1", a.street1 != b.street1),
            ("street2", a.street2 != b.street2),
            ("city", a.city != b.city),
            ("state", a.state != b.state),
            ("postalCode", a.postal_code != b.postal_code),
            ("countryCode", a.country != b.country),
        ]),
        (ContactBody::Phone(a), ContactBody::Phone(b)) => fields.extend([
            ("phoneType", a.phone_type != b.phone_type),
            ("phoneNumber", a.number != b.number),
            ("extension", a.extension != b.extension),
        ]),
        (ContactBody::Email(a), ContactBody::Email(b)) => fields.extend([
            ("emailType", a.email_type != b.email_type),
            ("emailAddress", a.address != b.address),
        ]),
        (ContactBody::Identification(a), ContactBody::Identification(b)) => fields.extend([
            ("idType", a.id_type != b.id_type),
            ("idNumber", a.number != b.number),
            ("issuedDate", a.issued != b.issued),
            ("expDate", a.expires != b.expires),
            ("verifiedDate", a.verified != b.verified),
            ("issuingAuthority", a.authority != b.authority),
            ("issuingStateOrProvince", a.region != b.region),
            ("issuingCountryCode", a.country != b.country),
        ]),
        (ContactBody::Owner(a), ContactBody::Owner(b)) => fields.extend([
            ("ownerCustomerId", a.customer != b.customer),
            ("ownerTitle", a.title != b.title),
            ("ownershipPercentage", a.share != b.share),
        ]),
        // Bodies of two kinds never share an id; were it so, everything would differ.
        _ => fields.push(("kind", true)),
    }
    let path = new.id.path();
    let differing = fields.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(field, _)| format!("{path}.{field}")).collect()
}
