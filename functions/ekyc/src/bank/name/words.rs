//! From a name as written to the words that are compared.
//!
//! Invariant: case, accents, punctuation and spacing are gone; what is left is upper-case letters and digits, and the
//! hyphens inside double-barrelled names.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Forms of address, never part of a name.
const TITLES: &[&str] = &[
    "MR",
    "MRS",
    "MS",
    "MISS",
    "MX",
    "MSTR",
    "MESSRS",
    "DR",
    "PROF",
    "PROFESSOR",
    "REV",
    "REVD",
    "REVEREND",
    "SIR",
    "DAME",
    "HON",
];
/// Forms of address that are names as well: they go only where a forename and a surname stay.
const DOUBTFUL_TITLES: &[&str] = &[
    "LORD", "LADY", "MASTER", "FATHER", "SISTER", "BROTHER", "MAJOR", "CAPTAIN", "CAPT", "COLONEL",
    "COL", "JUDGE", "CANON", "RABBI", "SHEIKH",
];
/// What follows a name. Left out: those that are surnames as well, such as MA and BA.
const AFTER_NAMES: &[&str] = &[
    "ESQ", "ESQUIRE", "JR", "JNR", "JUNIOR", "SR", "SNR", "SENIOR", "II", "III", "OBE", "CBE",
    "MBE", "KBE", "DBE", "GBE", "BSC", "MSC", "PHD", "DPHIL", "LLB", "LLM", "FRCS", "FRCP", "FCA",
    "ACA", "QC", "KC", "JP", "MP", "RN",
];
/// Legal forms of businesses, and the words around them.
const LEGAL_FORMS: &[&str] = &[
    "LTD", "LIMITED", "PLC", "LLP", "LP", "CIC", "CIO", "INC", "LLC", "GMBH", "CO", "COMPANY",
    "UK", "THE", "AND",
];
/// Begins the trading name of a person or company.
const TRADING_AS: &[&str] = &["TA", "TRADING"];

/// One holder of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// Upper-case words, forenames first.
    pub(super) words: Vec<String>,
}

impl Holder {
    /// First forename and surname; `None` when there is only one word.
    pub(super) fn split(&self) -> Option<(&str, &str)> {
        match self.words.as_slice() {
            [given, .., surname] => Some((given, surname)),
            _ => None,
        }
    }

    /// The words with double-barrelled ones taken apart, in an order that does not depend on how they were written.
    pub(super) fn sorted(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.words.iter().flat_map(|word| word.split('-')).collect();
        words.sort_unstable();
        words
    }
}

/// Everything that tells two spellings of one letter apart is gone.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // Twice, because upper-casing can leave a combining mark behind.
    let upper = text.nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_uppercase();
    for character in upper.nfkd().filter(|c| !is_combining_mark(*c)) {
        match character {
            'Ø' => folded.push('O'),
            'Ł' => folded.push('L'),
            'Đ' | 'Ð' => folded.push('D'),
            'Æ' => folded.push_str("AE"),
            'Œ' => folded.push_str("OE"),
            'Þ' => folded.push_str("TH"),
            'ẞ' => folded.push_str("SS"),
            'Ħ' => folded.push('H'),
            'Ŧ' => folded.push('T'),
            // O'Brien is OBRIEN, whichever apostrophe it has.
            '\'' | '’' | '‘' | 'ʼ' | '`' | '´' => {}
            '‐' | '‑' | '‒' | '–' | '—' | '-' => folded.push('-'),
            other if other.is_alphanumeric() || matches!(other, ',' | '&' | '+' | '/') => {
                folded.push(other);
            }
            _ => folded.push(' '),
        }
    }
    folded
}

/// Words of letters, digits and inner hyphens.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '&' | '+' | '/'))
        .map(|word| word.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-"))
        .filter(|word| !word.is_empty())
        .collect()
}

/// The holders that a name speaks of, each without title and post-nominals.
pub(super) fn holders(name: &str) -> Vec<Holder> {
    let folded = fold(name);
    let mut holders: Vec<Vec<String>> = Vec::new();
    for part in folded.split(['&', '+', '/']).flat_map(|part| part.split(" AND ")) {
        add_part(part, &mut holders);
    }
    // "Mr & Mrs Smith" speaks of one name.
    let titles_only = |words: &[String]| words.iter().all(|word| TITLES.contains(&word.as_str()));
    if holders.iter().any(|words| !titles_only(words)) {
        holders.retain(|words| !titles_only(words));
    }
    share_surname(&mut holders);
    holders
        .into_iter()
        .map(|words| Holder { words })
        .filter(|holder| !holder.words.is_empty())
        .collect()
}

/// A comma parts holders, or stands between a surname and its forenames ("SMITH, JOHN").
fn add_part(part: &str, holders: &mut Vec<Vec<String>>) {
    let pieces: Vec<Vec<String>> =
        part.split(',').map(|piece| bare(words(piece))).filter(|words| !words.is_empty()).collect();
    if let [surname, given] = pieces.as_slice()
        && surname.len() == 1
    {
        holders.push(given.iter().chain(surname).cloned().collect());
    } else {
        holders.extend(pieces);
    }
}

/// "J & A Smith": who is named by forename alone has the surname of the one behind.
fn share_surname(holders: &mut [Vec<String>]) {
    let Some((last, before)) = holders.split_last_mut() else { return };
    let (Some(surname), true) = (last.last(), last.len() > 1) else { return };
    for holder in before {
        if holder.len() == 1 {
            holder.push(surname.clone());
        }
    }
}

/// Without titles and post-nominals.
fn bare(mut words: Vec<String>) -> Vec<String> {
    loop {
        let stays = |fewest: usize| words.len() > fewest;
        let is = |word: Option<&String>, list: &[&str]| {
            word.is_some_and(|word| list.contains(&word.as_str()))
        };
        if stays(1) && is(words.first(), TITLES) || stays(2) && is(words.first(), DOUBTFUL_TITLES) {
            words.remove(0);
        } else if stays(2) && is(words.last(), AFTER_NAMES) {
            words.pop();
        } else {
            return words;
        }
    }
}

/// The words of a business's name: the trading name where there is one, without legal forms.
pub(super) fn business_words(name: &str) -> Vec<String> {
    // "T/A" would be taken apart at its stroke.
    let folded = format!(" {} ", fold(name)).replace(" T/A ", " TA ");
    let all: Vec<String> =
        words(&folded).iter().flat_map(|word| word.split('-').map(str::to_owned)).collect();
    let trading = all.iter().position(|word| TRADING_AS.contains(&word.as_str()));
    let all = match trading {
        Some(at) if at > 0 && at + 1 < all.len() => {
            let skipped = if all[at] == "TRADING" && all[at + 1] == "AS" { 2 } else { 1 };
            all[(at + skipped).min(all.len() - 1)..].to_vec()
        }
        _ => all,
    };
    let kept: Vec<String> =
        all.iter().filter(|word| !LEGAL_FORMS.contains(&word.as_str())).cloned().collect();
    if kept.is_empty() { all } else { kept }
}
