//! Sub-resources in requests: the same shapes inside onboarding and on their own routes.
//!
//! Invariant: what is sent the way it was shown stays as it is, also where another contract has written what this one would not
//! take anew: whoever reads a sub-resource and sends it back means no change.

use domain::calendar::{ExpiryDate, PastDate};
use domain::choices::{
    AddressClassification, AddressType, EmailType, IdentificationType, PhoneType,
};
use domain::contact::{
    Address, Contact, ContactBody, ContactKind, DocumentNumber, Email, Identification, Owner, Phone,
};
use domain::country::{Country, PostalCode, Region};
use domain::email::EmailAddress;
use domain::ids::CustomerId;
use domain::numbers::BasisPoints;
use domain::phone::{Extension, PhoneNumber};
use domain::problem::Problem;
use domain::text::Text;
use http_api::ObjectReader;
use jiff::civil::Date;

/// A parsed sub-resource; `primary` is `None` when the request left the flag out.
#[derive(Debug, Clone)]
pub(crate) struct ContactRequest {
    pub body: ContactBody,
    pub primary: Option<bool>,
}

/// Reads a sub-resource of `kind`; `present` is what it replaces.
pub(crate) fn read_contact(
    object: &ObjectReader<'_>,
    kind: ContactKind,
    present: Option<&Contact>,
    today: Date,
) -> Option<ContactRequest> {
    let primary = if kind.has_primary() { object.optional_bool("isPrimary") } else { None };
    let present = present.map(|contact| &contact.body);
    let body = match (kind, present) {
        (ContactKind::Address, present) => {
            let address = match present {
                Some(ContactBody::Address(address)) => Some(address),
                _ => None,
            };
            read_address(object, address).map(ContactBody::Address)
        }
        (ContactKind::Phone, present) => {
            let number = match present {
                Some(ContactBody::Phone(phone)) => Some(&phone.number),
                _ => None,
            };
            read_phone(object, number).map(ContactBody::Phone)
        }
        (ContactKind::Email, _) => read_email(object).map(ContactBody::Email),
        (ContactKind::Identification, present) => {
            let number = match present {
                Some(ContactBody::Identification(document)) => Some(&document.number),
                _ => None,
            };
            read_document(object, number, today).map(ContactBody::Identification)
        }
        (ContactKind::Owner, present) => {
            let owner = match present {
                Some(ContactBody::Owner(owner)) => Some(owner.customer),
                _ => None,
            };
            read_owner(object, owner).map(ContactBody::Owner)
        }
    };
    Some(ContactRequest { body: body?, primary })
}

/// State and ZIP code are compulsory in the United States; elsewhere many addresses have neither.
fn read_address(object: &ObjectReader<'_>, present: Option<&Address>) -> Option<Address> {
    let address_type = object.required("addressType", AddressType::parse);
    let classification = object.optional("classification", AddressClassification::parse);
    let street1 = object.required("street1", Text::parse);
    let street2 = object.optional("street2", Text::parse);
    let city = object.required("city", Text::parse);
    let country = object.required("countryCode", Country::parse);
    let present = present.filter(|present| Some(present.country) == country);
    let region = |text: &str, country| match present.and_then(|present| present.state.as_ref()) {
        Some(state) if state.as_str() == text => Ok(state.clone()),
        _ => Region::parse(text, country),
    };
    // Without a country there is nothing to measure the two by.
    let (state, postal_code) = match country {
        None => (None, None),
        Some(Country::US) => (
            object.required("state", |text| region(text, Country::US)),
            object.required("postalCode", |text| PostalCode::parse(text, Country::US)),
        ),
        Some(country) => (
            object.optional("state", |text| region(text, country)),
            object.optional("postalCode", |text| PostalCode::parse(text, country)),
        ),
    };
    Some(Address {
        address_type: address_type?,
        classification,
        street1: street1?,
        street2,
        city: city?,
        state,
        postal_code,
        country: country?,
    })
}

fn read_phone(object: &ObjectReader<'_>, present: Option<&PhoneNumber>) -> Option<Phone> {
    let phone_type = object.required("phoneType", PhoneType::parse);
    let number = object.required("phoneNumber", |text| match present {
        Some(number) if number.national_or_e164() == text => Ok(number.clone()),
        _ => PhoneNumber::parse(text),
    });
    let extension = object.optional("extension", Extension::parse);
    Some(Phone { phone_type: phone_type?, number: number?, extension })
}

fn read_email(object: &ObjectReader<'_>) -> Option<Email> {
    let email_type = object.required("emailType", EmailType::parse);
    let address = object.required("emailAddress", EmailAddress::parse);
    Some(Email { email_type: email_type?, address: address? })
}

/// A number sent the way it was shown (starred) stays as it is.
fn read_document(
    object: &ObjectReader<'_>,
    present: Option<&DocumentNumber>,
    today: Date,
) -> Option<Identification> {
    let past = |name: &str| object.optional(name, |text| PastDate::parse(text, today));
    let id_type = object.required("idType", IdentificationType::parse);
    let number = object.required("idNumber", |text| match present {
        Some(number) if number.masked() == text => Ok(number.clone()),
        _ => DocumentNumber::parse(text),
    });
    let (issued, verified) = (past("issuedDate"), past("verifiedDate"));
    let expires = object.optional("expDate", ExpiryDate::parse);
    if let (Some(issued), Some(expires)) = (issued, expires)
        && expires.date() < issued.date()
    {
        object.reject("expDate", Problem::Malformed { expected: "a date not before issuedDate" });
    }
    let authority = object.optional("issuingAuthority", Text::parse);
    let country = object.optional("issuingCountryCode", Country::parse);
    let region_of = country.unwrap_or(Country::US);
    let region = object.optional("issuingStateOrProvince", |text| Region::parse(text, region_of));
    Some(Identification {
        id_type: id_type?,
        number: number?,
        issued,
        expires,
        verified,
        authority,
        region,
        country,
    })
}

/// Who owns is decided once; a change is about title and share.
fn read_owner(object: &ObjectReader<'_>, present: Option<CustomerId>) -> Option<Owner> {
    let customer = match present {
        None => object.required("ownerCustomerId", CustomerId::parse),
        Some(present) => {
            let named = object.optional("ownerCustomerId", CustomerId::parse);
            if named.is_some_and(|named| named != present) {
                let reason = "an owner is not exchanged but removed and added";
                object.reject("ownerCustomerId", Problem::NotApplicable { reason });
            }
            Some(present)
        }
    };
    let title = object.optional("ownerTitle", Text::parse);
    let share = object.required_number("ownershipPercentage", true, BasisPoints::parse_percent);
    Some(Owner { customer: customer?, title, share: share? })
}
