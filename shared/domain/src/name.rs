//! What a customer is called.
//!
//! Invariants: a person has a first name and nearly always a last one; a company has one name. The name in full is
//! derived, never stored, so it can not contradict its parts; and a name in full that is split gives the same name when
//! it is joined again.

use crate::problem::Problem;
use crate::text::Text;

/// One part of a person's name.
pub type NamePart = Text<100>;
/// A title or suffix.
pub type NameAffix = Text<30>;
/// A company's name.
pub type EntityName = Text<200>;

/// A person's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName {
    /// "Ms."
    pub prefix: Option<NameAffix>,
    /// The given name.
    pub first: NamePart,
    /// Further given names.
    pub middle: Option<NamePart>,
    /// The family name; some people have but one name.
    pub last: Option<NamePart>,
    /// "Jr."
    pub suffix: Option<NameAffix>,
    /// What the person wants to be called.
    pub preferred: Option<NamePart>,
}

impl PersonName {
    /// First, middle, last and suffix, joined by spaces: "Bob Smith". Prefix and preferred name stay out, because
    /// neither belongs to the legal name.
    #[must_use]
    pub fn full(&self) -> String {
        let mut full = self.first.as_str().to_owned();
        let rest = [
            self.middle.as_ref().map(Text::as_str),
            self.last.as_ref().map(Text::as_str),
            self.suffix.as_ref().map(Text::as_str),
        ];
        for part in rest.into_iter().flatten() {
            full.push(' ');
            full.push_str(part);
        }
        full
    }

    /// Splits a name in full at its spaces: the first word is the first name, the last one the last name with the
    /// particles before it (`van`, `de la`), a suffix (`Jr.`) is one, and the rest are middle names, as many as fit into that
    /// part. [`Self::full`] of the result is the text again, its runs of white space made one space.
    ///
    /// # Errors
    /// [`Problem`] when it is empty or one part is too long or not printable.
    pub fn split(full: &str) -> Result<Self, Problem> {
        let whole: Text<FULL_NAME> = Text::parse(full)?;
        let mut words: Vec<&str> = whole.as_str().split_whitespace().collect();
        let suffix = match words.last() {
            Some(last) if words.len() > 2 && SUFFIXES.contains(&last.to_lowercase().as_str()) => {
                words.pop()
            }
            _ => None,
        };
        let first = words.first().copied().ok_or(Problem::Required)?;
        let rest = words.get(1..).unwrap_or(&[]);
        // Particles are written small; the word before the last one may be a middle name.
        let particles =
            rest.iter().rev().skip(1).take_while(|word| PARTICLES.contains(word)).count();
        let mut last_from = rest.len().saturating_sub(1 + particles);
        // More middle names than fit go over to the last one, so that a long name is kept whole.
        while last_from > 0
            && NamePart::parse(&rest.get(..last_from).unwrap_or(&[]).join(" ")).is_err()
            && NamePart::parse(&rest.get(last_from - 1..).unwrap_or(&[]).join(" ")).is_ok()
        {
            last_from -= 1;
        }
        // Of a text that is not too long by itself, that "at most 100" would be no help.
        let part = |text: &str| {
            NamePart::parse(text).map_err(|problem| match problem {
                Problem::TooLong { .. } => Problem::Malformed { expected: PARTS },
                other => other,
            })
        };
        let joined = |words: &[&str]| {
            if words.is_empty() { Ok(None) } else { part(&words.join(" ")).map(Some) }
        };
        Ok(Self {
            prefix: None,
            first: part(first)?,
            middle: joined(rest.get(..last_from).unwrap_or(&[]))?,
            last: joined(rest.get(last_from..).unwrap_or(&[]))?,
            suffix: suffix.map(Text::parse).transpose()?,
            preferred: None,
        })
    }
}

const PARTS: &str = "a name with a first name of at most 100 characters, and whose other words make a middle and a last name of at most 100 each";

/// The most characters of a name in full.
pub const FULL_NAME: usize = 200;

