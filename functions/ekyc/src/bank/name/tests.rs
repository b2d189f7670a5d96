use proptest::prelude::*;

use super::Likeness::{Close, Different, Full};
use super::*;

fn likeness_of(one: &str, other: &str, kind: AccountKind) -> Likeness {
    let (one, other) = (AccountName::parse(one).unwrap(), AccountName::parse(other).unwrap());
    let likeness = compare(&one, &other, kind);
    assert_eq!(compare(&other, &one, kind), likeness, "{} ~ {}", one.reveal(), other.reveal());
    likeness
}

#[test]
fn people() {
    for (one, other, expected) in [
        ("John Smith", "John Smith", Full),
        ("john  SMITH", "John Smith", Full),
        ("John Paul Smith", "John Smith", Full),
        ("John P. Smith", "John Smith", Full),
        ("José Núñez", "Jose Nunez", Full),
        ("Søren Ødegård", "Soren Odegard", Full),
        ("Łukasz Müller", "Lukasz Muller", Full),
        ("Siân O'Brien", "Sian O’Brien", Full),
        ("Anne-Marie Lloyd-Jones", "Anne Marie Lloyd Jones", Close),
        ("Anne-Marie Lloyd-Jones", "AnneMarie LloydJones", Full),
        // Titles and what follows a name.
        ("Mr John Smith", "John Smith", Full),
        ("Prof. Dr. John Smith OBE", "John Smith", Full),
        ("Rev John Smith Jr", "John Smith", Full),
        ("Mr Smith", "Smith", Full),
        ("Lord John Smith", "John Smith", Full),
        // A title that is somebody's name stays.
        ("Lord Smith", "John Smith", Different),
        ("Major Smith", "Major Smith", Full),
        ("Jack Ma", "Jack", Different),
        // Initials.
        ("J Smith", "John Smith", Close),
        ("J. Smith", "J Smith", Full),
        ("J Smith", "Peter Smith", Different),
        ("J R Smith", "John Smith", Close),
        // Short forms.
        ("Bob Smith", "Robert Smith", Close),
        ("Kate Jones", "Katherine Jones", Close),
        ("Alexander Jones", "Alexandra Jones", Close),
        ("Tony Jones", "Antony Jones", Close),
        // Slips.
        ("Jonathon Smith", "Jonathan Smith", Close),
        ("John Smyth", "John Smith", Different),
        ("John Thompson", "John Thomson", Close),
        ("John Macdonald", "John McDonald", Close),
        ("Jon Smyth", "John Smith", Different),
        ("John Smith", "Jane Smith", Different),
        ("John Smith", "John Jones", Different),
        // Order.
        ("Smith John", "John Smith", Close),
        ("SMITH, John", "John Smith", Full),
        ("SMITH, Mr John Paul", "John Smith", Full),
        ("Wei Chen", "Chen Wei", Close),
        // Double-barrelled.
        ("Jane Lloyd-Jones", "Jane Jones", Close),
        ("Jane Lloyd-Jones", "Jane Lloyd", Close),
        ("Jane Lloyd-Jones", "Peter Jones", Different),
        // Joint accounts.
        ("Mr John Smith & Mrs Anna Smith", "Anna Smith", Full),
        ("John Smith and Anna Jones", "John Smith", Full),
        ("J & A Smith", "Anna Smith", Close),
        ("Mr J and Mrs A Smith", "John Smith", Close),
        ("John Smith, Anna Jones", "Anna Jones", Full),
        ("Mr & Mrs J Smith", "John Smith", Close),
        ("Mr and Mrs Smith", "Smith", Full),
        ("John Smith & Anna Jones", "Anna Smith", Different),
        ("John Smith + Anna Jones", "Anna Jones / John Smith", Full),
        // A comma form that a provider wants.
        (",,John Smith", "John Smith", Full),
        // One word.
        ("Sukarno", "sukarno", Full),
        ("Smith", "John Smith", Different),
        // Scripts without case.
        ("李 明", "李 明", Full),
        ("李 明", "王 明", Different),
        ("Владимир Петров", "ВЛАДИМИР ПЕТРОВ", Full),
        // Words that only look like joiners.
        ("Sandy Andrews", "Sandy Andrews", Full),
    ] {
        assert_eq!(likeness_of(one, other, AccountKind::Personal), expected, "{one} ~ {other}");
    }
}

