//! The Vocalink modulus check: could this account number exist at this sort code?
//!
//! Rules from Vocalink's "Validating account numbers: UK modulus checking", with the weights read at run time from the
//! text files that Vocalink publishes, because they change several times a year and are not ours to copy. Invariant: a
//! table that was read is whole and consistent, ranges sorted and apart; what it does not cover is said to be
//! [`ModulusOutcome::Unverifiable`] and never to be valid.

mod check;
pub mod command;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::bank_account::BankAccount;

pub use parse::{Fault, RowFault, TableError};

use super::source::{Source, TextPlace};

/// Weights of the fourteen digits: sort code, then account number.
type Weights = [i16; 14];

/// What the check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModulusOutcome {
    /// The number passes its bank's check.
    Valid,
    /// No such account can exist.
    Invalid,
    /// The table has nothing on this sort code. The specification presumes such an account valid; whoever asks decides.
    Unverifiable,
}

impl ModulusOutcome {
    /// One word: `valid`, `invalid` or `unverifiable`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unverifiable => "unverifiable",
        }
    }
}

/// How weighted digits become a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    /// The sum of products, modulo 10.
    Mod10,
    /// The sum of products, modulo 11.
    Mod11,
    /// The sum of the products' own decimal digits, modulo 10 (double alternate).
    DoubleAlternate,
}

/// One row of the weight table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    algorithm: Algorithm,
    weights: Weights,
    /// 1 to 14, 0 for none: the numbers are the specification's own names.
    exception: u8,
}

/// The checks of a range of sort codes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    first: u32,
    last: u32,
    check: Row,
    second: Option<Row>,
}

/// Where a process gets its table from.
pub type ModulusSource = Source<ModulusTable>;

/// The packaged table and substitutions: sort codes that no bank has, for the sandbox.
pub(crate) const SAMPLE: (&str, &str) = (
    include_str!("../../../data/sample-weights.txt"),
    include_str!("../../../data/sample-substitutions.txt"),
);

/// A source of tables, read from these two places.
#[must_use]
pub fn source(weights: TextPlace, substitutions: TextPlace) -> ModulusSource {
    Source::new(
        vec![weights, substitutions],
        |texts| match texts {
            [weights, substitutions] => Ok(ModulusTable::parse(weights, substitutions)?),
            _ => Err("the modulus check has two files".into()),
        },
        ModulusTable::len,
    )
}

/// A weight table and the substitutions of exception 5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModulusTable {
    /// Sorted, and no two overlap.
    ranges: Vec<Range>,
    /// Sort code to the one whose check it borrows.
    substitutes: BTreeMap<u32, u32>,
}

impl ModulusTable {
    /// Reads Vocalink's two files.
    ///
    /// # Errors
    /// [`TableError`] with every row that is wrong.
    pub fn parse(weights: &[u8], substitutions: &[u8]) -> Result<Self, TableError> {
        let ranges = parse::weights(weights)?;
        let substitutes = parse::substitutions(substitutions)?;
        Ok(Self { ranges, substitutes })
    }

    /// How many ranges of sort codes it covers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether it covers nothing; never so for a table that was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Checks one account.
    #[must_use]
    pub fn check(&self, account: &BankAccount) -> ModulusOutcome {
        let Some(range) = self.range(account.sort().number()) else {
            return ModulusOutcome::Unverifiable;
        };
        if check::passes(range, &self.substitutes, account) {
            ModulusOutcome::Valid
        } else {
            ModulusOutcome::Invalid
        }
    }

    fn range(&self, sort_code: u32) -> Option<&Range> {
        let after = self.ranges.partition_point(|range| range.first <= sort_code);
        let range = self.ranges.get(after.checked_sub(1)?)?;
        (sort_code <= range.last).then_some(range)
    }
}
