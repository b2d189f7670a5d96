//! The authorizer: a bearer token becomes a policy and a context, or nothing.
//!
//! API Gateway caches the answer by token over all routes, so the policy is for the whole stage and the scope of the
//! single route is checked by the function behind it. So is the source address once more: the cached answer does not
//! see from where the next request comes. A refusal is an error, which API Gateway turns into an empty 401 and does
//! not cache; a cached Deny would lock out a client's good address after one request from a bad one.
//!
//! Invariants: a token is believed only if everything about it was checked ([`verify`]); it and its client are looked up
//! on every uncached request, so that a revocation holds after at most the gateway's cache time.
//!
//! Cost: 1 batch get of 2 keys (2 units), no call for keys once they are cached.

pub mod event;
pub mod fetch;
pub mod issuers;
pub mod policy;
#[cfg(test)]
mod tests;
pub mod verify;

use std::sync::Arc;

use crypto::BoxError;
use domain::ids::{ClientId, PartnerId};
use domain::time::Clock;
use http_api::{Environment, Scopes, SourceList};
use runtime::{Metric, Refused, count};
use serde_json::Value;
use store::StoreError;
use store::clients::{Clients, RevokedTokenKey};

use event::AuthorizerEvent;
use verify::Verifier;

/// What the authorizer needs.
pub struct App {
    /// Checks tokens.
    pub verifier: Verifier,
    /// Knows clients and revoked tokens.
    pub clients: Clients,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why a request may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// No bearer token, or something else in its place.
    #[error("no bearer token")]
    NoToken,
    /// Not a signed token of at most the allowed size.
    #[error("malformed token")]
    Malformed,
    /// None of the issuers that are trusted.
    #[error("unknown issuer")]
    UnknownIssuer,
    /// An algorithm that this issuer may not use.
    #[error("algorithm not allowed")]
    Algorithm,
    /// Signed, but not an access token.
    #[error("not an access token")]
    TokenType,
    /// Signed with a key that is not published.
    #[error("unknown key")]
    UnknownKey,
    /// Wrong signature, issuer or audience, or a claim is missing.
    #[error("signature or claims")]
    Claims,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Its time has not come.
    #[error("not yet valid")]
    NotYetValid,
    /// The token was revoked.
    #[error("revoked token")]
    RevokedToken,
    /// The client was revoked or never existed.
    #[error("revoked client")]
    RevokedClient,
    /// From an address where this client may not call.
    #[error("source address")]
    SourceAddress,
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// The text is what API Gateway recognises and answers with 401; the reason goes to the log only.
    #[error("Unauthorized")]
    Denied(#[from] Denial),
    /// The table failed.
    #[error("the client could not be looked up")]
    Store(#[from] StoreError),
    /// The keys of an issuer could not be had.
    #[error("the keys could not be looked up")]
    Keys(#[source] BoxError),
    /// A stored client is not as this code writes it.
    #[error("a stored client is malformed")]
    Client,
}

/// What a good token gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorized {
    /// Whose data it opens.
    pub partner: PartnerId,
    /// Which client.
    pub client: ClientId,
    /// Who acts through it.
    pub subject: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Sandbox or production.
    pub environment: Environment,
    /// The token's name.
    pub token_id: String,
    /// From where it may be used.
    pub sources: SourceList,
    /// What the usage plan knows the client by.
    pub usage_key: Option<String>,
}

/// Answers API Gateway.
///
/// # Errors
/// [`AuthorizeError`]; boxed for the runtime.
pub async fn handle(app: &App, event: Value) -> Result<Value, BoxError> {
    let event: AuthorizerEvent = serde_json::from_value(event)?;
    // Boxed: the SDK's futures inside are nested deeper than the compiler computes layouts by default.
    match Box::pin(authorize(app, &event)).await {
        Ok(authorized) => Ok(policy::allow(&authorized, &event.method_arn)),
        Err(AuthorizeError::Denied(reason)) => {
            count(Metric::AuthorizationDenied, 1);
            Err(Refused { answer: "Unauthorized", reason: reason.into() }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Who may pass, and as whom.
///
/// # Errors
/// [`AuthorizeError::Denied`] for every bad token, the others for what is ours to fix.
pub async fn authorize(app: &App, event: &AuthorizerEvent) -> Result<Authorized, AuthorizeError> {
    let token = event.bearer_token().ok_or(Denial::NoToken)?;
    let verified = app.verifier.verify(token, app.clock.now()).await?;
    let key = RevokedTokenKey::new(&verified.issuer, &verified.token_id);
    let authorized = if verified.is_own {
        let standing = app.clients.standing(&verified.client, &key).await?;
        refuse_if(standing.is_token_revoked, Denial::RevokedToken)?;
        let client = standing.client.filter(store::clients::ClientRecord::is_active);
        let client = client.ok_or(Denial::RevokedClient)?;
        // What was taken from the client since the token was issued is taken from the token as well.
        refuse_if(client.partner != verified.partner, Denial::Claims)?;
        let granted = Scopes::parse(&client.scopes).map_err(|_| AuthorizeError::Client)?;
        Authorized {
            partner: verified.partner,
            client: verified.client,
            subject: verified.subject,
            scopes: Scopes::new(verified.scopes.iter().filter(|scope| granted.contains(*scope))),
            environment: verified.environment,
            token_id: verified.token_id,
            sources: SourceList::parse(&client.allowed_sources)
                .map_err(|_| AuthorizeError::Client)?,
            usage_key: client.usage_key.map(|key| key.value),
        }
    } else {
        let standing = app.clients.further_standing(&verified.client, &key).await?;
        refuse_if(standing.is_token_revoked, Denial::RevokedToken)?;
        refuse_if(standing.is_barred, Denial::RevokedClient)?;
        Authorized {
            partner: verified.partner,
            client: verified.client,
            subject: verified.subject,
            scopes: verified.scopes,
            environment: verified.environment,
            token_id: verified.token_id,
            sources: verified.sources,
            usage_key: verified.usage_key,
        }
    };
    refuse_if(!authorized.sources.admits(event.source_ip()), Denial::SourceAddress)?;
    Ok(authorized)
}

fn refuse_if(condition: bool, denial: Denial) -> Result<(), Denial> {
    if condition { Err(denial) } else { Ok(()) }
}
