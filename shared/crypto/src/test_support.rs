//! The two seams in memory, for tests.
//!
//! Invariant: they refuse what the real ones refuse: a wrapped key under another scope or id, and a second key
//! under one id.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::rand;
use domain::time::{Clock, Random};
use zeroize::Zeroizing;

use crate::KeyRing;
use crate::scope::{KeyId, Scope};
use crate::wrap::{BoxError, KeyWrapper, Pending, Put, WrappedKey, WrappedKeys};

/// A ring whose keys live and die with it.
pub fn key_ring(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Arc<KeyRing> {
    key_ring_over(Arc::new(MemoryKeys::default()), clock, random)
}

/// A ring whose wrapped keys are kept there.
pub fn key_ring_over(
    keys: Arc<dyn WrappedKeys>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Arc<KeyRing> {
    Arc::new(KeyRing::new(Arc::new(MemoryWrapper::default()), keys, clock, random))
}

/// What KMS would refuse.
#[derive(Debug, thiserror::Error)]
#[error("InvalidCiphertextException")]
struct InvalidCiphertext;

/// A key service whose root key lives and dies with it.
pub struct MemoryWrapper {
    root: [u8; 32],
    /// How many keys were made.
    pub generated: AtomicUsize,
    /// How many keys were unwrapped.
    pub unwrapped: AtomicUsize,
}

impl Default for MemoryWrapper {
    fn default() -> Self {
        Self {
            root: [0x42; 32],
            generated: AtomicUsize::default(),
            unwrapped: AtomicUsize::default(),
        }
    }
}

impl MemoryWrapper {
    fn cipher(&self) -> Result<RandomizedNonceKey, BoxError> {
        Ok(RandomizedNonceKey::new(&AES_256_GCM, &self.root)?)
    }
}

impl KeyWrapper for MemoryWrapper {
    fn generate(&self, scope: Scope, id: KeyId) -> Pending<'_, (Zeroizing<[u8; 32]>, Vec<u8>)> {
        Box::pin(async move {
            self.generated.fetch_add(1, Ordering::SeqCst);
            let mut key = Zeroizing::new([0; 32]);
            rand::fill(key.as_mut_slice())?;
            let mut wrapped = key.to_vec();
            let context = Aad::from(format!("{scope}/{id}"));
            let nonce = self.cipher()?.seal_in_place_append_tag(context, &mut wrapped)?;
            wrapped.splice(0..0, *nonce.as_ref());
            Ok((key, wrapped))
        })
    }

    fn unwrap<'a>(
        &'a self,
        scope: Scope,
        id: KeyId,
        wrapped: &'a [u8],
    ) -> Pending<'a, Zeroizing<[u8; 32]>> {
        Box::pin(async move {
            self.unwrapped.fetch_add(1, Ordering::SeqCst);
            let (nonce, body) = wrapped.split_at_checked(12).ok_or(InvalidCiphertext)?;
            let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce)?;
            let mut body = body.to_vec();
            let context = Aad::from(format!("{scope}/{id}"));
            let plain = self
                .cipher()?
                .open_in_place(nonce, context, &mut body)
                .map_err(|_| InvalidCiphertext)?;
            let mut key = Zeroizing::new([0; 32]);
            if plain.len() != key.len() {
                return Err(InvalidCiphertext.into());
            }
            key.copy_from_slice(plain);
            Ok(key)
        })
    }
}

/// Wrapped keys in a map.
#[derive(Default)]
pub struct MemoryKeys {
    rows: Mutex<BTreeMap<(String, String), WrappedKey>>,
}

impl MemoryKeys {
    fn rows(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), WrappedKey>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WrappedKeys for MemoryKeys {
    fn all(&self, scope: Scope) -> Pending<'_, Vec<WrappedKey>> {
        let of_scope = |((owner, _), key): (&(String, String), &WrappedKey)| {
            (*owner == scope.to_string()).then(|| key.clone())
        };
        let keys = self.rows().iter().filter_map(of_scope).collect();
        Box::pin(async move { Ok(keys) })
    }

    fn put_new<'a>(&'a self, scope: Scope, key: &'a WrappedKey) -> Pending<'a, Put> {
        let row = (scope.to_string(), key.id.to_string());
        let mut rows = self.rows();
        let put = match rows.entry(row) {
            Entry::Occupied(_) => Put::AlreadyThere,
            Entry::Vacant(free) => {
                free.insert(key.clone());
                Put::Stored
            }
        };
        Box::pin(async move { Ok(put) })
    }
}
