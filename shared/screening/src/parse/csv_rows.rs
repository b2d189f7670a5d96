//! Comma-separated rows with their line numbers.
//!
//! Invariant: no input, however broken, stops the reader: a quote that never closes ends with the file.

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
}

/// Every row of a text.
pub(crate) fn rows(text: &str, delimiter: u8) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while let Ok(true) = reader.read_record(&mut record) {
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(Row { line, fields: record.iter().map(str::to_owned).collect() });
    }
    rows
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
}
