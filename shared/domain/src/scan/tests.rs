//! The table of the module, case by case, and what holds over any history.

use proptest::prelude::*;

use super::ScanStatus::{Clear, Failed, Pending, Positive, Reviewing};
use super::*;

fn entity(name: &str) -> ListedEntity {
    ListedEntity::new("sdn", name)
}

/// A fingerprint that differs with the number.
fn print(number: u8) -> Fingerprint {
    Fingerprint::parse(&format!("{number:016x}")).unwrap()
}

fn finding(subject: u8, hits: &[(&str, u8)], withdrawn: &[&str]) -> Finding {
    Finding {
        is_searched: true,
        subject: print(subject),
        hits: hits.iter().map(|(name, content)| (entity(name), print(*content))).collect(),
        withdrawn: withdrawn.iter().map(|name| entity(name)).collect(),
    }
}

fn hit(verdict: Verdict) -> KnownHit {
    KnownHit { content: print(1), subject: Some(print(1)), verdict, listed: true }
}

/// A scan that knows the entry `a` as its status implies.
fn scan(status: ScanStatus) -> Scan {
    let verdict = match status {
        Clear | Pending => Verdict::Cleared,
        Failed | Reviewing => Verdict::Open,
        Positive => Verdict::Confirmed,
    };
    Scan { status, hits: BTreeMap::from([(entity("a"), hit(verdict))]) }
}

#[test]
fn what_was_not_searched_is_not_clear() {
    let nowhere = Finding { is_searched: false, ..finding(1, &[], &[]) };
    for status in [Pending, Clear, Failed, Reviewing, Positive] {
        let before = if status == Pending { Scan::default() } else { scan(status) };
        assert_eq!(before.after_screening(&nowhere).status, status);
    }
}

/// Under each name of a customer others hit, and nobody decides: the record stays small, and the case open.
#[test]
fn open_hits_of_earlier_names_become_one() {
    let mut known = Scan::default();
    let more = ListedEntity::beyond_the_bound();
    for name in 0..20_u8 {
        let uids: Vec<String> = (0..100).map(|at| format!("{name}-{at}")).collect();
        let hits: Vec<(&str, u8)> = uids.iter().map(|uid| (uid.as_str(), 1)).collect();
        let found = finding(name, &hits, &[]);
        known = known.after_screening(&found);
        assert!(known.hits.len() <= MOST_KNOWN, "{}", known.hits.len());
        assert!(hits.iter().all(|(uid, _)| known.hits.contains_key(&entity(uid))));
        assert_eq!(known.after_screening(&found), known, "twice is once");
        assert_eq!(known.status, Failed);
    }
    assert_eq!(known.hits[&more].verdict, Verdict::Open);
    // No list closes what was counted.
    let all: Vec<String> =
        known.hits.keys().filter(|hit| **hit != more).map(|hit| hit.uid().to_owned()).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(known.after_screening(&finding(19, &[], &all)).status, Failed);
    let cleared = known.after_decision(Decision::Clear).unwrap();
    assert_eq!(cleared.after_screening(&finding(19, &[], &[])).status, Clear);
}

#[test]
fn screening_follows_the_table() {
    for (from, none, known, new, left) in [
        (Pending, Clear, Failed, Failed, Clear),
        (Clear, Clear, Clear, Failed, Clear),
        (Failed, Failed, Failed, Failed, Clear),
        (Reviewing, Reviewing, Reviewing, Failed, Clear),
        (Positive, Positive, Positive, Positive, Reviewing),
    ] {
        // Where nothing was screened yet, nothing is known, unless it was cleared: see below.
        let scan = if from == Pending { Scan::default() } else { scan(from) };
        let after = |hits: &[(&str, u8)], withdrawn: &[&str]| {
            scan.after_screening(&finding(1, hits, withdrawn)).status
        };
        assert_eq!(after(&[], &[]), none, "{from}, none");
        assert_eq!(after(&[("a", 1)], &[]), known, "{from}, known");
        assert_eq!(after(&[("a", 1), ("b", 1)], &[]), new, "{from}, new");
        assert_eq!(after(&[], &["a"]), left, "{from}, left");
    }
}

