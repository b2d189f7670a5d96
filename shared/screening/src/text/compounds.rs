//! Words that are written together in one list and apart in another.
//!
//! Invariant: only well-known compounds are touched, the same way on both sides of a comparison.

use super::lexicon::{Lexicon, simplified};
use super::romanise::Script;
use super::sound::sound_form;
use super::token::RawWord;

/// Traditional characters become simplified ones, and company words written in Han characters whole Latin words.
pub(super) fn han_phrases(name: &str) -> std::borrow::Cow<'_, str> {
    const PHRASES: [(&str, &str); 26] = [
        ("股份有限公司", " jsc "),
        ("有限责任公司", " llc "),
        ("有限公司", " llc "),
        ("公司", " company "),
        ("集团", " group "),
        ("科技", " technology "),
        ("技术", " technology "),
        ("工业", " industry "),
        ("贸易", " trading "),
        ("商贸", " trading "),
        ("进出口", " import export "),
        ("国际", " international "),
        ("国家", " national "),
        ("银行", " bank "),
        ("航空", " aviation "),
        ("电子", " electronic "),
        ("机械", " machinery "),
        ("设备", " equipment "),
        ("物流", " logistics "),
        ("能源", " energy "),
        ("石油", " oil "),
        ("化工", " chemical "),
        ("研究所", " institute "),
        ("研究院", " institute "),
        ("大学", " university "),
        ("委员会", " committee "),
    ];
    if name.is_ascii() || !name.chars().any(|c| Script::of(c) == Some(Script::Han)) {
        return name.into();
    }
    let mut out: String = name.chars().map(simplified).collect();
    for (phrase, words) in PHRASES {
        if out.contains(phrase) {
            out = out.replace(phrase, words);
        }
    }
    out.into()
}

/// Joins dotted letters: "S.A." and "T.G.A." are one word.
pub(super) fn collapse_letters(words: &mut Vec<RawWord>) {
    let mut at = 0;
    while at < words.len() {
        let mut end = at;
        let tied = |end: usize| end == at || words.get(end).is_some_and(|word| !word.spaced);
        while tied(end) && words.get(end).is_some_and(|word| word.text.len() == 1 && word.dotted) {
            end += 1;
        }
        // The last letter of "S.A" may lack its dot.
        if end > at && tied(end) && words.get(end).is_some_and(|word| word.text.len() == 1) {
            end += 1;
        }
        if end - at >= 2 {
            let joined: String =
                words.iter().skip(at).take(end - at).map(|word| word.text.as_str()).collect();
            if let Some(first) = words.get_mut(at) {
                first.sound = sound_form(&joined);
                first.text = joined;
                first.dotted = false;
            }
            words.drain(at + 1..end);
        }
        at += 1;
    }
}

/// Abbreviations that Russian bodies carry in their names stand for whole words.
pub(super) fn spell_out(words: &mut Vec<RawWord>) {
    const ABBREVIATIONS: [(&str, &[&str]); 6] = [
        ("nii", &["scientific", "research", "institute"]),
        ("tsnii", &["central", "scientific", "research", "institute"]),
        ("cnii", &["central", "scientific", "research", "institute"]),
        ("npo", &["scientific", "production", "association"]),
        ("npp", &["scientific", "production", "enterprise"]),
        ("okb", &["experimental", "design", "bureau"]),
    ];
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let latin = matches!(word.script, Script::Latin | Script::Cyrillic);
        let found = ABBREVIATIONS.iter().find(|(short, _)| latin && *short == word.text);
        if let Some((_, long)) = found {
            replace(words, at, long);
        }
        at += 1;
    }
}

/// "Abdulrahman", "Abd al-Rahman" and "Abdel Rahman" become abd + rahman; "Nureddin" and "Nur al-Din" become nur + din;
/// "Hizballah" and "Hezbollah" become hizb + allah, as Arabic writes it, and "Alireza" ali + reza.
pub(super) fn split_arabic_compounds(lexicon: &Lexicon, words: &mut Vec<RawWord>) {
    const SERVANT: [&str; 12] = [
        "abdul", "abdel", "abdal", "abdol", "abdoul", "abdur", "abder", "abdus", "abdel", "abdir",
        "abdi", "abd",
    ];
    const FAITH: [&str; 12] = [
        "eddine", "eddin", "uddin", "oddin", "addin", "iddin", "eddeen", "addeen", "aldin",
        "eldin", "uldin", "ddine",
    ];
    const PARTY: [&str; 4] = ["hizb", "hezb", "khizb", "khezb"];
    const OF_GOD: [&str; 9] =
        ["allah", "ullah", "ollah", "allh", "alla", "ulla", "olla", "ollakh", "allakh"];
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        let of_reza = ["reza", "rza", "rda"]
            .iter()
            .find_map(|reza| text.strip_suffix(reza))
            .filter(|stem| stem.len() >= 2 && lexicon.word(stem).given != 0);
        let of_god = || PARTY.iter().find_map(|party| text.strip_prefix(party));
        let latin = matches!(word.script, Script::Latin | Script::Cyrillic);
        let prefix = SERVANT.iter().find(|prefix| text.starts_with(**prefix));
        let rest = prefix.and_then(|prefix| text.get(prefix.len()..)).unwrap_or("");
        if latin && text.len() >= 3 && SERVANT.contains(&text) {
            // The bare servant word, whatever its article.
            replace(words, at, &["abd"]);
        } else if latin
            && rest.len() >= 4
            && !rest.starts_with("lah")
            && !rest.starts_with("llah")
            && !rest.starts_with("ov")
        {
            let rest = rest.to_owned();
            replace(words, at, &["abd", &rest]);
            at += 1;
        } else if word.abjad && text == "allh" {
            replace(words, at, &["allah"]);
        } else if let Some(stem) = of_reza {
            // The stem keeps its script.
            let stem = RawWord {
                text: stem.to_owned(),
                sound: sound_form(stem),
                abjad: word.abjad,
                dotted: false,
                spaced: true,
                script: word.script,
            };
            replace(words, at, &["reza"]);
            words.insert(at, stem);
            at += 1;
        } else if latin && of_god().is_some_and(|rest| OF_GOD.contains(&rest)) {
            replace(words, at, &["hizb", "allah"]);
            at += 1;
        } else if latin
            && text.len() >= 7
            && let Some(stem) = FAITH
                .iter()
                .find_map(|ending| text.strip_suffix(ending))
                .filter(|stem| stem.len() >= 3)
        {
            let stem = stem.to_owned();
            replace(words, at, &[&stem, "din"]);
            at += 1;
        } else if latin && FAITH.contains(&text) {
            replace(words, at, &["din"]);
        }
        at += 1;
    }
}

fn replace(words: &mut Vec<RawWord>, at: usize, texts: &[&str]) {
    let script = words.get(at).map_or(Script::Latin, |word| word.script);
    let made = texts.iter().map(|text| RawWord {
        text: (*text).to_owned(),
        sound: sound_form(text),
        abjad: false,
        dotted: false,
        spaced: true,
        script,
    });
    words.splice(at..=at, made.collect::<Vec<_>>());
}
