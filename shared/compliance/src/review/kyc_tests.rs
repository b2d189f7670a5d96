//! Cases of the module `kyc`.

use domain::network::{Facts, Fingerprint, History, Outcome, Sighting};
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::review::applicant::{Party, samples};

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn person(change: impl FnOnce(&mut PersonFacts)) -> Applicant {
    let mut applicant = samples::person();
    let Party::Person(person) = &mut applicant.party else { unreachable!() };
    change(person);
    applicant
}

fn look(applicant: &Applicant, answer: &IdentityAnswer) -> Kyc {
    check(applicant, &View::default(), answer, &Policy::default(), now()).unwrap()
}

fn unasked(change: impl FnOnce(&mut PersonFacts)) -> (Decision, Vec<Code>) {
    let kyc = look(&person(change), &IdentityAnswer::NotConfigured);
    (kyc.finding.decision, kyc.finding.codes.into_iter().collect())
}

#[test]
fn without_a_provider_the_rules_exclude_and_the_rest_stays_open() {
    use Decision::{Reject, Review};
    type Change = fn(&mut PersonFacts);
    let open = [Code::R216, Code::R222];
    let cases: &[(Change, Decision, &[Code])] = &[
        (|_| {}, Review, &open),
        (|it| it.ssn = None, Review, &[Code::I904, Code::R216]),
        (|it| it.birth_date = None, Review, &[Code::I906, Code::R222]),
        (|it| it.ssn = Some("000-12-3456".into()), Reject, &[Code::R201, Code::R216, Code::R913]),
        (|it| it.ssn = Some("666-12-3456".into()), Reject, &[Code::R201, Code::R216, Code::R913]),
        (|it| it.ssn = Some("078-05-1120".into()), Reject, &[Code::R201, Code::R216, Code::R913]),
        (|it| it.ssn = Some("broken".into()), Reject, &[Code::R201, Code::R216, Code::R913]),
        (|it| it.ssn = Some("912-70-1234".into()), Review, &[Code::I202, Code::R216, Code::R222]),
        (|it| it.ssn = Some("123-45-6789".into()), Review, &[Code::G005, Code::R216, Code::R222]),
        (
            |it| it.ssn = Some("780-12-3456".into()),
            Review,
            &[Code::I912, Code::R216, Code::R217, Code::R222],
        ),
        (|it| it.ssn = Some("710-12-3456".into()), Review, &[Code::R206, Code::R216, Code::R911]),
        (
            |it| {
                it.ssn = Some("710-12-3456".into());
                it.birth_date = Some(date(1950, 1, 1));
            },
            Review,
            &open,
        ),
        (|it| it.last_name = "Holdings LLC".into(), Review, &[Code::I931, Code::R216, Code::R222]),
    ];
    for (at, (change, decision, codes)) in cases.iter().enumerate() {
        let mut codes = codes.to_vec();
        codes.sort();
        assert_eq!(unasked(*change), (*decision, codes), "case {at}");
    }
}

#[test]
fn ages_have_bands() {
    let with = |born: Date| {
        let (decision, codes) = unasked(move |it| {
            it.ssn = None;
            it.birth_date = Some(born);
        });
        let bands: Vec<Code> =
            codes.into_iter().filter(|code| code.as_str().starts_with("R35")).collect();
        (decision, bands)
    };
    use Decision::{Reject, Review};
    for (born, expected) in [
        (date(2027, 1, 1), (Review, vec![Code::R355])),
        (date(2026, 12, 1), (Reject, vec![Code::R350, Code::R351])),
        (date(2013, 12, 2), (Reject, vec![Code::R350, Code::R351])),
        (date(2013, 12, 1), (Reject, vec![Code::R350, Code::R352])),
        (date(2010, 12, 2), (Reject, vec![Code::R350, Code::R352])),
        (date(2010, 12, 1), (Review, vec![Code::R353])),
        (date(2008, 12, 2), (Review, vec![Code::R353])),
        (date(2008, 12, 1), (Review, vec![])),
        (date(1925, 12, 1), (Review, vec![Code::R350])),
        (date(1926, 12, 1), (Review, vec![])),
        (date(1905, 1, 1), (Review, vec![Code::R350, Code::R355])),
    ] {
        assert_eq!(with(born), expected, "{born}");
    }
}

