//! Whether a token is what it claims to be.
//!
//! Invariants: the issuer's allow-list decides the algorithm, never the token; a key is used only with an algorithm of
//! its own kind, so a public key is never taken for an HMAC secret; the signature is checked before any claim but the
//! issuer is looked at, and the issuer only picks the rules under which everything, itself included, is checked.
//!
//! `jsonwebtoken` checks signature, issuer, audience and the presence of claims. The times are checked here, against
//! the clock that is passed in, with the same 60 seconds of leeway.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ids::{ClientId, PartnerId};
use http_api::{Environment, Scopes, SourceList};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use super::fetch::FetchKeys;
use super::issuers::FurtherIssuer;
use super::{AuthorizeError, Denial};
use crate::claims::{Claims, TOKEN_TYPE};
use crate::keys::cache::{CacheLimits, KeyCache};
use crate::keys::signing::{SigningKeys, published};

/// No issuer needs more; API Gateway's own limit on all headers is 10 KB.
const MAX_TOKEN: usize = 8 * 1024;

/// Clocks differ by this many seconds at most.
const LEEWAY_SECONDS: i64 = 60;

/// A token whose signature, issuer, audience and times are right. Nobody has been asked yet whether it was revoked.
#[derive(Debug, Clone)]
pub struct Verified {
    /// `iss`.
    pub issuer: String,
    /// Whether that is us.
    pub is_own: bool,
    /// `jti`, or a digest of the token where there is none.
    pub token_id: String,
    /// The client; of a further issuer, under the issuer's name.
    pub client: ClientId,
    /// `sub`: the person or system behind the client, for the audit chain.
    pub subject: String,
    /// Whose data it opens.
    pub partner: PartnerId,
    /// What it may do.
    pub scopes: Scopes,
    /// Sandbox or production.
    pub environment: Environment,
    /// From where a further issuer's tokens may be used; our own clients have their list in the table.
    pub sources: SourceList,
    /// The usage plan's key of a further issuer.
    pub usage_key: Option<String>,
}

/// A key that signatures are checked with.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: String,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl VerifyingKey {
    /// The key of a published JWK; `None` for keys that no allowed algorithm uses: symmetric ones, other curves, keys
    /// for encryption, keys without a name.
    #[must_use]
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let kind = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
                vec![Algorithm::ES256]
            }
            AlgorithmParameters::RSA(_) => vec![Algorithm::RS256, Algorithm::PS256],
            _ => return None,
        };
        let algorithms: Vec<Algorithm> = match jwk.common.key_algorithm {
            None => kind,
            Some(named) => {
                let named = named.to_string();
                kind.into_iter().filter(|algorithm| format!("{algorithm:?}") == named).collect()
            }
        };
        let signs =
            jwk.common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature);
        if algorithms.is_empty() || !signs {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { kid: jwk.common.key_id.clone()?, algorithms, key })
    }

    /// The usable keys of a key set; what can not be read is left out, because issuers publish keys for other uses.
    #[must_use]
    pub fn from_set(set: &[u8]) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(set).ok()?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Some(keys.filter_map(|jwk: Jwk| Self::from_jwk(&jwk)).collect())
    }
}

/// Our own issuer.
pub struct OwnIssuer {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// KMS.
    pub signing: Arc<dyn SigningKeys>,
    /// The keys whose tokens are accepted.
    pub signing_key_ids: Vec<String>,
}

/// Checks tokens of our own and of further issuers.
pub struct Verifier {
    own: OwnIssuer,
    own_keys: KeyCache<VerifyingKey>,
    further: Vec<(FurtherIssuer, KeyCache<VerifyingKey>)>,
    fetch: Arc<dyn FetchKeys>,
}

/// What the published document was not.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's answer is no key set")]
struct NoKeySet;

impl Verifier {
    /// Nothing is looked up before the first token.
    #[must_use]
    pub fn new(own: OwnIssuer, further: Vec<FurtherIssuer>, fetch: Arc<dyn FetchKeys>) -> Self {
        let cache = || KeyCache::new(CacheLimits::default());
        let further = further.into_iter().map(|issuer| (issuer, cache())).collect();
        Self { own, own_keys: cache(), further, fetch }
    }

