//! The signing keys of this deployment, in KMS.
//!
//! Several keys may be live: the first one signs, all are published and accepted. That is how a key is rotated
//! without a token being refused (docs/security.md, "Rotating the signing key").
//!
//! Invariant: a key that KMS says is gone (disabled, deleted) is neither published nor accepted from then on; a key
//! that KMS can not be asked about right now is not taken for gone.

use std::pin::Pin;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::operation::get_public_key::GetPublicKeyError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use crypto::{BoxError, Lazy};

use crate::keys::jwk::PublicJwk;

/// Why a signing key can not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It was disabled or deleted, or never was one of ours.
    #[error("the signing key {0} is gone")]
    Gone(String),
    /// KMS did not answer as it should.
    #[error("the signing key service failed")]
    Unavailable(#[source] BoxError),
    /// Not one of the configured keys is left.
    #[error("no signing key is left")]
    NoneLeft,
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

/// A service that holds P-256 keys.
pub trait SigningKeys: Send + Sync {
    /// Signs a SHA-256 digest; the answer is DER.
    fn sign<'a>(&'a self, key: &'a str, digest: [u8; 32]) -> Pending<'a, Vec<u8>>;
    /// The public half as a DER `SubjectPublicKeyInfo`.
    fn public_key<'a>(&'a self, key: &'a str) -> Pending<'a, Vec<u8>>;
}

/// The keys of `ids` that are not gone, in order, each once.
///
/// # Errors
/// [`KeyError::Unavailable`] when KMS fails for any of them, [`KeyError::NoneLeft`] when all are gone.
pub async fn published(
    service: &dyn SigningKeys,
    ids: &[String],
) -> Result<Vec<PublicJwk>, KeyError> {
    let mut keys: Vec<PublicJwk> = Vec::with_capacity(ids.len());
    for id in ids {
        let spki = match service.public_key(id).await {
            Ok(spki) => spki,
            Err(KeyError::Gone(_)) => continue,
            Err(error) => return Err(error),
        };
        let key = PublicJwk::from_spki(&spki).map_err(|e| KeyError::Unavailable(e.into()))?;
        if !keys.iter().any(|known| known.kid == key.kid) {
            keys.push(key);
        }
    }
    if keys.is_empty() { Err(KeyError::NoneLeft) } else { Ok(keys) }
}

/// AWS KMS.
pub struct KmsSigningKeys(Lazy<Client>);

impl KmsSigningKeys {
    /// The keys that `client` reaches.
    #[must_use]
    pub const fn new(client: Lazy<Client>) -> Self {
        Self(client)
    }
}

/// KMS answered without the field that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("KMS answered without {0}")]
struct NoAnswer(&'static str);

fn unavailable(error: impl Into<BoxError>) -> KeyError {
    KeyError::Unavailable(error.into())
}

impl SigningKeys for KmsSigningKeys {
    fn sign<'a>(&'a self, key: &'a str, digest: [u8; 32]) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            let answer = self
                .0
                .sign()
                .key_id(key)
                .message_type(MessageType::Digest)
                .message(Blob::new(digest))
                .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
                .send()
                .await
                .map_err(unavailable)?;
            let signature = answer.signature.ok_or_else(|| unavailable(NoAnswer("a signature")))?;
            Ok(signature.into_inner())
        })
    }

    fn public_key<'a>(&'a self, key: &'a str) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            match self.0.get_public_key().key_id(key).send().await {
                Ok(answer) => answer
                    .public_key
                    .map(Blob::into_inner)
                    .ok_or_else(|| unavailable(NoAnswer("a public key"))),
                Err(SdkError::ServiceError(refusal)) if is_gone(refusal.err()) => {
                    Err(KeyError::Gone(key.to_owned()))
                }
                Err(error) => Err(unavailable(error)),
            }
        })
    }
}

const fn is_gone(error: &GetPublicKeyError) -> bool {
    matches!(
        error,
        GetPublicKeyError::DisabledException(_)
            | GetPublicKeyError::KmsInvalidStateException(_)
            | GetPublicKeyError::NotFoundException(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeKms;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn all_live_keys_are_published_in_order_and_once() {
        let kms = FakeKms::with_keys(&["new", "old"]);
        let keys = published(&kms, &ids(&["new", "old", "new"])).await.unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], PublicJwk::from_spki(&kms.spki("new")).unwrap());
        assert_ne!(keys[0].kid, keys[1].kid);
    }

    #[tokio::test]
    async fn a_key_that_is_gone_is_left_out() {
        let kms = FakeKms::with_keys(&["new"]);
        assert_eq!(published(&kms, &ids(&["deleted", "new"])).await.unwrap().len(), 1);
        let none = published(&kms, &ids(&["deleted"])).await;
        assert!(matches!(none, Err(KeyError::NoneLeft)));
    }

    #[tokio::test]
    async fn an_outage_is_not_taken_for_an_absence() {
        let kms = FakeKms::with_keys(&["new", "old"]);
        kms.break_down(true);
        let answer = published(&kms, &ids(&["new", "old"])).await;
        assert!(matches!(answer, Err(KeyError::Unavailable(_))));
    }
}
