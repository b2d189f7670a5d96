//! A sub-resource as an item, and back. The same shape stands inside the customer's item for the primary one.

use crypto::{Aad, ScopeKeys};
use domain::calendar::{ExpiryDate, PastDate};
use domain::choices::{
    AddressClassification, AddressType, EmailType, IdentificationType, PhoneType,
};
use domain::contact::{
    Address, Contact, ContactBody, ContactId, ContactKind, DocumentNumber, Email, Identification,
    Owner, Phone,
};
use domain::country::{Country, PostalCode, Region};
use domain::email::EmailAddress;
use domain::ids::{CustomerId, PartnerId};
use domain::numbers::BasisPoints;
use domain::phone::{Extension, PhoneNumber};
use serde::{Deserialize, Serialize};

use super::CustomersError;
use super::record::{malformed, needed, open, parsed, seal, string, text, to_compact_item};
use crate::keys::{AddressKey, EmailKey, IdentificationKey, Key, OwnerKey, PhoneKey};
use crate::{Item, StoreError, from_item};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContactRecord {
    id: String,
    kind: ContactKind,
    is_primary: bool,
    address: Option<AddressRecord>,
    phone: Option<PhoneRecord>,
    email: Option<EmailRecord>,
    identification: Option<IdentificationRecord>,
    owner: Option<OwnerRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddressRecord {
    address_type: AddressType,
    classification: Option<AddressClassification>,
    street1: String,
    street2: Option<String>,
    city: String,
    state: Option<String>,
    postal_code: Option<String>,
    country: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneRecord {
    phone_type: PhoneType,
    number: String,
    extension: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailRecord {
    email_type: EmailType,
    address: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentificationRecord {
    id_type: IdentificationType,
    number: String,
    issued: Option<String>,
    expires: Option<String>,
    verified: Option<String>,
    authority: Option<String>,
    region: Option<String>,
    country: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnerRecord {
    customer: CustomerId,
    title: Option<String>,
    share_basis_points: u16,
}

/// Names the item of a sub-resource, whatever its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct ContactKey {
    pub(super) partner: PartnerId,
    pub(super) customer: CustomerId,
    pub(super) contact: ContactId,
}

impl ContactKey {
    fn inner(&self) -> Box<dyn Key> {
        let (partner, customer) = (self.partner, self.customer);
        match self.contact {
            ContactId::Address(id) => Box::new(AddressKey::new(partner, customer, id)),
            ContactId::Phone(id) => Box::new(PhoneKey::new(partner, customer, id)),
            ContactId::Email(id) => Box::new(EmailKey::new(partner, customer, id)),
            ContactId::Identification(id) => {
                Box::new(IdentificationKey::new(partner, customer, id))
            }
            ContactId::Owner(id) => Box::new(OwnerKey::new(partner, customer, id)),
        }
    }
}

impl Key for ContactKey {
    fn pk(&self) -> String {
        self.inner().pk()
    }

    fn sk(&self) -> String {
        self.inner().sk()
    }
}

/// What the sort keys of a kind begin with.
pub(super) const fn sort_prefix(kind: ContactKind) -> &'static str {
    match kind {
        ContactKind::Address => "ADDRESS#",
        ContactKind::Phone => "PHONE#",
        ContactKind::Email => "EMAIL#",
        ContactKind::Identification => "IDENTIFICATION#",
        ContactKind::Owner => "OWNER#",
    }
}

/// The item of a sub-resource.
pub(super) fn contact_item(
    key: ContactKey,
    contact: &Contact,
    keys: &ScopeKeys,
) -> Result<Item, CustomersError> {
    let mut item = to_compact_item(&write_contact(key.customer, contact, keys)?)?;
    key.stamp(&mut item);
    Ok(item)
}

/// Reads the item of a sub-resource.
pub(super) fn read_contact_item(
    customer: CustomerId,
    item: Item,
    keys: &ScopeKeys,
) -> Result<Contact, CustomersError> {
    read_contact(customer, from_item(item)?, keys)
}

fn number_aad(customer: CustomerId, contact: ContactId) -> Aad {
    Aad::of(&["customer", &customer.to_string(), "idNumber", &contact.to_string()])
}

pub(super) fn write_contact(
    customer: CustomerId,
    contact: &Contact,
    keys: &ScopeKeys,
) -> Result<ContactRecord, CustomersError> {
    let mut record = ContactRecord {
        id: contact.id.to_string(),
        kind: contact.id.kind(),
        is_primary: contact.primary,
        address: None,
        phone: None,
        email: None,
        identification: None,
        owner: None,
    };
    match &contact.body {
        ContactBody::Address(address) => {
            record.address = Some(AddressRecord {
                address_type: address.address_type,
                classification: address.classification,
                street1: string(&address.street1),
                street2: address.street2.as_ref().map(string),
                city: string(&address.city),
                state: address.state.as_ref().map(|state| state.as_str().to_owned()),
                postal_code: address.postal_code.as_ref().map(|code| code.as_str().to_owned()),
                country: address.country.to_string(),
            });
        }
        ContactBody::Phone(phone) => {
            record.phone = Some(PhoneRecord {
                phone_type: phone.phone_type,
                number: phone.number.e164().to_owned(),
                extension: phone.extension.as_ref().map(|digits| digits.as_str().to_owned()),
            });
        }
        ContactBody::Email(email) => {
            record.email = Some(EmailRecord {
                email_type: email.email_type,
                address: email.address.as_str().to_owned(),
            });
        }
        ContactBody::Identification(document) => {
            let aad = number_aad(customer, contact.id);
            record.identification = Some(IdentificationRecord {
                id_type: document.id_type,
                number: seal(keys, &aad, document.number.reveal())?,
                issued: document.issued.map(|date| date.to_string()),
                expires: document.expires.map(|date| date.to_string()),
                verified: document.verified.map(|date| date.to_string()),
                authority: document.authority.as_ref().map(string),
                region: document.region.as_ref().map(|region| region.as_str().to_owned()),
                country: document.country.map(|country| country.to_string()),
            });
        }
        ContactBody::Owner(owner) => {
            record.owner = Some(OwnerRecord {
                customer: owner.customer,
                title: owner.title.as_ref().map(string),
                share_basis_points: owner.share.get(),
            });
        }
    }
    Ok(record)
}

pub(super) fn read_contact(
    customer: CustomerId,
    record: ContactRecord,
    keys: &ScopeKeys,
) -> Result<Contact, CustomersError> {
    let id = ContactId::parse(record.kind, &record.id).map_err(|_| malformed("a contact's id"))?;
    let absent = || malformed("a contact without its body");
    let body = match record.kind {
        ContactKind::Address => {
            ContactBody::Address(read_address(record.address.ok_or_else(absent)?)?)
        }
        ContactKind::Phone => ContactBody::Phone(read_phone(record.phone.ok_or_else(absent)?)?),
        ContactKind::Email => ContactBody::Email(read_email(record.email.ok_or_else(absent)?)?),
        ContactKind::Identification => {
            let stored = record.identification.ok_or_else(absent)?;
            let number = open(keys, &number_aad(customer, id), &stored.number)?;
            ContactBody::Identification(read_document(stored, &number)?)
        }
        ContactKind::Owner => ContactBody::Owner(read_owner(record.owner.ok_or_else(absent)?)?),
    };
    Ok(Contact { id, primary: record.is_primary, body })
}

fn read_address(stored: AddressRecord) -> Result<Address, StoreError> {
    let country = Country::parse(&stored.country).map_err(|_| malformed("country"))?;
    Ok(Address {
        address_type: stored.address_type,
        classification: stored.classification,
        street1: needed(&stored.street1)?,
        street2: text(stored.street2.as_deref())?,
        city: needed(&stored.city)?,
        state: parsed(stored.state.as_deref(), Region::restore)?,
        postal_code: parsed(stored.postal_code.as_deref(), |code| {
            PostalCode::parse(code, country)
        })?,
        country,
    })
}

fn read_phone(stored: PhoneRecord) -> Result<Phone, StoreError> {
    Ok(Phone {
        phone_type: stored.phone_type,
        number: PhoneNumber::of_form(&stored.number).map_err(|_| malformed("phoneNumber"))?,
        extension: parsed(stored.extension.as_deref(), Extension::parse)?,
    })
}

fn read_email(stored: EmailRecord) -> Result<Email, StoreError> {
    let address = EmailAddress::parse(&stored.address).map_err(|_| malformed("emailAddress"))?;
    Ok(Email { email_type: stored.email_type, address })
}

fn read_document(stored: IdentificationRecord, number: &str) -> Result<Identification, StoreError> {
    let country = parsed(stored.country.as_deref(), Country::parse)?;
    let region_of = country.unwrap_or(Country::US);
    Ok(Identification {
        id_type: stored.id_type,
        number: DocumentNumber::parse(number).map_err(|_| malformed("idNumber"))?,
        issued: parsed(stored.issued.as_deref(), PastDate::restore)?,
        expires: parsed(stored.expires.as_deref(), ExpiryDate::parse)?,
        verified: parsed(stored.verified.as_deref(), PastDate::restore)?,
        authority: text(stored.authority.as_deref())?,
        region: parsed(stored.region.as_deref(), |region| Region::parse(region, region_of))?,
        country,
    })
}

fn read_owner(stored: OwnerRecord) -> Result<Owner, StoreError> {
    let share = BasisPoints::new(i64::from(stored.share_basis_points))
        .map_err(|_| malformed("ownershipPercentage"))?;
    Ok(Owner { customer: stored.customer, title: text(stored.title.as_deref())?, share })
}
