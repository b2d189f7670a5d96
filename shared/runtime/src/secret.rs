//! A secret of Secrets Manager, read without its SDK crate: one call needs none.
//!
//! Invariant: nothing of a secret is printed, and errors name the service's words and no value.

use crypto::Secret;
use serde::Deserialize;

use crate::{AwsService, Clients, SignedPost, SignedPostError};

const SECRETS_MANAGER: AwsService = AwsService {
    signing_name: "secretsmanager",
    host: "secretsmanager",
    endpoint_variable: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
};

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager did not answer.
    #[error("the secret could not be read")]
    Unavailable(#[source] SignedPostError),
    /// Secrets Manager refused.
    #[error("the secret could not be read: status {status}, {code}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its error code.
        code: String,
    },
    /// The answer holds no text.
    #[error("the secret has no text")]
    NoText,
}

/// A secret by its name or ARN. Nothing is called before it is read.
#[derive(Debug)]
pub struct ManagedSecret {
    post: SignedPost,
    id: String,
}

impl ManagedSecret {
    /// The secret with this name or ARN.
    #[must_use]
    pub fn new(clients: &Clients, id: String) -> Self {
        Self { post: SignedPost::new(clients), id }
    }

    /// The secret's text. 1 call.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn read(&self) -> Result<Secret<String>, SecretError> {
        #[derive(Deserialize)]
        struct Value {
            #[serde(rename = "SecretString")]
            text: String,
        }
        let body = serde_json::json!({ "SecretId": self.id }).to_string();
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "secretsmanager.GetSecretValue"),
        ];
        let answer = self.post.post(&SECRETS_MANAGER, "/", &headers, body.as_bytes()).await;
        let answer = answer.map_err(SecretError::Unavailable)?;
        if answer.status != 200 {
            return Err(SecretError::Refused {
                status: answer.status,
                code: error_code(answer.error_type.as_deref(), &answer.body),
            });
        }
        let value: Value = serde_json::from_slice(&answer.body).map_err(|_| SecretError::NoText)?;
        Ok(Secret::new(value.text))
    }
}

/// The JSON protocols name an error in a header or in the body.
fn error_code(header: Option<&str>, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "__type")]
        name: String,
    }
    let named = || serde_json::from_slice::<Named>(body).ok().map(|named| named.name);
    header.map(str::to_owned).or_else(named).unwrap_or_else(|| "no code".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_a_code_from_either_place() {
        assert_eq!(error_code(Some("ResourceNotFoundException"), b""), "ResourceNotFoundException");
        assert_eq!(error_code(None, br#"{"__type":"AccessDenied"}"#), "AccessDenied");
        assert_eq!(error_code(None, b"<html>"), "no code");
    }
}