const SUFFIXES: [&str; 10] = ["jr", "jr.", "sr", "sr.", "ii", "iii", "iv", "v", "md", "phd"];
const PARTICLES: [&str; 24] = [
    "af", "al", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos",
    "du", "el", "ibn", "la", "le", "ten", "ter", "van", "von", "zu",
];

/// A name as it is searched and sorted by: lower case, single spaces.
#[must_use]
pub fn folded(name: &str) -> String {
    let lower = name.to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_name_splits_into_its_parts() {
        for (full, first, middle, last, suffix) in [
            ("Mira Oduya", "Mira", None, Some("Oduya"), None),
            ("Cher", "Cher", None, None, None),
            (" Bob  Q  Smith ", "Bob", Some("Q"), Some("Smith"), None),
            ("Bob Smith Jr.", "Bob", None, Some("Smith"), Some("Jr.")),
            ("Bob Jr", "Bob", None, Some("Jr"), None),
            ("Ludwig van Beethoven", "Ludwig", None, Some("van Beethoven"), None),
            ("Ana Maria de la Cruz", "Ana", Some("Maria"), Some("de la Cruz"), None),
            ("van Gogh", "van", None, Some("Gogh"), None),
            ("A B C D III", "A", Some("B C"), Some("D"), Some("III")),
        ] {
            let name = PersonName::split(full).unwrap();
            let text = |part: &Option<NamePart>| part.as_ref().map(|text| text.as_str().to_owned());
            assert_eq!(name.first.as_str(), first, "{full}");
            assert_eq!(text(&name.middle).as_deref(), middle, "{full}");
            assert_eq!(text(&name.last).as_deref(), last, "{full}");
            assert_eq!(name.suffix.as_ref().map(Text::as_str), suffix, "{full}");
        }
        // The painter's name in baptism.
        let long = "Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios Cipriano de la Santísima \
                    Trinidad Ruiz y Picasso";
        let name = PersonName::split(long).unwrap();
        assert_eq!((name.full().as_str(), name.first.as_str()), (long, "Pablo"));
        for wrong in ["", "  ", &"x".repeat(201), &"y".repeat(101), "a\nb"] {
            assert!(PersonName::split(wrong).is_err(), "{wrong}");
        }
        // Neither the whole nor a word is too long.
        let words = format!("A {0} {0} {0}", "z".repeat(60));
        assert_eq!(PersonName::split(&words), Err(Problem::Malformed { expected: PARTS }));
    }

    #[test]
    fn names_fold_to_one_spelling() {
        assert_eq!(folded("  Élodie   O'BRIEN "), "élodie o'brien");
    }

    proptest! {
        #[test]
        fn splitting_and_joining_gives_the_name_again(words in prop::collection::vec("[A-Za-zéü.'-]{1,12}|van|de|la|Jr\\.|III", 1..7)) {
            let full = words.join(" ");
            prop_assert_eq!(PersonName::split(&full).unwrap().full(), full);
        }

        #[test]
        fn splitting_never_panics(text in "\\PC{0,60}") {
            if let Ok(name) = PersonName::split(&text) {
                prop_assert_eq!(PersonName::split(&name.full()).map(|again| again.full()), Ok(name.full()));
            }
        }
    }

    #[test]
    fn the_full_name_joins_the_legal_parts() {
        let mut name = PersonName {
            prefix: Some(Text::parse("Ms.").unwrap()),
            first: Text::parse("Dana").unwrap(),
            middle: None,
            last: Some(Text::parse("Rivers").unwrap()),
            suffix: None,
            preferred: Some(Text::parse("D").unwrap()),
        };
        assert_eq!(name.full(), "Dana Rivers");
        name.middle = Some(Text::parse("Q").unwrap());
        name.suffix = Some(Text::parse("Jr.").unwrap());
        assert_eq!(name.full(), "Dana Q Rivers Jr.");
        assert!(!format!("{name:?}").contains("Dana"));
    }
}
