//! The unwrapped keys of one scope.
//!
//! Invariants: sealing uses the newest data key that every cache has had the time to learn of; opening uses the key
//! the sealed value names; all keys are wiped when the last holder drops them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domain::time::Random;
use jiff::{SignedDuration, Timestamp};

use crate::aad::Aad;
use crate::blind::{self, BlindIndex, IndexKind};
use crate::digest::{constant_time_eq, hkdf_sha256, hmac_sha256};
use crate::error::CryptoError;
use crate::scope::{KeyId, Purpose, Scope};
use crate::sealed::{self, Sealed};
use crate::secret::Secret;
use crate::wrap::KeyBytes;

pub(crate) struct DataKey {
    pub(crate) created_at: Timestamp,
    pub(crate) bytes: KeyBytes,
}

/// Seals, opens and indexes for one scope, without waiting. Got from [`crate::KeyRing`]; hold it for one
/// operation, not longer, or it outlives the cache's lifetime.
pub struct ScopeKeys {
    scope: Scope,
    data: BTreeMap<u32, DataKey>,
    current: u32,
    index: KeyBytes,
    random: Arc<dyn Random>,
}

impl ScopeKeys {
    /// `None` without at least one data key.
    pub(crate) fn new(
        scope: Scope,
        data: BTreeMap<u32, DataKey>,
        index: KeyBytes,
        known_everywhere_after: SignedDuration,
        now: Timestamp,
        random: Arc<dyn Random>,
    ) -> Option<Self> {
        let current = data
            .iter()
            .rev()
            .find(|(_, key)| now.duration_since(key.created_at) >= known_everywhere_after)
            .or_else(|| data.iter().next())
            .map(|(number, _)| *number)?;
        Some(Self { scope, data, current, index, random })
    }

    /// Encrypts `plain`, bound to this scope and to `aad`.
    ///
    /// # Errors
    /// [`CryptoError::TooLarge`] beyond 64 GiB.
    pub fn seal(&self, aad: &Aad, plain: &[u8]) -> Result<Sealed, CryptoError> {
        let id = KeyId::data(self.current);
        let key = self.key(id)?;
        sealed::seal(&key.bytes, id, self.scope, aad, plain, &*self.random)
    }

    /// Decrypts what was sealed for this scope and `aad`.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] when it was not; [`CryptoError::UnknownKey`] when the key is not stored, or was
    /// added after these keys were read.
    pub fn open(&self, aad: &Aad, value: &Sealed) -> Result<Secret<Vec<u8>>, CryptoError> {
        let key = self.key(value.key())?;
        sealed::open(&key.bytes, self.scope, aad, value)
    }

    /// The blind index of a normalised value; callers normalise, because only they know what counts as equal.
    #[must_use]
    pub fn blind_index(&self, kind: IndexKind, value: &[u8]) -> BlindIndex {
        blind::index(&self.index, kind, value)
    }

    /// The message authentication code (HMAC-SHA-256) of `message`, and the key that made it. The key proper is derived
    /// from the data key for `context`, so that what authenticates never also encrypts.
    ///
    /// # Errors
    /// [`CryptoError::UnknownKey`], which cannot happen for keys that came from a ring.
    pub fn authenticate(
        &self,
        context: &'static str,
        message: &[u8],
    ) -> Result<(KeyId, [u8; 32]), CryptoError> {
        let id = self.current();
        Ok((id, self.code(id, context, message)?))
    }

    /// Whether `code` is what [`Self::authenticate`] gave for this message with key `id`, in constant time.
    ///
    /// # Errors
    /// [`CryptoError::UnknownKey`] when the key is not stored, or was added after these keys were read.
    pub fn verifies(
        &self,
        id: KeyId,
        context: &'static str,
        message: &[u8],
        code: &[u8],
    ) -> Result<bool, CryptoError> {
        Ok(constant_time_eq(&self.code(id, context, message)?, code))
    }

    fn code(
        &self,
        id: KeyId,
        context: &'static str,
        message: &[u8],
    ) -> Result<[u8; 32], CryptoError> {
        let derived = hkdf_sha256::<32>(
            self.key(id)?.bytes.as_slice(),
            b"gatehouse authentication code v1",
            context.as_bytes(),
        );
        Ok(hmac_sha256(derived.as_slice(), message))
    }

    /// The key that seals now. A sealed value that names another is due for re-encryption.
    #[must_use]
    pub fn current(&self) -> KeyId {
        KeyId::data(self.current)
    }

    fn key(&self, id: KeyId) -> Result<&DataKey, CryptoError> {
        let data = (id.purpose() == Purpose::Data).then(|| self.data.get(&id.number())).flatten();
        data.ok_or(CryptoError::UnknownKey { scope: self.scope, key: id })
    }
}

impl fmt::Debug for ScopeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopeKeys({}, {} data keys)", self.scope, self.data.len())
    }
}
