//! Whose keys, and which of them.
//!
//! Invariant: the text of a scope and of a key id is what KMS binds the wrapped key to and what the store's keys
//! are made of; changing either makes existing keys unreadable. The exact strings are tested.

use std::fmt;

use domain::ids::PartnerId;

/// Whose data a key protects.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The bank as a whole, such as the pepper of client secrets.
    Global,
    /// One partner's customers.
    Partner(PartnerId),
    /// The pepper of one-time passcodes. Apart from what partners' data is sealed with, so that it rotates by itself.
    Passcodes,
}

impl Scope {
    /// What a bare id can not be: the global scope's name is no UUID.
    const GLOBAL: &'static str = "GLOBAL";
    /// Nor can this.
    const PASSCODES: &'static str = "PASSCODES";
}

impl From<PartnerId> for Scope {
    fn from(partner: PartnerId) -> Self {
        Self::Partner(partner)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str(Self::GLOBAL),
            Self::Partner(partner) => partner.fmt(f),
            Self::Passcodes => f.write_str(Self::PASSCODES),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({self})")
    }
}

/// What a key is for. A key never serves two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Sealing and opening values; rotated by adding a key.
    Data,
    /// Deriving blind indexes; there is one per scope and it does not rotate (see `blind.rs`).
    Index,
}

/// The name of one key within its scope: `data-00000001`. Ids sort by age as text and as values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    purpose: Purpose,
    number: u32,
}

impl KeyId {
    /// The first data key of a scope.
    pub const FIRST_DATA: Self = Self { purpose: Purpose::Data, number: 1 };
    /// The one index key of a scope.
    pub const INDEX: Self = Self { purpose: Purpose::Index, number: 1 };

    /// The data key with this number.
    #[must_use]
    pub const fn data(number: u32) -> Self {
        Self { purpose: Purpose::Data, number }
    }

    /// Reads the text form; `None` for anything this crate did not write.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (purpose, digits) = match text.split_once('-')? {
            ("data", digits) => (Purpose::Data, digits),
            ("index", digits) => (Purpose::Index, digits),
            _ => return None,
        };
        if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = digits.parse().ok().filter(|number| *number > 0)?;
        Some(Self { purpose, number })
    }

    /// What the key is for.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        self.purpose
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let purpose = match self.purpose {
            Purpose::Data => "data",
            Purpose::Index => "index",
        };
        write!(f, "{purpose}-{:08}", self.number)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_fixed_names() {
        let partner = PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap();
        assert_eq!(Scope::Global.to_string(), "GLOBAL");
        assert_eq!(Scope::Passcodes.to_string(), "PASSCODES");
        assert_eq!(Scope::from(partner).to_string(), "11111111-2222-3333-4444-555555555555");
    }

    #[test]
    fn key_ids_round_trip_and_sort_by_number() {
        assert_eq!(KeyId::FIRST_DATA.to_string(), "data-00000001");
        assert_eq!(KeyId::INDEX.to_string(), "index-00000001");
        assert!(KeyId::data(9).to_string() < KeyId::data(10).to_string());
        for id in [KeyId::FIRST_DATA, KeyId::data(12_345_678), KeyId::INDEX] {
            assert_eq!(KeyId::parse(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn other_texts_are_no_key_ids() {
        for text in [
            "",
            "data",
            "data-1",
            "data-00000000",
            "data-0000000x",
            "data-+0000001",
            "Data-00000001",
            "other-00000001",
            "data-000000001",
        ] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }
}
