//! What a run finds and what it counts as withdrawn, over lists that change.

use std::sync::Arc;

use domain::audit::AuditAction;
use domain::scan::{Decision, ScanKind, ScanStatus};
use screening::{Index, Topic};

use super::*;
use crate::delta::{ListDelta, OpenDelta};
use crate::testing::{at, customer, index, person, sanctions};
use crate::watch::{Asks, Watch};

const ANA: (&str, &str, &str) = ("1", "Anatolia Quillson", "");
const DOV: (&str, &str, &str) = ("2", "Dov Eskarin", "");

fn run(customer: &mut Customer, set: &EditionSet) -> (Findings, domain::customer::Change) {
    let found = screen_customer(customer, &[], set, &Config::default());
    let revision = customer.subject_revision;
    let change = customer.screened(revision, &found.ofac, &found.pep_scan, at(1)).unwrap();
    (found, change)
}

/// What a sweep past the change from `old` to `new` would ask for.
fn asks(customer: &Customer, old: &EditionSet, new: &EditionSet) -> Asks {
    let (from, to) = (old.index_of("sdn").unwrap(), new.index_of("sdn").unwrap());
    let Some((delta, bytes)) = ListDelta::between("sdn", ("a", from), ("b", to)).unwrap() else {
        return Asks::No;
    };
    let index = bytes.map(|bytes| Arc::new(Index::from_bytes(bytes).unwrap()));
    let (delta, config) = (OpenDelta::new("d".to_owned(), delta, index), Config::default());
    let subject = Subject::of(customer, &[]);
    Watch::new(&delta, &config).asks(&subject, true, [&customer.ofac, &customer.pep_scan])
}

/// Nobody is cleared by a list that is not there.
#[test]
fn a_scan_of_whose_kind_no_list_is_at_hand_stays_pending() {
    let pep = Index::from_bytes(index("peps", Topic::Pep, &[DOV])).unwrap();
    for (set, ofac, pep_scan) in [
        (sanctions(&[DOV]), ScanStatus::Clear, ScanStatus::Pending),
        (EditionSet::of(vec![pep]), ScanStatus::Pending, ScanStatus::Clear),
    ] {
        let mut ana = customer("Anatolia", "Quillson");
        run(&mut ana, &set);
        assert_eq!((ana.ofac.status, ana.pep_scan.status), (ofac, pep_scan));
    }
}

#[test]
fn an_entry_that_leaves_the_list_takes_its_case_along() {
    let mut ana = customer("Anatolia", "Quillson");
    let (old, new) = (sanctions(&[ANA, DOV]), sanctions(&[DOV]));
    run(&mut ana, &old);
    assert_eq!(ana.ofac.status, ScanStatus::Failed);
    assert_eq!(asks(&ana, &old, &new), Asks::Yes);
    let (found, change) = run(&mut ana, &new);
    assert_eq!(ana.ofac.status, ScanStatus::Clear);
    assert_eq!(change.events.len(), 1);
    let [withdrawal] = &found.screening.withdrawn[..] else { panic!("one is withdrawn") };
    assert_eq!((withdrawal.uid.as_str(), withdrawal.reason), ("1", WithdrawalReason::Removed));
    assert!(found.withdraws());
    // Once is enough.
    let (again, change) = run(&mut ana, &new);
    assert!(!again.withdraws() && change.is_empty());
}

#[test]
fn an_entry_that_is_altered_until_it_no_longer_matches_is_withdrawn() {
    let mut ana = customer("Anatolia", "Quillson");
    let (old, new) = (sanctions(&[ANA, DOV]), sanctions(&[("1", "Bertil Oxenmark", ""), DOV]));
    run(&mut ana, &old);
    assert_eq!(asks(&ana, &old, &new), Asks::Yes);
    let (found, _) = run(&mut ana, &new);
    assert_eq!(ana.ofac.status, ScanStatus::Clear);
    assert_eq!(found.screening.withdrawn[0].reason, WithdrawalReason::Altered);
}

#[test]
fn what_is_missing_without_the_lists_doing_stays() {
    let old = sanctions(&[ANA, DOV]);
    let failed = || {
        let mut ana = customer("Anatolia", "Quillson");
        run(&mut ana, &old);
        ana
    };
    // Another name of the customer.
    let mut renamed = failed();
    renamed
        .change_party(person("Bertil", "Oxenmark", None), AuditAction::ChangeName, at(2))
        .unwrap();
    assert!(!run(&mut renamed, &old).0.withdraws());
    assert_eq!(renamed.ofac.status, ScanStatus::Failed);
    // Another name, and the entry altered: nobody can say which of the two it was.
    let altered = sanctions(&[("1", "Cyra Dunholt", ""), DOV]);
    assert!(!run(&mut renamed, &altered).0.withdraws());
    // But an entry that is gone is gone, whoever the customer is.
    run(&mut renamed, &sanctions(&[DOV]));
    assert_eq!(renamed.ofac.status, ScanStatus::Clear);
    // The list is not at hand at all.
    let mut ana = failed();
    let pep = Index::from_bytes(index("pep", Topic::Pep, &[DOV])).unwrap();
    assert!(!run(&mut ana, &EditionSet::of(vec![pep])).0.withdraws());
    assert_eq!(ana.ofac.status, ScanStatus::Failed);
    // A higher threshold, both sides as they were.
    let strict = Config { threshold: 1.1, ..Config::default() };
    let found = screen_customer(&ana, &[], &old, &strict);
    assert!(!found.hits() && !found.withdraws());
    // More hits than are reported: an altered entry may be among those left out.
    let crowd: Vec<(String, String)> =
        (0..30).map(|number| (format!("c{number:02}"), "Anatolia Quillson".to_owned())).collect();
    let mut listed: Vec<(&str, &str, &str)> =
        crowd.iter().map(|(uid, name)| (uid.as_str(), name.as_str(), "")).collect();
    listed.push(("1", "Anatolia Quilson", "altered"));
    assert!(!screen_customer(&ana, &[], &sanctions(&listed), &Config::default()).withdraws());
}

