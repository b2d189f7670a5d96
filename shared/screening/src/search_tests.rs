//! Every hit is found, however many there are, and none is lost with what is printed.

use std::collections::HashMap;
use std::path::Path;

use super::*;
use crate::entity::{ListEdition, ListInfo, Script};
use crate::{BirthDate, Format, Source, compile, parse};

fn compiled(people: &[(String, String)]) -> Vec<u8> {
    let entities =
        people.iter().map(|(uid, name)| Entity::new(uid, EntityType::Person, name)).collect();
    compile(&[ListEdition { info: ListInfo::new("t", "Test", Topic::Sanctions), entities }])
        .unwrap()
}

fn index(people: &[(String, String)]) -> Index {
    Index::from_bytes(compiled(people)).unwrap()
}

/// So many people of one name, and one whose name is like it.
fn crowd(count: usize) -> Vec<(String, String)> {
    let mut people: Vec<(String, String)> =
        (0..count).map(|number| (format!("c{number:05}"), "Maria Delgado".to_owned())).collect();
    people.push(("other".to_owned(), "Maria Delgada".to_owned()));
    people.push(("nobody".to_owned(), "Bertil Oxenmark".to_owned()));
    people
}

fn screen(index: &Index, name: &str, sought: &[EntityKey]) -> Screened {
    index.screen(&mut Scratch::default(), &Query::person(name), &Config::default(), sought)
}

#[test]
fn a_crowd_hides_nobody() {
    for count in [19, 64, 200, 3_000] {
        let found = screen(&index(&crowd(count)), "Maria Delgado", &[]);
        assert!(found.is_complete);
        assert_eq!(found.matches.len(), count + 1, "all of them and the one like it");
        assert_eq!(found.matches.last().unwrap().uid, "other");
        assert_eq!(found.hits.len(), (count + 1).min(Config::default().max_hits));
        for (hit, known) in found.hits.iter().zip(&found.matches) {
            assert_eq!(
                (&hit.uid, hit.score, &hit.content_hash),
                (&known.uid, known.score, &known.content_hash)
            );
        }
    }
}

#[test]
fn a_search_that_does_not_come_to_an_end_says_so() {
    let found = screen(&index(&crowd(MOST_SCORED + 1)), "Maria Delgado", &[]);
    assert!(!found.is_complete);
    assert!(found.matches.len() >= MOST_SCORED);
    // Nothing that resembles the crowd: nothing to be cut.
    assert!(screen(&index(&crowd(MOST_SCORED + 1)), "Bertil Oxenmark", &[]).is_complete);
}

#[test]
fn a_number_is_found_with_its_letter_beside_it_or_apart() {
    let mut entities: Vec<Entity> = (0..300)
        .map(|at| Entity::new(&format!("c{at:03}"), EntityType::Organisation, "Eskarin Logistics"))
        .collect();
    entities.push(Entity::new("apart", EntityType::Organisation, "X-9 Logistics Ltd"));
    entities.push(Entity::new("beside", EntityType::Organisation, "Y7 Logistics Ltd"));
    let info = ListInfo::new("t", "Test", Topic::Sanctions);
    let index = Index::from_bytes(compile(&[ListEdition { info, entities }]).unwrap()).unwrap();
    for (name, uid) in [("X9 Logistics LLC", "apart"), ("Y-7 Logistics LLC", "beside")] {
        let query = Query::organisation(name);
        let found = index.screen(&mut Scratch::default(), &query, &Config::default(), &[]);
        let found: Vec<&str> = found.matches.iter().map(|found| found.uid.as_str()).collect();
        assert_eq!(found, [uid], "{name}");
    }
}

#[test]
fn what_is_sought_is_compared_whatever_it_shares() {
    let mut people = crowd(MOST_SCORED + 200);
    // Sorted behind the crowd: the search ends before it comes to this one.
    people.push(("z".to_owned(), "Maria Delgada".to_owned()));
    let index = index(&people);
    let key = |uid: &str| EntityKey { list_id: "t".to_owned(), uid: uid.to_owned() };
    let has = |sought: &[EntityKey]| {
        screen(&index, "Maria Delgado", sought).matches.iter().any(|found| found.uid == "z")
    };
    assert!(!has(&[]), "the crowd is scored first");
    assert!(has(&[key("z"), key("gone")]));
    assert!(!has(&[key("nobody")]), "being looked for makes nobody a hit");
    let none = screen(&index, "Maria Delgado", &[key("nobody")]);
    assert!(none.matches.iter().all(|found| found.uid != "nobody"));
}