    /// Checks everything about a token but revocation.
    ///
    /// # Errors
    /// [`AuthorizeError::Denied`] with the first thing that is wrong; [`AuthorizeError::Keys`] when its issuer's keys
    /// can not be had.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, AuthorizeError> {
        let (header, issuer) = peek(token)?;
        if issuer == self.own.issuer {
            let claims = self.verify_own(token, &header, now).await?;
            return own_verified(claims).map_err(AuthorizeError::from);
        }
        let found = self.further.iter().find(|(further, _)| further.issuer == issuer);
        let (further, cache) = found.ok_or(Denial::UnknownIssuer)?;
        let kid = check_header(&header, &further.algorithms, is_access_or_plain)?;
        let load = async || -> Result<Vec<VerifyingKey>, crypto::BoxError> {
            let document = self.fetch.fetch(&further.jwks_url).await?;
            Ok(VerifyingKey::from_set(&document).ok_or(NoKeySet)?)
        };
        let keys = cache.keys_with(now, |key| key.kid == kid, load).await;
        let keys = keys.map_err(AuthorizeError::Keys)?;
        let claims = check(token, &header, kid, &keys, &further.issuer, &further.audience)?;
        check_times(&claims, now)?;
        Ok(further.verified(&claims, token)?)
    }

    async fn verify_own(
        &self,
        token: &str,
        header: &Header,
        now: Timestamp,
    ) -> Result<Claims, AuthorizeError> {
        let own = &self.own;
        let kid = check_header(header, &[Algorithm::ES256], is_access)?;
        let load = async || -> Result<Vec<VerifyingKey>, crypto::BoxError> {
            let published = published(&*own.signing, &own.signing_key_ids).await?;
            let key = |jwk: &crate::keys::jwk::PublicJwk| {
                let key = DecodingKey::from_ec_components(&jwk.x, &jwk.y)?;
                Ok(VerifyingKey { kid: jwk.kid.clone(), algorithms: vec![Algorithm::ES256], key })
            };
            published.iter().map(key).collect()
        };
        let keys = self.own_keys.keys_with(now, |key| key.kid == kid, load).await;
        let keys = keys.map_err(AuthorizeError::Keys)?;
        let claims = check(token, header, kid, &keys, &own.issuer, &own.audience)?;
        check_times(&claims, now)?;
        Ok(serde_json::from_value(Value::Object(claims.into_iter().collect()))
            .map_err(|_| Denial::Claims)?)
    }
}

/// The header and the issuer, neither believed yet.
fn peek(token: &str) -> Result<(Header, String), Denial> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    if token.len() > MAX_TOKEN || token.split('.').count() != 3 {
        return Err(Denial::Malformed);
    }
    // Fails for `none` and every other algorithm that the library does not know.
    let header = decode_header(token).map_err(|_| Denial::Malformed)?;
    // RFC 7515 §4.1.11: what must be understood and is not makes the token invalid. We understand no extension.
    if header.crit.is_some() {
        return Err(Denial::Malformed);
    }
    let claims: Issuer =
        jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Denial::Malformed)?;
    Ok((header, claims.iss))
}

fn check_header<'a>(
    header: &'a Header,
    allowed: &[Algorithm],
    is_type: impl Fn(Option<&str>) -> bool,
) -> Result<&'a str, Denial> {
    if !allowed.contains(&header.alg) {
        return Err(Denial::Algorithm);
    }
    if !is_type(header.typ.as_deref()) {
        return Err(Denial::TokenType);
    }
    header.kid.as_deref().ok_or(Denial::UnknownKey)
}

fn is_access(typ: Option<&str>) -> bool {
    let typ = typ.map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TOKEN_TYPE))
}

/// Most issuers predate RFC 9068 and write `JWT` or nothing.
fn is_access_or_plain(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| typ.eq_ignore_ascii_case("jwt")) || is_access(typ)
}

type RawClaims = BTreeMap<String, Value>;

fn check(
    token: &str,
    header: &Header,
    kid: &str,
    keys: &[VerifyingKey],
    issuer: &str,
    audience: &str,
) -> Result<RawClaims, Denial> {
    let fits = |key: &&VerifyingKey| key.kid == kid && key.algorithms.contains(&header.alg);
    let key = keys.iter().find(fits).ok_or(Denial::UnknownKey)?;
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    // The times are checked against the clock that was passed in.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    decode::<RawClaims>(token, &key.key, &validation)
        .map(|data| data.claims)
        .map_err(|_| Denial::Claims)
}

fn check_times(claims: &RawClaims, now: Timestamp) -> Result<(), Denial> {
    let now = now.as_second();
    let expires = seconds(claims.get("exp")).ok_or(Denial::Claims)?;
    if now >= expires.saturating_add(LEEWAY_SECONDS) {
        return Err(Denial::Expired);
    }
    for name in ["nbf", "iat"] {
        let Some(claim) = claims.get(name) else { continue };
        let begins = seconds(Some(claim)).ok_or(Denial::Claims)?;
        if begins > now.saturating_add(LEEWAY_SECONDS) {
            return Err(Denial::NotYetValid);
        }
    }
    Ok(())
}

/// A NumericDate (RFC 7519 §2): seconds, possibly with a fraction, which leeway makes irrelevant.
fn seconds(claim: Option<&Value>) -> Option<i64> {
    let claim = claim?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked; a fraction is dropped"
    )]
    let of_float = |number: f64| (number.abs() < 1e15).then_some(number as i64);
    claim.as_i64().or_else(|| claim.as_f64().and_then(of_float))
}

fn own_verified(claims: Claims) -> Result<Verified, Denial> {
    Ok(Verified {
        is_own: true,
        token_id: claims.jti,
        client: claims.client_id,
        subject: claims.sub,
        partner: claims.partner_id,
        scopes: Scopes::parse(&claims.scope).map_err(|_| Denial::Claims)?,
        environment: Environment::parse(&claims.env).ok_or(Denial::Claims)?,
        issuer: claims.iss,
        sources: SourceList::default(),
        usage_key: None,
    })
}
