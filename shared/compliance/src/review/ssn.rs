//! The structure of a Social Security number.
//!
//! Sources: the Social Security Administration's rules (no area 000, 666 or 900–999, no group 00, no serial 0000; random
//! assignment since 25 June 2011; areas 700–728, the Railroad Board's, closed on 1 July 1963), the Internal Revenue Service's
//! for taxpayer numbers (9xx with the groups 50–65, 70–88, 90–92, 94–99), and the numbers that were printed in
//! advertisements and are therefore nobody's any more.
//!
//! Invariant: what is called impossible was never issued; everything else is only possible.

use jiff::civil::{Date, date};

/// What nine digits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// Could have been issued.
    Possible {
        /// Only since assignment is random.
        random: bool,
        /// Of the Railroad Board, so before 1 July 1963.
        railroad: bool,
    },
    /// An individual taxpayer identification number.
    Taxpayer,
    /// Never issued.
    Impossible,
    /// Issued once, published since, and void.
    Published,
    /// A pattern that people type instead of a number: one digit throughout, or digits in order.
    Placeholder,
}

/// Numbers that stood in advertisements or on sample cards.
const PUBLISHED: &[&str] = &["078051120", "219099999", "457555462"];

/// Patterns that are possible and hardly anybody's.
const PLACEHOLDERS: &[&str] = &["123456789", "123121234", "012345678", "321214321", "234567890"];

/// The day on which the Railroad Board's areas closed.
pub const RAILROAD_CLOSED: Date = date(1963, 7, 1);

/// Judges nine digits; anything else is impossible.
#[must_use]
pub fn structure(digits: &str) -> Structure {
    if digits.len() != 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Structure::Impossible;
    }
    let number = |from: usize, to: usize| digits[from..to].parse::<u16>().unwrap_or(0);
    let (area, group, serial) = (number(0, 3), number(3, 5), number(5, 9));
    // It could be a taxpayer's, and is what people type.
    if digits == "999999999" {
        return Structure::Placeholder;
    }
    if area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99) && serial > 0 {
        // 987-65-4320 to 4329 are kept for advertisements.
        let advertised = area == 987 && group == 65 && (4320..=4329).contains(&serial);
        return if advertised { Structure::Published } else { Structure::Taxpayer };
    }
    if area == 0 || area == 666 || area >= 900 || group == 0 || serial == 0 {
        return Structure::Impossible;
    }
    if PUBLISHED.contains(&digits) {
        return Structure::Published;
    }
    let first = &digits[..1];
    if PLACEHOLDERS.contains(&digits) || digits.replace(first, "").is_empty() {
        return Structure::Placeholder;
    }
    Structure::Possible {
        // No number of these areas had been issued when random assignment began.
        random: matches!(area, 734..=749 | 773..=899),
        railroad: matches!(area, 700..=728),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: Structure = Structure::Possible { random: false, railroad: false };
    const RANDOM: Structure = Structure::Possible { random: true, railroad: false };
    const RAILROAD: Structure = Structure::Possible { random: false, railroad: true };

    #[test]
    fn numbers_are_what_the_rules_say() {
        for (digits, expected) in [
            ("529448193", OLD),
            ("001010001", OLD),
            ("772991234", OLD),
            ("733101234", OLD),
            ("734101234", RANDOM),
            ("749101234", RANDOM),
            ("773101234", RANDOM),
            ("899991234", RANDOM),
            ("700101234", RAILROAD),
            ("728101234", RAILROAD),
            ("729101234", OLD),
            ("000101234", Structure::Impossible),
            ("666101234", Structure::Impossible),
            ("529008193", Structure::Impossible),
            ("529440000", Structure::Impossible),
            ("900491234", Structure::Impossible),
            ("900661234", Structure::Impossible),
            ("900891234", Structure::Impossible),
            ("912931234", Structure::Impossible),
            ("900500000", Structure::Impossible),
            ("999000001", Structure::Impossible),
            ("900501234", Structure::Taxpayer),
            ("912651234", Structure::Taxpayer),
            ("912701234", Structure::Taxpayer),
            ("912881234", Structure::Taxpayer),
            ("912921234", Structure::Taxpayer),
            ("999991234", Structure::Taxpayer),
            ("078051120", Structure::Published),
            ("219099999", Structure::Published),
            ("457555462", Structure::Published),
            ("987654320", Structure::Published),
            ("987654329", Structure::Published),
            ("987654330", Structure::Taxpayer),
            ("123456789", Structure::Placeholder),
            ("111111111", Structure::Placeholder),
            ("555555555", Structure::Placeholder),
            ("000000000", Structure::Impossible),
            ("999999999", Structure::Placeholder),
            ("12345678", Structure::Impossible),
            ("", Structure::Impossible),
            ("52944819x", Structure::Impossible),
        ] {
            assert_eq!(structure(digits), expected, "{digits}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}", digits in "[0-9]{9}") {
            let _ = structure(&text);
            let possible = structure(&digits);
            let area: u16 = digits[..3].parse().unwrap();
            if matches!(possible, Structure::Possible { .. }) {
                prop_assert!(area != 0 && area != 666 && area < 900);
            }
        }
    }
}
