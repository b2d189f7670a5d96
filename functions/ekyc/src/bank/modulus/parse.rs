//! Reading the weight table (`valacdos`) and the substitutions (`scsubtab`).
//!
//! Invariant: a file is taken whole or not at all. A row that means nothing, a range that overlaps another, half of a
//! pair of rows and a file that was cut off are all refused, each with its line: a table that is silently short would
//! call accounts unverifiable that are wrong.

use std::collections::BTreeMap;
use std::fmt;

use super::{Algorithm, Range, Row, Weights};

/// More wrong rows than this mean that it is another file altogether.
const MOST_FAULTS: usize = 20;

/// The largest weight in Vocalink's tables is 128; far larger ones are a misread file.
const LARGEST_WEIGHT: i16 = 999;

/// What is wrong with one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that the files never have.
    #[error("it is not ASCII text")]
    NotText,
    /// Too few or too many words.
    #[error("it has {found} words instead of {expected}")]
    Words {
        /// How many there are.
        found: usize,
        /// How many there should be, in words.
        expected: &'static str,
    },
    /// Not six digits.
    #[error("a sort code must be 6 digits")]
    SortCode,
    /// The range ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// Neither MOD10 nor MOD11 nor DBLAL.
    #[error("the algorithm must be MOD10, MOD11 or DBLAL")]
    Algorithm,
    /// Not a number, or out of bounds.
    #[error("a weight must be a whole number from -999 to 999")]
    Weight,
    /// Digits of a negative number are not defined.
    #[error("a DBLAL weight must not be negative")]
    NegativeWeight,
    /// Not 1 to 14.
    #[error("the exception must be 1 to 14")]
    Exception,
    /// The exception is defined for another algorithm.
    #[error("exception {0} does not go with this algorithm")]
    WrongAlgorithm(u8),
    /// The exception is one half of a pair, and the other half is missing or another row.
    #[error("exception {0} is one of a pair of rows, and the other one is not beside it")]
    Unpaired(u8),
    /// More than two rows for one range.
    #[error("the range has more than two rows")]
    ThirdRow,
    /// Two ranges have a sort code in common.
    #[error("the range overlaps another one")]
    Overlap,
    /// The original sort code was there before.
    #[error("the sort code has a substitute already")]
    Duplicate,
    /// The last line does not end.
    #[error("the file is cut off: its last line has no line end")]
    CutOff,
}

/// A row and its fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFault {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// A file that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Rows of it are wrong.
    #[error("{file}: {}", Rows(.faults))]
    Rows {
        /// Which file: `weights` or `substitutions`.
        file: &'static str,
        /// The first 20 wrong rows, by line.
        faults: Vec<RowFault>,
    },
    /// It has no row.
    #[error("{0}: the file is empty")]
    Empty(&'static str),
}

struct Rows<'a>(&'a [RowFault]);

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, row) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "line {}: {}", row.line, row.fault)?;
        }
        Ok(())
    }
}

const WEIGHTS: &str = "weights";
const SUBSTITUTIONS: &str = "substitutions";

#[derive(Default)]
struct Faults(Vec<RowFault>);

impl Faults {
    fn push(&mut self, line: usize, fault: Fault) {
        self.0.push(RowFault { line, fault });
    }

    fn into_result(mut self, file: &'static str) -> Result<(), TableError> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by_key(|row| row.line);
        self.0.truncate(MOST_FAULTS);
        Err(TableError::Rows { file, faults: self.0 })
    }
}

/// The lines that are not blank, with their numbers.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<&str, Fault>)> {
    bytes
        .split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            let text = if line.is_ascii() { std::str::from_utf8(line).ok() } else { None };
            (number, text.ok_or(Fault::NotText))
        })
}

/// Reads the weight table.
pub(super) fn weights(bytes: &[u8]) -> Result<Vec<Range>, TableError> {
    let mut faults = Faults::default();
    let mut ranges: Vec<(usize, Range)> = Vec::new();
    let mut last_line = 0;
    for (number, line) in lines(bytes) {
        last_line = number;
        match line.and_then(weight_row) {
            Ok((first, last, row)) => join(&mut ranges, number, (first, last), row, &mut faults),
            Err(fault) => faults.push(number, fault),
        }
    }
    if last_line == 0 {
        return Err(TableError::Empty(WEIGHTS));
    }
    // A weight or an exception may have lost its last digits and still be a number; only the line end tells.
    if bytes.last() != Some(&b'\n') {
        faults.push(last_line, Fault::CutOff);
    }
    for (line, range) in &ranges {
        if let Some(exception) = unpaired(range) {
            faults.push(*line, Fault::Unpaired(exception));
        }
    }
    ranges.sort_by_key(|(_, range)| range.first);
    for pair in ranges.windows(2) {
        if let [(_, before), (line, after)] = pair
            && after.first <= before.last
        {
            faults.push(*line, Fault::Overlap);
        }
    }
    faults.into_result(WEIGHTS)?;
    Ok(ranges.into_iter().map(|(_, range)| range).collect())
}

