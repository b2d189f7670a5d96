//! How alike two tokens are, and why.
//!
//! Invariant: symmetric, deterministic, between 0 and 1, 1 only for equal text; allocates nothing.

use crate::text::token::GIVEN_GROUP;
use crate::text::{Class, Token};
use serde::{Deserialize, Serialize};

/// A token seen through borrowed text, so that tokens in a mapped index compare without a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenRef<'a> {
    pub(crate) text: &'a str,
    pub(crate) sound: &'a str,
    pub(crate) skeleton: &'a str,
    pub(crate) weight: f32,
    pub(crate) class: Class,
    pub(crate) group: u16,
    pub(crate) abjad: bool,
    pub(crate) syllable: bool,
    pub(crate) known: bool,
}

impl TokenRef<'_> {
    /// The same word: equal text, written in a script of the same kind.
    pub(crate) fn is_identical(self, other: TokenRef<'_>) -> bool {
        let same_script = self.abjad == other.abjad && self.syllable == other.syllable;
        self.text == other.text && same_script
    }

    /// The same with text of its own.
    pub(crate) fn to_owned_token(self) -> Token {
        Token {
            text: self.text.to_owned(),
            sound: self.sound.to_owned(),
            skeleton: self.skeleton.to_owned(),
            weight: self.weight,
            class: self.class,
            group: self.group,
            abjad: self.abjad,
            syllable: self.syllable,
            known: self.known,
        }
    }
}

impl Token {
    pub(crate) fn view(&self) -> TokenRef<'_> {
        TokenRef {
            text: &self.text,
            sound: &self.sound,
            skeleton: &self.skeleton,
            weight: self.weight,
            class: self.class,
            group: self.group,
            abjad: self.abjad,
            syllable: self.syllable,
            known: self.known,
        }
    }
}

/// Why two tokens were taken for one another, in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The same letters.
    #[serde(rename = "identical")]
    Identical,
    /// Spelled by another romanisation habit.
    #[serde(rename = "romanisation")]
    Romanisation,
    /// One given name in two languages, or its short form.
    #[serde(rename = "form of the same given name")]
    SameGivenName,
    /// Two words of one meaning.
    #[serde(rename = "translation")]
    Translation,
    /// Two neighbouring letters changed places.
    #[serde(rename = "transposed letters")]
    Transposed,
    /// One letter added, lost or changed.
    #[serde(rename = "one letter differs")]
    OneLetter,
    /// Several letters differ.
    #[serde(rename = "similar spelling")]
    Similar,
    /// A single letter for a name that starts with it.
    #[serde(rename = "initial")]
    Initial,
    /// The consonants agree with a script that writes no vowels.
    #[serde(rename = "same consonants")]
    Consonants,
    /// Written as one word on one side and as two on the other.
    #[serde(rename = "written together or apart")]
    Joined,
    /// Two spellings of one legal form.
    #[serde(rename = "same legal form")]
    LegalForm,
    /// The first letters of the words of an organisation's name.
    #[serde(rename = "acronym")]
    Acronym,
    /// Without its article.
    #[serde(rename = "article")]
    Article,
}

