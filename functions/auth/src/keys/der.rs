//! The two DER structures that KMS speaks, read strictly.
//!
//! Invariant: exactly the encodings of P-256 are accepted, without trailing bytes; anything else is an error, never a
//! guess.

/// The length of a coordinate, of `r` and of `s` on P-256.
pub const FIELD: usize = 32;

/// SubjectPublicKeyInfo of an uncompressed point on P-256 (RFC 5480 §2.1.1.1, §2.2) up to the coordinates.
const P256_SPKI: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// DER that is not what P-256 gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the DER of {0}")]
pub struct UnexpectedDer(&'static str);

/// The coordinates of a public key.
///
/// # Errors
/// [`UnexpectedDer`] for any other key.
pub fn public_point(spki: &[u8]) -> Result<([u8; FIELD], [u8; FIELD]), UnexpectedDer> {
    let unexpected = UnexpectedDer("a P-256 public key");
    let point = spki.strip_prefix(&P256_SPKI).ok_or(unexpected)?;
    let (x, y) = point.split_at_checked(FIELD).ok_or(unexpected)?;
    Ok((x.try_into().map_err(|_| unexpected)?, y.try_into().map_err(|_| unexpected)?))
}

/// `r ‖ s` as JWS wants it (RFC 7518 §3.4), from the `SEQUENCE { r INTEGER, s INTEGER }` of X9.62.
///
/// # Errors
/// [`UnexpectedDer`] for anything else.
pub fn raw_signature(der: &[u8]) -> Result<[u8; 2 * FIELD], UnexpectedDer> {
    let unexpected = UnexpectedDer("an ECDSA signature");
    let (body, rest) = value(der, 0x30).ok_or(unexpected)?;
    let (r, tail) = value(body, 0x02).ok_or(unexpected)?;
    let (s, end) = value(tail, 0x02).ok_or(unexpected)?;
    if !rest.is_empty() || !end.is_empty() {
        return Err(unexpected);
    }
    let mut raw = [0; 2 * FIELD];
    let (left, right) = raw.split_at_mut(FIELD);
    unsigned(r, left).ok_or(unexpected)?;
    unsigned(s, right).ok_or(unexpected)?;
    Ok(raw)
}

/// The contents of the first element if it has this tag and a short length, and what follows it. A P-256 signature
/// has at most 70 bytes of contents, so the long form never occurs.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    match der {
        [found, length @ 0..0x80, rest @ ..] if *found == tag => {
            rest.split_at_checked(usize::from(*length))
        }
        _ => None,
    }
}

/// Right-aligns a positive, minimal INTEGER.
fn unsigned(integer: &[u8], field: &mut [u8]) -> Option<()> {
    let digits = match integer {
        // A leading zero only where the next bit would read as a sign.
        [0, next, ..] if *next >= 0x80 => &integer[1..],
        [first, ..] if (1..0x80).contains(first) => integer,
        _ => return None,
    };
    let start = field.len().checked_sub(digits.len())?;
    field[start..].copy_from_slice(digits);
    Some(())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    use proptest::prelude::*;

    use super::*;

    fn der_of(r: &[u8; FIELD], s: &[u8; FIELD]) -> Vec<u8> {
        let integer = |field: &[u8]| {
            let digits: Vec<u8> = field.iter().copied().skip_while(|byte| *byte == 0).collect();
            let sign = digits.first().is_some_and(|byte| *byte >= 0x80);
            let mut der = vec![2, u8::try_from(digits.len() + usize::from(sign)).unwrap()];
            der.extend(sign.then_some(0));
            der.extend(digits);
            der
        };
        let body = [integer(r), integer(s)].concat();
        [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
    }

    proptest! {
        #[test]
        fn a_signature_of_any_size_keeps_its_numbers(r: [u8; FIELD], s: [u8; FIELD], short in 0_usize..31) {
            let (mut r, mut s) = (r, s);
            r[..short].fill(0);
            r[31] |= 1;
            s[31] |= 1;
            let raw = raw_signature(&der_of(&r, &s)).unwrap();
            prop_assert_eq!(&raw[..FIELD], &r);
            prop_assert_eq!(&raw[FIELD..], &s);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = raw_signature(&bytes);
            let _ = public_point(&bytes);
        }
    }

    #[test]
    fn real_signatures_are_read() {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        for number in 0..200_u32 {
            let der = pair.sign(&random, &number.to_be_bytes()).unwrap();
            let raw = raw_signature(der.as_ref()).unwrap();
            let (r, s) = raw.split_at(FIELD);
            assert_eq!(der_of(r.try_into().unwrap(), s.try_into().unwrap()), der.as_ref());
        }
    }

    #[test]
    fn other_der_is_refused() {
        let (r, s) = ([0x11; FIELD], [0x22; FIELD]);
        let good = der_of(&r, &s);
        let mut trailing = good.clone();
        trailing.push(0);
        let cases: [&[u8]; 9] = [
            &[],
            &[0x30],
            &[0x30, 0],
            &good[..good.len() - 1],
            &trailing,
            &[0x30, 6, 2, 1, 0, 2, 1, 1],       // zero
            &[0x30, 6, 2, 1, 0x80, 2, 1, 1],    // negative
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 1],    // not minimal
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1], // long length
        ];
        for der in cases {
            assert_eq!(raw_signature(der), Err(UnexpectedDer("an ECDSA signature")), "{der:02x?}");
        }
        let long = [vec![0x30, 38, 2, 33, 1], vec![0; 32], vec![2, 1, 1]].concat();
        assert!(raw_signature(&long).is_err());
    }

    #[test]
    fn only_p256_keys_have_a_point() {
        let spki = [P256_SPKI.as_slice(), &[1; FIELD], &[2; FIELD]].concat();
        assert_eq!(public_point(&spki), Ok(([1; FIELD], [2; FIELD])));
        assert!(public_point(&spki[..90]).is_err());
        assert!(public_point(&[spki.as_slice(), &[0]].concat()).is_err());
        let mut other = spki.clone();
        other[22] = 8; // another curve's identifier
        assert!(public_point(&other).is_err());
    }
}
