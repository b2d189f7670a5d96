//! The customer as a query, the hits by scan, and the versions of everything that took part.
//!
//! Invariant: what decides rests on every entry that hits. How many are kept by name is bounded, as is what is explained,
//! so that a customer's record and its evidence fit where they are stored; what lies beyond the bound is counted, and is
//! one more hit that waits for a person.

use std::collections::{BTreeMap, BTreeSet};

use crypto::sha256;
use domain::choices::Classification;
use domain::contact::{Contact, ContactBody};
use domain::customer::{Customer, Party};
use domain::ids::CustomerId;
use domain::scan::{Fingerprint, ListedEntity};
use screening::{Config, EntityKey, EntityType, Hit, Index, Match, Query, Scratch, Topic};
use serde::{Deserialize, Serialize};

use crate::editions::EditionSet;
use crate::findings::{Withdrawal, known_as};

/// Most hits of one scan that are kept by name. A customer whom more entries resemble has no name of its own: the rest is
/// one hit, that there are more.
pub const MOST_HITS: usize = 400;

/// The same of adverse media: they stand in the customer's record as well.
pub const MOST_MEDIA_HITS: usize = 100;

/// Most bytes of explanations in one piece of evidence, as JSON. `DynamoDB` holds 400 KB in an item; explanations, further
/// hits and the rest together stay below it.
const MOST_EXPLAINED: usize = 180_000;

/// Most bytes of further hits in one piece of evidence, as JSON.
const MOST_FURTHER: usize = 120_000;

/// Most bytes of withdrawn hits in one piece of evidence, as JSON.
const MOST_WITHDRAWN: usize = 60_000;

/// The facts of a customer that are screened (contract §5: name, birth date, address), and of a business who is behind it:
/// the name in law and those who speak for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    customer: CustomerId,
    entity_type: EntityType,
    name: String,
    birth_date: Option<String>,
    countries: BTreeSet<String>,
    further: BTreeSet<(Whose, String)>,
}

/// Whose name hit, when it is not the one that the customer goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Whose {
    /// The name in law of a business that trades under another.
    LegalName,
    /// Somebody who speaks for a business.
    Representative,
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
        let subject = Self::new(customer.id, classification, name, birth_date, countries);
        let Some(enrolment) = &customer.enrolment else { return subject };
        let representatives = enrolment.representatives.iter().flatten();
        subject.with_further(
            enrolment.legal_name.as_ref().map(|name| name.as_str().to_owned()),
            representatives.map(|who| who.name.as_str().to_owned()),
        )
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
        let further = BTreeSet::new();
        Self { customer, entity_type, name, birth_date, countries, further }
    }

    /// The same with who is behind it, when it is a business; a person stands for itself.
    #[must_use]
    pub fn with_further(
        mut self,
        legal_name: Option<String>,
        representatives: impl IntoIterator<Item = String>,
    ) -> Self {
        if self.entity_type != EntityType::Person {
            let legal_name = legal_name.filter(|legal_name| *legal_name != self.name);
            self.further.extend(legal_name.map(|name| (Whose::LegalName, name)));
            let each = representatives.into_iter().map(|name| (Whose::Representative, name));
            self.further.extend(each);
        }
        self
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
        // Nothing for those without, so that what was cleared for them stays cleared. No country is called so.
        for (whose, name) in &self.further {
            part(match whose {
                Whose::LegalName => "legal name",
                Whose::Representative => "representative",
            });
            part(name);
        }
        Fingerprint::of_digest(&sha256(&bytes))
    }

    /// Who is looked for: the customer first. Where a business is says nothing of where those are who speak for it.
    pub(crate) fn queries(&self) -> Vec<(Option<Whose>, Query)> {
        let with_countries = |query: Query| {
            self.countries.iter().fold(query, |query, country| query.country(country))
        };
        let mut query = Query::named(self.entity_type, &self.name);
        if let Some(birth_date) = &self.birth_date {
            query = query.born(birth_date);
        }
        let further = self.further.iter().map(|(whose, name)| {
            let query = match whose {
                Whose::LegalName => with_countries(Query::organisation(name)),
                Whose::Representative => Query::person(name),
            };
            (Some(*whose), query)
        });
        std::iter::once((None, with_countries(query))).chain(further).collect()
    }

    /// Every entry of an index that hits under any of the names, each once, and whether every search came to an end.
    pub(crate) fn matches(
        &self,
        index: &Index,
        scratch: &mut Scratch,
        config: &Config,
    ) -> (Vec<Match>, bool) {
        let (mut best, mut is_complete) = (Best::default(), true);
        for (whose, query) in self.queries() {
            let (matches, ended) = index.matches(scratch, &query, config);
            best.add_matches(whose, matches);
            is_complete &= ended;
        }
        (best.into_parts().0.into_iter().map(|named| named.found).collect(), is_complete)
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
    /// The index that it was searched in, by its name in the bucket: what it was made of stands beside it there.
    pub index: String,
}