/// Likeness of two tokens and its reason; 0 when they have nothing to do with each other.
pub(crate) fn similarity(a: TokenRef<'_>, b: TokenRef<'_>) -> (f32, Reason) {
    if a.is_identical(b) {
        return (1.0, Reason::Identical);
    }
    if a.class == Class::Number || b.class == Class::Number {
        return (0.0, Reason::Similar);
    }
    if a.class == Class::Legal || b.class == Class::Legal {
        return legal(a, b);
    }
    if a.text == b.text {
        return (0.96, Reason::Romanisation);
    }
    if a.class == Class::Initial || b.class == Class::Initial {
        return (initial(a, b), Reason::Initial);
    }
    if a.group != 0 && a.group == b.group {
        let given = a.group >= GIVEN_GROUP;
        return if given { (0.95, Reason::SameGivenName) } else { (0.9, Reason::Translation) };
    }
    if a.abjad != b.abjad {
        let (likeness, reason) = consonants(a, b);
        // Hassan and Hussein share their consonants and are two names.
        let given = a.group >= GIVEN_GROUP && b.group >= GIVEN_GROUP;
        return (if given { likeness.min(GIVEN_APART) } else { likeness }, reason);
    }
    // Two words the tables know to be different are not one word misspelled: import and export, Hassan and Hussein.
    if a.group != 0 && b.group != 0 {
        let given = a.group >= GIVEN_GROUP && b.group >= GIVEN_GROUP;
        let (likeness, reason) = spelled(a, b);
        return if given { (likeness.min(GIVEN_APART), reason) } else { (0.0, Reason::Similar) };
    }
    if a.sound == b.sound && !a.sound.is_empty() {
        return (0.96, Reason::Romanisation);
    }
    if let Some(found) = without_article(a, b).or_else(|| without_article(b, a)) {
        return found;
    }
    let (likeness, reason) = spelled(a, b);
    // Neither is the other misspelled when both are words of their own, unless they sound alike.
    if a.known && b.known && !sound_alike(a, b) {
        return (likeness.min(KNOWN_APART), reason);
    }
    (likeness, reason)
}

/// Most that two given names of different groups are alike.
const GIVEN_APART: f32 = 0.6;

/// Most that two well-known words are alike that do not sound alike.
const KNOWN_APART: f32 = 0.6;

/// Whether two spellings may be one name in two romanisations.
fn sound_alike(a: TokenRef<'_>, b: TokenRef<'_>) -> bool {
    let shared = a.text.bytes().zip(b.text.bytes()).take_while(|(x, y)| x == y).count();
    let length = a.sound.len().max(b.sound.len());
    // Inflected forms share their head, long variants their consonants: "institut", "instituto"; "Nikolayevich".
    shared >= 5 && shared * 3 >= a.text.len().max(b.text.len()) * 2
        || length >= 8 && a.skeleton == b.skeleton
        || sound_cost(a.sound.as_bytes(), b.sound.as_bytes()) <= length as f32 * 0.05
}

/// Legal forms are equal by group; an unknown word one slip away from a short form is that form.
fn legal(a: TokenRef<'_>, b: TokenRef<'_>) -> (f32, Reason) {
    if a.class == b.class {
        return (if a.group == b.group { 0.985 } else { 0.0 }, Reason::LegalForm);
    }
    let (form, word) = if a.class == Class::Legal { (a, b) } else { (b, a) };
    let slip = word.class == Class::Word
        && word.group == 0
        && (2..=5).contains(&word.text.len())
        && edits(form.text.as_bytes(), word.text.as_bytes()).0 == 1;
    (if slip { 0.9 } else { 0.0 }, Reason::OneLetter)
}

fn initial(a: TokenRef<'_>, b: TokenRef<'_>) -> f32 {
    let (one, other) = if a.class == Class::Initial { (a, b) } else { (b, a) };
    if other.class != Class::Word {
        0.0
    } else if other.text.starts_with(one.text) {
        0.9
    } else if !one.sound.is_empty() && other.sound.starts_with(one.sound) {
        0.88
    } else {
        0.0
    }
}