#[test]
fn a_cleared_hit_stays_cleared_until_either_side_changes() {
    let found = Scan::default().after_screening(&finding(1, &[("a", 1)], &[]));
    let cleared = found.after_decision(Decision::Clear).unwrap();
    for (case, subject, content, status) in [
        ("both as they were", 1, 1, Clear),
        ("the listed entry altered", 1, 2, Failed),
        ("the customer altered", 2, 1, Failed),
    ] {
        let after = cleared.after_screening(&finding(subject, &[("a", content)], &[]));
        assert_eq!(after.status, status, "{case}");
        // The same through a change that sends the scan back to Pending.
        let after = cleared.after_subject_change();
        assert_eq!(after.status, Pending);
        let after = after.after_screening(&finding(subject, &[("a", content)], &[]));
        assert_eq!(after.status, status, "{case}, from Pending");
    }
    let other = cleared.after_screening(&finding(1, &[("b", 1)], &[]));
    assert_eq!(other.status, Failed, "another entry is another hit");
    assert_eq!(other.hits[&entity("a")].verdict, Verdict::Cleared);
}

#[test]
fn a_cleared_hit_that_leaves_the_list_and_returns_unaltered_stays_cleared() {
    let cleared = scan(Clear).after_screening(&finding(1, &[], &["a"]));
    assert_eq!(cleared.status, Clear);
    assert_eq!(cleared.after_screening(&finding(1, &[("a", 1)], &[])).status, Clear);
    assert_eq!(cleared.after_screening(&finding(1, &[("a", 2)], &[])).status, Failed);
}

#[test]
fn a_hit_recorded_without_its_subject_holds_for_the_next_one_only() {
    let mut old = scan(Clear);
    old.hits.insert(entity("a"), KnownHit { subject: None, ..hit(Verdict::Cleared) });
    let adopted = old.after_screening(&finding(7, &[("a", 1)], &[]));
    assert_eq!(adopted.status, Clear);
    assert_eq!(adopted.hits[&entity("a")].subject, Some(print(7)));
    assert_eq!(adopted.after_screening(&finding(8, &[("a", 1)], &[])).status, Failed);
}

/// A record has its limits: what was cleared and does not hit is forgotten before it grows too large, and asked about again.
#[test]
fn dispositions_of_what_does_not_hit_are_not_kept_without_end() {
    let names: Vec<String> = (0..=MOST_KNOWN).map(|number| format!("e{number}")).collect();
    let first: Vec<(&str, u8)> =
        names.iter().take(MOST_KNOWN).map(|name| (name.as_str(), 1)).collect();
    let found = Scan::default().after_screening(&finding(1, &first, &[]));
    let cleared = found.after_decision(Decision::Clear).unwrap();
    let fewer = cleared.after_screening(&finding(1, &first[..10], &[]));
    assert_eq!((fewer.status, fewer.hits.len()), (Clear, MOST_KNOWN), "all are remembered");
    let another: Vec<(&str, u8)> = vec![(names[0].as_str(), 1), (names[MOST_KNOWN].as_str(), 1)];
    let after = cleared.after_screening(&finding(1, &another, &[]));
    assert_eq!((after.status, after.hits.len()), (Failed, 2));
    assert_eq!(after.hits[&entity("e0")].verdict, Verdict::Cleared, "it hits");
    let again = after.after_decision(Decision::Clear).unwrap();
    assert_eq!(again.after_screening(&finding(1, &first, &[])).status, Failed);
}

#[test]
fn a_case_closes_only_when_nothing_else_stands() {
    let both = scan(Failed).after_screening(&finding(1, &[("a", 1), ("b", 1)], &[]));
    let one = both.after_screening(&finding(1, &[("b", 1)], &["a"]));
    assert_eq!(one.status, Failed, "b still stands");
    assert_eq!(one.after_screening(&finding(1, &[], &["b"])).status, Clear);
    // A hit that is missing without the list's doing closes nothing.
    assert_eq!(one.after_screening(&finding(2, &[], &[])).status, Failed);
    // Nor does a case without any known hit close by itself.
    let bare = Scan { status: Failed, hits: BTreeMap::new() };
    assert_eq!(bare.after_screening(&finding(1, &[], &["a"])).status, Failed);
    // What was cleared before does not keep a case open.
    let mut mixed = both;
    mixed.hits.insert(entity("b"), hit(Verdict::Cleared));
    assert_eq!(mixed.after_screening(&finding(1, &[("b", 1)], &["a"])).status, Clear);
}