/// What a screening run found. A run that found nothing is evidence too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Screening {
    /// Hits on sanctions lists, best first.
    pub ofac: Vec<ExplainedHit>,
    /// Hits on lists of politically exposed persons, best first.
    pub pep_scan: Vec<ExplainedHit>,
    /// Hits in adverse media, best first, of a customer whose identity is reviewed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adverse_media: Vec<ExplainedHit>,
    /// Hits that are not explained, best first: there are more than are explained of a list, or than there is room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<FurtherHit>,
    /// How many hits stand neither there nor among the explained ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Lists that more names resemble than are compared: which entries hit is not wholly known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
    /// Hits of earlier runs that the lists have withdrawn, or whose entry was altered and does not match any more.
    pub withdrawn: Vec<Withdrawal>,
    /// How many more of these there is no room for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub withdrawn_left_out: u64,
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

/// A hit with its explanation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedHit {
    /// The hit.
    #[serde(flatten)]
    pub hit: Hit,
    /// Whose name it was; absent when it is the one that the customer goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
}

/// A hit without its explanation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FurtherHit {
    /// The list.
    pub list_id: String,
    /// The list's key of the entry.
    pub uid: String,
    /// Its content.
    pub content: Fingerprint,
    /// Score from 0 to 1.
    pub score: f64,
    /// Whose name it was; absent when it is the one that the customer goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
}

/// Something found, and under whose name.
struct Named<T> {
    found: T,
    whose: Option<Whose>,
}

/// What was found under several names, each entry once: under the name that it resembles most, of equal ones the first.
#[derive(Default)]
struct Best {
    matches: BTreeMap<(String, String), Named<Match>>,
    hits: BTreeMap<(String, String), Named<Hit>>,
}

impl Best {
    fn add_matches(&mut self, whose: Option<Whose>, matches: Vec<Match>) {
        for found in matches {
            let key = (found.list_id.clone(), found.uid.clone());
            if self.matches.get(&key).is_none_or(|known| known.found.score < found.score) {
                self.matches.insert(key, Named { found, whose });
            }
        }
    }

    fn add_hits(&mut self, whose: Option<Whose>, hits: Vec<Hit>) {
        for found in hits {
            let key = (found.list_id.clone(), found.uid.clone());
            if self.hits.get(&key).is_none_or(|known| known.found.score < found.score) {
                self.hits.insert(key, Named { found, whose });
            }
        }
    }

