use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{Pending, hmac_sha256, sha256};
use jiff::SignedDuration;
use serde_json::json;
use store::clients::{ClientRecord, ClientStatus, UsageKey};

mod forged;

use super::*;
use crate::keys::der::raw_signature;
use crate::keys::jwk::PublicJwk;
use crate::keys::signing::SigningKeys;
use crate::testing::{FakeKms, House};
use fetch::FetchKeys;
use verify::OwnIssuer;

const PARTNER: &str = "11111111-2222-3333-4444-555555555555";
const OTHER: &str = "11111111-2222-3333-4444-666666666666";
const IDP: &str = "https://idp.test/";

/// Documents by URL.
#[derive(Default)]
struct Shelf {
    documents: Mutex<BTreeMap<String, Vec<u8>>>,
    fetched: std::sync::atomic::AtomicUsize,
}

impl FetchKeys for Shelf {
    fn fetch<'a>(&'a self, url: &'a str) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            self.fetched.fetch_add(1, Ordering::SeqCst);
            let documents = self.documents.lock().unwrap();
            documents.get(url).cloned().ok_or_else(|| "404".into())
        })
    }
}

struct Gate {
    house: House,
    app: App,
    shelf: Arc<Shelf>,
    idp: FakeKms,
}

impl Gate {
    async fn new() -> Self {
        let house = House::new();
        let own = OwnIssuer {
            issuer: house.issuer(),
            audience: house.audience(),
            signing: house.kms.clone(),
            signing_key_ids: house.signing_key_ids(),
        };
        let setting = json!([{
            "name": "bank-idp",
            "issuer": IDP,
            "jwksUrl": "https://idp.test/jwks.json",
            "audience": "gatehouse",
            "algorithms": ["ES256", "RS256"],
            "partner": { "claim": "tenant", "values": { "acme": PARTNER } },
            "clientClaim": "azp",
            "scopes": ["customers:read", "webhooks:read"],
            "environment": "sandbox",
            "allowedSources": "198.51.100.0/24",
            "usageKey": "idp-usage-key",
        }]);
        let further = issuers::parse(Some(&setting.to_string()), &house.issuer()).unwrap();
        let shelf = Arc::new(Shelf::default());
        let idp = FakeKms::with_keys(&["idp"]);
        let set = json!({ "keys": [
            { "kty": "oct", "k": "c2VjcmV0", "kid": "symmetric" },
            { "kty": "strange" },
            PublicJwk::from_spki(&idp.spki("idp")).unwrap(),
        ]});
        let url = "https://idp.test/jwks.json".to_owned();
        shelf.documents.lock().unwrap().insert(url, set.to_string().into_bytes());
        let app = App {
            verifier: Verifier::new(own, further, shelf.clone()),
            clients: house.clients.clone(),
            clock: house.clock.clone(),
        };
        let gate = Self { house, app, shelf, idp };
        gate.client("client-1", "").await;
        gate
    }

    async fn client(&self, id: &str, allowed_sources: &str) {
        let record = ClientRecord {
            client: ClientId::parse(id).unwrap(),
            partner: PartnerId::parse(PARTNER).unwrap(),
            name: "Loan desk".into(),
            scopes: "customers:read customers:write".into(),
            environment: "sandbox".into(),
            allowed_sources: allowed_sources.into(),
            secrets: Vec::new(),
            status: ClientStatus::Active,
            created_at: self.house.clock.now(),
            revoked_at: None,
            version: 1,
            fingerprint: "f".into(),
            rotations: Vec::new(),
            usage_key: Some(UsageKey { id: "k".into(), value: format!("usage-{id}") }),
        };
        self.house.clients.create(&record).await.unwrap();
    }

    fn kid(&self, key: &str) -> String {
        PublicJwk::from_spki(&self.house.kms.spki(key)).unwrap().kid
    }

