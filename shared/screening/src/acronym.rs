//! Acronyms of organisations: "IRGC" for Islamic Revolutionary Guard Corps.
//!
//! Invariant: an acronym stands for all words a name has left, at least three of them, one of which is a word of
//! organisations; so a person's initials and chance letters are never read as one.

use crate::align::{Alignment, pair};
use crate::similarity::{Reason, TokenRef};
use crate::text::Class;
use crate::text::token::GIVEN_GROUP;

/// Likeness and weight of an acronym by its length: three letters stand for too many things.
const OF_THREE: (f32, f32) = (0.8, 0.45);
const OF_FOUR: (f32, f32) = (0.9, 0.75);
const LONGER: (f32, f32) = (0.92, 0.9);
/// An acronym is looked up in the index from this length on.
const LOOKED_UP: usize = 4;
const LONGEST: usize = 8;

/// A word that is spelled by the first letters of all words the other side has left.
pub(crate) fn pair_up(
    short: &[TokenRef<'_>],
    long: &[TokenRef<'_>],
    found: &mut Alignment,
    swapped: bool,
) {
    let free = |at: usize, found: &Alignment, on_query: bool| {
        if on_query { found.query_free(at) } else { found.listed_free(at) }
    };
    for (at, word) in short.iter().enumerate() {
        if word.class != Class::Word || !free(at, found, !swapped) {
            continue;
        }
        let counts = |other: usize| {
            long.get(other).is_some_and(|token| {
                free(other, found, swapped) && matches!(token.class, Class::Word | Class::Initial)
            })
        };
        let Some(first) = (0..long.len()).find(|other| counts(*other)) else { return };
        let Some(last) = (0..long.len()).rfind(|other| counts(*other)) else { return };
        let Some(span) = long.get(first..=last) else { return };
        // Words in between that are already taken, and legal forms, are no part of an acronym.
        let whole = (first..=last).all(|other| {
            free(other, found, swapped)
                && long.get(other).is_some_and(|token| token.class != Class::Legal)
        });
        if !whole || !spelled_by(word.text, span) {
            continue;
        }
        let (likeness, weight) = match word.text.len() {
            3 => OF_THREE,
            4 => OF_FOUR,
            _ => LONGER,
        };
        let (from, length) = (first, span.len() as u8);
        let (query, listed) =
            if swapped { ((from, length), (at, 1)) } else { ((at, 1), (from, length)) };
        found.add(pair(query, listed, likeness, Reason::Acronym, weight));
    }
}

/// Whether the first letters of the words, with or without joining words, are `letters`.
fn spelled_by(letters: &str, words: &[TokenRef<'_>]) -> bool {
    readings(words).any(|reading| reading.as_str() == letters)
}

/// A few letters, on the stack.
struct Letters {
    bytes: [u8; LONGEST],
    count: usize,
}

impl Letters {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.count).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

/// The first letters of the words, without joining words and with them.
fn readings(words: &[TokenRef<'_>]) -> impl Iterator<Item = Letters> + use<> {
    let main = words.iter().filter(|word| word.class != Class::Particle).count();
    let named = words.iter().any(|token| token.group != 0 && token.group < GIVEN_GROUP);
    let read = |with_particles: bool| {
        let mut letters = Letters { bytes: [0; LONGEST], count: 0 };
        for word in words.iter().filter(|word| with_particles || word.class != Class::Particle) {
            let first = *word.text.as_bytes().first().filter(|byte| byte.is_ascii())?;
            *letters.bytes.get_mut(letters.count)? = first;
            letters.count += 1;
        }
        Some(letters)
    };
    let fits = main >= 3 && named;
    let plain = fits.then(|| read(false)).flatten();
    let joined = (fits && main < words.len()).then(|| read(true)).flatten();
    plain.into_iter().chain(joined)
}

/// Under what acronyms a name is found: those of its words without its legal forms.
pub(crate) fn keys(name: &[TokenRef<'_>]) -> Vec<String> {
    let counts = |token: &TokenRef<'_>| matches!(token.class, Class::Word | Class::Initial);
    let (Some(first), Some(last)) = (name.iter().position(counts), name.iter().rposition(counts))
    else {
        return Vec::new();
    };
    let span = name.get(first..=last).unwrap_or(&[]);
    if span.iter().any(|token| token.class == Class::Legal) {
        return Vec::new();
    }
    readings(span)
        .filter(|letters| letters.count >= LOOKED_UP)
        .map(|letters| letters.as_str().to_owned())
        .collect()
}

/// The one word of a name that may be an acronym.
pub(crate) fn candidate<'t>(name: &[TokenRef<'t>]) -> Option<&'t str> {
    let mut words = name.iter().filter(|token| token.class == Class::Word);
    let word = words.next()?;
    let alone = words.next().is_none();
    (alone && (LOOKED_UP..=LONGEST).contains(&word.text.len())).then_some(word.text)
}

/// The hash under which names of an acronym are kept, apart from hashes of whole names.
pub(crate) fn hash(letters: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(letters.as_bytes(), 0xac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::EntityType;
    use crate::search::view_all;
    use crate::text::tokens_of;

    #[test]
    fn names_are_kept_under_their_acronyms() {
        for (name, expected) in [
            ("Islamic Revolutionary Guard Corps", vec!["irgc"]),
            ("Islamic Republic of Iran Shipping Lines", vec!["irisl", "iroisl"]),
            ("International Business Machines Corp.", vec![]),
            ("Anna Belinda Carla Dora", vec![]),
        ] {
            let tokens = tokens_of(name, EntityType::Organisation);
            assert_eq!(keys(view_all(&tokens).as_slice()), expected, "{name}");
        }
        let person = tokens_of("Islamic Revolutionary Guard Corps", EntityType::Person);
        assert!(keys(view_all(&person).as_slice()).is_empty());
    }
}
