//! The identifiers of everything that has one.
//!
//! Invariants: an id is made in one place (`new`, a UUIDv7, so that ids sort by creation), read in one place
//! (`parse`, hyphenated form only) and of one type per noun, so that a phone's id can not be used as an
//! address's. Ids are not personal data and may be logged.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::problem::Problem;
use crate::time::{Clock, Random};

const GUID: Problem = Problem::Malformed { expected: "a GUID" };

/// Only the 36-character form: the braced, URN and bare forms that the `uuid` crate also reads would give one
/// thing several names in paths and idempotency keys.
fn parse_hyphenated(text: &str) -> Result<Uuid, Problem> {
    if text.len() != 36 {
        return Err(GUID);
    }
    Uuid::try_parse(text).map_err(|_| GUID)
}

/// RFC 9562 §5.7: 48 bits of Unix milliseconds, then random bits.
fn version_7(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let mut bits = [0; 10];
    random.fill(&mut bits);
    let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id: UUIDv7.
            pub fn new(clock: &dyn Clock, random: &dyn Random) -> Self {
                Self(version_7(clock, random))
            }

            /// Reads the hyphenated form, in either letter case.
            ///
            /// # Errors
            /// [`Problem::Malformed`] for anything else.
            pub fn parse(text: &str) -> Result<Self, Problem> {
                parse_hyphenated(text).map(Self)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = Problem;
            fn from_str(text: &str) -> Result<Self, Problem> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Problem;
            fn try_from(text: String) -> Result<Self, Problem> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

uuid_ids! {
    /// The bank's partner whose customers these are; every key starts with it.
    PartnerId;
    /// One customer.
    CustomerId;
    /// One address of a customer.
    AddressId;
    /// One phone of a customer.
    PhoneId;
    /// One e-mail address of a customer.
    EmailId;
    /// One identity document of a customer.
    IdentificationId;
    /// One beneficial owner of a Business customer.
    OwnerId;
    /// One domain event, or one delivery of it to one registration ([`EventId::derive`]).
    EventId;
    /// One webhook registration.
    RegistrationId;
    /// One eKYC session.
    AuthId;
    /// One application for a product.
    ApplicationId;
    /// One account of a partner that acts for several, such as a platform.
    AccountId;
    /// One identity review of a customer.
    ReviewId;
}

impl EventId {
    /// The id under which one registration sees this event: the event's own time bits, so that it sorts with
    /// it, and the caller's digest of (event, registration), so that a retry derives the same id again.
    #[must_use]
    pub fn derive(self, digest: &[u8; 10]) -> Self {
        let time = self.0.as_bytes();
        let millis = time[..6].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Self(uuid::Builder::from_unix_timestamp_millis(millis, digest).into_uuid())
    }

    /// The millisecond at which the event happened, from the id itself.
    #[must_use]
    pub fn unix_millis(self) -> u64 {
        self.0.as_bytes()[..6].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

/// The id of an API client, as issued: 1–64 of `A–Z a–z 0–9 . _ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    /// Reads a client id.
    ///
    /// # Errors
    /// [`Problem`] when it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::Required);
        }
        if text.len() > 64 {
            return Err(Problem::TooLong { max: 64 });
        }
        if text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed { expected: "letters, digits, '.', '_' or '-'" })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({})", self.0)
    }
}

impl TryFrom<String> for ClientId {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

/// The bank's customer file number: 11 decimal digits, unique over the bank, the first one 3 when we assign it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CifNumber(u64);

impl CifNumber {
    const DIGITS: u64 = 100_000_000_000;
    const FIRST: u64 = 30_000_000_000;
    const COUNT: u64 = 10_000_000_000;

    /// Draws a number; uniqueness is the store's to enforce, with another draw when it is taken.
    #[must_use]
    pub fn draw(random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        // 2^64 is 1.8 billion times the count, so the modulo's bias is below one in a billion.
        Self(Self::FIRST + u64::from_be_bytes(bytes) % Self::COUNT)
    }

