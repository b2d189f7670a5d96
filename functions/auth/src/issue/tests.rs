use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::Secret;
use domain::ids::PartnerId;
use jiff::SignedDuration;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use store::clients::{ClientStatus, StoredSecret};

use super::*;
use crate::keys::cache::CacheLimits;
use crate::testing::{House, token_request, token_request_from};

const PARTNER: &str = "11111111-2222-3333-4444-555555555555";
const SECRET: &str = "ghs_one";

fn app(house: &House) -> App {
    App {
        clients: house.clients.clone(),
        keys: house.ring(),
        signing: house.kms.clone(),
        signing_key_ids: house.signing_key_ids(),
        signing_key: KeyCache::new(CacheLimits::default()),
        issuer: house.issuer(),
        audience: house.audience(),
        clock: house.clock.clone(),
        random: house.random.clone(),
    }
}

async fn stored_secret(house: &House, client: &str, secret: &str) -> StoredSecret {
    let keys = house.ring().keys(KeyScope::Global).await.unwrap();
    let digest = secrets::digest(&keys, client, &Secret::new(secret.to_owned()));
    StoredSecret {
        request: secret.to_owned(),
        digest: digest.to_string(),
        created_at: house.clock.now(),
        expires_at: None,
    }
}

async fn client(house: &House, id: &str, allowed_sources: &str) -> ClientRecord {
    let record = ClientRecord {
        client: ClientId::parse(id).unwrap(),
        partner: PartnerId::parse(PARTNER).unwrap(),
        name: "Loan desk".into(),
        scopes: "customers:read customers:write".into(),
        environment: "sandbox".into(),
        allowed_sources: allowed_sources.into(),
        secrets: vec![stored_secret(house, id, SECRET).await],
        status: ClientStatus::Active,
        created_at: house.clock.now(),
        revoked_at: None,
        version: 1,
        fingerprint: "f".into(),
        rotations: Vec::new(),
        usage_key: None,
    };
    house.clients.create(&record).await.unwrap();
    record
}

fn form(client: &str, secret: &str) -> String {
    format!(
        "grant_type=client_credentials&client_id={client}&client_secret={secret}\
         &audience=https%3A%2F%2Fapi.gatehouse.test%2F"
    )
}

fn body(reply: &Reply) -> Value {
    serde_json::from_str(reply.body()).unwrap()
}

async fn error_of(app: &App, request: &Request) -> (u16, String) {
    let reply = handle(app, request).await.unwrap();
    let error = body(&reply)["error"].as_str().unwrap().to_owned();
    (reply.status(), error)
}

fn is_invalid_client(answer: &(u16, String)) -> bool {
    *answer == (401, "invalid_client".to_owned())
}