fn consonants(a: TokenRef<'_>, b: TokenRef<'_>) -> (f32, Reason) {
    let (one, other) = (a.skeleton.as_bytes(), b.skeleton.as_bytes());
    let longest = one.len().max(other.len());
    if longest == 0 {
        // Nothing but vowels, as in "Ali" without its l; compare what is written.
        let same = a.sound == b.sound;
        return (if same { 0.85 } else { 0.0 }, Reason::Consonants);
    }
    // Long vowels are written: they tell Karim from Akram.
    let (written, plain) = if a.abjad { (a, b) } else { (b, a) };
    let vowels = abjad_cost(written.sound.as_bytes(), plain.sound.as_bytes());
    if one == other {
        // Where long vowels are written and agree, one consonant ("lwy", Levi) and two ("rhym", Rahim) say more.
        let voiced = written.sound.len() > longest + usize::from(longest == 1) && vowels <= 0.2;
        let base: f32 = match longest {
            2 if voiced => 0.95,
            1 if voiced => 0.9,
            1 => 0.8,
            2 => 0.9,
            _ => 0.95,
        };
        return ((base - 0.05 * vowels).max(0.6), Reason::Consonants);
    }
    let letters = longest.max(3) as f32 + 1.5;
    let likeness = 1.0 - vowels / letters;
    // Of two consonants none can be missing: "ly" is Ali, not Yelena.
    if likeness < 0.6 || longest <= 2 && one.len() != other.len() {
        (0.0, Reason::Consonants)
    } else {
        (likeness.min(0.85), Reason::Consonants)
    }
}

fn without_article(a: TokenRef<'_>, b: TokenRef<'_>) -> Option<(f32, Reason)> {
    if a.text.len() < 6 || a.class != Class::Word || b.class != Class::Word {
        return None;
    }
    let bare = a.text.strip_prefix("al").or_else(|| a.text.strip_prefix("el"))?;
    if bare == b.text {
        return Some((0.95, Reason::Article));
    }
    let sound = a.sound.strip_prefix("al").or_else(|| a.sound.strip_prefix("el"))?;
    (sound == b.sound && sound.len() > 3).then_some((0.93, Reason::Article))
}

fn spelled(a: TokenRef<'_>, b: TokenRef<'_>) -> (f32, Reason) {
    let (one, other) = (a.text.as_bytes(), b.text.as_bytes());
    let longest = one.len().max(other.len());
    let shortest = one.len().min(other.len());
    if longest > shortest * 2 + 1 || longest > 2 * MAX_DP {
        return (0.0, Reason::Similar);
    }
    let (edits, transposed) = edits(one, other);
    let by_letters = 1.0 - edits as f32 / longest as f32;
    if by_letters < 0.3 {
        return (0.0, Reason::Similar);
    }
    let sound_length = a.sound.len().max(b.sound.len()).max(1) as f32;
    let by_sound = 1.0 - sound_cost(a.sound.as_bytes(), b.sound.as_bytes()) / sound_length;
    // A slip in a short word leaves little of it; the same slip in a long one leaves nearly all.
    let by_letters = if edits == 1 && longest >= 4 { by_letters + 0.03 } else { by_letters };
    let likeness = by_letters.min(0.97).max(by_sound.min(0.94)).max(0.0);
    let reason = match (edits, transposed) {
        (1, true) => Reason::Transposed,
        (1, false) => Reason::OneLetter,
        _ if by_sound > 0.8 => Reason::Romanisation,
        _ => Reason::Similar,
    };
    (likeness, reason)
}

/// Longest strings the row buffers take; tokens are cut below this when made, and index text is checked at use.
const MAX_DP: usize = 48;

/// Optimal string alignment distance and whether the last step was one transposition.
pub(crate) fn edits(a: &[u8], b: &[u8]) -> (u32, bool) {
    let (a, b) = trim_common(a, b);
    if a.len().max(b.len()) >= MAX_DP {
        return (a.len().max(b.len()) as u32, false);
    }
    if a.is_empty() || b.is_empty() {
        return ((a.len() + b.len()) as u32, false);
    }
    if let ([x0, x1], [y0, y1]) = (a, b)
        && x0 == y1
        && x1 == y0
    {
        return (1, true);
    }
    let mut rows = [[0u8; MAX_DP + 1]; 3];
    let [mut before, mut above, mut current] = [0usize, 1, 2];
    for (at, cell) in rows[above].iter_mut().enumerate() {
        *cell = at as u8;
    }
    for (i, &x) in a.iter().enumerate() {
        rows[current][0] = i as u8 + 1;
        for (j, &y) in b.iter().enumerate() {
            let mut best = (rows[above][j] + u8::from(x != y))
                .min(rows[above][j + 1] + 1)
                .min(rows[current][j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(rows[before][j - 1] + 1);
            }
            rows[current][j + 1] = best;
        }
        (before, above, current) = (above, current, before);
    }
    (u32::from(rows[above][b.len()]), false)
}

fn trim_common<'a>(a: &'a [u8], b: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(head..).unwrap_or(&[]), b.get(head..).unwrap_or(&[]));
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    (a.get(..a.len() - tail).unwrap_or(&[]), b.get(..b.len() - tail).unwrap_or(&[]))
}

