//! The customer object and what it is made of.

use std::collections::BTreeMap;

use domain::choices::Classification;
use domain::contact::{self, ContactBody, ContactKind};
use domain::customer::{Business as Company, Customer, Party, Person};
use domain::enrolment::{Enrolment, Metadata, Processing, SandboxOutcome};
use domain::tax::{TaxIdType, TaxIdentity};
use domain::text::Text;
use domain::time::utc_moment;
use serde::Serialize;

const SSN: &str = "***-**-****";
const EIN: &str = "**-*******";
const BIRTH_DATE: &str = "****-**-**";
pub(crate) const IP_ADDRESS: &str = "**.**.**.**";

/// A customer as a list shows it, and what the answers and webhooks about one begin with.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the contract's names are the documentation")]
pub struct Row {
    pub id: String,
    pub name: String,
    pub r#type: &'static str,
    pub email: String,
    pub phone: String,
    pub external_id: Option<String>,
    pub status: &'static str,
    pub created_at: String,
    pub updated_at: String,
}

impl std::fmt::Debug for Row {
    /// Nearly all of it is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A customer.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CustomerObject {
    #[serde(flatten)]
    pub(crate) row: Row,
    /// Where the customer is.
    pub address: Option<Address>,
    /// What identifies the customer.
    pub compliance_profile: Option<Profile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<Device>,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// How it is verified; not there for a customer that came through a contract that does not ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Config>,
}

impl std::fmt::Debug for CustomerObject {
    /// Nearly all of it is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomerObject").field("id", &self.row.id).finish_non_exhaustive()
    }
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the contract's names are the documentation")]
pub struct Address {
    pub address1: String,
    pub address2: Option<String>,
    pub city: String,
    pub state: String,
    pub zip: String,
}

/// What identifies a customer, by its type.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Profile {
    /// A person.
    Individual(Individual),
    /// A company.
    Business(Business),
}

/// What identifies a person.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the contract's names are the documentation")]
pub struct Individual {
    pub ssn: Option<String>,
    pub dob: Option<String>,
}

/// What identifies a company.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the contract's names are the documentation")]
pub struct Business {
    pub ein: Option<String>,
    pub legal_business_name: Option<String>,
    pub website: Option<String>,
    pub representatives: Option<Vec<Representative>>,
}

/// Who speaks for a company.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the contract's names are the documentation")]
pub struct Representative {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
}

/// Where the customer signed up.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    pub(crate) ip_address: String,
}

/// How the customer is verified.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Config {
    processing_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_outcome: Option<&'static str>,
}

/// The customer with its secrets starred.
#[must_use]
pub fn masked(customer: &Customer) -> CustomerObject {
    let mut object = unmasked(customer);
    let star = |value: &mut Option<String>, stars: &str| {
        if value.is_some() {
            *value = Some(stars.to_owned());
        }
    };
    match &mut object.compliance_profile {
        Some(Profile::Individual(person)) => {
            star(&mut person.ssn, SSN);
            star(&mut person.dob, BIRTH_DATE);
        }
        Some(Profile::Business(company)) => star(&mut company.ein, EIN),
        None => {}
    }
    if let Some(device) = &mut object.device {
        device.ip_address = IP_ADDRESS.to_owned();
    }
    object
}

/// The customer with everything in clear.
#[must_use]
pub fn unmasked(customer: &Customer) -> CustomerObject {
    let enrolment = customer.enrolment.as_ref();
    CustomerObject {
        row: Row {
            id: customer.id.to_string(),
            name: customer.party.full_name(),
            r#type: type_name(customer.party.classification()),
            // The contract always has both; a customer of another contract may have neither.
            email: email(customer).unwrap_or_default(),
            phone: phone(customer).unwrap_or_default(),
            external_id: customer.client_identifier.as_ref().map(string),
            status: customer.standing().as_str(),
            created_at: utc_moment(customer.created_at),
            updated_at: utc_moment(customer.modified_at),
        },
        address: address(customer),
        compliance_profile: profile(customer),
        device: enrolment
            .and_then(|enrolment| enrolment.device)
            .map(|device| Device { ip_address: device.reveal() }),
        metadata: enrolment
            .and_then(|enrolment| enrolment.metadata.as_ref())
            .map(|metadata| Metadata::pairs(metadata).clone()),
        config: enrolment.map(|enrolment| config(customer.processing(), enrolment)),
    }
}

