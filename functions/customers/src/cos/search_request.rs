//! The parameters of the customer list.

use domain::choices::Classification;
use domain::customer::ClientIdentifier;
use domain::ids::{CifNumber, CustomerId, PartnerId};
use domain::problem::{Problem, Violations};
use domain::scan::ScanStatus;
use domain::tax::{TaxId, TaxIdType};
use domain::text::Text;
use http_api::{Failure, Request};
use jiff::Timestamp;
use jiff::civil::{Date, time};
use jiff::tz::TimeZone;
use store::customers::ListFilter;

use super::Paging;

/// What to list. Everything given must hold.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub partner: Option<PartnerId>,
    pub id: Option<CustomerId>,
    pub cif: Option<CifNumber>,
    pub tax_id: Option<TaxId>,
    pub client_identifier: Option<ClientIdentifier>,
    pub filter: ListFilter,
}

impl Search {
    /// Reads all parameters, reporting every wrong one.
    pub(crate) fn of(request: &Request) -> Result<(Self, Paging), Failure> {
        let mut wrong = Violations::new();
        let found = &mut wrong;
        let search = Self {
            partner: request.query_parsed("partnerId", found, PartnerId::parse),
            id: request.query_parsed("id", found, CustomerId::parse),
            cif: request.query_parsed("cifNumber", found, CifNumber::parse),
            tax_id: request.query_parsed("taxId", found, any_tax_id),
            client_identifier: request.query_parsed("clientIdentifier", found, Text::parse),
            filter: ListFilter {
                classification: request.query_parsed(
                    "classification",
                    found,
                    Classification::parse,
                ),
                ofac: request.query_parsed("ofac", found, ScanStatus::parse),
                pep_scan: request.query_parsed("pepScan", found, ScanStatus::parse),
                created_from: request
                    .query_parsed("fromCreatedAt", found, |text| moment(text, false)),
                created_to: request.query_parsed("toCreatedAt", found, |text| moment(text, true)),
            },
        };
        let paging = Paging::read(request, found);
        wrong.into_result()?;
        Ok((search, paging))
    }
}

/// The kind is not part of the question, so the widest shape is asked for.
fn any_tax_id(text: &str) -> Result<TaxId, Problem> {
    TaxId::parse(text, TaxIdType::Foreign)
}

/// An ISO 8601 time with offset, or a date: its first moment in UTC, or its last for an upper bound. An offset's plus
/// sign that was not percent-encoded arrives as a space.
fn moment(text: &str, end_of_day: bool) -> Result<Timestamp, Problem> {
    let expected = "a time with offset (2026-01-25T17:55:24-05:00) or a date (2026-01-25)";
    let malformed = Problem::Malformed { expected };
    if text.len() == 10 {
        let date: Date = text.parse().map_err(|_| malformed.clone())?;
        let clock = if end_of_day { time(23, 59, 59, 999_999_999) } else { time(0, 0, 0, 0) };
        let moment = date.to_datetime(clock).to_zoned(TimeZone::UTC).map_err(|_| malformed)?;
        return Ok(moment.timestamp());
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
        ] {
            assert_eq!(moment(text, end).unwrap().to_string(), read, "{text}");
        }
        for wrong in ["", "yesterday", "2026-13-01", "2026-01-25T17:55:24", "1769381724"] {
            assert!(moment(wrong, false).is_err(), "{wrong}");
        }
    }
}
