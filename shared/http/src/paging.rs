//! Numbered pages (contract §2.1). Default size 25, at most 50; anything else is refused rather than clamped, so that a
//! client never takes a short page for the last one.

use domain::problem::{Problem, Violations};
use serde::Serialize;

use crate::{Failure, Request};

const DEFAULT_SIZE: u32 = 25;
const MOST_SIZE: i64 = 50;
const MOST_NUMBER: i64 = 1_000_000;

/// One page and its place among the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// What it shows.
    pub results: Vec<T>,
    /// From 1.
    pub page_number: u32,
    /// The most it shows.
    pub page_size: u32,
    /// Whether there is a page before it.
    pub has_previous_page: bool,
    /// Whether there is a page after it.
    pub has_next_page: bool,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, render: impl Fn(T) -> U) -> Page<U> {
        Page {
            results: self.results.into_iter().map(render).collect(),
            page_number: self.page_number,
            page_size: self.page_size,
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
        }
    }
}

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub number: u32,
    /// 1 to 50.
    pub size: u32,
}

impl Paging {
    /// Reads `pageNumber` and `pageSize`.
    ///
    /// # Errors
    /// [`Failure::Invalid`].
    pub fn of(request: &Request) -> Result<Self, Failure> {
        let mut violations = Violations::new();
        let paging = Self::read(request, &mut violations);
        violations.into_result()?;
        Ok(paging)
    }

    /// The same, among other parameters.
    pub fn read(request: &Request, violations: &mut Violations) -> Self {
        let number =
            request.query_parsed("pageNumber", violations, |text| within(text, MOST_NUMBER));
        let size = request.query_parsed("pageSize", violations, |text| within(text, MOST_SIZE));
        Self { number: number.unwrap_or(1), size: size.unwrap_or(DEFAULT_SIZE) }
    }

    /// A page that was cut elsewhere.
    pub fn page<T>(self, results: Vec<T>, has_next_page: bool) -> Page<T> {
        Page {
            results,
            page_number: self.number,
            page_size: self.size,
            has_previous_page: self.number > 1,
            has_next_page,
        }
    }

    /// The page of everything there is.
    pub fn slice<T>(self, all: &[T]) -> Page<&T> {
        let skip = (self.number as usize - 1).saturating_mul(self.size as usize);
        let results: Vec<&T> = all.iter().skip(skip).take(self.size as usize).collect();
        let has_next = all.len() > skip.saturating_add(self.size as usize);
        self.page(results, has_next)
    }
}

fn within(text: &str, most: i64) -> Result<u32, Problem> {
    let number: i64 =
        text.parse().map_err(|_| Problem::WrongType { expected: "a whole number" })?;
    u32::try_from(number)
        .ok()
        .filter(|_| (1..=most).contains(&number))
        .ok_or(Problem::OutOfRange { min: 1, max: most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cut_what_there_is() {
        let all: Vec<u32> = (1..=51).collect();
        let page = |number, size| {
            let page = Paging { number, size }.slice(&all);
            (page.results.len(), page.has_previous_page, page.has_next_page)
        };
        assert_eq!(page(1, 25), (25, false, true));
        assert_eq!(page(3, 25), (1, true, false));
        assert_eq!(page(3, 17), (17, true, false));
        assert_eq!(page(4, 25), (0, true, false));
        assert_eq!(page(1_000_000, 50), (0, true, false));
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        assert_eq!(within("50", MOST_SIZE), Ok(50));
        for wrong in ["0", "51", "-1", "99999999999"] {
            assert_eq!(within(wrong, MOST_SIZE), Err(Problem::OutOfRange { min: 1, max: 50 }));
        }
        for wrong in ["", "x", "1.5", "1e1"] {
            assert!(matches!(within(wrong, MOST_SIZE), Err(Problem::WrongType { .. })), "{wrong}");
        }
    }
}