/// The names of the secrets that an unmasked read of this customer shows, for the audit entry.
#[must_use]
pub fn clear_secrets(customer: &Customer) -> Vec<String> {
    let shown = unmasked(customer);
    let (tax, born) = match &shown.compliance_profile {
        Some(Profile::Individual(person)) => (person.ssn.is_some(), person.dob.is_some()),
        Some(Profile::Business(company)) => (company.ein.is_some(), false),
        None => (false, false),
    };
    let names = [("taxId", tax), ("birthDate", born), ("device", shown.device.is_some())];
    names.iter().filter(|(_, shown)| *shown).map(|(name, _)| (*name).to_owned()).collect()
}

/// The contract's word for a person and for a company.
#[must_use]
pub const fn type_name(classification: Classification) -> &'static str {
    match classification {
        Classification::Personal => "individual",
        Classification::Business => "business",
    }
}

fn config(processing: Processing, enrolment: &Enrolment) -> Config {
    Config {
        processing_method: processing.as_str(),
        sandbox_outcome: enrolment.sandbox_outcome.map(SandboxOutcome::as_str),
    }
}

fn email(customer: &Customer) -> Option<String> {
    match &customer.primary(ContactKind::Email)?.body {
        ContactBody::Email(email) => Some(email.address.as_str().to_owned()),
        _ => None,
    }
}

fn phone(customer: &Customer) -> Option<String> {
    match &customer.primary(ContactKind::Phone)?.body {
        ContactBody::Phone(phone) => Some(phone.number.e164().to_owned()),
        _ => None,
    }
}

/// Outside of the United States an address may have no state or post code; the contract has no way to say so but an
/// empty text.
fn address(customer: &Customer) -> Option<Address> {
    let ContactBody::Address(address) = &customer.primary(ContactKind::Address)?.body else {
        return None;
    };
    Some(shown_address(address))
}

fn shown_address(address: &contact::Address) -> Address {
    Address {
        address1: string(&address.street1),
        address2: address.street2.as_ref().map(string),
        city: string(&address.city),
        state: address.state.as_ref().map_or_else(String::new, |state| state.as_str().to_owned()),
        zip: address.postal_code.as_ref().map_or_else(String::new, |code| code.as_str().to_owned()),
    }
}

fn profile(customer: &Customer) -> Option<Profile> {
    match &customer.party {
        Party::Personal(person) => individual(person).map(Profile::Individual),
        Party::Business(company) => {
            business(company, customer.enrolment.as_ref()).map(Profile::Business)
        }
    }
}

fn individual(person: &Person) -> Option<Individual> {
    let tax = person.profile.common.tax.as_ref();
    let ssn = digits(tax, &[TaxIdType::Ssn, TaxIdType::Itin]).and_then(|digits| {
        Some(format!("{}-{}-{}", digits.get(..3)?, digits.get(3..5)?, digits.get(5..)?))
    });
    let dob = person.profile.birth_date.map(|date| date.reveal());
    (ssn.is_some() || dob.is_some()).then_some(Individual { ssn, dob })
}

fn business(company: &Company, enrolment: Option<&Enrolment>) -> Option<Business> {
    let tax = company.profile.common.tax.as_ref();
    let ein = digits(tax, &[TaxIdType::Ein])
        .and_then(|digits| Some(format!("{}-{}", digits.get(..2)?, digits.get(2..)?)));
    let legal = enrolment.and_then(|enrolment| enrolment.legal_name.as_ref());
    let url = company.due_diligence.as_ref().and_then(|asked| asked.url.as_ref());
    let representatives = enrolment.and_then(|enrolment| enrolment.representatives.as_ref());
    let nothing = ein.is_none() && legal.is_none() && url.is_none() && representatives.is_none();
    (!nothing).then(|| Business {
        ein,
        legal_business_name: legal.map(string),
        website: url.map(|url| url.as_str().to_owned()),
        representatives: representatives.map(|all| {
            all.iter()
                .map(|one| Representative {
                    name: string(&one.name),
                    email: one.email.as_ref().map(|email| email.as_str().to_owned()),
                    phone: one.phone.as_ref().map(|phone| phone.e164().to_owned()),
                })
                .collect()
        }),
    })
}

/// The number of a tax identity of one of these kinds; the contract has no place for others.
fn digits<'a>(tax: Option<&'a TaxIdentity>, kinds: &[TaxIdType]) -> Option<&'a str> {
    tax.filter(|tax| kinds.contains(&tax.kind()))?.number().map(|number| number.reveal())
}

fn string<const MAX: usize>(text: &Text<MAX>) -> String {
    text.as_str().to_owned()
}
