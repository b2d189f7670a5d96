//! The GSM 7-bit alphabet (3GPP TS 23.038 §6.2.1): what fits into one segment of a text message.

/// The default alphabet without the escape; each takes one septet.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table; each takes two.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// A segment that stands alone.
pub(super) const SEGMENT: usize = 160;

/// How many septets a text takes; `None` when a character is not in the alphabet, which would turn the whole message into
/// UCS-2 with 70 characters to a segment.
pub(super) fn septets(text: &str) -> Option<usize> {
    text.chars()
        .map(|character| match character {
            _ if BASIC.contains(character) => Some(1),
            _ if EXTENDED.contains(character) => Some(2),
            _ => None,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn septets_are_counted_as_the_standard_does() {
        assert_eq!(BASIC.chars().count(), 127, "128 places, one of them the escape");
        for (text, expected) in [
            ("", Some(0)),
            ("Hello 123", Some(9)),
            ("Größe à é", Some(9)),
            ("[€]", Some(6)),
            ("código", None),
            ("ŵ", None),
            ("“", None),
        ] {
            assert_eq!(septets(text), expected, "{text}");
        }
    }
}
