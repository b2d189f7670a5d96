//! The history of a review.

use domain::ids::ReviewId;

use super::*;
use crate::review::applicant::samples;
use crate::review::assess::{Inputs, assess};
use crate::review::code::Code;
use crate::review::finding::Score;
use crate::review::policy::Policy;
use crate::review::provider::{DeliveryAnswer, IdentityAnswer};
use crate::review::watch_list::Match;
use domain::network::View;
use domain::scan::{Fingerprint, KnownHit, ScanStatus, Verdict};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_796_000_000 + minute * 60).unwrap()
}

fn id(last: char) -> ReviewId {
    ReviewId::parse(&format!("0190b6c2-0000-7000-8000-00000000000{last}")).unwrap()
}

pub(in crate::review) fn review() -> Review {
    let watch_list = WatchList { covers_sanctions: true, ..WatchList::default() };
    let assessment = assess(&Inputs {
        applicant: &samples::person(),
        network: &View::default(),
        watch_list: Some(&watch_list),
        identity: &IdentityAnswer::NotConfigured,
        delivery: &DeliveryAnswer::NotConfigured,
        policy: &Policy { floors: [(Code::R708, Decision::Review)].into(), ..Policy::default() },
        forced: None,
        now: at(0),
    });
    Review::opened(id('1'), assessment, at(0))
}

#[test]
fn a_person_decides_about_the_same_review() {
    let opened = review();
    assert_eq!((opened.number, opened.decision), (1, Decision::Review));
    let decided = opened.decided(Decision::Accept, "client-1", &[], at(5));
    assert_eq!((decided.number, decided.review_id), (2, opened.review_id));
    assert_eq!(decided.rule, "manual_decision.accept");
    assert_eq!((decided.created_at, decided.updated_at), (at(0), at(5)));
    assert_eq!(decided.assessment, opened.assessment, "what was found stays found");
    assert_eq!(decided.cause, Cause::Decided { by: "client-1".into() });
}

#[test]
fn a_new_run_is_a_new_review_in_the_same_history() {
    let opened = review();
    let renewed = opened.renewed(id('2'), opened.assessment.clone(), at(9));
    assert_eq!((renewed.number, renewed.review_id, renewed.cause), (2, id('2'), Cause::Renewed));
    assert_eq!((renewed.created_at, renewed.updated_at), (at(9), at(9)));
}

/// What searching the lists gave: these entries.
fn hits(entries: &[&str]) -> WatchList {
    WatchList {
        matches: entries
            .iter()
            .map(|entry| Match {
                list_name: "L".into(),
                urls: vec![],
                match_fields: vec!["name".into()],
                score: Score::thousandths(900),
                code: Code::R180,
                entry: (*entry).into(),
                verdict: Verdict::Open,
                is_earlier: false,
            })
            .collect(),
        covers_sanctions: true,
        ..WatchList::default()
    }
}

const ACCEPT: Option<Decision> = Some(Decision::Accept);
const REVIEW: Option<Decision> = Some(Decision::Review);
const REJECT: Option<Decision> = Some(Decision::Reject);

#[test]
fn a_later_match_moves_a_verified_customer_and_is_told_once() {
    let none = BTreeSet::new();
    let verified = review().decided(Decision::Accept, "client-1", &[], at(5));
    let first = || hits(&["sdn/1@aa"]);
    let listed = verified.rescreened(first(), &none, REVIEW, at(7)).unwrap();
    assert_eq!((listed.number, listed.decision), (3, Decision::Review));
    assert_eq!((listed.rule.as_str(), listed.cause.clone()), ("watch_list.review", Cause::Listed));
    assert!(listed.rescreened(first(), &none, REVIEW, at(8)).is_none(), "the same is no news");
    let cleared = listed.decided(Decision::Accept, "client-1", &[], at(9));
    assert!(cleared.rescreened(first(), &none, ACCEPT, at(10)).is_none(), "a person cleared it");
    let altered = cleared.rescreened(hits(&["sdn/1@bb"]), &none, REVIEW, at(10));
    assert_eq!(altered.map(|entry| entry.decision), REVIEW, "an altered entry is news");
    let rejected = review().decided(Decision::Reject, "client-1", &[], at(5));
    // Where the customer stands at nothing that a review says, a match never makes it milder.
    for stands in [REJECT, None] {
        let still = rejected.rescreened(first(), &none, stands, at(7)).unwrap();
        assert_eq!(still.decision, Decision::Reject);
    }
    assert!(verified.rescreened(hits(&[]), &none, ACCEPT, at(7)).is_none());
}

/// A scan whose hit of this content is known so.
fn scan(entity: &str, content: &str, (status, verdict): (ScanStatus, Verdict)) -> Scan {
    let hit = KnownHit { content: fingerprint(content), subject: None, verdict, listed: true };
    Scan { status, hits: [(ListedEntity::parse(entity).unwrap(), hit)].into() }
}

