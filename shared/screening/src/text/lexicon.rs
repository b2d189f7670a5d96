//! The word knowledge matching rests on: legal forms, titles, particles, translations, given names, common words.
//!
//! Invariant: the tables are part of the engine, not of an index, so a score depends on the two names and the
//! configuration alone and a small delta index scores exactly like the full one. [`version`] names their content.

use super::token::romanised_words;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

const LEGAL: &str = include_str!("../tables/legal.txt");
const TITLES: &str = include_str!("../tables/titles.txt");
const PARTICLES: &str = include_str!("../tables/particles.txt");
const CONCEPTS: &str = include_str!("../tables/concepts.txt");
const PLACES: &str = include_str!("../tables/places.txt");
const GIVEN: &str = include_str!("../tables/given.txt");
const COMMON: &str = include_str!("../tables/common.txt");
const KNOWN: &str = include_str!("../tables/known.txt");
const FREQUENCY: &str = include_str!("../tables/frequency.txt");
const PINYIN: &str = include_str!("../tables/pinyin.txt");
const TRADITIONAL: &str = include_str!("../tables/traditional.txt");

/// A hand-listed common name counts as if it stood in this many entries.
const COMMON_COUNT: u32 = 120;

/// A legal form: how it is spelled, written together, and the group that makes its spellings alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LegalForm<'l> {
    pub(crate) spelled: &'l str,
    pub(crate) group: u16,
}

/// Places are kept apart from other meaning groups by this bit.
pub(crate) const PLACE_GROUP: u16 = 0x2000;

/// Patronymics are kept apart from the given names they come from by these bits.
const SON: u16 = 0x1000;
const DAUGHTER: u16 = 0x2000;

/// Whether a group is of a patronymic whose father's name is known.
pub(crate) fn is_patronymic(group: u16) -> bool {
    group & super::token::GIVEN_GROUP != 0 && group & (SON | DAUGHTER) != 0
}

/// Legal forms are kept apart from meaning groups by this bit.
const LEGAL_GROUP: u16 = 0x4000;

/// One spelling of a legal form, as romanised words.
struct LegalSpelling {
    words: Vec<String>,
    together: String,
    group: u16,
}

/// What is known of one word.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Word {
    /// A title or form of address.
    pub(crate) title: bool,
    /// An article, particle or joining word.
    pub(crate) particle: bool,
    /// Group of organisation words with one meaning; 0 for none.
    pub(crate) concept: u16,
    /// Group of given names that are one name; 0 for none.
    pub(crate) given: u16,
    /// In how many listed entries it stands.
    pub(crate) count: u32,
    /// A family name too widespread to be a slip in another one.
    pub(crate) known: bool,
}

pub(crate) struct Lexicon {
    words: HashMap<String, Word>,
    legal: HashMap<String, Vec<LegalSpelling>>,
    /// Longer words of legal forms, which say nothing even where the form is broken up.
    legal_words: HashSet<String>,
    /// Words with one letter left out, to the common long word they came from.
    near: HashMap<String, String>,
}

/// The tables, read once per process, at its first search: about ten milliseconds of a whole core.
pub(crate) fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(Lexicon::read)
}

/// Edition of the rules that make tokens of a name; change one, count this up. A test tells when that was forgotten.
pub(crate) const RULES: u32 = 3;

/// A hash over every table and the edition of the rules. An index compiled with others is refused.
pub(crate) fn version() -> u64 {
    static VERSION: OnceLock<u64> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        hasher.update(&RULES.to_le_bytes());
        for table in [
            LEGAL,
            TITLES,
            PARTICLES,
            CONCEPTS,
            PLACES,
            GIVEN,
            COMMON,
            KNOWN,
            FREQUENCY,
            PINYIN,
            TRADITIONAL,
        ] {
            hasher.update(table.as_bytes());
            hasher.update(&[0]);
        }
        hasher.digest()
    })
}

