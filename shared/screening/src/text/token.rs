//! Splitting a name into weighted, classified tokens.
//!
//! Invariant: every token has a non-empty text, at most [`MAX_TOKENS`] come out of a name however long it is, and the
//! weight of a token depends on its text and on whether a person is named, never on its neighbours.

use super::classify::classify;
use super::compounds::{collapse_letters, han_phrases, spell_out, split_arabic_compounds};
use super::lexicon::{LegalForm, Lexicon, PLACE_GROUP, lexicon};
use super::romanise::{self, Habit, Script};
use super::sound::sound_form;
use crate::entity::EntityType;
use unicode_normalization::UnicodeNormalization;

/// No printed name needs more; what follows is ignored.
pub(crate) const MAX_TOKENS: usize = 24;
/// Longer tokens are cut: comparing costs the square of this.
const MAX_LETTERS: usize = 40;

/// What role a token plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Word,
    Legal,
    Particle,
    Title,
    Number,
    Initial,
}

impl Class {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Word => 0,
            Self::Legal => 1,
            Self::Particle => 2,
            Self::Title => 3,
            Self::Number => 4,
            Self::Initial => 5,
        }
    }

    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Legal,
            2 => Self::Particle,
            3 => Self::Title,
            4 => Self::Number,
            5 => Self::Initial,
            _ => Self::Word,
        }
    }
}

/// One comparable part of a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    /// Romanised, lower case, without marks.
    pub(crate) text: String,
    /// See [`super::sound::sound_form`].
    pub(crate) sound: String,
    /// See [`super::sound::skeleton`].
    pub(crate) skeleton: String,
    /// How much a match on this token says, 0 to 1.
    pub(crate) weight: f32,
    pub(crate) class: Class,
    /// Meaning or given-name group; 0 for none. Given names use the upper half.
    pub(crate) group: u16,
    /// Written without its vowels, so only skeletons compare.
    pub(crate) abjad: bool,
    /// One syllable of Han or Hangul script: romanised it is shared by many different names.
    pub(crate) syllable: bool,
    /// The tables hold it as written, so it is unlikely to be another word misspelled.
    pub(crate) known: bool,
}

/// What a legal form is worth: enough to tell siblings apart, not enough to match on.
const LEGAL_WEIGHT: f32 = 0.12;

/// Given-name groups are kept apart from meaning groups by this bit.
pub(crate) const GIVEN_GROUP: u16 = 0x8000;

#[derive(Clone)]
pub(super) struct RawWord {
    pub(super) text: String,
    pub(super) sound: String,
    pub(super) abjad: bool,
    /// A dot follows, and whether white space came before: "S.A." is one word, "S. A." is two.
    pub(super) dotted: bool,
    pub(super) spaced: bool,
    pub(super) script: Script,
}

/// The comparable tokens of a name.
pub(crate) fn tokens_of(name: &str, entity_type: EntityType) -> Vec<Token> {
    analyse(name, entity_type).0
}

/// The comparable tokens of a name and the hash of its letters (see [`squashed`]), from one pass.
pub(crate) fn analyse(name: &str, entity_type: EntityType) -> (Vec<Token>, Option<u64>) {
    let lexicon = lexicon();
    let mut words = raw_words(name);
    let letters = letters_hash(&words);
    let person = entity_type == EntityType::Person;
    join_dotted(lexicon, &mut words, entity_type);
    if matches!(entity_type, EntityType::Organisation | EntityType::Unknown) {
        spell_out(&mut words);
    }
    if entity_type != EntityType::Vessel && entity_type != EntityType::Aircraft {
        split_arabic_compounds(lexicon, &mut words);
    }
    let mut tokens = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() && tokens.len() < MAX_TOKENS {
        if !person && let Some((form, used)) = legal_at(lexicon, &words, at) {
            // A short spelling is kept, so that a slip in it is seen for what it is; the group makes forms equal.
            let spelled = words
                .get(at)
                .filter(|word| used == 1 && word.text.len() <= 4)
                .map(|word| word.text.as_str());
            let text = spelled.unwrap_or(form.spelled);
            tokens.push(Token {
                sound: text.to_owned(),
                text: text.to_owned(),
                skeleton: String::new(),
                weight: LEGAL_WEIGHT,
                class: Class::Legal,
                group: form.group,
                abjad: false,
                syllable: false,
                known: true,
            });
            at += used;
            continue;
        }
        if let Some(word) = words.get(at) {
            tokens.push(classify(lexicon, word, entity_type));
        }
        at += 1;
    }
    demote_if_all_small(&mut tokens);
    for token in &mut tokens {
        // The index stores a weight in one byte; a query rounds alike, so both score alike.
        token.weight = (token.weight * 255.0).round().clamp(1.0, 255.0) / 255.0;
    }
    (tokens, letters)
}

