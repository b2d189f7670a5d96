//! Romanisation by rule, script by script.
//!
//! Invariant: the output is lower-case ASCII (letters of scripts without a rule stay as they are), and a rule depends on
//! the letter and its name alone, so equal names in one script stay equal. The letter values are the common
//! English ones (BGN/PCGN for Cyrillic, McCune–Reischauer without marks for Korean); the sound form evens out other habits.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The script a token was written in, as far as matching cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Cyrillic,
    Greek,
    /// Arabic and Hebrew letters: consonants are written, most vowels are not.
    Abjad,
    Armenian,
    Georgian,
    Hangul,
    Han,
    Other,
}

impl Script {
    pub(crate) fn of(c: char) -> Option<Self> {
        let script = match u32::from(c) {
            0x30..=0x39 => return None,
            0x41..=0x24f | 0x1e00..=0x1eff => Self::Latin,
            0x370..=0x3ff | 0x1f00..=0x1fff => Self::Greek,
            0x400..=0x52f => Self::Cyrillic,
            0x530..=0x58f => Self::Armenian,
            0x590..=0x5ff | 0x600..=0x6ff | 0x750..=0x77f | 0x8a0..=0x8ff => Self::Abjad,
            0x10a0..=0x10ff | 0x1c90..=0x1cbf => Self::Georgian,
            0xac00..=0xd7a3 => Self::Hangul,
            0x3400..=0x4dbf | 0x4e00..=0x9fff | 0x2_0000..=0x2_ffff => Self::Han,
            _ => Self::Other,
        };
        Some(script)
    }
}

/// Which Cyrillic habit a name follows; told from letters only one language uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    Russian,
    Ukrainian,
    Belarusian,
    Persian,
    Arabic,
}

/// Looks at the whole name for letters that give its language away.
pub(crate) fn habit_of(text: &str) -> Habit {
    let mut habit = Habit::Russian;
    if text.is_ascii() {
        return habit;
    }
    for c in text.chars() {
        match c {
            'ў' | 'Ў' => return Habit::Belarusian,
            'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ' => habit = Habit::Ukrainian,
            'پ' | 'چ' | 'ژ' | 'گ' | 'ی' | 'ک' => return Habit::Persian,
            'ة' | 'ي' | 'ك' | 'أ' | 'إ' | 'ى' => return Habit::Arabic,
            _ => {}
        }
    }
    habit
}

/// Writes one letter's Latin value. `None` when the script has no rule.
pub(crate) fn letter(c: char, habit: Habit, out: &mut String) -> Option<()> {
    let value = match Script::of(c)? {
        Script::Cyrillic => cyrillic(c, habit)?,
        Script::Greek => greek(c)?,
        Script::Abjad => abjad(c, habit)?,
        Script::Armenian => armenian(c)?,
        Script::Georgian => georgian(c)?,
        Script::Hangul => {
            hangul(c, out);
            return Some(());
        }
        Script::Han => super::lexicon::pinyin(c)?,
        Script::Latin | Script::Other => return None,
    };
    out.push_str(value);
    Some(())
}

fn cyrillic(c: char, habit: Habit) -> Option<&'static str> {
    let slavic_h = matches!(habit, Habit::Ukrainian | Habit::Belarusian);
    Some(match c {
        'а' | 'ә' | 'ӓ' => "a",
        'б' => "b",
        'в' => "v",
        'г' if slavic_h => "h",
        'г' | 'ґ' | 'ғ' => "g",
        'д' => "d",
        'е' | 'э' | 'ѐ' => "e",
        'ё' => "yo",
        'є' => "ye",
        'ж' => "zh",
        'з' => "z",
        'и' if habit == Habit::Ukrainian => "y",
        'и' | 'і' | 'ѝ' => "i",
        'ї' => "yi",
        'й' => "y",
        'ј' => "y",
        'к' | 'қ' => "k",
        'л' => "l",
        'љ' => "lj",
        'м' => "m",
        'н' | 'ң' => "n",
        'њ' => "nj",
        'о' | 'ө' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'ћ' => "c",
        'у' | 'ў' | 'ұ' | 'ү' => "u",
        'ф' => "f",
        'х' => "kh",
        'һ' | 'ҳ' => "h",
        'ц' => "ts",
        'ч' => "ch",
        'џ' | 'ҷ' => "dzh",
        'ш' => "sh",
        'щ' => "shch",
        'ы' => "y",
        'ю' => "yu",
        'я' => "ya",
        'ђ' => "dj",
        'ѓ' => "gj",
        'ќ' => "kj",
        'ѕ' => "dz",
        'ъ' | 'ь' => "",
        _ => return None,
    })
}

