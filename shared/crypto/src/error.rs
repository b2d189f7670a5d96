//! Why something could not be sealed, opened or indexed.
//!
//! Invariant: no variant carries key bytes, plaintext or ciphertext. A refused ciphertext has one variant whatever
//! the cause (other key, other place, changed byte): telling them apart would help only an attacker.

use thiserror::Error;

use crate::scope::{KeyId, Scope};
use crate::wrap::BoxError;

/// What went wrong.
#[derive(Debug, Error)]
pub enum CryptoError {
    /// The ciphertext was changed, belongs elsewhere, or was sealed for another scope.
    #[error("the sealed value does not open here")]
    Refused,
    /// Not something this crate sealed.
    #[error("the sealed value is malformed")]
    Malformed,
    /// Sealed by a later version of this crate.
    #[error("the sealed value has format version {0}, which is not known")]
    UnknownVersion(u8),
    /// Sealed with a key that is not stored for the scope.
    #[error("key {key} of {scope} is not stored")]
    UnknownKey {
        /// Whose key.
        scope: Scope,
        /// Which key.
        key: KeyId,
    },
    /// Nothing was ever sealed for the scope, so there is nothing to open.
    #[error("no keys are stored for {0}")]
    NoKeys(Scope),
    /// The value is larger than one AES-GCM message may be.
    #[error("the value is too large to be sealed")]
    TooLarge,
    /// Every attempt to add a key met another writer.
    #[error("the keys of {0} could not be settled")]
    Unsettled(Scope),
    /// The key service failed or refused.
    #[error("the key service failed")]
    KeyService(#[source] BoxError),
    /// The place where wrapped keys are kept failed.
    #[error("the store of wrapped keys failed")]
    KeyStore(#[source] BoxError),
}

impl CryptoError {
    /// Whether the value itself is at fault, so that it will not open tomorrow either; else it is the services around it.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Refused | Self::Malformed | Self::TooLarge => true,
            // A key or format that this build or replica does not know yet may be known to the next.
            Self::UnknownVersion(_) | Self::UnknownKey { .. } | Self::NoKeys(_) => false,
            Self::Unsettled(_) | Self::KeyService(_) | Self::KeyStore(_) => false,
        }
    }
}
