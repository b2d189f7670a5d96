//! Cases of the module `phone`.

use domain::network::{Facts, Fingerprint, History, Outcome, Sighting};
use proptest::prelude::*;

use super::*;
use crate::review::applicant::{PostalAddress, samples};

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn at(country: &str, state: &str) -> Option<PostalAddress> {
    Some(PostalAddress {
        line1: "9 Elm St".into(),
        city: "Town".into(),
        state: Some(state.into()),
        country: country.into(),
        ..PostalAddress::default()
    })
}

fn look(phone: &str, address: Option<PostalAddress>) -> Signals {
    let applicant = Applicant { phone: Some(phone.into()), address, ..samples::person() };
    signals(&applicant, &View::default(), now()).unwrap()
}

#[test]
fn numbers_show_what_they_are() {
    let nevada = || at("US", "NV");
    let britain = || at("GB", "London");
    let cases = [
        ("+17752340142", nevada(), vec![Code::I610], 650),
        ("+17755550142", nevada(), vec![Code::I610, Code::R606], 650),
        ("+14152340142", nevada(), vec![Code::R607], 350),
        ("+447400123456", nevada(), vec![Code::I602, Code::R602], 100),
        ("+447400123456", britain(), vec![Code::I602], 450),
        ("+442079460123", britain(), vec![Code::I601], 450),
        ("+18002340142", nevada(), vec![Code::R614], 450),
        ("+19002340142", nevada(), vec![Code::I605], 450),
        ("+447640123456", britain(), vec![Code::R611], 450),
        ("+445612345678", britain(), vec![Code::R615], 450),
        ("+14165550142", nevada(), vec![Code::R602, Code::R606], 100),
        ("+17872345678", at("US", "PR"), vec![Code::I610], 650),
        ("+17872345678", at("PR", "PR"), vec![Code::I610], 650),
        ("+16712345678", at("US", "GU"), vec![Code::I610], 650),
        ("+13406421234", at("US", "VI"), vec![Code::I610], 650),
        ("+16702345678", at("US", "MP"), vec![Code::I610], 650),
        ("+16846331234", at("US", "AS"), vec![Code::I601, Code::I610], 650),
        ("+17872345678", nevada(), vec![Code::R607], 350),
        ("+17752340142", None, vec![], 400),
        ("+1775234014", nevada(), vec![Code::R603], 0),
        ("+11112340142", nevada(), vec![Code::R603], 0),
        ("+447700900123", britain(), vec![Code::R603], 0),
        ("+999123456789", nevada(), vec![Code::R603], 0),
        ("", nevada(), vec![Code::R603], 0),
        ("call me", nevada(), vec![Code::R603], 0),
    ];
    for (phone, address, codes, points) in cases {
        let found = look(phone, address);
        let points_found = found.correlation.unwrap().points();
        assert_eq!((found.codes.into_iter().collect(), points_found), (codes, points), "{phone}");
    }
}

#[test]
fn what_the_network_has_seen_counts() {
    let print = Fingerprint::of_digest;
    let facts = |first: &str, last: &str, tax: &str| Facts {
        first_name: Some(print(first)),
        last_name: Some(print(last)),
        tax_id: Some(print(tax)),
        ..Facts::default()
    };
    let look_as = |others: &[(&str, &str, &str)], member: &str, outcome| {
        let mut history = History::default();
        for (number, (first, last, tax)) in others.iter().enumerate() {
            let seen =
                Sighting { member: print("m"), at: now(), facts: facts(first, last, tax), outcome };
            history.record(print(&format!("c{number}")), seen, now());
        }
        let view = View {
            member: print(member),
            own: facts("f", "l", "t"),
            histories: [(AttributeKind::Phone, history)].into(),
            ..View::default()
        };
        signals(&samples::person(), &view, now()).unwrap()
    };
    let look = |others: &[_]| look_as(others, "m0", Some(Outcome::Approved));
    let same = look(&[("f", "l", "t")]);
    assert!(same.has(Code::I618) && same.has(Code::I621) && same.has(Code::I622));
    assert_eq!(same.correlation.unwrap().points(), 970);
    let family = look(&[("x", "l", "u")]);
    assert!(!family.has(Code::I618) && family.has(Code::I622));
    assert_eq!(family.correlation.unwrap().points(), 800);
    // Nobody is their own witness: not at the same partner, nor before anybody has approved.
    let unseen = look(&[]).correlation.unwrap().points();
    for (member, outcome) in
        [("m", Some(Outcome::Approved)), ("m0", None), ("m0", Some(Outcome::Declined))]
    {
        let own = look_as(&[("f", "l", "t")], member, outcome);
        let says = [Code::I618, Code::I621, Code::I622].map(|code| own.has(code));
        assert_eq!((says, own.correlation.unwrap().points()), ([false; 3], unseen), "{member}");
    }
    let crowd = look(&[("a", "a", "1"), ("b", "b", "2"), ("c", "c", "3")]);
    assert!(crowd.has(Code::R224), "three others and the applicant's own are four");
    assert_eq!(crowd.correlation.unwrap().points(), 500);
}

proptest! {
    #[test]
    fn no_text_panics_and_the_same_text_gives_the_same(text in "\\PC{0,50}", digits in "\\+?[0-9 ().-]{0,22}") {
        for phone in [text, digits] {
            prop_assert_eq!(look(&phone, at("US", "NV")), look(&phone, at("US", "NV")));
        }
    }
}
