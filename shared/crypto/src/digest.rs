//! Digests, message authentication codes and key derivation.
//!
//! Invariant: comparisons of secret values go through [`constant_time_eq`]; several parts are hashed only with
//! their lengths, so that moving a boundary changes the digest.

use aws_lc_rs::{constant_time, digest, hkdf, hmac};
use zeroize::Zeroizing;

/// The length of every digest here.
pub const LENGTH: usize = 32;

fn thirty_two(bytes: &[u8]) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    out.copy_from_slice(bytes);
    out
}

/// SHA-256 of the whole input.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; LENGTH] {
    thirty_two(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 of a list of parts, each preceded by its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn sha256_of_parts(parts: &[&[u8]]) -> [u8; LENGTH] {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update(&(part.len() as u64).to_be_bytes());
        sum.update(part);
    }
    sum.finish()
}

/// SHA-256 of input that arrives in pieces.
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Nothing hashed yet.
    #[must_use]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> [u8; LENGTH] {
        thirty_two(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

/// HMAC-SHA-256 (RFC 2104).
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; LENGTH] {
    thirty_two(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA-256 (RFC 5869): a key of `N` bytes (at most 8160) for the purpose that `info` names.
#[must_use]
pub fn hkdf_sha256<const N: usize>(key: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * LENGTH, "RFC 5869 §2.3 gives no more than 255 blocks") };
    let mut out = Zeroizing::new([0; N]);
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    #[expect(clippy::expect_used, reason = "the only refusal is a length above the one asserted")]
    extracted
        .expand(&[info], Length(N))
        .and_then(|expanded| expanded.fill(out.as_mut_slice()))
        .expect("a length within RFC 5869's limit");
    out
}

/// Whether two byte strings are the same, in a time that depends on their lengths alone.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    #[test]
    fn sha256_of_abc() {
        // FIPS 180-4, the example of one block.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(sha256(b"abc")), expected);
        let mut pieces = Sha256::default();
        pieces.update(b"a");
        pieces.update(b"bc");
        assert_eq!(hex::encode(pieces.finish()), expected);
    }

    #[test]
    fn parts_keep_their_boundaries() {
        assert_ne!(sha256_of_parts(&[b"ab", b"c"]), sha256_of_parts(&[b"a", b"bc"]));
        assert_ne!(sha256_of_parts(&[b"ab"]), sha256_of_parts(&[b"ab", b""]));
        assert_eq!(sha256_of_parts(&[b"ab", b"c"]), sha256_of_parts(&[b"ab", b"c"]));
    }

    #[test]
    fn hmac_of_rfc_4231() {
        let long_key = [0xaa; 131];
        let cases: [(&[u8], &[u8], &str); 4] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &long_key,
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hex::encode(hmac_sha256(key, message)), expected);
        }
    }

    #[test]
    fn hkdf_of_rfc_5869() {
        // Appendix A.1 and A.3 (no salt, no info).
        let derived = hkdf_sha256::<42>(
            &[0x0b; 22],
            &bytes("000102030405060708090a0b0c"),
            &bytes("f0f1f2f3f4f5f6f7f8f9"),
        );
        assert_eq!(
            hex::encode(derived.as_slice()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        let bare = hkdf_sha256::<42>(&[0x0b; 22], b"", b"");
        assert_eq!(
            hex::encode(bare.as_slice()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }

    #[test]
    fn equality_needs_equal_length_and_bytes() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"same", b"same"));
        assert!(!constant_time_eq(b"same", b"some"));
        assert!(!constant_time_eq(b"same", b"same "));
    }
}
