//! Client secrets: made by us, stored as peppered digests.
//!
//! A password needs a slow hash because people choose guessable ones. These secrets are 256 random bits that a machine
//! made and a machine presents, so guessing is hopeless at any hashing speed, and HMAC-SHA-256 under a key that only
//! KMS can unwrap (the pepper, from the key ring's global scope) is enough: a dump of the table allows not even a
//! check of a guess. It also keeps the token endpoint fast, which a slow hash would turn into a lever for overload.
//!
//! Invariant: the digest covers the client's id, so a digest copied to another client's row is worthless there.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{BlindIndex, IndexKind, ScopeKeys, Secret};
use domain::time::Random;
use zeroize::Zeroizing;

/// Says in a leaked file or log what it is, so that secret scanners find it.
const PREFIX: &str = "ghs_";

/// A new secret: 256 bits straight from the operating system's generator.
#[must_use]
pub fn generate(random: &dyn Random) -> Secret<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(bytes.as_mut_slice());
    let mut text = String::with_capacity(PREFIX.len() + 43);
    text.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
    Secret::new(text)
}

/// The digest that is stored, and compared with what is stored.
#[must_use]
pub fn digest(keys: &ScopeKeys, client: &str, secret: &Secret<String>) -> BlindIndex {
    let mut value = Zeroizing::new(Vec::with_capacity(8 + client.len() + secret.reveal().len()));
    value.extend_from_slice(&(client.len() as u64).to_be_bytes());
    value.extend_from_slice(client.as_bytes());
    value.extend_from_slice(secret.reveal().as_bytes());
    keys.blind_index(IndexKind::CLIENT_SECRET, &value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::House;

    #[tokio::test]
    async fn a_digest_belongs_to_one_client_and_one_secret() {
        let house = House::new();
        let keys = house.ring().keys(crypto::Scope::Global).await.unwrap();
        let (one, two) = (generate(&*house.random), generate(&*house.random));
        let base = digest(&keys, "client-1", &one);
        assert_eq!(base, digest(&keys, "client-1", &one));
        assert_ne!(base, digest(&keys, "client-2", &one));
        assert_ne!(base, digest(&keys, "client-1", &two));
        assert!(!base.as_str().contains(one.reveal().as_str()));
    }

    #[test]
    fn a_secret_has_256_bits_in_characters_that_no_form_escapes() {
        let house = House::new();
        let secret = generate(&*house.random);
        let body = secret.reveal().strip_prefix("ghs_").unwrap();
        assert_eq!(body.len(), 43);
        assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_ne!(secret.reveal(), generate(&*house.random).reveal());
    }
}