#[test]
fn a_leap_day_has_its_birthday_on_the_first_of_march() {
    assert_eq!(age(date(2008, 2, 29), date(2026, 2, 28)), 17);
    assert_eq!(age(date(2008, 2, 29), date(2026, 3, 1)), 18);
    assert_eq!(age(date(2027, 1, 1), date(2026, 12, 1)), -1);
}

fn confirmed(change: impl FnOnce(&mut Confirmed)) -> IdentityAnswer {
    let mut all = Confirmed {
        first_name: Some(true),
        last_name: Some(true),
        address: Some(true),
        city: Some(true),
        state: Some(true),
        zip: Some(true),
        phone: Some(true),
        email: Some(true),
        birth_date: Some(true),
        tax_id: Some(true),
        ..Confirmed::default()
    };
    change(&mut all);
    IdentityAnswer::Answered(Box::new(all))
}

#[test]
fn a_provider_settles_it() {
    use Decision::{Accept, Reject, Review};
    type Change = fn(&mut Confirmed);
    let cases: &[(Change, Decision, &[Code])] = &[
        (|_| {}, Accept, &[Code::I201, Code::I919]),
        (|it| it.address = None, Accept, &[]),
        (|it| it.address = Some(false), Review, &[Code::R919]),
        (|it| it.last_name = Some(false), Review, &[Code::R212]),
        (|it| it.first_name = Some(false), Review, &[Code::R215]),
        (|it| it.tax_id = Some(false), Review, &[Code::R901]),
        (|it| it.birth_date = Some(false), Review, &[Code::I201, Code::I919, Code::R922]),
        (|it| it.tax_id = None, Review, &[Code::R222]),
        (|it| it.birth_date = None, Review, &[Code::I201, Code::I919, Code::R216]),
        (|it| it.deceased = true, Reject, &[Code::I201, Code::I919, Code::R202, Code::R907]),
        (
            |it| it.issued_before_birth = true,
            Review,
            &[Code::I201, Code::I919, Code::R206, Code::R911],
        ),
        (
            |it| {
                it.tax_id = Some(false);
                it.last_name = Some(false);
            },
            Review,
            &[Code::R901, Code::R902],
        ),
    ];
    for (at, (change, decision, codes)) in cases.iter().enumerate() {
        let kyc = look(&samples::person(), &confirmed(*change));
        let mut codes = codes.to_vec();
        codes.sort();
        let found: Vec<Code> = kyc.finding.codes.iter().copied().collect();
        assert_eq!((kyc.finding.decision, found), (*decision, codes), "case {at}");
    }
    let kyc = look(&samples::person(), &confirmed(|_| {}));
    let json = serde_json::to_value(&kyc.validations).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 10);
    assert!(json.as_object().unwrap().values().all(|flag| flag == true));
}

#[test]
fn a_provider_cannot_confirm_what_the_rules_exclude() {
    let impossible = person(|it| it.ssn = Some("000-12-3456".into()));
    let kyc = look(&impossible, &confirmed(|_| {}));
    assert_eq!((kyc.finding.decision, kyc.validations.ssn), (Decision::Reject, Some(false)));
    let mut broken = samples::person();
    broken.phone = Some("+10".into());
    broken.email = Some("nowhere".into());
    if let Some(address) = &mut broken.address {
        address.postal_code = Some("10001".into());
    }
    let kyc = look(&broken, &confirmed(|_| {}));
    let flags = kyc.validations;
    assert_eq!((flags.phone, flags.email, flags.state), (Some(false), Some(false), Some(false)));
}

#[test]
fn a_provider_that_is_silent_confirms_nothing() {
    for answer in [IdentityAnswer::NotConfigured, IdentityAnswer::Unavailable] {
        let kyc = look(&samples::person(), &answer);
        assert_eq!(kyc.finding.decision, Decision::Review);
        assert_eq!(kyc.validations, Validations::default(), "nothing is known, so nothing is said");
        let said = kyc.finding.codes.contains(&Code::G003);
        assert_eq!(
            said,
            answer == IdentityAnswer::Unavailable,
            "an answer that did not come is named"
        );
    }
    let mut lenient = Policy { unconfirmed_identity: Decision::Accept, ..Policy::default() };
    let kyc = check(
        &samples::person(),
        &View::default(),
        &IdentityAnswer::NotConfigured,
        &lenient,
        now(),
    );
    assert_eq!(kyc.unwrap().finding.decision, Decision::Accept);
    lenient.floors.insert(Code::R222, Decision::Reject);
    let kyc = check(
        &samples::person(),
        &View::default(),
        &IdentityAnswer::NotConfigured,
        &lenient,
        now(),
    );
    assert_eq!(kyc.unwrap().finding.decision, Decision::Reject, "a floor of the partner's stands");
}

