//! What role a word of a name plays and how much it says.
//!
//! Invariant: a function of the word, the tables and the type of the entry, never of the words beside it.

use super::lexicon::{Lexicon, PLACE_GROUP};
use super::romanise::Script;
use super::sound::skeleton;
use super::token::{Class, GIVEN_GROUP, RawWord, Token};
use crate::entity::EntityType;

/// What a place among namesakes is worth.
const GENERATION_WEIGHT: f32 = 0.08;

/// A word that stands in this many listed entries is a word of its own.
const KNOWN_COUNT: u32 = 20;

/// Most a romanised syllable of Han or Hangul script can say.
const SYLLABLE_WEIGHT: f32 = 0.42;

pub(super) fn classify(lexicon: &Lexicon, word: &RawWord, entity_type: EntityType) -> Token {
    let person = entity_type == EntityType::Person;
    let organisation = entity_type == EntityType::Organisation;
    let text = word.text.as_str();
    let known = lexicon.word(text);
    let digits = text.chars().any(|c| c.is_ascii_digit());
    if person && let Some(generation) = generation(text) {
        return Token {
            text: generation.to_owned(),
            sound: generation.to_owned(),
            skeleton: String::new(),
            weight: GENERATION_WEIGHT,
            class: Class::Number,
            group: 0,
            abjad: false,
            syllable: false,
            known: true,
        };
    }
    let ship_prefix =
        entity_type == EntityType::Vessel && matches!(text, "mv" | "mt" | "ms" | "ss");
    let (class, weight) = if digits || number_value(text).is_some() && !person {
        (Class::Number, 0.7)
    } else if text.len() == 1 && text.is_ascii() && !(organisation && joining(word)) {
        (Class::Initial, 0.25)
    } else if known.title && !organisation || ship_prefix {
        (Class::Title, 0.06)
    } else if known.particle {
        (Class::Particle, 0.08)
    } else if known.title {
        (Class::Title, 0.1)
    } else {
        let near = lexicon.near(text);
        let count = known.count.max(near.map_or(0, |near| lexicon.word(near).count));
        let general = known.concept != 0 && known.concept & PLACE_GROUP == 0;
        let weight = weight_of(count, general && !person);
        let part_of_form = !person && lexicon.in_legal_form(near.unwrap_or(text));
        (
            Class::Word,
            if part_of_form {
                weight.min(0.15)
            } else {
                weight * short(text, person || word.abjad)
            },
        )
    };
    let may_be_person = person || entity_type == EntityType::Unknown;
    let father = if may_be_person && patronymic(text) { lexicon.patronymic(text) } else { 0 };
    // "Ben" and "Don" are a particle and a title, "Walid" and "Sayed" too; they are given names as well.
    let also_given =
        matches!(class, Class::Particle | Class::Title) && may_be_person && text.len() >= 3;
    let group = if also_given {
        if known.given != 0 { known.given | GIVEN_GROUP } else { 0 }
    } else if class != Class::Word {
        0
    } else if father != 0 {
        father | GIVEN_GROUP
    } else if known.given != 0 && !organisation {
        known.given | GIVEN_GROUP
    } else if known.concept != 0 && !person {
        known.concept
    } else if known.given != 0 {
        known.given | GIVEN_GROUP
    } else {
        0
    };
    let text = match number_value(text) {
        Some(value) if class == Class::Number => value.to_owned(),
        _ => word.text.clone(),
    };
    let syllable = matches!(word.script, Script::Han | Script::Hangul);
    let weight = if syllable { weight.min(SYLLABLE_WEIGHT) } else { weight };
    Token {
        skeleton: skeleton(&word.sound),
        text,
        sound: word.sound.clone(),
        weight,
        class,
        group,
        abjad: word.abjad,
        syllable,
        known: !patronymic(&word.text)
            && (known.known
                || known.count >= KNOWN_COUNT
                || known.given != 0
                || known.concept != 0),
    }
}

/// Letters that join the words of an organisation's name: "Lashkar-e-Tayyiba" is "Lashkar-i-Taiba". Where they stand for
/// themselves or have a dot they are initials.
fn joining(word: &RawWord) -> bool {
    !word.spaced && !word.dotted && matches!(word.text.as_str(), "e" | "i")
}

/// Rarer words say more. A word of 1 entry weighs 0.94, of 100 about 0.6, of 5 000 about 0.26.
fn weight_of(count: u32, concept: bool) -> f32 {
    let share = (1.0 + count as f32).ln() / 8000_f32.ln();
    let weight = (1.0 - 0.78 * share).clamp(0.2, 1.0);
    if concept { weight.min(0.55) } else { weight }
}

/// Abbreviations of an organisation's name say less the shorter they are, and a slip in a legal form looks like one. Words of
/// a script without vowels are short for another reason.
fn short(text: &str, whole: bool) -> f32 {
    match text.len() {
        _ if whole || !text.is_ascii() => 1.0,
        0..=2 => 0.45,
        3 => 0.7,
        _ => 1.0,
    }
}

/// Patronymics are spelled in too many ways to tell two of them apart by their spelling.
fn patronymic(text: &str) -> bool {
    text.len() >= 7
        && ["ich", "itj", "itch", "yc", "ovna", "evna", "ivna", "owna", "ewna", "ichna"]
            .iter()
            .any(|ending| text.ends_with(ending))
}

/// A person's place among namesakes of one family: "III", "Jr". Left out as often as not, so it weighs little.
fn generation(text: &str) -> Option<&'static str> {
    Some(match text {
        "ii" | "2nd" => "2",
        "iii" | "3rd" => "3",
        "iv" | "4th" => "4",
        "jr" | "jnr" => "jr",
        "sr" | "snr" => "sr",
        _ => return None,
    })
}

fn number_value(text: &str) -> Option<&'static str> {
    Some(match text {
        "one" | "first" | "1st" => "1",
        "two" | "second" | "2nd" | "ii" => "2",
        "three" | "third" | "3rd" | "iii" => "3",
        "four" | "fourth" | "4th" | "iv" => "4",
        "five" | "fifth" | "5th" => "5",
        "six" | "sixth" | "6th" | "vi" => "6",
        "seven" | "seventh" | "7th" | "vii" => "7",
        "eight" | "eighth" | "8th" | "viii" => "8",
        "nine" | "ninth" | "9th" | "ix" => "9",
        "ten" | "tenth" | "10th" => "10",
        _ => return None,
    })
}
