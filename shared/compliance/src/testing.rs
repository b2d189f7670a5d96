//! Lists and customers for the tests of this crate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::calendar::BirthDate;
use domain::customer::{Business, Customer, Onboarding, Party, Person};
use domain::enrolment::{Enrolment, Representative};
use domain::ids::{CifNumber, CustomerId, PartnerId};
use domain::name::PersonName;
use domain::profile::{BusinessProfile, PersonProfile};
use domain::text::Text;
use screening::{Entity, EntityType, Index, ListEdition, ListInfo, Topic, compile};

use crate::{EditionSet, Manifest, ManifestEntry, ObjectReader, ReadError, index_key};

/// An index of one list of people, by key, name and birth year.
pub(crate) fn index(list: &str, topic: Topic, people: &[(&str, &str, &str)]) -> Vec<u8> {
    let entities = people
        .iter()
        .map(|(uid, name, remark)| {
            let mut entity = Entity::new(uid, EntityType::Person, name);
            entity.remarks = (!remark.is_empty()).then(|| (*remark).to_owned());
            entity
        })
        .collect();
    compile(&[ListEdition { info: ListInfo::new(list, list, topic), entities }]).unwrap()
}

/// The sanctions list of these people, alone.
pub(crate) fn sanctions(people: &[(&str, &str, &str)]) -> EditionSet {
    EditionSet::of(vec![Index::from_bytes(index("sdn", Topic::Sanctions, people)).unwrap()])
}

/// A sanctions list that names nobody who matters, and the list of adverse media of these people.
pub(crate) fn media(people: &[(&str, &str, &str)]) -> EditionSet {
    let nobody = [("1", "Zbigniew Unrelated", "")];
    let lists = [("sdn", Topic::Sanctions, &nobody[..]), ("news", Topic::AdverseMedia, people)];
    let open = |(list, topic, people)| Index::from_bytes(index(list, topic, people)).unwrap();
    EditionSet::of(lists.map(open).into())
}

/// The sanctions list of these organisations, alone.
pub(crate) fn organisations(names: &[(&str, &str, &str)]) -> EditionSet {
    let entities = names
        .iter()
        .map(|(uid, name, _)| Entity::new(uid, EntityType::Organisation, name))
        .collect();
    let info = ListInfo::new("sdn", "sdn", Topic::Sanctions);
    let bytes = compile(&[ListEdition { info, entities }]).unwrap();
    EditionSet::of(vec![Index::from_bytes(bytes).unwrap()])
}

/// Who speaks for a business, by these names.
pub(crate) fn speakers(names: &[&str]) -> Vec<Representative> {
    let named =
        |name: &&str| Representative { name: Text::parse(name).unwrap(), email: None, phone: None };
    names.iter().map(named).collect()
}

/// A business with its name in law and those who speak for it.
pub(crate) fn business(name: &str, legal: Option<&str>, named: &[&str]) -> Customer {
    let mut business = customer("Ida", "Nobody");
    business.party = Party::Business(Business {
        name: Text::parse(name).unwrap(),
        profile: BusinessProfile::default(),
        due_diligence: None,
    });
    business.enrolment = Some(Enrolment {
        legal_name: legal.map(|legal| Text::parse(legal).unwrap()),
        representatives: Some(speakers(named)),
        ..Enrolment::default()
    });
    business
}

pub(crate) fn customer(first: &str, last: &str) -> Customer {
    let start = Onboarding {
        id: CustomerId::parse("0190b2c4-0000-7000-8000-000000000001").unwrap(),
        partner: PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap(),
        cif: CifNumber::parse("30000000017").unwrap(),
        party: person(first, last, None),
        client_identifier: None,
        primaries: Vec::new(),
    };
    Customer::onboard(start, at(0)).0
}

pub(crate) fn person(first: &str, last: &str, born: Option<&str>) -> Party {
    Party::Personal(Person {
        name: PersonName {
            prefix: None,
            first: Text::parse(first).unwrap(),
            middle: None,
            last: Some(Text::parse(last).unwrap()),
            suffix: None,
            preferred: None,
        },
        profile: PersonProfile {
            birth_date: born.map(|born| BirthDate::restore(born).unwrap()),
            ..PersonProfile::default()
        },
        due_diligence: None,
    })
}

pub(crate) fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_769_381_724 + second).unwrap()
}

/// A bucket in memory that counts what is read and can fail.
#[derive(Default)]
pub(crate) struct Objects {
    pub(crate) held: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) reads: Mutex<Vec<String>>,
    pub(crate) broken: Mutex<bool>,
}

impl Objects {
    pub(crate) fn reader(self: &Arc<Self>) -> ObjectReader {
        let objects = Arc::clone(self);
        Arc::new(move |key| {
            let objects = Arc::clone(&objects);
            Box::pin(async move {
                if *objects.broken.lock().unwrap() {
                    return Err(ReadError::from("no answer"));
                }
                let found = objects.held.lock().unwrap().get(&key).cloned();
                objects.reads.lock().unwrap().push(key);
                Ok(found)
            })
        })
    }

    pub(crate) fn put(&self, key: &str, bytes: Vec<u8>) {
        self.held.lock().unwrap().insert(key.to_owned(), bytes);
    }

    /// Publishes these indexes as the editions in force; answers their names.
    pub(crate) fn publish(&self, lists: &[(&str, Vec<u8>)]) -> Vec<String> {
        let mut manifest = Manifest::default();
        let mut names = Vec::new();
        for (list, bytes) in lists {
            let name = screening::sha256_hex(bytes);
            self.put(&index_key(&name), bytes.clone());
            let entry = ManifestEntry {
                index: name.clone(),
                extent: screening::Extent::default(),
                edition: None,
                source_hash: None,
                described: None,
                sources: BTreeMap::new(),
                unread: crate::Unread::default(),
                made_at: at(0),
                engine: None,
            };
            manifest.lists.insert((*list).to_owned(), entry);
            names.push(name);
        }
        self.put("manifest.json", serde_json::to_vec(&manifest).unwrap());
        names
    }

    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }
}
