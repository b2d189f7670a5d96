//! Publishers' formats to entities.
//!
//! Invariant: a malformed row is reported with its file and line and skipped; more than a few of them, a missing section
//! or a shrunken list refuse the whole set, because half a sanctions list is worse than yesterday's.

mod csl_csv;
mod csv_rows;
mod eu;
mod jsonl;
mod ofac_csv;
mod ofac_xml;
mod opensanctions;
mod uk_csv;
mod un_xml;
mod xml;

use serde::{Deserialize, Serialize};

use crate::entity::Entity;

/// One file of a list: its name (some sets are told apart by name) and content.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// File name, with or without a path.
    pub name: &'a str,
    /// The bytes as downloaded.
    pub bytes: &'a [u8],
}

impl<'a> Source<'a> {
    /// A named file.
    #[must_use]
    pub fn new(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes }
    }

    pub(crate) fn file_name(&self) -> &'a str {
        self.name.rsplit(['/', '\\']).next().unwrap_or(self.name)
    }
}

/// A publisher's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, our own.
    Jsonl,
    /// OFAC's classic set: `sdn.csv` or `cons_prim.csv` with `alt`, `add` and `sdn_comments` files beside it.
    OfacCsv,
    /// OFAC's `sdn.xml` and `consolidated.xml`.
    OfacXml,
    /// The UN Security Council's consolidated list.
    UnXml,
    /// The UK sanctions list, or the older consolidated list.
    UkCsv,
    /// The EU's consolidated list as rows.
    EuCsv,
    /// The EU's consolidated list as XML.
    EuXml,
    /// The US consolidated screening list.
    CslCsv,
    /// OpenSanctions `targets.simple.csv`.
    OpenSanctionsCsv,
}

impl Format {
    /// Every format with the word that names it.
    pub const ALL: [(&'static str, Self); 9] = [
        ("jsonl", Self::Jsonl),
        ("ofac-csv", Self::OfacCsv),
        ("ofac-xml", Self::OfacXml),
        ("un-xml", Self::UnXml),
        ("uk-csv", Self::UkCsv),
        ("eu-csv", Self::EuCsv),
        ("eu-xml", Self::EuXml),
        ("csl-csv", Self::CslCsv),
        ("opensanctions-csv", Self::OpenSanctionsCsv),
    ];

    /// Reads a format's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, format)| *format)
    }
}

/// A row that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// File it stands in.
    pub file: String,
    /// Line it starts on, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What a list's files hold.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// The entries.
    pub entities: Vec<Entity>,
    /// Rows that were skipped.
    pub rejected: Vec<RejectedRow>,
    /// Date or version the publisher states, if any.
    pub edition: Option<String>,
}

/// Why a whole list is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseError {
    /// A file or section the format needs is not there.
    #[error("the list lacks {0}")]
    Missing(String),
    /// The file is cut short or not the format it claims to be.
    #[error("{file}: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Too many rows were malformed.
    #[error("{rejected} of {rows} rows are malformed, the first at {first}")]
    TooManyRejected {
        /// How many were.
        rejected: usize,
        /// Of how many.
        rows: usize,
        /// File, line and reason of the first.
        first: String,
    },
    /// The list lost more entries than a publisher removes between editions.
    #[error("the list holds {now} {what} where the last edition held {before}")]
    Shrunk {
        /// Of what: `entries`, `names`, `birth dates`, `countries`, `identifiers`.
        what: &'static str,
        /// How many now.
        now: u64,
        /// How many in the edition in use.
        before: u64,
    },
}

/// How much of each kind an edition holds. A file of aliases or addresses that came empty leaves the entries as many as they
/// were, and would take every hit on an alias away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extent {
    /// Entries.
    pub entries: u64,
    /// Names of all entries together.
    #[serde(default)]
    pub names: u64,
    /// Entries with a birth date.
    #[serde(default)]
    pub birth_dates: u64,
    /// Entries with a nationality or country.
    #[serde(default)]
    pub countries: u64,
    /// Entries with an identifier.
    #[serde(default)]
    pub identifiers: u64,
}

/// What is fewer than this is too few to tell a loss from a change.
const COUNTABLE: u64 = 100;

