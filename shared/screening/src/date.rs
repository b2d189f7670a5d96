//! Birth dates as lists print them: a day, a month, a year, a span, or "circa".
//!
//! Invariant: a parsed date is a real calendar range with `from <= to`; text that is not a date is no date, never a
//! guess.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A year with, where known, its month and day.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartialDate {
    /// Year, 1 to 9999.
    pub year: u16,
    /// Month 1 to 12, or 0 when unknown.
    pub month: u8,
    /// Day 1 to 31, or 0 when unknown.
    pub day: u8,
}

/// A customer's birth date is personal data.
impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartialDate(..)")
    }
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn month_of(word: &str) -> Option<u8> {
    let word = word.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|month| *month == word).and_then(|at| u8::try_from(at + 1).ok())
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl PartialDate {
    /// A date that exists. `month` and `day` may be 0 for unknown; a day needs a month.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let real = (1000..=2999).contains(&year)
            && month <= 12
            && (day == 0 || (month > 0 && day <= days_in(year, month)));
        real.then_some(Self { year, month, day })
    }

    /// Reads "1969-12-11", "1969-12", "1969", "11 Dec 1969", "Dec 1969", "11/12/1969" (day first) and the same with a
    /// time behind it. In lists a zero stands for "not known" ("00/00/1970").
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('.');
        let text = text
            .split(['T', 't'])
            .next()
            .filter(|head| head.len() == 10 && head.contains('-'))
            .unwrap_or(text);
        let parts: Vec<&str> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
        let number = |part: &str| part.parse::<u16>().ok().filter(|_| part.len() <= 4);
        let small = |part: &str| if part.len() <= 2 { part.parse::<u8>().ok() } else { None };
        match *parts.as_slice() {
            [year] if year.len() == 4 => Self::new(number(year)?, 0, 0),
            [month, year] if year.len() == 4 => {
                Self::new(number(year)?, month_of(month).or_else(|| small(month))?, 0)
            }
            [year, month] if year.len() == 4 => Self::new(number(year)?, small(month)?, 0),
            [year, month, day] if year.len() == 4 => {
                Self::new(number(year)?, small(month)?, small(day)?)
            }
            [day, month, year] if year.len() == 4 => {
                if let Some(month) = month_of(month) {
                    return Self::new(number(year)?, month, small(day)?);
                }
                if let (Some(month), Some(day)) = (month_of(day), small(month)) {
                    return Self::new(number(year)?, month, day);
                }
                let (day, month) = (small(day)?, small(month)?);
                let year = number(year)?;
                Self::new(year, month, day).or_else(|| Self::new(year, day, month))
            }
            _ => None,
        }
    }

    fn first_day(self) -> u32 {
        pack(self.year, self.month.max(1), self.day.max(1))
    }

    fn last_day(self) -> u32 {
        let month = if self.month == 0 { 12 } else { self.month };
        let day = if self.day == 0 { days_in(self.year, month) } else { self.day };
        pack(self.year, month, day)
    }

    /// Whether day and month are both known.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.day != 0
    }

    /// ISO text with only what is known.
    #[must_use]
    pub fn iso(self) -> String {
        match (self.month, self.day) {
            (0, _) => format!("{:04}", self.year),
            (month, 0) => format!("{:04}-{month:02}", self.year),
            (month, day) => format!("{:04}-{month:02}-{day:02}", self.year),
        }
    }
}

fn pack(year: u16, month: u8, day: u8) -> u32 {
    u32::from(year) * 10_000 + u32::from(month) * 100 + u32::from(day)
}

fn unpack(packed: u32) -> (u16, u8, u8) {
    let year = u16::try_from(packed / 10_000).unwrap_or(0);
    let month = u8::try_from(packed / 100 % 100).unwrap_or(0);
    let day = u8::try_from(packed % 100).unwrap_or(0);
    (year, month, day)
}

/// A listed birth date: from a first to a last possible day, perhaps only "about".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BirthDate {
    from: u32,
    to: u32,
    circa: bool,
}

impl BirthDate {
    /// From one date.
    #[must_use]
    pub fn from_date(date: PartialDate, circa: bool) -> Self {
        Self { from: date.first_day(), to: date.last_day(), circa }
    }

    /// From a first to a last date; swapped ends are put right.
    #[must_use]
    pub fn span(from: PartialDate, to: PartialDate, circa: bool) -> Self {
        let (from, to) = if from.first_day() <= to.last_day() { (from, to) } else { (to, from) };
        Self { from: from.first_day(), to: to.last_day(), circa }
    }

