//! HTTP Basic credentials of a registration.
//!
//! Invariant: they are in the clear only between the request that brings them and the seal, and between the opened seal
//! and the header of one delivery. They are sealed for their partner and bound to their registration, so a sealed value
//! copied to another registration does not open there. No answer ever holds them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{Aad, CryptoError, KeyRing, Scope, Sealed, Secret};
use domain::ids::{PartnerId, RegistrationId};
use domain::problem::Problem;
use http::HeaderValue;
use store::webhooks::{Registration, SealedBytes};

/// The contract's limit for each of the two.
const MAX: usize = 255;

/// A user name and a password, as `user:password`.
#[derive(Debug, Clone)]
pub struct Credentials(Secret<String>);

/// Reads a user name: no colon, which is what ends it on the wire (RFC 7617 §2).
///
/// # Errors
/// [`Problem`].
pub fn username(text: &str) -> Result<&str, Problem> {
    if text.contains(':') {
        return Err(Problem::Malformed { expected: "a user name without a colon" });
    }
    password(text)
}

/// Reads a password.
///
/// # Errors
/// [`Problem`].
pub fn password(text: &str) -> Result<&str, Problem> {
    if text.chars().count() > MAX {
        return Err(Problem::TooLong { max: MAX });
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::Malformed { expected: "text without control characters" });
    }
    Ok(text)
}

fn aad(registration: RegistrationId) -> Aad {
    Aad::of(&["webhook-registration", &registration.to_string(), "credentials"])
}

impl Credentials {
    /// The two parts, which were read by [`username`] and [`password`].
    #[must_use]
    pub fn new(username: &str, password: &str) -> Self {
        Self(Secret::new(format!("{username}:{password}")))
    }

    /// Seals them for a registration.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub async fn seal(
        &self,
        keys: &KeyRing,
        partner: PartnerId,
        registration: RegistrationId,
    ) -> Result<SealedBytes, CryptoError> {
        let plain = self.0.reveal().as_bytes();
        let sealed = keys.seal(Scope::Partner(partner), &aad(registration), plain).await?;
        Ok(SealedBytes(sealed.into_bytes()))
    }
}

/// The `Authorization` header of a registration's deliveries, if it has credentials.
///
/// # Errors
/// [`CryptoError`].
pub async fn authorization(
    keys: &KeyRing,
    registration: &Registration,
) -> Result<Option<HeaderValue>, CryptoError> {
    let Some(SealedBytes(bytes)) = &registration.credentials else { return Ok(None) };
    let sealed = Sealed::parse(bytes.clone())?;
    let scope = Scope::Partner(registration.partner);
    let plain = keys.open(scope, &aad(registration.id), &sealed).await?;
    let text = Secret::new(format!("Basic {}", STANDARD.encode(plain.reveal())));
    // Base64 has no character that a header refuses.
    let mut header = HeaderValue::from_str(text.reveal()).map_err(|_| CryptoError::Malformed)?;
    header.set_sensitive(true);
    Ok(Some(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_basic_authentication_cannot_carry_is_refused() {
        assert_eq!(username("user"), Ok("user"));
        assert!(username("us:er").is_err());
        assert_eq!(password("pa:ss wörd"), Ok("pa:ss wörd"));
        assert!(password("pa\nss").is_err());
        assert_eq!(password(&"x".repeat(256)), Err(Problem::TooLong { max: 255 }));
        assert!(password(&"ä".repeat(255)).is_ok());
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", Credentials::new("user", "hunter2")).contains("hunter2"));
    }
}
