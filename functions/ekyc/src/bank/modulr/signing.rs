//! Modulr's request signature.
//!
//! From its published documentation: HMAC over the `Date` and `x-mod-nonce` headers, Base64, then percent-encoded.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::bank::credentials::{ModulrAccess, SignatureAlgorithm};

/// The `Date` header of a moment.
pub(super) fn http_date(now: Timestamp) -> String {
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The `Authorization` header.
pub(super) fn authorization(access: &ModulrAccess, date: &str, nonce: &str) -> String {
    let (algorithm, name) = match access.algorithm {
        SignatureAlgorithm::HmacSha1 => (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, "hmac-sha1"),
        SignatureAlgorithm::HmacSha512 => (hmac::HMAC_SHA512, "hmac-sha512"),
    };
    // The secret is used as it is shown; that it looks like Base64 is nobody's business.
    let key = hmac::Key::new(algorithm, access.hmac_secret.reveal().as_bytes());
    let tag = hmac::sign(&key, format!("date: {date}\nx-mod-nonce: {nonce}").as_bytes());
    let signature = percent_encoded(&STANDARD.encode(tag.as_ref()));
    format!(
        r#"Signature keyId="{}",algorithm="{name}",headers="date x-mod-nonce",signature="{signature}""#,
        access.key_id
    )
}

/// Base64 has three characters that a URL component has not.
fn percent_encoded(base64: &str) -> String {
    base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[cfg(test)]
mod tests {
    use crypto::Secret;

    use super::*;

    fn access(algorithm: SignatureAlgorithm) -> ModulrAccess {
        ModulrAccess {
            base_url: "https://api.example".to_owned(),
            key_id: "KNOWN-TOKEN".to_owned(),
            hmac_secret: Secret::new("NzAwZmIwMGQ0YTJiNDhkMzZjYzc3YjQ5OGQyYWMzOTI=".to_owned()),
            algorithm,
            source_account_id: "A1".to_owned(),
        }
    }

    /// The documentation's known answer.
    #[test]
    fn the_known_answer() {
        let date = http_date("2016-07-25T16:36:07Z".parse().unwrap());
        assert_eq!(date, "Mon, 25 Jul 2016 16:36:07 GMT");
        let header = authorization(
            &access(SignatureAlgorithm::HmacSha1),
            &date,
            "28154b2-9c62b93cc22a-24c9e2-5536d7d",
        );
        assert_eq!(
            header,
            "Signature keyId=\"KNOWN-TOKEN\",algorithm=\"hmac-sha1\",headers=\"date x-mod-nonce\",\
             signature=\"WBMr%2FYdhysbmiIEkdTrf2hP7SfA%3D\""
        );
    }

    #[test]
    fn the_other_algorithm_says_its_name() {
        let header = authorization(&access(SignatureAlgorithm::HmacSha512), "d", "n");
        assert!(header.contains("algorithm=\"hmac-sha512\""));
        let signature = header.split("signature=\"").nth(1).unwrap();
        assert!(signature.len() > 88 && !signature.contains('/'), "{header}");
    }
}
