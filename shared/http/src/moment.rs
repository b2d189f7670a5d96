//! Times in queries: the bounds of a listing.

use domain::problem::Problem;
use jiff::Timestamp;
use jiff::civil::{Date, time};
use jiff::tz::TimeZone;

/// An ISO 8601 time with offset, or a date: its first moment in UTC, or its last for an upper bound. An offset's plus
/// sign that was not percent-encoded arrives as a space. The last day of the calendar means "no end".
///
/// # Errors
/// [`Problem::Malformed`] for anything else.
pub fn read_moment(text: &str, end_of_day: bool) -> Result<Timestamp, Problem> {
    let expected = "a time with offset (2026-01-25T17:55:24-05:00) or a date (2026-01-25)";
    let malformed = Problem::Malformed { expected };
    if text.len() == 10 {
        let date: Date = text.parse().map_err(|_| malformed.clone())?;
        let clock = if end_of_day { time(23, 59, 59, 999_999_999) } else { time(0, 0, 0, 0) };
        let moment = date.to_datetime(clock).to_zoned(TimeZone::UTC);
        return Ok(moment.map_or(Timestamp::MAX, |moment| moment.timestamp()));
    }
    text.replace(' ', "+").parse().map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates_are_read() {
        for (text, end, read) in [
            ("2026-01-25T17:55:24-05:00", false, "2026-01-25T22:55:24Z"),
            ("2026-01-25T17:55:24.4422582 05:00", false, "2026-01-25T12:55:24.4422582Z"),
            ("2026-01-25T17:55:24Z", true, "2026-01-25T17:55:24Z"),
            ("2026-01-25", false, "2026-01-25T00:00:00Z"),
            ("2026-01-25", true, "2026-01-25T23:59:59.999999999Z"),
            ("9999-12-31", true, &Timestamp::MAX.to_string()),
        ] {
            assert_eq!(read_moment(text, end).unwrap().to_string(), read, "{text}");
        }
        for wrong in ["", "yesterday", "2026-13-01", "2026-01-25T17:55:24", "1769381724"] {
            assert!(read_moment(wrong, false).is_err(), "{wrong}");
        }
    }
}
