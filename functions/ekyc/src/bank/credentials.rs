//! Which provider, where it is, and what proves to it that we are we.
//!
//! All of it is one secret, so that credentials can never be sent to another provider's address. Invariant: nothing of it
//! is printed, and errors name members and not values.

use crypto::Secret;
use runtime::ManagedSecret;
use serde::Deserialize;

use crate::Answer;

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Secrets Manager did not give it.
    #[error(transparent)]
    Unread(#[from] runtime::SecretError),
    /// The secret is not JSON of a known shape. The cause names the member, never its value.
    #[error("the secret is not a provider's: {0}")]
    Malformed(String),
    /// The private key is not an RSA key in PEM.
    #[error("the private key of the secret is not an RSA key in PEM")]
    PrivateKey,
}

/// Reads the secret.
pub trait ReadSecret: Send + Sync {
    /// The secret's text.
    fn read(&self) -> Answer<'_, Result<Secret<String>, CredentialsError>>;
}

impl ReadSecret for ManagedSecret {
    fn read(&self) -> Answer<'_, Result<Secret<String>, CredentialsError>> {
        Box::pin(async { Ok(ManagedSecret::read(self).await?) })
    }
}

/// How Modulr's signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum SignatureAlgorithm {
    /// The documented one.
    #[default]
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    /// For accounts that were set up with it.
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
}

/// Access to Modulr.
#[derive(Debug)]
pub struct ModulrAccess {
    /// Up to and without the last slash: `https://api.modulrfinance.com/api`.
    pub base_url: String,
    /// The API key's id.
    pub key_id: String,
    /// The API key's secret, as Modulr shows it.
    pub hmac_secret: Secret<String>,
    /// How it signs.
    pub algorithm: SignatureAlgorithm,
    /// The account that pennies are paid from: `A` and digits and letters.
    pub source_account_id: String,
}

/// Access to ClearBank.
#[derive(Debug)]
pub struct ClearBankAccess {
    /// Up to and without the last slash: `https://institution-api.clearbank.co.uk`.
    pub base_url: String,
    /// The API token.
    pub token: Secret<String>,
    /// The RSA key whose certificate ClearBank holds, in PEM (PKCS #8 or PKCS #1).
    pub private_key: Secret<String>,
    /// The account that pennies are paid from, by ClearBank's id.
    pub account_id: String,
    /// The same account's IBAN.
    pub debtor_iban: String,
    /// The payer's address, as ClearBank asks for it.
    pub debtor_address: String,
}

/// A provider and access to it.
#[derive(Debug)]
pub enum ProviderAccess {
    /// Modulr.
    Modulr(ModulrAccess),
    /// ClearBank.
    ClearBank(ClearBankAccess),
}

/// The secret as it is written.
#[derive(Deserialize)]
#[serde(
    tag = "provider",
    rename_all = "lowercase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
enum Written {
    Modulr {
        base_url: String,
        key_id: String,
        hmac_secret: String,
        #[serde(default)]
        algorithm: SignatureAlgorithm,
        source_account_id: String,
    },
    ClearBank {
        base_url: String,
        token: String,
        private_key: String,
        account_id: String,
        debtor_iban: String,
        debtor_address: String,
    },
}

impl ProviderAccess {
    /// Reads the secret's JSON.
    ///
    /// # Errors
    /// [`CredentialsError::Malformed`] with the member that is missing, unknown or not fit for a URL or a header.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        // serde's own words may quote a value, which here is a secret.
        let written = serde_json::from_str(text).map_err(|error| {
            let what = error.to_string();
            let named = what.split('`').nth(1).filter(|_| what.contains("field"));
            let named = named.map_or("not JSON of a known provider".to_owned(), |name| {
                format!("member {name} is missing or unknown")
            });
            CredentialsError::Malformed(named)
        })?;
        match written {
            Written::Modulr { base_url, key_id, hmac_secret, algorithm, source_account_id } => {
                let access = ModulrAccess {
                    base_url: base(base_url)?,
                    key_id: token("keyId", key_id)?,
                    hmac_secret: Secret::new(hmac_secret),
                    algorithm,
                    source_account_id: name("sourceAccountId", source_account_id)?,
                };
                Ok(Self::Modulr(access))
            }
            Written::ClearBank {
                base_url,
                token: bearer,
                private_key,
                account_id,
                debtor_iban,
                debtor_address,
            } => {
                let access = ClearBankAccess {
                    base_url: base(base_url)?,
                    token: Secret::new(token("token", bearer)?),
                    private_key: Secret::new(private_key),
                    account_id: name("accountId", account_id)?,
                    debtor_iban: name("debtorIban", debtor_iban)?,
                    debtor_address,
                };
                Ok(Self::ClearBank(access))
            }
        }
    }
}

