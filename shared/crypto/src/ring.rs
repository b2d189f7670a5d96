//! Where keys come from: made once per scope, stored wrapped, unwrapped into a bounded cache.
//!
//! Invariants: a scope's first keys are made exactly once however many functions start at the same time (the
//! stores are conditional, and a loser uses the winner's key); a key stays in memory no longer than the cache's
//! lifetime after it was read, and no more scopes than the cache's bound are held.
//!
//! Cost: a cached scope costs nothing; a cold one costs one strongly consistent query and one KMS `Decrypt` per key
//! (two, until the first rotation), all at once; a new one additionally two `GenerateDataKey` and two puts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::time::{Clock, Random};
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use crate::aad::Aad;
use crate::blind::{BlindIndex, IndexKind};
use crate::error::CryptoError;
use crate::keys::{DataKey, ScopeKeys};
use crate::scope::{KeyId, Purpose, Scope};
use crate::sealed::Sealed;
use crate::secret::Secret;
use crate::wrap::{KeyWrapper, Put, WrappedKey, WrappedKeys};

/// How much the key ring remembers.
#[derive(Clone, Copy, Debug)]
pub struct CacheLimits {
    /// At most this many scopes; the one unused for longest goes first.
    pub scopes: usize,
    /// At most this long. Also the time after which a new data key starts to seal, because by then no cache
    /// without it is left.
    pub lifetime: SignedDuration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { scopes: 256, lifetime: SignedDuration::from_hours(1) }
    }
}

struct Cached {
    keys: Arc<ScopeKeys>,
    read_at: Timestamp,
    last_use: u64,
}

#[derive(Default)]
struct Cache {
    scopes: HashMap<Scope, Cached>,
    uses: u64,
}

/// All keys of this deployment. One per process; cheap to share behind an `Arc`.
pub struct KeyRing {
    wrapper: Arc<dyn KeyWrapper>,
    stored: Arc<dyn WrappedKeys>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    limits: CacheLimits,
    cache: Mutex<Cache>,
}

/// How often a writer that met another one looks again. Two suffice; the third is for a slow store.
const ROUNDS: usize = 3;

impl KeyRing {
    /// A ring with nothing in its cache; nothing is called until a key is needed.
    #[must_use]
    pub fn new(
        wrapper: Arc<dyn KeyWrapper>,
        stored: Arc<dyn WrappedKeys>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let (limits, cache) = (CacheLimits::default(), Mutex::default());
        Self { wrapper, stored, clock, random, limits, cache }
    }

    /// The same ring with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: CacheLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The keys of a scope, made if it has none yet. For writers.
    ///
    /// # Errors
    /// When KMS or the store fails.
    pub async fn keys(&self, scope: Scope) -> Result<Arc<ScopeKeys>, CryptoError> {
        if let Some(keys) = self.cached(scope) {
            return Ok(keys);
        }
        for _ in 0..ROUNDS {
            let stored = self.stored(scope).await?;
            let missing: Vec<KeyId> = [KeyId::FIRST_DATA, KeyId::INDEX]
                .into_iter()
                .filter(|first| !stored.iter().any(|key| key.id.purpose() == first.purpose()))
                .collect();
            if missing.is_empty() {
                return self.unwrap_all(scope, stored).await?.ok_or(CryptoError::NoKeys(scope));
            }
            for id in missing {
                self.add(scope, id).await?;
            }
        }
        Err(CryptoError::Unsettled(scope))
    }

    /// The keys of a scope if it has any. For readers, which so need no right to make keys: where nothing was
    /// ever sealed or indexed there is nothing to open or find.
    ///
    /// # Errors
    /// When KMS or the store fails.
    pub async fn existing_keys(&self, scope: Scope) -> Result<Option<Arc<ScopeKeys>>, CryptoError> {
        if let Some(keys) = self.cached(scope) {
            return Ok(Some(keys));
        }
        let stored = self.stored(scope).await?;
        self.unwrap_all(scope, stored).await
    }

    /// Encrypts `plain`, bound to the scope and to `aad`.
    ///
    /// # Errors
    /// When the keys can not be had.
    pub async fn seal(&self, scope: Scope, aad: &Aad, plain: &[u8]) -> Result<Sealed, CryptoError> {
        self.keys(scope).await?.seal(aad, plain)
    }

    /// Decrypts what was sealed for this scope and `aad`. A key that the cache does not know yet is looked for once.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] when it was sealed for elsewhere or changed; or the keys can not be had.
    pub async fn open(
        &self,
        scope: Scope,
        aad: &Aad,
        sealed: &Sealed,
    ) -> Result<Secret<Vec<u8>>, CryptoError> {
        let keys = self.existing_keys(scope).await?.ok_or(CryptoError::NoKeys(scope))?;
        match keys.open(aad, sealed) {
            Err(CryptoError::UnknownKey { .. }) => {
                self.lock().scopes.remove(&scope);
                let keys = self.existing_keys(scope).await?.ok_or(CryptoError::NoKeys(scope))?;
                keys.open(aad, sealed)
            }
            answer => answer,
        }
    }

    /// The authentication code of `message` under the scope's current key, for the purpose that `context` names.
    ///
    /// # Errors
    /// When the keys can not be had.
    pub async fn authenticate(
        &self,
        scope: Scope,
        context: &'static str,
        message: &[u8],
    ) -> Result<(KeyId, [u8; 32]), CryptoError> {
        self.keys(scope).await?.authenticate(context, message)
    }

