//! Finding equal values without storing them.
//!
//! A blind index is HMAC-SHA-256 over a normalised value. The values are guessable (a tax id has nine digits), so
//! the key is the whole protection; it is derived per kind by HKDF from the scope's index key, so that a phone
//! and a tax id with the same digits, or the same tax id at two partners, have nothing in common.
//!
//! Invariant: the same scope, kind and value give the same index for ever. An index key therefore never rotates
//! by itself: with another key every stored index would silently stop being found. To change it, add a new kind
//! (`tax-id/2`), write both rows, re-index the existing values, switch the reads, then delete the old rows.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::{constant_time_eq, hkdf_sha256, hmac_sha256};

/// What kind of value is indexed; part of the key, so indexes of different kinds never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexKind(&'static str);

impl IndexKind {
    /// A tax id, digits alone.
    pub const TAX_ID: Self = Self("tax-id");
    /// A caller's own identifier of a record.
    pub const CLIENT_IDENTIFIER: Self = Self("client-identifier");
    /// A phone number in E.164.
    pub const PHONE: Self = Self("phone");
    /// A lower-cased e-mail address.
    pub const EMAIL: Self = Self("email");
    /// A birth date, YYYY-MM-DD.
    pub const BIRTH_DATE: Self = Self("birth-date");
    /// The secret of an API client: here the index is a peppered digest.
    pub const CLIENT_SECRET: Self = Self("client-secret");

    /// A kind of the caller's own. Two kinds with one name are one kind.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }
}

/// The index of one value: 43 characters of base64url, fit for a key. It equals another only if the values do.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BlindIndex(String);

impl BlindIndex {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a stored index is this one, in constant time: for indexes that serve as digests of secrets.
    #[must_use]
    pub fn matches(&self, stored: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), stored.as_bytes())
    }
}

impl fmt::Display for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// It can be compared with a table, so it is not for logs.
impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex(…)")
    }
}

pub(crate) fn index(key: &[u8; 32], kind: IndexKind, value: &[u8]) -> BlindIndex {
    let derived = hkdf_sha256::<32>(key, b"gatehouse blind index v1", kind.0.as_bytes());
    BlindIndex(URL_SAFE_NO_PAD.encode(hmac_sha256(derived.as_slice(), value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_keys_and_values_are_kept_apart() {
        let base = index(&[1; 32], IndexKind::TAX_ID, b"900112222");
        assert_eq!(base, index(&[1; 32], IndexKind::TAX_ID, b"900112222"));
        assert_ne!(base, index(&[1; 32], IndexKind::PHONE, b"900112222"));
        assert_ne!(base, index(&[2; 32], IndexKind::TAX_ID, b"900112222"));
        assert_ne!(base, index(&[1; 32], IndexKind::TAX_ID, b"900112223"));
        assert!(base.matches(base.as_str()));
        assert!(!base.matches(""));
    }

    /// Stored rows depend on it: a changed derivation would make every one of them unfindable.
    #[test]
    fn the_derivation_is_fixed() {
        let base = index(&[1; 32], IndexKind::TAX_ID, b"900112222");
        assert_eq!(base.as_str(), "u8GrDyp4j36Gn77fIokPG9DONbzkuNcjxPsbelI_dz0");
        assert_eq!(format!("{base:?}"), "BlindIndex(…)");
    }
}
