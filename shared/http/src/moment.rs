//! Times in queries: the bounds of a listing.

use domain::problem::Problem;
use jiff::Timestamp;
use jiff::civil::{Date, time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

/// An ISO 8601 time with offset, or a date: its first moment in UTC, or its last for an upper bound. An offset's plus
/// sign that was not percent-encoded arrives as a space. The last day of the calendar means "no end",
/// at whatever time.
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
    let text = text.replace(' ', "+");
    text.parse().or_else(|_| if is_last_day(&text) { Ok(Timestamp::MAX) } else { Err(malformed) })
}

/// Platforms write the end of time as the last moment of the year 9999, which is behind the last that can be held.
fn is_last_day(text: &str) -> bool {
    Pieces::parse(text).is_ok_and(|pieces| {
        pieces.date() == Date::MAX && pieces.time().is_some() && pieces.offset().is_some()
    })
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
            ("9999-12-31T23:59:59.9999999Z", true, &Timestamp::MAX.to_string()),
            ("9999-12-31T23:59:59.9999999 00:00", false, &Timestamp::MAX.to_string()),
            ("0001-01-01T00:00:00Z", false, "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(read_moment(text, end).unwrap().to_string(), read, "{text}");
        }
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-01-25T17:55:24",
            "1769381724",
            "9999-12-31T23:59:59",
            "9999-12-32T23:59:59Z",
        ] {
            assert!(read_moment(wrong, false).is_err(), "{wrong}");
        }
    }
}
