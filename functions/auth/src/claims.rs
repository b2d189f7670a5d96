//! What an access token says, and how it is put together (RFC 9068 with our own claims).
//!
//! Invariant: this is the only place that names the claims; issuing writes and checking reads the same type.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::sha256;
use domain::ids::{ClientId, PartnerId};
use serde::{Deserialize, Serialize};

use crate::keys::der::raw_signature;
use crate::keys::signing::{KeyError, SigningKeys};

/// `typ` of an access token (RFC 9068 §2.1): an ID token signed with the same key is none.
pub const TOKEN_TYPE: &str = "at+jwt";

/// How long a token lives: the contract's 24 hours.
pub const LIFETIME_SECONDS: i64 = 24 * 60 * 60;

/// The claims of our own tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For which API.
    pub aud: String,
    /// Whom it is about: with client credentials, the client.
    pub sub: String,
    /// The client.
    pub client_id: ClientId,
    /// Whose data it opens.
    pub partner_id: PartnerId,
    /// Space-separated scopes.
    pub scope: String,
    /// `sandbox` or `production`.
    pub env: String,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Not valid before.
    pub nbf: i64,
    /// Not valid from then on.
    pub exp: i64,
    /// Its name, by which it can be revoked.
    pub jti: String,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

/// Signs `claims` with the key that KMS knows as `key` and verifiers know as `kid`. One KMS call.
///
/// # Errors
/// When KMS fails.
pub async fn sign(
    claims: &Claims,
    service: &dyn SigningKeys,
    key: &str,
    kid: &str,
) -> Result<String, KeyError> {
    let json = |part: Result<Vec<u8>, serde_json::Error>| {
        let part = part.map_err(|error| KeyError::Unavailable(error.into()))?;
        Ok::<_, KeyError>(URL_SAFE_NO_PAD.encode(part))
    };
    let header = json(serde_json::to_vec(&Header { alg: "ES256", typ: TOKEN_TYPE, kid }))?;
    let payload = json(serde_json::to_vec(claims))?;
    let signed = format!("{header}.{payload}");
    let der = service.sign(key, sha256(signed.as_bytes())).await?;
    let signature = raw_signature(&der).map_err(|error| KeyError::Unavailable(error.into()))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
