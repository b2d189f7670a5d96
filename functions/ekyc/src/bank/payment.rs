//! One penny by Faster Payments, and what is known of it afterwards.
//!
//! Invariant: a penny is named by its session. Whatever is repeated, the provider sees the same name and pays once; an
//! outcome that is not known is never taken for a refusal.

use std::fmt;

use domain::bank_account::BankAccount;
use domain::problem::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::name::AccountName;

/// Faster Payments carries 18 characters of reference; Modulr asks for at least 6.
const REFERENCE_LENGTH: std::ops::RangeInclusive<usize> = 6..=18;

/// What stands before the code in the reference, so that the customer sees whom it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReferencePrefix(String);

impl ReferencePrefix {
    /// Reads 1 to 11 capital letters and digits: what every provider takes, with room for a space and six digits.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let good = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if (1..=11).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed { expected: "1 to 11 capital letters and digits" })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ReferencePrefix {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

impl From<ReferencePrefix> for String {
    fn from(prefix: ReferencePrefix) -> Self {
        prefix.0
    }
}

/// The text on the customer's statement. It holds the code, so it is secret: no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentReference(String);

impl PaymentReference {
    /// `NEWCO 4821`.
    ///
    /// # Errors
    /// [`Problem`] for a code that is not of digits, and for a reference shorter or longer than providers take.
    pub fn compose(prefix: &ReferencePrefix, code: &str) -> Result<Self, Problem> {
        if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::Malformed { expected: "a code of digits" });
        }
        let text = format!("{} {code}", prefix.as_str());
        if text.len() > *REFERENCE_LENGTH.end() {
            return Err(Problem::TooLong { max: *REFERENCE_LENGTH.end() });
        }
        if text.len() < *REFERENCE_LENGTH.start() {
            return Err(Problem::TooShort { min: *REFERENCE_LENGTH.start() });
        }
        Ok(Self(text))
    }

    /// The text in clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PaymentReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentReference(…)")
    }
}

/// The provider's name for a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaymentId(String);

impl PaymentId {
    /// Reads 1 to 64 letters, digits and hyphens.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed { expected: "1 to 64 letters, digits and hyphens" })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PaymentId {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

impl From<PaymentId> for String {
    fn from(id: PaymentId) -> Self {
        id.0
    }
}

/// One penny to be paid.
#[derive(Debug, Clone)]
pub struct Penny {
    /// The session that it belongs to, and the name that makes a repetition harmless.
    pub auth: Uuid,
    /// To whom.
    pub account: BankAccount,
    /// The holder's name as it was checked.
    pub name: AccountName,
    /// The text with the code.
    pub reference: PaymentReference,
    /// The provider's id of the name check.
    pub name_check: Option<String>,
}

/// Why a penny was surely not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// Because of the account.
    Account,
    /// Because of us or the provider: funds, limits, a wrong request.
    Provider,
    /// The request never left.
    NotSent,
}

/// What came of asking for a penny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PennyOutcome {
    /// The provider has taken it on.
    Accepted {
        /// Its name for the payment.
        payment: PaymentId,
    },
    /// It was surely not paid and will not be.
    Rejected(Rejection),
    /// It may have been paid. Only [`super::BankProvider::find_payment`] can tell.
    Unknown,
}

/// Which penny to look for.
#[derive(Debug, Clone)]
pub struct PaymentQuery {
    /// Its session.
    pub auth: Uuid,
    /// When the session was about to pay: providers want to know where to begin.
    pub begun_at: Timestamp,
    /// The provider's name, when it was told.
    pub payment: Option<PaymentId>,
    /// Up to when it has been looked for, once it was seen to have arrived: what is left to learn is whether it has come
    /// back since.
    pub settled_at: Option<Timestamp>,
}

/// What one look at a penny found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What the provider knows of it.
    pub state: PaymentState,
    /// Up to when everything was looked through. What is booked later is the next look's to find.
    pub seen_to: Timestamp,
}

/// What the provider knows of a penny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// It has arrived.
    Settled {
        /// Its name.
        payment: PaymentId,
    },
    /// It is on its way.
    Pending {
        /// Its name.
        payment: PaymentId,
    },
    /// It was refused.
    Rejected(Rejection),
    /// It was paid and came back.
    Returned,
    /// The provider has none of this session. A request that is still on its way looks like this too.
    NotFound,
    /// The provider did not say.
    Unavailable,
}

impl PaymentState {
    /// What several entries of one session tell together: what came back is back, and were there two payments, the one
    /// that arrived would count.
    pub(super) fn most_telling(states: impl Iterator<Item = Self>) -> Self {
        let rank = |state: &Self| match state {
            Self::Returned => 5,
            Self::Settled { .. } => 4,
            Self::Pending { .. } => 3,
            Self::Rejected(_) => 2,
            Self::Unavailable => 1,
            Self::NotFound => 0,
        };
        states.max_by_key(rank).unwrap_or(Self::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compose(prefix: &str, code: &str) -> Option<String> {
        let prefix = ReferencePrefix::parse(prefix).ok()?;
        Some(PaymentReference::compose(&prefix, code).ok()?.reveal().to_owned())
    }

    #[test]
    fn references_keep_the_providers_rules() {
        for (prefix, code, expected) in [
            ("NEWCO", "4821", Some("NEWCO 4821")),
            ("N", "0007", Some("N 0007")),
            ("ABCDEFGHIJK", "123456", Some("ABCDEFGHIJK 123456")),
            ("N", "123", None),
            ("ABCDEFGHIJKL", "1234", None),
            ("ABCDEFGHIJK", "1234567", None),
            ("", "4821", None),
            ("Newco", "4821", None),
            ("NEW CO", "4821", None),
            ("NEWCO", "48a1", None),
            ("NEWCO", "", None),
            ("NEWCÖ", "4821", None),
        ] {
            assert_eq!(compose(prefix, code).as_deref(), expected, "{prefix} {code}");
        }
    }

    #[test]
    fn nothing_shows_the_code() {
        let prefix = ReferencePrefix::parse("NEWCO").unwrap();
        let penny = Penny {
            auth: Uuid::nil(),
            account: BankAccount::parse("000100", "12346800").unwrap(),
            name: AccountName::parse("Jonathan Smith").unwrap(),
            reference: PaymentReference::compose(&prefix, "4821").unwrap(),
            name_check: None,
        };
        let shown = format!("{penny:?}");
        for secret in ["4821", "12346800", "Smith"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn payment_ids_are_plain_tokens() {
        assert_eq!(PaymentId::parse("P000001ABC").unwrap().as_str(), "P000001ABC");
        assert!(PaymentId::parse("073dca79-13b8-8bf2-b63b-148957caffe9").is_ok());
        for wrong in ["", "P 1", "P&1", &"P".repeat(65)] {
            assert!(PaymentId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
