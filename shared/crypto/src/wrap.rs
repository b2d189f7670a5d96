//! The two seams of the key ring: the service that wraps keys, and the place where wrapped keys are kept.
//!
//! Invariant: a wrapped key is bound to its scope and id, so one copied under another name does not unwrap; a
//! stored key is never overwritten, because what it sealed would be lost with it.

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::scope::{KeyId, Scope};

/// The cause of a failure outside this crate.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A boxed future, so that the seams can be trait objects.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// Key bytes, wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// A key as it is stored: encrypted by the key service.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its name within the scope.
    pub id: KeyId,
    /// When it was made. A data key is used for sealing only once every cache has had the time to learn of it.
    pub created_at: Timestamp,
    /// The key service's ciphertext.
    pub wrapped: Vec<u8>,
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({} of {})", self.id, self.created_at)
    }
}

/// Makes and unwraps 256-bit keys. Both calls are bound to the scope and the key's id.
pub trait KeyWrapper: Send + Sync {
    /// A fresh key, in the clear and wrapped.
    fn generate(&self, scope: Scope, id: KeyId) -> Pending<'_, (Zeroizing<[u8; 32]>, Vec<u8>)>;

    /// The key that was wrapped for this scope under this id.
    fn unwrap<'a>(
        &'a self,
        scope: Scope,
        id: KeyId,
        wrapped: &'a [u8],
    ) -> Pending<'a, Zeroizing<[u8; 32]>>;
}

/// What became of a conditional put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The key is stored now.
    Stored,
    /// A key of this id was there already, and stays.
    AlreadyThere,
}

/// Keeps wrapped keys. In DynamoDB: partition `KEY#<scope>`, sort key `<key id>`.
pub trait WrappedKeys: Send + Sync {
    /// All keys of the scope, by a strongly consistent read: the loser of a race reads right after losing.
    fn all(&self, scope: Scope) -> Pending<'_, Vec<WrappedKey>>;

    /// Stores a key on the condition that its id is not taken.
    fn put_new<'a>(&'a self, scope: Scope, key: &'a WrappedKey) -> Pending<'a, Put>;
}
