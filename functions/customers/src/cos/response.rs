//! A customer in answers. Absent values are left out, as in the contract's samples.
//!
//! Two fields follow the contract's samples rather than the record: once a customer was screened, a missing citizenship
//! shows as `US` and a person's missing due diligence as `{"annualIncome": 0}`.

use std::collections::BTreeMap;

use domain::contact::ContactKind;
use domain::country::Country;
use domain::customer::{self, Business, Party, Person};
use domain::profile::CommonProfile;
use domain::proof::Proof;
use domain::tax::TaxIdentity;
use domain::text::{Text, masked};
use http_api::Reply;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Number, Value};

use super::Mask;
use super::contact_response::{Contact, contact, secrets_of_contact};

/// A customer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    id: String,
    cif_number: String,
    classification: &'static str,
    status: &'static str,
    ofac: &'static str,
    pep_scan: &'static str,
    name: Name,
    profile: Profile,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_identifier: Option<String>,
    created_at: String,
    last_modified_at: String,
    partner_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_diligence: Option<DueDiligence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_due_diligence: Option<BusinessDueDiligence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_address: Option<Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_phone: Option<Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_email: Option<Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_identification: Option<Contact>,
    /// No part of the contract, so it is there only when there is something to say.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    verified_contacts: BTreeMap<&'static str, Verified>,
}

/// What the customer proved to hold.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    value: String,
    method: &'static str,
    auth_id: String,
    verified_at: String,
}

/// A name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Name {
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suffix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_name: Option<String>,
    full_name: String,
}

/// A profile.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    reg_o: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    citizenship_country_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    politically_exposed_person: Option<bool>,
    enable_backup_withholding: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_withholding_percent: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_formed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ownership_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_owner_customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_rating: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy_opt_out: Option<bool>,
}

/// A person's due diligence.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DueDiligence {
    #[serde(skip_serializing_if = "Option::is_none")]
    employment_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occupation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occupation_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    industry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    income_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    income_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    income_country_code: Option<String>,
    annual_income: Number,
}

/// A company's due diligence.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BusinessDueDiligence {
    #[serde(skip_serializing_if = "Option::is_none")]
    nature_of_business: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    naics: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_category_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationship_formation_date: Option<String>,
}

/// Renders a customer.
pub(crate) fn customer(record: &customer::Customer, mask: Mask) -> Customer {
    let primary = |kind| record.primary(kind).map(|found| contact(found, mask));
    let (due_diligence, business_due_diligence) = match &record.party {
        Party::Personal(person) => (due_diligence(person, record.was_screened()), None),
        Party::Business(business) => (None, business_due_diligence(business)),
    };
    Customer {
        id: record.id.to_string(),
        cif_number: record.cif.to_string(),
        classification: record.party.classification().as_str(),
        status: record.status.as_str(),
        ofac: record.ofac.status.as_str(),
        pep_scan: record.pep_scan.status.as_str(),
        name: name(&record.party),
        profile: profile(record, mask),
        client_identifier: record.client_identifier.as_ref().map(string),
        created_at: moment(record.created_at),
        last_modified_at: moment(record.modified_at),
        partner_id: record.partner.to_string(),
        due_diligence,
        business_due_diligence,
        primary_address: primary(ContactKind::Address),
        primary_phone: primary(ContactKind::Phone),
        primary_email: primary(ContactKind::Email),
        primary_identification: primary(ContactKind::Identification),
        verified_contacts: record
            .proofs
            .iter()
            .map(|(kind, proof)| (kind.as_str(), verified(proof)))
            .collect(),
    }
}

fn verified(proof: &Proof) -> Verified {
    Verified {
        value: proof.masked.clone(),
        method: proof.method.as_str(),
        auth_id: proof.auth.to_string(),
        verified_at: moment(proof.at),
    }
}

/// The secret fields that an unmasked customer shows.
pub(crate) fn secrets_of(record: &customer::Customer) -> Vec<String> {
    let tax = record.party.common().tax.as_ref().and_then(TaxIdentity::number);
    let document = record.primary(ContactKind::Identification);
    let tax = tax.map(|_| "taxId".to_owned());
    tax.into_iter().chain(document.into_iter().flat_map(secrets_of_contact)).collect()
}

/// A customer's answer with its secrets starred; one that has them starred already stays byte for byte.
pub(crate) fn starred(reply: Reply) -> Reply {
    let Ok(mut body) = serde_json::from_str::<Value>(reply.body()) else { return reply };
    let mut is_changed = false;
    for pointer in ["/profile/taxId", "/primaryIdentification/idNumber"] {
        if let Some(Value::String(number)) = body.pointer_mut(pointer) {
            let masked = masked(number);
            is_changed |= masked != *number;
            *number = masked;
        }
    }
    if is_changed { reply.with_body(body.to_string()) } else { reply }
}

