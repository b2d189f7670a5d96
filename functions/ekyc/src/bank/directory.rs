//! The sort code directory: which sort codes exist and take Faster Payments.
//!
//! The industry's directory (EISCD) is licensed, so it is not shipped: who has a licence exports two columns of it, and a
//! deployment without one skips the question. Invariant: a sort code that the directory does not have does not exist.

use std::collections::BTreeMap;

use domain::bank_account::SortCode;

use super::source::{Source, TextPlace};

/// Where a process gets its directory from.
pub type DirectorySource = Source<SortCodeDirectory>;

/// Sort codes, and whether they accept Faster Payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortCodeDirectory(BTreeMap<SortCode, bool>);

/// A line that is not `sort_code,accepting` or `sort_code,closed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The line is malformed.
    #[error("line {0} must be a sort code, a comma and `accepting` or `closed`")]
    Line(usize),
    /// The sort code was there before.
    #[error("line {0} repeats a sort code")]
    Repeated(usize),
    /// There is no line.
    #[error("the directory is empty")]
    Empty,
    /// The last line does not end.
    #[error("the directory is cut off: its last line has no line end")]
    CutOff,
}

impl SortCodeDirectory {
    /// Reads lines of `sort_code,accepting` or `sort_code,closed`.
    ///
    /// # Errors
    /// [`DirectoryError`] at the first wrong line.
    pub fn parse(bytes: &[u8]) -> Result<Self, DirectoryError> {
        let mut entries = BTreeMap::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let (line, number) = (line.trim_ascii(), index + 1);
            if line.is_empty() {
                continue;
            }
            let read = || {
                let (sort_code, status) = std::str::from_utf8(line).ok()?.split_once(',')?;
                let accepting = match status.trim() {
                    "accepting" => true,
                    "closed" => false,
                    _ => return None,
                };
                Some((SortCode::parse(sort_code).ok()?, accepting))
            };
            let (sort_code, accepting) = read().ok_or(DirectoryError::Line(number))?;
            if entries.insert(sort_code, accepting).is_some() {
                return Err(DirectoryError::Repeated(number));
            }
        }
        match (entries.is_empty(), bytes.last()) {
            (true, _) => Err(DirectoryError::Empty),
            (false, Some(b'\n')) => Ok(Self(entries)),
            (false, _) => Err(DirectoryError::CutOff),
        }
    }

    /// Whether a penny can be sent there.
    #[must_use]
    pub fn accepts(&self, sort_code: SortCode) -> bool {
        self.0.get(&sort_code).copied().unwrap_or(false)
    }

    /// How many sort codes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none; never so for a directory that was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A source of directories, read from this place.
#[must_use]
pub fn source(place: TextPlace) -> DirectorySource {
    Source::new(
        vec![place],
        |texts| Ok(SortCodeDirectory::parse(&texts.concat())?),
        SortCodeDirectory::len,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(directory: &SortCodeDirectory, sort_code: &str) -> bool {
        directory.accepts(SortCode::parse(sort_code).unwrap())
    }

    #[test]
    fn only_open_sort_codes_that_it_has_are_accepted() {
        let text = b"000100,accepting\r\n00-02-00, closed\n\n000300,accepting\n";
        let directory = SortCodeDirectory::parse(text).unwrap();
        assert_eq!(directory.len(), 3);
        assert!(accepts(&directory, "000100") && accepts(&directory, "000300"));
        assert!(!accepts(&directory, "000200") && !accepts(&directory, "000400"));
    }

    #[test]
    fn a_damaged_directory_is_refused() {
        for (text, error) in [
            ("", DirectoryError::Empty),
            ("\n\n", DirectoryError::Empty),
            ("000100,accepting\n000200\n", DirectoryError::Line(2)),
            ("000100,open\n", DirectoryError::Line(1)),
            ("00010,closed\n", DirectoryError::Line(1)),
            ("000100,closed\n00-01-00,accepting\n", DirectoryError::Repeated(2)),
            ("000100,accepting", DirectoryError::CutOff),
        ] {
            assert_eq!(SortCodeDirectory::parse(text.as_bytes()), Err(error), "{text:?}");
        }
    }
}
