//! The modules together: which rule decides, and the properties of the whole.

use domain::network::{Alert, AttributeKind, Fingerprint, History};
use proptest::prelude::*;

use super::*;
use crate::review::applicant::{Party, PostalAddress, samples};
use crate::review::finding::Score;
use crate::review::provider::Confirmed;

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

pub(in crate::review) fn cleared() -> WatchList {
    WatchList { covers_sanctions: true, ..WatchList::default() }
}

fn confirmed() -> IdentityAnswer {
    IdentityAnswer::Answered(Box::new(Confirmed {
        first_name: Some(true),
        last_name: Some(true),
        birth_date: Some(true),
        tax_id: Some(true),
        address: Some(true),
        business: Some(true),
        ..Confirmed::default()
    }))
}

fn run(applicant: &Applicant, view: &View, forced: Option<Decision>) -> Assessment {
    assess(&Inputs {
        applicant,
        network: view,
        watch_list: Some(&cleared()),
        identity: &confirmed(),
        delivery: &DeliveryAnswer::NotConfigured,
        policy: &Policy::default(),
        forced,
        now: now(),
    })
}

#[test]
fn good_customers_are_accepted() {
    for applicant in [samples::person(), samples::business()] {
        let found = run(&applicant, &View::default(), None);
        assert_eq!(found.rule, "all_modules.accept", "{:?}", found.findings());
        assert_eq!(found.decision, Decision::Accept);
    }
    let mut plain = samples::person();
    let Party::Person(person) = &mut plain.party else { unreachable!() };
    person.ssn = None;
    person.birth_date = None;
    let found = run(&plain, &View::default(), None);
    assert!(found.kyc.is_none());
    assert_eq!(
        found.decision,
        Decision::Accept,
        "what nobody asked to check is not held against it"
    );
}

#[test]
fn the_rule_that_decides_is_named() {
    type Change = fn(&mut Applicant);
    let ssn = |it: &mut Applicant| {
        let Party::Person(person) = &mut it.party else { unreachable!() };
        person.ssn = Some("000-12-3456".into());
    };
    let cases: Vec<(Change, Decision, &str)> = vec![
        (|it| it.email = Some("x@mailinator.com".into()), Decision::Review, "email.review"),
        (|it| it.phone = Some("+10".into()), Decision::Review, "phone.review"),
        (
            |it| {
                it.address = Some(PostalAddress {
                    line1: "9 Elm St".into(),
                    city: "Reno".into(),
                    state: Some("CA".into()),
                    postal_code: Some("89501".into()),
                    country: "US".into(),
                    line2: None,
                });
            },
            Decision::Review,
            "address.review",
        ),
        (ssn, Decision::Reject, "kyc.reject"),
        (
            |it| {
                it.email = Some("x@mailinator.com".into());
                it.phone = Some("+10".into());
            },
            Decision::Review,
            "fraud.review",
        ),
    ];
    for (change, decision, rule) in cases {
        let mut applicant = samples::person();
        change(&mut applicant);
        let found = run(&applicant, &View::default(), None);
        assert_eq!((found.decision, found.rule.as_str()), (decision, rule));
    }
}

#[test]
fn an_alert_list_decides() {
    let mut history = History::default();
    let member = Fingerprint::of_digest("m1");
    history.alerts.insert(member, Alert { at: now(), shared: true });
    let view = View { histories: [(AttributeKind::Email, history)].into(), ..View::default() };
    let found = run(&samples::person(), &view, None);
    assert_eq!(found.rule, "network_alerts.review");
    assert_eq!(found.network_alerts.alerts, ["email.listed"]);
}

#[test]
fn a_sandbox_gets_its_outcome_over_real_findings() {
    let mut applicant = samples::person();
    applicant.email = Some("x@mailinator.com".into());
    for (forced, rule) in [
        (Decision::Accept, "sandbox_outcome.accept"),
        (Decision::Review, "sandbox_outcome.review"),
        (Decision::Reject, "sandbox_outcome.reject"),
    ] {
        let found = run(&applicant, &View::default(), Some(forced));
        assert_eq!((found.decision, found.rule.as_str()), (forced, rule));
        let email = found.breakdown.email.unwrap();
        assert_eq!(email.decision, Decision::Review, "the module says what it found all the same");
    }
}