    /// Reads "circa 1961", "1958-1960", "1970 to 1973", "between 1958 and 1960", "11 Dec 1969 to 15 Dec 1969" and all
    /// that [`PartialDate::parse`] reads.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lowered = text.trim().to_ascii_lowercase();
        let mut circa = false;
        let mut rest = lowered.trim();
        for word in ["circa", "approximately", "approx.", "approx", "about", "ca.", "c.", "between"]
        {
            if let Some(tail) = rest.strip_prefix(word) {
                circa |= word != "between";
                rest = tail.trim();
            }
        }
        for separator in [" to ", " and ", " - ", "–"] {
            if let Some((from, to)) = rest.split_once(separator) {
                let (from, to) = (
                    PartialDate::parse(from)?,
                    PartialDate::parse(to.trim_start_matches("circa "))?,
                );
                return Some(Self::span(from, to, circa));
            }
        }
        if let Some((from, to)) = rest.split_once('-')
            && from.trim().len() == 4
            && to.trim().len() == 4
        {
            return Some(Self::span(PartialDate::parse(from)?, PartialDate::parse(to)?, circa));
        }
        PartialDate::parse(rest).map(|date| Self::from_date(date, circa))
    }

    pub(crate) fn packed(self) -> (u32, u32) {
        (self.from, self.to | u32::from(self.circa) << 31)
    }

    pub(crate) fn from_packed(from: u32, to: u32) -> Self {
        Self { from, to: to & 0x7fff_ffff, circa: to >> 31 == 1 }
    }

    /// How a customer's date compares with this one.
    #[must_use]
    pub fn compare(self, query: PartialDate) -> DateMatch {
        let (first, last) = (query.first_day(), query.last_day());
        let exact_day = self.from == self.to && query.is_full() && !self.circa;
        if first <= self.to && last >= self.from {
            return if exact_day { DateMatch::SameDay } else { DateMatch::Compatible };
        }
        let (from_year, from_month, from_day) = unpack(self.from);
        let (to_year, _, _) = unpack(self.to);
        if self.from == self.to && query.is_full() {
            let transposed =
                query.year == from_year && query.month == from_day && query.day == from_month;
            if transposed {
                return DateMatch::DayMonthSwapped;
            }
            let parts = [query.year == from_year, query.month == from_month, query.day == from_day];
            if parts.iter().filter(|same| **same).count() == 2
                && query.year.abs_diff(from_year) <= 10
            {
                return DateMatch::OnePartDiffers;
            }
        }
        let gap = if query.year < from_year {
            from_year - query.year
        } else {
            query.year.saturating_sub(to_year)
        };
        match gap {
            0 => DateMatch::SameYear,
            1..=2 if self.circa || self.from != self.to || !query.is_full() => DateMatch::NearYear,
            3..=5 if self.circa => DateMatch::NearYear,
            _ => DateMatch::Different,
        }
    }
}

/// Prints the range and whether it is "circa"; this is a listed fact, not a customer's.
impl fmt::Display for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |packed: u32| {
            let (year, month, day) = unpack(packed);
            format!("{year:04}-{month:02}-{day:02}")
        };
        if self.circa {
            f.write_str("circa ")?;
        }
        let whole_year = self.from / 10_000 == self.to / 10_000
            && self.from % 10_000 == 101
            && self.to % 10_000 == 1231;
        if whole_year {
            write!(f, "{}", self.from / 10_000)
        } else if self.from == self.to {
            f.write_str(&show(self.from))
        } else {
            write!(f, "{} to {}", show(self.from), show(self.to))
        }
    }
}

/// How two birth dates compare, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DateMatch {
    /// The same full day on both sides.
    SameDay,
    /// One lies inside the other, but at least one is only a year, a month or a span.
    Compatible,
    /// Day and month change places.
    DayMonthSwapped,
    /// Two of year, month and day agree.
    OnePartDiffers,
    /// Only the year agrees although both give a day.
    SameYear,
    /// A year or two off where at least one side is imprecise.
    NearYear,
    /// Nothing agrees.
    Different,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_as_lists_print_them() {
        for (text, iso) in [
            ("1969-12-11", "1969-12-11"),
            ("11 Dec 1969", "1969-12-11"),
            ("December 11, 1969", "1969-12-11"),
            ("11/12/1969", "1969-12-11"),
            ("00/00/1970", "1970"),
            ("1969-12-11T00:00:00Z", "1969-12-11"),
            ("Dec 1969", "1969-12"),
            ("1969-12", "1969-12"),
            ("1969", "1969"),
        ] {
            assert_eq!(
                PartialDate::parse(text).map(PartialDate::iso).as_deref(),
                Some(iso),
                "{text}"
            );
        }
        for text in ["", "soon", "1969-13-01", "1969-02-30", "19", "12345", "11 Foo 1969"] {
            assert!(PartialDate::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn spans_and_circa_are_read() {
        for (text, shown) in [
            ("circa 1961", "circa 1961"),
            ("1958-1960", "1958-01-01 to 1960-12-31"),
            ("1970 to 1973", "1970-01-01 to 1973-12-31"),
            ("between 1973 and 1970", "1970-01-01 to 1973-12-31"),
            ("c. 1947", "circa 1947"),
            ("05 Feb 1981", "1981-02-05"),
        ] {
            assert_eq!(
                BirthDate::parse(text).map(|date| date.to_string()).as_deref(),
                Some(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn comparison_names_the_difference() {
        use DateMatch::*;
        for (listed, query, expected) in [
            ("1969-12-11", "1969-12-11", SameDay),
            ("1969", "1969-12-11", Compatible),
            ("1969-12-11", "1969", Compatible),
            ("1969-12-11", "1969-11-12", DayMonthSwapped),
            ("1969-12-11", "1968-12-11", OnePartDiffers),
            ("1969-12-11", "1969-12-21", OnePartDiffers),
            ("1969-12-11", "1969-01-02", SameYear),
            ("circa 1961", "1964-05-05", NearYear),
            ("1961", "1962-01-01", NearYear),
            ("1969-12-11", "1970-01-01", Different),
            ("1969-12-11", "1987-12-11", Different),
        ] {
            let listed = BirthDate::parse(listed).unwrap();
            assert_eq!(
                listed.compare(PartialDate::parse(query).unwrap()),
                expected,
                "{listed} {query}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_what_is_read_is_ordered(text in "\\PC{0,24}") {
            if let Some(date) = BirthDate::parse(&text) {
                prop_assert!(date.from <= date.to);
                let (from, to) = date.packed();
                prop_assert_eq!(BirthDate::from_packed(from, to), date);
            }
        }
    }
}
