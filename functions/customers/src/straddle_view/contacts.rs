//! Address, phone and e-mail of this contract as the record's primary sub-resources.

use domain::choices::{AddressType, Classification, EmailType, PhoneType};
use domain::contact::{Address, ContactBody, Email, Phone};
use domain::country::{Country, PostalCode, Region};
use domain::email::EmailAddress;
use domain::phone::PhoneNumber;
use domain::text::Text;
use http_api::ObjectReader;

/// An address as it was sent.
#[derive(Debug, Clone)]
pub(super) struct AddressRequest {
    address1: Text<100>,
    address2: Option<Text<100>>,
    city: Text<100>,
    state: Region,
    zip: PostalCode,
}

/// The contract's patterns are American; whether there is such a state or place is for the review to say.
pub(super) fn read_address(given: &ObjectReader<'_>) -> Option<AddressRequest> {
    let address1 = given.required("address1", Text::parse);
    let address2 = given.optional("address2", Text::parse);
    let city = given.required("city", Text::parse);
    let state = given.required("state", Region::of_form);
    let zip = given.required("zip", |text| PostalCode::parse(text, Country::US));
    Some(AddressRequest { address1: address1?, address2, city: city?, state: state?, zip: zip? })
}

/// Whether an address is sent as it was shown.
pub(super) fn repeats(given: &ObjectReader<'_>, shown: &straddle::Address) -> bool {
    let text = |name: &str| {
        given.fields().get(name).and_then(serde_json::Value::as_str).unwrap_or("").trim().to_owned()
    };
    text("address1") == shown.address1
        && text("address2") == shown.address2.clone().unwrap_or_default()
        && text("city") == shown.city
        && text("state") == shown.state
        && text("zip") == shown.zip
}

/// A new address of a customer of this kind.
pub(super) fn address_of(given: AddressRequest, kind: Classification) -> Address {
    Address {
        address_type: match kind {
            Classification::Personal => AddressType::Home,
            Classification::Business => AddressType::Work,
        },
        classification: None,
        street1: given.address1,
        street2: given.address2,
        city: given.city,
        state: Some(given.state),
        postal_code: Some(given.zip),
        country: Country::US,
    }
}

/// A new phone of a customer of this kind.
pub(super) fn phone_of(number: PhoneNumber, kind: Classification) -> ContactBody {
    let phone_type = match kind {
        Classification::Personal => PhoneType::Mobile,
        Classification::Business => PhoneType::Work,
    };
    ContactBody::Phone(Phone { phone_type, number, extension: None })
}

/// A new e-mail address of a customer of this kind.
pub(super) fn email_of(address: EmailAddress, kind: Classification) -> ContactBody {
    let email_type = match kind {
        Classification::Personal => EmailType::Personal,
        Classification::Business => EmailType::Work,
    };
    ContactBody::Email(Email { email_type, address })
}
