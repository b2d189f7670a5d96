//! What a partner said when it enrolled a customer, beside who the customer is: the device, its own notes, how to verify.
//!
//! Invariant: limits of size are kept here, so that a record stays small whatever a partner notes down. Notes and
//! representatives are personal or may be, so neither shows in `Debug`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use crate::choices::choices;
use crate::email::EmailAddress;
use crate::name::{EntityName, FULL_NAME};
use crate::phone::PhoneNumber;
use crate::problem::Problem;
use crate::text::Text;

choices! {
    /// When the identity is reviewed.
    Processing {
        /// Within the request.
        Inline = "inline",
        /// Soon after it.
        Background = "background",
        /// Not at all.
        Skip = "skip",
    }

    /// How a review ends in the sandbox.
    SandboxOutcome {
        /// As the checks say.
        Standard = "standard",
        /// Verified, whatever the checks say.
        Verified = "verified",
        /// Rejected.
        Rejected = "rejected",
        /// In review.
        Review = "review",
    }
}

/// The most pairs of [`Metadata`].
pub const MOST_PAIRS: usize = 20;
/// The most characters of a key.
pub const LONGEST_KEY: usize = 40;
/// The most characters of a value.
pub const LONGEST_VALUE: usize = 500;
/// The most representatives of a company. Ours: the contract that has them names no limit.
pub const MOST_REPRESENTATIVES: usize = 20;

/// A partner's own notes about a customer, given back as they were.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// Checks the limits.
    ///
    /// # Errors
    /// What is wrong with the whole: a key is the partner's word and may be personal, so none is repeated.
    pub fn new(pairs: BTreeMap<String, String>) -> Result<Self, Problem> {
        if pairs.len() > MOST_PAIRS {
            return Err(Problem::TooMany { max: MOST_PAIRS });
        }
        for (key, value) in &pairs {
            if key.is_empty() {
                return Err(Problem::Malformed { expected: "a map without an empty key" });
            }
            if key.chars().count() > LONGEST_KEY {
                let expected = "a map with keys of at most 40 characters";
                return Err(Problem::Malformed { expected });
            }
            if value.chars().count() > LONGEST_VALUE {
                let expected = "a map with values of at most 500 characters";
                return Err(Problem::Malformed { expected });
            }
        }
        Ok(Self(pairs))
    }

    /// The pairs.
    #[must_use]
    pub const fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata({} pairs)", self.0.len())
    }
}

/// The address from which a customer signed up. Personal: no `Display`, and `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device(Ipv4Addr);

impl Device {
    /// Reads an IPv4 address; `0.0.0.0` says that the customer signed up off line.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map(Self).map_err(|_| Problem::Malformed { expected: "an IPv4 address" })
    }

    /// The address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        self.0
    }

    /// Whether there was no device.
    #[must_use]
    pub const fn is_offline(self) -> bool {
        self.0.is_unspecified()
    }

    /// The address in clear.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(…)")
    }
}

/// A person who speaks for a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representative {
    /// The name in full.
    pub name: Text<FULL_NAME>,
    /// An e-mail address.
    pub email: Option<EmailAddress>,
    /// A phone.
    pub phone: Option<PhoneNumber>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enrolment {
    /// Where the customer signed up.
    pub device: Option<Device>,
    /// The partner's notes.
    pub metadata: Option<Metadata>,
    /// When to review.
    pub processing: Option<Processing>,
    /// How to end in the sandbox; only ever kept there.
    pub sandbox_outcome: Option<SandboxOutcome>,
    /// A company's name in law, when it trades under another.
    pub legal_name: Option<EntityName>,
    /// Who speaks for a company; `None` when the partner did not say.
    pub representatives: Option<Vec<Representative>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_has_limits() {
        let pairs = |count: usize, key: &str, value: &str| {
            (0..count).map(|at| (format!("{key}{at:02}"), value.to_owned())).collect()
        };
        assert!(Metadata::new(pairs(20, &"k".repeat(38), &"é".repeat(500))).is_ok());
        let wrong = [
            (pairs(21, "k", "v"), "must have at most 20 items"),
            (pairs(1, &"k".repeat(39), "v"), "must be a map with keys of at most 40 characters"),
            (
                pairs(1, "k", &"v".repeat(501)),
                "must be a map with values of at most 500 characters",
            ),
            (
                BTreeMap::from([(String::new(), String::new())]),
                "must be a map without an empty key",
            ),
        ];
        for (pairs, problem) in wrong {
            assert_eq!(Metadata::new(pairs).unwrap_err().to_string(), problem);
        }
        let one = Metadata::new(BTreeMap::from([("plan".to_owned(), "pro".to_owned())])).unwrap();
        assert_eq!(format!("{one:?}"), "Metadata(1 pairs)");
    }

    #[test]
    fn a_device_is_an_ipv4_address() {
        assert!(Device::parse("0.0.0.0").unwrap().is_offline());
        assert_eq!(Device::parse("203.0.113.9").unwrap().reveal(), "203.0.113.9");
        for wrong in ["", "203.0.113", "203.0.113.256", "::1", "**.**.**.**", " 1.1.1.1"] {
            assert!(Device::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(format!("{:?}", Device::parse("203.0.113.9")), "Ok(Device(…))");
    }
}