/// Sounds that stand in for one another when a name changes alphabet, in tenths of an edit.
#[inline]
fn sound_swap(x: u8, y: u8) -> u16 {
    static COSTS: [[u8; 128]; 128] = swap_costs();
    match COSTS.get(usize::from(x)).and_then(|row| row.get(usize::from(y))) {
        Some(&cost) => u16::from(cost),
        None => STRANGE_SWAP as u16,
    }
}

/// One unrelated sound for another costs more than a mistyped letter: letters are counted elsewhere.
const STRANGE_SWAP: u8 = 14;

const fn swap_costs() -> [[u8; 128]; 128] {
    const PAIRS: [(&[u8], &[u8], u8); 18] = [
        (b"J", b"i", 3),
        (b"J", b"ZgC", 4),
        (b"s", b"z", 4),
        (b"v", b"ou", 4),
        (b"g", b"hk", 5),
        (b"H", b"hkgC", 5),
        (b"h", b"k", 5),
        (b"b", b"p", 5),
        (b"d", b"t", 5),
        (b"f", b"v", 5),
        (b"S", b"s", 5),
        (b"T", b"s", 5),
        (b"C", b"T", 5),
        (b"Z", b"z", 5),
        (b"b", b"v", 6),
        (b"C", b"S", 6),
        (b"T", b"z", 6),
        (b"S", b"Z", 6),
    ];
    let mut costs = [[STRANGE_SWAP; 128]; 128];
    let vowels = b"aeiou";
    let mut i = 0;
    while i < 128 {
        costs[i][i] = 0;
        i += 1;
    }
    let mut i = 0;
    while i < vowels.len() {
        let mut j = 0;
        while j < vowels.len() {
            if i != j {
                costs[vowels[i] as usize][vowels[j] as usize] = 4;
            }
            j += 1;
        }
        i += 1;
    }
    let mut at = 0;
    while at < PAIRS.len() {
        let (ones, others, cost) = PAIRS[at];
        let mut i = 0;
        while i < ones.len() {
            let mut j = 0;
            while j < others.len() {
                costs[ones[i] as usize][others[j] as usize] = cost;
                costs[others[j] as usize][ones[i] as usize] = cost;
                j += 1;
            }
            i += 1;
        }
        at += 1;
    }
    costs[b'm' as usize][b'n' as usize] = 8;
    costs[b'n' as usize][b'm' as usize] = 8;
    costs
}

fn sound_gap(x: u8) -> u16 {
    match x {
        b'a' | b'e' | b'i' | b'o' | b'u' => 6,
        b'h' | b'J' => 5,
        _ => 10,
    }
}

/// Weighted distance between two sound forms, in edits.
pub(crate) fn sound_cost(a: &[u8], b: &[u8]) -> f32 {
    weighted(a, b, sound_swap, sound_gap, sound_gap)
}

/// Weighted distance from a word of Arabic or Hebrew script to a Latin one: vowels come free on the Latin side.
fn abjad_cost(written: &[u8], plain: &[u8]) -> f32 {
    let swap = |x: u8, y: u8| match (x, y) {
        _ if x == y => 0,
        (b'v', b'u' | b'o') | (b'i', b'e') => 0,
        (b'a' | b'e' | b'i' | b'o' | b'u' | b'v', b'a' | b'e' | b'i' | b'o' | b'u') => 3,
        (b'b' | b'p', b'b' | b'p') | (b'p', b'f') => 2,
        (b'k' | b'g', b'k' | b'g') => 3,
        _ => sound_swap(x, y),
    };
    let from_written = |x: u8| match x {
        b'a' | b'i' | b'v' | b'h' => 4,
        _ => 10,
    };
    let from_plain = |y: u8| match y {
        b'a' | b'e' | b'i' | b'o' | b'u' => 1,
        b'h' => 5,
        _ => 10,
    };
    weighted(written, plain, swap, from_written, from_plain)
}

