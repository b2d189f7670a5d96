//! The bytes of a sealed value, and AES-256-GCM over them.
//!
//! Format, version 1: `01 ‖ key number (4, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. The header, the
//! scope and the caller's associated data are all authenticated, so no part can be exchanged.
//!
//! Nonces are random. NIST SP 800-38D §8.3 allows 2³² random nonces per key; data keys are per partner and are
//! to be rotated long before (docs on rotation: [`crate::KeyRing::add_data_key`]).

use std::fmt;

use aws_lc_rs::aead;
use domain::time::Random;

use crate::aad::Aad;
use crate::error::CryptoError;
use crate::scope::{KeyId, Purpose, Scope};
use crate::secret::Secret;

const VERSION: u8 = 1;
const HEADER: usize = 5;
const NONCE: usize = aead::NONCE_LEN;
const TAG: usize = 16;

/// A sealed value, well-formed but not yet proven genuine.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Reads stored bytes.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] or [`CryptoError::UnknownVersion`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, CryptoError> {
        match bytes.first() {
            Some(&VERSION) if bytes.len() >= HEADER + NONCE + TAG => {}
            Some(&VERSION) | None => return Err(CryptoError::Malformed),
            Some(&other) => return Err(CryptoError::UnknownVersion(other)),
        }
        let sealed = Self(bytes);
        if sealed.number() == 0 { Err(CryptoError::Malformed) } else { Ok(sealed) }
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The key it was sealed with: what a re-encryption after a rotation looks at.
    #[must_use]
    pub fn key(&self) -> KeyId {
        KeyId::data(self.number())
    }

    fn number(&self) -> u32 {
        self.0[1..HEADER].iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.key(), self.0.len())
    }
}

fn bound_to(header: &[u8], scope: Scope, aad: &Aad) -> Vec<u8> {
    let scope = scope.to_string();
    let mut bytes = Vec::with_capacity(header.len() + 8 + scope.len() + aad.bytes().len());
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(&(scope.len() as u64).to_be_bytes());
    bytes.extend_from_slice(scope.as_bytes());
    bytes.extend_from_slice(aad.bytes());
    bytes
}

fn cipher(key: &[u8; 32]) -> Result<aead::LessSafeKey, CryptoError> {
    aead::UnboundKey::new(&aead::AES_256_GCM, key)
        .map(aead::LessSafeKey::new)
        .map_err(|_| CryptoError::Refused)
}

pub(crate) fn seal(
    key: &[u8; 32],
    id: KeyId,
    scope: Scope,
    aad: &Aad,
    plain: &[u8],
    random: &dyn Random,
) -> Result<Sealed, CryptoError> {
    debug_assert_eq!(id.purpose(), Purpose::Data, "index keys seal nothing");
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce);
    let mut bytes = Vec::with_capacity(HEADER + NONCE + plain.len() + TAG);
    bytes.push(VERSION);
    bytes.extend_from_slice(&id.number().to_be_bytes());
    let bound = bound_to(&bytes, scope, aad);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(plain);
    let tag = cipher(key)?
        .seal_in_place_separate_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(bound),
            &mut bytes[HEADER + NONCE..],
        )
        .map_err(|_| CryptoError::TooLarge)?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(Sealed(bytes))
}

pub(crate) fn open(
    key: &[u8; 32],
    scope: Scope,
    aad: &Aad,
    sealed: &Sealed,
) -> Result<Secret<Vec<u8>>, CryptoError> {
    let bytes = &sealed.0;
    let nonce = aead::Nonce::try_assume_unique_for_key(&bytes[HEADER..HEADER + NONCE])
        .map_err(|_| CryptoError::Malformed)?;
    let (body, tag) = bytes[HEADER + NONCE..].split_at(bytes.len() - HEADER - NONCE - TAG);
    let mut plain = vec![0; body.len()];
    cipher(key)?
        .open_separate_gather(
            nonce,
            aead::Aad::from(bound_to(&bytes[..HEADER], scope, aad)),
            body,
            tag,
            &mut plain,
        )
        .map_err(|_| CryptoError::Refused)?;
    Ok(Secret::new(plain))
}

#[cfg(test)]
mod tests {
    use domain::ids::PartnerId;
    use domain::time::SequenceRandom;
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const OTHER: [u8; 32] = [8; 32];

    fn partner(last: char) -> Scope {
        let text = format!("11111111-2222-3333-4444-55555555555{last}");
        Scope::Partner(PartnerId::parse(&text).unwrap())
    }

    fn sealed(plain: &[u8]) -> Sealed {
        let aad = Aad::of(&["customer", "1", "taxId"]);
        seal(&KEY, KeyId::data(3), partner('5'), &aad, plain, &SequenceRandom::default()).unwrap()
    }

