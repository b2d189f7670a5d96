//! A published signing key (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::sha256;
use serde::Serialize;

use crate::keys::der::{UnexpectedDer, public_point};

/// The public half of a signing key, as the key set shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicJwk {
    /// Its name: the RFC 7638 thumbprint.
    pub kid: String,
    kty: &'static str,
    crv: &'static str,
    /// The first coordinate, base64url.
    pub x: String,
    /// The second coordinate, base64url.
    pub y: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
}

impl PublicJwk {
    /// The key in a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// When it is no P-256 key.
    pub fn from_spki(spki: &[u8]) -> Result<Self, UnexpectedDer> {
        let (x, y) = public_point(spki)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let kid = thumbprint(&x, &y);
        Ok(Self { kid, kty: "EC", crv: "P-256", x, y, usage: "sig", alg: "ES256" })
    }
}

/// RFC 7638 §3: the required members in lexical order, no white space. The values are base64url and need no escapes.
fn thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::{Jwk, ThumbprintHash};

    use super::*;
    use crate::testing::FakeKms;

    #[test]
    fn the_library_reads_the_key_and_agrees_on_its_name() {
        let spki = FakeKms::with_keys(&["one"]).spki("one");
        let ours = PublicJwk::from_spki(&spki).unwrap();
        let theirs: Jwk = serde_json::from_value(serde_json::to_value(&ours).unwrap()).unwrap();
        assert_eq!(theirs.thumbprint(ThumbprintHash::SHA256).unwrap(), ours.kid);
        assert_eq!(theirs.common.key_id.as_deref(), Some(ours.kid.as_str()));
    }
}