fn greek(c: char) -> Option<&'static str> {
    Some(match c {
        'α' => "a",
        'β' => "v",
        'γ' => "g",
        'δ' => "d",
        'ε' => "e",
        'ζ' => "z",
        'η' | 'ι' => "i",
        'υ' => "y",
        'θ' => "th",
        'κ' => "k",
        'λ' => "l",
        'μ' | 'µ' => "m",
        'ν' => "n",
        'ξ' => "x",
        'ο' | 'ω' => "o",
        'π' => "p",
        'ρ' => "r",
        'σ' | 'ς' => "s",
        'τ' => "t",
        'φ' => "f",
        'χ' => "ch",
        'ψ' => "ps",
        _ => return None,
    })
}

/// Arabic and Hebrew letters. Long-vowel letters get a vowel the skeleton drops; hamza and ayn vanish. Persian
/// reads three Arabic letters in its own way (Reza, not Rida).
fn abjad(c: char, habit: Habit) -> Option<&'static str> {
    Some(match c {
        'ض' | 'ذ' if habit == Habit::Persian => "z",
        'ث' if habit == Habit::Persian => "s",
        'ا' | 'أ' | 'إ' | 'آ' | 'ٱ' | 'ى' | 'ة' | 'ۀ' | 'א' => "a",
        'ب' => "b",
        'ב' => "b",
        'پ' => "p",
        'ت' | 'ط' | 'ט' | 'ת' => "t",
        'ث' => "th",
        'ج' => "j",
        'چ' => "ch",
        'ح' | 'ه' | 'ہ' | 'ھ' | 'ە' | 'ה' => "h",
        'ח' => "h",
        'خ' => "kh",
        'د' | 'ד' => "d",
        'ذ' => "dh",
        'ر' | 'ר' => "r",
        'ز' | 'ظ' | 'ז' => "z",
        'ژ' => "zh",
        'س' | 'ص' | 'ס' => "s",
        'ش' | 'ש' => "sh",
        'ض' => "d",
        'غ' => "gh",
        'ف' => "f",
        'ק' | 'ق' => "q",
        'ك' | 'ک' | 'ڪ' | 'כ' | 'ך' => "k",
        'گ' => "g",
        'ג' => "g",
        'ل' | 'ל' => "l",
        'م' | 'מ' | 'ם' => "m",
        'ن' | 'ں' | 'נ' | 'ן' => "n",
        'و' | 'ؤ' | 'ו' => "w",
        'ي' | 'ی' | 'ې' | 'ئ' | 'ے' | 'י' => "y",
        // A final pe is always soft: Yosef, Iosif.
        'ף' => "f",
        'פ' => "p",
        'צ' | 'ץ' => "ts",
        'ע' | 'ع' | 'ء' | 'ـ' => "",
        _ => return None,
    })
}

fn armenian(c: char) -> Option<&'static str> {
    const VALUES: [&str; 38] = [
        "a", "b", "g", "d", "e", "z", "e", "y", "t", "zh", "i", "l", "kh", "ts", "k", "h", "dz",
        "gh", "ch", "m", "y", "n", "sh", "o", "ch", "p", "j", "r", "s", "v", "t", "r", "ts", "u",
        "p", "k", "o", "f",
    ];
    if c == 'և' {
        return Some("ev");
    }
    let at = u32::from(c).checked_sub(0x561)?;
    VALUES.get(usize::try_from(at).ok()?).copied()
}

