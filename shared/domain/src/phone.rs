//! Telephone numbers.
//!
//! Invariant: a number is kept in one form, E.164, so that the same phone is the same text through every contract.
//! North American numbers (`+1`) obey the numbering plan: ten digits, area code and exchange each begin with 2–9.

use std::fmt;

use crate::problem::Problem;

/// A telephone number. Personal: no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

const SHAPE: Problem = Problem::Malformed {
    expected: "a US number of 10 digits (area code and exchange begin with 2 to 9) or an E.164 number with '+'",
};

impl PhoneNumber {
    /// Reads ten digits of a US number, or an E.164 number that begins with `+`.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else, punctuation included.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if let Some(national) = text.strip_prefix("+1") {
            return if is_nanp(national) { Ok(Self(text.to_owned())) } else { Err(SHAPE) };
        }
        if let Some(international) = text.strip_prefix('+') {
            // ITU-T E.164: at most 15 digits; the shortest numbers in use have 7 with their country code.
            let digits = international.as_bytes();
            let good = (7..=15).contains(&digits.len())
                && digits.iter().all(u8::is_ascii_digit)
                && digits.first() != Some(&b'0');
            return if good { Ok(Self(text.to_owned())) } else { Err(SHAPE) };
        }
        if is_nanp(text) { Ok(Self(format!("+1{text}"))) } else { Err(SHAPE) }
    }

    /// Reads any number of the E.164 form, `+` and 2 to 15 digits of which the first is not 0, whether such a number
    /// can exist or not: for contracts that take every number and judge it later, and for what was accepted before.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for any other form.
    pub fn of_form(text: &str) -> Result<Self, Problem> {
        let digits = text.strip_prefix('+').unwrap_or("").as_bytes();
        let good = (2..=15).contains(&digits.len())
            && digits.iter().all(u8::is_ascii_digit)
            && digits.first() != Some(&b'0');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed {
                expected: "a phone number in E.164 form, such as +14155550101",
            })
        }
    }

    /// `+12015552345`.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// `2015552345` for a number of the North American plan, the E.164 form for any other: how the COS contract writes
    /// it.
    #[must_use]
    pub fn national_or_e164(&self) -> &str {
        self.0.strip_prefix("+1").filter(|national| is_nanp(national)).unwrap_or(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// NANP: NXX-NXX-XXXX with N from 2 to 9.
fn is_nanp(text: &str) -> bool {
    let digits = text.as_bytes();
    digits.len() == 10
        && digits.iter().all(u8::is_ascii_digit)
        && digits[0] >= b'2'
        && digits[3] >= b'2'
}

/// An extension inside a company: 1 to 10 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension(String);

impl Extension {
    /// Reads 1 to 10 digits.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed { expected: "1 to 10 digits" })
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_phone_has_one_form() {
        let national = PhoneNumber::parse("2015552345").unwrap();
        let international = PhoneNumber::parse("+12015552345").unwrap();
        assert_eq!(national, international);
        assert_eq!(national.e164(), "+12015552345");
        assert_eq!(international.national_or_e164(), "2015552345");
        assert_eq!(
            PhoneNumber::parse("+442071608800").unwrap().national_or_e164(),
            "+442071608800"
        );
        assert_eq!(format!("{national:?}"), "PhoneNumber(…)");
    }

    #[test]
    fn other_shapes_are_refused() {
        for wrong in [
            "",
            "201555234",
            "20155523456",
            "12015552345",
            "1015552345",
            "0015552345",
            "2011552345",
            "201-555-2345",
            "(201)5552345",
            "+1201555234",
            "+11015552345",
            "+0123456789",
            "+123456",
            "+4420716088001234",
            "+44 2071608800",
            "++442071608800",
            "２０１５５５２３４５",
        ] {
            assert_eq!(PhoneNumber::parse(wrong), Err(SHAPE), "{wrong}");
        }
        assert!(Extension::parse("0042").is_ok());
        for wrong in ["", "12345678901", "x12"] {
            assert!(Extension::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_read_back(text in "\\+?[0-9]{6,16}") {
            if let Ok(number) = PhoneNumber::parse(&text) {
                prop_assert_eq!(PhoneNumber::parse(number.e164()), Ok(number.clone()));
                prop_assert_eq!(PhoneNumber::parse(number.national_or_e164()), Ok(number));
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = PhoneNumber::parse(&text);
        }
    }
}
