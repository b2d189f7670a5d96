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
    let decided = opened.decided(Decision::Accept, "client-1", at(5));
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

#[test]
fn a_later_match_moves_a_verified_customer_and_is_told_once() {
    let verified = review().decided(Decision::Accept, "client-1", at(5));
    let hit = |entry: &str| WatchList {
        matches: vec![Match {
            list_name: "L".into(),
            urls: vec![],
            match_fields: vec!["name".into()],
            score: Score::thousandths(900),
            code: Code::R180,
            entry: entry.into(),
        }],
        covers_sanctions: true,
        ..WatchList::default()
    };
    let listed = verified.rescreened(hit("sdn/1@aa"), at(7)).unwrap();
    assert_eq!((listed.number, listed.decision), (3, Decision::Review));
    assert_eq!((listed.rule.as_str(), listed.cause.clone()), ("watch_list.review", Cause::Listed));
    assert!(listed.rescreened(hit("sdn/1@aa"), at(8)).is_none(), "the same match is no news");
    let cleared = listed.decided(Decision::Accept, "client-1", at(9));
    assert!(cleared.rescreened(hit("sdn/1@aa"), at(10)).is_none(), "a person has cleared it");
    assert!(cleared.rescreened(hit("sdn/1@bb"), at(10)).is_some(), "an altered entry is news");
    let rejected = review().decided(Decision::Reject, "client-1", at(5));
    let still = rejected.rescreened(hit("sdn/1@aa"), at(7)).unwrap();
    assert_eq!(still.decision, Decision::Reject, "a match never makes it milder");
    let none = WatchList { covers_sanctions: true, ..WatchList::default() };
    assert!(verified.rescreened(none, at(7)).is_none());
}

/// The entry is not left saying that somebody waits for a person when nobody does.
#[test]
fn a_withdrawn_match_takes_its_decision_along() {
    let hit = |entries: &[&str]| WatchList {
        matches: entries
            .iter()
            .map(|entry| Match {
                list_name: "L".into(),
                urls: vec![],
                match_fields: vec!["name".into()],
                score: Score::thousandths(900),
                code: Code::R180,
                entry: (*entry).into(),
            })
            .collect(),
        covers_sanctions: true,
        ..WatchList::default()
    };
    let gone = ListedEntity::new("sdn", "1");
    let gone = BTreeSet::from([&gone]);
    // What the other modules said stays said: this one is in review by another code as well.
    let mut opened = review();
    let listed = opened.rescreened(hit(&["sdn/1@aa"]), at(1)).unwrap();
    let left = listed.withdrawn(&[opened.clone()], hit(&[]), &gone, at(2)).unwrap();
    assert_eq!(
        (left.number, left.decision, left.cause.clone()),
        (3, Decision::Review, Cause::Withdrawn)
    );
    assert_eq!(left.rule, "watch_list.withdrawn");
    assert!(left.assessment.watch_list.searched.as_ref().unwrap().matches.is_empty());
    assert!(left.withdrawn(&[], hit(&[]), &gone, at(3)).is_none(), "told once");
    // Without it nothing is left.
    for found in [&mut opened.assessment.breakdown.address, &mut opened.assessment.breakdown.email]
    {
        *found = None;
    }
    let others = opened.assessment.findings().into_iter().map(|(_, found)| found.decision).max();
    let listed = opened.rescreened(hit(&["sdn/1@aa", "sdn/2@bb"]), at(1)).unwrap();
    let still = listed.withdrawn(&[], hit(&["sdn/2@bb"]), &gone, at(2)).unwrap();
    assert_eq!(still.decision, Decision::Review, "another match stands");
    let none = listed.withdrawn(&[], hit(&[]), &gone, at(2)).unwrap();
    assert_eq!(Some(none.decision), others);
    // What a person decided of this review stands, and is what is left of a match that came later.
    let accepted = review().decided(Decision::Accept, "client-1", at(5));
    let listed = accepted.rescreened(hit(&["sdn/1@aa"]), at(6)).unwrap();
    let history = [review(), accepted];
    let left = listed.withdrawn(&history, hit(&[]), &gone, at(7)).unwrap();
    assert_eq!(left.decision, Decision::Accept);
    let decided = listed.decided(Decision::Reject, "client-1", at(7));
    assert!(decided.withdrawn(&history, hit(&[]), &gone, at(8)).is_none());
    // An entry that was no match is no news.
    let other = ListedEntity::new("sdn", "11");
    assert!(listed.withdrawn(&history, hit(&[]), &BTreeSet::from([&other]), at(7)).is_none());
}

#[test]
fn entries_survive_storage() {
    for entry in [review(), review().decided(Decision::Reject, "client-1", at(5))] {
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(serde_json::from_value::<Review>(json).unwrap(), entry);
        let item: serde_dynamo::Item = serde_dynamo::to_item(&entry).unwrap();
        assert_eq!(serde_dynamo::from_item::<_, Review>(item).unwrap(), entry);
    }
}