/// Adds a row: the second of the range before it, or the first of its own.
fn join(
    ranges: &mut Vec<(usize, Range)>,
    line: usize,
    (first, last): (u32, u32),
    row: Row,
    faults: &mut Faults,
) {
    match ranges.last_mut() {
        Some((_, range)) if (range.first, range.last) == (first, last) => match range.second {
            None => range.second = Some(row),
            Some(_) => faults.push(line, Fault::ThirdRow),
        },
        _ => ranges.push((line, Range { first, last, check: row, second: None })),
    }
}

fn weight_row(line: &str) -> Result<(u32, u32, Row), Fault> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [first, last, algorithm, numbers @ ..] = words.as_slice() else {
        return Err(Fault::Words { found: words.len(), expected: "17 or 18" });
    };
    let (weights, exception) = match numbers.len() {
        14 => (numbers, None),
        15 => (&numbers[..14], numbers.last()),
        _ => return Err(Fault::Words { found: words.len(), expected: "17 or 18" }),
    };
    let (first, last) = (sort_code(first)?, sort_code(last)?);
    if last < first {
        return Err(Fault::Backwards);
    }
    let algorithm = match *algorithm {
        "MOD10" => Algorithm::Mod10,
        "MOD11" => Algorithm::Mod11,
        "DBLAL" => Algorithm::DoubleAlternate,
        _ => return Err(Fault::Algorithm),
    };
    let weights = parse_weights(weights, algorithm)?;
    let exception = exception.map_or(Ok(0), |text| parse_exception(text, algorithm))?;
    Ok((first, last, Row { algorithm, weights, exception }))
}

fn parse_weights(words: &[&str], algorithm: Algorithm) -> Result<Weights, Fault> {
    let mut weights = [0; 14];
    for (weight, word) in weights.iter_mut().zip(words) {
        *weight = word.parse().map_err(|_| Fault::Weight)?;
        if !(-LARGEST_WEIGHT..=LARGEST_WEIGHT).contains(weight) {
            return Err(Fault::Weight);
        }
        if *weight < 0 && algorithm == Algorithm::DoubleAlternate {
            return Err(Fault::NegativeWeight);
        }
    }
    Ok(weights)
}

fn parse_exception(text: &str, algorithm: Algorithm) -> Result<u8, Fault> {
    let exception = text.parse().ok().filter(|number| (1..=14).contains(number));
    let exception = exception.ok_or(Fault::Exception)?;
    let defined = match exception {
        1 | 3 => algorithm == Algorithm::DoubleAlternate,
        2 | 4 | 9 | 10 | 11 | 12 | 14 => algorithm == Algorithm::Mod11,
        _ => true,
    };
    if defined { Ok(exception) } else { Err(Fault::WrongAlgorithm(exception)) }
}

/// The exception of a range that needs another row than it has. 2 may stand alone; 9 never does.
const fn unpaired(range: &Range) -> Option<u8> {
    let first = range.check.exception;
    let second = match &range.second {
        Some(row) => Some(row.exception),
        None => None,
    };
    match (first, second) {
        (5, Some(5)) => {
            let (one, other) = match &range.second {
                Some(row) => (range.check.algorithm, row.algorithm),
                None => return Some(5),
            };
            if matches!((one, other), (Algorithm::Mod11, Algorithm::DoubleAlternate)) {
                None
            } else {
                Some(5)
            }
        }
        (2, None | Some(9)) | (10, Some(11)) | (12, Some(13)) => None,
        (2 | 3 | 5 | 9..=13, _) => Some(first),
        (_, Some(exception @ (2 | 5 | 9..=13))) => Some(exception),
        _ => None,
    }
}

/// Reads the substitutions.
pub(super) fn substitutions(bytes: &[u8]) -> Result<BTreeMap<u32, u32>, TableError> {
    let mut faults = Faults::default();
    let mut substitutes = BTreeMap::new();
    let mut rows = 0_usize;
    for (number, line) in lines(bytes) {
        rows += 1;
        match line.and_then(substitution_row) {
            Ok((original, substitute)) => {
                if substitutes.insert(original, substitute).is_some() {
                    faults.push(number, Fault::Duplicate);
                }
            }
            Err(fault) => faults.push(number, fault),
        }
    }
    // Each row is two words of six digits, so one that was cut off shows it: no line end is needed, and the file that
    // Vocalink publishes has none.
    faults.into_result(SUBSTITUTIONS)?;
    if rows == 0 { Err(TableError::Empty(SUBSTITUTIONS)) } else { Ok(substitutes) }
}

fn substitution_row(line: &str) -> Result<(u32, u32), Fault> {
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.next(), words.count()) {
        (Some(original), Some(substitute), 0) => Ok((sort_code(original)?, sort_code(substitute)?)),
        (first, second, more) => {
            let found = usize::from(first.is_some()) + usize::from(second.is_some()) + more;
            Err(Fault::Words { found, expected: "2" })
        }
    }
}

fn sort_code(text: &str) -> Result<u32, Fault> {
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| Fault::SortCode)
    } else {
        Err(Fault::SortCode)
    }
}
