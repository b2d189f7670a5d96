//! Letter pairs, the key under which similar tokens are found.
//!
//! Invariant: a word of n letters has n + 1 pairs, its two ends included; equal words have equal pairs.

/// The pairs of a word with both ends marked, each with the word's length in its top byte so that only words of
/// like length share a posting list.
pub(crate) fn bigrams(word: &str) -> impl Iterator<Item = u16> + '_ {
    let ends = std::iter::once(b'^').chain(word.bytes());
    let next = word.bytes().chain(std::iter::once(b'$'));
    ends.zip(next).map(|(a, b)| u16::from_be_bytes([a, b]))
}

/// Key of one posting list: pair and word length.
pub(crate) fn gram_key(pair: u16, length: usize) -> u32 {
    u32::from(pair) << 8 | length.min(255) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_count() {
        assert_eq!(bigrams("ab").count(), 3);
        assert_eq!(bigrams("").count(), 1);
        assert_ne!(gram_key(1, 4), gram_key(1, 5));
    }
}
