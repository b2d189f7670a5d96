//! Comma-separated rows with their line numbers, one at a time.
//!
//! Invariant: no input, however broken, stops the reader. A quote that never closes takes the rest of the file into its
//! field; [`Rows::end`] tells, by a last row of our own that must come out as it went in.

use std::io::{Chain, Read};

use super::ParseError;

/// One row.
pub(crate) struct Row {
    pub(crate) line: u64,
    fields: Vec<String>,
}

impl Row {
    /// A trimmed field; empty when the row is shorter.
    pub(crate) fn field(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", |field| field.trim())
    }

    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.trim())
    }

    /// Whether anything stands behind so many columns, or a field holds a line's end and half a pair of quotes: the row is
    /// not what it seems, a quote is missing in it and the next row has gone into it.
    pub(crate) fn exceeds(&self, columns: usize) -> bool {
        let is_torn = |field: &str| field.contains('\n') && field.matches('"').count() % 2 == 1;
        self.fields().skip(columns).any(|field| !field.is_empty()) || self.fields().any(is_torn)
    }

    /// What it says, to know it again.
    pub(crate) fn text(&self) -> String {
        self.fields.join("\u{1f}")
    }

    /// What it says but for one column that changes with every file.
    pub(crate) fn text_without(&self, column: Option<usize>) -> String {
        let fields = self.fields.iter().enumerate().filter(|(at, _)| Some(*at) != column);
        fields.map(|(_, field)| field.as_str()).collect::<Vec<_>>().join("\u{1f}")
    }
}

/// What stands behind the last line.
const END: &str = "\u{1}end of file\u{1}";
const LAST: &[u8] = "\n\u{1}end of file\u{1}\n".as_bytes();

/// The rows of a text.
pub(crate) struct Rows<'t> {
    reader: csv::Reader<Chain<&'t [u8], &'static [u8]>>,
    record: csv::StringRecord,
    is_whole: bool,
}

/// Every row of a text.
pub(crate) fn rows(text: &str, delimiter: u8) -> Rows<'_> {
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes().chain(LAST));
    Rows { reader, record: csv::StringRecord::new(), is_whole: false }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.is_whole || !matches!(self.reader.read_record(&mut self.record), Ok(true)) {
            return None;
        }
        if self.record.len() == 1 && self.record.get(0) == Some(END) {
            self.is_whole = true;
            return None;
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        Some(Row { line, fields: self.record.iter().map(str::to_owned).collect() })
    }
}

impl Rows<'_> {
    /// Whether the rows came to their end and not into an open quote.
    ///
    /// # Errors
    /// [`ParseError::Malformed`].
    pub(crate) fn end(mut self, file: &str) -> Result<(), ParseError> {
        self.by_ref().for_each(drop);
        if self.is_whole {
            return Ok(());
        }
        let reason = "a quote is not closed: rows are lost in it".to_owned();
        Err(ParseError::Malformed { file: file.to_owned(), reason })
    }
}

/// Where named columns stand, by a header row.
pub(crate) struct Header {
    names: Vec<String>,
}

impl Header {
    pub(crate) fn of(row: &Row) -> Self {
        Self {
            names: row
                .fields()
                .map(|name| name.trim_matches('\u{feff}').to_ascii_lowercase())
                .collect(),
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The field under a column name; empty when the column is missing.
    pub(crate) fn get<'r>(&self, row: &'r Row, name: &str) -> &'r str {
        self.column(name).map_or("", |at| row.field(at))
    }

    /// Whether a row has more than the columns that are named.
    pub(crate) fn is_exceeded_by(&self, row: &Row) -> bool {
        row.exceeds(self.names.len())
    }
}

/// Why such a row is skipped.
pub(crate) const TOO_WIDE: &str =
    "more columns than there should be, or a quote that is not closed";
