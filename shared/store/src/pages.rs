//! Numbered pages over queries.
//!
//! The contracts have page numbers, DynamoDB has none. A page walks the query; each served page leaves a bookmark (with
//! a short life) where the next one begins, so that reading on costs one bookmark read and one query, whatever the
//! number. A page without a bookmark walks on from the nearest one before it.

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::sha256_of_parts;
use domain::ids::PartnerId;
use jiff::{SignedDuration, Timestamp};

use crate::keys::{BookmarkKey, Key};
use crate::{Item, Query, StoreError, Table, number, text};

const BOOKMARK_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// A listing whose filters match few of many items is read in answers as large as DynamoDB gives (1 MB).
const FILTERED_READ: u32 = 1_000;

/// A caller may jump far ahead or filter for something rare; past this many answers (of some 2,500 rows of a list each) a
/// page ends where it is rather than run into the gateway's time-out.
pub(crate) const MAX_READS: usize = 150;

/// More than an answer of 1 MB holds, so that a jump ahead takes as few answers as DynamoDB allows.
const MOST_READ: u32 = 20_000;

/// How long a counted total is shown again: long enough to page through, short enough to be believed.
const TOTAL_LIFE: SignedDuration = SignedDuration::from_mins(1);

/// What is being listed: everything that decides the content of a page but its number.
#[derive(Debug, Clone)]
pub struct Listing {
    partner: PartnerId,
    digest: String,
    page_size: u32,
    /// How many items an answer may hold, and how many answers are read.
    reads: (u32, usize),
}

/// One numbered page.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedPage<T> {
    /// What it shows.
    pub results: Vec<T>,
    /// Whether another page follows.
    pub has_next: bool,
}

/// Why a page could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Too much would have to be read to come to the page. Never of page 1.
    #[error("the page is too far away")]
    TooFar,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Listing {
    /// The listing that `name` and these filter values describe. The values are only hashed.
    pub fn new(partner: PartnerId, name: &str, filters: &[&str], page_size: u32) -> Self {
        let size = page_size.to_string();
        let mut parts: Vec<&[u8]> = vec![name.as_bytes(), size.as_bytes()];
        parts.extend(filters.iter().map(|value| value.as_bytes()));
        Self {
            partner,
            digest: hex::encode(sha256_of_parts(&parts)),
            page_size,
            reads: (MOST_READ, MAX_READS),
        }
    }

    /// The same, read in so many answers at most.
    pub(crate) const fn reading(mut self, reads: usize) -> Self {
        self.reads.1 = reads;
        self
    }

    /// Page `page` (from 1) of `query`; `keep` turns an item into a result or drops it.
    ///
    /// Page 1: one query, and one write when another page follows. Page n with a bookmark: one more small query.
    ///
    /// # Errors
    /// [`PageError`].
    pub async fn page<T>(
        &self,
        table: &Table,
        query: Query,
        page: u32,
        now: Timestamp,
        keep: impl FnMut(&Item) -> Result<Option<T>, StoreError>,
    ) -> Result<NumberedPage<T>, PageError> {
        let start = self.start_of(table, page, now).await?;
        let walked = self.walk(table, query, start, None, keep).await?;
        let has_next = walked.next.is_some();
        self.leave_bookmark(table, page, walked.next, None, now).await?;
        Ok(NumberedPage { results: walked.results, has_next })
    }

    /// Walks the query from `start` to the end of the page. Where it is known how many results there are from that page's
    /// first on, nothing is read behind the last of them: a rare filter's page ends there and not with the listing. A page
    /// that [`MAX_READS`] answers do not fill is shorter, and the next one begins where it ends.
    pub(crate) async fn walk<T>(
        &self,
        table: &Table,
        query: Query,
        start: Start,
        most: Option<u64>,
        mut keep: impl FnMut(&Item) -> Result<Option<T>, StoreError>,
    ) -> Result<Walked<T>, PageError> {
        let mut skip = start.skip;
        let wanted = self.page_size as usize;
        // One more than wanted tells whether another page follows. What is skipped is read in the same answers.
        let (most_read, max_reads) = self.reads;
        let read = match (query.filter.is_some(), most) {
            // All that is left is on this page.
            (true, Some(most)) if most <= u64::from(self.page_size) => most_read,
            (true, _) => FILTERED_READ.min(most_read),
            (false, _) => u32::try_from(skip)
                .unwrap_or(u32::MAX)
                .saturating_add(self.page_size)
                .saturating_add(1)
                .min(most_read),
        };
        let mut query = query.after(start.after).limit(read);
        let mut results = Vec::with_capacity(wanted.min(MOST_READ as usize));
        let mut last = None;
        if most == Some(0) {
            return Ok(Walked::whole(results, None, max_reads));
        }
        for left in (0..max_reads).rev() {
            let answer = table.query(&query).await?;
            for item in answer.items {
                let Some(result) = keep(&item)? else { continue };
                if skip > 0 {
                    skip -= 1;
                } else if results.len() < wanted {
                    results.push(result);
                    last = Some(query.key_after(&item));
                    match most {
                        Some(most) if results.len() as u64 >= most => {
                            return Ok(Walked::whole(results, None, left));
                        }
                        Some(_) if results.len() == wanted => {
                            return Ok(Walked::whole(results, last, left));
                        }
                        _ => {}
                    }
                } else {
                    return Ok(Walked::whole(results, last, left));
                }
            }
            match answer.next {
                // Nothing that is frequent needs a second answer; what is rare is looked for in large ones.
                Some(next) => query = query.after(Some(next)).limit(most_read),
                None => return Ok(Walked::whole(results, None, left)),
            }
        }
        if skip > 0 {
            return Err(PageError::TooFar);
        }
        Ok(Walked { results, next: query.start, reads_left: 0, is_cut: true })
    }

    /// How many results to skip, and where to begin. 1 small query, none for page 1.
    pub(crate) async fn start_of(
        &self,
        table: &Table,
        page: u32,
        now: Timestamp,
    ) -> Result<Start, StoreError> {
        let before = u64::from(page.saturating_sub(1));
        let from_the_beginning =
            Start { skip: before * u64::from(self.page_size), after: None, total: None };
        if page <= 1 {
            return Ok(from_the_beginning);
        }
        let key = BookmarkKey::new(self.partner, self.digest.clone(), page);
        let nearest =
            Query::partition(key.pk()).up_to(key.sk()).backward().limit(1).eventually_consistent();
        let Some(bookmark) = table.query(&nearest).await?.items.into_iter().next() else {
            return Ok(from_the_beginning);
        };
        let expires_at = number(&bookmark, "expiresAt");
        let alive = expires_at.is_some_and(|at| at >= now.as_second());
        let fresh = expires_at
            .is_some_and(|at| at >= (now + BOOKMARK_LIFE).as_second() - TOTAL_LIFE.as_secs());
        let total = number(&bookmark, "total").and_then(|total| u64::try_from(total).ok());
        let marked = text(&bookmark, "sk").and_then(|sk| sk.parse::<u32>().ok());
        let start = bookmark.get("start").and_then(|start| start.as_m().ok()).cloned();
        Ok(match (alive, marked, start) {
            (true, Some(marked), Some(start)) if marked <= page => Start {
                skip: u64::from(page - marked) * u64::from(self.page_size),
                after: Some(start),
                total: total.filter(|_| fresh),
            },
            _ => from_the_beginning,
        })
    }

    /// Remembers where the page after `page` begins, when there is one, and how many results there are in all, when
    /// that took counting. 1 write.
    pub(crate) async fn leave_bookmark(
        &self,
        table: &Table,
        page: u32,
        start: Option<Item>,
        total: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(start) = start else { return Ok(()) };
        let page = page.saturating_add(1);
        let mut item = BookmarkKey::new(self.partner, self.digest.clone(), page).to_item();
        let expires_at = (now + BOOKMARK_LIFE).as_second();
        item.insert("start".to_owned(), AttributeValue::M(start));
        item.insert("expiresAt".to_owned(), AttributeValue::N(expires_at.to_string()));
        if let Some(total) = total {
            item.insert("total".to_owned(), AttributeValue::N(total.to_string()));
        }
        table.replace(item).await
    }
}