/// The Mandarin reading of a character, if it is in the table.
pub(crate) fn pinyin(c: char) -> Option<&'static str> {
    static READINGS: OnceLock<HashMap<char, &'static str>> = OnceLock::new();
    READINGS
        .get_or_init(|| {
            let mut readings = HashMap::new();
            for (reading, characters) in keyed_lines(PINYIN) {
                for c in characters.chars().filter(|c| !c.is_whitespace()) {
                    readings.entry(c).or_insert(reading);
                }
            }
            readings
        })
        .get(&c)
        .copied()
}

/// The simplified character that a traditional one stands for; any other character itself.
pub(crate) fn simplified(c: char) -> char {
    static FORMS: OnceLock<HashMap<char, char>> = OnceLock::new();
    FORMS
        .get_or_init(|| {
            lines(TRADITIONAL)
                .flat_map(str::split_whitespace)
                .filter_map(|pair| {
                    let mut forms = pair.chars();
                    Some((forms.next()?, forms.next()?))
                })
                .collect()
        })
        .get(&c)
        .copied()
        .unwrap_or(c)
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn keyed_lines(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    lines(table).filter_map(|line| line.split_once(':'))
}

impl Lexicon {
    fn read() -> Self {
        let mut words: HashMap<String, Word> = HashMap::new();
        for (count, tokens) in keyed_lines(FREQUENCY) {
            let count = count.trim().parse().unwrap_or(0);
            for token in tokens.split_whitespace() {
                words.entry(token.to_owned()).or_default().count = count;
            }
        }
        for token in single_words(COMMON) {
            let word = words.entry(token).or_default();
            word.count = word.count.max(COMMON_COUNT);
        }
        for token in single_words(KNOWN) {
            words.entry(token).or_default().known = true;
        }
        // There are some four hundred Mandarin syllables; one is no slip in another, in whichever script it stands.
        for (reading, _) in keyed_lines(PINYIN) {
            words.entry(reading.to_owned()).or_default().known = true;
        }
        for token in single_words(TITLES) {
            words.entry(token).or_default().title = true;
        }
        for token in single_words(PARTICLES) {
            words.entry(token).or_default().particle = true;
        }
        for (at, (_, spellings)) in keyed_lines(CONCEPTS).enumerate() {
            for token in spellings.split_whitespace().filter_map(only_word) {
                let word = words.entry(token).or_default();
                if word.concept == 0 {
                    word.concept = u16::try_from(at + 1).unwrap_or(0);
                }
            }
        }
        for (at, (_, spellings)) in keyed_lines(PLACES).enumerate() {
            for token in spellings.split_whitespace().filter_map(only_word) {
                let word = words.entry(token).or_default();
                if word.concept == 0 {
                    word.concept = PLACE_GROUP | u16::try_from(at + 1).unwrap_or(0);
                }
            }
        }
        for (at, line) in lines(GIVEN).enumerate() {
            let latin = line.split_whitespace().next().and_then(|first| words.get(first));
            let usual = latin.map_or(0, |word| word.count);
            for (original, token) in line
                .split_whitespace()
                .filter(|token| !token.ends_with('_'))
                .filter_map(|original| Some((original, only_word(original)?)))
            {
                let word = words.entry(token).or_default();
                if word.given == 0 {
                    word.given = u16::try_from(at + 1).unwrap_or(0);
                }
                // A name that no Latin list counts, being spelled without vowels, is as frequent as its usual form.
                if word.count == 0 && !original.is_ascii() {
                    word.count = usual;
                }
            }
        }
        let mut legal: HashMap<String, Vec<LegalSpelling>> = HashMap::new();
        for (at, (_, spellings)) in keyed_lines(LEGAL).enumerate() {
            let group = LEGAL_GROUP | u16::try_from(at).unwrap_or(0);
            for spelling in spellings.split('|') {
                let spelled = romanised_words(spelling);
                if let Some(first) = spelled.first() {
                    legal.entry(first.clone()).or_default().push(LegalSpelling {
                        together: cut(&spelled.concat()).to_owned(),
                        words: spelled,
                        group,
                    });
                }
            }
        }
        for spellings in legal.values_mut() {
            // The longest spelling wins where several start alike.
            spellings.sort_by(|one, other| {
                other.words.len().cmp(&one.words.len()).then(one.words.cmp(&other.words))
            });
        }
        let near = near_words(&words, &legal);
        let legal_words = legal
            .values()
            .flatten()
            .filter(|spelling| spelling.words.len() > 1)
            .flat_map(|spelling| &spelling.words)
            .filter(|word| word.len() >= 4)
            .cloned()
            .collect();
        Self { words, legal, legal_words, near }
    }

    pub(crate) fn word(&self, text: &str) -> Word {
        self.words.get(text).copied().unwrap_or_default()
    }

    /// The group of a patronymic: that of the father's name, apart for sons and daughters; 0 when the name is not known.
    pub(crate) fn patronymic(&self, text: &str) -> u16 {
        const SONS: [&str; 13] = [
            "yevich", "ievich", "jevitj", "ovich", "evich", "ovych", "evych", "avich", "ovitj",
            "evitj", "ovitch", "evitch", "yovych",
        ];
        const DAUGHTERS: [&str; 7] = ["yevna", "ievna", "jevna", "ovna", "evna", "ivna", "auna"];
        let of = |endings: &[&str], bit: u16| {
            let stem = endings.iter().find_map(|ending| text.strip_suffix(ending))?;
            let given = ["", "i", "y", "o"].iter().find_map(|ending| {
                let given = self.word(&[stem, *ending].concat()).given;
                (given != 0).then_some(given)
            })?;
            Some(given | bit)
        };
        of(&SONS, SON).or_else(|| of(&DAUGHTERS, DAUGHTER)).unwrap_or(0)
    }

    /// Whether a word is part of a legal form of several words ("liability", "obshchestvo").
    pub(crate) fn in_legal_form(&self, text: &str) -> bool {
        self.legal_words.contains(text)
    }

    /// The legal form that starts at the head of `words`, and how many words it takes.
    pub(crate) fn legal_form<'w>(
        &self,
        words: impl Fn(usize) -> Option<&'w str>,
    ) -> Option<(LegalForm<'_>, usize)> {
        let spellings = self.legal.get(words(0)?)?;
        // In a form of three words or more, one of the later ones may be an initial: "joint s. company".
        let stands = |word: &str, given: &str, long: bool| {
            word == given || long && given.len() == 1 && word.starts_with(given)
        };
        spellings
            .iter()
            .find(|spelling| {
                let long =
                    spelling.words.len() >= 3 && spelling.words.iter().all(|word| word.len() >= 4);
                let mut whole = 0;
                let all = spelling.words.iter().enumerate().all(|(at, word)| {
                    words(at).is_some_and(|given| {
                        whole += usize::from(given.len() > 1);
                        stands(word, given, long)
                    })
                });
                all && (!long || whole + 1 >= spelling.words.len())
            })
            .map(|spelling| {
                (
                    LegalForm { spelled: &spelling.together, group: spelling.group },
                    spelling.words.len(),
                )
            })
    }

    /// As [`Self::near`], and for words of four letters that lost one.
    pub(crate) fn near_short(&self, text: &str) -> Option<&str> {
        let short = text.len() == 4 && !self.words.contains_key(text);
        if short { self.near.get(text).map(String::as_str) } else { self.near(text) }
    }

    /// The common long word that `text` is one slip away from, when `text` itself is no known word.
    pub(crate) fn near(&self, text: &str) -> Option<&str> {
        if text.len() < 5 || !text.is_ascii() || self.words.contains_key(text) {
            return None;
        }
        if let Some(word) = self.near.get(text) {
            return Some(word);
        }
        let mut shorter = String::with_capacity(text.len());
        (0..text.len()).find_map(|at| {
            shorter.clear();
            shorter.push_str(text.get(..at)?);
            shorter.push_str(text.get(at + 1..)?);
            self.near.get(&shorter).map(String::as_str)
        })
    }
}

