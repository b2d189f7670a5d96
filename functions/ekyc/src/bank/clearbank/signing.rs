//! ClearBank's `DigitalSignature`: RSA PKCS #1 v1.5 with SHA-256 over the exact bytes of the body, in Base64.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::bank::credentials::CredentialsError;

/// The key whose certificate ClearBank holds.
pub(super) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Reads an RSA key in PEM, as PKCS #8 or PKCS #1.
    pub(super) fn from_pem(pem: &str) -> Result<Self, CredentialsError> {
        const FORMS: [(&str, bool); 2] = [("PRIVATE KEY", true), ("RSA PRIVATE KEY", false)];
        FORMS
            .iter()
            .find_map(|(label, is_pkcs8)| {
                let der = between(pem, label)?;
                let key = if *is_pkcs8 {
                    RsaKeyPair::from_pkcs8(&der)
                } else {
                    RsaKeyPair::from_der(&der)
                };
                key.ok().map(Self)
            })
            .ok_or(CredentialsError::PrivateKey)
    }

    /// The header's value for a body. `None` when the library refuses, which it does for no key that it has read.
    pub(super) fn sign(&self, body: &[u8]) -> Option<String> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body, &mut signature).ok()?;
        Some(STANDARD.encode(signature))
    }
}

fn between(pem: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let rest = pem.split_once(&format!("-----BEGIN {label}-----"))?.1;
    let body = rest.split_once(&format!("-----END {label}-----"))?.0;
    let text: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    STANDARD.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};

    use super::*;

    /// A key of this test run, in PEM.
    pub(crate) fn fresh_key() -> String {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
    }

    /// One key for all tests that need any: making one takes its time.
    pub(crate) fn any_key() -> String {
        static KEY: std::sync::LazyLock<String> = std::sync::LazyLock::new(fresh_key);
        KEY.clone()
    }

    #[test]
    fn what_is_no_rsa_key_is_refused() {
        let key = any_key();
        assert!(SigningKey::from_pem(&key).is_ok());
        assert!(SigningKey::from_pem(&key.replace('\n', "\r\n")).is_ok());
        let other = key.replace("PRIVATE KEY", "EC PRIVATE KEY");
        let half = &key[..key.len() / 2];
        for wrong in
            ["", other.as_str(), half, "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----"]
        {
            assert!(matches!(SigningKey::from_pem(wrong), Err(CredentialsError::PrivateKey)));
        }
    }
}
