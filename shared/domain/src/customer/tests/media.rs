//! What adverse media say: of whom, what follows, and what a person makes of it.

use super::*;
use crate::scan::KnownHit;
use crate::verification::{NotInReview, Standing, Verdict, Verification};

fn print(digit: char) -> Fingerprint {
    Fingerprint::parse(&digit.to_string().repeat(16)).unwrap()
}

/// An entry of a list of news that hits, with this content.
fn news(content: char) -> Finding {
    let hits = [(ListedEntity::new("news", "1"), print(content))].into();
    Finding { is_searched: true, subject: print('a'), hits, withdrawn: BTreeSet::new() }
}

fn quiet() -> Finding {
    Finding { hits: [].into(), ..news('1') }
}

fn withdrawn() -> Finding {
    Finding { withdrawn: [ListedEntity::new("news", "1")].into(), ..quiet() }
}

/// Reviewed and in order.
fn verified() -> Customer {
    let mut customer = onboard(person("Smith"));
    let vetting = vetting(Some(quiet()), false);
    customer.vetted(1, &vetting, at(1)).unwrap();
    assert_eq!(customer.standing(), Standing::Verified);
    customer
}

fn vetting(adverse_media: Option<Finding>, prescribed: bool) -> Vetting {
    let verification = Verification::Verified;
    Vetting { verification, ofac: none(), pep_scan: none(), adverse_media, prescribed }
}

fn told(customer: &mut Customer, finding: &Finding, second: i64) -> Change {
    let revision = customer.subject_revision;
    customer.screened(revision, &none(), &none(), Some(finding), at(second)).unwrap()
}

#[test]
fn a_later_entry_moves_a_verified_customer_once_and_no_scan_of_the_contract() {
    let mut customer = verified();
    let change = told(&mut customer, &news('1'), 2);
    assert_eq!(
        (&change.fields[..], &change.events[..]),
        (&["adverseMedia".to_owned()][..], &[][..])
    );
    assert_eq!(customer.standing(), Standing::Review);
    assert_eq!((customer.version, customer.modified_at), (3, at(2)));
    let scans = (customer.ofac.status, customer.pep_scan.status);
    assert_eq!(scans, (ScanStatus::Clear, ScanStatus::Clear));
    assert!(told(&mut customer, &news('1'), 3).is_empty(), "known");
    // A person accepts it: both sides as they were, it stays so.
    customer.decide_standing(Verdict::Verified, at(4)).unwrap();
    assert!(told(&mut customer, &news('1'), 5).is_empty());
    assert_eq!(customer.standing(), Standing::Verified);
    // The entry altered.
    told(&mut customer, &news('2'), 6);
    assert_eq!(customer.standing(), Standing::Review);
    // The list withdraws it, and nothing else speaks against the customer.
    let change = told(&mut customer, &withdrawn(), 7);
    assert_eq!((customer.standing(), change.events.len()), (Standing::Verified, 0));
    assert_eq!(customer.modified_at, at(7));
    assert!(told(&mut customer, &withdrawn(), 8).is_empty());
}

#[test]
fn what_a_person_or_the_review_said_outlives_the_entry() {
    for (verdict, standing) in
        [(Verdict::Rejected, Standing::Rejected), (Verdict::Verified, Standing::Verified)]
    {
        let mut customer = verified();
        told(&mut customer, &news('1'), 2);
        customer.decide_standing(verdict, at(3)).unwrap();
        told(&mut customer, &withdrawn(), 4);
        assert_eq!(customer.standing(), standing);
    }
    // Another reason to look at the customer is still there when this one has gone.
    let mut customer = verified();
    customer.verification = Verification::Review;
    told(&mut customer, &news('1'), 2);
    told(&mut customer, &withdrawn(), 3);
    assert_eq!(customer.standing(), Standing::Review);
    // An entry that is only altered until it no longer matches closes nothing.
    let mut customer = verified();
    told(&mut customer, &news('1'), 2);
    assert!(told(&mut customer, &quiet(), 3).is_empty());
    assert_eq!(customer.standing(), Standing::Review);
}

#[test]
fn of_whom_nobody_reviews_nothing_is_noted() {
    let mut customer = onboard(person("Smith"));
    customer.verification = Verification::NotAsked;
    customer.screened(1, &none(), &none(), None, at(1)).unwrap();
    let before = customer.clone();
    assert!(told(&mut customer, &news('1'), 2).is_empty());
    assert_eq!(customer, before);
    // Nor does it count of somebody whom nobody wants reviewed any more.
    customer.adverse_media.status = ScanStatus::Failed;
    assert_eq!(customer.standing(), Standing::Pending);
    let refused = customer.decide_standing(Verdict::Verified, at(3));
    assert_eq!(refused, Err(NotInReview(Standing::Pending).into()));
}

#[test]
fn a_review_finds_it_as_well_unless_the_policy_makes_nothing_of_it() {
    let mut customer = onboard(person("Smith"));
    customer.vetted(1, &vetting(Some(news('1')), false), at(1)).unwrap();
    assert_eq!(
        (customer.verification, customer.standing()),
        (Verification::Verified, Standing::Review)
    );
    // Nothing of it is kept, so that a stricter policy finds it anew.
    customer.vetted(1, &vetting(None, false), at(2)).unwrap();
    assert_eq!(
        (customer.standing(), &customer.adverse_media),
        (Standing::Verified, &Scan::clear())
    );
    customer.vetted(1, &vetting(Some(news('1')), false), at(3)).unwrap();
    assert_eq!(customer.standing(), Standing::Review);
    // A prescribed end is where the customer stands, tonight as well.
    customer.vetted(1, &vetting(Some(news('1')), true), at(4)).unwrap();
    assert!(told(&mut customer, &news('1'), 5).is_empty());
    assert_eq!(customer.standing(), Standing::Verified);
}

#[test]
fn what_was_accepted_before_it_was_kept_is_taken_over() {
    let mut customer = verified();
    let entity = ListedEntity::new("news", "1");
    customer.adverse_media.take_over(entity.clone(), print('1'));
    assert!(!customer.adverse_media.is_news(&news('1')));
    assert!(customer.adverse_media.is_news(&news('2')), "another content is another entry");
    // Written with the next run, and from then on for the customer as it was found.
    assert_eq!(told(&mut customer, &news('1'), 2).fields, ["adverseMedia"]);
    assert_eq!(customer.standing(), Standing::Verified);
    let known = &customer.adverse_media.hits[&entity];
    assert_eq!(known.subject, Some(print('a')));
    assert_eq!(known.verdict, crate::scan::Verdict::Cleared);
    let other = Finding { subject: print('b'), ..news('1') };
    assert!(customer.adverse_media.is_news(&other), "another customer");
    // What is known is not taken over.
    told(&mut customer, &other, 3);
    customer.adverse_media.take_over(entity.clone(), print('1'));
    let known: &KnownHit = &customer.adverse_media.hits[&entity];
    assert_eq!(
        (known.verdict, customer.standing()),
        (crate::scan::Verdict::Open, Standing::Review)
    );
}
