//! Tax identification.
//!
//! Invariant: a US number (SSN, ITIN, EIN) is nine digits. Only the shape is checked here: sandbox numbers such as
//! 900112222 are impossible by the issuing authorities' rules yet documented by the contract, and whether a number
//! is plausible is a question for the identity review, not for the record.

use std::fmt;

use crate::choices::choices;
use crate::problem::Problem;

choices! {
    /// What kind of number identifies the customer to a tax authority.
    TaxIdType {
        /// Social Security number.
        Ssn = "Ssn",
        /// Employer identification number.
        Ein = "Ein",
        /// Individual taxpayer identification number.
        Itin = "Itin",
        /// The customer has none.
        None = "None",
        /// A number of another country.
        Foreign = "Foreign",
    }
}

/// A tax number. Secret: `Debug` does not show it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TaxId(String);

impl TaxId {
    /// Reads a number of the given kind: nine digits for the US kinds, 4 to 20 letters, digits and hyphens for
    /// [`TaxIdType::Foreign`].
    ///
    /// # Errors
    /// [`Problem`] for any other shape, for nine zeros, and for [`TaxIdType::None`], which has no number.
    pub fn parse(text: &str, kind: TaxIdType) -> Result<Self, Problem> {
        match kind {
            TaxIdType::None => Err(Problem::NotApplicable { reason: "taxIdType is None" }),
            TaxIdType::Foreign => {
                let good = (4..=20).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                if good {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(Problem::Malformed { expected: "4 to 20 letters, digits and hyphens" })
                }
            }
            TaxIdType::Ssn | TaxIdType::Ein | TaxIdType::Itin => {
                let good = text.len() == 9
                    && text.bytes().all(|b| b.is_ascii_digit())
                    && text.bytes().any(|b| b != b'0');
                if good {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(Problem::Malformed { expected: "9 digits, not all of them 0" })
                }
            }
        }
    }

    /// Reads a number that was accepted before, or nine digits of a contract that takes every number and judges it
    /// later, nine zeros included.
    ///
    /// # Errors
    /// [`Problem`] for any other shape.
    pub fn of_form(text: &str, kind: TaxIdType) -> Result<Self, Problem> {
        if kind != TaxIdType::None && kind != TaxIdType::Foreign && text == "000000000" {
            return Ok(Self(text.to_owned()));
        }
        Self::parse(text, kind)
    }

    /// The number in clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// All but the last four characters starred: `*****8776`. A number of four characters is starred whole.
    #[must_use]
    pub fn masked(&self) -> String {
        crate::text::masked(&self.0)
    }
}

impl fmt::Debug for TaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaxId(…)")
    }
}

/// A kind and, where that kind has one, a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxIdentity {
    kind: TaxIdType,
    number: Option<TaxId>,
}

impl TaxIdentity {
    /// Joins a kind and a number.
    ///
    /// # Errors
    /// [`Problem::Required`] when a US kind has no number, [`Problem::NotApplicable`] when `None` has one. Both
    /// are about the number.
    pub fn new(kind: TaxIdType, number: Option<TaxId>) -> Result<Self, Problem> {
        match (kind, &number) {
            (TaxIdType::None, Some(_)) => {
                Err(Problem::NotApplicable { reason: "taxIdType is None" })
            }
            (TaxIdType::Ssn | TaxIdType::Ein | TaxIdType::Itin, None) => Err(Problem::Required),
            _ => Ok(Self { kind, number }),
        }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> TaxIdType {
        self.kind
    }

    /// The number, when there is one.
    #[must_use]
    pub const fn number(&self) -> Option<&TaxId> {
        self.number.as_ref()
    }
}

#[cfg(test)]
mod rules {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn us_numbers_are_nine_digits_and_nothing_more_is_judged() {
        for good in ["119988776", "900112222", "990000004", "666001234", "000000001"] {
            for kind in [TaxIdType::Ssn, TaxIdType::Itin, TaxIdType::Ein] {
                assert_eq!(TaxId::parse(good, kind).unwrap().reveal(), good);
            }
        }
        for wrong in
            ["", "11998877", "1199887766", "119-98-8776", "11998877a", "000000000", "*****8776"]
        {
            assert!(TaxId::parse(wrong, TaxIdType::Ssn).is_err(), "{wrong}");
        }
        assert!(TaxId::parse("QQ-123456C", TaxIdType::Foreign).is_ok());
        assert!(TaxId::parse("abc", TaxIdType::Foreign).is_err());
        assert!(TaxId::parse("119988776", TaxIdType::None).is_err());
    }

    #[test]
    fn a_number_hides() {
        let id = TaxId::parse("119988776", TaxIdType::Ssn).unwrap();
        assert_eq!(id.masked(), "*****8776");
        assert_eq!(format!("{id:?}"), "TaxId(…)");
        assert_eq!(TaxId::parse("abcd", TaxIdType::Foreign).unwrap().masked(), "****");
    }

    #[test]
    fn kind_and_number_belong_together() {
        let number = || Some(TaxId::parse("119988776", TaxIdType::Ssn).unwrap());
        assert!(TaxIdentity::new(TaxIdType::Ssn, number()).is_ok());
        assert_eq!(TaxIdentity::new(TaxIdType::Ssn, None), Err(Problem::Required));
        assert!(TaxIdentity::new(TaxIdType::None, None).is_ok());
        assert!(TaxIdentity::new(TaxIdType::None, number()).is_err());
        assert!(TaxIdentity::new(TaxIdType::Foreign, None).is_ok());
    }

    proptest! {
        #[test]
        fn a_mask_never_shows_more_than_four(text in "[0-9a-zA-Z-]{4,20}") {
            if let Ok(id) = TaxId::parse(&text, TaxIdType::Foreign) {
                let masked = id.masked();
                prop_assert_eq!(masked.len(), text.len());
                prop_assert!(masked.chars().filter(|c| *c != '*').count() <= 4);
            }
        }
    }
}
