//! AWS KMS as the key wrapper.
//!
//! Invariant: every call carries the scope and the key id as encryption context, so KMS itself refuses a wrapped
//! key that was copied to another scope or id, and CloudTrail shows whose key was used.

use std::collections::HashMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use zeroize::{Zeroize, Zeroizing};

use crate::lazy::Lazy;
use crate::scope::{KeyId, Scope};
use crate::wrap::{BoxError, KeyWrapper, Pending};

/// Wraps keys under one symmetric KMS key.
pub struct KmsWrapper {
    client: Lazy<Client>,
    key_id: String,
}

impl KmsWrapper {
    /// `key_id` is the id, ARN or alias of a symmetric key.
    #[must_use]
    pub fn new(client: Lazy<Client>, key_id: impl Into<String>) -> Self {
        Self { client, key_id: key_id.into() }
    }
}

/// KMS answered with something that is not a 256-bit key.
#[derive(Debug, thiserror::Error)]
#[error("KMS answered without a 256-bit key")]
struct NotAKey;

fn context(scope: Scope, id: KeyId) -> HashMap<String, String> {
    HashMap::from([
        ("gatehouse:scope".to_owned(), scope.to_string()),
        ("gatehouse:key".to_owned(), id.to_string()),
    ])
}

/// The SDK's own copy is wiped as well; it would otherwise stay in freed memory.
fn key_bytes(plaintext: Option<Blob>) -> Result<Zeroizing<[u8; 32]>, BoxError> {
    let mut bytes = plaintext.ok_or(NotAKey)?.into_inner();
    let mut key = Zeroizing::new([0; 32]);
    let fits = bytes.len() == key.len();
    if fits {
        key.copy_from_slice(&bytes);
    }
    bytes.zeroize();
    if fits { Ok(key) } else { Err(NotAKey.into()) }
}

impl KeyWrapper for KmsWrapper {
    fn generate(&self, scope: Scope, id: KeyId) -> Pending<'_, (Zeroizing<[u8; 32]>, Vec<u8>)> {
        Box::pin(async move {
            let answer = self
                .client
                .generate_data_key()
                .key_id(&self.key_id)
                .key_spec(DataKeySpec::Aes256)
                .set_encryption_context(Some(context(scope, id)))
                .send()
                .await?;
            let wrapped = answer.ciphertext_blob.ok_or(NotAKey)?.into_inner();
            Ok((key_bytes(answer.plaintext)?, wrapped))
        })
    }

    fn unwrap<'a>(
        &'a self,
        scope: Scope,
        id: KeyId,
        wrapped: &'a [u8],
    ) -> Pending<'a, Zeroizing<[u8; 32]>> {
        Box::pin(async move {
            // Naming the key makes KMS refuse a ciphertext made under any other key, such as an attacker's own.
            let answer = self
                .client
                .decrypt()
                .key_id(&self.key_id)
                .ciphertext_blob(Blob::new(wrapped))
                .set_encryption_context(Some(context(scope, id)))
                .send()
                .await?;
            key_bytes(answer.plaintext)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_names_scope_and_key() {
        let context = context(Scope::Global, KeyId::INDEX);
        assert_eq!(context["gatehouse:scope"], "GLOBAL");
        assert_eq!(context["gatehouse:key"], "index-00000001");
    }

    #[test]
    fn only_256_bits_are_a_key() {
        assert_eq!(key_bytes(Some(Blob::new([9; 32]))).unwrap().as_slice(), [9; 32]);
        assert!(key_bytes(Some(Blob::new([9; 31]))).is_err());
        assert!(key_bytes(Some(Blob::new([9; 33]))).is_err());
        assert!(key_bytes(None).is_err());
    }
}
