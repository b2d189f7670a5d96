//! What things are called: methods, subjects, journeys, merchants.

use std::fmt;

use crate::choices::choices;
use crate::problem::Problem;

choices! {
    /// How possession is proved.
    Method {
        /// A one-time passcode to a phone or mailbox.
        Otp = "otp",
        /// A code in the reference of one penny to a bank account.
        PennyDrop = "pennydrop",
    }
    /// What a session is about.
    SubjectKind {
        /// An application for a product.
        Application = "application",
        /// An account that exists.
        Account = "account",
    }
}

/// Names that callers choose become parts of keys and of paths: no separators, no spaces.
fn plain(text: &str, max: usize, expected: &'static str) -> Result<String, Problem> {
    let good = (1..=max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    if good { Ok(text.to_owned()) } else { Err(Problem::Malformed { expected }) }
}

macro_rules! plain_names {
    ($($(#[$doc:meta])* $name:ident, $max:literal, $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads a name.
            ///
            /// # Errors
            /// [`Problem::Malformed`].
            pub fn parse(text: &str) -> Result<Self, Problem> {
                plain(text, $max, $expected).map(Self)
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Problem;
            fn try_from(text: String) -> Result<Self, Problem> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )*};
}

plain_names! {
    /// Groups the sessions of one customer journey; callers may choose it.
    JourneyId, 64, "1 to 64 letters, digits, '-', '_', '.' or ':'";
    /// Which of a partner's merchants asks, and so which configuration holds.
    MerchantId, 64, "1 to 64 letters, digits, '-', '_', '.' or ':'";
}

impl MerchantId {
    /// The merchant of callers that name none; its configuration holds for merchants without one of their own.
    #[must_use]
    pub fn unnamed() -> Self {
        Self("default".to_owned())
    }
}

/// The 19 digits of a credit account. Personal: no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccountNumber(String);

impl AccountNumber {
    /// Reads 19 digits.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() == 19 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed { expected: "19 digits" })
        }
    }

    /// The digits.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountNumber(…)")
    }
}

#[cfg(test)]
mod readings {
    use super::*;

    #[test]
    fn names_hold_nothing_that_separates() {
        for good in ["a", "0190b2c4-0000-7000-8000-000000000001", "shop:7_x.y", &"j".repeat(64)] {
            assert_eq!(JourneyId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a#b", "a b", "é", "a/b", &"j".repeat(65)] {
            assert!(JourneyId::parse(bad).is_err(), "{bad}");
        }
        assert!(MerchantId::parse(MerchantId::unnamed().as_str()).is_ok());
    }

    #[test]
    fn account_numbers_are_nineteen_digits() {
        let number = AccountNumber::parse("0003915000000966364").unwrap();
        assert_eq!(format!("{number:?}"), "AccountNumber(…)");
        for bad in ["", "000391500000096636", "00039150000009663640", "000391500000096636x"] {
            assert!(AccountNumber::parse(bad).is_err(), "{bad}");
        }
    }
}
