//! Country names to codes, so that "Iran, Islamic Republic of" and "IR" agree.
//!
//! Invariant: a text is a country only when the table knows it; nothing is guessed from a part of it.

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("tables/countries.txt");

/// A two-letter code as one number.
pub(crate) fn code_of(text: &str) -> Option<u16> {
    static NAMES: OnceLock<HashMap<String, u16>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let mut names = HashMap::new();
        for (code, spellings) in
            TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|l| l.split_once(':'))
        {
            let number = packed(code);
            names.insert(code.to_ascii_lowercase(), number);
            for spelling in spellings.split('|') {
                names.insert(spelling.trim().to_owned(), number);
            }
        }
        names
    });
    names.get(&folded(text)).copied()
}

fn packed(code: &str) -> u16 {
    match code.as_bytes() {
        &[first, second] => u16::from_be_bytes([first, second]),
        _ => 0,
    }
}

fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut plain = String::new();
    for c in text.chars() {
        plain.clear();
        crate::text::romanise::plain(c, &mut plain);
        for c in plain.chars() {
            if c.is_alphanumeric() {
                out.push(c);
            } else if !out.ends_with(' ') {
                out.push(' ');
            }
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(code: u16) -> String {
        let [first, second] = code.to_be_bytes();
        String::from_utf8_lossy(&[first, second]).into_owned()
    }

    #[test]
    fn names_and_codes_agree() {
        for (text, code) in [
            ("Iran, Islamic Republic of", "IR"),
            ("ir", "IR"),
            ("Korea, North", "KP"),
            ("Côte d'Ivoire", "CI"),
            ("Türkiye", "TR"),
            ("Russian Federation", "RU"),
        ] {
            assert_eq!(code_of(text).map(letters).as_deref(), Some(code), "{text}");
        }
        assert_eq!(code_of("Atlantis"), None);
    }
}
