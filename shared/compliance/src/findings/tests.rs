//! What a run finds and what it counts as withdrawn, over lists that change.

use std::sync::Arc;

use domain::audit::AuditAction;
use domain::scan::{Decision, ScanKind, ScanStatus};
use screening::{Index, Topic};

use super::*;
use crate::delta::{ListDelta, OpenDelta};
use crate::screen::{MOST_HITS, MOST_MEDIA_HITS, Whose};
use crate::testing::{
    at, business, customer, index, media, organisations, person, sanctions, speakers,
};
use crate::watch::{Asks, Known, Watch};

const ANA: (&str, &str, &str) = ("1", "Anatolia Quillson", "");
const DOV: (&str, &str, &str) = ("2", "Dov Eskarin", "");

fn run(customer: &mut Customer, set: &EditionSet) -> (Findings, domain::customer::Change) {
    let found = screen_customer(customer, &[], set, &Config::default());
    let revision = customer.subject_revision;
    let (ofac, pep_scan, media) = (&found.ofac, &found.pep_scan, found.adverse_media.as_ref());
    let change = customer.screened(revision, ofac, pep_scan, media, at(1)).unwrap();
    (found, change)
}

/// What a sweep past the change from `old` to `new` would ask for.
fn asks(customer: &Customer, old: &EditionSet, new: &EditionSet) -> Asks {
    asks_of("sdn", (customer, true), old, new)
}

/// The same of another list, and of a customer that may have further addresses.
fn asks_of(
    list: &str,
    (customer, complete): (&Customer, bool),
    old: &EditionSet,
    new: &EditionSet,
) -> Asks {
    let (from, to) = (old.index_of(list).unwrap(), new.index_of(list).unwrap());
    let Some((delta, bytes)) = ListDelta::between(list, ("a", from), ("b", to)).unwrap() else {
        return Asks::No;
    };
    let index = bytes.map(|bytes| Arc::new(Index::from_bytes(bytes).unwrap()));
    let (delta, config) = (OpenDelta::new("d".to_owned(), delta, index), Config::default());
    let subject = Subject::of(customer, &[]);
    Watch::new(&delta, &config).asks(&subject, complete, Known::of(customer))
}

