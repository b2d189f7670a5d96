//! What a ciphertext is bound to.
//!
//! Invariant: every part is encoded with its length, so that no two different lists of parts give the same bytes.

use std::fmt;

/// Associated data: the place a sealed value belongs to, such as `["customer", <id>, "taxId"]`. A value copied to
/// another customer's record, or to another field, does not open there.
#[derive(Clone, PartialEq, Eq)]
pub struct Aad(Vec<u8>);

impl Aad {
    /// The associated data of these parts, in this order.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Aad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aad({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_boundaries() {
        assert_ne!(Aad::of(&["ab", "c"]), Aad::of(&["a", "bc"]));
        assert_ne!(Aad::of(&[]), Aad::of(&[""]));
        assert_eq!(Aad::of(&["a", "b"]), Aad::of(&["a", "b"]));
    }
}