    /// The cipher underneath is the one we think it is: NIST's GCM test case 16 (256-bit key, 160-bit AAD).
    #[test]
    fn aes_256_gcm_gives_the_published_answer() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        let key: [u8; 32] =
            bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
                .try_into()
                .unwrap();
        let nonce: [u8; 12] = bytes("cafebabefacedbaddecaf888").try_into().unwrap();
        let mut text = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let tag = cipher(&key)
            .unwrap()
            .seal_in_place_separate_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")),
                &mut text,
            )
            .unwrap();
        assert_eq!(
            hex::encode(text),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        );
        assert_eq!(hex::encode(tag.as_ref()), "76fc6ece0f4e1768cddf8853bb2d551b");
    }

    #[test]
    fn the_format_is_fixed() {
        let sealed = sealed(b"900112222");
        assert_eq!(sealed.as_bytes().len(), 5 + 12 + 9 + 16);
        assert_eq!(&sealed.as_bytes()[..5], &[1, 0, 0, 0, 3]);
        assert_eq!(sealed.key(), KeyId::data(3));
        assert_eq!(format!("{sealed:?}"), "Sealed(data-00000003, 42 bytes)");
    }

    #[test]
    fn the_plaintext_is_not_in_the_bytes_and_nonces_differ() {
        let random = SequenceRandom::default();
        let aad = Aad::of(&["x"]);
        let one = seal(&KEY, KeyId::FIRST_DATA, Scope::Global, &aad, &[0; 64], &random).unwrap();
        let two = seal(&KEY, KeyId::FIRST_DATA, Scope::Global, &aad, &[0; 64], &random).unwrap();
        assert_ne!(one, two);
        assert!(!one.as_bytes().windows(16).any(|window| window == [0; 16]));
    }

    #[test]
    fn any_changed_byte_is_refused() {
        let original = sealed(b"900112222");
        let aad = Aad::of(&["customer", "1", "taxId"]);
        for position in 1..original.as_bytes().len() {
            let mut bytes = original.as_bytes().to_vec();
            bytes[position] ^= 1;
            let Ok(changed) = Sealed::parse(bytes) else { continue };
            let answer = open(&KEY, partner('5'), &aad, &changed);
            assert!(matches!(answer, Err(CryptoError::Refused)), "byte {position}");
        }
    }

    #[test]
    fn another_place_scope_or_key_is_refused() {
        let original = sealed(b"900112222");
        let aad = Aad::of(&["customer", "1", "taxId"]);
        assert_eq!(
            open(&KEY, partner('5'), &aad, &original).unwrap().reveal().as_slice(),
            b"900112222"
        );
        let elsewhere = Aad::of(&["customer", "2", "taxId"]);
        let refused = [
            open(&KEY, partner('5'), &elsewhere, &original),
            open(&KEY, partner('6'), &aad, &original),
            open(&KEY, Scope::Global, &aad, &original),
            open(&OTHER, partner('5'), &aad, &original),
        ];
        for answer in refused {
            assert!(matches!(answer, Err(CryptoError::Refused)));
        }
    }

    #[test]
    fn foreign_bytes_are_not_sealed_values() {
        let short = vec![1; HEADER + NONCE + TAG - 1];
        assert!(matches!(Sealed::parse(vec![]), Err(CryptoError::Malformed)));
        assert!(matches!(Sealed::parse(short), Err(CryptoError::Malformed)));
        assert!(matches!(Sealed::parse(vec![2; 64]), Err(CryptoError::UnknownVersion(2))));
        let mut nameless = sealed(b"x").into_bytes();
        nameless[1..5].fill(0);
        assert!(matches!(Sealed::parse(nameless), Err(CryptoError::Malformed)));
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(plain in prop::collection::vec(any::<u8>(), 0..300), parts in prop::collection::vec("[a-z0-9]{0,12}", 0..4), number in 1_u32..) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let aad = Aad::of(&parts);
            let sealed = seal(&KEY, KeyId::data(number), partner('5'), &aad, &plain, &SequenceRandom::default()).unwrap();
            let stored = Sealed::parse(sealed.into_bytes()).unwrap();
            prop_assert_eq!(stored.key(), KeyId::data(number));
            let opened = open(&KEY, partner('5'), &aad, &stored).unwrap();
            prop_assert_eq!(opened.reveal(), &plain);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(sealed) = Sealed::parse(bytes) {
                prop_assert!(open(&KEY, Scope::Global, &Aad::of(&[]), &sealed).is_err());
            }
        }
    }
}
