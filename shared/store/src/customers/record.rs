//! A customer as an item, and back.
//!
//! Invariants: secrets (tax id, document number) are sealed for this customer and this field, so that a copy elsewhere
//! does not open; reading parses every value again, so an item that nobody here wrote never becomes a customer; absent
//! values are absent, not null.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{Aad, ScopeKeys, Sealed};
use domain::audit::{AuditDigest, AuditHead};
use domain::calendar::{BirthDate, PastDate};
use domain::choices::{Classification, CustomerStatus, EntityType, OwnershipType, RiskRating};
use domain::contact::ContactKind;
use domain::country::{Country, Region};
use domain::customer::{Business, Customer, Party, Person, Shelf};
use domain::ids::{AccountId, CifNumber, CustomerId, PartnerId};
use domain::name::PersonName;
use domain::numbers::{BasisPoints, DollarAmount};
use domain::problem::Problem;
use domain::profile::{
    BusinessDueDiligence, BusinessProfile, CommonProfile, DueDiligence, MerchantCategory, Naics,
    PersonProfile, WebAddress,
};
use domain::proof::ProofKind;
use domain::scan::ScanStatus;
use domain::tax::{TaxId, TaxIdType, TaxIdentity};
use domain::text::Text;
use domain::verification::{Standing, Verification};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::CustomersError;
use super::contact_record::{ContactRecord, read_contact, write_contact};
use super::enrolment_record::{EnrolmentRecord, read_enrolment, write_enrolment};
use super::hits_record::{HitsRecord, MediaRecord, read_media, read_scan, write_hits, write_media};
use super::listing::has_case;
use super::proof_record::{
    AccountRecord, ProofRecord, read_account, read_proof, write_account, write_proof,
};
use super::summary::{SummaryRecord, summary_of};
use crate::keys::{
    CustomerKey, Key, account_partition, case_partition, listing_partition, listing_sort, name_sort,
};
use crate::{Item, StoreError, from_item, to_item};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomerRecord {
    id: CustomerId,
    partner: PartnerId,
    cif: CifNumber,
    classification: Classification,
    person: Option<PersonRecord>,
    business: Option<BusinessRecord>,
    common: CommonRecord,
    client_identifier: Option<String>,
    status: CustomerStatus,
    ofac: ScanStatus,
    pep_scan: ScanStatus,
    ofac_hits: HitsRecord,
    pep_scan_hits: HitsRecord,
    adverse_media: Option<MediaRecord>,
    /// Not in a record of a release without reviews, nor are the summary and the sort key by name.
    verification: Option<Verification>,
    standing: Option<Standing>,
    account: Option<AccountId>,
    enrolment: Option<EnrolmentRecord>,
    sandbox: Option<bool>,
    created_at: Timestamp,
    modified_at: Timestamp,
    version: u64,
    subject_revision: u64,
    screened_revision: u64,
    audit_seq: u64,
    audit_hash: String,
    contacts: BTreeMap<ContactKind, ShelfRecord>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    proofs: BTreeMap<ProofKind, ProofRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<AccountRecord>,
    list_pk: String,
    list_sk: String,
    /// Only while a person has or had to decide something: it brings the customer into the index of cases.
    case_pk: Option<String>,
    name_sk: Option<String>,
    account_pk: Option<String>,
    summary: Option<SummaryRecord>,
}