    fn header(&self) -> Value {
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.kid("current") })
    }

    fn claims(&self) -> Value {
        let now = self.house.clock.now().as_second();
        json!({
            "iss": self.house.issuer(), "aud": self.house.audience(), "sub": "client-1",
            "client_id": "client-1", "partner_id": PARTNER, "scope": "customers:read",
            "env": "sandbox", "iat": now, "nbf": now, "exp": now + 86400, "jti": "token-1",
        })
    }

    fn idp_header(&self) -> Value {
        let kid = PublicJwk::from_spki(&self.idp.spki("idp")).unwrap().kid;
        json!({ "alg": "ES256", "typ": "JWT", "kid": kid })
    }

    fn idp_claims(&self) -> Value {
        let now = self.house.clock.now().as_second();
        json!({
            "iss": IDP, "aud": ["other", "gatehouse"], "tenant": "acme", "azp": "desk-7",
            "scope": "openid customers:read customers:unmask", "exp": now + 3600, "jti": "idp-1",
        })
    }

    async fn token(&self, header: &Value, claims: &Value) -> String {
        signed_by(&self.house.kms, "current", header, claims).await
    }

    async fn good(&self) -> String {
        self.token(&self.header(), &self.claims()).await
    }

    async fn ask(&self, token: &str) -> Result<Authorized, AuthorizeError> {
        self.ask_from("198.51.100.7", token).await
    }

    async fn ask_from(&self, source_ip: &str, token: &str) -> Result<Authorized, AuthorizeError> {
        authorize(&self.app, &serde_json::from_value(event(source_ip, token)).unwrap()).await
    }
}

fn event(source_ip: &str, token: &str) -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:000000000000:gatehouse/v1/GET/core/v1/cm/customers",
        "headers": { "Authorization": format!("Bearer {token}") },
        "requestContext": { "identity": { "sourceIp": source_ip } },
    })
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn forged(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn signed_by(kms: &FakeKms, key: &str, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let der = kms.sign(key, sha256(signed.as_bytes())).await.unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(raw_signature(&der).unwrap()))
}

fn with(base: &Value, member: &str, value: Value) -> Value {
    let mut changed = base.clone();
    changed[member] = value;
    changed
}

fn without(base: &Value, member: &str) -> Value {
    let mut changed = base.clone();
    changed.as_object_mut().unwrap().remove(member);
    changed
}

fn denial(answer: Result<Authorized, AuthorizeError>) -> Denial {
    match answer {
        Err(AuthorizeError::Denied(denial)) => denial,
        other => panic!("not denied: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_token_opens_the_whole_stage_with_its_context() {
    let gate = Gate::new().await;
    let token = gate.good().await;
    let before = gate.house.database.calls();
    let answer = handle(&gate.app, event("198.51.100.7", &token)).await.unwrap();
    assert_eq!(gate.house.database.calls() - before, 1, "the budget is one round trip");
    assert_eq!(
        answer,
        json!({
            "principalId": "client-1",
            "policyDocument": { "Version": "2012-10-17", "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": ["arn:aws:execute-api:us-east-1:000000000000:gatehouse/v1/*"],
            }]},
            "context": {
                "partnerId": PARTNER, "clientId": "client-1", "subject": "client-1",
                "scopes": "customers:read", "environment": "sandbox", "tokenId": "token-1", "allowedSources": "",
            },
            "usageIdentifierKey": "usage-client-1",
        })
    );
}

#[tokio::test]
async fn what_is_issued_is_accepted_by_either_live_key() {
    let gate = Gate::new().await;
    let claims: crate::claims::Claims = serde_json::from_value(gate.claims()).unwrap();
    for key in ["current", "former"] {
        let kms = &*gate.house.kms;
        let token = crate::claims::sign(&claims, kms, key, &gate.kid(key)).await.unwrap();
        assert_eq!(gate.ask(&token).await.unwrap().client.as_str(), "client-1", "{key}");
    }
    assert_eq!(gate.house.kms.asked.load(Ordering::SeqCst), 2, "both keys once");
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let gate = Gate::new().await;
    let (header, claims) = (gate.header(), gate.claims());
    let now = gate.house.clock.now().as_second();
    for (member, value) in [
        ("exp", json!(now - 59)),
        ("nbf", json!(now + 60)),
        ("iat", json!(now + 60)),
        ("exp", json!(4_102_444_800_i64)),
    ] {
        let token = gate.token(&header, &with(&claims, member, value.clone())).await;
        assert!(gate.ask(&token).await.is_ok(), "{member} {value}");
    }
    let token = gate.good().await;
    gate.house.clock.advance(SignedDuration::from_secs(86400 + 60));
    assert_eq!(denial(gate.ask(&token).await), Denial::Expired);
}

#[tokio::test]
async fn a_revoked_token_and_a_revoked_client_are_refused() {
    let gate = Gate::new().await;
    let token = gate.good().await;
    let other = gate.token(&gate.header(), &with(&gate.claims(), "jti", json!("token-2"))).await;
    let now = gate.house.clock.now();
    let key = RevokedTokenKey::new(&gate.house.issuer(), "token-1");
    gate.house.clients.revoke_token(&key, now, now).await.unwrap();
    assert_eq!(denial(gate.ask(&token).await), Denial::RevokedToken);
    assert!(gate.ask(&other).await.is_ok());
    gate.house.clients.revoke(&ClientId::parse("client-1").unwrap(), now).await.unwrap();
    assert_eq!(denial(gate.ask(&other).await), Denial::RevokedClient);
}