#[test]
fn businesses() {
    for (one, other, expected) in [
        ("Acme Bakers Ltd", "ACME BAKERS LIMITED", Full),
        ("The Acme Bakers Company", "Acme Bakers", Full),
        ("Acme & Sons", "Acme and Sons", Full),
        ("Acme-Bakers PLC", "Acme Bakers", Full),
        ("Acme Bakers (UK) Ltd", "Acme Bakers Ltd", Full),
        ("John Smith t/a Acme Bakers", "Acme Bakers", Full),
        ("John Smith trading as Acme Bakers", "Acme Bakers", Full),
        ("Acme Bakers Bristol", "Acme Bakers", Close),
        ("Acme Bakeries", "Acme Bakers", Close),
        ("Acme Bakers", "Acme Plumbers", Different),
        ("Acme", "Acme Plumbers", Different),
        ("Bath Taxis", "Taxis Bath", Different),
        ("Limited Ltd", "Limited", Close),
        ("The Company Ltd", "Acme", Different),
    ] {
        assert_eq!(likeness_of(one, other, AccountKind::Business), expected, "{one} ~ {other}");
    }
}

#[test]
fn names_are_read_and_not_shown() {
    let name = AccountName::of_person(" Anna\u{9}", "Smith\n").unwrap();
    assert_eq!(name.reveal(), "Anna Smith");
    assert_eq!(format!("{name:?}"), "AccountName(…)");
    assert!(AccountName::parse(&"x".repeat(140)).is_ok());
    assert_eq!(AccountName::parse(&"x".repeat(141)), Err(Problem::TooLong { max: 140 }));
    for nothing in ["", "  ", "\n", ".,-", "&"] {
        assert_eq!(AccountName::parse(nothing), Err(Problem::Required), "{nothing:?}");
    }
}

/// Names such as people have them, with what forms add to them.
fn name() -> impl Strategy<Value = String> {
    let word = "[A-Za-zÀ-ÖØ-öø-ž]{1,9}(-[A-Z][a-z]{1,6})?";
    let title = prop::sample::select(vec!["", "Mr ", "dr. ", "Mr & Mrs ", "Lady "]);
    (title, prop::collection::vec(word, 1..4))
        .prop_map(|(title, words)| title.to_owned() + &words.join(" "))
}

proptest! {
    #[test]
    fn any_name_equals_itself_and_order_does_not_matter(one in ".{0,60}", other in ".{0,60}") {
        if let (Ok(one), Ok(other)) = (AccountName::parse(&one), AccountName::parse(&other)) {
            for kind in [AccountKind::Personal, AccountKind::Business] {
                prop_assert_eq!(compare(&one, &other, kind), compare(&other, &one, kind));
            }
        }
    }

    #[test]
    fn a_name_equals_itself_whatever_its_case_spaces_and_accents(name in name()) {
        let mut spaced = name.replace(' ', "  ").to_uppercase();
        spaced.push(' ');
        let accented: String = name.chars().flat_map(|c| {
            let accent = c.is_ascii_alphabetic().then_some('\u{301}');
            std::iter::once(c).chain(accent)
        }).collect();
        for form in [name.clone(), name.to_lowercase(), spaced, accented] {
            if let Ok(form) = AccountName::parse(&form) {
                let name = AccountName::parse(&name).unwrap();
                prop_assert_eq!(compare(&name, &form, AccountKind::Personal), Full);
            }
        }
    }

    #[test]
    fn changing_case_changes_no_answer(one in name(), other in name()) {
        let parse = |text: &str| AccountName::parse(text).unwrap();
        let before = compare(&parse(&one), &parse(&other), AccountKind::Personal);
        let after = compare(&parse(&one.to_uppercase()), &parse(&other.to_lowercase()), AccountKind::Personal);
        prop_assert_eq!(before, after);
    }
}