#[test]
fn a_hit_stands_when_what_is_printed_is_damaged() {
    let people = [("1".to_owned(), "Наталья Оксенмаркова".to_owned())];
    let whole = compiled(&people);
    let mut damaged = whole.clone();
    // The compressed entries are the last section of the file.
    let last = damaged.len() - 3;
    damaged[last] ^= 0x55;
    let (whole, damaged) = (Index::from_bytes(whole).unwrap(), Index::from_bytes(damaged).unwrap());
    assert!(whole.entity("t", "1").is_some() && damaged.entity("t", "1").is_none());
    let query = "Natalya Oksenmarkova";
    let (before, after) = (screen(&whole, query, &[]), screen(&damaged, query, &[]));
    assert_eq!(before.matches, after.matches);
    let ([before], [after]) = (&before.hits[..], &after.hits[..]) else { panic!("one hit each") };
    assert!(before.is_printed && !after.is_printed);
    assert_eq!((before.matched_script, after.matched_script), (Script::Cyrillic, Script::Latin));
    assert_eq!(
        (&after.uid, after.score, &after.content_hash),
        (&before.uid, before.score, &before.content_hash)
    );
    assert_eq!(after.explanation.tokens, before.explanation.tokens);
    assert!((after.explanation.score() - after.score).abs() < 1e-9);
    assert_eq!(after.matched_name, "natalya oksenmarkova");
    assert_eq!(damaged.content_of("t", "1"), whole.content_of("t", "1"));
    assert_eq!(damaged.content_of("t", "2"), None);
}

/// The first of a list's people has the birth date that the customer has, or the last.
#[test]
fn namesakes_born_on_other_days_hide_nobody() {
    for (count, right) in [(200, 199), (200, 0), (3_000, 2_999), (MOST_SCORED + 500, MOST_SCORED)] {
        let born = |at: usize| format!("{}-{:02}-{:02}", 1920 + at % 80, 1 + at % 12, 1 + at % 28);
        let entities = (0..count)
            .map(|at| {
                let mut entity = Entity::new(&format!("c{at:05}"), EntityType::Person, "Li Na");
                let date = if at == right { "2001-02-03".to_owned() } else { born(at) };
                entity.birth_dates.extend(BirthDate::parse(&date));
                entity
            })
            .collect();
        let info = ListInfo::new("t", "Test", Topic::Pep);
        let index = Index::from_bytes(compile(&[ListEdition { info, entities }]).unwrap()).unwrap();
        // The letters of the second are not in the listed order, by which a namesake would be found in any case.
        for name in ["Li Na", "Na Li"] {
            let query = Query::person(name).born("2001-02-03");
            let found = index.screen(&mut Scratch::default(), &query, &Config::default(), &[]);
            let uids: Vec<&str> = found.matches.iter().map(|found| found.uid.as_str()).collect();
            assert_eq!(uids, [format!("c{right:05}")], "{name} among {count}");
            assert!(found.is_complete, "{name} among {count}");
        }
    }
}

#[test]
fn a_name_without_letters_is_not_cleared() {
    for name in ["🙂", "—", "", " . ", "?"] {
        let found = screen(&index(&crowd(3)), name, &[]);
        assert!(!found.is_complete && found.matches.is_empty(), "{name:?}");
    }
    // One of several names that cannot be read is one that nobody looked at.
    let query = Query::person("Bertil Oxenmark").or_name("🙂");
    let index = index(&crowd(3));
    let found = index.screen(&mut Scratch::default(), &query, &Config::default(), &[]);
    assert!(!found.is_complete && found.matches.len() == 1);
}

/// What a customer and a listed entry are given beside the name, and what that comes to.
const KNOWN: [(&str, &str); 5] =
    [("", ""), ("", "MX"), ("1970", ""), ("1970", "MX"), ("1970-03-04", "MX")];