#[derive(Serialize, Deserialize)]
struct ShelfRecord {
    count: u32,
    primary: Option<ContactRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommonRecord {
    citizenship: Option<String>,
    backup_withholding: bool,
    backup_withholding_percent: Option<u16>,
    tax_id_type: Option<TaxIdType>,
    tax_id: Option<String>,
    risk_rating: Option<RiskRating>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonRecord {
    prefix: Option<String>,
    first: String,
    middle: Option<String>,
    last: Option<String>,
    suffix: Option<String>,
    preferred: Option<String>,
    reg_o: bool,
    politically_exposed: bool,
    birth_date: Option<String>,
    privacy_opt_out: Option<bool>,
    due_diligence: Option<DiligenceRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiligenceRecord {
    employment_status: Option<String>,
    occupation: Option<String>,
    occupation_description: Option<String>,
    industry: Option<String>,
    income_source: Option<String>,
    income_state: Option<String>,
    income_country: Option<String>,
    annual_income_cents: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BusinessRecord {
    name: String,
    date_formed: Option<String>,
    entity_type: Option<EntityType>,
    ownership_type: Option<OwnershipType>,
    primary_owner: Option<CustomerId>,
    due_diligence: Option<BusinessDiligenceRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BusinessDiligenceRecord {
    nature_of_business: Option<String>,
    naics: Option<String>,
    merchant_category: Option<String>,
    url: Option<String>,
    relationship_formed: Option<String>,
}

/// The item of a customer, keys and index attributes included.
pub(super) fn write_customer(
    customer: &Customer,
    keys: &ScopeKeys,
) -> Result<Item, CustomersError> {
    let (person, business) = match &customer.party {
        Party::Personal(person) => (Some(write_person(person)), None),
        Party::Business(business) => (None, Some(write_business(business))),
    };
    let mut contacts = BTreeMap::new();
    for (kind, shelf) in &customer.contacts {
        let primary = shelf
            .primary
            .as_ref()
            .map(|contact| write_contact(customer.id, contact, keys))
            .transpose()?;
        contacts.insert(*kind, ShelfRecord { count: shelf.count, primary });
    }
    let summary = summary_of(customer);
    let record = CustomerRecord {
        id: customer.id,
        partner: customer.partner,
        cif: customer.cif,
        classification: customer.party.classification(),
        person,
        business,
        common: write_common(customer, keys)?,
        client_identifier: customer.client_identifier.as_ref().map(string),
        status: customer.status,
        ofac: customer.ofac.status,
        pep_scan: customer.pep_scan.status,
        ofac_hits: write_hits(&customer.ofac),
        pep_scan_hits: write_hits(&customer.pep_scan),
        adverse_media: write_media(&customer.adverse_media),
        verification: Some(customer.verification),
        standing: Some(customer.standing()),
        account: customer.account,
        enrolment: customer.enrolment.as_ref().map(write_enrolment).transpose()?,
        sandbox: customer.sandbox,
        created_at: customer.created_at,
        modified_at: customer.modified_at,
        version: customer.version,
        subject_revision: customer.subject_revision,
        screened_revision: customer.screened_revision,
        audit_seq: customer.audit.seq,
        audit_hash: hex::encode(customer.audit.digest.0),
        contacts,
        proofs: customer.proofs.iter().map(|(kind, proof)| (*kind, write_proof(proof))).collect(),
        accounts: customer.accounts.iter().map(write_account).collect(),
        list_pk: listing_partition(customer.partner),
        list_sk: listing_sort(customer.created_at, customer.id),
        case_pk: ([&customer.ofac, &customer.pep_scan].iter().any(|scan| is_case(scan.status))
            || has_case(customer.standing()))
        .then(|| case_partition(customer.partner)),
        name_sk: Some(name_sort(&summary.folded_name, customer.id)),
        account_pk: customer.account.map(|account| account_partition(customer.partner, account)),
        summary: Some(summary),
    };
    let mut item = to_compact_item(&record)?;
    CustomerKey::new(customer.partner, customer.id).stamp(&mut item);
    Ok(item)
}

/// Reads the item of a customer.
pub(super) fn read_customer(item: Item, keys: &ScopeKeys) -> Result<Customer, CustomersError> {
    let record: CustomerRecord = from_item(item)?;
    let common = read_common(record.id, record.common, keys)?;
    let party = match (record.classification, record.person, record.business) {
        (Classification::Personal, Some(person), None) => {
            Party::Personal(read_person(person, common)?)
        }
        (Classification::Business, None, Some(business)) => {
            Party::Business(read_business(business, common)?)
        }
        _ => return Err(malformed("classification").into()),
    };
    let mut contacts = BTreeMap::new();
    for (kind, shelf) in record.contacts {
        let primary =
            shelf.primary.map(|contact| read_contact(record.id, contact, keys)).transpose()?;
        contacts.insert(kind, Shelf { count: shelf.count, primary });
    }
    Ok(Customer {
        id: record.id,
        partner: record.partner,
        cif: record.cif,
        party,
        client_identifier: text(record.client_identifier.as_deref())?,
        status: record.status,
        ofac: read_scan(record.ofac, record.ofac_hits)?,
        pep_scan: read_scan(record.pep_scan, record.pep_scan_hits)?,
        adverse_media: read_media(record.adverse_media)?,
        // Nobody has reviewed it: the night's sweep does.
        verification: record.verification.unwrap_or(Verification::Pending),
        account: record.account,
        enrolment: record.enrolment.map(read_enrolment).transpose()?,
        created_at: record.created_at,
        modified_at: record.modified_at,
        version: record.version,
        subject_revision: record.subject_revision,
        screened_revision: record.screened_revision,
        audit: AuditHead { seq: record.audit_seq, digest: read_digest(&record.audit_hash)? },
        contacts,
        proofs: record.proofs.into_iter().map(|(kind, proof)| (kind, read_proof(proof))).collect(),
        accounts: record.accounts.into_iter().map(read_account).collect(),
        is_listed: record.summary.is_some(),
        sandbox: record.sandbox,
    })
}

/// Whether a scan with this status brings its customer into the index of cases.
pub(super) const fn is_case(status: ScanStatus) -> bool {
    match status {
        ScanStatus::Failed | ScanStatus::Reviewing | ScanStatus::Positive => true,
        ScanStatus::Pending | ScanStatus::Clear => false,
    }
}

fn write_common(customer: &Customer, keys: &ScopeKeys) -> Result<CommonRecord, CustomersError> {
    let common = customer.party.common();
    let number = common.tax.as_ref().and_then(TaxIdentity::number);
    let tax_id =
        number.map(|number| seal(keys, &tax_id_aad(customer.id), number.reveal())).transpose()?;
    Ok(CommonRecord {
        citizenship: common.citizenship.map(|country| country.to_string()),
        backup_withholding: common.backup_withholding,
        backup_withholding_percent: common.backup_withholding_percent.map(BasisPoints::get),
        tax_id_type: common.tax.as_ref().map(TaxIdentity::kind),
        tax_id,
        risk_rating: common.risk_rating,
    })
}

fn read_common(
    id: CustomerId,
    record: CommonRecord,
    keys: &ScopeKeys,
) -> Result<CommonProfile, CustomersError> {
    let tax = match record.tax_id_type {
        None => None,
        Some(kind) => {
            let number = match &record.tax_id {
                None => None,
                Some(sealed) => {
                    let plain = open(keys, &tax_id_aad(id), sealed)?;
                    Some(TaxId::of_form(&plain, kind).map_err(|_| malformed("taxId"))?)
                }
            };
            Some(TaxIdentity::new(kind, number).map_err(|_| malformed("taxId"))?)
        }
    };
    Ok(CommonProfile {
        citizenship: parsed(record.citizenship.as_deref(), Country::parse)?,
        backup_withholding: record.backup_withholding,
        backup_withholding_percent: record
            .backup_withholding_percent
            .map(|points| BasisPoints::new(i64::from(points)))
            .transpose()
            .map_err(|_| malformed("backupWithholdingPercent"))?,
        tax,
        risk_rating: record.risk_rating,
    })
}

fn write_person(person: &Person) -> PersonRecord {
    let (name, profile) = (&person.name, &person.profile);
    PersonRecord {
        prefix: name.prefix.as_ref().map(string),
        first: string(&name.first),
        middle: name.middle.as_ref().map(string),
        last: name.last.as_ref().map(string),
        suffix: name.suffix.as_ref().map(string),
        preferred: name.preferred.as_ref().map(string),
        reg_o: profile.reg_o,
        politically_exposed: profile.politically_exposed,
        birth_date: profile.birth_date.map(BirthDate::reveal),
        privacy_opt_out: profile.privacy_opt_out,
        due_diligence: person.due_diligence.as_ref().map(|asked| DiligenceRecord {
            employment_status: asked.employment_status.as_ref().map(string),
            occupation: asked.occupation.as_ref().map(string),
            occupation_description: asked.occupation_description.as_ref().map(string),
            industry: asked.industry.as_ref().map(string),
            income_source: asked.income_source.as_ref().map(string),
            income_state: asked.income_state.as_ref().map(|state| state.as_str().to_owned()),
            income_country: asked.income_country.map(|country| country.to_string()),
            annual_income_cents: asked.annual_income.map(DollarAmount::cents),
        }),
    }
}

fn read_person(record: PersonRecord, common: CommonProfile) -> Result<Person, StoreError> {
    let due_diligence = match record.due_diligence {
        None => None,
        Some(asked) => {
            let income_country = parsed(asked.income_country.as_deref(), Country::parse)?;
            let region_of = income_country.unwrap_or(Country::US);
            Some(DueDiligence {
                employment_status: text(asked.employment_status.as_deref())?,
                occupation: text(asked.occupation.as_deref())?,
                occupation_description: text(asked.occupation_description.as_deref())?,
                industry: text(asked.industry.as_deref())?,
                income_source: text(asked.income_source.as_deref())?,
                income_state: parsed(asked.income_state.as_deref(), |state| {
                    Region::parse(state, region_of)
                })?,
                income_country,
                annual_income: asked
                    .annual_income_cents
                    .map(DollarAmount::from_cents)
                    .transpose()
                    .map_err(|_| malformed("annualIncome"))?,
            })
        }
    };
    Ok(Person {
        name: PersonName {
            prefix: text(record.prefix.as_deref())?,
            first: needed(&record.first)?,
            middle: text(record.middle.as_deref())?,
            last: text(record.last.as_deref())?,
            suffix: text(record.suffix.as_deref())?,
            preferred: text(record.preferred.as_deref())?,
        },
        profile: PersonProfile {
            common,
            reg_o: record.reg_o,
            politically_exposed: record.politically_exposed,
            birth_date: parsed(record.birth_date.as_deref(), BirthDate::restore)?,
            privacy_opt_out: record.privacy_opt_out,
        },
        due_diligence,
    })
}

fn write_business(business: &Business) -> BusinessRecord {
    let profile = &business.profile;
    BusinessRecord {
        name: string(&business.name),
        date_formed: profile.date_formed.map(|date| date.to_string()),
        entity_type: profile.entity_type,
        ownership_type: profile.ownership_type,
        primary_owner: profile.primary_owner,
        due_diligence: business.due_diligence.as_ref().map(|asked| BusinessDiligenceRecord {
            nature_of_business: asked.nature_of_business.as_ref().map(string),
            naics: asked.naics.as_ref().map(|code| code.as_str().to_owned()),
            merchant_category: asked
                .merchant_category
                .as_ref()
                .map(|code| code.as_str().to_owned()),
            url: asked.url.as_ref().map(|url| url.as_str().to_owned()),
            relationship_formed: asked.relationship_formed.map(|date| date.to_string()),
        }),
    }
}

fn read_business(record: BusinessRecord, common: CommonProfile) -> Result<Business, StoreError> {
    let due_diligence = match record.due_diligence {
        None => None,
        Some(asked) => Some(BusinessDueDiligence {
            nature_of_business: text(asked.nature_of_business.as_deref())?,
            naics: parsed(asked.naics.as_deref(), Naics::parse)?,
            merchant_category: parsed(asked.merchant_category.as_deref(), MerchantCategory::parse)?,
            url: parsed(asked.url.as_deref(), WebAddress::parse)?,
            relationship_formed: parsed(asked.relationship_formed.as_deref(), PastDate::restore)?,
        }),
    };
    Ok(Business {
        name: needed(&record.name)?,
        profile: BusinessProfile {
            common,
            date_formed: parsed(record.date_formed.as_deref(), PastDate::restore)?,
            entity_type: record.entity_type,
            ownership_type: record.ownership_type,
            primary_owner: record.primary_owner,
        },
        due_diligence,
    })
}

fn tax_id_aad(customer: CustomerId) -> Aad {
    Aad::of(&["customer", &customer.to_string(), "taxId"])
}

pub(super) fn seal(keys: &ScopeKeys, aad: &Aad, plain: &str) -> Result<String, CustomersError> {
    Ok(hex::encode(keys.seal(aad, plain.as_bytes())?.as_bytes()))
}

pub(super) fn open(keys: &ScopeKeys, aad: &Aad, sealed: &str) -> Result<String, CustomersError> {
    let bytes = hex::decode(sealed).map_err(|_| malformed("a sealed value"))?;
    let plain = keys.open(aad, &Sealed::parse(bytes)?)?;
    String::from_utf8(plain.reveal().clone()).map_err(|_| malformed("a sealed value").into())
}

pub(super) fn read_digest(text: &str) -> Result<AuditDigest, StoreError> {
    let mut digest = AuditDigest::default();
    hex::decode_to_slice(text, &mut digest.0).map_err(|_| malformed("a digest"))?;
    Ok(digest)
}

/// Optional values that are absent would be stored as nulls.
pub(super) fn to_compact_item(record: &impl Serialize) -> Result<Item, StoreError> {
    let mut item = to_item(record)?;
    strip_nulls(&mut item);
    Ok(item)
}

fn strip_nulls(item: &mut Item) {
    item.retain(|_, value| !value.is_null());
    for value in item.values_mut() {
        if let AttributeValue::M(map) = value {
            strip_nulls(map);
        }
    }
}

pub(super) fn malformed(what: &str) -> StoreError {
    StoreError::Malformed(what.to_owned())
}

pub(super) fn string<const MAX: usize>(text: &Text<MAX>) -> String {
    text.as_str().to_owned()
}

pub(super) fn text<const MAX: usize>(
    stored: Option<&str>,
) -> Result<Option<Text<MAX>>, StoreError> {
    parsed(stored, Text::parse)
}

pub(super) fn needed<const MAX: usize>(stored: &str) -> Result<Text<MAX>, StoreError> {
    Text::parse(stored).map_err(|problem| malformed(&problem.to_string()))
}

pub(super) fn parsed<T>(
    stored: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Problem>,
) -> Result<Option<T>, StoreError> {
    stored.map(parse).transpose().map_err(|problem| malformed(&problem.to_string()))
}
