//! One screening run: the customer as a query, the hits by scan, and the versions of everything that took part.

use std::collections::BTreeSet;

use domain::contact::{Contact, ContactBody};
use domain::customer::{Customer, Party};
use screening::{Config, EntityType, Hit, Index, Query, Topic};
use serde::{Deserialize, Serialize};

/// How much of an entity's content hash goes into a hit's key: 64 bits tell versions of one entity apart.
const CONTENT_HASH_DIGITS: usize = 16;

/// The facts of a customer that are screened (contract §5: name, birth date, address).
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
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
    pub fn of(customer: &Customer, contacts: &[Contact]) -> Self {
        let (entity_type, birth_date) = match &customer.party {
            Party::Personal(person) => {
                let born = person.profile.birth_date.map(|date| date.reveal());
                (EntityType::Person, born)
            }
            Party::Business(_) => (EntityType::Organisation, None),
        };
        let mut countries: BTreeSet<String> = contacts
            .iter()
            .filter_map(|contact| match &contact.body {
                ContactBody::Address(address) => Some(address.country.as_str().to_owned()),
                _ => None,
            })
            .collect();
        countries.extend(
            customer.party.common().citizenship.iter().map(|country| country.as_str().to_owned()),
        );
        Self { entity_type, name: customer.party.full_name(), birth_date, countries }
    }

    fn query(&self) -> Query {
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
    /// What was searched.
    pub lists: Vec<ListVersion>,
    /// The configuration's version.
    pub config_version: String,
    /// A hit scores at least this much.
    pub threshold: f64,
}

impl Screening {
    /// The keys of the sanctions hits.
    pub fn ofac_hits(&self) -> BTreeSet<String> {
        self.ofac.iter().map(hit_key).collect()
    }

    /// The keys of the hits on politically exposed persons.
    pub fn pep_hits(&self) -> BTreeSet<String> {
        self.pep_scan.iter().map(hit_key).collect()
    }
}

/// Names a listed entity as it was when it hit: a reviewer who cleared it cleared this content, so an altered entity is a
/// new hit.
fn hit_key(hit: &Hit) -> String {
    let content: String = hit.content_hash.chars().take(CONTENT_HASH_DIGITS).collect();
    format!("{}/{}@{content}", hit.list_id, hit.uid)
}

/// Screens a subject against all indexes.
pub fn screen(subject: &Subject, indexes: &[Index], config: &Config) -> Screening {
    let query = subject.query();
    let mut hits: Vec<Hit> =
        indexes.iter().flat_map(|index| index.search(&query, config)).collect();
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
    let lists = indexes
        .iter()
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
        lists,
        config_version: config.version.clone(),
        threshold: config.threshold,
    }
}
