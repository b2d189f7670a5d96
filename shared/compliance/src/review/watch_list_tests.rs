//! Cases of the module `watch_list`, on real indexes of the engine's sample lists.

use std::path::Path;

use screening::{Format, Index, ListEdition, ListInfo, Source, compile, parse};

use super::*;
use crate::review::applicant::samples;

fn sample(folder: &str, names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../screening/samples").join(folder);
    names.iter().map(|name| ((*name).to_owned(), std::fs::read(root.join(name)).unwrap())).collect()
}

fn index(id: &str, topic: Topic, format: Format, files: &[(String, Vec<u8>)]) -> Index {
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
    let parsed = parse(format, &sources).unwrap();
    let info = ListInfo::new(id, &format!("List {id}"), topic);
    Index::from_bytes(compile(&[ListEdition { info, entities: parsed.entities }]).unwrap()).unwrap()
}

fn ofac() -> Index {
    let files = sample("ofac", &["sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"]);
    index("ofac-sdn", Topic::Sanctions, Format::OfacCsv, &files)
}

fn pep() -> Index {
    index("pep", Topic::Pep, Format::OpenSanctionsCsv, &sample("pep", &["targets.simple.csv"]))
}

/// A person of the sample list, as an applicant.
fn listed() -> Applicant {
    let mut applicant = samples::person();
    let Party::Person(person) = &mut applicant.party else { unreachable!() };
    person.first_name = "Francisco Javier".to_owned();
    person.last_name = "Arellano Félix".to_owned();
    person.birth_date = Some(jiff::civil::date(1969, 12, 11));
    applicant
}

#[test]
fn a_listed_name_is_found_and_told_without_the_applicant() {
    let editions = EditionSet::of(vec![ofac(), pep()]);
    let found = search(&listed(), &editions, &Config::default());
    let first = &found.matches[0];
    assert_eq!(first.code, Code::R180);
    assert_eq!(first.list_name, "List ofac-sdn");
    assert_eq!(first.match_fields[..2], ["name", "dob"]);
    assert_eq!(correlation(first), Correlation::HighConfidence);
    assert!(first.entry.starts_with("ofac-sdn/") && found.covers_sanctions);
    assert_eq!(found.lists.len(), 2);
    let judged = judge(Some(&found), &Policy::default());
    assert_eq!(judged.decision, Decision::Review, "a name is not a person");
    assert!(judged.codes.contains(&Code::R180) && !judged.codes.contains(&Code::I196));
}

#[test]
fn nobody_is_cleared_by_lists_that_are_not_there() {
    let policy = Policy::default();
    assert_eq!(judge(None, &policy).decision, Decision::Review);
    for indexes in [vec![], vec![pep()]] {
        let found = search(&samples::person(), &EditionSet::of(indexes), &Config::default());
        let judged = judge(Some(&found), &policy);
        assert_eq!(judged.decision, Decision::Review);
        assert!(!judged.codes.contains(&Code::I196), "what was not searched is not clear");
    }
}

/// The two codes that say what was searched, and the decision, for what is at hand and what is awaited.
#[test]
fn what_is_not_configured_holds_nobody_up_and_what_is_awaited_does() {
    let (sanctions, both) = (|| vec![ofac()], || vec![ofac(), pep()]);
    let (clear, without, awaited) = (Code::I196, Code::G001, Code::G002);
    for (indexes, awaits, decision, codes) in [
        (both(), None, Decision::Accept, vec![clear]),
        (sanctions(), None, Decision::Accept, vec![without, clear]),
        (sanctions(), Some(Topic::Pep), Decision::Review, vec![awaited]),
        // One list of a kind does not stand for the others of it.
        (both(), Some(Topic::Pep), Decision::Review, vec![awaited]),
        (both(), Some(Topic::Sanctions), Decision::Review, vec![awaited]),
        // Adverse media inform whoever decides; they clear nobody and hold nobody up.
        (both(), Some(Topic::AdverseMedia), Decision::Accept, vec![clear]),
        (vec![pep()], None, Decision::Review, vec![awaited]),
        (vec![], None, Decision::Review, vec![without, awaited]),
    ] {
        let set = EditionSet::of(indexes);
        let set = match awaits {
            Some(topic) => set.awaiting(topic),
            None => set,
        };
        let found = search(&samples::person(), &set, &Config::default());
        // No policy makes a missing list milder.
        let lenient = std::collections::BTreeMap::from([(awaited, Decision::Accept)]);
        for policy in [Policy::default(), Policy { floors: lenient, ..Policy::default() }] {
            let judged = judge(Some(&found), &policy);
            assert_eq!(judged.decision, decision, "{awaits:?}");
            assert_eq!(judged.codes.iter().copied().collect::<Vec<_>>(), codes, "{awaits:?}");
        }
    }
}

#[test]
fn who_acts_for_a_business_is_searched_too() {
    let editions = EditionSet::of(vec![ofac()]);
    let person = listed();
    let Party::Person(facts) = &person.party else { unreachable!() };
    let mut business = samples::business();
    let Party::Business(it) = &mut business.party else { unreachable!() };
    it.representatives[0].name = format!("{} {}", facts.first_name, facts.last_name);
    let found = search(&business, &editions, &Config::default());
    assert_eq!(found.matches[0].match_fields[0], "representative.name");
}

fn a_match(code: Code, points: i32, fields: &[&str]) -> WatchList {
    WatchList {
        matches: vec![Match {
            list_name: "L".into(),
            urls: vec![],
            match_fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            score: Score::thousandths(points),
            code,
            entry: "l/1@aa".into(),
        }],
        lists: vec![],
        config: "1".into(),
        covers_sanctions: true,
        ..WatchList::default()
    }
}

#[test]
fn a_policy_may_reject_a_certain_match_on_name_and_date() {
    let policy = Policy { sanctions_reject: Some(Score::thousandths(950)), ..Policy::default() };
    for (code, points, fields, decision) in [
        (Code::R180, 960, &["name", "dob"][..], Decision::Reject),
        (Code::R180, 940, &["name", "dob"], Decision::Review),
        (Code::R180, 990, &["name"], Decision::Review),
        (Code::R180, 990, &["name", "country"], Decision::Review),
        (Code::R182, 990, &["name", "identifier"], Decision::Reject),
        (Code::R184, 990, &["name", "dob"], Decision::Review),
    ] {
        assert_eq!(judge(Some(&a_match(code, points, fields)), &policy).decision, decision);
    }
}

#[test]
fn lists_mean_their_codes() {
    for (topic, list, code) in [
        (Topic::Sanctions, "ofac-sdn", Code::R180),
        (Topic::Sanctions, "us_ofac_sdn", Code::R180),
        (Topic::Sanctions, "ofac-consolidated", Code::R181),
        (Topic::Sanctions, "un-consolidated", Code::R182),
        (Topic::Sanctions, "eu-fsf", Code::R182),
        (Topic::Sanctions, "us-csl", Code::R183),
        (Topic::Sanctions, "us-dpl", Code::R183),
        (Topic::Pep, "pep", Code::R184),
        (Topic::AdverseMedia, "news", Code::R185),
    ] {
        assert_eq!(code_of(topic, list), code, "{list}");
    }
}