/// Where a page begins.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// Results to pass over.
    skip: u64,
    /// The key to begin behind.
    after: Option<Item>,
    /// How many results there are in all, counted less than a minute ago.
    pub(crate) total: Option<u64>,
}

impl Start {
    /// Behind this key, passing over nothing.
    pub(crate) const fn behind(after: Option<Item>) -> Self {
        Self { skip: 0, after, total: None }
    }
}

/// The content of a page and where the next one begins.
#[derive(Debug, Clone)]
pub(crate) struct Walked<T> {
    pub(crate) results: Vec<T>,
    pub(crate) next: Option<Item>,
    /// How many answers the request may still read.
    pub(crate) reads_left: usize,
    /// It was not filled because that would have taken too long.
    pub(crate) is_cut: bool,
}

impl<T> Walked<T> {
    const fn whole(results: Vec<T>, next: Option<Item>, reads_left: usize) -> Self {
        Self { results, next, reads_left, is_cut: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDatabase;
    use crate::{Expression, text};

    fn partner() -> PartnerId {
        PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap()
    }

    fn now() -> Timestamp {
        "2026-01-25T22:55:24Z".parse().unwrap()
    }

    async fn filled(rows: u32) -> (TestDatabase, Table) {
        let database = TestDatabase::new();
        let table = database.customers();
        for row in 0..rows {
            let kind = if row % 10 == 0 { "rare" } else { "common" };
            let item = Item::from([
                ("pk".to_owned(), AttributeValue::S("LIST".to_owned())),
                ("sk".to_owned(), AttributeValue::S(format!("{row:05}"))),
                ("kind".to_owned(), AttributeValue::S(kind.to_owned())),
            ]);
            table.put(item, Expression::absent()).await.unwrap();
        }
        table.meter().take();
        (database, table)
    }

    fn keep(item: &Item) -> Result<Option<String>, StoreError> {
        Ok(text(item, "sk").map(str::to_owned))
    }

    async fn page(table: &Table, size: u32, number: u32, at: Timestamp) -> NumberedPage<String> {
        let listing = Listing::new(partner(), "rows", &[], size);
        listing.page(table, Query::partition("LIST"), number, at, keep).await.unwrap()
    }

    #[tokio::test]
    async fn pages_partition_the_listing() {
        let (_database, table) = filled(53).await;
        let mut seen = Vec::new();
        for number in 1..=6 {
            let page = page(&table, 10, number, now()).await;
            assert_eq!(page.has_next, number < 6, "page {number}");
            seen.extend(page.results);
        }
        let all: Vec<String> = (0..53).map(|row| format!("{row:05}")).collect();
        assert_eq!(seen, all);
        assert_eq!(
            page(&table, 10, 7, now()).await,
            NumberedPage { results: vec![], has_next: false }
        );
    }

    #[tokio::test]
    async fn a_full_last_page_has_no_next() {
        let (_database, table) = filled(20).await;
        assert!(page(&table, 10, 1, now()).await.has_next);
        assert!(!page(&table, 10, 2, now()).await.has_next);
    }

    #[tokio::test]
    async fn reading_on_costs_the_same_whatever_the_number() {
        let (_database, table) = filled(200).await;
        let mut costs = Vec::new();
        for number in 1..=19 {
            page(&table, 10, number, now()).await;
            costs.push(table.meter().take().round_trips);
        }
        assert_eq!(costs[0], 2, "one query and one bookmark");
        assert!(costs[1..].iter().all(|cost| *cost == 3), "{costs:?}");
    }

    #[tokio::test]
    async fn a_page_without_a_bookmark_is_found_all_the_same() {
        let (_database, table) = filled(200).await;
        assert_eq!(page(&table, 10, 15, now()).await.results[0], "00140");
        // Bookmark 16 stands now; 18 walks on from it, and past its life from the beginning.
        assert_eq!(page(&table, 10, 18, now()).await.results[0], "00170");
        let later = now() + SignedDuration::from_hours(1);
        assert_eq!(page(&table, 10, 18, later).await.results[0], "00170");
    }

    #[tokio::test]
    async fn other_filters_have_other_bookmarks() {
        let (_database, table) = filled(100).await;
        let rare = || {
            let filter =
                Expression::new("#kind = :rare").name("#kind", "kind").text(":rare", "rare");
            Query::partition("LIST").filter(filter)
        };
        page(&table, 4, 1, now()).await;
        let listing = Listing::new(partner(), "rows", &["rare"], 4);
        let second = listing.page(&table, rare(), 2, now(), keep).await.unwrap();
        assert_eq!(second.results, ["00040", "00050", "00060", "00070"]);
        assert!(second.has_next);
        let third = listing.page(&table, rare(), 3, now(), keep).await.unwrap();
        assert_eq!(third.results, ["00080", "00090"]);
        assert!(!third.has_next);
    }

    #[tokio::test]
    async fn a_page_that_takes_too_long_is_shorter_and_the_next_one_goes_on() {
        let (_database, table) = filled(100).await;
        let rare = || {
            let filter =
                Expression::new("#kind = :rare").name("#kind", "kind").text(":rare", "rare");
            Query::partition("LIST").filter(filter)
        };
        // 3 answers of 10 items: 3 rare ones.
        let listing = Listing { reads: (10, 3), ..Listing::new(partner(), "rows", &["rare"], 6) };
        let page = async |number| listing.page(&table, rare(), number, now(), keep).await;
        for (number, rows) in [
            (1, vec!["00000", "00010", "00020"]),
            (2, vec!["00030", "00040", "00050"]),
            (3, vec!["00060", "00070", "00080"]),
        ] {
            let found = page(number).await.unwrap();
            assert_eq!(
                (found.results, found.has_next),
                (rows.iter().map(ToString::to_string).collect(), true)
            );
        }
        let last = page(4).await.unwrap();
        assert_eq!((last.results, last.has_next), (vec!["00090".to_owned()], false));
        // What was never come to from the page before is too far, but for the first page.
        let other = Listing { reads: (10, 3), ..Listing::new(partner(), "rows", &["other"], 6) };
        let far = other.page(&table, rare(), 3, now(), keep).await;
        assert!(matches!(far, Err(PageError::TooFar)));
    }

    #[tokio::test]
    async fn nothing_is_read_behind_the_last_result_that_there_is() {
        let (_database, table) = filled(100).await;
        let rare = Expression::new("#sk = :one").name("#sk", "kind").text(":one", "rare");
        let query = || Query::partition("LIST").filter(rare.clone());
        let listing = Listing { reads: (20, 9), ..Listing::new(partner(), "rows", &["rare"], 50) };
        for (most, round_trips, rows) in [(Some(1), 1, 1), (Some(3), 2, 3), (None, 6, 10)] {
            table.meter().take();
            let walked =
                listing.walk(&table, query(), Start::behind(None), most, keep).await.unwrap();
            assert_eq!((walked.results.len(), walked.is_cut), (rows, false));
            assert_eq!(table.meter().take().round_trips, round_trips, "{most:?}");
        }
    }
}