/// Long forms differ early; the index keeps no more of them.
fn cut(text: &str) -> &str {
    match text.char_indices().nth(40) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

fn single_words(table: &'static str) -> impl Iterator<Item = String> {
    lines(table).flat_map(str::split_whitespace).filter_map(only_word)
}

/// A table word in its romanised form; one that would split into several tokens is dropped. Most are plain letters, which stay
/// as they are: asking for each would take longer than all the rest of the reading.
fn only_word(word: &str) -> Option<String> {
    if is_plain(word) {
        return Some(word.to_owned());
    }
    let parts = romanised_words(word);
    match parts.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn near_words(
    words: &HashMap<String, Word>,
    legal: &HashMap<String, Vec<LegalSpelling>>,
) -> HashMap<String, String> {
    let mut long: Vec<&str> = words
        .iter()
        .filter(|(text, word)| text.len() >= 6 && word.count >= 40)
        .map(|(text, _)| text.as_str())
        .chain(legal.values().flatten().flat_map(|spelling| &spelling.words).map(String::as_str))
        .filter(|text| text.len() >= 5 && text.is_ascii())
        .collect();
    long.sort_unstable();
    long.dedup();
    let mut near = HashMap::new();
    for text in long {
        near.entry(text.to_owned()).or_insert_with(|| text.to_owned());
        for at in 0..text.len() {
            if let (Some(head), Some(tail)) = (text.get(..at), text.get(at + 1..)) {
                near.entry([head, tail].concat()).or_insert_with(|| text.to_owned());
            }
        }
    }
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_meaning_share_a_group_in_every_script() {
        let lexicon = lexicon();
        let concept = |text: &str| {
            let words = romanised_words(text);
            lexicon.word(words.first().map_or("", String::as_str)).concept
        };
        for (one, other) in
            [("zavod", "plant"), ("φυλακές", "prison"), ("завод", "factory"), ("بانک", "bank")]
        {
            assert!(concept(one) != 0 && concept(one) == concept(other), "{one} {other}");
        }
        assert_ne!(concept("bank"), concept("plant"));
    }

    #[test]
    fn traditional_characters_are_read_as_their_simplified_ones() {
        for c in lines(TRADITIONAL).flat_map(str::split_whitespace) {
            let mut forms = c.chars();
            let (traditional, form) = (forms.next().unwrap(), forms.next().unwrap());
            assert!(forms.next().is_none(), "{c}");
            assert_eq!(simplified(traditional), form);
            // One step is enough: what a form leads to leads nowhere else.
            assert_eq!(simplified(form), form, "{c}");
            assert!(pinyin(form).is_some(), "{form} has no reading");
        }
    }

    #[test]
    fn plain_words_are_their_own_romanised_form() {
        let tables = [LEGAL, TITLES, PARTICLES, CONCEPTS, PLACES, GIVEN, COMMON, KNOWN, FREQUENCY];
        let words = tables.into_iter().flat_map(str::split_whitespace).filter(|it| is_plain(it));
        let mut count = 0;
        for word in words {
            assert_eq!(romanised_words(word), [word]);
            count += 1;
        }
        assert!(count > 10_000, "{count}");
    }

    #[test]
    fn a_slip_in_a_common_word_is_recognised() {
        let lexicon = lexicon();
        for (slip, word) in
            [("limbted", "limited"), ("ompany", "company"), ("liabiliti", "liability")]
        {
            assert_eq!(lexicon.near(slip), Some(word), "{slip}");
        }
        assert_eq!(lexicon.near("gazprom"), None);
    }
}
