//! From a printed name to comparable tokens.
//!
//! Invariant: compiler and matcher call the same functions here, so a listed name and the same name in a query always
//! become the same tokens. Nothing depends on which list or index is loaded.

mod classify;
mod compounds;
pub(crate) mod lexicon;
pub(crate) mod romanise;
pub(crate) mod sound;
pub(crate) mod token;

pub(crate) use token::{Class, Token, analyse, squashed, tokens_of};