/// A hash over all letters and digits of a name, blind to where words begin: "ENERGO OIL" and "ENERGOOIL" agree.
/// `None` for names too short for that to say anything.
pub(crate) fn squashed(name: &str) -> Option<u64> {
    letters_hash(&raw_words(name))
}

fn letters_hash(words: &[RawWord]) -> Option<u64> {
    let letters: String = words.iter().map(|word| word.text.as_str()).collect();
    (letters.len() >= 5).then(|| xxhash_rust::xxh3::xxh3_64(letters.as_bytes()))
}

/// Romanised words only, for reading tables.
pub(crate) fn romanised_words(text: &str) -> Vec<String> {
    raw_words(text).into_iter().map(|word| word.text).collect()
}

/// "S.A." and "T.G.A." are one word; in a person's name dotted letters are initials and stay apart. In what is of no known type
/// two of them stay apart where they read as initials: before another word ("A.B. Quill"; at the end, "C.A." is as often a
/// legal form) or in Cyrillic, and nothing else in the name is a legal form or a word that organisations are named by.
fn join_dotted(lexicon: &Lexicon, words: &mut Vec<RawWord>, entity_type: EntityType) {
    if entity_type == EntityType::Person {
        return;
    }
    if entity_type != EntityType::Unknown || !words.iter().any(|word| word.dotted) {
        return collapse_letters(words);
    }
    let apart = words.clone();
    collapse_letters(words);
    let corporate = words.iter().enumerate().any(|(at, word)| {
        let concept = lexicon.word(&word.text).concept;
        concept != 0 && concept & PLACE_GROUP == 0 || legal_at(lexicon, words, at).is_some()
    });
    // Only one run of two letters was joined, and it is no whole name.
    let joined = apart.iter().zip(words.iter()).position(|(one, other)| one.text != other.text);
    let initials = joined.and_then(|at| words.get(at)).is_some_and(|word| word.text.len() == 2);
    let leads = joined.is_some_and(|at| at + 1 < words.len())
        || words.last().is_some_and(|word| word.script == Script::Cyrillic);
    if initials && leads && !corporate && words.len() > 1 && words.len() + 1 == apart.len() {
        *words = apart;
    }
}