fn georgian(c: char) -> Option<&'static str> {
    const VALUES: [&str; 33] = [
        "a", "b", "g", "d", "e", "v", "z", "t", "i", "k", "l", "m", "n", "o", "p", "zh", "r", "s",
        "t", "u", "p", "k", "gh", "q", "sh", "ch", "ts", "dz", "ts", "ch", "kh", "j", "h",
    ];
    let at = u32::from(c).checked_sub(0x10d0)?;
    VALUES.get(usize::try_from(at).ok()?).copied()
}

/// One precomposed syllable, the way lists about both Koreas print it.
fn hangul(c: char, out: &mut String) {
    const LEADS: [&str; 19] = [
        "k", "kk", "n", "t", "tt", "r", "m", "p", "pp", "s", "ss", "", "ch", "tch", "ch", "k", "t",
        "p", "h",
    ];
    const VOWELS: [&str; 21] = [
        "a", "ae", "ya", "yae", "o", "e", "yo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo",
        "we", "wi", "yu", "u", "ui", "i",
    ];
    const TAILS: [&str; 28] = [
        "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p",
        "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t",
    ];
    // 이, 리 and 최 are surnames whose printed form every list agrees on.
    match c {
        '최' => return out.push_str("choe"),
        '이' => return out.push_str("ri"),
        '신' => return out.push_str("sin"),
        _ => {}
    }
    let at = (u32::from(c) - 0xac00) as usize;
    for part in [LEADS.get(at / 588), VOWELS.get(at % 588 / 28), TAILS.get(at % 28)] {
        out.push_str(part.copied().unwrap_or(""));
    }
}

/// Lower-cases and takes marks off one character. Latin letters that do not decompose get their usual spelling.
pub(crate) fn plain(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    match c {
        'ß' | 'ẞ' => return out.push_str("ss"),
        'ø' | 'Ø' => return out.push('o'),
        'đ' | 'Đ' | 'ð' | 'Ð' => return out.push('d'),
        'ł' | 'Ł' => return out.push('l'),
        'æ' | 'Æ' => return out.push_str("ae"),
        'œ' | 'Œ' => return out.push_str("oe"),
        'þ' | 'Þ' => return out.push_str("th"),
        'ı' | 'İ' => return out.push('i'),
        'ə' | 'Ə' => return out.push('a'),
        'ħ' | 'Ħ' => return out.push('h'),
        'ŋ' | 'Ŋ' => return out.push('n'),
        // Letters a Cyrillic or Arabic rule must still tell apart keep their marks.
        'й' | 'Й' => return out.push('й'),
        'ё' | 'Ё' => return out.push('ё'),
        'ї' | 'Ї' => return out.push('ї'),
        'ў' | 'Ў' => return out.push('ў'),
        'ѓ' | 'Ѓ' => return out.push('ѓ'),
        'ќ' | 'Ќ' => return out.push('ќ'),
        'آ' | 'أ' | 'إ' | 'ؤ' | 'ئ' => return out.push(c),
        _ => {}
    }
    if Script::of(c) == Some(Script::Hangul) {
        return out.push(c);
    }
    for part in std::iter::once(c).nfkd().filter(|part| !is_combining_mark(*part)) {
        out.extend(part.to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roman(text: &str) -> String {
        let habit = habit_of(text);
        let mut out = String::new();
        for c in text.nfkc() {
            let mut folded = String::new();
            plain(c, &mut folded);
            for c in folded.chars() {
                if letter(c, habit, &mut out).is_none() {
                    out.push(c);
                }
            }
        }
        out
    }

    #[test]
    fn letters_become_their_usual_latin_spelling() {
        for (text, latin) in [
            ("Щербаков", "shcherbakov"),
            ("Олексій", "oleksiy"),
            ("Уладзіміравіч", "uladzimiravich"),
            ("Παπαδόπουλος", "papadopoylos"),
            ("김영철", "kimyongchol"),
            ("საქართველო", "sakartvelo"),
            ("Հայաստան", "hayastan"),
            ("Łukasz Øst", "lukasz ost"),
            ("Straße", "strasse"),
        ] {
            assert_eq!(roman(text), latin, "{text}");
        }
        // Presentation forms are the same letters.
        assert_eq!(roman("ﻣﺤﻤﺪ"), roman("محمد"));
    }
}
