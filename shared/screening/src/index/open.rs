//! Opening an index: locating its sections and checking that it is whole.
//!
//! Invariant: an index that opens has every section inside the file, agrees with its checksum, and was compiled with this
//! engine's tables.

use super::format::*;
use super::map::Bytes;
use crate::entity::{ListInfo, hex};
use crate::text::lexicon;
use serde::Deserialize;
use std::ops::Range;
use std::path::Path;

/// Why a file is not a usable index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file cannot be read.
    #[error("index file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Not an index, or cut short.
    #[error("not a whole index file: {0}")]
    Malformed(&'static str),
    /// Another layout.
    #[error("index layout {found} is not the supported {supported}")]
    Format {
        /// In the file.
        found: u32,
        /// In this engine.
        supported: u32,
    },
    /// Compiled with other word tables; scores would not be comparable.
    #[error(
        "index was compiled with word tables {found:016x}, this engine has {expected:016x}: compile it again"
    )]
    Tables {
        /// In the file.
        found: u64,
        /// In this engine.
        expected: u64,
    },
    /// The bytes are not the ones written.
    #[error("index checksum does not agree: the file is damaged")]
    Checksum,
}

#[derive(Deserialize)]
struct Meta {
    lists: Vec<ListInfo>,
}

/// An open index. Cheap to share; nothing of the lists is copied into memory.
#[derive(Debug)]
pub struct Index {
    bytes: Bytes,
    sections: [Range<usize>; SECTIONS],
    lists: Vec<ListInfo>,
}

impl Index {
    /// Maps an index file and checks it.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or was compiled by another engine.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::check(Bytes::map(path)?)
    }

    /// Checks an index held in memory.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        Self::check(Bytes::Owned(bytes))
    }

    fn check(bytes: Bytes) -> Result<Self, IndexError> {
        let all = bytes.all();
        if all.get(..8) != Some(&MAGIC) {
            return Err(IndexError::Malformed("no index signature"));
        }
        let format = u32_at(all, 8);
        if format != FORMAT {
            return Err(IndexError::Format { found: format, supported: FORMAT });
        }
        let table = HEADER + SECTIONS * 16;
        if u32_at(all, 12) as usize != SECTIONS || all.len() < table {
            return Err(IndexError::Malformed("section table"));
        }
        let tables = u64_at(all, 16);
        if tables != lexicon::version() {
            return Err(IndexError::Tables { found: tables, expected: lexicon::version() });
        }
        let hot =
            usize::try_from(u64_at(all, 24)).map_err(|_| IndexError::Malformed("hot length"))?;
        let checked = all.get(HEADER..hot).ok_or(IndexError::Malformed("cut short"))?;
        if xxhash_rust::xxh3::xxh3_64(checked) != u64_at(all, 32) {
            return Err(IndexError::Checksum);
        }
        let mut sections: [Range<usize>; SECTIONS] = std::array::from_fn(|_| 0..0);
        for (at, section) in sections.iter_mut().enumerate() {
            let row = HEADER + at * 16;
            let start = usize::try_from(u64_at(all, row))
                .map_err(|_| IndexError::Malformed("section start"))?;
            let length = usize::try_from(u64_at(all, row + 8))
                .map_err(|_| IndexError::Malformed("section length"))?;
            let end = start.checked_add(length).ok_or(IndexError::Malformed("section end"))?;
            if end > all.len() || start < table {
                return Err(IndexError::Malformed("section outside the file"));
            }
            *section = start..end;
        }
        let mut index = Self { bytes, sections, lists: Vec::new() };
        let meta: Meta = serde_json::from_slice(index.section(Section::Meta))
            .map_err(|_| IndexError::Malformed("list information"))?;
        index.lists = meta.lists;
        let agree = index.section(Section::Tokens).len() / TOKEN + 1
            == index.section(Section::TokenPostingStarts).len() / 4
            && index.section(Section::Names).len() / NAME
                == index.section(Section::NameWeights).len()
            && index.section(Section::Names).len() / NAME
                == index.section(Section::NameTypes).len()
            && index.section(Section::Entities).len() / ENTITY
                == index.section(Section::ContentHashes).len() / HASH;
        if agree { Ok(index) } else { Err(IndexError::Malformed("sections do not agree")) }
    }

    pub(crate) fn section(&self, section: Section) -> &[u8] {
        let range = self.sections.get(section as usize).cloned().unwrap_or(0..0);
        self.bytes.all().get(range).unwrap_or(&[])
    }

    /// The lists in this index, in the order they were compiled.
    #[must_use]
    pub fn lists(&self) -> &[ListInfo] {
        &self.lists
    }

    /// How many entries it holds.
    #[must_use]
    pub fn entity_count(&self) -> usize {
        self.section(Section::Entities).len() / ENTITY
    }

    /// How many names it holds.
    #[must_use]
    pub fn name_count(&self) -> usize {
        self.section(Section::Names).len() / NAME
    }

    pub(crate) fn token_count(&self) -> usize {
        self.section(Section::Tokens).len() / TOKEN
    }

    /// Size of the file in bytes.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.bytes.all().len()
    }

    /// SHA-256 of the content as written in the header, in hexadecimal. It names this edition in every result.
    #[must_use]
    pub fn content_hash(&self) -> String {
        hex(self.bytes.all().get(40..HEADER).unwrap_or(&[]))
    }

    /// Whether the whole file, display data included, is what its header says. Reads every byte.
    #[must_use]
    pub fn verify_content(&self) -> bool {
        use sha2::{Digest, Sha256};
        let all = self.bytes.all();
        let digest = Sha256::digest(all.get(HEADER..).unwrap_or(&[]));
        all.get(40..HEADER) == Some(digest.as_slice())
    }
}
