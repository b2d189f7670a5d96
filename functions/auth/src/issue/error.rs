//! The errors of the token endpoint (RFC 6749 §5.2, RFC 8707 §2).
//!
//! Invariant: descriptions are constants; nothing that was sent is repeated, and an unknown client, a wrong secret,
//! an expired secret and a revoked client are one error.

use http_api::Reply;
use serde_json::json;

/// Why no token was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The request itself is wrong.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client is not known, or did not prove who it is.
    #[error("client authentication failed")]
    InvalidClient,
    /// The client may not ask from here.
    #[error("the client may not request tokens from this address")]
    UnauthorizedClient,
    /// Not `client_credentials`.
    #[error("only client_credentials is supported")]
    UnsupportedGrantType,
    /// A scope that does not exist or that the client does not have.
    #[error("a requested scope is unknown or not granted to this client")]
    InvalidScope,
    /// An audience that this issuer does not serve.
    #[error("the audience is not known")]
    InvalidTarget,
}

impl TokenError {
    /// The registered code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
        }
    }

    /// The answer. A 401 carries a challenge (RFC 9110 §15.5.2); RFC 6749 demands it when Basic was tried.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        let status = if self == Self::InvalidClient { 401 } else { 400 };
        let body = json!({ "error": self.code(), "error_description": self.to_string() });
        let reply = Reply::json(status, &body).with_header("pragma", "no-cache");
        if status == 401 {
            reply.with_header("www-authenticate", r#"Basic realm="token", charset="UTF-8""#)
        } else {
            reply
        }
    }
}
