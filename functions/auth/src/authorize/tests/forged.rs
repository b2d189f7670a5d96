//! Every way to make a token that is not ours, and the check that it fails at.

use super::*;

#[tokio::test]
async fn forged_tokens_are_refused() {
    let gate = Gate::new().await;
    let (header, claims) = (gate.header(), gate.claims());
    let spki = gate.house.kms.spki("current");
    let good = gate.good().await;
    let now = gate.house.clock.now().as_second();
    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let raised = encode(&with(&claims, "partner_id", json!(OTHER)));
    let stranger = FakeKms::with_keys(&["current"]);
    let none = with(&header, "alg", json!("none"));
    let hs256 = with(&header, "alg", json!("HS256"));
    let mut last = good.clone();
    let flipped = if last.ends_with('A') { 'B' } else { 'A' };
    last.replace_range(last.len() - 2..last.len() - 1, &flipped.to_string());

    let cases: Vec<(&str, String, Denial)> = vec![
        ("none, unsigned", forged(&none, &claims, |_| Vec::new()), Denial::Malformed),
        (
            "none, no third part",
            format!("{}.{}", encode(&none), encode(&claims)),
            Denial::Malformed,
        ),
        (
            "None",
            forged(&with(&header, "alg", json!("None")), &claims, |_| Vec::new()),
            Denial::Malformed,
        ),
        (
            "HS256 with the SPKI",
            forged(&hs256, &claims, |m| hmac_sha256(&spki, m).into()),
            Denial::Algorithm,
        ),
        (
            "HS256 with the point",
            forged(&hs256, &claims, |m| hmac_sha256(&spki[26..], m).into()),
            Denial::Algorithm,
        ),
        (
            "RS256",
            forged(&with(&header, "alg", json!("RS256")), &claims, |_| vec![0; 256]),
            Denial::Algorithm,
        ),
        ("no signature", format!("{head}.{}.", encode(&claims)), Denial::Claims),
        ("zero signature", forged(&header, &claims, |_| vec![0; 64]), Denial::Claims),
        ("changed signature", last, Denial::Claims),
        ("changed payload", format!("{head}.{raised}.{signature}"), Denial::Claims),
        (
            "changed header",
            format!("{}.{}.{signature}", encode(&with(&header, "x", json!(1))), encode(&claims)),
            Denial::Claims,
        ),
        ("DER signature", der_signed(&gate, &header, &claims).await, Denial::Claims),
        (
            "another key, our kid",
            signed_by(&stranger, "current", &header, &claims).await,
            Denial::Claims,
        ),
        (
            "the other key's kid",
            gate.token(&with(&header, "kid", json!(gate.kid("former"))), &claims).await,
            Denial::Claims,
        ),
        (
            "unknown kid",
            gate.token(&with(&header, "kid", json!("k")), &claims).await,
            Denial::UnknownKey,
        ),
        ("no kid", gate.token(&without(&header, "kid"), &claims).await, Denial::UnknownKey),
        ("own key in the header", with_own_key(&stranger, &claims).await, Denial::UnknownKey),
        (
            "id token",
            gate.token(&with(&header, "typ", json!("JWT")), &claims).await,
            Denial::TokenType,
        ),
        ("no type", gate.token(&without(&header, "typ"), &claims).await, Denial::TokenType),
        (
            "crit",
            gate.token(&with(&header, "crit", json!(["x"])), &claims).await,
            Denial::Malformed,
        ),
        (
            "wrong audience",
            gate.token(&header, &with(&claims, "aud", json!("https://other.test/"))).await,
            Denial::Claims,
        ),
        ("no audience", gate.token(&header, &without(&claims, "aud")).await, Denial::Claims),
        (
            "wrong issuer",
            gate.token(&header, &with(&claims, "iss", json!("https://other.test"))).await,
            Denial::UnknownIssuer,
        ),
        ("no issuer", gate.token(&header, &without(&claims, "iss")).await, Denial::Malformed),
        (
            "our key, their issuer",
            gate.token(&with(&header, "typ", json!("JWT")), &with(&claims, "iss", json!(IDP)))
                .await,
            Denial::UnknownKey,
        ),
        (
            "expired",
            gate.token(&header, &with(&claims, "exp", json!(now - 60))).await,
            Denial::Expired,
        ),
        ("no expiry", gate.token(&header, &without(&claims, "exp")).await, Denial::Claims),
        (
            "expiry as text",
            gate.token(&header, &with(&claims, "exp", json!("9999999999"))).await,
            Denial::Claims,
        ),
        (
            "not yet valid",
            gate.token(&header, &with(&claims, "nbf", json!(now + 61))).await,
            Denial::NotYetValid,
        ),
        (
            "issued in the future",
            gate.token(&header, &with(&claims, "iat", json!(now + 61))).await,
            Denial::NotYetValid,
        ),
        ("no token id", gate.token(&header, &without(&claims, "jti")).await, Denial::Claims),
        ("no partner", gate.token(&header, &without(&claims, "partner_id")).await, Denial::Claims),
        (
            "unknown scope",
            gate.token(&header, &with(&claims, "scope", json!("everything"))).await,
            Denial::Claims,
        ),
        (
            "unknown environment",
            gate.token(&header, &with(&claims, "env", json!("staging"))).await,
            Denial::Claims,
        ),
        (
            "another partner",
            gate.token(&header, &with(&claims, "partner_id", json!(OTHER))).await,
            Denial::Claims,
        ),
        (
            "unknown client",
            gate.token(&header, &with(&claims, "client_id", json!("client-2"))).await,
            Denial::RevokedClient,
        ),
        (
            "oversized",
            gate.token(&header, &with(&claims, "x", json!("x".repeat(8192)))).await,
            Denial::Malformed,
        ),
        ("four parts", format!("{good}.x"), Denial::Malformed),
        ("no token at all", "x".into(), Denial::Malformed),
        ("no JSON", "eA.eA.eA".into(), Denial::Malformed),
    ];
    gate.ask(&good).await.unwrap();
    for (what, token, expected) in cases {
        assert_eq!(denial(gate.ask(&token).await), expected, "{what}");
    }
    let error = handle(&gate.app, event("198.51.100.7", "x")).await.unwrap_err();
    assert_eq!(error.to_string(), "Unauthorized", "the text that API Gateway answers with 401");
}

async fn der_signed(gate: &Gate, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let der = gate.house.kms.sign("current", sha256(signed.as_bytes())).await.unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(der))
}

/// A token that brings the key to check it with.
async fn with_own_key(stranger: &FakeKms, claims: &Value) -> String {
    let jwk = PublicJwk::from_spki(&stranger.spki("current")).unwrap();
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": jwk.kid, "jwk": jwk });
    signed_by(stranger, "current", &header, claims).await
}
