//! Idempotent requests: the store's records joined with requests and replies.
//!
//! A handler adds the record of its reply to the transaction that has the effect ([`Idempotency::record`]). When that
//! transaction is refused by a standing record, the record's reply is given again ([`Idempotency::replay_of`]). A handler
//! that must read before it writes asks first ([`Idempotency::replay`]).

use crypto::{Aad, CryptoError, KeyRing, Scope};
use domain::ids::PartnerId;
use http_api::{Caller, Contract, Failure, Reply, Request};
use jiff::Timestamp;
use store::idempotency::{Fingerprint, LABEL, Record, find};
use store::{CommitError, StoreError, Table, Transaction};

use crate::metrics::{Metric, count};

/// The idempotency of one request that has a key.
#[derive(Debug, Clone)]
pub struct Idempotency {
    partner: PartnerId,
    fingerprint: Fingerprint,
    request_id: String,
    contract: Contract,
}

/// A record could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The answer could not be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    Reused,
    /// A record is not as written.
    #[error("an idempotency record is not as written")]
    Malformed(#[from] serde_json::Error),
}

impl From<IdempotencyError> for Failure {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Reused => Failure::KeyReused,
            broken => Failure::internal(broken),
        }
    }
}

impl Idempotency {
    /// The idempotency of a request, `None` when it has no key.
    ///
    /// # Errors
    /// [`Failure::IdempotencyKeyMalformed`], or a malformed account header where the contract has one.
    pub fn of(request: &Request, caller: &Caller) -> Result<Option<Self>, Failure> {
        let Some(key) = request.idempotency_key()? else { return Ok(None) };
        let (partner, endpoint, body) = (caller.partner, request.endpoint(), request.body());
        let contract = request.route.contract;
        let fingerprint = match contract {
            Contract::Straddle => {
                let account = request.account()?.map(|account| account.to_string());
                let within = account.as_deref().unwrap_or("");
                Fingerprint::of_key(partner, within, key, &endpoint, body)
            }
            Contract::NewDay => Fingerprint::of_key(partner, &endpoint, key, &endpoint, body),
            Contract::Cos | Contract::OAuth => Fingerprint::new(partner, &endpoint, key, body),
        };
        Ok(Some(Self { partner, fingerprint, request_id: request.id.clone(), contract }))
    }

    /// Whether a refused request uses its key up as well (Straddle §4). What the caller may not do, and what is ours to
    /// answer for, does not count as an answer to the request.
    #[must_use]
    pub fn keeps(&self, failure: &Failure) -> bool {
        self.contract == Contract::Straddle
            && matches!(failure.status_in(self.contract), 400 | 404 | 413 | 422)
    }

    /// Keeps the answer to a request that had no effect. An earlier answer wins and is given instead. 1 round trip.
    ///
    /// # Errors
    /// [`IdempotencyError`].
    pub async fn keep(
        &self,
        table: &Table,
        keys: &KeyRing,
        reply: Reply,
        now: Timestamp,
    ) -> Result<Reply, IdempotencyError> {
        let mut transaction = Transaction::new();
        self.record(&mut transaction, table, keys, &reply, now).await?;
        match Box::pin(transaction.commit(table)).await {
            Ok(()) => Ok(reply),
            Err(refused) => match self.replay_of(&refused, keys).await? {
                Some(earlier) => Ok(earlier),
                // Another request with the key is being written this moment; this one's answer is as true as it was.
                None => Ok(reply),
            },
        }
    }

    /// What names the request wherever something has to be recognised as its work.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn name(&self, keys: &KeyRing) -> Result<String, CryptoError> {
        let scope = keys.keys(Scope::Partner(self.partner)).await?;
        Ok(self.fingerprint.key(&scope).fingerprint)
    }

    fn aad(&self) -> Aad {
        Aad::of(&["idempotency", self.fingerprint.digest()])
    }

    /// The earlier answer to the same request, if there was one. 1 round trip.
    ///
    /// # Errors
    /// [`IdempotencyError`].
    pub async fn replay(
        &self,
        table: &Table,
        keys: &KeyRing,
        now: Timestamp,
    ) -> Result<Option<Reply>, IdempotencyError> {
        // A partner without keys has no record yet.
        let Some(scope) = keys.existing_keys(Scope::Partner(self.partner)).await? else {
            return Ok(None);
        };
        match find(table, &self.fingerprint.key(&scope), now).await? {
            Some(record) => self.open(record, keys).await.map(Some),
            None => Ok(None),
        }
    }

    /// Adds the record of `reply` to the transaction that has the effect.
    ///
    /// # Errors
    /// [`IdempotencyError::Crypto`].
    pub async fn record(
        &self,
        transaction: &mut Transaction,
        table: &Table,
        keys: &KeyRing,
        reply: &Reply,
        now: Timestamp,
    ) -> Result<(), IdempotencyError> {
        let plain = serde_json::to_vec(reply)?;
        let scope = keys.keys(Scope::Partner(self.partner)).await?;
        let answer = scope.seal(&self.aad(), &plain)?;
        let (item, condition) = self.fingerprint.to_put(&self.request_id, &answer, &scope, now);
        transaction.put(LABEL, table, item, condition);
        Ok(())
    }

    /// The earlier answer, when it is its record that stood in a transaction's way.
    ///
    /// # Errors
    /// [`IdempotencyError`].
    pub async fn replay_of(
        &self,
        refused: &CommitError,
        keys: &KeyRing,
    ) -> Result<Option<Reply>, IdempotencyError> {
        let standing = refused.refusal(LABEL).and_then(|refusal| refusal.standing.as_ref());
        match standing {
            Some(item) => self.open(Record::from_item(item)?, keys).await.map(Some),
            None => Ok(None),
        }
    }

    async fn open(&self, record: Record, keys: &KeyRing) -> Result<Reply, IdempotencyError> {
        let partner = Scope::Partner(self.partner);
        let scope = keys.existing_keys(partner).await?.ok_or(CryptoError::NoKeys(partner))?;
        if !self.fingerprint.is_of(&record, &scope) {
            return Err(IdempotencyError::Reused);
        }
        let plain = keys.open(partner, &self.aad(), &record.answer).await?;
        let reply: Reply = serde_json::from_slice(plain.reveal())?;
        count(Metric::Replays, 1);
        Ok(match self.contract {
            Contract::Straddle => reply.with_header("idempotent-replayed", "true"),
            Contract::Cos | Contract::NewDay | Contract::OAuth => {
                reply.with_header("original-request-id", record.request_id)
            }
        })
    }
}
