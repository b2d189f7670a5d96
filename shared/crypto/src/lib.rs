//! Everything secret passes through here: envelope encryption, blind indexes, digests and secret types.
//!
//! Invariants: one cryptographic library (aws-lc) underneath; key bytes leave KMS only into memory that is wiped
//! when dropped; no key, plaintext or digest of a low-entropy value appears in a `Debug` or an error; everything
//! sealed names the key that sealed it and is bound to the place it is stored in.
//!
//! How it fits together: [`KeyRing`] hands out the [`ScopeKeys`] of one [`Scope`] (a partner, or the bank as a
//! whole). They seal and open values with AES-256-GCM and turn values into [`BlindIndex`]es. The keys
//! themselves come from KMS (`GenerateDataKey`) and are stored wrapped, next to the data ([`WrappedKeys`]).

mod aad;
mod blind;
mod digest;
mod error;
mod keys;
pub mod kms;
mod lazy;
mod ring;
mod scope;
mod sealed;
mod secret;
#[cfg(any(test, feature = "test-support"))]
pub mod test_support;
mod wrap;

pub use aad::Aad;
pub use blind::{BlindIndex, IndexKind};
pub use digest::{Sha256, constant_time_eq, hkdf_sha256, hmac_sha256, sha256, sha256_of_parts};
pub use error::CryptoError;
pub use keys::ScopeKeys;
pub use lazy::{Lazy, lazy};
pub use ring::{CacheLimits, KeyRing};
pub use scope::{KeyId, Purpose, Scope};
pub use sealed::Sealed;
pub use secret::Secret;
pub use wrap::{BoxError, KeyWrapper, Pending, Put, WrappedKey, WrappedKeys};
