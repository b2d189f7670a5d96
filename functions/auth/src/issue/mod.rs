//! `POST /connect/token`: client credentials become an access token.
//!
//! Invariants: no step before the secret has been compared reveals whether the client exists: an unknown client costs
//! the same read and the same comparisons against digests that match nothing. A token never carries a scope that
//! its client lacks. Answers are never cached.
//!
//! Cost: 1 get (1 unit) and 1 KMS `Sign`; in a new sandbox also the global key (1 query, `Decrypt`s) and the name of
//! the signing key (`GetPublicKey`).

pub mod credentials;
pub mod error;
pub mod form;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crypto::{BlindIndex, KeyRing, Scope as KeyScope};
use domain::ids::ClientId;
use domain::time::{Clock, Random};
use http_api::{Failure, Reply, Request, Scopes, SourceList};
use jiff::Timestamp;
use runtime::{Metric, count, note};
use serde_json::json;
use store::clients::{ClientRecord, Clients};

use crate::claims::{self, Claims, LIFETIME_SECONDS};
use crate::keys::cache::KeyCache;
use crate::keys::jwk::PublicJwk;
use crate::keys::signing::{KeyError, SigningKeys, published};
use crate::secrets;
use credentials::Credentials;
use error::TokenError;
use form::Form;

/// More than any valid token request; what is longer is not read.
const MAX_BODY: usize = 8 * 1024;

/// The live secrets a client can have at most; comparisons are made for as many, whatever it has.
const SECRET_SLOTS: usize = 2;

/// What issuing needs.
pub struct App {
    /// The clients.
    pub clients: Clients,
    /// The pepper's key ring.
    pub keys: Arc<KeyRing>,
    /// KMS.
    pub signing: Arc<dyn SigningKeys>,
    /// The keys' ids; the first one signs.
    pub signing_key_ids: Vec<String>,
    /// The signing key's public half, for its name.
    pub signing_key: KeyCache<PublicJwk>,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For token ids.
    pub random: Arc<dyn Random>,
}

/// Answers a token request.
///
/// # Errors
/// [`Failure`] for what is ours to fix, and for an oversized body; what is the client's is an OAuth error reply.
pub async fn handle(app: &App, request: &Request) -> Result<Reply, Failure> {
    if request.body().len() > MAX_BODY {
        return Err(Failure::BodyTooLarge);
    }
    // Boxed: the SDK's futures inside are nested deeper than the compiler computes layouts by default.
    match Box::pin(issue(app, request)).await? {
        Ok(reply) => {
            count(Metric::TokensIssued, 1);
            Ok(reply)
        }
        Err(error) => {
            count(Metric::TokensRefused, 1);
            note("refusal", error.code());
            Ok(error.into_reply())
        }
    }
}

async fn issue(app: &App, request: &Request) -> Result<Result<Reply, TokenError>, Failure> {
    let asked = match Asked::read(request, &app.audience) {
        Ok(asked) => asked,
        Err(error) => return Ok(Err(error)),
    };
    let Some(client) = authenticate(app, &asked.credentials).await? else {
        return Ok(Err(TokenError::InvalidClient));
    };
    // Only now: what an unknown caller presents as its id can be anything, a secret included.
    note("partner", client.partner.to_string());
    note("client", client.client.as_str());
    let sources = SourceList::parse(&client.allowed_sources).map_err(Failure::internal)?;
    if !sources.admits(&request.source_ip) {
        return Ok(Err(TokenError::UnauthorizedClient));
    }
    let granted = Scopes::parse(&client.scopes).map_err(Failure::internal)?;
    let scopes = match asked.scopes {
        None => granted,
        Some(wanted) if granted.contains_all(&wanted) => wanted,
        Some(_) => return Ok(Err(TokenError::InvalidScope)),
    };
    let token = sign(app, &client, &scopes).await.map_err(Failure::internal)?;
    let body = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "scope": scopes.to_string(),
    });
    // `Cache-Control: no-store` is on every reply; `Pragma` is for what is older (RFC 6749 §5.1).
    Ok(Ok(Reply::json(200, &body).with_header("pragma", "no-cache")))
}

struct Asked {
    credentials: Credentials,
    scopes: Option<Scopes>,
}