fn fingerprint(digits: &str) -> Fingerprint {
    Fingerprint::parse(&digits.repeat(8)).unwrap()
}

#[test]
fn a_decision_about_a_scan_is_a_further_entry_about_the_same_run() {
    const CLEARED: (ScanStatus, Verdict) = (ScanStatus::Clear, Verdict::Cleared);
    const OPEN: (ScanStatus, Verdict) = (ScanStatus::Failed, Verdict::Open);
    let none = BTreeSet::new();
    let entry = |list: &str| format!("{list}/1@{}", fingerprint("aa").as_str());
    let both = hits(&[&entry("sdn"), &entry("pep")]);
    let listed = review().rescreened(both, &none, REVIEW, at(1)).unwrap();
    let barred = Review { is_barred: true, ..listed.clone() };
    let mild = |mut entry: Review| {
        entry.assessment.breakdown.address = None;
        entry.assessment.kyc = None;
        entry
    };
    for (name, entry, content, ofac, stands, rule, of_lists) in [
        ("one is left", &listed, "aa", OPEN, REVIEW, "watch_list.review", Decision::Review),
        ("another module", &listed, "aa", CLEARED, REVIEW, "kyc.review", Decision::Accept),
        ("other content", &listed, "bb", CLEARED, REVIEW, "watch_list.review", Decision::Review),
        (
            "a person",
            &mild(barred),
            "aa",
            CLEARED,
            REVIEW,
            "earlier_rejection.review",
            Decision::Accept,
        ),
        (
            "nothing said",
            &mild(listed.clone()),
            "aa",
            CLEARED,
            None,
            "watch_list.cleared",
            Decision::Accept,
        ),
    ] {
        let scans = [scan("sdn/1", content, ofac), scan("pep/1", "aa", CLEARED)];
        let next = entry.scan_decided(stands, "client-1", &scans.each_ref(), at(2));
        assert_eq!((next.number, next.review_id), (entry.number + 1, entry.review_id), "{name}");
        assert_eq!((next.decision, next.rule.as_str()), (Decision::Review, rule), "{name}");
        assert_eq!(next.assessment.watch_list.finding.decision, of_lists, "{name}");
        assert_eq!(next.cause, Cause::ScanDecided { by: "client-1".into() }, "{name}");
        assert_eq!(next.bars(), entry.bars(), "{name}: it takes back nothing");
    }
    // What was cleared is news when it is open again, and none when its list takes it away.
    let scans = [scan("sdn/1", "aa", CLEARED), scan("pep/1", "aa", CLEARED)];
    let cleared = listed.scan_decided(REVIEW, "client-1", &scans.each_ref(), at(2));
    let again = cleared.rescreened(hits(&[&entry("sdn"), &entry("pep")]), &none, REVIEW, at(3));
    assert_eq!(again.map(|again| again.cause), Some(Cause::Listed));
    let gone = ListedEntity::new("sdn", "1");
    assert!(cleared.rescreened(hits(&[]), &BTreeSet::from([&gone]), REVIEW, at(3)).is_none());
    // What the record had no room for may be what is still open.
    let mut cut = listed.clone();
    let searched = cut.assessment.watch_list.searched.as_mut().unwrap();
    (searched.left_out, searched.matches) = (1, hits(&[&entry("sdn")]).matches);
    for (pep, codes) in [(OPEN, vec![Code::R180, Code::G006]), (CLEARED, vec![Code::G006])] {
        let scans = [scan("sdn/1", "aa", CLEARED), scan("pep/1", "aa", pep)];
        let next = cut.scan_decided(REVIEW, "client-1", &scans.each_ref(), at(2));
        assert_eq!(next.assessment.watch_list.finding.codes, codes.into_iter().collect());
    }
    // A rejection by the same match is the policy's until the modules run again; another rule stands.
    let turned_away = Review { decision: Decision::Reject, ..listed.clone() };
    let next = turned_away.scan_decided(REJECT, "client-1", &scans.each_ref(), at(2));
    assert_eq!((next.decision, next.rule.as_str()), (Decision::Reject, "watch_list.cleared"));
    let scans = [scan("sdn/1", "aa", CLEARED)];
    let next = review().scan_decided(REVIEW, "client-1", &scans.each_ref(), at(2));
    assert_eq!(next.rule, review().rule);
}

