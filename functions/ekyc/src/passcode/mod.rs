//! One-time passcodes: drawing them, and knowing one again without keeping it.
//!
//! Invariants: digits are uniform and come straight from the generator that was passed in (in a function: the operating
//! system's); a code exists in clear only in memory that is wiped, has no `Display` and a `Debug` without it; what is
//! stored is an HMAC-SHA-256 under a key of `Scope::Passcodes` that names this key, so that codes live through a
//! rotation; the code is bound to its challenge, partner, purpose and destination, so that a stored value moved to
//! another row confirms nothing; comparing takes the same time wherever the first difference is.
//!
//! A code of six digits has 20 bits: anyone who holds the table could try all of them against a plain or salted hash. The
//! key, which is stored wrapped by KMS, is the whole protection.

mod challenge;

use std::fmt;
use std::sync::Arc;

use crypto::KeyRing;
use domain::problem::Problem;
use domain::time::Random;
use zeroize::Zeroizing;

pub use challenge::{Challenge, PasscodeError, Passcodes};

/// The fewest digits that a code may have.
pub const MIN_LENGTH: u8 = 4;
/// The most digits that a code may have.
pub const MAX_LENGTH: u8 = 10;

/// The largest multiple of ten that a byte can hold: bytes from here on would favour the digits 0 to 5.
const UNBIASED: u8 = 250;

/// Digits that prove the possession of a destination. Leading zeros belong to them.
#[derive(Clone)]
pub struct Passcode(Zeroizing<String>);

impl Passcode {
    /// Reads what a customer typed: 4 to 10 ASCII digits and nothing else.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let fits = (usize::from(MIN_LENGTH)..=usize::from(MAX_LENGTH)).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(Problem::Malformed { expected: "a passcode of 4 to 10 digits" })
        }
    }

    /// Draws `length` digits, each of the ten with the same chance. Lengths outside 4 to 10 are brought inside.
    pub(crate) fn draw(length: u8, random: &dyn Random) -> Self {
        let length = usize::from(length.clamp(MIN_LENGTH, MAX_LENGTH));
        // The room is taken at once: a text that grew would leave its beginning behind in freed memory.
        let mut digits = Zeroizing::new(String::with_capacity(length));
        let mut bytes = Zeroizing::new([0; 16]);
        while digits.len() < length {
            random.fill(bytes.as_mut_slice());
            let missing = length - digits.len();
            let fair = bytes.iter().filter(|byte| **byte < UNBIASED).take(missing);
            digits.extend(fair.map(|byte| char::from(b'0' + byte % 10)));
        }
        Self(digits)
    }

    /// How many digits it has.
    #[expect(clippy::len_without_is_empty, reason = "a passcode is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The digits. Only what sends them to the customer, and what computes their code, may ask.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passcode(…)")
    }
}

impl Passcodes {
    /// Passcodes under the keys of `ring`, drawn from `random`. Nothing is called yet.
    #[must_use]
    pub const fn new(ring: Arc<KeyRing>, random: Arc<dyn Random>) -> Self {
        Self { ring, random }
    }

    /// A new code of `length` digits (4 to 10).
    #[must_use]
    pub fn draw(&self, length: u8) -> Passcode {
        Passcode::draw(length, &*self.random)
    }
}

#[cfg(test)]
mod tests {
    use domain::time::SequenceRandom;

    use super::*;

    /// The 99.9th percentile of the chi-square distribution with 9 degrees of freedom.
    const CHI_SQUARE_LIMIT: f64 = 27.88;

    fn chi_square(counts: [u32; 10]) -> f64 {
        let expected = f64::from(counts.iter().sum::<u32>()) / 10.0;
        counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
    }

    fn tally(digits: impl Iterator<Item = u8>) -> [u32; 10] {
        let mut counts = [0; 10];
        for digit in digits {
            counts[usize::from(digit)] += 1;
        }
        counts
    }

    #[test]
    fn digits_are_uniform_at_every_position() {
        let random = SequenceRandom::starting_at(7);
        let codes: Vec<Passcode> = (0..40_000).map(|_| Passcode::draw(6, &random)).collect();
        let digit = |code: &Passcode, place: usize| code.reveal().as_bytes()[place] - b'0';
        for place in 0..6 {
            let value = chi_square(tally(codes.iter().map(|code| digit(code, place))));
            assert!(value < CHI_SQUARE_LIMIT, "place {place}: {value}");
        }
        let all = codes.iter().flat_map(|code| code.reveal().bytes().map(|byte| byte - b'0'));
        let value = chi_square(tally(all));
        assert!(value < CHI_SQUARE_LIMIT, "{value}");
    }

    /// The test above sees the bias that rejection removes.
    #[test]
    fn the_chi_square_test_notices_a_remainder_of_bytes() {
        let random = SequenceRandom::starting_at(7);
        let mut bytes = vec![0; 240_000];
        random.fill(&mut bytes);
        assert!(chi_square(tally(bytes.iter().map(|byte| byte % 10))) > CHI_SQUARE_LIMIT);
    }

    /// Gives the bytes that were put in, one after the other, for ever.
    struct Script(std::sync::Mutex<std::iter::Cycle<std::vec::IntoIter<u8>>>);

    impl Script {
        fn of(bytes: Vec<u8>) -> Self {
            Self(std::sync::Mutex::new(bytes.into_iter().cycle()))
        }
    }

    impl Random for Script {
        fn fill(&self, bytes: &mut [u8]) {
            let mut script = self.0.lock().unwrap();
            bytes.fill_with(|| script.next().unwrap());
        }
    }

    #[test]
    fn bytes_that_would_favour_some_digits_are_thrown_away() {
        let draw = |bytes: Vec<u8>, length| Passcode::draw(length, &Script::of(bytes));
        assert_eq!(draw(vec![250, 251, 255, 249, 0, 10, 21], 4).reveal(), "9001");
        // Leading zeros stay.
        assert_eq!(draw(vec![0, 100, 250, 7], 6).reveal(), "007007");
    }

    #[test]
    fn a_code_has_as_many_digits_as_asked_for() {
        let random = SequenceRandom::default();
        for length in MIN_LENGTH..=MAX_LENGTH {
            for _ in 0..200 {
                let code = Passcode::draw(length, &random);
                assert_eq!(code.len(), usize::from(length));
                assert_eq!(Passcode::parse(code.reveal()).unwrap().reveal(), code.reveal());
            }
        }
        assert_eq!(Passcode::draw(0, &random).len(), 4);
        assert_eq!(Passcode::draw(200, &random).len(), 10);
    }

    #[test]
    fn what_is_not_4_to_10_digits_is_no_code() {
        for good in ["0000", "012345", "9999999999"] {
            assert_eq!(Passcode::parse(good).unwrap().reveal(), good);
        }
        for wrong in
            ["", "123", "12345678901", "12 456", "12345a", "+12345", "１２３４５６", "123456\n"]
        {
            assert!(Passcode::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn debug_does_not_show_the_code() {
        let code = Passcode::parse("123456").unwrap();
        assert_eq!(
            format!("{code:?} {:#?}", Some(&code)),
            "Passcode(…) Some(\n    Passcode(…),\n)"
        );
    }
}