fn weighted(
    a: &[u8],
    b: &[u8],
    swap: impl Fn(u8, u8) -> u16,
    gap_a: impl Fn(u8) -> u16,
    gap_b: impl Fn(u8) -> u16,
) -> f32 {
    let (a, b) = trim_common(a, b);
    if a.len().max(b.len()) >= MAX_DP {
        return a.len().max(b.len()) as f32;
    }
    let mut above = [0u16; MAX_DP + 1];
    let mut current = [0u16; MAX_DP + 1];
    for (j, &y) in b.iter().enumerate() {
        above[j + 1] = above[j] + gap_b(y);
    }
    for &x in a {
        current[0] = above[0] + gap_a(x);
        for (j, &y) in b.iter().enumerate() {
            current[j + 1] =
                (above[j] + swap(x, y)).min(above[j + 1] + gap_a(x)).min(current[j] + gap_b(y));
        }
        std::mem::swap(&mut above, &mut current);
    }
    f32::from(above[b.len()]) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::EntityType;
    use crate::text::tokens_of;
    use proptest::prelude::*;

    fn alike(one: &str, other: &str) -> (f32, Reason) {
        let one = tokens_of(one, EntityType::Person);
        let other = tokens_of(other, EntityType::Person);
        similarity(one.last().unwrap().view(), other.last().unwrap().view())
    }

    #[test]
    fn likeness_has_the_reason_an_analyst_would_give() {
        for (one, other, least, reason) in [
            ("Kerimov", "KERIMOV", 1.0, Reason::Identical),
            ("Sergei", "Siarhei", 0.9, Reason::SameGivenName),
            ("Quispe", "Qiuspe", 0.8, Reason::Transposed),
            ("Requena", "Equena", 0.8, Reason::OneLetter),
            ("Shugayev", "shugayeff", 0.9, Reason::Romanisation),
            ("I", "Isaevich", 0.7, Reason::Initial),
            ("مخلوف", "Makhlouf", 0.85, Reason::Consonants),
            ("AlQuwatly", "Quwatly", 0.9, Reason::Article),
        ] {
            let (score, why) = alike(one, other);
            assert!(score >= least && why == reason, "{one} {other}: {score} {why:?}");
        }
        for (one, other) in [("George", "Habbash"), ("Ivan", "Oleg"), ("Marat", "Boris")] {
            assert!(alike(one, other).0 < 0.6, "{one} {other}: {:?}", alike(one, other));
        }
    }

    proptest! {
        #[test]
        fn likeness_is_symmetric_and_bounded(one in "[a-zA-Zа-яا-ي]{1,12}", other in "[a-zA-Zа-яا-ي]{1,12}") {
            let (a, b) = (tokens_of(&one, EntityType::Person), tokens_of(&other, EntityType::Person));
            for a in &a {
                for b in &b {
                    let (forth, back) = (similarity(a.view(), b.view()).0, similarity(b.view(), a.view()).0);
                    prop_assert!((0.0..=1.0).contains(&forth));
                    prop_assert!((forth - back).abs() < 1e-6, "{forth} {back}");
                }
            }
        }

        #[test]
        fn edit_distance_is_bounded_by_the_longer_word(a in "[a-c]{0,9}", b in "[a-c]{0,9}") {
            let (distance, _) = edits(a.as_bytes(), b.as_bytes());
            prop_assert!(distance as usize <= a.len().max(b.len()));
            prop_assert_eq!(distance == 0, a == b);
        }
    }
}
