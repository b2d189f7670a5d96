//! The parameters of the list.

use domain::problem::{Problem, Violations};
use http_api::{Failure, Request, read_moment};
use jiff::Timestamp;
use store::customers::{ListingOrder, SortBy, SummaryFilter};

use super::request::{customer_type, status};

/// The most rows of a page.
pub(super) const MOST_SIZE: u32 = 1000;
const DEFAULT_SIZE: u32 = 100;
const MOST_NUMBER: i64 = 1_000_000;
/// Longer than any fact that is searched: the parts of a person's name come to 333 characters.
const LONGEST_SEARCH: usize = 400;

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct ListRequest {
    pub filter: SummaryFilter,
    pub order: ListingOrder,
    pub page_number: u32,
    pub page_size: u32,
}

impl ListRequest {
    /// Reads all parameters, reporting every wrong one.
    pub(super) fn of(request: &Request) -> Result<Self, Failure> {
        let account = request.account()?;
        let mut wrong = Violations::new();
        let found = &mut wrong;
        let within = |most: i64| move |text: &str| whole(text, most);
        let page_number = request.query_parsed("page_number", found, within(MOST_NUMBER));
        let page_size = request.query_parsed("page_size", found, within(i64::from(MOST_SIZE)));
        let by = request.query_parsed("sort_by", found, |text| match text {
            "name" => Ok(SortBy::Name),
            "created_at" => Ok(SortBy::CreatedAt),
            _ => Err(Problem::NotOneOf { allowed: &["name", "created_at"] }),
        });
        let descending = request.query_parsed("sort_order", found, |text| match text {
            "asc" => Ok(false),
            "desc" => Ok(true),
            _ => Err(Problem::NotOneOf { allowed: &["asc", "desc"] }),
        });
        let created_from = request.query_parsed("created_from", found, |text| moment(text, false));
        let created_to = request.query_parsed("created_to", found, |text| moment(text, true));
        let [name, search, email, external_id] = ["name", "search_text", "email", "external_id"]
            .map(|parameter| request.query_parsed(parameter, found, searched));
        let standings = listed(request, "status", found, status);
        let classifications = listed(request, "types", found, customer_type);
        wrong.into_result()?;
        Ok(Self {
            filter: SummaryFilter {
                account,
                created_from,
                created_to,
                name,
                search,
                email: email.map(|email| email.to_ascii_lowercase()),
                external_id,
                standings,
                classifications,
            },
            order: ListingOrder {
                by: by.unwrap_or(SortBy::Name),
                descending: descending == Some(true),
            },
            page_number: page_number.unwrap_or(1),
            page_size: page_size.unwrap_or(DEFAULT_SIZE),
        })
    }
}

/// Every value of a list is one of the allowed; the same one twice is one.
fn listed<T: PartialEq>(
    request: &Request,
    name: &str,
    found: &mut Violations,
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Vec<T> {
    let mut values = Vec::new();
    for text in request.query_list(name) {
        let Some(value) = found.take(name, parse(text)) else { break };
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// The SDKs write a time without a zone when their caller gave none; it is UTC then.
fn moment(text: &str, end_of_day: bool) -> Result<Timestamp, Problem> {
    let expected = "a date (2026-01-25) or a time (2026-01-25T17:55:24-05:00; without offset, UTC)";
    read_moment(text, end_of_day)
        .or_else(|_| read_moment(&format!("{text}Z"), end_of_day))
        .map_err(|_| Problem::Malformed { expected })
}

fn searched(text: &str) -> Result<String, Problem> {
    if text.chars().count() > LONGEST_SEARCH {
        return Err(Problem::TooLong { max: LONGEST_SEARCH });
    }
    Ok(text.to_owned())
}

/// A whole number of whatever length is a number, and what is none is of the wrong type.
fn whole(text: &str, most: i64) -> Result<u32, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::WrongType { expected: "a whole number" });
    }
    let number = text.parse::<u32>().ok();
    number
        .filter(|number| (1..=most).contains(&i64::from(*number)))
        .ok_or(Problem::OutOfRange { min: 1, max: most })
}
