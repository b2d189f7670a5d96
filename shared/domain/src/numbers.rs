//! Percentages and amounts, exactly.
//!
//! Invariant: both are integers (hundredths of a percent, minor units of a currency); nothing here is a float, so
//! nothing rounds.

use std::fmt;

use crate::problem::Problem;

/// Reads a plain decimal with at most two decimal places into hundredths: `26`, `26.5`, `26.25`.
fn hundredths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || whole.len() > 15 || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if text.contains('.') && fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Trailing zeros add nothing ("90.0"); a third significant place is more than we keep.
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 2 {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(fraction)
}

/// A percentage from 0 to 100 in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// Reads a percentage such as `26`, `26.5` or `26.25`.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when it is not a number of at most two decimals, [`Problem::OutOfRange`] outside
    /// 0 to 100.
    pub fn parse_percent(text: &str) -> Result<Self, Problem> {
        let value = hundredths(text)
            .ok_or(Problem::Malformed { expected: "a percentage with at most two decimals" })?;
        Self::new(value)
    }

    /// Takes hundredths of a percent.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`] outside 0 to 10 000.
    pub fn new(value: i64) -> Result<Self, Problem> {
        u16::try_from(value)
            .ok()
            .filter(|v| *v <= Self::WHOLE.0)
            .map(Self)
            .ok_or(Problem::OutOfRange { min: 0, max: 100 })
    }

    /// Hundredths of a percent.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for BasisPoints {
    /// The percentage without needless zeros: `26`, `26.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hundredths(f, u64::from(self.0))
    }
}

fn write_hundredths(f: &mut fmt::Formatter<'_>, value: u64) -> fmt::Result {
    let (whole, rest) = (value / 100, value % 100);
    match (rest, rest % 10) {
        (0, _) => write!(f, "{whole}"),
        (_, 0) => write!(f, "{whole}.{}", rest / 10),
        _ => write!(f, "{whole}.{rest:02}"),
    }
}

/// An amount of US dollars in cents, never negative: an annual income.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DollarAmount(i64);

impl DollarAmount {
    /// The largest amount: one trillion dollars, far inside what a JSON number carries exactly.
    pub const MOST_CENTS: i64 = 100_000_000_000_000;

    /// Reads dollars, with at most two decimals.
    ///
    /// # Errors
    /// [`Problem`] when it is no such number or too large.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let cents = hundredths(text)
            .ok_or(Problem::Malformed { expected: "an amount with at most two decimals" })?;
        Self::from_cents(cents)
    }

    /// Takes cents.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`] when negative or too large.
    pub fn from_cents(cents: i64) -> Result<Self, Problem> {
        if (0..=Self::MOST_CENTS).contains(&cents) {
            Ok(Self(cents))
        } else {
            Err(Problem::OutOfRange { min: 0, max: Self::MOST_CENTS / 100 })
        }
    }

    /// Cents.
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// Dollars without needless zeros: `90000`, `90000.5`.
    #[must_use]
    pub fn reveal(self) -> String {
        struct Dollars(u64);
        impl fmt::Display for Dollars {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hundredths(f, self.0)
            }
        }
        Dollars(self.0.unsigned_abs()).to_string()
    }
}

impl fmt::Debug for DollarAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DollarAmount(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentages_are_exact() {
        for (text, points, shown) in [
            ("26", 2600, "26"),
            ("90.0", 9000, "90"),
            ("33.33", 3333, "33.33"),
            ("0", 0, "0"),
            ("0.05", 5, "0.05"),
            ("26.5", 2650, "26.5"),
            ("100", 10_000, "100"),
        ] {
            let read = BasisPoints::parse_percent(text).unwrap();
            assert_eq!((read.get(), read.to_string().as_str()), (points, shown));
        }
        for wrong in ["", "101", "100.01", "-1", "26%", "26.", ".5", "33.333", "1e1", "NaN", " 26"]
        {
            assert!(BasisPoints::parse_percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_are_exact() {
        assert_eq!(DollarAmount::parse("90000").unwrap().cents(), 9_000_000);
        assert_eq!(DollarAmount::parse("90000.5").unwrap().reveal(), "90000.5");
        assert_eq!(DollarAmount::default().reveal(), "0");
        for wrong in ["-1", "1.005", "99999999999999999999", "1000000000000.01"] {
            assert!(DollarAmount::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(cents in 0..=DollarAmount::MOST_CENTS, points in 0_i64..=10_000) {
            let amount = DollarAmount::from_cents(cents).unwrap();
            prop_assert_eq!(DollarAmount::parse(&amount.reveal()), Ok(amount));
            let percent = BasisPoints::new(points).unwrap();
            prop_assert_eq!(BasisPoints::parse_percent(&percent.to_string()), Ok(percent));
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = BasisPoints::parse_percent(&text);
            let _ = DollarAmount::parse(&text);
        }
    }
}
