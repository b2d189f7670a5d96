//! Idempotency records: the answer to a request, kept in the same transaction as its effect.
//!
//! There is no separate claim. The record is written by the transaction that has the effect, under the condition that
//! none stands; so an effect without its record, or the other way round, cannot exist, and of two concurrent requests
//! with one key exactly one has an effect. The other one's transaction is refused and shows the record, whose answer is
//! then given again. A contract's window is counted from the first request; expiry is part of the condition.
//!
//! Contracts differ in what a key names. With COS key, endpoint and body together are the request, so that a key with
//! another body is another request ([`Fingerprint::new`]). With the others the key alone is, within an account (Straddle)
//! or an endpoint (NewDay), and using it for anything else is an error ([`Fingerprint::of_key`]); the record says what it
//! was used for.

use std::borrow::Cow;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use crypto::{IndexKind, ScopeKeys, Sealed, sha256_of_parts};
use domain::ids::PartnerId;
use jiff::{SignedDuration, Timestamp};

use crate::keys::{IdempotencyRecordKey, Key};
use crate::{Expression, Item, StoreError, Table, number, text};

/// How long the COS contract (§2.3) guarantees an answer to be given again.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long the Straddle (§4) and NewDay contracts do.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The label under which a record stands in a transaction.
pub const LABEL: &str = "idempotency";

/// What a record is found under, and what else must be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    partner: PartnerId,
    digest: String,
    /// Endpoint and body, where they are not part of the digest.
    used_for: Option<String>,
    window: SignedDuration,
}

impl Fingerprint {
    /// The fingerprint of a request. `endpoint` is method and path with ids; JSON bodies are compared as values, so that
    /// white space and key order do not make a retry look new.
    pub fn new(partner: PartnerId, endpoint: &str, key: &str, body: &str) -> Self {
        let digest = sha256_of_parts(&[
            partner.to_string().as_bytes(),
            endpoint.as_bytes(),
            key.as_bytes(),
            as_value(body).as_bytes(),
        ]);
        Self { partner, digest: hex::encode(digest), used_for: None, window: WINDOW }
    }

    /// The fingerprint of a request whose key is used once within `within`, for this endpoint and body.
    pub fn of_key(partner: PartnerId, within: &str, key: &str, endpoint: &str, body: &str) -> Self {
        let digest = sha256_of_parts(&[
            b"once",
            partner.to_string().as_bytes(),
            within.as_bytes(),
            key.as_bytes(),
        ]);
        let used_for = sha256_of_parts(&[endpoint.as_bytes(), as_value(body).as_bytes()]);
        let (digest, used_for) = (hex::encode(digest), Some(hex::encode(used_for)));
        Self { partner, digest, used_for, window: DAY }
    }

    /// Whether a record under this key was made for the same request.
    pub fn is_of(&self, record: &Record, keys: &ScopeKeys) -> bool {
        self.blind_use(keys) == record.used_for
    }

    /// A body may hold a tax id, so its digest is kept only under the partner's index key.
    fn blind_use(&self, keys: &ScopeKeys) -> Option<String> {
        let kind = IndexKind::named("idempotency-use");
        let used_for = self.used_for.as_ref()?;
        Some(keys.blind_index(kind, used_for.as_bytes()).as_str().to_owned())
    }

    /// The record of an answer to this request: the item to put and the condition to put it under.
    pub fn to_put(
        &self,
        request_id: &str,
        answer: &Sealed,
        keys: &ScopeKeys,
        now: Timestamp,
    ) -> (Item, Expression) {
        let mut item = self.key(keys).to_item();
        item.insert("requestId".into(), AttributeValue::S(request_id.to_owned()));
        item.insert("answer".into(), AttributeValue::B(Blob::new(answer.as_bytes())));
        if let Some(used_for) = self.blind_use(keys) {
            item.insert("usedFor".into(), AttributeValue::S(used_for));
        }
        let expires_at = now.as_second() + self.window.as_secs();
        item.insert("expiresAt".into(), AttributeValue::N(expires_at.to_string()));
        (item, Expression::absent_or_expired(now))
    }

    /// The key of the record. The body may hold a tax id, and its other parts stand beside it in the table or are easily
    /// guessed, so the digest goes into the key only under the partner's index key.
    pub fn key(&self, keys: &ScopeKeys) -> IdempotencyRecordKey {
        let blind = keys.blind_index(IndexKind::named("idempotency"), self.digest.as_bytes());
        IdempotencyRecordKey::new(self.partner, blind.as_str().to_owned())
    }

    /// What binds the sealed answer to this request.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// A body as one text for all ways to write the same value.
fn as_value(body: &str) -> Cow<'_, str> {
    match serde_json::from_str::<serde_json::Value>(body) {
        Ok(value) => Cow::Owned(value.to_string()),
        Err(_) => Cow::Borrowed(body),
    }
}

/// A recorded answer.
#[derive(Debug, Clone)]
pub struct Record {
    /// The `request-id` of the first answer.
    pub request_id: String,
    /// The answer, sealed because it may hold personal data.
    pub answer: Sealed,
    used_for: Option<String>,
}

impl Record {
    /// Reads a record, for instance the one that stood in a transaction's way.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn from_item(item: &Item) -> Result<Self, StoreError> {
        let malformed = || StoreError::Malformed("idempotency record".to_owned());
        let request_id = text(item, "requestId").ok_or_else(malformed)?.to_owned();
        let answer =
            item.get("answer").and_then(|value| value.as_b().ok()).ok_or_else(malformed)?;
        let answer = Sealed::parse(answer.as_ref().to_vec()).map_err(|_| malformed())?;
        let used_for = text(item, "usedFor").map(str::to_owned);
        Ok(Self { request_id, answer, used_for })
    }
}

