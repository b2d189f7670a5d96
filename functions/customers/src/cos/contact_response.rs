//! A sub-resource in answers, by itself or as the primary one of its customer. Absent values are left out, as in the
//! contract's samples.

use domain::contact::{self, ContactBody};
use serde::Serialize;
use serde_json::Number;

use super::Mask;
use super::response::{number, string};

/// A sub-resource.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Contact {
    /// A postal address.
    Address(Box<Address>),
    /// A telephone.
    Phone(Box<Phone>),
    /// An e-mail address.
    Email(Box<Email>),
    /// An identity document.
    Identification(Box<Identification>),
    /// A beneficial owner.
    Owner(Box<Owner>),
}

/// A postal address.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    id: String,
    address_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    classification: Option<&'static str>,
    is_primary: bool,
    street1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    street2: Option<String>,
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    country_code: String,
}

/// A telephone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phone {
    id: String,
    is_primary: bool,
    phone_type: &'static str,
    phone_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<String>,
}

/// An e-mail address.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Email {
    id: String,
    is_primary: bool,
    email_type: &'static str,
    email_address: String,
}

/// An identity document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identification {
    id: String,
    is_primary: bool,
    id_number: String,
    id_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuing_authority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuing_state_or_province: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuing_country_code: Option<String>,
}

/// A beneficial owner.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    id: String,
    owner_customer_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_title: Option<String>,
    ownership_percentage: Number,
}

/// The secret fields that an unmasked sub-resource shows.
pub(crate) fn secrets_of_contact(record: &contact::Contact) -> Vec<String> {
    match &record.body {
        ContactBody::Identification(_) => vec![format!("{}.idNumber", record.id.path())],
        _ => Vec::new(),
    }
}

/// Renders a sub-resource.
pub(crate) fn contact(record: &contact::Contact, mask: Mask) -> Contact {
    let (id, is_primary) = (record.id.to_string(), record.primary);
    match &record.body {
        ContactBody::Address(address) => Contact::Address(Box::new(Address {
            id,
            address_type: address.address_type.as_str(),
            classification: address.classification.map(|class| class.as_str()),
            is_primary,
            street1: string(&address.street1),
            street2: address.street2.as_ref().map(string),
            city: string(&address.city),
            state: address.state.as_ref().map(|state| state.as_str().to_owned()),
            postal_code: address.postal_code.as_ref().map(|code| code.as_str().to_owned()),
            country_code: address.country.to_string(),
        })),
        ContactBody::Phone(phone) => Contact::Phone(Box::new(Phone {
            id,
            is_primary,
            phone_type: phone.phone_type.as_str(),
            phone_number: phone.number.national_or_e164().to_owned(),
            extension: phone.extension.as_ref().map(|digits| digits.as_str().to_owned()),
        })),
        ContactBody::Email(email) => Contact::Email(Box::new(Email {
            id,
            is_primary,
            email_type: email.email_type.as_str(),
            email_address: email.address.as_str().to_owned(),
        })),
        ContactBody::Identification(document) => {
            Contact::Identification(Box::new(identification(id, is_primary, document, mask)))
        }
        ContactBody::Owner(owner) => Contact::Owner(Box::new(Owner {
            id,
            owner_customer_id: owner.customer.to_string(),
            owner_title: owner.title.as_ref().map(string),
            ownership_percentage: number(&owner.share.to_string())
                .unwrap_or_else(|| Number::from(0)),
        })),
    }
}

fn identification(
    id: String,
    is_primary: bool,
    document: &contact::Identification,
    mask: Mask,
) -> Identification {
    Identification {
        id,
        is_primary,
        id_number: match mask {
            Mask::Shown => document.number.reveal().to_owned(),
            Mask::Starred => document.number.masked(),
        },
        id_type: document.id_type.as_str(),
        issued_date: document.issued.map(|date| date.to_string()),
        exp_date: document.expires.map(|date| date.to_string()),
        verified_date: document.verified.map(|date| date.to_string()),
        issuing_authority: document.authority.as_ref().map(string),
        issuing_state_or_province: document
            .region
            .as_ref()
            .map(|region| region.as_str().to_owned()),
        issuing_country_code: document.country.map(|country| country.to_string()),
    }
}