/// A search that cannot come to an end has found nothing out.
#[test]
fn whom_a_delta_cannot_be_searched_for_is_asked_for() {
    let (old, new) = (sanctions(&[ANA]), sanctions(&[ANA, DOV]));
    assert_eq!(asks(&customer("\u{1f642}", "\u{2014}"), &old, &new), Asks::Yes);
    assert_eq!(asks(&customer("Cyra", "Dunholt"), &old, &new), Asks::No);
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

/// A list that has the entry still says that somebody is meant; whether it is this customer, a person decides.
#[test]
fn an_entry_that_is_altered_until_it_no_longer_matches_closes_nothing() {
    let mut ana = customer("Anatolia", "Quillson");
    let (old, new) = (sanctions(&[ANA, DOV]), sanctions(&[("1", "Bertil Oxenmark", ""), DOV]));
    run(&mut ana, &old);
    assert_eq!(asks(&ana, &old, &new), Asks::Yes);
    let (found, change) = run(&mut ana, &new);
    assert_eq!(ana.ofac.status, ScanStatus::Failed);
    assert!(!found.withdraws() && change.is_empty());
    let [noted] = &found.screening.withdrawn[..] else { panic!("noted for the person") };
    assert_eq!((noted.uid.as_str(), noted.reason), ("1", WithdrawalReason::Altered));
    // Removed for good, it closes.
    run(&mut ana, &sanctions(&[DOV]));
    assert_eq!(ana.ofac.status, ScanStatus::Clear);
}

/// Namesakes of the customer, and these as well.
fn crowd(count: usize, more: &[(&str, &str, &str)]) -> EditionSet {
    let names: Vec<String> = (0..count).map(|number| format!("c{number:05}")).collect();
    let mut people: Vec<(&str, &str, &str)> =
        names.iter().map(|uid| (uid.as_str(), "Anatolia Quillson", "")).collect();
    people.extend(more);
    sanctions(&people)
}

/// Twenty hits are explained of a list. The others decide as well.
#[test]
fn a_new_hit_behind_a_crowd_of_cleared_ones_is_raised() {
    for count in [30, 300] {
        let mut ana = customer("Anatolia", "Quillson");
        let (found, _) = run(&mut ana, &crowd(count, &[]));
        assert_eq!(found.screening.ofac.len(), Config::default().max_hits);
        assert_eq!((found.ofac.hits.len(), found.screening.hit_count()), (count, count as u64));
        ana.decide(ScanKind::Ofac, Decision::Clear, at(2)).unwrap();
        assert!(run(&mut ana, &crowd(count, &[])).1.is_empty());
        let (old, new) = (crowd(count, &[]), crowd(count, &[("zz", "Anatolia Quillsen", "")]));
        assert_eq!(asks(&ana, &old, &new), Asks::Yes);
        run(&mut ana, &new);
        assert_eq!(ana.ofac.status, ScanStatus::Failed);
        let open: Vec<&str> = ana.ofac.undecided().map(|(entity, _)| entity.uid()).collect();
        assert_eq!(open, ["zz"]);
    }
}

#[test]
fn what_lies_beyond_the_bound_waits_for_a_person() {
    let mut ana = customer("Anatolia", "Quillson");
    let (count, more) = (MOST_HITS + 50, ListedEntity::beyond_the_bound());
    let (found, _) = run(&mut ana, &crowd(count, &[]));
    assert_eq!(found.ofac.hits.len(), MOST_HITS + 1);
    assert!(ana.ofac.hits.contains_key(&more));
    assert_eq!(found.screening.hit_count(), count as u64);
    // All cleared: it stays so, until any of them changes or another one comes.
    ana.decide(ScanKind::Ofac, Decision::Clear, at(2)).unwrap();
    assert!(run(&mut ana, &crowd(count, &[])).1.is_empty());
    run(&mut ana, &crowd(count + 1, &[]));
    assert_eq!(ana.ofac.status, ScanStatus::Failed);
    let open: Vec<&ListedEntity> = ana.ofac.undecided().map(|(entity, _)| entity).collect();
    assert_eq!(open, [&more]);
    // That there were more than are kept is nothing that a list withdraws.
    run(&mut ana, &crowd(3, &[]));
    assert_eq!(ana.ofac.status, ScanStatus::Failed);
}

/// A search that a crowd kept from coming to its end found less than there may be.
#[test]
fn a_list_that_is_not_searched_through_waits_for_a_person() {
    let mut ana = customer("Anatolia", "Quillson");
    let set = crowd(screening::MOST_SCORED + 10, &[("zz", "Anatolia Quillsen", "")]);
    let (found, _) = run(&mut ana, &set);
    assert_eq!(found.screening.cut, ["sdn"]);
    assert!(ana.ofac.hits.contains_key(&ListedEntity::beyond_the_bound()));
    assert!(!ana.pep_scan.hits.contains_key(&ListedEntity::beyond_the_bound()));
    // What a sweep's delta found is looked for by name.
    let count = |set: &EditionSet| {
        answer(&Subject::of(&ana, &[]), &[], set, &Config::default(), true).screening.hit_count()
    };
    let key = EntityKey { list_id: "sdn".to_owned(), uid: "zz".to_owned() };
    assert_eq!(count(&set.seeking(vec![key])), count(&set) + 1);
}

/// As many lists and hits as there may be: what is written fits where it is written.
#[test]
fn the_evidence_of_any_screening_fits_an_item() {
    let lists: Vec<Index> = (0..30)
        .map(|list| {
            let uids: Vec<String> =
                (0..60).map(|at| format!("{at:02}-{}", "k".repeat(120))).collect();
            let name = "Anatolia Quillson de la Fuente y Cyra Dunholt Eskarin Oxenmark";
            let people: Vec<(&str, &str, &str)> =
                uids.iter().map(|uid| (uid.as_str(), name, "")).collect();
            Index::from_bytes(index(&format!("list-{list:02}"), Topic::Sanctions, &people)).unwrap()
        })
        .collect();
    let ana = customer("Anatolia Quillson de la Fuente y", "Cyra Dunholt Eskarin Oxenmark");
    let found = screen_customer(&ana, &[], &EditionSet::of(lists), &Config::default());
    let text = serde_json::to_string(&found.screening).unwrap();
    assert!(text.len() < 340_000, "{} bytes", text.len());
    assert!(found.screening.ofac.len() > 20 && found.screening.further.len() > 100);
    assert!(found.screening.left_out > 0);
    assert_eq!(found.screening.hit_count(), 30 * 60);
    assert_eq!(found.ofac.hits.len(), MOST_HITS + 1);
}

/// Nor do more withdrawn hits than there is room for burst it.
#[test]
fn the_evidence_of_a_list_that_loses_everything_fits_an_item() {
    let mut ana = customer("Anatolia", "Quillson");
    let content = Fingerprint::parse("0123456789abcdef").unwrap();
    for at in 0..1_600 {
        let entity = ListedEntity::new("sdn", &format!("{at:04}-{}", "k".repeat(120)));
        let hit = KnownHit {
            content: content.clone(),
            subject: None,
            verdict: domain::scan::Verdict::Open,
            listed: true,
        };
        ana.ofac.hits.insert(entity, hit);
    }
    let found = screen_customer(&ana, &[], &sanctions(&[DOV]), &Config::default());
    let text = serde_json::to_string(&found.screening).unwrap();
    assert!(text.len() < 65_000, "{} bytes", text.len());
    let (kept, left_out) =
        (found.screening.withdrawn.len() as u64, found.screening.withdrawn_left_out);
    assert!(kept > 100 && kept + left_out == 1_600, "{kept} {left_out}");
    assert_eq!(found.ofac.withdrawn.len(), 1_600, "all of them are");
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
    // Another name, and the entry altered.
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

/// A list that no scan of a contract covers is swept for those whom somebody reviews.
#[test]
fn a_sweep_of_adverse_media_asks_once_and_again_for_what_was_altered_or_removed() {
    let (old, new) = (media(&[DOV]), media(&[DOV, ANA]));
    let asks = |customer: &Customer, old: &EditionSet, new: &EditionSet| {
        asks_of("news", (customer, true), old, new)
    };
    let mut ana = customer("Anatolia", "Quillson");
    run(&mut ana, &old);
    assert_eq!(asks(&ana, &old, &new), Asks::Yes);
    assert_eq!(asks(&customer("Bob", "Smith"), &old, &new), Asks::No);
    let (found, change) = run(&mut ana, &new);
    assert_eq!(
        (ana.adverse_media.status, &change.fields[..]),
        (ScanStatus::Failed, &["adverseMedia".to_owned()][..])
    );
    assert_eq!((ana.ofac.status, ana.pep_scan.status), (ScanStatus::Clear, ScanStatus::Pending));
    let named: Vec<&str> =
        found.screening.adverse_media.iter().map(|hit| hit.hit.uid.as_str()).collect();
    assert_eq!((named, found.screening.hit_count()), (vec!["1"], 1));
    assert_eq!(asks(&ana, &old, &new), Asks::No, "known");
    assert!(run(&mut ana, &new).1.is_empty());
    let altered = media(&[DOV, ("1", "Anatolia Quillson", "convicted")]);
    assert_eq!(asks(&ana, &new, &altered), Asks::Yes);
    let gone = media(&[DOV]);
    assert_eq!(asks(&ana, &new, &gone), Asks::Yes);
    let (found, _) = run(&mut ana, &gone);
    assert!(found.withdraws());
    assert_eq!(ana.adverse_media, Scan::clear());
    assert_eq!(asks(&ana, &new, &gone), Asks::No, "nothing of it is known any more");
}

#[test]
fn whom_nobody_reviews_adverse_media_do_not_concern() {
    let (old, new) = (media(&[DOV]), media(&[DOV, ANA]));
    let mut ana = customer("Anatolia", "Quillson");
    for complete in [true, false] {
        assert_ne!(asks_of("news", (&ana, complete), &old, &new), Asks::No);
    }
    ana.verification = domain::verification::Verification::NotAsked;
    for complete in [true, false] {
        assert_eq!(asks_of("news", (&ana, complete), &old, &new), Asks::No, "no address is read");
    }
    let (found, _) = run(&mut ana, &new);
    assert!(found.adverse_media.is_none() && !found.hits());
    assert_eq!((found.screening.hit_count(), &ana.adverse_media), (0, &Scan::clear()));
}

/// They stand in the customer's record beside the hits of two scans.
#[test]
fn fewer_of_adverse_media_are_kept_by_name() {
    let mut ana = customer("Anatolia", "Quillson");
    let uids: Vec<String> = (0..MOST_MEDIA_HITS + 5).map(|at| format!("{at:03}")).collect();
    let people: Vec<(&str, &str, &str)> =
        uids.iter().map(|uid| (uid.as_str(), "Anatolia Quillson", "")).collect();
    let (found, _) = run(&mut ana, &media(&people));
    assert_eq!(ana.adverse_media.hits.len(), MOST_MEDIA_HITS + 1);
    assert!(ana.adverse_media.hits.contains_key(&ListedEntity::beyond_the_bound()));
    assert_eq!(found.screening.hit_count(), people.len() as u64);
    assert!(run(&mut ana, &media(&people)).1.is_empty());
}

/// A business is its name in law and those who speak for it as well.
#[test]
fn who_is_behind_a_business_is_screened_with_it() {
    let (old, new) = (sanctions(&[DOV]), sanctions(&[DOV, ANA]));
    let listed =
        |legal: Option<&str>, speakers: &[&str]| business("Blue Harbor Bakery", legal, speakers);
    for (mut firm, whose) in [
        (listed(None, &["Ann Harbor", "Anatolia Quillson"]), Whose::Representative),
        (listed(Some("Anatolia Quillson"), &[]), Whose::LegalName),
    ] {
        // The entry's type says nothing against a name in law.
        let unknown = [("1", "Anatolia Quillson", "")];
        let new = if whose == Whose::LegalName { organisations(&unknown) } else { new.clone() };
        let old = if whose == Whose::LegalName { organisations(&[DOV]) } else { old.clone() };
        run(&mut firm, &old);
        assert_eq!(firm.ofac.status, ScanStatus::Clear, "{whose:?}");
        assert_eq!(asks(&firm, &old, &new), Asks::Yes, "{whose:?}");
        let (found, _) = run(&mut firm, &new);
        assert_eq!(firm.ofac.status, ScanStatus::Failed, "{whose:?}");
        let [hit] = &found.screening.ofac[..] else { panic!("one hit") };
        assert_eq!((hit.hit.uid.as_str(), hit.whose), ("1", Some(whose)));
        let text = serde_json::to_string(&found.screening).unwrap();
        let read: Screening = serde_json::from_str(&text).unwrap();
        assert_eq!(read.ofac, found.screening.ofac);
        // Cleared, it stays so, until another speaks for it.
        firm.decide(ScanKind::Ofac, Decision::Clear, at(2)).unwrap();
        assert!(run(&mut firm, &new).1.is_empty());
        assert_eq!(asks(&firm, &old, &new), Asks::No);
        let said = firm.enrolment.as_mut().unwrap();
        said.representatives.get_or_insert_default().extend(speakers(&["Ida Newcomer"]));
        run(&mut firm, &new);
        assert_eq!(firm.ofac.status, ScanStatus::Failed);
        // It leaves with its entry.
        run(&mut firm, &old);
        assert_eq!(firm.ofac.status, ScanStatus::Clear);
    }
    // A person speaks for itself, and whoever has nobody behind it is what it was.
    let mut ana = customer("Bob", "Smith");
    let before = Subject::of(&ana, &[]).fingerprint();
    ana.enrolment = listed(Some("Anatolia Quillson"), &["Anatolia Quillson"]).enrolment;
    assert_eq!(Subject::of(&ana, &[]).fingerprint(), before);
    let alone = listed(None, &[]);
    assert_ne!(
        Subject::of(&alone, &[]).fingerprint(),
        Subject::of(&listed(None, &["Ann Harbor"]), &[]).fingerprint()
    );
    assert_ne!(
        Subject::of(&listed(None, &["Ida Newcomer"]), &[]).fingerprint(),
        Subject::of(&listed(None, &["Ann Harbor"]), &[]).fingerprint()
    );
    assert_ne!(
        Subject::of(&listed(Some("Ann Harbor"), &[]), &[]).fingerprint(),
        Subject::of(&listed(None, &["Ann Harbor"]), &[]).fingerprint()
    );
    let mut without = alone.clone();
    without.enrolment = None;
    assert_eq!(Subject::of(&alone, &[]).fingerprint(), Subject::of(&without, &[]).fingerprint());
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
        assert_eq!(watch.asks(&Subject::of(&customer, &[]), false, Known::of(&customer)), expected);
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