impl Asked {
    fn read(request: &Request, audience: &str) -> Result<Self, TokenError> {
        if !is_form(request.header("content-type")) {
            return Err(TokenError::InvalidRequest(
                "the content type must be application/x-www-form-urlencoded",
            ));
        }
        let in_query = ["client_id", "client_secret", "grant_type"];
        if in_query.iter().any(|name| !request.query_all(name).is_empty()) {
            return Err(TokenError::InvalidRequest(
                "parameters belong in the body, not in the URL",
            ));
        }
        let form = Form::parse(request.body()).map_err(|error| match error {
            form::FormError::Repeated => TokenError::InvalidRequest("a parameter is repeated"),
            form::FormError::Malformed => TokenError::InvalidRequest("the body is not a form"),
        })?;
        match form.get("grant_type") {
            None => return Err(TokenError::InvalidRequest("grant_type is required")),
            Some("client_credentials") => {}
            Some(_) => return Err(TokenError::UnsupportedGrantType),
        }
        let credentials = Credentials::read(request.header("authorization"), &form)?;
        match form.get("audience") {
            None => return Err(TokenError::InvalidRequest("audience is required")),
            Some(asked) if asked == audience => {}
            Some(_) => return Err(TokenError::InvalidTarget),
        }
        let scopes = form.get("scope").map(Scopes::parse).transpose();
        let scopes = scopes.map_err(|_| TokenError::InvalidScope)?;
        if scopes.as_ref().is_some_and(Scopes::is_empty) {
            return Err(TokenError::InvalidScope);
        }
        Ok(Self { credentials, scopes })
    }
}

/// The media type, with no parameter but `charset=utf-8`.
fn is_form(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return false };
    let (media, parameter) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameter = parameter.trim();
    media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && (parameter.is_empty()
            || parameter.eq_ignore_ascii_case("charset=utf-8")
            || parameter.eq_ignore_ascii_case("charset=\"utf-8\""))
}

/// The client, if it proved to be itself and is active.
async fn authenticate(app: &App, presented: &Credentials) -> Result<Option<ClientRecord>, Failure> {
    // An id that is none is looked up all the same, under one that nobody has, so that it takes as long.
    let id = ClientId::parse(&presented.client)
        .or_else(|_| ClientId::parse("no.such.client"))
        .map_err(Failure::internal)?;
    let found = app.clients.get(&id).await.map_err(Failure::internal)?;
    let keys = app.keys.existing_keys(KeyScope::Global).await.map_err(Failure::internal)?;
    // Without keys nobody was ever given a secret.
    let Some(keys) = keys else { return Ok(None) };
    let digest = secrets::digest(&keys, &presented.client, &presented.secret);
    let matched = matches_any(&digest, found.as_ref(), app.clock.now());
    Ok(if matched { found } else { None })
}

/// Whether the digest is one of the client's, by as many comparisons for every client and for none.
fn matches_any(digest: &BlindIndex, client: Option<&ClientRecord>, now: Timestamp) -> bool {
    let active = client.filter(|client| client.is_active());
    let mut stored = active.into_iter().flat_map(|client| client.live_secrets(now));
    // As long as a digest and never one: base64url has no '!'.
    let nothing = "!".repeat(digest.as_str().len());
    (0..SECRET_SLOTS).fold(false, |matched, _| {
        let stored = stored.next().map_or(nothing.as_str(), |secret| secret.digest.as_str());
        matched | digest.matches(stored)
    })
}

async fn sign(app: &App, client: &ClientRecord, scopes: &Scopes) -> Result<String, KeyError> {
    let now = app.clock.now();
    let [key, ..] = app.signing_key_ids.as_slice() else { return Err(KeyError::NoneLeft) };
    let load = async || published(&*app.signing, std::slice::from_ref(key)).await;
    let published = app.signing_key.keys(now, load).await?;
    let kid = published.first().ok_or(KeyError::NoneLeft)?.kid.clone();
    let now = now.as_second();
    let mut id = [0; 16];
    app.random.fill(&mut id);
    let claims = Claims {
        iss: app.issuer.clone(),
        aud: app.audience.clone(),
        sub: client.client.to_string(),
        client_id: client.client.clone(),
        partner_id: client.partner,
        scope: scopes.to_string(),
        env: client.environment.clone(),
        iat: now,
        nbf: now,
        exp: now.saturating_add(LIFETIME_SECONDS),
        jti: uuid::Builder::from_random_bytes(id).into_uuid().to_string(),
    };
    claims::sign(&claims, &*app.signing, key, &kid).await
}
