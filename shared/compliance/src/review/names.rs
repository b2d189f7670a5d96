//! Comparing names and handles by their letters.
//!
//! Invariant: folding is idempotent and gives `a`–`z` alone, so that accents, case, hyphens and spaces never tell two names
//! apart.

use unicode_normalization::UnicodeNormalization;

/// The letters of a name: accents taken off, lower case, nothing else. Scripts other than Latin keep their letters.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfd().flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            c if c.is_ascii_lowercase() || (!c.is_ascii() && c.is_alphabetic()) => folded.push(c),
            _ => {}
        }
    }
    // What stood between two combining letters is gone, so that they may have to change places.
    folded.nfd().collect()
}

/// The words of a name, folded.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '/' | '&' | '(' | ')'))
        .map(fold)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Words that state the legal form of an entity in the United States and the United Kingdom, folded.
const LEGAL_FORMS: &[&str] = &[
    "llc",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "ltd",
    "limited",
    "llp",
    "lp",
    "plc",
    "pllc",
    "pc",
    "co",
    "company",
    "foundation",
    "trust",
    "gmbh",
    "lllp",
];

/// The legal form that a name states.
#[must_use]
pub fn states_legal_form(name: &str) -> bool {
    words(name).last().is_some_and(|last| LEGAL_FORMS.contains(&last.as_str()))
}

/// The words of an entity's name without its legal form.
#[must_use]
pub fn without_legal_form(name: &str) -> Vec<String> {
    words(name)
        .into_iter()
        .filter(|word| !LEGAL_FORMS.contains(&word.as_str()) && word != "the" && word != "and")
        .collect()
}

/// Names so common in the United States that a handle with one in it was made by a person (Social Security
/// Administration, most frequent given names over the last hundred years).
pub const COMMON_GIVEN_NAMES: &[&str] = &[
    "alexander",
    "amanda",
    "amy",
    "andrew",
    "angela",
    "anna",
    "anthony",
    "ashley",
    "barbara",
    "benjamin",
    "betty",
    "brandon",
    "brian",
    "carol",
    "catherine",
    "charles",
    "christine",
    "christopher",
    "cynthia",
    "daniel",
    "david",
    "deborah",
    "donald",
    "donna",
    "dorothy",
    "edward",
    "elizabeth",
    "emily",
    "emma",
    "eric",
    "frank",
    "gary",
    "george",
    "gregory",
    "heather",
    "helen",
    "jacob",
    "james",
    "janet",
    "jason",
    "jeffrey",
    "jennifer",
    "jessica",
    "john",
    "jonathan",
    "jose",
    "joseph",
    "joshua",
    "juan",
    "julie",
    "karen",
    "katherine",
    "kathleen",
    "kenneth",
    "kevin",
    "kimberly",
    "larry",
    "laura",
    "linda",
    "lisa",
    "margaret",
    "maria",
    "mark",
    "mary",
    "matthew",
    "melissa",
    "michael",
    "michelle",
    "nancy",
    "nicholas",
    "nicole",
    "olivia",
    "pamela",
    "patricia",
    "patrick",
    "paul",
    "rachel",
    "rebecca",
    "richard",
    "robert",
    "ronald",
    "ruth",
    "ryan",
    "samantha",
    "samuel",
    "sandra",
    "sarah",
    "scott",
    "sharon",
    "sophia",
    "stephanie",
    "stephen",
    "steven",
    "susan",
    "thomas",
    "timothy",
    "tyler",
    "virginia",
    "william",
    "zachary",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_case_and_marks_do_not_tell_names_apart() {
        for (one, other) in [
            ("Zoë", "zoe"),
            ("O'Brien", "OBRIEN"),
            ("Anne-Marie", "anne marie"),
            ("Łukasz Größ", "lukaszgross"),
            ("José", "JOSE"),
        ] {
            assert_eq!(fold(one), fold(other), "{one}");
        }
        assert_eq!(fold("Иван"), "иван");
        assert_eq!(fold("42 -_"), "");
    }

    #[test]
    fn legal_forms_stand_at_the_end() {
        for (name, states) in [
            ("Blue Harbor Bakery LLC", true),
            ("Blue Harbor, Inc.", true),
            ("Acme Co", true),
            ("Trust Me Cleaning", false),
            ("Ann Lee", false),
            ("", false),
        ] {
            assert_eq!(states_legal_form(name), states, "{name}");
        }
        assert_eq!(without_legal_form("The Blue Harbor Co., LLC"), ["blue", "harbor"]);
    }

    #[test]
    fn combining_letters_that_come_together_are_put_in_order() {
        let once = fold("\u{1e008} \u{737}");
        assert_eq!(fold(&once), once);
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in "\\PC{0,30}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(!once.contains(char::is_whitespace));
        }
    }
}