#[test]
fn without_lists_a_person_looks() {
    let found = assess(&Inputs {
        applicant: &samples::person(),
        network: &View::default(),
        watch_list: None,
        identity: &confirmed(),
        delivery: &DeliveryAnswer::NotConfigured,
        policy: &Policy::default(),
        forced: None,
        now: now(),
    });
    assert_eq!(found.rule, "watch_list.review");
}

#[test]
fn low_and_high_scores_say_so() {
    let found = run(&samples::person(), &View::default(), None);
    assert!(found.breakdown.email.unwrap().codes.contains(&Code::I520));
    let mut bad = samples::person();
    bad.email = Some("x@mailinator.com".into());
    let email = run(&bad, &View::default(), None).breakdown.email.unwrap();
    assert!(email.codes.contains(&Code::R520) && !email.codes.contains(&Code::I520));
    assert!(email.risk_score.unwrap() > Score::thousandths(600));
}

#[test]
fn fraud_and_synthetic_name_their_heaviest_reasons() {
    let mut bad = samples::person();
    bad.email = Some("x@mailinator.com".into());
    bad.phone = Some("+18002340142".into());
    let found = run(&bad, &View::default(), None);
    let fraud = found.breakdown.fraud;
    assert!(fraud.codes.contains(&Code::R557) && fraud.codes.contains(&Code::R614));
    assert!(fraud.codes.len() <= REASONS);
    let all = found.policy;
    assert_eq!(all.version, "default-3", "the policy that decided is kept, whole");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,24}", "[a-z]{1,10}@[a-z]{1,8}\\.(com|tk|invalid)", "\\+[0-9]{6,14}"]
}

fn anybody() -> impl Strategy<Value = Applicant> {
    let names = (text(), text());
    let contact = (prop::option::of(text()), prop::option::of(text()), prop::option::of(text()));
    let address = prop::option::of((
        text(),
        text(),
        prop::option::of("[A-Z]{2}"),
        prop::option::of("[0-9]{5}|\\PC{0,9}"),
        "US|GB|FR",
    ));
    let number = prop::option::of("[0-9]{3}-?[0-9]{2}-?[0-9]{4}|\\PC{0,11}");
    let born = prop::option::of((1890_i16..2030, 1_i8..13, 1_i8..29));
    (names, contact, address, number, born, any::<bool>()).prop_map(
        |((first, last), (email, phone, device), address, number, born, is_business)| {
            let party = if is_business {
                Party::Business(crate::review::BusinessFacts {
                    name: first,
                    legal_name: Some(last),
                    ein: number,
                    website: device.clone(),
                    representatives: vec![],
                })
            } else {
                Party::Person(crate::review::PersonFacts {
                    first_name: first,
                    last_name: last,
                    birth_date: born.map(|(year, month, day)| jiff::civil::date(year, month, day)),
                    ssn: number,
                })
            };
            let address = address.map(|(line1, city, state, postal_code, country)| PostalAddress {
                line1,
                line2: None,
                city,
                state,
                postal_code,
                country,
            });
            Applicant { party, email, phone, address, device }
        },
    )
}

proptest! {
    #[test]
    fn nobody_panics_it_and_the_same_gives_the_same(applicant in anybody()) {
        let one = run(&applicant, &View::default(), None);
        prop_assert_eq!(&one, &run(&applicant, &View::default(), None));
        let severest = one.findings().iter().map(|(_, found)| found.decision).max();
        prop_assert_eq!(Some(one.decision), severest);
        let json = serde_json::to_string(&one).unwrap();
        prop_assert_eq!(serde_json::from_str::<Assessment>(&json).unwrap(), one);
    }

    /// Nothing that speaks against somebody makes the decision milder.
    #[test]
    fn an_alert_never_helps(applicant in anybody(), at in 0..AttributeKind::ALL.len()) {
        let mut history = History::default();
        history.alerts.insert(Fingerprint::of_digest("m"), Alert { at: now(), shared: true });
        let view = View { histories: [(AttributeKind::ALL[at], history)].into(), ..View::default() };
        let before = run(&applicant, &View::default(), None).decision;
        prop_assert!(run(&applicant, &view, None).decision >= before);
    }

    /// What is kept and shown holds nothing of the applicant.
    #[test]
    fn no_personal_data_is_kept(applicant in anybody()) {
        let json = serde_json::to_string(&run(&applicant, &View::default(), None)).unwrap();
        let person = applicant.person().cloned().unwrap_or_default();
        for secret in [applicant.email, applicant.phone, person.ssn].into_iter().flatten() {
            prop_assert!(secret.len() < 9 || !json.contains(&secret), "{}", json);
        }
    }
}
