//! Dates people and documents have.
//!
//! Invariant: a date exists in the calendar and lies where such a date can lie. "Today" is passed in; it is the
//! UTC date, so for a few hours a day a caller far to the east may have to wait until a date has begun in UTC.

use std::fmt;

use jiff::civil::Date;

use crate::problem::Problem;

/// Nobody who becomes a customer today was born, and no company we know was formed for one, before this.
const EARLIEST: Date = jiff::civil::date(1900, 1, 1);
const EARLIEST_TEXT: &str = "1900-01-01";
const SHAPE: Problem = Problem::Malformed { expected: "an existing date (YYYY-MM-DD)" };

/// `YYYY-MM-DD` and nothing else; the calendar library alone would also read other ISO 8601 forms.
fn parse(text: &str) -> Result<Date, Problem> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !shaped {
        return Err(SHAPE);
    }
    let date: Date = text.parse().map_err(|_| SHAPE)?;
    if date < EARLIEST { Err(Problem::TooEarly { earliest: EARLIEST_TEXT }) } else { Ok(date) }
}

/// A date between 1900 and today: a formation, an issue, a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PastDate(Date);

impl PastDate {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`Problem`] when it does not exist, lies in the future or before 1900.
    pub fn parse(text: &str, today: Date) -> Result<Self, Problem> {
        let date = parse(text)?;
        if date > today { Err(Problem::InFuture) } else { Ok(Self(date)) }
    }

    /// Reads a date that was accepted before; only the calendar is checked.
    ///
    /// # Errors
    /// [`Problem`] when it does not exist or lies before 1900.
    pub fn restore(text: &str) -> Result<Self, Problem> {
        parse(text).map(Self)
    }

    /// The date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }
}

impl fmt::Display for PastDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A person's birth date: personal, so it neither shows in `Debug` nor has a `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate(PastDate);

impl BirthDate {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`Problem`] when it does not exist, lies in the future or before 1900.
    pub fn parse(text: &str, today: Date) -> Result<Self, Problem> {
        PastDate::parse(text, today).map(Self)
    }

    /// Reads a date that was accepted before.
    ///
    /// # Errors
    /// [`Problem`] when it does not exist or lies before 1900.
    pub fn restore(text: &str) -> Result<Self, Problem> {
        PastDate::restore(text).map(Self)
    }

    /// The date itself, for screening.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0.0
    }

    /// `YYYY-MM-DD`, for the customer's own record.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(…)")
    }
}

/// The last day of a document: from 1900 to 2199, the future included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpiryDate(Date);

impl ExpiryDate {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`Problem`] when it does not exist or no document can end then.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let date = parse(text)?;
        if date.year() > 2199 {
            Err(Problem::Malformed { expected: "a date before 2200" })
        } else {
            Ok(Self(date))
        }
    }

    /// The date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }
}

impl fmt::Display for ExpiryDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const TODAY: Date = date(2026, 1, 25);

    #[test]
    fn dates_exist_and_lie_between_1900_and_today() {
        for good in ["1953-09-22", "1900-01-01", "2024-02-29", "2026-01-25"] {
            assert_eq!(PastDate::parse(good, TODAY).unwrap().to_string(), good);
        }
        let cases = [
            ("2026-01-26", Problem::InFuture),
            ("1899-12-31", Problem::TooEarly { earliest: EARLIEST_TEXT }),
            ("2023-02-29", SHAPE),
            ("2023-13-01", SHAPE),
            ("2023-1-1", SHAPE),
            ("20230101", SHAPE),
            ("2023-01-01T00:00:00", SHAPE),
            ("22/09/1953", SHAPE),
            ("", SHAPE),
        ];
        for (text, problem) in cases {
            assert_eq!(PastDate::parse(text, TODAY), Err(problem.clone()), "{text}");
            assert_eq!(BirthDate::parse(text, TODAY), Err(problem), "{text}");
        }
    }

    #[test]
    fn documents_may_end_in_the_future() {
        assert!(ExpiryDate::parse("2036-01-25").is_ok());
        assert!(ExpiryDate::parse("2200-01-01").is_err());
        assert!(ExpiryDate::parse("2036-02-30").is_err());
    }

    #[test]
    fn a_birth_date_does_not_show_itself() {
        let birth = BirthDate::parse("1953-09-22", TODAY).unwrap();
        assert_eq!(format!("{birth:?}"), "BirthDate(…)");
        assert_eq!(birth.reveal(), "1953-09-22");
    }

    proptest! {
        #[test]
        fn what_was_accepted_reads_back(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}") {
            if let Ok(read) = PastDate::parse(&text, TODAY) {
                prop_assert_eq!(read.to_string(), text.clone());
                prop_assert_eq!(PastDate::restore(&text), Ok(read));
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = PastDate::parse(&text, TODAY);
            let _ = ExpiryDate::parse(&text);
        }
    }
}