    /// Matches and explained hits, best first.
    fn into_parts(self) -> (Vec<Named<Match>>, Vec<Named<Hit>>) {
        let mut matches: Vec<Named<Match>> = self.matches.into_values().collect();
        matches.sort_by(|Named { found: one, .. }, Named { found: other, .. }| {
            best_first(
                (one.score, &one.list_id, &one.uid),
                (other.score, &other.list_id, &other.uid),
            )
        });
        let mut hits: Vec<Named<Hit>> = self.hits.into_values().collect();
        hits.sort_by(|Named { found: one, .. }, Named { found: other, .. }| {
            best_first(
                (one.score, &one.list_id, &one.uid),
                (other.score, &other.list_id, &other.uid),
            )
        });
        (matches, hits)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What the lists say about a subject.
pub(crate) struct Answer {
    pub(crate) screening: Screening,
    pub(crate) ofac: BTreeMap<ListedEntity, Fingerprint>,
    pub(crate) pep_scan: BTreeMap<ListedEntity, Fingerprint>,
    pub(crate) adverse_media: Option<BTreeMap<ListedEntity, Fingerprint>>,
}

/// Screens a subject against all lists.
#[must_use]
pub fn screen(subject: &Subject, editions: &EditionSet, config: &Config) -> Screening {
    answer(subject, &[], editions, config, true).screening
}

/// Screens a subject against all lists. The entries `sought` are compared in any case. What adverse media say is left out
/// unless `media` asks for it.
pub(crate) fn answer(
    subject: &Subject,
    sought: &[EntityKey],
    editions: &EditionSet,
    config: &Config,
    media: bool,
) -> Answer {
    let queries = subject.queries();
    let mut scratch = Scratch::default();
    let sought: Vec<EntityKey> = sought.iter().chain(editions.sought()).cloned().collect();
    let (mut best, mut cut, mut lists) = (Best::default(), Vec::new(), Vec::new());
    for (name, index) in editions.named_indexes() {
        if !media && index.lists().iter().all(|list| list.topic == Topic::AdverseMedia) {
            continue;
        }
        lists.extend(
            index
                .lists()
                .iter()
                .map(|list| ListVersion { list_id: list.id.clone(), index: name.to_owned() }),
        );
        let mut is_complete = true;
        for (whose, query) in &queries {
            let found = index.screen(&mut scratch, query, config, &sought);
            best.add_hits(*whose, found.hits);
            best.add_matches(*whose, found.matches);
            is_complete &= found.is_complete;
        }
        if !is_complete {
            cut.extend(index.lists().iter().map(|list| (list, index.content_hash())));
        }
    }
    let (matches, hits) = best.into_parts();
    let kept = |topic: Topic, most: usize| {
        let cut = cut.iter().filter(|(list, _)| list.topic == topic);
        let of_topic = matches.iter().map(|named| &named.found);
        kept(of_topic.filter(|found| found.topic == topic), cut.map(|(_, hash)| hash), most)
    };
    let (ofac, pep_scan) = (kept(Topic::Sanctions, MOST_HITS), kept(Topic::Pep, MOST_HITS));
    let adverse_media = media.then(|| kept(Topic::AdverseMedia, MOST_MEDIA_HITS));
    let mut screening = Screening {
        ofac: Vec::new(),
        pep_scan: Vec::new(),
        adverse_media: Vec::new(),
        further: Vec::new(),
        left_out: 0,
        cut: cut.iter().map(|(list, _)| list.id.clone()).collect(),
        withdrawn: Vec::new(),
        withdrawn_left_out: 0,
        subject: subject.fingerprint(),
        lists,
        engine_version: screening::ENGINE_VERSION.to_owned(),
        config_version: config.version.clone(),
        threshold: config.threshold,
    };
    screening.record(hits, &matches);
    Answer { screening, ofac, pep_scan, adverse_media }
}

fn best_first(one: (f64, &str, &str), other: (f64, &str, &str)) -> std::cmp::Ordering {
    other.0.total_cmp(&one.0).then_with(|| (one.1, one.2).cmp(&(other.1, other.2)))
}

/// The hits of one scan as they are known: the best ones, and one that stands for all beyond them, or for those that a
/// search did not come to. Its content changes with any of the hits, or with the edition that was not searched through.
fn kept<'a>(
    matches: impl Iterator<Item = &'a Match> + Clone,
    cut: impl Iterator<Item = &'a String>,
    most: usize,
) -> BTreeMap<ListedEntity, Fingerprint> {
    let known = |found: &Match| known_as(&found.list_id, &found.uid, &found.content_hash);
    let mut hits: BTreeMap<ListedEntity, Fingerprint> =
        matches.clone().take(most).map(known).collect();
    let cut: Vec<&str> = cut.map(String::as_str).collect();
    if !cut.is_empty() || matches.clone().nth(most).is_some() {
        let mut all: Vec<String> = matches
            .map(|found| format!("{}/{}@{}", found.list_id, found.uid, found.content_hash))
            .collect();
        all.sort_unstable();
        let text = format!("{}\n{}", all.join("\n"), cut.join("\n"));
        hits.insert(
            ListedEntity::beyond_the_bound(),
            Fingerprint::of_digest(&sha256(text.as_bytes())),
        );
    }
    hits
}

impl Screening {
    /// Writes down the hits: explained as far as there is room, the best first; then by name as far as there is room; and
    /// how many more.
    fn record(&mut self, explained: Vec<Named<Hit>>, matches: &[Named<Match>]) {
        // What adverse media say takes the room that the two scans leave.
        let is_media = |topic: Topic| topic == Topic::AdverseMedia;
        let (media, scans): (Vec<_>, Vec<_>) =
            explained.into_iter().partition(|hit| is_media(hit.found.topic));
        let mut named = BTreeSet::new();
        let mut room = MOST_EXPLAINED;
        for Named { found: hit, whose } in scans.into_iter().chain(media) {
            let scan = match hit.topic {
                Topic::Sanctions => &mut self.ofac,
                Topic::Pep => &mut self.pep_scan,
                Topic::AdverseMedia => &mut self.adverse_media,
            };
            let hit = ExplainedHit { hit, whose };
            // What does not serialise is not explained; it is named below.
            let Ok(text) = serde_json::to_string(&hit) else { continue };
            let Some(left) = room.checked_sub(text.len()) else { continue };
            room = left;
            named.insert((hit.hit.list_id.clone(), hit.hit.uid.clone()));
            scan.push(hit);
        }
        let mut room = MOST_FURTHER;
        let of = |media: bool| matches.iter().filter(move |hit| is_media(hit.found.topic) == media);
        for Named { found, whose } in of(false).chain(of(true)) {
            if named.contains(&(found.list_id.clone(), found.uid.clone())) {
                continue;
            }
            let size = 130 + found.list_id.len() + found.uid.len();
            match room.checked_sub(size) {
                Some(left) => {
                    room = left;
                    let (_, content) = known_as(&found.list_id, &found.uid, &found.content_hash);
                    self.further.push(FurtherHit {
                        list_id: found.list_id.clone(),
                        uid: found.uid.clone(),
                        content,
                        score: found.score,
                        whose: *whose,
                    });
                }
                None => self.left_out += 1,
            }
        }
    }

    /// Writes down the hits that are none any more, as far as there is room, and how many more.
    pub(crate) fn record_withdrawn(&mut self, withdrawn: Vec<Withdrawal>) {
        let mut room = MOST_WITHDRAWN;
        for withdrawal in withdrawn {
            let size = 110 + withdrawal.list_id.len() + withdrawal.uid.len();
            match room.checked_sub(size) {
                Some(left) => {
                    room = left;
                    self.withdrawn.push(withdrawal);
                }
                None => self.withdrawn_left_out += 1,
            }
        }
    }

    /// How many entries hit.
    #[must_use]
    pub const fn hit_count(&self) -> u64 {
        let explained = self.ofac.len() + self.pep_scan.len() + self.adverse_media.len();
        (explained + self.further.len()) as u64 + self.left_out
    }
}
