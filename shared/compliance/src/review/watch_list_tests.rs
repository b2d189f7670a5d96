//! Cases of the module `watch_list`, on real indexes of the engine's sample lists.

use std::path::Path;

use domain::choices::Classification;
use domain::ids::CustomerId;
use screening::{Config, Format, Index, ListEdition, ListInfo, Source, compile, parse};

use super::*;
use crate::{Subject, screen};

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

fn somebody(classification: Classification, name: &str, born: Option<&str>) -> Subject {
    let id = CustomerId::parse("0190b2c4-0000-7000-8000-000000000001").unwrap();
    let born = born.map(str::to_owned);
    Subject::new(id, classification, name.to_owned(), born, std::collections::BTreeSet::new())
}

/// A person of the sample list.
const LISTED: &str = "Francisco Javier Arellano Félix";

fn listed() -> Subject {
    somebody(Classification::Personal, LISTED, Some("1969-12-11"))
}

/// A person of none.
fn unlisted() -> Subject {
    somebody(Classification::Personal, "Mira Oduya", Some("1988-02-14"))
}

fn search(subject: &Subject, editions: &EditionSet) -> WatchList {
    WatchList::of(&screen(subject, editions, &Config::default()), editions)
}

#[test]
fn a_listed_name_is_found_and_told_without_the_applicant() {
    let editions = EditionSet::of(vec![ofac(), pep()]);
    let found = search(&listed(), &editions);
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
        let found = search(&unlisted(), &EditionSet::of(indexes));
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
        let found = search(&unlisted(), &set);
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
    let business = somebody(Classification::Business, "Blue Harbor Bakery LLC", None);
    assert!(search(&business, &editions).matches.is_empty());
    let found = search(&business.with_further(None, [LISTED.to_owned()]), &editions);
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
            verdict: domain::scan::Verdict::Open,
            is_earlier: false,
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

mod dispositions {
    //! What persons and scans say of hits decides here as it does there.

    use std::collections::BTreeMap;

    use domain::scan::{Fingerprint, KnownHit};

    use super::*;

    fn print(digit: char) -> Fingerprint {
        Fingerprint::parse(&digit.to_string().repeat(16)).unwrap()
    }

    fn hits(known: &[(&str, char, char, Verdict)]) -> BTreeMap<ListedEntity, KnownHit> {
        let hit = |(uid, content, subject, verdict): &(&str, char, char, Verdict)| {
            let (content, subject) = (print(*content), Some(print(*subject)));
            let hit = KnownHit { content, subject, verdict: *verdict, listed: true };
            (ListedEntity::new("ofac-sdn", uid), hit)
        };
        known.iter().map(hit).collect()
    }

    /// The scan of sanctions with these hits, of which those of `at_present` hit the customer of today, called `a`.
    fn settled(
        matches: &[&str],
        status: ScanStatus,
        known: &[(&str, char, char, Verdict)],
        at_present: &[&str],
    ) -> WatchList {
        let scan = Scan { status, hits: hits(known) };
        let found = Found {
            is_searched: true,
            subject: print('a'),
            hits: at_present
                .iter()
                .map(|uid| (ListedEntity::new("ofac-sdn", uid), print('c')))
                .collect(),
            withdrawn: std::collections::BTreeSet::new(),
        };
        let mut searched = a_match(Code::R180, 960, &["name", "dob"]);
        let one = searched.matches.remove(0);
        searched.matches = matches
            .iter()
            .map(|uid| Match {
                entry: format!("ofac-sdn/{uid}@{}", print('c').as_str()),
                ..one.clone()
            })
            .collect();
        let held = Held { topic: Topic::Sanctions, scan: &scan, found: &found };
        searched.settled_by(&[held], &EditionSet::of(vec![ofac()]))
    }

    #[test]
    fn a_hit_decides_by_what_was_decided_about_it() {
        use ScanStatus::{Clear, Failed, Positive, Reviewing};
        use Verdict::{Cleared, Confirmed, Open};
        type Known = &'static [(&'static str, char, char, Verdict)];
        type Names = &'static [&'static str];
        type Case = (Names, ScanStatus, Known, Names, Decision, &'static [Code]);
        const SEEN: Code = Code::G006;
        const EARLIER: Code = Code::G007;
        let cases: &[Case] = &[
            (&[], Clear, &[], &[], Decision::Accept, &[Code::I196]),
            (&["1"], Failed, &[("1", 'c', 'a', Open)], &["1"], Decision::Review, &[Code::R180]),
            (&["1"], Reviewing, &[("1", 'c', 'a', Open)], &["1"], Decision::Review, &[Code::R180]),
            // Cleared: shown, and nothing follows, whatever the policy makes of a certain match.
            (&["1"], Clear, &[("1", 'c', 'a', Cleared)], &["1"], Decision::Accept, &[SEEN]),
            // Cleared was another content, or what the customer was before.
            (&["1"], Clear, &[("1", 'd', 'a', Cleared)], &[], Decision::Review, &[Code::R180]),
            (&["1"], Clear, &[("1", 'c', 'b', Cleared)], &[], Decision::Review, &[Code::R180]),
            (
                &["1"],
                Positive,
                &[("1", 'c', 'a', Confirmed)],
                &["1"],
                Decision::Reject,
                &[Code::R180],
            ),
            // An open hit of an earlier name waits, and is shown.
            (&[], Failed, &[("2", 'c', 'b', Open)], &[], Decision::Review, &[EARLIER, Code::R180]),
            (&[], Positive, &[("2", 'c', 'b', Confirmed)], &[], Decision::Reject, &[Code::R180]),
            // One that the scan alone found is of today.
            (&[], Failed, &[("2", 'c', 'a', Open)], &["2"], Decision::Review, &[Code::R180]),
            (
                &["1"],
                Failed,
                &[("1", 'c', 'a', Cleared), ("2", 'c', 'b', Open)],
                &["1"],
                Decision::Review,
                &[SEEN, EARLIER, Code::R180],
            ),
        ];
        for (matches, status, known, at_present, decision, codes) in cases {
            let found = settled(matches, *status, known, at_present);
            let case = format!("{matches:?} {status} {known:?}");
            let judged = judge(Some(&found), &Policy::default());
            assert_eq!(judged.decision, *decision, "{case}");
            assert_eq!(judged.codes.into_iter().collect::<Vec<_>>(), *codes, "{case}");
            // Nobody is held twice: what the scans come to is not what the policy comes to.
            let lenient =
                Policy { floors: [(Code::R180, Decision::Accept)].into(), ..Policy::default() };
            assert_eq!(by_policy(Some(&found), &lenient).decision, Decision::Accept, "{case}");
            assert_eq!(judge(Some(&found), &lenient).decision, found.held, "{case}");
            let strict =
                Policy { sanctions_reject: Some(Score::thousandths(950)), ..Policy::default() };
            let open = found.matches.iter().any(Match::is_present) && !matches.is_empty();
            let rejects = judge(Some(&found), &strict).decision == Decision::Reject;
            assert_eq!(rejects, open || *status == Positive, "{case}");
        }
    }

    #[test]
    fn what_waits_is_shown_by_its_list_and_bounded() {
        let found = settled(&[], ScanStatus::Failed, &[("2", 'c', 'b', Verdict::Open)], &[]);
        let [shown] = &found.matches[..] else { panic!("{found:?}") };
        assert_eq!((shown.list_name.as_str(), shown.entity()), ("List ofac-sdn", "ofac-sdn/2"));
        assert_eq!(shown.match_fields, ["earlier.name"]);
        assert_eq!(correlation(shown), Correlation::PotentialMatch);
        assert!(!shown.is_present());
        let uids: Vec<String> = (0..300).map(|uid| uid.to_string()).collect();
        let many: Vec<_> = uids.iter().map(|uid| (uid.as_str(), 'c', 'b', Verdict::Open)).collect();
        assert_eq!(settled(&[], ScanStatus::Failed, &many, &[]).matches.len(), MOST_HELD);
    }
}

#[test]
fn a_record_keeps_the_best_matches_and_the_count_of_the_others() {
    let editions = EditionSet::of(vec![ofac(), pep()]);
    let mut found = search(&listed(), &editions);
    let (one, judged) = (found.matches[0].clone(), judge(Some(&found), &Policy::default()));
    found.bound();
    assert_eq!(found.left_out, 0);
    let best = found.matches[0].clone();
    found.matches.extend(std::iter::repeat_n(one, 2 * MOST_MATCHES));
    let all = found.matches.len();
    found.bound();
    assert_eq!((found.matches.len(), found.left_out), (MOST_MATCHES, (all - MOST_MATCHES) as u64));
    assert_eq!((&found.matches[0], judge(Some(&found), &Policy::default())), (&best, judged));
}
