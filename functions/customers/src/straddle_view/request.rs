//! Creating and replacing a customer: what the requests of this contract mean.

use std::collections::BTreeMap;

use domain::choices::Classification;
use domain::contact::{Address, ContactBody, ContactKind};
use domain::customer::{Business, ClientIdentifier, Customer, Party, Person};
use domain::email::EmailAddress;
use domain::enrolment::{Device, Enrolment, Metadata, Processing, SandboxOutcome};
use domain::name::PersonName;
use domain::phone::PhoneNumber;
use domain::problem::Problem;
use domain::profile::{BusinessProfile, PersonProfile};
use domain::text::Text;
use domain::verification::{Standing, Verdict};
use http_api::ObjectReader;
use jiff::civil::Date;
use serde_json::Value;

use super::contacts::{address_of, email_of, phone_of, read_address};
use super::profile::{Profile, read_profile, with_business_profile, with_person_profile};

/// A parsed creation.
#[derive(Debug, Clone)]
pub(super) struct CreateRequest {
    pub party: Party,
    pub client_identifier: Option<ClientIdentifier>,
    pub enrolment: Enrolment,
    pub primaries: Vec<ContactBody>,
}

/// A parsed replacement.
#[derive(Debug, Clone)]
pub(super) struct UpdateRequest {
    pub party: Party,
    pub client_identifier: Option<ClientIdentifier>,
    pub enrolment: Enrolment,
    pub address: Option<Address>,
    pub phone: ContactBody,
    pub email: ContactBody,
    pub status: Standing,
}

/// Reads a value of a closed list in exactly its documented spelling: the contract's enums are not loose.
pub(super) fn exactly<T: Copy>(
    parse: impl Fn(&str) -> Result<T, Problem>,
    spelling: impl Fn(T) -> &'static str,
    allowed: &'static [&'static str],
) -> impl Fn(&str) -> Result<T, Problem> {
    move |text| {
        let found = parse(text)?;
        if spelling(found) == text { Ok(found) } else { Err(Problem::NotOneOf { allowed }) }
    }
}

/// `individual` or `business`.
pub(super) fn customer_type(text: &str) -> Result<Classification, Problem> {
    match text {
        "individual" => Ok(Classification::Personal),
        "business" => Ok(Classification::Business),
        _ => Err(Problem::NotOneOf { allowed: &["individual", "business"] }),
    }
}

/// A status, in exactly its spelling.
pub(super) fn status(text: &str) -> Result<Standing, Problem> {
    exactly(Standing::parse, Standing::as_str, Standing::SPELLINGS)(text)
}

/// `{"status": "verified" | "rejected"}`
pub(super) fn read_verdict(object: &ObjectReader<'_>) -> Option<Verdict> {
    object.required("status", exactly(Verdict::parse, Verdict::as_str, Verdict::SPELLINGS))
}

/// `POST /v1/customers`. `sandbox` says whether outcomes may be prescribed; elsewhere the field is passed over.
pub(super) fn read_create(
    object: &ObjectReader<'_>,
    sandbox: bool,
    today: Date,
) -> Option<CreateRequest> {
    let kind = object.required("type", customer_type);
    let name = object.required("name", Text::<200>::parse);
    let phone = object.required("phone", PhoneNumber::of_form);
    let email = object.required("email", EmailAddress::parse);
    let device = read_device(object);
    let address = object.optional_object("address").and_then(|given| read_address(&given));
    let client_identifier = object.optional("external_id", Text::parse);
    let metadata = read_metadata(object);
    let (processing, sandbox_outcome) = read_config(object, sandbox);
    // What the rest must look like depends on it.
    let kind = kind?;
    let profile = read_profile(object, kind, None, today);
    let party = match kind {
        Classification::Personal => {
            let name = name
                .as_ref()
                .and_then(|name| object.take("name", PersonName::split(name.as_str())));
            let profile = with_person_profile(&PersonProfile::default(), &profile);
            name.map(|name| Party::Personal(Person { name, profile, due_diligence: None }))
        }
        Classification::Business => {
            let plain = BusinessProfile::default();
            let (profile, due_diligence) = with_business_profile(&plain, None, &profile);
            name.map(|name| Party::Business(Business { name, profile, due_diligence }))
        }
    };
    let enrolment = Enrolment {
        device: Some(device?),
        metadata,
        processing,
        sandbox_outcome,
        legal_name: profile.legal_name,
        representatives: profile.representatives,
    };
    let address = address.map(|given| ContactBody::Address(address_of(given, kind)));
    let (phone, email) = (phone_of(phone?, kind), email_of(email?, kind));
    let primaries = [address, Some(phone), Some(email)].into_iter().flatten().collect();
    Some(CreateRequest { party: party?, client_identifier, enrolment, primaries })
}