/// Whatever the scans make of a customer, the latest entry says the same.
#[test]
fn an_entry_says_where_the_customer_stands() {
    let none = BTreeSet::new();
    let first = || hits(&["sdn/1@aa"]);
    let listed = review().rescreened(first(), &none, REVIEW, at(1)).unwrap();
    // The same entry hits what the customer is now, which nobody has cleared.
    let accepted = listed.decided(Decision::Accept, "client-1", &[], at(2));
    let again = accepted.rescreened(first(), &none, REVIEW, at(3)).unwrap();
    assert_eq!((again.decision, again.cause), (Decision::Review, Cause::Listed));
    // What a person has confirmed and the list then withdrew goes back to a person.
    let confirmed = listed.decided(Decision::Reject, "client-1", &[], at(2));
    let gone = ListedEntity::new("sdn", "1");
    let gone = BTreeSet::from([&gone]);
    let back = confirmed.rescreened(hits(&[]), &gone, REVIEW, at(3)).unwrap();
    assert_eq!((back.decision, back.cause), (Decision::Review, Cause::Withdrawn));
}

/// The entry is not left saying that somebody waits for a person when nobody does.
#[test]
fn a_withdrawn_match_takes_its_decision_along() {
    let none = BTreeSet::new();
    let gone = ListedEntity::new("sdn", "1");
    let gone = BTreeSet::from([&gone]);
    // What the other modules said stays said: this one is in review by another code as well.
    let opened = review();
    let listed = opened.rescreened(hits(&["sdn/1@aa"]), &none, REVIEW, at(1)).unwrap();
    let left = listed.rescreened(hits(&[]), &gone, REVIEW, at(2)).unwrap();
    assert_eq!(
        (left.number, left.decision, left.cause.clone()),
        (3, Decision::Review, Cause::Withdrawn)
    );
    assert_eq!(left.rule, "watch_list.withdrawn");
    assert!(left.assessment.watch_list.searched.as_ref().unwrap().matches.is_empty());
    assert!(left.rescreened(hits(&[]), &gone, REVIEW, at(3)).is_none(), "told once");
    let clear = listed.rescreened(hits(&[]), &gone, ACCEPT, at(2)).unwrap();
    assert_eq!((clear.decision, clear.cause), (Decision::Accept, Cause::Withdrawn));
    let decided = listed.decided(Decision::Reject, "client-1", &[], at(7));
    assert!(decided.rescreened(hits(&[]), &gone, REJECT, at(8)).is_none(), "it outlives the list");
    // An entry that was no match is no news.
    let other = ListedEntity::new("sdn", "11");
    let other = BTreeSet::from([&other]);
    assert!(left.rescreened(hits(&[]), &other, REVIEW, at(7)).is_none());
}

/// A person's rejection is carried through every later run, until a person decides otherwise.
#[test]
fn a_rejection_bars_until_a_person_takes_it_back() {
    let rejected = review().decided(Decision::Reject, "client-1", &[], at(1));
    let run = |entry: &Review, minute| entry.renewed(id('2'), entry.assessment.clone(), at(minute));
    let (once, none) = (run(&rejected, 2), BTreeSet::new());
    let twice = run(&once, 3);
    let listed = twice.rescreened(hits(&["sdn/1@aa"]), &none, REVIEW, at(4)).unwrap();
    for entry in [&rejected, &once, &twice, &listed] {
        assert!(entry.bars(), "{}", entry.number);
        // Entries of a release that did not carry it bar where they are the decision itself.
        let mut json = serde_json::to_value(entry).unwrap();
        json.as_object_mut().unwrap().remove("isBarred");
        let earlier: Review = serde_json::from_value(json).unwrap();
        assert_eq!(earlier.bars(), entry.number == rejected.number);
    }
    let accepted = listed.decided(Decision::Accept, "client-1", &[], at(5));
    assert!(!accepted.bars() && !run(&accepted, 6).bars() && !review().bars());
    let again = run(&accepted, 6).decided(Decision::Reject, "client-1", &[], at(7));
    assert!(run(&again, 8).bars());
}

#[test]
fn entries_survive_storage() {
    for entry in [review(), review().decided(Decision::Reject, "client-1", &[], at(5))] {
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(serde_json::from_value::<Review>(json).unwrap(), entry);
        let item: serde_dynamo::Item = serde_dynamo::to_item(&entry).unwrap();
        assert_eq!(serde_dynamo::from_item::<_, Review>(item).unwrap(), entry);
        // An earlier release knew no limits for bank accounts; what the default's would be now is told of its reviews.
        let mut json = serde_json::to_value(&entry).unwrap();
        for limits in ["velocity", "otherNames"] {
            let limits = &mut json["assessment"]["policy"][limits];
            limits.as_object_mut().unwrap().remove("bankAccount").unwrap();
        }
        let item: serde_dynamo::Item = serde_dynamo::to_item(&json).unwrap();
        assert_eq!(serde_dynamo::from_item::<_, Review>(item).unwrap(), entry);
    }
}
