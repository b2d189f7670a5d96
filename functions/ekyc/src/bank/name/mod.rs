//! Names of account holders, and how alike two of them are.
//!
//! Banks answer a name check with "close" and the name they hold; this decides whether that name is the applicant's.
//! Invariants: the order of two names, their case, accents, punctuation and spacing change nothing; a name equals itself;
//! a holder of a joint account is the account's holder.

mod nicknames;
mod words;

use std::fmt;

use domain::problem::Problem;
use strsim::jaro_winkler;

use words::{Holder, business_words, holders};

/// Both providers take names of at most 140 characters.
const MOST_CHARACTERS: usize = 140;

/// Likeness of forenames from which they are one name misspelled.
const FORENAME_LIKENESS: f64 = 0.90;
/// Likeness of surnames from which they are one name misspelled. A surname tells people apart, so more is asked of it.
const SURNAME_LIKENESS: f64 = 0.92;
/// Likeness of two business names from which they are one.
const BUSINESS_LIKENESS: f64 = 0.92;

/// The name of an account's holder. Personal: no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    /// Reads a name of 1 to 140 characters, at least one of them a letter or a digit. Control characters and runs of
    /// spaces become one space.
    ///
    /// # Errors
    /// [`Problem`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let name = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.chars().count() > MOST_CHARACTERS {
            return Err(Problem::TooLong { max: MOST_CHARACTERS });
        }
        if name.chars().any(char::is_alphanumeric) {
            Ok(Self(name))
        } else {
            Err(Problem::Required)
        }
    }

    /// A person's name as name checks want it: forename and surname as held, no title.
    ///
    /// # Errors
    /// [`Problem`] as for [`Self::parse`].
    pub fn of_person(given: &str, family: &str) -> Result<Self, Problem> {
        Self::parse(&format!("{given} {family}"))
    }

    /// The name in clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountName(…)")
    }
}

/// Whom an account is held by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// One or more people.
    Personal,
    /// A company, partnership, charity or trader.
    Business,
}

/// How alike two names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Not the same holder.
    Different,
    /// The same holder, written otherwise or with a slip.
    Close,
    /// The same name.
    Full,
}

/// Compares two names.
#[must_use]
pub fn compare(one: &AccountName, other: &AccountName, kind: AccountKind) -> Likeness {
    match kind {
        AccountKind::Personal => compare_people(one.reveal(), other.reveal()),
        AccountKind::Business => compare_businesses(one.reveal(), other.reveal()),
    }
}

/// Either holder of a joint account is its holder, on both sides.
fn compare_people(one: &str, other: &str) -> Likeness {
    let (ones, others) = (holders(one), holders(other));
    let pairs = ones.iter().flat_map(|one| others.iter().map(move |other| (one, other)));
    pairs.map(|(one, other)| compare_holders(one, other)).max().unwrap_or(Likeness::Different)
}

fn compare_holders(one: &Holder, other: &Holder) -> Likeness {
    if one.words == other.words {
        return Likeness::Full;
    }
    let (Some((given, surname)), Some((other_given, other_surname))) = (one.split(), other.split())
    else {
        // A single word is compared with a single word only: "Smith" alone names nobody.
        return Likeness::Different;
    };
    let surnames_equal = joined(surname) == joined(other_surname);
    let forenames_equal = joined(given) == joined(other_given);
    if surnames_equal && forenames_equal {
        return Likeness::Full;
    }
    if surnames_equal && alike_forenames(given, other_given) {
        return Likeness::Close;
    }
    if forenames_equal && alike_surnames(surname, other_surname) {
        return Likeness::Close;
    }
    if one.sorted() == other.sorted() { Likeness::Close } else { Likeness::Different }
}

/// "O Brien" and "OBrien", "Jean-Luc" and "Jean Luc": how a name is joined is a habit of the form it was written on.
fn joined(word: &str) -> String {
    word.replace('-', "")
}

fn alike_forenames(one: &str, other: &str) -> bool {
    let (one, other) = (joined(one), joined(other));
    is_initial_of(&one, &other)
        || is_initial_of(&other, &one)
        || nicknames::are_one_name(&one, &other)
        || likeness(&one, &other) >= FORENAME_LIKENESS
}

fn is_initial_of(initial: &str, name: &str) -> bool {
    initial.chars().count() == 1 && name.starts_with(initial)
}

/// A slip of the pen, or one half of a double-barrelled name.
fn alike_surnames(one: &str, other: &str) -> bool {
    if likeness(&joined(one), &joined(other)) >= SURNAME_LIKENESS {
        return true;
    }
    let halves = |name: &str| -> Vec<String> { name.split('-').map(str::to_owned).collect() };
    let (ones, others) = (halves(one), halves(other));
    (ones.len() > 1 || others.len() > 1) && ones.iter().any(|half| others.contains(half))
}

/// Jaro-Winkler, which prefers names that begin alike. Its greedy pairing can depend on the order, so the order is fixed.
fn likeness(one: &str, other: &str) -> f64 {
    if one <= other { jaro_winkler(one, other) } else { jaro_winkler(other, one) }
}

/// Words without the legal form; the order counts, because "Bath Taxis" is not "Taxis Bath".
fn compare_businesses(one: &str, other: &str) -> Likeness {
    let (ones, others) = (business_words(one), business_words(other));
    if ones.is_empty() || others.is_empty() {
        return Likeness::Different;
    }
    if ones == others || ones.concat() == others.concat() {
        return Likeness::Full;
    }
    let shorter = ones.len().min(others.len());
    // A branch or a place is often added behind a name; one common word would be too little to go by.
    let begins = shorter >= 2 && ones[..shorter] == others[..shorter];
    if begins || likeness(&ones.concat(), &others.concat()) >= BUSINESS_LIKENESS {
        Likeness::Close
    } else {
        Likeness::Different
    }
}

#[cfg(test)]
mod tests;
