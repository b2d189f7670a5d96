//! Cases of the module `reputation`.

use domain::network::History;

use super::*;

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn print(text: &str) -> Option<Fingerprint> {
    (!text.is_empty()).then(|| Fingerprint::of_digest(text))
}

/// first last born tax phone address, separated by spaces; `-` is none.
fn facts(text: &str) -> Facts {
    let part = |at: usize| text.split(' ').nth(at).filter(|part| *part != "-").and_then(print);
    Facts {
        first_name: part(0),
        last_name: part(1),
        birth_date: part(2),
        tax_id: part(3),
        phone: part(4),
        address: part(5),
        email: None,
    }
}

const OWN: &str = "f l b t p a";

/// Others in the history of one kind: contributor, member, facts.
fn view(kind: AttributeKind, others: &[(&str, &str, &str)]) -> View {
    let mut history = History::default();
    for (who, member, text) in others {
        let seen = Sighting {
            member: Fingerprint::of_digest(member),
            at: now(),
            facts: facts(text),
            outcome: Some(Outcome::Approved),
        };
        history.record(Fingerprint::of_digest(who), seen, now());
    }
    View {
        contributor: Fingerprint::of_digest("own"),
        member: Fingerprint::of_digest("m0"),
        own: facts(OWN),
        histories: [(kind, history)].into(),
        ..View::default()
    }
}

fn look(kind: AttributeKind, others: &[(&str, &str, &str)]) -> Vec<Code> {
    signals(&view(kind, others), now()).0.codes.into_iter().collect()
}

#[test]
fn what_came_with_the_number_counts() {
    use AttributeKind::TaxId;
    type Others = &'static [(&'static str, &'static str, &'static str)];
    let cases: &[(Others, &[Code])] = &[
        (&[], &[Code::I1001]),
        (&[("own", "m0", "x y z t q r")], &[Code::I1001]),
        (&[("c1", "m1", OWN)], &[]),
        (&[("c1", "m1", "g l b t p a")], &[Code::I1001, Code::R203]),
        (&[("c1", "m1", "f k b t p a")], &[Code::I1001, Code::R203, Code::R204]),
        (&[("c1", "m1", "f k b t p c")], &[Code::I1001, Code::R203, Code::R204, Code::R205]),
        (&[("c1", "m1", "f l d t p a")], &[Code::R207, Code::R1001]),
        (&[("c1", "m1", "f l b t p c"), ("c2", "m1", "f l b t p d")], &[Code::R208]),
        (&[("c1", "m1", "f l b t q a"), ("c2", "m1", "f l b t r a")], &[Code::R226]),
        (
            &[
                ("c1", "m1", "g l b t p a"),
                ("c2", "m1", "h l b t p a"),
                ("c3", "m1", "i l b t p a"),
            ],
            &[Code::I1001, Code::R203, Code::R225],
        ),
        (
            &[
                ("c1", "m1", OWN),
                ("c2", "m1", OWN),
                ("c3", "m1", OWN),
                ("c4", "m1", OWN),
                ("c5", "m1", OWN),
            ],
            &[Code::R227],
        ),
        (
            &[("c1", "m1", OWN), ("c2", "m2", OWN), ("c3", "m3", OWN), ("c4", "m4", OWN)],
            &[Code::I1004],
        ),
    ];
    for (others, codes) in cases {
        let mut codes = codes.to_vec();
        codes.sort();
        assert_eq!(look(TaxId, others), codes, "{others:?}");
    }
}

#[test]
fn one_person_with_several_numbers_shows() {
    let found = look(AttributeKind::Person, &[("c1", "m1", "f l b u p a")]);
    assert_eq!(found, [Code::R956]);
    assert_eq!(look(AttributeKind::Device, &[("c1", "m1", OWN)]), [Code::I1001]);
}

#[test]
fn only_counts_and_own_dates_are_told() {
    let others = [("c1", "m0", OWN), ("c2", "m2", "f l d t q a"), ("c3", "m3", "x y z t q a")];
    let (_, insights) = signals(&view(AttributeKind::TaxId, &others), now());
    assert_eq!(
        insights,
        Insights {
            applications_count: 2,
            applications_dates: vec!["2026-12-01".into()],
            applications_approved_count: 2,
            applications_declined_count: 0,
            user_institution_count: 2,
            user_dob_count: 2,
            user_mobile_count: 2,
            user_email_count: 0,
            user_address_count: 1,
        }
    );
}

#[test]
fn one_customer_seen_by_two_attributes_is_one() {
    let mut view = view(AttributeKind::TaxId, &[("c1", "m1", OWN)]);
    let history = view.histories[&AttributeKind::TaxId].clone();
    view.histories.insert(AttributeKind::Email, history.clone());
    view.histories.insert(AttributeKind::Phone, history);
    assert_eq!(signals(&view, now()).1.applications_count, 1);
}
