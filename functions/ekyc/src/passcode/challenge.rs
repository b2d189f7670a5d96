//! What a passcode is bound to, and the value that is stored in its place.
//!
//! The stored text is `<key id>.<code>`, for example `data-00000001.9f…` with 64 hexadecimal digits. Changing the
//! encoding of the message below makes every live code fail, so a test fixes it.

use std::fmt;
use std::sync::Arc;

use crypto::{CryptoError, KeyId, KeyRing, Scope};
use domain::ekyc::Method;
use domain::ids::{AuthId, PartnerId};
use domain::time::Random;

use super::Passcode;

/// What the keys are derived for.
const CONTEXT: &str = "ekyc passcode";

/// Everything that a code confirms. `destination` is the blind index of where it was sent, so that a stored challenge can
/// be checked without opening the destination.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the parts say so by their types")]
pub struct Challenge<'a> {
    pub auth: AuthId,
    pub partner: PartnerId,
    pub purpose: Method,
    pub destination: &'a str,
}

/// Draws codes and knows them again.
#[derive(Clone)]
pub struct Passcodes {
    pub(super) ring: Arc<KeyRing>,
    pub(super) random: Arc<dyn Random>,
}

impl fmt::Debug for Passcodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passcodes")
    }
}

/// Why a code could not be protected or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasscodeError {
    /// The stored text was not written by this module.
    #[error("a stored passcode is not as written")]
    Malformed,
    /// The keys could not be had.
    #[error("the passcode keys failed")]
    Crypto(#[from] CryptoError),
}

impl Passcodes {
    /// The text to store for a code: what [`Self::matches`] needs, and nothing that the code could be read from.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn protect(
        &self,
        challenge: &Challenge<'_>,
        code: &Passcode,
    ) -> Result<String, PasscodeError> {
        let message = message(challenge, code.reveal());
        let (key, tag) = self.ring.authenticate(Scope::Passcodes, CONTEXT, &message).await?;
        Ok(format!("{key}.{}", hex::encode(tag)))
    }

    /// The text to store where no code is right: of the same form, and of a secret that nobody knows.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn unmatchable(&self, challenge: &Challenge<'_>) -> Result<String, PasscodeError> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        self.random.fill(secret.as_mut_slice());
        // Longer than any code, so that no code has this message.
        let message = message(challenge, &hex::encode(secret.as_slice()));
        let (key, tag) = self.ring.authenticate(Scope::Passcodes, CONTEXT, &message).await?;
        Ok(format!("{key}.{}", hex::encode(tag)))
    }

    /// Whether `code` is the one that was protected for this challenge. Nothing but the lengths shows in the time it takes.
    ///
    /// # Errors
    /// When the keys cannot be had, or the stored text is foreign.
    pub async fn matches(
        &self,
        challenge: &Challenge<'_>,
        code: &Passcode,
        stored: &str,
    ) -> Result<bool, PasscodeError> {
        let (key, tag) = stored.split_once('.').ok_or(PasscodeError::Malformed)?;
        let key = KeyId::parse(key).ok_or(PasscodeError::Malformed)?;
        let tag = hex::decode(tag).map_err(|_| PasscodeError::Malformed)?;
        let message = message(challenge, code.reveal());
        Ok(self.ring.verifies(Scope::Passcodes, key, CONTEXT, &message, &tag).await?)
    }
}

/// Every part with its length, so that no two challenges share a message. Wiped, because it ends with the code.
fn message(challenge: &Challenge<'_>, code: &str) -> zeroize::Zeroizing<Vec<u8>> {
    let Challenge { auth, partner, purpose, destination } = challenge;
    let (auth, partner) = (auth.to_string(), partner.to_string());
    let parts = [auth.as_str(), &partner, purpose.as_str(), destination, code];
    let length = parts.iter().map(|part| part.len() + 8).sum();
    let mut message = zeroize::Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part.as_bytes());
    }
    message
}

#[cfg(test)]
mod tests {
    use crypto::test_support::{MemoryKeys, MemoryWrapper};
    use domain::time::{FixedClock, SequenceRandom};
    use jiff::SignedDuration;

    use super::*;

    const AUTH: &str = "0190b2c4-0000-7000-8000-000000000001";
    const OTHER: &str = "0190b2c4-0000-7000-8000-000000000002";

    struct House {
        wrapper: Arc<MemoryWrapper>,
        keys: Arc<MemoryKeys>,
        clock: Arc<FixedClock>,
    }

    impl House {
        fn new() -> Self {
            let clock = Arc::new(FixedClock::at_text("2026-03-01T09:00:00Z"));
            Self { wrapper: Arc::default(), keys: Arc::default(), clock }
        }

        fn ring(&self) -> Arc<KeyRing> {
            let random: Arc<SequenceRandom> = Arc::default();
            Arc::new(KeyRing::new(
                self.wrapper.clone(),
                self.keys.clone(),
                self.clock.clone(),
                random,
            ))
        }