fn name(party: &Party) -> Name {
    let full_name = party.full_name();
    match party {
        Party::Personal(Person { name, .. }) => Name {
            prefix: name.prefix.as_ref().map(string),
            first_name: Some(string(&name.first)),
            middle_name: name.middle.as_ref().map(string),
            last_name: name.last.as_ref().map(string),
            suffix: name.suffix.as_ref().map(string),
            preferred_name: name.preferred.as_ref().map(string),
            entity_name: None,
            full_name,
        },
        Party::Business(Business { name, .. }) => Name {
            prefix: None,
            first_name: None,
            middle_name: None,
            last_name: None,
            suffix: None,
            preferred_name: None,
            entity_name: Some(string(name)),
            full_name,
        },
    }
}

fn profile(record: &customer::Customer, mask: Mask) -> Profile {
    let common = record.party.common();
    let (person, business) = match &record.party {
        Party::Personal(person) => (Some(&person.profile), None),
        Party::Business(business) => (None, Some(&business.profile)),
    };
    let tax = common.tax.as_ref();
    let tax_id = tax.and_then(TaxIdentity::number).map(|number| match mask {
        Mask::Shown => number.reveal().to_owned(),
        Mask::Starred => number.masked(),
    });
    Profile {
        reg_o: person.map(|profile| profile.reg_o),
        citizenship_country_code: citizenship(common, record.was_screened()),
        politically_exposed_person: person.map(|profile| profile.politically_exposed),
        enable_backup_withholding: common.backup_withholding,
        backup_withholding_percent: common
            .backup_withholding_percent
            .and_then(|percent| number(&percent.to_string())),
        tax_id_type: tax.map(|tax| tax.kind().as_str()),
        tax_id,
        birth_date: person.and_then(|profile| profile.birth_date).map(|date| date.reveal()),
        date_formed: business.and_then(|profile| profile.date_formed).map(|date| date.to_string()),
        entity_type: business.and_then(|profile| profile.entity_type).map(|kind| kind.as_str()),
        ownership_type: business
            .and_then(|profile| profile.ownership_type)
            .map(|kind| kind.as_str()),
        primary_owner_customer_id: business
            .and_then(|profile| profile.primary_owner)
            .map(|owner| owner.to_string()),
        risk_rating: common.risk_rating.map(|rating| rating.as_str()),
        privacy_opt_out: person.and_then(|profile| profile.privacy_opt_out),
    }
}

fn citizenship(common: &CommonProfile, screened: bool) -> Option<String> {
    let shown = common.citizenship.or(screened.then_some(Country::US));
    shown.map(|country| country.to_string())
}

fn due_diligence(person: &Person, screened: bool) -> Option<DueDiligence> {
    let absent = domain::profile::DueDiligence::default();
    let asked = person.due_diligence.as_ref().or(screened.then_some(&absent))?;
    Some(DueDiligence {
        employment_status: asked.employment_status.as_ref().map(string),
        occupation: asked.occupation.as_ref().map(string),
        occupation_description: asked.occupation_description.as_ref().map(string),
        industry: asked.industry.as_ref().map(string),
        income_source: asked.income_source.as_ref().map(string),
        income_state: asked.income_state.as_ref().map(|state| state.as_str().to_owned()),
        income_country_code: asked.income_country.map(|country| country.to_string()),
        annual_income: asked
            .annual_income
            .and_then(|amount| number(&amount.reveal()))
            .unwrap_or_else(|| Number::from(0)),
    })
}

fn business_due_diligence(business: &Business) -> Option<BusinessDueDiligence> {
    let asked = business.due_diligence.as_ref()?;
    Some(BusinessDueDiligence {
        nature_of_business: asked.nature_of_business.as_ref().map(string),
        naics: asked.naics.as_ref().map(|code| code.as_str().to_owned()),
        merchant_category_code: asked
            .merchant_category
            .as_ref()
            .map(|code| code.as_str().to_owned()),
        business_url: asked.url.as_ref().map(|url| url.as_str().to_owned()),
        relationship_formation_date: asked.relationship_formed.map(|date| date.to_string()),
    })
}

pub(super) fn string<const MAX: usize>(text: &Text<MAX>) -> String {
    text.as_str().to_owned()
}

/// A JSON number from exact decimal text, so that `26.5` is written as `26.5`.
pub(super) fn number(text: &str) -> Option<Number> {
    text.parse().ok()
}

/// ISO 8601 with a numeric offset and 7 fractional digits, as the contract's samples have it.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_numeric_offset_and_seven_digits() {
        let at = "2026-01-25T22:55:24.442258299Z".parse().unwrap();
        assert_eq!(moment(at), "2026-01-25T22:55:24.4422582+00:00");
        let at = "2026-01-25T22:55:24Z".parse().unwrap();
        assert_eq!(moment(at), "2026-01-25T22:55:24.0000000+00:00");
    }

    #[test]
    fn numbers_keep_their_digits() {
        for text in ["0", "26", "26.5", "33.33", "90000", "1000000000000"] {
            assert_eq!(number(text).map(|number| number.to_string()).as_deref(), Some(text));
        }
    }
}