#[tokio::test]
async fn a_token_is_issued_that_the_published_key_verifies() {
    let house = House::new();
    client(&house, "client-1", "").await;
    let app = app(&house);
    let before = house.database.calls();
    let reply = handle(&app, &token_request(&form("client-1", SECRET), &[])).await.unwrap();
    assert_eq!(house.database.calls() - before, 2, "the client and, once, the pepper");
    assert_eq!((reply.status(), reply.header("pragma")), (200, Some("no-cache")));
    let event = reply.clone().into_event("r-1");
    assert_eq!(event["headers"]["cache-control"], "no-store");
    let answer = body(&reply);
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 86400);
    assert_eq!(answer["scope"], "customers:read customers:write");

    let token = answer["access_token"].as_str().unwrap();
    let header = decode_header(token).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("at+jwt")));
    let published = PublicJwk::from_spki(&house.kms.spki("current")).unwrap();
    assert_eq!(header.kid.as_deref(), Some(published.kid.as_str()));
    let jwk: Jwk = serde_json::from_value(serde_json::to_value(&published).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&[house.audience()]);
    validation.set_issuer(&[house.issuer()]);
    let claims =
        decode::<Claims>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap().claims;
    let now = house.clock.now().as_second();
    assert_eq!((claims.iat, claims.nbf, claims.exp), (now, now, now + 86400));
    assert_eq!((claims.sub.as_str(), claims.client_id.as_str()), ("client-1", "client-1"));
    assert_eq!(claims.partner_id.to_string(), PARTNER);
    assert_eq!(claims.env, "sandbox");
    assert_eq!(claims.jti.len(), 36);

    // Warm: the pepper and the key's name are known.
    let (calls, asked) = (house.database.calls(), house.kms.asked.load(Ordering::SeqCst));
    let again = handle(&app, &token_request(&form("client-1", SECRET), &[])).await.unwrap();
    assert_ne!(body(&again)["access_token"], answer["access_token"]);
    assert_eq!(house.database.calls() - calls, 1);
    assert_eq!(house.kms.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn basic_authentication_and_a_scope_subset() {
    let house = House::new();
    client(&house, "client-1", "").await;
    let basic = format!("Basic {}", STANDARD.encode(format!("client-1:{SECRET}")));
    let body_text = "grant_type=client_credentials&scope=customers%3Aread\
                     &audience=https://api.gatehouse.test/";
    let request = token_request(body_text, &[("authorization", &basic)]);
    let reply = handle(&app(&house), &request).await.unwrap();
    assert_eq!(reply.status(), 200, "{}", reply.body());
    assert_eq!(body(&reply)["scope"], "customers:read");
}

#[tokio::test]
async fn requests_are_refused_as_the_rfc_says() {
    let house = House::new();
    client(&house, "client-1", "").await;
    let app = app(&house);
    let good = form("client-1", SECRET);
    let cases = [
        (good.replace("grant_type=client_credentials&", ""), "invalid_request"),
        (good.replace("client_credentials", "password"), "unsupported_grant_type"),
        (good.replace("client_credentials", ""), "invalid_request"),
        (format!("{good}&scope=customers:read&scope=customers:read"), "invalid_request"),
        (format!("{good}&audience=x"), "invalid_request"),
        (format!("{good}&x=%zz"), "invalid_request"),
        (good.split("&audience").next().unwrap().to_owned(), "invalid_request"),
        (good.replace("gatehouse.test", "example.test"), "invalid_target"),
        (good.replace("test%2F", "test"), "invalid_target"),
        (format!("{good}&scope=customers:unmask"), "invalid_scope"),
        (format!("{good}&scope=everything"), "invalid_scope"),
        (format!("{good}&scope=+"), "invalid_scope"),
    ];
    for (body, error) in cases {
        let answer = error_of(&app, &token_request(&body, &[])).await;
        assert_eq!(answer, (400, error.to_owned()), "{body}");
    }
    for content_type in
        ["application/json", "text/plain", "application/x-www-form-urlencoded; charset=latin1"]
    {
        let request = token_request(&good, &[("Content-Type", content_type)]);
        assert_eq!(error_of(&app, &request).await, (400, "invalid_request".to_owned()));
    }
    let utf8 = [("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8")];
    assert_eq!(handle(&app, &token_request(&good, &utf8)).await.unwrap().status(), 200);
    let long = format!("{good}&x={}", "x".repeat(8 * 1024));
    assert_eq!(handle(&app, &token_request(&long, &[])).await.unwrap_err().status(), 413);
    assert_eq!(house.kms.signed.load(Ordering::SeqCst), 1, "only the good one");
}

#[tokio::test]
async fn who_can_not_prove_itself_learns_nothing() {
    let house = House::new();
    let revoked = client(&house, "revoked", "").await;
    house.clients.revoke(&revoked.client, house.clock.now()).await.unwrap();
    // Revoking also deletes the secrets; one that still has them is refused all the same.
    let id = ClientId::parse("barred").unwrap();
    let secrets = vec![stored_secret(&house, "barred", SECRET).await];
    let barred = ClientRecord { client: id, status: ClientStatus::Revoked, secrets, ..revoked };
    house.clients.create(&barred).await.unwrap();
    client(&house, "client-1", "").await;
    client(&house, "client-2", "").await;
    let app = app(&house);
    handle(&app, &token_request(&form("client-1", SECRET), &[])).await.unwrap();
    let mut answers = Vec::new();
    for (id, secret) in [
        ("nobody", SECRET),
        ("no%20id%21", SECRET),
        (&*"x".repeat(65), SECRET),
        ("client-1", "ghs_two"),
        ("client-1", ""),
        ("revoked", SECRET),
        ("barred", SECRET),
        ("no.such.client", SECRET),
    ] {
        let before = house.database.calls();
        let reply = handle(&app, &token_request(&form(id, secret), &[])).await.unwrap();
        let event = reply.into_event("r-1");
        let calls = if secret.is_empty() { 1 } else { house.database.calls() - before };
        answers.push((
            event["statusCode"].clone(),
            event["headers"].clone(),
            event["body"].clone(),
            calls,
        ));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0].3, 1);
    assert!(answers[0].1["www-authenticate"].as_str().unwrap().starts_with("Basic"));
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn a_digest_copied_to_another_client_opens_nothing() {
    let house = House::new();
    let mut record = client(&house, "client-1", "").await;
    record.client = ClientId::parse("client-2").unwrap();
    house.clients.create(&record).await.unwrap();
    let answer = error_of(&app(&house), &token_request(&form("client-2", SECRET), &[])).await;
    assert!(is_invalid_client(&answer));
}

#[tokio::test]
async fn two_secrets_work_until_the_old_one_ends() {
    let house = House::new();
    let record = client(&house, "client-1", "").await;
    let mut old = record.secrets[0].clone();
    old.expires_at = Some(house.clock.now() + SignedDuration::from_hours(24));
    let new = stored_secret(&house, "client-1", "ghs_two").await;
    house.clients.replace_secrets(&record, &[new, old], &[]).await.unwrap();
    let app = app(&house);
    for secret in [SECRET, "ghs_two"] {
        let reply = handle(&app, &token_request(&form("client-1", secret), &[])).await.unwrap();
        assert_eq!(reply.status(), 200, "{secret}");
    }
    house.clock.advance(SignedDuration::from_hours(24));
    let answer = error_of(&app, &token_request(&form("client-1", SECRET), &[])).await;
    assert!(is_invalid_client(&answer));
    let reply = handle(&app, &token_request(&form("client-1", "ghs_two"), &[])).await.unwrap();
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn tokens_are_given_only_to_allowed_addresses() {
    let house = House::new();
    client(&house, "client-1", "198.51.100.0/24").await;
    let app = app(&house);
    let good = form("client-1", SECRET);
    let inside = token_request_from("198.51.100.9", &good, &[]);
    assert_eq!(handle(&app, &inside).await.unwrap().status(), 200);
    let outside = token_request_from("203.0.113.9", &good, &[]);
    assert_eq!(error_of(&app, &outside).await, (400, "unauthorized_client".to_owned()));
    // The address is looked at after the secret: it must not tell who exists.
    let stranger = token_request_from("203.0.113.9", &form("client-1", "ghs_two"), &[]);
    assert!(is_invalid_client(&error_of(&app, &stranger).await));
}

#[tokio::test]
async fn credentials_in_the_url_are_refused() {
    let house = House::new();
    client(&house, "client-1", "").await;
    let event = serde_json::json!({
        "resource": "/connect/token",
        "httpMethod": "POST",
        "headers": { "content-type": "application/x-www-form-urlencoded" },
        "multiValueQueryStringParameters": { "client_secret": [SECRET] },
        "body": form("client-1", SECRET),
    });
    let event = serde_json::from_value(event).unwrap();
    let request = Request::from_event(event, "token-issue").unwrap();
    assert_eq!(error_of(&app(&house), &request).await, (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn failures_of_ours_are_not_blamed_on_the_client() {
    let house = House::new();
    client(&house, "client-1", "").await;
    house.kms.break_down(true);
    let answer = handle(&app(&house), &token_request(&form("client-1", SECRET), &[])).await;
    assert_eq!(answer.unwrap_err().status(), 500);
}