fn legal_at<'l>(
    lexicon: &'l Lexicon,
    words: &'l [RawWord],
    at: usize,
) -> Option<(LegalForm<'l>, usize)> {
    // A syllable of Han or Hangul script that reads like an abbreviation is none.
    if words.get(at).is_none_or(|word| matches!(word.script, Script::Han | Script::Hangul)) {
        return None;
    }
    let read = |near: &dyn Fn(&'l str) -> Option<&'l str>| {
        lexicon.legal_form(|offset| {
            words.get(at + offset).map(|word| near(&word.text).unwrap_or(word.text.as_str()))
        })
    };
    // As printed, unless a form of more words starts here that has a slip in it. A slip in a short word is only seen
    // through where the words after it say what was meant.
    let used = |found: &Option<(LegalForm<'_>, usize)>| found.map_or(0, |(_, used)| used);
    let printed = read(&|_| None);
    let near = read(&|text| lexicon.near(text));
    let best = if used(&near) > used(&printed) { near } else { printed };
    best.or_else(|| read(&|text| lexicon.near_short(text)).filter(|(_, used)| *used >= 3))
}

/// A name of nothing but small words ("AND", "Al Das", "The Company") must still be able to match itself.
fn demote_if_all_small(tokens: &mut [Token]) {
    let total: f32 = tokens.iter().map(|token| token.weight).sum();
    let small = tokens.iter().all(|token| token.weight < 0.2);
    if small && total > 0.0 {
        let scale = (0.5 / total).max(1.0);
        for token in tokens.iter_mut() {
            token.weight *= scale;
        }
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | 'ʻ' | '`' | '´' | 'ʿ' | 'ʾ' | 'ʹ' | '′' | '״' | '׳')
}

/// Splits at everything that is no letter or digit, folds and romanises.
fn raw_words(name: &str) -> Vec<RawWord> {
    let name = han_phrases(name);
    let habit = romanise::habit_of(&name);
    let mut words: Vec<RawWord> = Vec::new();
    let mut current = String::new();
    let mut spaced_from = 0;
    let flush = |current: &mut String, words: &mut Vec<RawWord>, dotted: bool| {
        if !current.is_empty() {
            push_word(current, habit, dotted, words);
            current.clear();
        }
    };
    let composed: std::borrow::Cow<'_, str> = if name.is_ascii() {
        std::borrow::Cow::Borrowed(&name)
    } else {
        name.nfkc().collect::<String>().into()
    };
    for c in composed.chars() {
        if words.len() > MAX_TOKENS * 3 {
            break;
        }
        let script = Script::of(c);
        if matches!(script, Some(Script::Hangul | Script::Han)) && c.is_alphanumeric() {
            flush(&mut current, &mut words, false);
            current.push(c);
            flush(&mut current, &mut words, false);
        } else if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) {
            current.push(c);
        } else if c == '&' || c == '+' {
            flush(&mut current, &mut words, false);
            current.push_str("and");
            flush(&mut current, &mut words, false);
        } else if is_apostrophe(c)
            || c == '\u{200c}'
            || c == '\u{200d}'
            || c == '\u{ad}'
            || c == '\u{640}'
        {
            // Apostrophes, joiners and stretching strokes are no boundary.
        } else {
            flush(&mut current, &mut words, c == '.');
            if c.is_whitespace() {
                spaced_from = words.len();
            }
        }
        if let Some(word) = words.get_mut(spaced_from) {
            word.spaced = true;
        }
    }
    flush(&mut current, &mut words, false);
    if let Some(word) = words.get_mut(spaced_from) {
        word.spaced = true;
    }
    words
}

fn push_word(word: &str, habit: Habit, dotted: bool, words: &mut Vec<RawWord>) {
    let script = word.chars().find_map(Script::of).unwrap_or(Script::Latin);
    let mut marked = String::with_capacity(word.len());
    let mut text = String::with_capacity(word.len());
    let mut folded = String::new();
    let mut apart: Option<String> = None;
    for c in word.chars().take(MAX_LETTERS) {
        folded.clear();
        romanise::plain(c, &mut folded);
        for c in folded.chars() {
            let from = text.len();
            if romanise::letter(c, habit, &mut text).is_none() && c.is_alphanumeric() {
                text.push(c);
            }
            // Kaf and he are two sounds ("Kohen"), not the one that "kh" is read as.
            if script == Script::Abjad {
                let letters = text.get(from..).unwrap_or("");
                let spelled = apart.get_or_insert_default();
                if letters == "h" && spelled.ends_with(['k', 's', 't', 'z', 'd', 'g', 'c', 'p']) {
                    spelled.push('\'');
                }
                spelled.push_str(letters);
            }
        }
        marked.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
    }
    if script == Script::Greek {
        text = greek_pairs(&text);
    }
    let abjad = script == Script::Abjad;
    if abjad && matches!(word, "سيد" | "سید") {
        // Without its vowels the title would be the given name Said, whose ayn leaves no trace.
        let (text, sound) = ("sayyid".to_owned(), sound_form("sayyid"));
        words.push(RawWord { text, sound, abjad: false, dotted, spaced: false, script });
        return;
    }
    // The Arabic article is written on to its word.
    if abjad
        && let Some(rest) =
            text.strip_prefix("al").filter(|rest| rest.len() > 2 && word.starts_with(['ا', 'ٱ']))
    {
        let rest = rest.to_owned();
        words.push(RawWord {
            text: "al".into(),
            sound: "al".into(),
            abjad: false,
            dotted: false,
            spaced: true,
            script,
        });
        let sound = sound_form(apart.as_deref().and_then(|text| text.get(2..)).unwrap_or(&rest));
        words.push(RawWord { text: rest, sound, abjad, dotted, spaced: true, script });
        return;
    }
    if text.is_empty() {
        return;
    }
    let sound = if script == Script::Latin {
        sound_form(&fold_for_sound(&marked))
    } else {
        sound_form(apart.as_deref().unwrap_or(&text))
    };
    words.push(RawWord { text, sound, abjad, dotted, spaced: false, script });
}