#[test]
fn a_positive_that_the_list_withdrew_waits_for_a_person() {
    let mut positive = scan(Positive);
    positive.hits.insert(entity("b"), hit(Verdict::Confirmed));
    let one_left = positive.after_screening(&finding(1, &[("b", 1)], &["a"]));
    assert_eq!(one_left.status, Positive, "b is confirmed as well, and stands");
    let reopened = one_left.after_screening(&finding(1, &[], &["b"]));
    assert_eq!(reopened.status, Reviewing);
    assert_eq!(reopened.after_screening(&finding(1, &[], &["a", "b"])), reopened, "once is enough");
    // A further hit that comes and goes does not let a machine close it.
    let further = reopened.after_screening(&finding(1, &[("c", 1)], &[]));
    assert_eq!(further.status, Failed);
    assert_eq!(further.after_screening(&finding(1, &[], &["c"])).status, Failed);
    // The entry returns: a person confirmed it, a machine does not again.
    assert_eq!(reopened.after_screening(&finding(1, &[("b", 1)], &[])).status, Failed);
    // A person closes it, or keeps it, and it is not reopened every night.
    let closed = reopened.after_decision(Decision::Clear).unwrap();
    assert_eq!(closed.after_screening(&finding(1, &[], &["a", "b"])).status, Clear);
    let kept = reopened.after_decision(Decision::Positive).unwrap();
    assert_eq!(kept.after_screening(&finding(1, &[], &["a", "b"])).status, Positive);
}

#[test]
fn decisions_follow_the_table() {
    for from in [Pending, Clear, Failed, Reviewing, Positive] {
        for decision in Decision::ALL {
            let allowed = match from {
                Failed => true,
                Reviewing => *decision != Decision::Reviewing,
                _ => false,
            };
            let decided = scan(from).after_decision(*decision);
            assert_eq!(decided.is_ok(), allowed, "{from} {decision}");
            if let Ok(scan) = decided {
                assert_eq!(scan.status.as_str(), decision.as_str());
            }
        }
    }
}

#[test]
fn a_new_subject_is_pending_unless_a_case_is_open_or_confirmed() {
    for from in ScanStatus::ALL {
        let after = scan(*from).after_subject_change();
        let expected = if matches!(from, Pending | Clear) { Pending } else { *from };
        assert_eq!(after.status, expected);
        assert_eq!(after.hits, scan(*from).hits);
    }
}

#[test]
fn names_of_entries_and_fingerprints_are_read_back_or_refused() {
    let slashed = ListedEntity::new("eu", "EU.1/2");
    assert_eq!((slashed.list(), slashed.uid()), ("eu", "EU.1/2"));
    assert_eq!(ListedEntity::parse(slashed.as_str()), Ok(slashed));
    for damaged in ["", "eu", "/1", "eu/"] {
        assert!(ListedEntity::parse(damaged).is_err(), "{damaged}");
    }
    let whole = "0123456789abcdef".repeat(4);
    assert_eq!(Fingerprint::parse(&whole).unwrap().as_str(), "0123456789abcdef");
    let mut digest = [0; 32];
    digest[..3].copy_from_slice(&[0x01, 0x23, 0xff]);
    assert_eq!(Fingerprint::of_digest(&digest).as_str(), "0123ff0000000000");
    for damaged in ["", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdeg"] {
        assert!(Fingerprint::parse(damaged).is_err(), "{damaged}");
    }
}

/// The world as it is: what the list publishes (and whether it matches), and who the customer is.
#[derive(Debug, Clone, Default)]
struct World {
    /// Content of each published entry, and the subjects that it matches.
    published: BTreeMap<String, (u8, BTreeSet<u8>)>,
    subject: u8,
}

