//! The structure of an employer identification number.
//!
//! Source: the Internal Revenue Service's list "How EINs are assigned and valid EIN prefixes".
//!
//! Invariant: what is called impossible has a prefix that was never given out; everything else is only possible.

/// Prefixes that a campus or the Internet gives out, as runs.
const PREFIXES: &[(u8, u8)] =
    &[(1, 6), (10, 16), (20, 27), (30, 48), (50, 68), (71, 77), (80, 88), (90, 95), (98, 99)];

/// What nine digits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// Could have been given out.
    Possible,
    /// A pattern that people type instead of a number.
    Placeholder,
    /// Never given out.
    Impossible,
}

/// Judges nine digits; anything else is impossible.
#[must_use]
pub fn structure(digits: &str) -> Structure {
    if digits.len() != 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Structure::Impossible;
    }
    // First: that a number is a pattern as well makes it no milder.
    let prefix: u8 = digits[..2].parse().unwrap_or(0);
    if !PREFIXES.iter().any(|(low, high)| (*low..=*high).contains(&prefix)) {
        return Structure::Impossible;
    }
    let first = &digits[..1];
    if digits.replace(first, "").is_empty()
        || matches!(digits, "123456789" | "987654321" | "012345678")
        || digits[2..].bytes().all(|b| b == b'0')
    {
        return Structure::Placeholder;
    }
    Structure::Possible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_list_says() {
        for (digits, expected) in [
            ("463817204", Structure::Possible),
            ("013817204", Structure::Possible),
            ("273817204", Structure::Possible),
            ("393817204", Structure::Possible),
            ("483817204", Structure::Possible),
            ("683817204", Structure::Possible),
            ("953817204", Structure::Possible),
            ("993817204", Structure::Possible),
            ("003817204", Structure::Impossible),
            ("073817204", Structure::Impossible),
            ("173817204", Structure::Impossible),
            ("283817204", Structure::Impossible),
            ("493817204", Structure::Impossible),
            ("693817204", Structure::Impossible),
            ("703817204", Structure::Impossible),
            ("783817204", Structure::Impossible),
            ("893817204", Structure::Impossible),
            ("963817204", Structure::Impossible),
            ("123456789", Structure::Placeholder),
            ("111111111", Structure::Placeholder),
            ("000000000", Structure::Impossible),
            ("170000000", Structure::Impossible),
            ("999999999", Structure::Placeholder),
            ("460000000", Structure::Placeholder),
            ("46381720", Structure::Impossible),
            ("46-381720", Structure::Impossible),
            ("", Structure::Impossible),
        ] {
            assert_eq!(structure(digits), expected, "{digits}");
        }
    }
}