fn base(url: String) -> Result<String, CredentialsError> {
    let wrong = || CredentialsError::Malformed("baseUrl must be an http(s) URL".to_owned());
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@".contains(&byte))
    };
    // Whether plain HTTP may be used is the client's question: it knows loopback addresses.
    if rest.is_some_and(plain) { Ok(url.trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

/// Goes into a header's quotes.
fn token(member: &str, text: String) -> Result<String, CredentialsError> {
    let good = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
    if !text.is_empty() && text.bytes().all(good) {
        Ok(text)
    } else {
        Err(CredentialsError::Malformed(format!("member {member} has characters of no token")))
    }
}

/// Goes into a URL.
fn name(member: &str, text: String) -> Result<String, CredentialsError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        Ok(text)
    } else {
        Err(CredentialsError::Malformed(format!("member {member} must be letters and digits")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULR: &str = r#"{"provider":"modulr","baseUrl":"https://api.example/api/","keyId":"K1",
        "hmacSecret":"s3cret","sourceAccountId":"A123AAA4"}"#;
    const CLEAR_BANK: &str = r#"{"provider":"clearbank","baseUrl":"http://127.0.0.1:9/clearbank","token":"t0ken",
        "privateKey":"k3y","accountId":"3dca-1","debtorIban":"GB29NWBK60161331926819","debtorAddress":"UK, London"}"#;

    #[test]
    fn secrets_are_read_and_not_shown() {
        let modulr = ProviderAccess::parse(MODULR).unwrap();
        let shown = format!("{modulr:?} {:?}", ProviderAccess::parse(CLEAR_BANK).unwrap());
        for secret in ["s3cret", "t0ken", "k3y"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let ProviderAccess::Modulr(access) = modulr else { panic!("{modulr:?}") };
        assert_eq!(access.base_url, "https://api.example/api");
        assert_eq!(access.algorithm, SignatureAlgorithm::HmacSha1);
        let other = MODULR.replace("\"keyId\"", "\"algorithm\":\"hmac-sha512\",\"keyId\"");
        let ProviderAccess::Modulr(access) = ProviderAccess::parse(&other).unwrap() else {
            panic!("{other}")
        };
        assert_eq!(access.algorithm, SignatureAlgorithm::HmacSha512);
    }

    #[test]
    fn a_wrong_secret_names_the_member_and_no_value() {
        for (text, words) in [
            (MODULR.replace("keyId", "keyID"), "member keyID is missing or unknown"),
            (MODULR.replace(r#""keyId":"K1","#, ""), "member keyId is missing or unknown"),
            (MODULR.replace("modulr", "s3cret"), "not JSON of a known provider"),
            ("s3cret".to_owned(), "not JSON of a known provider"),
            (MODULR.replace("https://", "s3cret://"), "baseUrl must be an http(s) URL"),
            (MODULR.replace("api.example", "a@b"), "baseUrl must be an http(s) URL"),
            (MODULR.replace("K1", "s3\\\"cret"), "member keyId has characters of no token"),
            (
                MODULR.replace("A123AAA4", "s3cret/"),
                "member sourceAccountId must be letters and digits",
            ),
        ] {
            let error = ProviderAccess::parse(&text).unwrap_err().to_string();
            assert_eq!(error, format!("the secret is not a provider's: {words}"));
            assert!(!error.contains("s3"), "{error}");
        }
    }
}
