//! The one place that maps a file into memory.
//!
//! Invariant: index files are immutable: they are named by their content and written once under a temporary name, so the
//! mapped bytes do not change while they are read.

use std::fs::File;
use std::io;
use std::path::Path;

/// Bytes of an index, mapped or owned.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(memmap2::Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    pub(crate) fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is read-only and index files are never changed in place (see the module's invariant).
        let mapped = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self::Mapped(mapped))
    }

    pub(crate) fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Owned(bytes) => bytes,
        }
    }
}
