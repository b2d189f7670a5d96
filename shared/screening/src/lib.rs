//! Watchlist screening: is this customer on a list?
//!
//! Lists are parsed from their publishers' formats ([`parse`]), compiled to one immutable index file ([`compile`]), and
//! searched in place ([`Index::search`]). Every hit carries an explanation that re-computes to its score.
//!
//! Invariant: pure. No network, no clock, no randomness; a result is a function of the query, the index and the
//! [`Config`].

mod acronym;
mod align;
mod candidates;
pub mod cli;
mod config;
mod country;
mod date;
mod delta;
mod entity;
mod explain;
mod fitted;
mod index;
mod pairs;
pub mod parity;
mod parse;
mod qualify;
mod query;
mod reach;
mod score;
mod search;
mod similarity;
mod text;

pub use candidates::Scratch;
pub use config::{BirthDateWeights, Config, Curve, Curves};
pub use date::{BirthDate, DateMatch, PartialDate};
pub use delta::{Delta, EntityKey, SelfTest, compile_delta, diff, self_test};
pub use entity::{
    Entity, EntityType, Gender, Identifier, ListEdition, ListInfo, Name, NameKind, Script, Topic,
};
pub use explain::{ENGINE_VERSION, Explanation, Hit, Term, TokenMatch};
pub use index::{CompileError, Index, IndexError, compile};
pub use pairs::{PairScore, compare, token_counts};
pub use parse::{Extent, Format, Lost, ParseError, Parsed, RejectedRow, Source, parse};
pub use qualify::{Evidence, EvidenceKind};
pub use query::{Query, QueryType};
pub use search::{MOST_SCORED, Match, Ranked, Screened};
pub use similarity::Reason;

/// SHA-256 in hexadecimal: the name of an index file and of a source file.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    sha256_hex_of([bytes])
}

/// SHA-256 in hexadecimal of these bytes, one after another: names the files of a source together.
#[must_use]
pub fn sha256_hex_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    entity::hex(&hasher.finalize())
}