/// Against every name of the full list, one by one: what hits is found, but for names that have next to nothing but
/// initials ("GRUPO S. S.A. DE C.V."). Every entry is given the same birth date and country, so that a name is a hit by as
/// much as evidence can do. Skips, saying so, where the list is absent.
#[test]
fn no_hit_is_out_of_reach() {
    let Some((entities, queries)) = full_list() else { return };
    let (config, mut scratch) = (Config::default(), Scratch::default());
    for (born, country) in KNOWN {
        let mut entities = entities.clone();
        for entity in &mut entities {
            entity.birth_dates = BirthDate::parse(born).into_iter().collect();
            entity.nationalities.clear();
            entity.countries = vec![country.to_owned()];
        }
        let info = ListInfo::new("t", "Test", Topic::Sanctions);
        let index = Index::from_bytes(compile(&[ListEdition { info, entities }]).unwrap()).unwrap();
        let (mut hitting, mut missed) = (0, Vec::new());
        for line in queries.lines().skip(1).step_by(if born.is_empty() { 16 } else { 24 }) {
            let fields: Vec<&str> = line.split('\t').collect();
            // Nothing but a person is born.
            if !born.is_empty() && fields[1] != "person" {
                continue;
            }
            let customer_born = if born.is_empty() { "" } else { "1970-03-04" };
            let mut query =
                Query::named(EntityType::parse(fields[1]), fields[2]).born(customer_born);
            query.countries.extend((!country.is_empty()).then(|| country.to_owned()));
            let found = index.screen(&mut scratch, &query, &config, &[]);
            assert!(found.is_complete, "{}", fields[2]);
            let found: BTreeSet<String> =
                found.matches.into_iter().map(|found| found.uid).collect();
            let all: BTreeSet<String> = index.by_brute_force(&query, &config);
            assert!(found.is_subset(&all));
            hitting += all.len();
            missed.extend(all.difference(&found).map(|uid| format!("{} {uid}", fields[2])));
        }
        println!("{born} {country}: {hitting} hits, {} missed: {missed:#?}", missed.len());
        assert!(hitting > 20 && missed.len() * 20 <= hitting, "{born} {country}: {missed:#?}");
    }
}

/// The full list as it is, and each customer's birth date and country those of the entry that is meant.
#[test]
fn no_hit_by_its_own_birth_date_is_out_of_reach() {
    let Some((entities, queries)) = full_list() else { return };
    let (config, mut scratch) = (Config::default(), Scratch::default());
    let known: HashMap<String, Entity> =
        entities.iter().map(|entity| (entity.uid.clone(), entity.clone())).collect();
    let info = ListInfo::new("t", "Test", Topic::Sanctions);
    let index = Index::from_bytes(compile(&[ListEdition { info, entities }]).unwrap()).unwrap();
    let (mut hitting, mut missed) = (0, Vec::new());
    for line in queries.lines().skip(1).step_by(24) {
        let fields: Vec<&str> = line.split('\t').collect();
        let meant = &known[fields[0]];
        let born = meant.birth_dates.first().map_or_else(String::new, ToString::to_string);
        let mut query = Query::named(EntityType::parse(fields[1]), fields[2]).born(&born);
        query.countries.extend(meant.nationalities.iter().chain(&meant.countries).cloned());
        let found = index.screen(&mut scratch, &query, &config, &[]);
        assert!(found.is_complete, "{}", fields[2]);
        let found: BTreeSet<String> = found.matches.into_iter().map(|found| found.uid).collect();
        let all: BTreeSet<String> = index.by_brute_force(&query, &config);
        assert!(found.is_subset(&all));
        hitting += all.len();
        missed.extend(all.difference(&found).map(|uid| format!("{} {uid}", fields[2])));
    }
    println!("{hitting} hits, {} missed: {missed:#?}", missed.len());
    assert!(hitting > 30 && missed.len() * 20 <= hitting, "{missed:#?}");
}

/// The full list and the queries of it; says so where they are absent.
fn full_list() -> Option<(Vec<Entity>, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/screening");
    let (Ok(list), Ok(queries)) = (
        std::fs::read(folder.join("sdn_full.jsonl")),
        std::fs::read_to_string(folder.join("q_mutations.tsv")),
    ) else {
        println!("skipped: {} is absent", folder.display());
        return None;
    };
    Some((parse(Format::Jsonl, &[Source::new("sdn", &list)]).unwrap().entities, queries))
}

impl Index {
    /// The keys of all entries that hit, by comparing every name of the list.
    fn by_brute_force(&self, query: &Query, config: &Config) -> BTreeSet<String> {
        let mut scratch = Scratch::default();
        let subject = Subject::of(query, self);
        for (number, name) in query.names.iter().enumerate() {
            let (tokens, letters) = analyse(name, query.entity_type.0);
            let names = (0..self.name_count() as u32).filter(|name| {
                let kind = self.name_types()[*name as usize];
                query.entity_type.0.meets(EntityType::from_code(kind))
            });
            scratch.best = names.map(|name| (0.0, name)).collect();
            scratch.same_letters =
                letters.into_iter().flat_map(|hash| self.with_letters(hash)).collect();
            let config = &Config { candidates: usize::MAX, ..config.clone() };
            let asked = Asked { tokens: &tokens, number: number as u16, subject: &subject, config };
            self.score_candidates(&mut scratch, &asked, Reach::Best);
        }
        let least = log_odds(config.threshold);
        let hits = scratch.found.iter().filter(|found| found.odds >= least);
        hits.filter_map(|found| Some(self.match_of(found)?.uid)).collect()
    }
}