    /// Reads 11 digits.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let malformed = Problem::Malformed { expected: "11 digits" };
        if text.len() != 11 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed);
        }
        text.parse::<u64>().ok().filter(|n| *n < Self::DIGITS).map(Self).ok_or(malformed)
    }
}

impl fmt::Display for CifNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:011}", self.0)
    }
}

impl fmt::Debug for CifNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CifNumber({self})")
    }
}

impl TryFrom<String> for CifNumber {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

impl From<CifNumber> for String {
    fn from(cif: CifNumber) -> Self {
        cif.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{FixedClock, SequenceRandom};

    #[test]
    fn new_ids_are_version_7_and_sort_by_time() {
        let clock = FixedClock::at_text("2026-01-25T22:55:24.442Z");
        let random = SequenceRandom::default();
        let first = CustomerId::new(&clock, &random);
        clock.advance(jiff::SignedDuration::from_millis(1));
        let second = CustomerId::new(&clock, &random);
        assert_eq!(first.uuid().get_version_num(), 7);
        assert!(first < second);
        assert!(first.to_string() < second.to_string());
    }

    #[test]
    fn only_the_hyphenated_form_is_read() {
        let id = "9052B6A5-3f09-41d1-b526-ade80104eb79";
        assert_eq!(
            CustomerId::parse(id).unwrap().to_string(),
            "9052b6a5-3f09-41d1-b526-ade80104eb79"
        );
        for wrong in [
            "",
            "9052b6a53f0941d1b526ade80104eb79",
            "{9052b6a5-3f09-41d1-b526-ade80104eb79}",
            "urn:uuid:9052b6a5-3f09-41d1-b526-ade80104eb79",
            "9052b6a5-3f09-41d1-b526-ade80104eb7g",
            "9052b6a5-3f09-41d1-b526-ade80104eb7",
        ] {
            assert_eq!(CustomerId::parse(wrong), Err(GUID), "{wrong}");
        }
        assert!(PartnerId::parse("00000000-0000-0000-0000-000000000000").is_ok());
    }

    #[test]
    fn a_derived_event_keeps_the_time_and_is_repeatable() {
        let clock = FixedClock::at_text("2026-01-25T22:55:24.442Z");
        let event = EventId::new(&clock, &SequenceRandom::default());
        let one = event.derive(&[1; 10]);
        assert_eq!(one, event.derive(&[1; 10]));
        assert_ne!(one, event.derive(&[2; 10]));
        assert_eq!(one.unix_millis(), event.unix_millis());
        assert_eq!(one.uuid().get_version_num(), 7);
    }

    #[test]
    fn cif_numbers_are_11_digits_that_begin_with_3_when_drawn() {
        let random = SequenceRandom::default();
        for _ in 0..1000 {
            let cif = CifNumber::draw(&random).to_string();
            assert_eq!(cif.len(), 11);
            assert!(cif.starts_with('3'));
        }
        assert_eq!(CifNumber::parse("00000000017").unwrap().to_string(), "00000000017");
        for wrong in ["", "3265374501", "326537450140", "3265374501a", "+3265374501"] {
            assert!(CifNumber::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn client_ids_are_plain_tokens() {
        assert_eq!(ClientId::parse("sandbox-1").unwrap().as_str(), "sandbox-1");
        for wrong in ["", "a b", "a#b", "a/b", &"x".repeat(65)] {
            assert!(ClientId::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn ids_survive_their_text(bytes: [u8; 16]) {
            let id = AddressId::from(Uuid::from_bytes(bytes));
            prop_assert_eq!(AddressId::parse(&id.to_string()), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<AddressId>(&json).unwrap(), id);
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = CustomerId::parse(&text);
            let _ = CifNumber::parse(&text);
            let _ = ClientId::parse(&text);
        }
    }
}