/// The record under a key, if it stands and has not expired. 1 round trip.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    table: &Table,
    key: &IdempotencyRecordKey,
    now: Timestamp,
) -> Result<Option<Record>, StoreError> {
    let Some(item) = table.get(key).await? else { return Ok(None) };
    if number(&item, "expiresAt").is_some_and(|expires_at| expires_at < now.as_second()) {
        return Ok(None);
    }
    Record::from_item(&item).map(Some)
}

#[cfg(test)]
mod tests {
    use crypto::Aad;

    use super::*;

    #[test]
    fn a_fingerprint_is_partner_endpoint_key_and_body() {
        let one = PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap();
        let two = PartnerId::parse("11111111-2222-3333-4444-555555555556").unwrap();
        let base = Fingerprint::new(one, "POST /a", "k", r#"{"x":1,"y":2}"#);
        assert_eq!(base, Fingerprint::new(one, "POST /a", "k", "{ \"y\": 2, \"x\": 1 }"));
        for other in [
            Fingerprint::new(two, "POST /a", "k", r#"{"x":1,"y":2}"#),
            Fingerprint::new(one, "POST /b", "k", r#"{"x":1,"y":2}"#),
            Fingerprint::new(one, "POST /a", "l", r#"{"x":1,"y":2}"#),
            Fingerprint::new(one, "POST /a", "k", r#"{"x":1,"y":3}"#),
            Fingerprint::new(one, "POST /ak", "", r#"{"x":1,"y":2}"#),
        ] {
            assert_ne!(base, other);
        }
    }

    #[tokio::test]
    async fn a_record_stands_for_its_window_and_no_longer() {
        let database = crate::testing::TestDatabase::new();
        let table = database.customers();
        let partner = PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap();
        let fingerprint = Fingerprint::new(partner, "POST /a", "k", "{}");
        let ring = keys();
        let keys = ring.keys(partner.into()).await.unwrap();
        let key = fingerprint.key(&keys);
        assert!(!key.fingerprint.contains(fingerprint.digest()));
        let seal =
            async |text: &[u8]| ring.seal(partner.into(), &Aad::of(&["t"]), text).await.unwrap();
        let start: Timestamp = "2026-01-25T22:55:24Z".parse().unwrap();
        let put = async |request_id: &str, at: Timestamp| {
            let answer = seal(request_id.as_bytes()).await;
            let (item, condition) = fingerprint.to_put(request_id, &answer, &keys, at);
            let mut transaction = crate::Transaction::new();
            transaction.put(LABEL, &table, item, condition);
            transaction.commit(&table).await
        };
        put("r-1", start).await.unwrap();

        let within = start + WINDOW;
        let refused = put("r-2", within).await.unwrap_err();
        let standing = refused.refusal(LABEL).unwrap().standing.clone().unwrap();
        assert_eq!(Record::from_item(&standing).unwrap().request_id, "r-1");
        assert_eq!(find(&table, &key, within).await.unwrap().unwrap().request_id, "r-1");

        let after = within + SignedDuration::from_secs(1);
        assert!(find(&table, &key, after).await.unwrap().is_none(), "expired, not yet deleted");
        put("r-2", after).await.unwrap();
        assert_eq!(find(&table, &key, after).await.unwrap().unwrap().request_id, "r-2");
    }

    #[tokio::test]
    async fn a_key_that_is_used_once_knows_what_for() {
        let one = PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap();
        let ring = keys();
        let keys = ring.keys(one.into()).await.unwrap();
        let base = Fingerprint::of_key(one, "", "k", "POST /a", "{}");
        let sealed = ring.seal(one.into(), &Aad::of(&["t"]), b"one").await.unwrap();
        let now = "2026-01-25T22:55:24Z".parse().unwrap();
        let (item, _) = base.to_put("r-1", &sealed, &keys, now);
        assert_eq!(number(&item, "expiresAt"), Some(now.as_second() + 24 * 3600));
        let record = Record::from_item(&item).unwrap();
        assert!(base.is_of(&record, &keys));
        assert!(Fingerprint::of_key(one, "", "k", "POST /a", "{ }").is_of(&record, &keys));
        for other in [
            Fingerprint::of_key(one, "", "k", "POST /b", "{}"),
            Fingerprint::of_key(one, "", "k", "POST /a", "[]"),
        ] {
            assert_eq!(other.key(&keys), base.key(&keys));
            assert!(!other.is_of(&record, &keys));
        }
        for elsewhere in [
            Fingerprint::of_key(one, "account", "k", "POST /a", "{}"),
            Fingerprint::of_key(one, "", "l", "POST /a", "{}"),
            Fingerprint::new(one, "POST /a", "k", "{}"),
        ] {
            assert_ne!(elsewhere.key(&keys), base.key(&keys));
        }
    }

    fn keys() -> std::sync::Arc<crypto::KeyRing> {
        use std::sync::Arc;
        let clock = domain::time::FixedClock::at_text("2026-01-25T22:55:24Z");
        let random = domain::time::SequenceRandom::default();
        crypto::test_support::key_ring(Arc::new(clock), Arc::new(random))
    }
}
