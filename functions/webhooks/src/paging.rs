//! The contract's numbered pages (COS §2.1).

use domain::problem::{Problem, Violations};
use http_api::Request;
use serde::Serialize;

/// The contract's largest page; also the default, because none is documented.
pub const MAX_PAGE_SIZE: u32 = 50;

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub number: u32,
    /// 1 to 50.
    pub size: u32,
}

impl PageRequest {
    /// Reads `pageNumber` and `pageSize`; problems are collected.
    pub fn read(request: &Request, violations: &mut Violations) -> Self {
        let number = request.query_parsed("pageNumber", violations, within(i64::from(u32::MAX)));
        let size = request.query_parsed("pageSize", violations, within(i64::from(MAX_PAGE_SIZE)));
        Self { number: number.unwrap_or(1), size: size.unwrap_or(MAX_PAGE_SIZE) }
    }
}

fn within(max: i64) -> impl Fn(&str) -> Result<u32, Problem> {
    move |text| {
        let number =
            text.parse::<i64>().map_err(|_| Problem::WrongType { expected: "a number" })?;
        u32::try_from(number)
            .ok()
            .filter(|number| *number >= 1 && i64::from(*number) <= max)
            .ok_or(Problem::OutOfRange { min: 1, max })
    }
}

/// The contract's envelope.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageObject<T> {
    results: Vec<T>,
    page_number: u32,
    page_size: u32,
    has_previous_page: bool,
    has_next_page: bool,
}

impl<T> PageObject<T> {
    /// The page that was asked for.
    pub fn new(page: PageRequest, results: Vec<T>, has_next: bool) -> Self {
        Self {
            results,
            page_number: page.number,
            page_size: page.size,
            has_previous_page: page.number > 1,
            has_next_page: has_next,
        }
    }

    /// One page of a list that is at hand whole.
    pub fn slice(page: PageRequest, all: impl IntoIterator<Item = T>) -> Self {
        let before = usize::try_from(page.number - 1)
            .unwrap_or(usize::MAX)
            .saturating_mul(page.size as usize);
        let mut rest = all.into_iter().skip(before);
        let results = rest.by_ref().take(page.size as usize).collect();
        Self::new(page, results, rest.next().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_know_their_neighbours() {
        let page = |number| PageObject::slice(PageRequest { number, size: 2 }, 1..=5);
        let first = page(1);
        assert_eq!(
            (first.results, first.has_previous_page, first.has_next_page),
            (vec![1, 2], false, true)
        );
        let last = page(3);
        assert_eq!(
            (last.results, last.has_previous_page, last.has_next_page),
            (vec![5], true, false)
        );
        let exact = PageObject::slice(PageRequest { number: 1, size: 5 }, 1..=5);
        assert!(!exact.has_next_page);
        assert!(page(9).results.is_empty());
        assert!(page(u32::MAX).results.is_empty());
    }

    #[test]
    fn numbers_are_bounded() {
        for (text, expected) in [
            ("1", Ok(1)),
            ("50", Ok(50)),
            ("51", Err(Problem::OutOfRange { min: 1, max: 50 })),
            ("0", Err(Problem::OutOfRange { min: 1, max: 50 })),
            ("-1", Err(Problem::OutOfRange { min: 1, max: 50 })),
            ("x", Err(Problem::WrongType { expected: "a number" })),
        ] {
            assert_eq!(within(50)(text), expected, "{text}");
        }
    }
}
