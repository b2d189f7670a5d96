//! A customer as continuous monitoring sees it: what is screened and what is known, straight from an item of the
//! listing index.
//!
//! Nothing sealed is opened, so that no key is fetched and a page of hundreds of customers costs what reading them
//! costs. The item holds the primary address only; [`Watched::is_complete`] says whether that is all there is.

use std::collections::{BTreeMap, BTreeSet};

use domain::choices::Classification;
use domain::contact::ContactKind;
use domain::ids::{CustomerId, PartnerId};
use domain::name::PersonName;
use domain::scan::{Scan, ScanStatus};
use domain::verification::Verification;
use serde::Deserialize;

use super::hits_record::{HitsRecord, MediaRecord, read_media, read_scan};
use super::record::{malformed, needed, text as optional};
use crate::{Item, StoreError, from_item, text};

/// What a sweep needs of a customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Watched {
    /// Whose customer.
    pub partner: PartnerId,
    /// Which customer.
    pub id: CustomerId,
    /// Person or company.
    pub classification: Classification,
    /// The name in full.
    pub name: String,
    /// The birth date, `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// The countries of citizenship and of the primary address.
    pub countries: BTreeSet<String>,
    /// A company's name in law, when it trades under another.
    pub legal_name: Option<String>,
    /// The names of those who speak for a company.
    pub representatives: Vec<String>,
    /// The sanctions scan.
    pub ofac: Scan,
    /// The scan for politically exposed persons.
    pub pep_scan: Scan,
    /// What adverse media say; `None` of somebody whose identity nobody reviews.
    pub adverse_media: Option<Scan>,
    /// Whether any screening has finished.
    pub was_screened: bool,
    addresses: u32,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Watched {
    /// Whether the countries of all addresses are known; otherwise the addresses must be read.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.addresses <= 1
    }

    /// Reads an item of the listing index.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when it is no customer's.
    pub fn read(item: Item) -> Result<Self, StoreError> {
        let record: WatchedRecord = from_item(item)?;
        let (name, birth_date) = match (record.person, record.business) {
            (Some(person), None) => {
                let name = PersonName {
                    prefix: None,
                    first: needed(&person.first)?,
                    middle: optional(person.middle.as_deref())?,
                    last: optional(person.last.as_deref())?,
                    suffix: optional(person.suffix.as_deref())?,
                    preferred: None,
                };
                (name.full(), person.birth_date)
            }
            (None, Some(business)) => (business.name, None),
            _ => return Err(malformed("classification")),
        };
        let addresses = record.contacts.get(&ContactKind::Address);
        let primary = addresses.and_then(|shelf| shelf.primary.as_ref()?.address.as_ref());
        let mut countries: BTreeSet<String> = record.common.citizenship.into_iter().collect();
        countries.extend(primary.map(|address| address.country.clone()));
        let (legal_name, representatives) = match record.enrolment {
            None => (None, Vec::new()),
            Some(said) => {
                let named = said.representatives.into_iter().flatten();
                (said.legal_name, named.map(|representative| representative.name).collect())
            }
        };
        Ok(Self {
            partner: record.partner,
            id: record.id,
            classification: record.classification,
            name,
            birth_date,
            countries,
            legal_name,
            representatives,
            ofac: read_scan(record.ofac, record.ofac_hits)?,
            pep_scan: read_scan(record.pep_scan, record.pep_scan_hits)?,
            adverse_media: match record.verification {
                Some(Verification::NotAsked) => None,
                _ => Some(read_media(record.adverse_media)?),
            },
            was_screened: record.screened_revision > 0,
            addresses: addresses.map_or(0, |shelf| shelf.count),
        })
    }

    /// The customer that an item of the listing index belongs to, by its key.
    #[must_use]
    pub fn ids_of(item: &Item) -> Option<(PartnerId, CustomerId)> {
        let (partner, customer) = text(item, "pk")?.strip_prefix("P#")?.split_once("#C#")?;
        Some((PartnerId::parse(partner).ok()?, CustomerId::parse(customer).ok()?))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WatchedRecord {
    id: CustomerId,
    partner: PartnerId,
    classification: Classification,
    person: Option<WatchedPerson>,
    business: Option<WatchedBusiness>,
    common: WatchedCommon,
    ofac: ScanStatus,
    pep_scan: ScanStatus,
    ofac_hits: HitsRecord,
    pep_scan_hits: HitsRecord,
    adverse_media: Option<MediaRecord>,
    verification: Option<Verification>,
    screened_revision: u64,
    contacts: BTreeMap<ContactKind, WatchedShelf>,
    enrolment: Option<WatchedEnrolment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WatchedEnrolment {
    legal_name: Option<String>,
    representatives: Option<Vec<WatchedRepresentative>>,
}

#[derive(Deserialize)]
struct WatchedRepresentative {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WatchedPerson {
    first: String,
    middle: Option<String>,
    last: Option<String>,
    suffix: Option<String>,
    birth_date: Option<String>,
}

#[derive(Deserialize)]
struct WatchedBusiness {
    name: String,
}

#[derive(Deserialize)]
struct WatchedCommon {
    citizenship: Option<String>,
}

#[derive(Deserialize)]
struct WatchedShelf {
    count: u32,
    primary: Option<WatchedContact>,
}

#[derive(Deserialize)]
struct WatchedContact {
    address: Option<WatchedAddress>,
}

#[derive(Deserialize)]
struct WatchedAddress {
    country: String,
}