/// `PUT /v1/customers/{id}`: the whole of what this contract knows. What the request repeats as it was shown stays as it
/// is, in the record's own and finer terms.
pub(super) fn read_update(
    object: &ObjectReader<'_>,
    present: &Customer,
    today: Date,
) -> Option<UpdateRequest> {
    let kind = present.party.classification();
    let shown = straddle::unmasked(present);
    let name = object.required("name", |text| NewName::of(text, &present.party));
    let phone = object.required("phone", PhoneNumber::of_form);
    let email = object.required("email", EmailAddress::parse);
    let device = read_device(object);
    let status = object.required("status", status);
    let client_identifier = object.optional("external_id", Text::parse);
    let metadata = read_metadata(object);
    let address = read_new_address(object, present, &shown);
    let profile = read_profile(object, kind, shown.compliance_profile.as_ref(), today);
    let party = new_party(object, &present.party, name, &profile);
    let kept = present.enrolment.clone().unwrap_or_default();
    let enrolment = Enrolment {
        device: Some(device?),
        metadata,
        legal_name: profile.legal_name,
        representatives: profile.representatives,
        ..kept
    };
    let body = |kind| present.primary(kind).map(|contact| &contact.body);
    let phone = match (body(ContactKind::Phone), phone?) {
        (Some(ContactBody::Phone(held)), number) if held.number == number => {
            ContactBody::Phone(held.clone())
        }
        (Some(ContactBody::Phone(held)), number) => ContactBody::Phone(domain::contact::Phone {
            phone_type: held.phone_type,
            number,
            // An extension is one of the old number.
            extension: None,
        }),
        (_, number) => phone_of(number, kind),
    };
    let email = match (body(ContactKind::Email), email?) {
        (Some(ContactBody::Email(held)), address) => {
            ContactBody::Email(domain::contact::Email { email_type: held.email_type, address })
        }
        (_, address) => email_of(address, kind),
    };
    Some(UpdateRequest {
        party: party?,
        client_identifier,
        enrolment,
        address: address?,
        phone,
        email,
        status: status?,
    })
}

/// What an update says of the name.
enum NewName {
    /// What it is shown as. The parts of the onboarding contract may be longer together than a name of this one.
    AsShown,
    /// This one.
    Other(Text<200>),
}

impl NewName {
    fn of(text: &str, present: &Party) -> Result<Self, Problem> {
        let shown = present.full_name();
        let is_as_shown = match present {
            Party::Personal(_) => single_spaced(&shown) == single_spaced(text),
            Party::Business(_) => shown == text.trim(),
        };
        if is_as_shown { Ok(Self::AsShown) } else { Text::parse(text).map(Self::Other) }
    }
}

/// A name that is repeated keeps its parts, also those that this contract does not show.
fn new_party(
    object: &ObjectReader<'_>,
    present: &Party,
    name: Option<NewName>,
    profile: &Profile,
) -> Option<Party> {
    let name = name?;
    Some(match present {
        Party::Personal(person) => {
            let name = match name {
                NewName::AsShown => person.name.clone(),
                NewName::Other(name) => {
                    let split = object.take("name", PersonName::split(name.as_str()))?;
                    let (prefix, preferred) =
                        (person.name.prefix.clone(), person.name.preferred.clone());
                    PersonName { prefix, preferred, ..split }
                }
            };
            let profile = with_person_profile(&person.profile, profile);
            Party::Personal(Person { name, profile, due_diligence: person.due_diligence.clone() })
        }
        Party::Business(company) => {
            let name = match name {
                NewName::AsShown => company.name.clone(),
                NewName::Other(name) => name,
            };
            let asked = company.due_diligence.as_ref();
            let (profile, due_diligence) = with_business_profile(&company.profile, asked, profile);
            Party::Business(Business { name, profile, due_diligence })
        }
    })
}

/// Runs of white space as one space, which is how a person's name in full is joined.
fn single_spaced(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `None` when it is wrong; otherwise what the address is to be, which may be none.
#[expect(clippy::option_option, reason = "wrong, none and one are three answers")]
fn read_new_address(
    object: &ObjectReader<'_>,
    present: &Customer,
    shown: &straddle::CustomerObject,
) -> Option<Option<Address>> {
    if !object.has("address") {
        return Some(None);
    }
    let given = object.optional_object("address")?;
    let held = match present.primary(ContactKind::Address).map(|contact| &contact.body) {
        Some(ContactBody::Address(held)) => Some(held),
        _ => None,
    };
    // Repeated as it was shown, an address of any country stays, although the contract's patterns are American.
    if let (Some(held), Some(shown)) = (held, &shown.address)
        && super::contacts::repeats(&given, shown)
    {
        return Some(Some(held.clone()));
    }
    let read = read_address(&given)?;
    Some(Some(match held {
        Some(held) => Address {
            address_type: held.address_type,
            classification: held.classification,
            ..address_of(read, present.party.classification())
        },
        None => address_of(read, present.party.classification()),
    }))
}

fn read_device(object: &ObjectReader<'_>) -> Option<Device> {
    object.required_object("device")?.required("ip_address", Device::parse)
}

fn read_config(
    object: &ObjectReader<'_>,
    sandbox: bool,
) -> (Option<Processing>, Option<SandboxOutcome>) {
    let Some(config) = object.optional_object("config") else { return (None, None) };
    let method = exactly(Processing::parse, Processing::as_str, Processing::SPELLINGS);
    let outcome = exactly(SandboxOutcome::parse, SandboxOutcome::as_str, SandboxOutcome::SPELLINGS);
    let (method, outcome) =
        (config.optional("processing_method", method), config.optional("sandbox_outcome", outcome));
    (method, outcome.filter(|_| sandbox))
}

fn read_metadata(object: &ObjectReader<'_>) -> Option<Metadata> {
    let given = object.optional_object("metadata")?;
    let mut pairs = BTreeMap::new();
    for (key, value) in given.fields() {
        let value = match value {
            Value::String(text) => text.clone(),
            // Null as well: the SDKs' types of an answer have no room for it.
            _ => {
                object.reject("metadata", Problem::WrongType { expected: "a map of strings" });
                return None;
            }
        };
        pairs.insert(key.clone(), value);
    }
    object.take("metadata", Metadata::new(pairs))
}