        fn passcodes(&self) -> Passcodes {
            Passcodes::new(self.ring(), Arc::new(SequenceRandom::default()))
        }
    }

    fn challenge(destination: &str) -> Challenge<'_> {
        Challenge {
            auth: AuthId::parse(AUTH).unwrap(),
            partner: PartnerId::parse(AUTH).unwrap(),
            purpose: Method::Otp,
            destination,
        }
    }

    #[tokio::test]
    async fn a_code_confirms_its_own_challenge_and_no_other() {
        let passcodes = House::new().passcodes();
        let code = Passcode::parse("012345").unwrap();
        let own = challenge("index-1");
        let stored = passcodes.protect(&own, &code).await.unwrap();
        assert!(passcodes.matches(&own, &code, &stored).await.unwrap());

        let auth = AuthId::parse(OTHER).unwrap();
        let partner = PartnerId::parse(OTHER).unwrap();
        for moved in [
            Challenge { auth, ..own },
            Challenge { partner, ..own },
            Challenge { purpose: Method::PennyDrop, ..own },
            Challenge { destination: "index-2", ..own },
        ] {
            assert!(!passcodes.matches(&moved, &code, &stored).await.unwrap(), "{moved:?}");
        }
        for wrong in ["012346", "12345", "0123450", "112345"] {
            let wrong = Passcode::parse(wrong).unwrap();
            assert!(!passcodes.matches(&own, &wrong, &stored).await.unwrap());
        }
    }

    #[tokio::test]
    async fn the_code_does_not_show_in_what_is_stored() {
        let passcodes = House::new().passcodes();
        let code = Passcode::parse("012345").unwrap();
        let stored = passcodes.protect(&challenge("index-1"), &code).await.unwrap();
        let (key, tag) = stored.split_once('.').unwrap();
        assert_eq!((key, tag.len()), ("data-00000001", 64));
        assert!(!tag.contains("012345"));
        // Another challenge with the same code has nothing in common with it.
        let other = Challenge { auth: AuthId::parse(OTHER).unwrap(), ..challenge("index-1") };
        assert_ne!(passcodes.protect(&other, &code).await.unwrap(), stored);
    }

    #[tokio::test]
    async fn live_codes_outlive_a_rotation() {
        let house = House::new();
        let passcodes = house.passcodes();
        let (own, code) = (challenge("index-1"), Passcode::parse("012345").unwrap());
        let before = passcodes.protect(&own, &code).await.unwrap();
        house.ring().add_data_key(Scope::Passcodes).await.unwrap();
        house.clock.advance(SignedDuration::from_hours(2));
        let after = passcodes.protect(&own, &code).await.unwrap();
        assert!(after.starts_with("data-00000002."), "the new key protects new codes");
        for stored in [&before, &after] {
            assert!(passcodes.matches(&own, &code, stored).await.unwrap());
        }
    }

    #[tokio::test]
    async fn what_this_module_did_not_write_is_an_error_and_no_answer() {
        let passcodes = House::new().passcodes();
        let (own, code) = (challenge("index-1"), Passcode::parse("012345").unwrap());
        let stored = passcodes.protect(&own, &code).await.unwrap();
        for foreign in ["", "data-00000001", "data-1.00", "index.00", "data-00000001.zz"] {
            let answer = passcodes.matches(&own, &code, foreign).await;
            assert!(matches!(answer, Err(PasscodeError::Malformed)), "{foreign}");
        }
        let unknown = stored.replace("data-00000001", "data-00000007");
        let answer = passcodes.matches(&own, &code, &unknown).await;
        assert!(matches!(answer, Err(PasscodeError::Crypto(_))));
        // A shortened value never matches.
        assert!(!passcodes.matches(&own, &code, "data-00000001.").await.unwrap());
    }

    #[tokio::test]
    async fn nothing_matches_what_is_unmatchable() {
        let passcodes = House::new().passcodes();
        let own = challenge("index-1");
        let stored = passcodes.unmatchable(&own).await.unwrap();
        assert_eq!(stored.len(), passcodes.protect(&own, &passcodes.draw(6)).await.unwrap().len());
        for code in ["0000", "012345", "9999999999"] {
            let code = Passcode::parse(code).unwrap();
            assert!(!passcodes.matches(&own, &code, &stored).await.unwrap());
        }
        assert_ne!(passcodes.unmatchable(&own).await.unwrap(), stored);
    }

    /// Live codes depend on it.
    #[test]
    fn the_message_is_fixed() {
        let message = message(&challenge("index-1"), "012345");
        let digest = hex::encode(crypto::sha256(&message));
        assert_eq!(message.len(), 5 * 8 + 36 + 36 + 3 + 7 + 6);
        assert_eq!(digest, "555809ef4da302fb4a20bb896577cdfdb27292eb924596b16875e3df799af98c");
    }
}