/// Keeps the marks that carry a sound and folds the rest.
fn fold_for_sound(marked: &str) -> String {
    let mut out = String::with_capacity(marked.len());
    for c in marked.chars() {
        if matches!(c, 'š' | 'ş' | 'ș' | 'ś' | 'č' | 'ç' | 'ć' | 'ž' | 'ż' | 'ź') {
            out.push(c);
        } else {
            romanise::plain(c, &mut out);
        }
    }
    out
}

fn greek_pairs(text: &str) -> String {
    text.replace("oy", "ou")
        .replace("mp", "b")
        .replace("nt", "d")
        .replace("gk", "g")
        .replace("ay", "av")
        .replace("ey", "ev")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(name: &str, entity_type: EntityType) -> Vec<String> {
        tokens_of(name, entity_type).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn names_become_tokens() {
        use EntityType::*;
        for (name, entity_type, expected) in [
            ("Ya'qub AL-ADANI", Person, vec!["yaqub", "al", "adani"]),
            ("Abdulrahman Nureddin", Person, vec!["abd", "rahman", "nur", "din"]),
            ("Alireza Mohammad-Reza", Person, vec!["ali", "reza", "mohammad", "reza"]),
            ("سید سعید", Person, vec!["sayyid", "syd"]),
            ("محمدرضا", Person, vec!["mhmd", "reza"]),
            ("Hezbollah", Organisation, vec!["hizb", "allah"]),
            ("حزب الله", Organisation, vec!["hzb", "allah"]),
            ("عبد الرحمن", Person, vec!["bd", "al", "rhmn"]),
            ("М. Щёкин", Person, vec!["m", "shchyokin"]),
            ("T.G.A. D.O.O.", Organisation, vec!["tga", "doo"]),
            ("JOINT STOCK COMPANY ZAVOD", Organisation, vec!["jointstockcompany", "zavod"]),
            ("V.V. Quill", Unknown, vec!["v", "v", "quill"]),
            ("Квил В.В.", Unknown, vec!["kvil", "v", "v"]),
            ("Quill C.A.", Unknown, vec!["quill", "ca"]),
            ("V.V. Quill Bank", Unknown, vec!["vv", "quill", "bank"]),
            ("Quillmar S.A.", Unknown, vec!["quillmar", "sa"]),
            ("L&L S.A.", Organisation, vec!["l", "and", "l", "sa"]),
            ("LIMITED LIABILITY COMPxNY AO", Organisation, vec!["limitedliabilitycompany", "ao"]),
            ("NII Polyus", Organisation, vec!["scientific", "research", "institute", "polyus"]),
            ("George Bush III", Person, vec!["george", "bush", "3"]),
            ("김영철", Person, vec!["kim", "yong", "chol"]),
            ("吴海波", Person, vec!["wu", "hai", "bo"]),
            ("趙立堅", Person, vec!["zhao", "li", "jian"]),
            ("閻錫山", Person, vec!["yan", "xi", "shan"]),
            ("遠東貿易有限公司", Organisation, vec!["yuan", "dong", "trading", "llc"]),
            (
                "山东奥德斯工业股份有限公司",
                Organisation,
                vec!["shan", "dong", "ao", "de", "si", "industry", "jsc"],
            ),
            (
                "MINING ENTERPRISE NUMBER ONE",
                Organisation,
                vec!["mining", "enterprise", "number", "1"],
            ),
        ] {
            assert_eq!(texts(name, entity_type), expected, "{name}");
        }
    }

    #[test]
    fn weights_follow_rarity() {
        let weight = |name: &str| {
            tokens_of(name, EntityType::Person).first().map_or(0.0, |token| token.weight)
        };
        assert!(weight("Zhuravlyovkin") > weight("Smith"));
        assert!(weight("Smith") > weight("bin Laden"));
    }

    proptest! {
        #[test]
        fn any_text_gives_few_non_empty_tokens(name in "\\PC{0,200}") {
            for kind in [EntityType::Person, EntityType::Organisation, EntityType::Unknown] {
                let tokens = tokens_of(&name, kind);
                prop_assert!(tokens.len() <= MAX_TOKENS);
                for token in tokens {
                    prop_assert!(!token.text.is_empty());
                    prop_assert!(token.weight > 0.0 && token.weight <= 1.0);
                    prop_assert!(token.sound.is_ascii() && token.skeleton.is_ascii());
                }
            }
        }
    }
}
