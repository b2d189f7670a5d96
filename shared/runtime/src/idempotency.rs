//! Idempotent requests: the store's records joined with requests and replies.
//!
//! A handler adds the record of its reply to the transaction that has the effect ([`Idempotency::record`]). When that
//! transaction is refused by a standing record, the record's reply is given again ([`Idempotency::replay_of`]). A handler
//! that must read before it writes asks first ([`Idempotency::replay`]).

use crypto::{Aad, CryptoError, KeyRing, Scope};
use domain::ids::PartnerId;
use http_api::{Caller, Contract, Failure, Reply, Request};
use jiff::{SignedDuration, Timestamp};
use store::idempotency::{Fingerprint, LABEL, Record, SHORT_WINDOW, WINDOW, find};
use store::{CommitError, StoreError, Table, Transaction};

use crate::metrics::{Metric, count};

/// The idempotency of one request that has a key.
#[derive(Debug, Clone)]
pub struct Idempotency {
    partner: PartnerId,
    fingerprint: Fingerprint,
    request_id: String,
    /// In contracts where another body is a mistake: the digest of this one, which the sealed answer is bound to.
    body: Option<String>,
    window: SignedDuration,
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
    /// The key was used with another body.
    #[error("the idempotency key was used with another body")]
    OtherBody,
    /// A record is not as written.
    #[error("an idempotency record is not as written")]
    Malformed(#[from] serde_json::Error),
}

impl From<IdempotencyError> for Failure {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::OtherBody => Failure::KeyReused,
            other => Failure::internal(other),
        }
    }
}

impl Idempotency {
    /// The idempotency of a request, `None` when it has no key.
    ///
    /// # Errors
    /// [`Failure::IdempotencyKeyMalformed`].
    pub fn of(request: &Request, caller: &Caller) -> Result<Option<Self>, Failure> {
        Ok(request.idempotency_key()?.map(|key| {
            let (partner, endpoint) = (caller.partner, request.endpoint());
            let newday = request.route.contract == Contract::NewDay;
            let fingerprint = if newday {
                Fingerprint::without_body(partner, &endpoint, key)
            } else {
                Fingerprint::new(partner, &endpoint, key, request.body())
            };
            Self {
                partner,
                fingerprint,
                request_id: request.id.clone(),
                body: newday.then(|| Fingerprint::body_digest(request.body())),
                window: if newday { SHORT_WINDOW } else { WINDOW },
            }
        }))
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
        match &self.body {
            None => Aad::of(&["idempotency", self.fingerprint.digest()]),
            Some(body) => Aad::of(&["idempotency", self.fingerprint.digest(), body]),
        }
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
        let record = Record { request_id: self.request_id.clone(), answer };
        let (item, condition) = record.to_put(&self.fingerprint.key(&scope), now, self.window);
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
        let opened = keys.open(Scope::Partner(self.partner), &self.aad(), &record.answer).await;
        let plain = match opened {
            // It stands under this key and was sealed for another body.
            Err(CryptoError::Refused) if self.body.is_some() => {
                return Err(IdempotencyError::OtherBody);
            }
            opened => opened?,
        };
        let reply: Reply = serde_json::from_slice(plain.reveal())?;
        count(Metric::Replays, 1);
        Ok(reply.with_header("original-request-id", record.request_id))
    }
}
