//! The index file: one immutable, checksummed, memory-mapped picture of every list.
//!
//! Invariant: the same lists in the same order give the same bytes; a file that opens is whole and was compiled with this
//! engine's tables; a reader of any bytes whatever neither panics nor reads outside them.

mod compile;
mod format;
mod grams;
#[expect(
    unsafe_code,
    reason = "a memory map is the only way to share an index between processes without copying it"
)]
mod map;
mod read;

pub use compile::{CompileError, compile};
pub use read::{Index, IndexError};

pub(crate) use grams::bigrams;
pub(crate) use read::{EntityRecord, Grams};
