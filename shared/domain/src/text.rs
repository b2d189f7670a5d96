//! Free text that a person typed: trimmed, bounded, printable.
//!
//! Invariant: a [`Text`] is not empty, has no surrounding white space, no control or direction-changing
//! characters (they can forge a log line or an operator's screen), and at most `MAX` characters. Most of what
//! people type is about people, so it never shows in `Debug` and has no `Display`.

use std::fmt;

use crate::problem::Problem;

/// A secret number as it is shown: all but the last four characters starred (`*****8776`); four or fewer are starred
/// whole. Masking what is masked changes nothing.
#[must_use]
pub fn masked(number: &str) -> String {
    let count = number.chars().count();
    let hidden = if count > 4 { count - 4 } else { count };
    let shown: String = number.chars().skip(hidden).collect();
    format!("{}{shown}", "*".repeat(hidden))
}

/// Text of 1 to `MAX` characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Reads text, without the white space around it.
    ///
    /// # Errors
    /// [`Problem::Required`] when nothing is left, [`Problem::TooLong`], or [`Problem::Malformed`] for control
    /// characters.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if text.chars().all(is_invisible) {
            return Err(Problem::Required);
        }
        if text.chars().count() > MAX {
            return Err(Problem::TooLong { max: MAX });
        }
        if text.chars().any(is_unprintable) {
            return Err(Problem::Malformed { expected: "printable text" });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(…)")
    }
}

/// What shows nothing by itself: white space, and the joiners and zero-width spaces that are proper between letters.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{3164}')
}

/// Control characters, line and paragraph separators, bidirectional overrides and isolates (Unicode UAX #9).
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_empty_long_or_unprintable() {
        assert_eq!(Text::<5>::parse("  Zoë "), Ok(Text("Zoë".to_owned())));
        assert_eq!(Text::<5>::parse("12345").unwrap().as_str(), "12345");
        assert_eq!(Text::<5>::parse("   "), Err(Problem::Required));
        assert_eq!(Text::<5>::parse("\u{200B}\u{200D}"), Err(Problem::Required));
        assert!(Text::<9>::parse("می\u{200C}رم").is_ok(), "a joiner between letters is spelling");
        assert_eq!(Text::<5>::parse("123456"), Err(Problem::TooLong { max: 5 }));
        for bad in ["a\nb", "a\0b", "a\u{202E}b", "a\u{2028}b"] {
            assert!(matches!(Text::<5>::parse(bad), Err(Problem::Malformed { .. })), "{bad:?}");
        }
    }

    #[test]
    fn does_not_show_itself() {
        assert_eq!(format!("{:?}", Text::<9>::parse("Rivers").unwrap()), "Text(…)");
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in "\\PC{0,20}") {
            if let Ok(once) = Text::<10>::parse(&text) {
                prop_assert_eq!(Text::<10>::parse(once.as_str()), Ok(once));
            }
        }
    }
}