#[test]
fn a_cleared_hit_comes_back_when_either_side_changes_and_not_before() {
    let old = sanctions(&[ANA, DOV]);
    let mut ana = customer("Anatolia", "Quillson");
    run(&mut ana, &old);
    ana.decide(ScanKind::Ofac, Decision::Clear, at(2)).unwrap();
    // Unchanged, while the list changes elsewhere.
    let elsewhere = sanctions(&[ANA, ("2", "Dov Eskarin", "a remark"), ("3", "Cyra Dunholt", "")]);
    assert_eq!(asks(&ana, &old, &elsewhere), Asks::No);
    assert!(run(&mut ana, &elsewhere).1.is_empty());
    assert_eq!(ana.ofac.status, ScanStatus::Clear);
    // The entry altered.
    let altered = sanctions(&[("1", "Anatolia Quillson", "also known in the south"), DOV]);
    let mut one = ana.clone();
    assert_eq!(asks(&one, &elsewhere, &altered), Asks::Yes);
    run(&mut one, &altered);
    assert_eq!(one.ofac.status, ScanStatus::Failed);
    // The customer altered.
    let mut other = ana.clone();
    let born = person("Anatolia", "Quillson", Some("1980-03-06"));
    other.change_party(born, AuditAction::ChangeProfile, at(3)).unwrap();
    run(&mut other, &elsewhere);
    assert_eq!(other.ofac.status, ScanStatus::Failed);
    // The entry gone and back, as it was.
    run(&mut ana, &sanctions(&[DOV]));
    assert_eq!(asks(&ana, &sanctions(&[DOV]), &old), Asks::No);
    run(&mut ana, &old);
    assert_eq!(ana.ofac.status, ScanStatus::Clear);
}

#[test]
fn a_sweep_asks_for_those_that_a_delta_concerns() {
    let (old, new) = (sanctions(&[DOV]), sanctions(&[DOV, ANA]));
    let mut ana = customer("Anatolia", "Quillson");
    let mut bob = customer("Bob", "Smith");
    for customer in [&mut ana, &mut bob] {
        run(customer, &old);
        assert_eq!(customer.ofac.status, ScanStatus::Clear);
    }
    assert_eq!(asks(&ana, &old, &new), Asks::Yes);
    assert_eq!(asks(&bob, &old, &new), Asks::No);
    // Dov hits what did not change.
    let mut dov = customer("Dov", "Eskarin");
    run(&mut dov, &old);
    assert_eq!(asks(&dov, &old, &new), Asks::No);
    // Asked twice, the second time in vain.
    run(&mut ana, &new);
    assert_eq!(ana.ofac.status, ScanStatus::Failed);
    assert_eq!(asks(&ana, &old, &new), Asks::No);
}

#[test]
fn further_addresses_are_read_only_where_they_could_matter() {
    let index = Index::from_bytes(index("sdn", Topic::Sanctions, &[ANA])).unwrap();
    let delta = ListDelta::first("sdn", "b", 1);
    let (delta, config) =
        (OpenDelta::new("d".to_owned(), delta, Some(Arc::new(index))), Config::default());
    let mut watch = Watch::new(&delta, &config);
    for (first, last, expected) in
        [("Anatolia", "Quillson", Asks::WithAddresses), ("Bob", "Smith", Asks::No)]
    {
        let customer = customer(first, last);
        let scans = [&customer.ofac, &customer.pep_scan];
        assert_eq!(watch.asks(&Subject::of(&customer, &[]), false, scans), expected);
    }
}

#[test]
fn the_digest_names_the_whole_answer() {
    let ana = customer("Anatolia", "Quillson");
    let digest = |customer: &Customer, set: &EditionSet| {
        screen_customer(customer, &[], set, &Config::default()).digest().unwrap()
    };
    let (old, new) = (sanctions(&[ANA]), sanctions(&[ANA, DOV]));
    assert_eq!(digest(&ana, &old), digest(&ana, &old));
    let all = [digest(&ana, &old), digest(&ana, &new), digest(&customer("Bob", "Smith"), &old)];
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "{all:?}");
}