#[tokio::test]
async fn a_token_is_good_only_from_its_clients_addresses() {
    let gate = Gate::new().await;
    gate.client("client-2", "203.0.113.0/24").await;
    let claims = with(&gate.claims(), "client_id", json!("client-2"));
    let token = gate.token(&gate.header(), &claims).await;
    let inside = gate.ask_from("203.0.113.9", &token).await.unwrap();
    assert_eq!(inside.sources.to_string(), "203.0.113.0/24");
    for outside in ["198.51.100.7", "unknown"] {
        assert_eq!(denial(gate.ask_from(outside, &token).await), Denial::SourceAddress);
    }
}

#[tokio::test]
async fn a_scope_taken_from_the_client_is_taken_from_its_tokens() {
    let gate = Gate::new().await;
    let claims = with(&gate.claims(), "scope", json!("customers:read customers:unmask"));
    let token = gate.token(&gate.header(), &claims).await;
    assert_eq!(gate.ask(&token).await.unwrap().scopes.to_string(), "customers:read");
}

#[tokio::test]
async fn outages_are_errors_and_not_refusals() {
    let gate = Gate::new().await;
    let token = gate.good().await;
    gate.house.kms.break_down(true);
    let answer = gate.ask(&token).await;
    assert!(matches!(answer, Err(AuthorizeError::Keys(_))), "{answer:?}");
    assert_ne!(answer.unwrap_err().to_string(), "Unauthorized");
}

#[tokio::test]
async fn a_disabled_signing_key_is_not_accepted_for_long() {
    let gate = Gate::new().await;
    let header = with(&gate.header(), "kid", json!("retired"));
    let token = gate.token(&header, &gate.claims()).await;
    for _ in 0..20 {
        assert_eq!(denial(gate.ask(&token).await), Denial::UnknownKey);
    }
    assert_eq!(gate.house.kms.asked.load(Ordering::SeqCst), 2, "a flood asks KMS once per key");
}

#[tokio::test]
async fn a_further_issuer_opens_what_its_entry_allows() {
    let gate = Gate::new().await;
    let token = signed_by(&gate.idp, "idp", &gate.idp_header(), &gate.idp_claims()).await;
    let before = gate.house.database.calls();
    let authorized = gate.ask(&token).await.unwrap();
    assert_eq!(gate.house.database.calls() - before, 1);
    assert_eq!(authorized.partner.to_string(), PARTNER);
    assert_eq!(authorized.client.as_str(), "bank-idp.desk-7");
    assert_eq!(authorized.subject, "desk-7", "where no person is named, the client");
    assert_eq!(authorized.scopes.to_string(), "customers:read", "neither unknown nor ungranted");
    assert_eq!(authorized.usage_key.as_deref(), Some("idp-usage-key"));
    assert_eq!(denial(gate.ask_from("203.0.113.9", &token).await), Denial::SourceAddress);
    gate.ask(&token).await.unwrap();
    assert_eq!(gate.shelf.fetched.load(Ordering::SeqCst), 1);

    let now = gate.house.clock.now();
    let key = RevokedTokenKey::new(IDP, "idp-1");
    gate.house.clients.revoke_token(&key, now, now).await.unwrap();
    assert_eq!(denial(gate.ask(&token).await), Denial::RevokedToken);
    let nameless = without(&gate.idp_claims(), "jti");
    let nameless = signed_by(&gate.idp, "idp", &gate.idp_header(), &nameless).await;
    assert_eq!(gate.ask(&nameless).await.unwrap().token_id.len(), 64);
    gate.house.clients.bar(&authorized.client, now).await.unwrap();
    assert_eq!(denial(gate.ask(&nameless).await), Denial::RevokedClient);
}

