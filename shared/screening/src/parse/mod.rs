//! Publishers' formats to entities.
//!
//! Invariant: a malformed row is reported with its file, its line and the entry that it is of, as far as it says that, and
//! skipped; more than a few of them, a missing section, a shrunken list or a file that is cut short refuse the whole set,
//! because half a sanctions list is worse than yesterday's.

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

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::entity::{Entity, EntityType, hex};
use crate::text::tokens_of;

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
    /// Which entry is lost with it.
    pub lost: Lost,
    /// Tells the row from others, in every edition that repeats it.
    pub digest: String,
}

/// What is not in the list because a row was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The entry of this key, or something of it.
    Entry(String),
    /// Some entry: the row does not say which.
    SomeEntry,
    /// None: the row is about an entry that is not listed, repeats one, or is listed under another key.
    Nothing,
}

impl Lost {
    /// The entry of this key, if it is one.
    fn entry(uid: &str) -> Self {
        if uid.trim().is_empty() { Self::SomeEntry } else { Self::Entry(uid.trim().to_owned()) }
    }
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
    /// How many entries each of the lists has that the publisher joins to one, where it does.
    pub sections: BTreeMap<String, u64>,
    /// Where each entry stands.
    places: Vec<Place>,
}

/// Where an entry begins.
#[derive(Debug, Clone)]
struct Place {
    file: Arc<str>,
    line: u64,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Entries of each list that the publisher joins to this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sections: BTreeMap<String, u64>,
}

/// What is fewer than this is too few to tell a loss from a change.
const COUNTABLE: u64 = 100;

/// A section of at least so many entries does not lose half of them between editions.
const WHOLE_SECTION: u64 = 20;

/// Longest key of an entry. Keys stand in customers' records and in evidence, which have a limit.
const MOST_UID: usize = 128;

/// Whether a name has words that can be compared. Reading them takes a while, and a plain letter is one.
fn is_readable(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_alphanumeric())
        || !tokens_of(name, EntityType::Unknown).is_empty()
}

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
            sections: self.sections.clone(),
        }
    }

    /// Refuses an edition with more than 5 % fewer entries than the one in use, or that much less of what they say, or
    /// without one of its sections, however small that was.
    ///
    /// # Errors
    /// [`ParseError::Shrunk`] with the first that shrank, [`ParseError::Missing`] with the section.
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
        for (section, before) in &in_use.sections {
            let now = now.sections.get(section).copied().unwrap_or(0);
            if now == 0 || (*before >= WHOLE_SECTION && now.saturating_mul(2) < *before) {
                let lost = format!(
                    "{} of the {before} entries of section {section}",
                    before.saturating_sub(now)
                );
                return Err(ParseError::Missing(lost));
            }
        }
        Ok(())
    }

    /// Skips a row. `text` is what it says, to know it again.
    pub(crate) fn reject(
        &mut self,
        (file, line): (&str, u64),
        reason: impl Into<String>,
        lost: Lost,
        text: &str,
    ) {
        let digest = hex(&xxhash_rust::xxh3::xxh3_64(text.as_bytes()).to_be_bytes());
        let (file, reason) = (file.to_owned(), reason.into());
        self.rejected.push(RejectedRow { file, line, reason, lost, digest });
    }

    /// Takes an entry in, and where it begins.
    pub(crate) fn add(&mut self, (file, line): (&str, u64), entity: Entity) {
        let last = self.places.last().map(|place| &place.file);
        let file = last.filter(|last| ***last == *file).map_or_else(|| file.into(), Arc::clone);
        self.places.push(Place { file, line });
        self.entities.push(entity);
    }

    fn finish(mut self) -> Result<Self, ParseError> {
        let rows = self.entities.len() + self.rejected.len();
        if rows == 0 {
            return Err(ParseError::Missing("any entry".to_owned()));
        }
        let entities = std::mem::take(&mut self.entities);
        let mut keys = Keys::default();
        for (mut entity, Place { file, line }) in
            entities.into_iter().zip(std::mem::take(&mut self.places))
        {
            if self.rejected.len() > most_rejected(rows) {
                break;
            }
            let (at, uid) = ((&*file, line), entity.uid.clone());
            let problem = if entity.names.iter().all(|name| !is_readable(&name.text)) {
                Some("no name has a letter or a digit")
            } else if uid.chars().any(char::is_control) {
                Some("a key has control characters")
            } else {
                None
            };
            if let Some(problem) = problem {
                self.reject(at, problem, Lost::Entry(uid.clone()), &uid);
                continue;
            }
            let Some(key) = keys.free(&self.entities, &entity) else {
                self.reject(at, format!("repeats the entry of key {uid}"), Lost::Nothing, &uid);
                continue;
            };
            if key.len() > MOST_UID {
                self.reject(at, "a key is too long", Lost::Entry(uid.clone()), &uid);
                continue;
            }
            if key != uid {
                let problem = format!("key {uid} is another entry's: listed as {key}");
                self.reject(at, problem, Lost::Nothing, &key);
                entity.uid.clone_from(&key);
            }
            keys.take(key, self.entities.len());
            self.entities.push(entity);
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
        Ok(self)
    }
}

/// The keys of a list's entries. Where a publisher gives one key to two entries, the later is listed as `KEY#2`, because
/// none of them may be missing; when the publisher mends the key, that is an entry removed and another added.
#[derive(Default)]
struct Keys {
    at: HashMap<String, usize>,
}

impl Keys {
    /// The key that an entry can have; `None` when it is listed already, word for word.
    fn free(&self, entities: &[Entity], entity: &Entity) -> Option<String> {
        let mut key = entity.uid.clone();
        for number in 2_u32.. {
            let Some(other) = self.at.get(&key).and_then(|at| entities.get(*at)) else { break };
            // Most differ in their names.
            if other.names == entity.names
                && *other == (Entity { uid: other.uid.clone(), ..entity.clone() })
            {
                return None;
            }
            key = format!("{}#{number}", entity.uid);
        }
        Some(key)
    }

    fn take(&mut self, key: String, at: usize) {
        self.at.insert(key, at);
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
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
    }
}

/// The text of a file of lines, all of which are ended. The last line of one that was cut short seldom is; a control-Z
/// may stand behind it.
pub(crate) fn lines_of<'a>(source: &Source<'a>) -> Result<Cow<'a, str>, ParseError> {
    let mut rest = source.bytes;
    while let Some((0x1a | b' ', before)) = rest.split_last() {
        rest = before;
    }
    match rest.last() {
        None | Some(b'\n' | b'\r') => Ok(text_of(source.bytes)),
        Some(_) => Err(ParseError::Malformed {
            file: source.file_name().to_owned(),
            reason: "the last line is not ended: the file is cut short".to_owned(),
        }),
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

#[cfg(test)]
mod tests;
