//! The customer as a query, the hits by scan, and the versions of everything that took part.

use std::collections::BTreeSet;

use domain::choices::Classification;
use domain::contact::{Contact, ContactBody};
use domain::customer::{Customer, Party};
use domain::ids::CustomerId;
use domain::scan::Fingerprint;
use screening::{Config, EntityType, Hit, Query, Scratch, Topic};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::editions::EditionSet;
use crate::findings::Withdrawal;

/// The facts of a customer that are screened (contract §5: name, birth date, address).
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    customer: CustomerId,
    entity_type: EntityType,
    name: String,
    birth_date: Option<String>,
    countries: BTreeSet<String>,
}

impl std::fmt::Debug for Subject {
    /// All of it is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

impl Subject {
    /// The subject that a customer and its addresses are.
    #[must_use]
    pub fn of(customer: &Customer, contacts: &[Contact]) -> Self {
        let birth_date = match &customer.party {
            Party::Personal(person) => person.profile.birth_date.map(|date| date.reveal()),
            Party::Business(_) => None,
        };
        let mut countries = countries_of(contacts);
        countries.extend(
            customer.party.common().citizenship.iter().map(|country| country.as_str().to_owned()),
        );
        let (classification, name) = (customer.party.classification(), customer.party.full_name());
        Self::new(customer.id, classification, name, birth_date, countries)
    }

    /// The subject that these facts are.
    #[must_use]
    pub const fn new(
        customer: CustomerId,
        classification: Classification,
        name: String,
        birth_date: Option<String>,
        countries: BTreeSet<String>,
    ) -> Self {
        let entity_type = match classification {
            Classification::Personal => EntityType::Person,
            Classification::Business => EntityType::Organisation,
        };
        Self { customer, entity_type, name, birth_date, countries }
    }

    /// The same with the countries of these addresses.
    #[must_use]
    pub fn with_addresses(mut self, contacts: &[Contact]) -> Self {
        self.countries.extend(countries_of(contacts));
        self
    }

    /// Tells the facts apart without naming them: two customers with the same facts have different ones.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut bytes = b"gatehouse-subject-1".to_vec();
        let kind = match self.entity_type {
            EntityType::Person => "person",
            _ => "organisation",
        };
        let mut part = |text: &str| {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        part(&self.customer.to_string());
        part(kind);
        part(&self.name);
        part(self.birth_date.as_deref().unwrap_or(""));
        for country in &self.countries {
            part(country);
        }
        Fingerprint::of_digest(&Sha256::digest(&bytes).into())
    }

    pub(crate) fn query(&self) -> Query {
        let mut query = Query::named(self.entity_type, &self.name);
        if let Some(birth_date) = &self.birth_date {
            query = query.born(birth_date);
        }
        for country in &self.countries {
            query = query.country(country);
        }
        query
    }
}

fn countries_of(contacts: &[Contact]) -> BTreeSet<String> {
    let country = |contact: &Contact| match &contact.body {
        ContactBody::Address(address) => Some(address.country.as_str().to_owned()),
        _ => None,
    };
    contacts.iter().filter_map(country).collect()
}

/// Which edition of which list was searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListVersion {
    /// The list.
    pub list_id: String,
    /// The index that it was searched in, by its content.
    pub index: String,
}

/// What a screening run found. A run that found nothing is evidence too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Screening {
    /// Hits on sanctions lists, best first.
    pub ofac: Vec<Hit>,
    /// Hits on lists of politically exposed persons, best first.
    pub pep_scan: Vec<Hit>,
    /// Hits of earlier runs that the lists have withdrawn.
    pub withdrawn: Vec<Withdrawal>,
    /// What was screened, as a fingerprint.
    pub subject: Fingerprint,
    /// What was searched.
    pub lists: Vec<ListVersion>,
    /// The engine's version.
    pub engine_version: String,
    /// The configuration's version.
    pub config_version: String,
    /// A hit scores at least this much.
    pub threshold: f64,
}

/// Screens a subject against all lists.
#[must_use]
pub fn screen(subject: &Subject, editions: &EditionSet, config: &Config) -> Screening {
    let query = subject.query();
    let mut scratch = Scratch::default();
    let mut hits: Vec<Hit> = editions
        .indexes()
        .flat_map(|index| index.search_with(&mut scratch, &query, config))
        .collect();
    hits.sort_by(|one, other| {
        other
            .score
            .total_cmp(&one.score)
            .then_with(|| (&one.list_id, &one.uid).cmp(&(&other.list_id, &other.uid)))
    });
    let (mut ofac, mut pep_scan) = (Vec::new(), Vec::new());
    for hit in hits {
        match hit.topic {
            Topic::Sanctions => ofac.push(hit),
            Topic::Pep => pep_scan.push(hit),
            // Adverse media informs a reviewer of other contracts; the two scans of this one do not cover it.
            _ => {}
        }
    }
    let lists = editions
        .indexes()
        .flat_map(|index| {
            index
                .lists()
                .iter()
                .map(|list| ListVersion { list_id: list.id.clone(), index: index.content_hash() })
        })
        .collect();
    Screening {
        ofac,
        pep_scan,
        withdrawn: Vec::new(),
        subject: subject.fingerprint(),
        lists,
        engine_version: screening::ENGINE_VERSION.to_owned(),
        config_version: config.version.clone(),
        threshold: config.threshold,
    }
}