    /// Whether `code` was made by [`Self::authenticate`] with key `id`, however many keys came later. A key that the
    /// cache does not know yet is looked for once.
    ///
    /// # Errors
    /// [`CryptoError::UnknownKey`] when there is no such key; or the keys can not be had.
    pub async fn verifies(
        &self,
        scope: Scope,
        id: KeyId,
        context: &'static str,
        message: &[u8],
        code: &[u8],
    ) -> Result<bool, CryptoError> {
        let keys = self.existing_keys(scope).await?.ok_or(CryptoError::NoKeys(scope))?;
        match keys.verifies(id, context, message, code) {
            Err(CryptoError::UnknownKey { .. }) => {
                self.lock().scopes.remove(&scope);
                let keys = self.existing_keys(scope).await?.ok_or(CryptoError::NoKeys(scope))?;
                keys.verifies(id, context, message, code)
            }
            answer => answer,
        }
    }

    /// The blind index of a normalised value.
    ///
    /// # Errors
    /// When the keys can not be had.
    pub async fn blind_index(
        &self,
        scope: Scope,
        kind: IndexKind,
        value: &[u8],
    ) -> Result<BlindIndex, CryptoError> {
        Ok(self.keys(scope).await?.blind_index(kind, value))
    }

    /// Rotation: adds a data key. It seals new values once the cache lifetime has passed; older keys stay for
    /// opening. Of two rotations at the same time one happens. Blind indexes are not touched.
    ///
    /// # Errors
    /// When KMS or the store fails.
    pub async fn add_data_key(&self, scope: Scope) -> Result<KeyId, CryptoError> {
        let stored = self.stored(scope).await?;
        let newest = stored
            .iter()
            .filter(|key| key.id.purpose() == Purpose::Data)
            .map(|key| key.id.number())
            .max();
        let id = KeyId::data(newest.map_or(1, |number| number.saturating_add(1)));
        self.add(scope, id).await?;
        self.lock().scopes.remove(&scope);
        Ok(id)
    }

    async fn stored(&self, scope: Scope) -> Result<Vec<WrappedKey>, CryptoError> {
        self.stored.all(scope).await.map_err(CryptoError::KeyStore)
    }

    async fn add(&self, scope: Scope, id: KeyId) -> Result<(), CryptoError> {
        let (_, wrapped) =
            self.wrapper.generate(scope, id).await.map_err(CryptoError::KeyService)?;
        let key = WrappedKey { id, created_at: self.clock.now(), wrapped };
        match self.stored.put_new(scope, &key).await.map_err(CryptoError::KeyStore)? {
            // The loser's key was never used: its caller reads the winner's.
            Put::Stored | Put::AlreadyThere => Ok(()),
        }
    }

    async fn unwrap_all(
        &self,
        scope: Scope,
        stored: Vec<WrappedKey>,
    ) -> Result<Option<Arc<ScopeKeys>>, CryptoError> {
        let now = self.clock.now();
        let unwrapped = try_join_all(stored.iter().map(async |key| {
            let bytes = self.wrapper.unwrap(scope, key.id, &key.wrapped).await;
            bytes.map(|bytes| (key.id, key.created_at, bytes)).map_err(CryptoError::KeyService)
        }))
        .await?;
        let (mut data, mut index) = (BTreeMap::new(), None);
        for (id, created_at, bytes) in unwrapped {
            match id.purpose() {
                Purpose::Data => {
                    data.insert(id.number(), DataKey { created_at, bytes });
                }
                Purpose::Index if id == KeyId::INDEX => index = Some(bytes),
                Purpose::Index => {}
            }
        }
        let random = Arc::clone(&self.random);
        let lifetime = self.limits.lifetime;
        // A scope with half of its first keys is one whose first writer has not finished.
        let keys = index
            .and_then(|index| ScopeKeys::new(scope, data, index, lifetime, now, random))
            .map(Arc::new);
        if let Some(keys) = &keys {
            self.remember(scope, Arc::clone(keys), now);
        }
        Ok(keys)
    }

    fn cached(&self, scope: Scope) -> Option<Arc<ScopeKeys>> {
        let now = self.clock.now();
        let mut cache = self.lock();
        // All scopes, not only this one: a key must not stay because nobody asks for it any more.
        let lifetime = self.limits.lifetime;
        cache.scopes.retain(|_, cached| now.duration_since(cached.read_at) < lifetime);
        cache.uses += 1;
        let uses = cache.uses;
        let cached = cache.scopes.get_mut(&scope)?;
        cached.last_use = uses;
        Some(Arc::clone(&cached.keys))
    }

    fn remember(&self, scope: Scope, keys: Arc<ScopeKeys>, read_at: Timestamp) {
        let mut cache = self.lock();
        cache.uses += 1;
        let last_use = cache.uses;
        cache.scopes.insert(scope, Cached { keys, read_at, last_use });
        while cache.scopes.len() > self.limits.scopes.max(1) {
            let Some(oldest) =
                cache.scopes.iter().min_by_key(|(_, cached)| cached.last_use).map(|(s, _)| *s)
            else {
                break;
            };
            cache.scopes.remove(&oldest);
        }
    }

    /// A panic elsewhere leaves the map whole: every change to it is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
