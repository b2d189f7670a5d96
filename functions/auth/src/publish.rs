//! `GET /.well-known/openid-configuration` and `GET /.well-known/jwks.json`.
//!
//! Invariants: every key that any live token may be signed with is in the set; the set is not kept longer by caches
//! than the pause that the rotation procedure prescribes between publishing a key and signing with it.

use std::sync::Arc;

use domain::time::Clock;
use http_api::{Failure, Operation, Reply, Request, Scope};
use serde_json::{Value, json};

use crate::keys::cache::KeyCache;
use crate::keys::jwk::PublicJwk;
use crate::keys::signing::{SigningKeys, published};

/// Five minutes, as the authorizer's own cache.
const CACHE_CONTROL: &str = "public, max-age=300";

/// What publishing needs.
pub struct App {
    /// KMS.
    pub signing: Arc<dyn SigningKeys>,
    /// The keys' ids, all of which are published.
    pub signing_key_ids: Vec<String>,
    /// The keys read so far.
    pub cache: KeyCache<PublicJwk>,
    /// `iss`: the base URL of everything here.
    pub issuer: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Answers both documents.
///
/// # Errors
/// When KMS fails and no recent keys are held.
pub async fn handle(app: &App, request: &Request) -> Result<Reply, Failure> {
    let body = match request.route.operation {
        Operation::DiscoveryGet => discovery(&app.issuer),
        Operation::KeysGet => {
            let load = async || published(&*app.signing, &app.signing_key_ids).await;
            // Boxed: the SDK's futures are nested deeper than the compiler computes layouts by default.
            let keys = Box::pin(app.cache.keys(app.clock.now(), load)).await;
            let keys = keys.map_err(Failure::internal)?;
            json!({ "keys": *keys })
        }
        _ => return Err(Failure::NotFound("resource")),
    };
    Ok(Reply::json(200, &body).with_header("cache-control", CACHE_CONTROL))
}

/// RFC 8414 §2 with the members that OpenID Connect Discovery demands in addition: clients of the COS contract find
/// the token endpoint through the OpenID path.
fn discovery(issuer: &str) -> Value {
    let base = issuer.trim_end_matches('/');
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{base}/connect/token"),
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": scopes,
    })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::JwkSet;

    use super::*;
    use crate::keys::cache::CacheLimits;
    use crate::testing::{House, get};

    fn app(house: &House) -> App {
        App {
            signing: house.kms.clone(),
            signing_key_ids: house.signing_key_ids(),
            cache: KeyCache::new(CacheLimits::default()),
            issuer: house.issuer(),
            clock: house.clock.clone(),
        }
    }

    #[tokio::test]
    async fn discovery_leads_to_the_other_documents() {
        let house = House::new();
        let request = get("/.well-known/openid-configuration", "token-keys");
        let reply = handle(&app(&house), &request).await.unwrap();
        let body: Value = serde_json::from_str(reply.body()).unwrap();
        assert_eq!(body["issuer"], house.issuer());
        assert_eq!(body["token_endpoint"], format!("{}/connect/token", house.issuer()));
        assert_eq!(body["jwks_uri"], format!("{}/.well-known/jwks.json", house.issuer()));
        assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    }

    #[tokio::test]
    async fn both_live_keys_are_published_and_nothing_private() {
        let house = House::new();
        let app = app(&house);
        let request = get("/.well-known/jwks.json", "token-keys");
        let reply = handle(&app, &request).await.unwrap();
        let set: JwkSet = serde_json::from_str(reply.body()).unwrap();
        assert_eq!(set.keys.len(), 2);
        let raw: Value = serde_json::from_str(reply.body()).unwrap();
        assert_eq!(raw["keys"][0]["use"], "sig");
        assert_eq!(raw["keys"][0]["alg"], "ES256");
        assert!(raw["keys"][0].get("d").is_none());
        house.kms.break_down(true);
        house.clock.advance(jiff::SignedDuration::from_mins(30));
        assert_eq!(handle(&app, &request).await.unwrap().body(), reply.body());
        house.clock.advance(jiff::SignedDuration::from_mins(31));
        assert_eq!(handle(&app, &request).await.unwrap_err().status(), 500);
    }
}
