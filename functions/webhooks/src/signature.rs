//! Signing deliveries by the Standard Webhooks scheme (specification 1.0.0, "Signature scheme").
//!
//! Invariant: a secret is in the clear only in the answer that hands it to the partner, and between its opened seal and
//! the signatures of one try. It is sealed for its partner and bound to its registration and generation, so a sealed
//! value copied elsewhere does not open there. What is signed are the exact bytes that are sent, with the time of this
//! try: receivers refuse what is more than five minutes old.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{Aad, CryptoError, KeyRing, Scope, Sealed, Secret, hmac_sha256};
use domain::ids::{EventId, PartnerId, RegistrationId};
use domain::time::Random;
use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use store::webhooks::{Registration, SealedBytes, SigningSecret};

/// The scheme's shortest secret, and base64 of it needs no padding, which people lose when they copy.
const SECRET_BYTES: usize = 24;
/// The mark of a secret in text.
const PREFIX: &str = "whsec_";
/// The mark of a symmetric signature.
const VERSION: &str = "v1";

/// Most secrets that are signed with at once: one header has to hold all their signatures.
pub const MOST_LIVE: usize = 5;

/// The clear bytes of a secret.
#[derive(Debug, Clone)]
pub struct FreshSecret(Secret<Vec<u8>>);

impl FreshSecret {
    /// Draws one.
    #[must_use]
    pub fn draw(random: &dyn Random) -> Self {
        let mut bytes = vec![0; SECRET_BYTES];
        random.fill(&mut bytes);
        Self(Secret::new(bytes))
    }

    /// As receivers' libraries take it. For the one answer that shows it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0.reveal()))
    }

    /// Seals it for a registration.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub async fn seal(
        &self,
        keys: &KeyRing,
        partner: PartnerId,
        registration: RegistrationId,
        generation: u32,
    ) -> Result<SigningSecret, CryptoError> {
        let aad = aad(registration, generation);
        let sealed = keys.seal(Scope::Partner(partner), &aad, self.0.reveal()).await?;
        Ok(SigningSecret { generation, sealed: SealedBytes(sealed.into_bytes()), ends_at: None })
    }
}

fn aad(registration: RegistrationId, generation: u32) -> Aad {
    let (registration, generation) = (registration.to_string(), generation.to_string());
    Aad::of(&["webhook-registration", &registration, "signing-secret", &generation])
}

/// The secrets after a rotation at `now`: the new one first, the earlier ones until the overlap is over or their own
/// end comes, and none that has ended.
#[must_use]
pub fn rotated(
    registration: &Registration,
    fresh: SigningSecret,
    now: Timestamp,
    overlap: SignedDuration,
) -> Vec<SigningSecret> {
    let end = now + overlap;
    let earlier = registration.live_secrets(now).filter(|_| overlap.is_positive()).cloned();
    let ending = earlier.map(|secret| SigningSecret {
        ends_at: Some(secret.ends_at.map_or(end, |own| own.min(end))),
        ..secret
    });
    std::iter::once(fresh).chain(ending).collect()
}

/// The three headers of one try. `None` when the registration has no secret, which its contract does not allow.
///
/// # Errors
/// [`CryptoError`].
pub async fn headers(
    keys: &KeyRing,
    registration: &Registration,
    message: EventId,
    at: Timestamp,
    body: &[u8],
) -> Result<Option<HeaderMap>, CryptoError> {
    let (message, seconds) = (message.to_string(), at.as_second().to_string());
    let mut signatures = Vec::new();
    for secret in registration.live_secrets(at) {
        let aad = aad(registration.id, secret.generation);
        let sealed = Sealed::parse(secret.sealed.0.clone())?;
        let clear = keys.open(Scope::Partner(registration.partner), &aad, &sealed).await?;
        signatures.push(signature(clear.reveal(), &message, &seconds, body));
    }
    if signatures.is_empty() {
        return Ok(None);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", message),
        ("webhook-timestamp", seconds),
        // One space between two signatures: receivers' libraries refuse anything else.
        ("webhook-signature", signatures.join(" ")),
    ] {
        // An id, digits and base64 have no character that a header refuses.
        let value = HeaderValue::from_str(&value).map_err(|_| CryptoError::Malformed)?;
        headers.insert(name, value);
    }
    Ok(Some(headers))
}

