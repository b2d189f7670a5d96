//! Cases of the module `address`.

use domain::network::{Facts, Fingerprint, History, Outcome, Sighting};
use proptest::prelude::*;

use super::*;
use crate::review::applicant::samples;
use crate::review::provider::Deliverability;

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn at(line1: &str, city: &str, state: &str, code: &str, country: &str) -> PostalAddress {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    PostalAddress {
        line1: line1.into(),
        line2: None,
        city: city.into(),
        state: some(state),
        postal_code: some(code),
        country: country.into(),
    }
}

fn look_with(address: PostalAddress, delivery: &DeliveryAnswer) -> Signals {
    let applicant = Applicant { address: Some(address), ..samples::person() };
    signals(&applicant, &View::default(), delivery, now()).unwrap()
}

fn look(address: PostalAddress) -> Signals {
    look_with(address, &DeliveryAnswer::NotConfigured)
}

#[test]
fn addresses_show_what_they_are() {
    let us = |line1: &str, state: &str, zip: &str| at(line1, "Reno", state, zip, "US");
    let cases = [
        (us("9 Elm St", "NV", "89501"), vec![Code::I705], 500),
        (us("9 Elm St Apt 4", "NV", "89501"), vec![Code::I704], 500),
        (us("9 Elm St #4", "NV", "89501"), vec![Code::I704], 500),
        (us("9 Elm St", "CA", "89501"), vec![Code::I705, Code::R713], 100),
        (us("9 Elm St", "NV", "00000"), vec![Code::I705, Code::R712], 100),
        (us("9 Elm St", "NV", "8950"), vec![Code::I705, Code::R712], 100),
        (us("PO Box 77", "NV", "89501"), vec![Code::R708], 500),
        (us("P.O. Box 77", "NV", "89501"), vec![Code::R708], 500),
        (us("Post Office Box 77", "NV", "89501"), vec![Code::R708], 500),
        (us("Box 77", "NV", "89501"), vec![Code::R708], 500),
        (us("POB 77", "NV", "89501"), vec![Code::R708], 500),
        (us("12 Boxwood Lane", "NV", "89501"), vec![Code::I705], 500),
        (us("9 Elm St PMB 12", "NV", "89501"), vec![Code::I705, Code::R707], 500),
        (us("PSC 12 Box 99", "AE", "09012"), vec![Code::R710], 500),
        (us("1 Main St", "AE", "09012"), vec![Code::I705, Code::R710], 500),
        (us("1 State Penitentiary Way", "NV", "89501"), vec![Code::I705, Code::R704], 500),
        (us("4 Smith Dormitory", "NV", "89501"), vec![Code::I705, Code::I706], 500),
        (us("", "NV", "89501"), vec![Code::R703], 100),
        (us("n/a", "NV", "89501"), vec![Code::R703], 100),
        (us("asdf", "NV", "89501"), vec![Code::R703], 100),
        (us("9 Elm St", "", "89501"), vec![Code::I705, Code::R703], 100),
        (us("9 Elm St", "NV", ""), vec![Code::I705, Code::R703], 100),
        (at("7 Handyside St", "London", "", "N1C 4DA", "GB"), vec![Code::I705], 500),
        (at("7 Handyside St", "London", "", "ZZ9 9ZZ", "GB"), vec![Code::I705, Code::R712], 100),
        (at("7 Handyside St", "London", "", "", "GB"), vec![Code::I705, Code::R703], 100),
        (at("12 Rue X", "Paris", "", "75001", "FR"), vec![Code::I705], 350),
    ];
    for (address, codes, points) in cases {
        let shown = format!("{} {:?} {:?}", address.line1, address.state, address.postal_code);
        let found = look(address);
        let likeness = found.correlation.unwrap().points();
        assert_eq!((found.codes.into_iter().collect(), likeness), (codes, points), "{shown}");
    }
}

#[test]
fn a_provider_is_heeded() {
    let good = || at("9 Elm St", "Reno", "NV", "89501", "US");
    let cases = [
        (Deliverability::Deliverable, Code::I711),
        (Deliverability::DropUnit, Code::I712),
        (Deliverability::MissingUnit, Code::I713),
        (Deliverability::NoStreetDelivery, Code::I714),
        (Deliverability::Vacant, Code::R701),
        (Deliverability::Unconfirmed, Code::R702),
        (Deliverability::Undeliverable, Code::R703),
    ];
    for (deliverability, code) in cases {
        let delivery = Delivery { deliverability, kind: None, corrected: false };
        assert!(look_with(good(), &DeliveryAnswer::Answered(delivery)).has(code), "{code}");
    }
    let kinds = [
        (AddressKind::Residential, Code::I707),
        (AddressKind::Commercial, Code::R709),
        (AddressKind::PostOfficeBox, Code::R708),
        (AddressKind::MailDrop, Code::R707),
        (AddressKind::Military, Code::R710),
    ];
    for (kind, code) in kinds {
        let delivery = Delivery {
            deliverability: Deliverability::Deliverable,
            kind: Some(kind),
            corrected: true,
        };
        let found = look_with(good(), &DeliveryAnswer::Answered(delivery));
        assert!(found.has(code) && found.has(Code::R722), "{code}");
        assert_eq!(found.correlation.unwrap().points(), 700);
    }
    let without = look_with(good(), &DeliveryAnswer::NotConfigured);
    assert_eq!(without.codes.len(), 1, "silence says nothing");
    let mut said = without.codes.clone();
    said.insert(Code::G004);
    let silent = look_with(good(), &DeliveryAnswer::Unavailable);
    assert_eq!((silent.codes, silent.correlation), (said, without.correlation), "but that it was");
}

#[test]
fn seen_together_with_the_name_it_resolves() {
    let print = Fingerprint::of_digest;
    let facts = Facts {
        first_name: Some(print("f")),
        last_name: Some(print("l")),
        address: Some(print("a")),
        ..Facts::default()
    };
    // Seen by another partner who has approved it; nobody is their own witness.
    for (member, outcome, points) in [
        ("m", Some(Outcome::Approved), 950),
        ("m0", Some(Outcome::Approved), 500),
        ("m", None, 500),
    ] {
        let seen = Sighting { member: print(member), at: now(), facts: facts.clone(), outcome };
        let mut history = History::default();
        history.record(print("c"), seen, now());
        let histories = [(AttributeKind::TaxId, history)].into();
        let own = facts.clone();
        let view = View { own, member: print("m0"), histories, ..View::default() };
        let answer = DeliveryAnswer::NotConfigured;
        let found = signals(&samples::person(), &view, &answer, now()).unwrap();
        let told = (found.has(Code::I708), found.correlation.unwrap().points());
        assert_eq!(told, (points == 950, points), "{member} {outcome:?}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(line in "\\PC{0,40}", city in "\\PC{0,20}", state in "\\PC{0,4}", code in "\\PC{0,12}", country in "[A-Z]{2}|\\PC{0,3}") {
        let address = at(&line, &city, &state, &code, &country);
        prop_assert_eq!(look(address.clone()), look(address));
    }
}
