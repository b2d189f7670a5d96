//! Cases of the module `email`.

use domain::network::{Facts, Fingerprint, History, Outcome};
use proptest::prelude::*;

use super::*;
use crate::review::applicant::{Party, samples};

const NOW: &str = "2026-12-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn with_email(email: &str) -> Applicant {
    Applicant { email: Some(email.to_owned()), ..samples::person() }
}

fn look(email: &str) -> Signals {
    signals(&with_email(email), &View::default(), now()).unwrap()
}

#[test]
fn handles_and_domains_show_what_they_are() {
    // The sample person is Mira Oduya, ZIP 89501.
    let cases: &[(&str, &[Code])] = &[
        ("mira.oduya@gmail.com", &[Code::I557, Code::I558, Code::I566, Code::I569, Code::I570]),
        ("MIRA@oduya-family.com", &[Code::I554, Code::I557, Code::I569]),
        ("oduya@college.edu", &[Code::I558, Code::I559, Code::I561, Code::I570]),
        ("moduya89501@outlook.com", &[Code::I558, Code::I562, Code::I566, Code::I570]),
        ("mira.oduya@example.com", &[Code::I557, Code::I558, Code::I563, Code::I569, Code::I570]),
        ("someone@mailinator.com", &[Code::R557]),
        ("someone@box.mailinator.com", &[Code::R557]),
        ("someone@duck.com", &[Code::R565]),
        ("someone@nice.tk", &[Code::R567]),
        ("someone@nowhere.invalid", &[Code::I563, Code::R563]),
        ("postmaster@some.com", &[Code::I565]),
        ("jennifer.k@some.com", &[Code::I568]),
        ("jenniferk@some.com", &[Code::I568]),
        ("8675309x@some.com", &[Code::R560]),
        ("8fkr3mmq22xa@some.com", &[Code::R558]),
        ("a8f3k2m9x1@some.com", &[Code::I567, Code::R558]),
        ("xkcdqwrtpl@some.com", &[Code::R568]),
        ("vxqzbx@some.com", &[Code::R568, Code::R573]),
        ("a.b.c.d.e@some.com", &[Code::I567]),
        ("_._-_a@some.com", &[Code::R574]),
        ("o'hara@some.com", &[Code::I564]),
        ("abc@gmail.com", &[Code::I566, Code::R564]),
        ("someone_else@gmail.com", &[Code::I566, Code::R564]),
        ("abcdefghijabcdefghijabcdefghijabcdefghijabc@some.com", &[Code::R569]),
        ("not an address", &[Code::R551]),
        ("@some.com", &[Code::R551]),
        ("a@some", &[Code::R551]),
    ];
    for (email, codes) in cases {
        let found = look(email);
        assert_eq!(found.codes.iter().copied().collect::<Vec<_>>(), sorted(codes), "{email}");
    }
}

fn sorted(codes: &[Code]) -> Vec<Code> {
    let mut codes = codes.to_vec();
    codes.sort();
    codes
}

#[test]
fn a_name_in_the_handle_correlates() {
    for (email, points) in [
        ("mira.oduya@some.com", 950),
        ("oduyamira77@some.com", 950),
        ("m.oduya@some.com", 850),
        ("oduya.m@some.com", 850),
        ("oduya.x@some.com", 700),
        ("oduya@some.com", 700),
        ("mira88@some.com", 550),
        ("sunshine@some.com", 250),
        ("webmaster@some.com", 100),
        ("broken", 0),
    ] {
        assert_eq!(look(email).correlation.unwrap().points(), points, "{email}");
    }
}

fn history(sightings: Vec<(&str, Facts, &str)>, outcome: Option<Outcome>) -> History {
    let mut history = History::default();
    for (who, facts, at) in sightings {
        let seen = Sighting {
            member: Fingerprint::of_digest("m"),
            at: at.parse().unwrap(),
            facts,
            outcome,
        };
        history.record(Fingerprint::of_digest(who), seen, now());
    }
    history
}

fn named(first: &str, last: &str, phone: &str) -> Facts {
    Facts {
        first_name: Some(Fingerprint::of_digest(first)),
        last_name: Some(Fingerprint::of_digest(last)),
        phone: Some(Fingerprint::of_digest(phone)),
        ..Facts::default()
    }
}

#[test]
fn what_the_network_has_seen_counts() {
    let own = named("f", "l", "p0");
    let view = |sightings, member, outcome| View {
        own: own.clone(),
        member: Fingerprint::of_digest(member),
        histories: [(AttributeKind::Email, history(sightings, outcome))].into(),
        ..View::default()
    };
    let look_as = |sightings, member, outcome| {
        signals(&samples::person(), &view(sightings, member, outcome), now()).unwrap()
    };
    let look = |sightings| look_as(sightings, "m0", Some(Outcome::Approved));

    for (at, code) in [
        ("2026-11-30T00:00:00Z", Code::R561),
        ("2026-05-01T00:00:00Z", Code::I550),
        ("2025-10-01T00:00:00Z", Code::I551),
        ("2023-01-01T00:00:00Z", Code::I553),
    ] {
        let found = look(vec![("a", named("f", "l", "p0"), at)]);
        assert!(found.has(code) && found.has(Code::I556), "{at}");
        assert_eq!(found.correlation.unwrap().points(), 990);
    }
    let other = look(vec![("a", named("x", "y", "p0"), "2026-11-30T00:00:00Z")]);
    assert!(!other.has(Code::I556));
    assert_eq!(other.correlation.unwrap().points(), 750, "another name with it takes away");
    let phones = look(vec![
        ("a", named("f", "l", "p1"), "2026-11-30T00:00:00Z"),
        ("b", named("f", "l", "p2"), "2026-11-29T00:00:00Z"),
    ]);
    assert!(phones.has(Code::R572));
    // Nobody is their own witness: not at the same partner, nor before anybody has approved.
    for (member, outcome) in
        [("m", Some(Outcome::Approved)), ("m0", None), ("m0", Some(Outcome::Declined))]
    {
        let own = vec![("a", named("f", "l", "p0"), "2026-11-30T00:00:00Z")];
        let found = look_as(own, member, outcome);
        assert!(!found.has(Code::I556), "{member} {outcome:?}");
        assert_eq!(found.correlation.unwrap().points(), 950, "nor does it take away");
    }
}

#[test]
fn a_business_is_compared_by_its_name() {
    let mut business = samples::business();
    business.email = Some("blueharborbakeryllc@gmail.com".into());
    let found = signals(&business, &View::default(), now()).unwrap();
    assert!(found.has(Code::I558) && found.has(Code::I559));
    business.email = None;
    assert!(signals(&business, &View::default(), now()).is_none());
    let Party::Business(_) = business.party else { unreachable!() };
}

proptest! {
    #[test]
    fn no_text_panics_and_the_same_text_gives_the_same(text in "\\PC{0,60}", handle in "[a-z0-9._%+'-]{1,20}", domain in "[a-z]{1,8}\\.[a-z]{2,4}") {
        for email in [text.clone(), format!("{handle}@{domain}"), format!("{text}@{domain}")] {
            let one = look(&email);
            prop_assert_eq!(&one, &look(&email));
            prop_assert!(one.correlation.is_some());
        }
    }
}