#[tokio::test]
async fn a_further_issuers_bad_tokens_are_refused() {
    let gate = Gate::new().await;
    let (header, claims) = (gate.idp_header(), gate.idp_claims());
    let now = gate.house.clock.now().as_second();
    let symmetric = with(&with(&header, "alg", json!("HS256")), "kid", json!("symmetric"));
    let idp = |header: Value, claims: Value| {
        let gate = &gate;
        async move { signed_by(&gate.idp, "idp", &header, &claims).await }
    };
    let cases = [
        (
            "audience",
            idp(header.clone(), with(&claims, "aud", json!("other"))).await,
            Denial::Claims,
        ),
        (
            "partner",
            idp(header.clone(), with(&claims, "tenant", json!("evil"))).await,
            Denial::Claims,
        ),
        ("no partner", idp(header.clone(), without(&claims, "tenant")).await, Denial::Claims),
        ("client", idp(header.clone(), with(&claims, "azp", json!("a b"))).await, Denial::Claims),
        ("no client", idp(header.clone(), without(&claims, "azp")).await, Denial::Claims),
        (
            "expired",
            idp(header.clone(), with(&claims, "exp", json!(now - 60))).await,
            Denial::Expired,
        ),
        (
            "type",
            idp(with(&header, "typ", json!("logout+jwt")), claims.clone()).await,
            Denial::TokenType,
        ),
        (
            "our issuer",
            idp(
                with(&header, "typ", json!("at+jwt")),
                with(&claims, "iss", json!(gate.house.issuer())),
            )
            .await,
            Denial::UnknownKey,
        ),
        (
            "shared secret",
            forged(&symmetric, &claims, |m| hmac_sha256(b"secret", m).into()),
            Denial::Algorithm,
        ),
        (
            "EC key as RSA",
            idp(with(&header, "alg", json!("RS256")), claims.clone()).await,
            Denial::UnknownKey,
        ),
    ];
    for (what, token, expected) in cases {
        assert_eq!(denial(gate.ask(&token).await), expected, "{what}");
    }
    gate.shelf.documents.lock().unwrap().clear();
    gate.house.clock.advance(SignedDuration::from_hours(2));
    let token = idp(header, with(&claims, "exp", json!(now + 86400))).await;
    assert!(matches!(gate.ask(&token).await, Err(AuthorizeError::Keys(_))));
}

#[tokio::test]
async fn a_key_that_the_issuer_added_is_found_and_rs256_works() {
    let gate = Gate::new().await;
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let first = signed_by(&gate.idp, "idp", &gate.idp_header(), &gate.idp_claims()).await;
    gate.ask(&first).await.unwrap();
    let set = json!({ "keys": [{
        "kty": "RSA", "kid": "new", "use": "sig", "alg": "RS256",
        "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e),
    }]});
    let url = "https://idp.test/jwks.json".to_owned();
    gate.shelf.documents.lock().unwrap().insert(url, set.to_string().into_bytes());
    gate.house.clock.advance(SignedDuration::from_secs(31));
    let sign = |message: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    let header = json!({ "alg": "RS256", "kid": "new" });
    let token = forged(&header, &gate.idp_claims(), sign);
    assert_eq!(gate.ask(&token).await.unwrap().client.as_str(), "bank-idp.desk-7");
    let confused = forged(&with(&header, "alg", json!("PS256")), &gate.idp_claims(), sign);
    assert_eq!(denial(gate.ask(&confused).await), Denial::Algorithm);
}

#[tokio::test]
async fn the_person_behind_a_client_is_named_if_it_can_be() {
    let gate = Gate::new().await;
    for (sub, subject) in [
        ("analyst-7", Some("analyst-7")),
        (&"x".repeat(255), Some("x".repeat(255).as_str())),
        (&"x".repeat(256), None),
        ("two\nlines", None),
    ] {
        let claims = with(&gate.idp_claims(), "sub", json!(sub));
        let token = signed_by(&gate.idp, "idp", &gate.idp_header(), &claims).await;
        match (gate.ask(&token).await, subject) {
            (Ok(authorized), Some(subject)) => assert_eq!(authorized.subject, subject),
            (answer, _) => assert_eq!(denial(answer), Denial::Claims, "{sub}"),
        }
    }
    let context =
        policy::allow(&gate.ask(&gate.good().await).await.unwrap(), "a/v1/GET/")["context"].clone();
    assert_eq!(context["subject"], "client-1");
}

#[tokio::test]
async fn the_sample_events_are_refused_as_their_names_say() {
    let gate = Gate::new().await;
    for (name, event) in crate::testing::sample_events("authorizer") {
        let event = serde_json::from_value(event).unwrap();
        let expected = match name.as_str() {
            "no-token" => Denial::NoToken,
            "unsigned-token" => Denial::Malformed,
            other => panic!("{other} is not expected here"),
        };
        assert_eq!(denial(authorize(&gate.app, &event).await), expected, "{name}");
    }
}