impl World {
    /// What a true screening finds: hits as published; withdrawn what is gone.
    fn screen(&self, scan: &Scan) -> Finding {
        let subject = print(self.subject);
        let hits: BTreeMap<ListedEntity, Fingerprint> = self
            .published
            .iter()
            .filter(|(_, (_, matches))| matches.contains(&self.subject))
            .map(|(name, (content, _))| (entity(name), print(*content)))
            .collect();
        let withdrawn = scan
            .hits
            .iter()
            .filter(|(entity, hit)| {
                let gone = !self.published.contains_key(entity.uid());
                hit.listed && gone && !hits.contains_key(*entity)
            })
            .map(|(entity, _)| entity.clone())
            .collect();
        Finding { is_searched: true, subject, hits, withdrawn }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(String, u8, BTreeSet<u8>),
    Unpublish(String),
    Screen,
    Subject(u8),
    Decide(Decision),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let subjects = proptest::collection::btree_set(0_u8..2, 0..3);
    let step = prop_oneof![
        2 => ("[a-c]", 0_u8..3, subjects).prop_map(|(name, content, who)| Step::Publish(name, content, who)),
        1 => "[a-c]".prop_map(Step::Unpublish),
        4 => Just(Step::Screen),
        1 => (0_u8..2).prop_map(Step::Subject),
        2 => proptest::sample::select(Decision::ALL).prop_map(Step::Decide),
    ];
    proptest::collection::vec(step, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Over any history of lists, customers and reviewers.
    #[test]
    fn machines_and_people_keep_to_their_parts(steps in steps()) {
        let (mut scan, mut world) = (Scan::default(), World::default());
        // The dispositions as a person would remember them: entry, content, subject.
        let mut cleared: BTreeSet<(ListedEntity, Fingerprint, Fingerprint)> = BTreeSet::new();
        let mut decided_positive = false;
        for step in steps {
            let before = scan.clone();
            match &step {
                Step::Publish(name, content, who) => {
                    // The content decides what an entry matches.
                    world.published.insert(name.clone(), (*content, who.clone()));
                    continue;
                }
                Step::Unpublish(name) => {
                    world.published.remove(name);
                    continue;
                }
                Step::Subject(subject) => {
                    world.subject = *subject;
                    scan = scan.after_subject_change();
                }
                Step::Decide(decision) => {
                    let Ok(decided) = scan.after_decision(*decision) else { continue };
                    match decision {
                        Decision::Clear => {
                            decided_positive = false;
                            cleared.extend(before.undecided().filter_map(|(entity, hit)| {
                                Some((entity.clone(), hit.content.clone(), hit.subject.clone()?))
                            }));
                        }
                        Decision::Positive => decided_positive = true,
                        Decision::Reviewing => {}
                    }
                    scan = decided;
                }
                Step::Screen => {
                    let found = world.screen(&scan);
                    scan = scan.after_screening(&found);
                    prop_assert_eq!(scan.after_screening(&found), scan.clone(), "twice is once");
                    prop_assert_eq!(world.screen(&scan).withdrawn.len(), 0, "withdrawn once");
                    let uncleared = |(entity, content): (&ListedEntity, &Fingerprint)| {
                        let known = (entity.clone(), content.clone(), found.subject.clone());
                        !cleared.contains(&known)
                    };
                    match scan.status {
                        Clear => prop_assert!(!found.hits.iter().any(uncleared), "an uncleared hit is Clear"),
                        Pending => prop_assert!(false, "a screening leaves nothing Pending"),
                        _ => {}
                    }
                    // Both sides as they were when cleared: nobody is asked again.
                    let known_before = |(entity, content): (&ListedEntity, &Fingerprint)| {
                        before.hits.get(entity).is_some_and(|hit| {
                            hit.verdict == Verdict::Cleared && hit.covers(content, &found.subject)
                        })
                    };
                    if before.status == Clear && found.hits.iter().all(known_before) {
                        prop_assert_eq!(scan.status, Clear);
                    }
                    if matches!(before.status, Failed | Reviewing) && scan.status == Clear {
                        prop_assert!(!found.withdrawn.is_empty(), "only the list closes a case");
                        prop_assert!(!decided_positive, "a person once decided Positive");
                    }
                    if before.status == Positive && scan.status != Positive {
                        prop_assert_eq!(scan.status, Reviewing);
                        prop_assert!(!found.withdrawn.is_empty());
                    }
                    if before.status == Failed {
                        prop_assert!(matches!(scan.status, Failed | Clear));
                    }
                }
            }
            if scan.status == Positive && before.status != Positive {
                prop_assert!(matches!(step, Step::Decide(Decision::Positive)), "a machine confirmed");
            }
            if matches!(scan.status, Pending | Clear) {
                prop_assert!(scan.undecided().next().is_none(), "an undecided hit without a case");
            }
        }
    }
}