fn signature(secret: &[u8], message: &str, seconds: &str, body: &[u8]) -> String {
    let signed = [message.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
    format!("{VERSION},{}", STANDARD.encode(hmac_sha256(secret, &signed)))
}

#[cfg(test)]
mod tests {
    use domain::time::SequenceRandom;
    use store::webhooks::{Format, Phase, RegistrationKind};

    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn the_signature_is_the_one_of_the_published_example() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_is_text_without_padding_and_debug_shows_nothing() {
        let secret = FreshSecret::draw(&SequenceRandom::default());
        let text = secret.text();
        let base64 = text.strip_prefix("whsec_").unwrap();
        assert_eq!((base64.len(), STANDARD.decode(base64).unwrap().len()), (32, 24));
        assert!(!format!("{secret:?}").contains(base64));
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn secret(generation: u32, ends_at: Option<i64>) -> SigningSecret {
        let sealed = SealedBytes(vec![]);
        SigningSecret { generation, sealed, ends_at: ends_at.map(at) }
    }

    fn registration(secrets: Vec<SigningSecret>) -> Registration {
        Registration {
            id: RegistrationId::from(uuid::Uuid::nil()),
            partner: PartnerId::from(uuid::Uuid::nil()),
            event_name: "customer.event.v1".into(),
            kind: RegistrationKind::Push,
            callback_url: None,
            format: Format::Basic,
            credentials: None,
            secret_generation: secrets.first().map_or(0, |newest| newest.generation),
            secrets,
            failing_since: None,
            last_failed_at: None,
            phase: Phase::Active,
            probe: None,
            created_at: at(0),
            modified_at: at(0),
        }
    }

    #[test]
    fn a_rotation_ends_the_earlier_ones_and_never_makes_one_live_longer() {
        let after = |secrets, now, overlap| {
            rotated(
                &registration(secrets),
                secret(9, None),
                at(now),
                SignedDuration::from_secs(overlap),
            )
        };
        assert_eq!(after(vec![secret(1, None)], 10, 100), [secret(9, None), secret(1, Some(110))]);
        assert_eq!(after(vec![secret(1, None)], 10, 0), [secret(9, None)], "a leaked one ends");
        assert_eq!(
            after(vec![secret(3, None), secret(2, Some(50)), secret(1, Some(10))], 10, 100),
            [secret(9, None), secret(3, Some(110)), secret(2, Some(50))],
            "what has ended goes"
        );
    }

    #[tokio::test]
    async fn a_secret_of_another_registration_or_generation_does_not_open() {
        let clock = std::sync::Arc::new(domain::time::FixedClock::at(at(0)));
        let random = std::sync::Arc::new(SequenceRandom::default());
        let keys = crypto::test_support::key_ring(clock, random.clone());
        let own = registration(vec![]);
        let fresh = FreshSecret::draw(&*random);
        let sealed = fresh.seal(&keys, own.partner, own.id, 1).await.unwrap();
        let sign = async |registration: Registration| {
            let event = EventId::from(uuid::Uuid::nil());
            headers(&keys, &registration, event, at(1_614_265_330), b"{}").await
        };
        let signed = sign(registration(vec![sealed.clone()])).await.unwrap().unwrap();
        assert_eq!(signed["webhook-timestamp"], "1614265330");
        let expected =
            signature(fresh.0.reveal(), &uuid::Uuid::nil().to_string(), "1614265330", b"{}");
        assert_eq!(signed["webhook-signature"], expected);
        let other = RegistrationId::from(uuid::Uuid::max());
        assert!(
            sign(Registration { id: other, ..registration(vec![sealed.clone()]) }).await.is_err()
        );
        assert!(sign(registration(vec![SigningSecret { generation: 2, ..sealed }])).await.is_err());
        assert!(sign(own).await.unwrap().is_none());
    }
}