#[test]
fn what_others_approved_confirms() {
    let print = Fingerprint::of_digest;
    let own = Facts {
        first_name: Some(print("f")),
        last_name: Some(print("l")),
        birth_date: Some(print("b")),
        tax_id: Some(print("t")),
        address: Some(print("a")),
        ..Facts::default()
    };
    let look = |member: &str, outcome, facts: Facts| {
        let mut history = History::default();
        let seen = Sighting { member: print(member), at: now(), facts, outcome };
        history.record(print("c"), seen, now());
        let histories = [(AttributeKind::TaxId, history)].into();
        let view = View { own: own.clone(), member: print("m0"), histories, ..View::default() };
        let answer = IdentityAnswer::NotConfigured;
        check(&samples::person(), &view, &answer, &Policy::default(), now()).unwrap()
    };
    let known = look("m1", Some(Outcome::Approved), own.clone());
    assert_eq!(known.finding.decision, Decision::Accept);
    assert_eq!(known.validations.ssn, Some(true));
    assert!(
        known.finding.codes.contains(&Code::I919) && !known.finding.codes.contains(&Code::I201)
    );
    let other_date = Facts { birth_date: Some(print("x")), ..own.clone() };
    for unknown in [
        look("m0", Some(Outcome::Approved), own.clone()),
        look("m1", None, own.clone()),
        look("m1", Some(Outcome::Declined), own.clone()),
        look("m1", Some(Outcome::Approved), other_date),
    ] {
        assert_eq!(unknown.validations.ssn, None);
        assert_eq!(unknown.finding.decision, Decision::Review);
    }
}

#[test]
fn it_is_there_only_when_there_is_something_to_check() {
    let nothing = person(|it| {
        it.ssn = None;
        it.birth_date = None;
    });
    let answer = IdentityAnswer::NotConfigured;
    let check = |applicant: &Applicant| {
        check(applicant, &View::default(), &answer, &Policy::default(), now())
    };
    assert!(check(&nothing).is_none());
    let mut business = samples::business();
    let open = check(&business).unwrap().finding;
    assert_eq!((open.decision, open.codes), (Decision::Review, [Code::BR012].into()));
    let Party::Business(facts) = &mut business.party else { unreachable!() };
    facts.ein = None;
    assert!(check(&business).is_none());
}

#[test]
fn a_business_is_confirmed_by_a_provider() {
    for (business, tax_id, decision) in [
        (Some(true), Some(true), Decision::Accept),
        (Some(true), None, Decision::Review),
        (None, Some(true), Decision::Review),
        (Some(false), Some(true), Decision::Review),
    ] {
        let answer = IdentityAnswer::Answered(Box::new(Confirmed {
            business,
            tax_id,
            ..Confirmed::default()
        }));
        let finding = look(&samples::business(), &answer).finding;
        assert_eq!(finding.decision, decision);
        assert_eq!(finding.codes.contains(&Code::BR012), decision == Decision::Review);
    }
}

proptest! {
    #[test]
    fn no_text_panics(first in "\\PC{0,20}", last in "\\PC{0,20}", ssn in "\\PC{0,12}|[0-9]{3}-[0-9]{2}-[0-9]{4}", year in 1900_i16..2100, day in 1_i8..28) {
        let applicant = person(|it| {
            it.first_name = first;
            it.last_name = last;
            it.ssn = Some(ssn);
            it.birth_date = Some(date(year, 5, day));
        });
        let one = look(&applicant, &IdentityAnswer::NotConfigured);
        prop_assert!(one.finding.decision >= Decision::Review, "nothing unconfirmed is accepted");
        prop_assert_eq!(&one, &look(&applicant, &IdentityAnswer::NotConfigured));
    }
}