/// Most malformed rows a list may have: 20, or one in a hundred if that is more.
fn most_rejected(rows: usize) -> usize {
    (rows / 100).max(20)
}

impl Parsed {
    /// How much it holds.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let with =
            |has: fn(&Entity) -> bool| self.entities.iter().filter(|e| has(e)).count() as u64;
        Extent {
            entries: self.entities.len() as u64,
            names: self.entities.iter().map(|entity| entity.names.len() as u64).sum(),
            birth_dates: with(|entity| !entity.birth_dates.is_empty()),
            countries: with(|entity| {
                !(entity.nationalities.is_empty() && entity.countries.is_empty())
            }),
            identifiers: with(|entity| !entity.identifiers.is_empty()),
        }
    }

    /// Refuses an edition with more than 5 % fewer entries than the one in use, or that much less of what they say.
    ///
    /// # Errors
    /// [`ParseError::Shrunk`] with the first that shrank.
    pub fn check_against(&self, in_use: &Extent) -> Result<(), ParseError> {
        let now = self.extent();
        for (what, now, before, least) in [
            ("entries", now.entries, in_use.entries, 0),
            ("names", now.names, in_use.names, COUNTABLE),
            ("birth dates", now.birth_dates, in_use.birth_dates, COUNTABLE),
            ("countries", now.countries, in_use.countries, COUNTABLE),
            ("identifiers", now.identifiers, in_use.identifiers, COUNTABLE),
        ] {
            if before >= least && now.saturating_mul(100) < before.saturating_mul(95) {
                return Err(ParseError::Shrunk { what, now, before });
            }
        }
        Ok(())
    }

    pub(crate) fn reject(&mut self, file: &str, line: u64, reason: impl Into<String>) {
        self.rejected.push(RejectedRow { file: file.to_owned(), line, reason: reason.into() });
    }

    fn finish(mut self) -> Result<Self, ParseError> {
        let rows = self.entities.len() + self.rejected.len();
        if self.entities.is_empty() && self.rejected.is_empty() {
            return Err(ParseError::Missing("any entry".to_owned()));
        }
        if self.entities.is_empty() || self.rejected.len() > most_rejected(rows) {
            let first = self
                .rejected
                .first()
                .map(|row| format!("{}:{}: {}", row.file, row.line, row.reason));
            return Err(ParseError::TooManyRejected {
                rejected: self.rejected.len(),
                rows,
                first: first.unwrap_or_else(|| "no row".to_owned()),
            });
        }
        // A repeated key keeps its first entry; the second is reported, not merged.
        let mut seen = std::collections::HashSet::new();
        let mut repeated = Vec::new();
        self.entities.retain(|entity| {
            let fresh = seen.insert(entity.uid.clone());
            if !fresh {
                repeated.push(entity.uid.clone());
            }
            fresh
        });
        for uid in repeated {
            self.reject("", 0, format!("key {uid} repeats"));
        }
        Ok(self)
    }
}

/// Parses the files of one list.
///
/// # Errors
/// When a needed file is missing, a file is not of the format, or too many rows are malformed.
pub fn parse(format: Format, sources: &[Source<'_>]) -> Result<Parsed, ParseError> {
    let parsed = match format {
        Format::Jsonl => jsonl::parse(sources)?,
        Format::OfacCsv => ofac_csv::parse(sources)?,
        Format::OfacXml => ofac_xml::parse(sources)?,
        Format::UnXml => un_xml::parse(sources)?,
        Format::UkCsv => uk_csv::parse(sources)?,
        Format::EuCsv => eu::parse_csv(sources)?,
        Format::EuXml => eu::parse_xml(sources)?,
        Format::CslCsv => csl_csv::parse(sources)?,
        Format::OpenSanctionsCsv => opensanctions::parse(sources)?,
    };
    parsed.finish()
}

/// Text of a file: UTF-8, or Windows-1252 where it is not (older editions).
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
    }
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte) - 0x80).copied().unwrap_or(' '),
        _ => char::from(byte),
    }
}

/// "SURNAME, Given" to natural order; text without a comma stays.
pub(crate) fn natural_order(name: &str) -> String {
    match name.split_once(',') {
        Some((family, given)) if !given.trim().is_empty() => {
            format!("{} {}", given.trim(), family.trim())
        }
        _ => name.trim().to_owned(),
    }
}
