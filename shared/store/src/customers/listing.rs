//! Lists of summaries: sorted by name or by creation, either way round, of a partner or of one of its accounts, with the
//! number of all that match.
//!
//! The four sorted indexes share their attributes: `listPk` or `accountPk` with `listSk` (creation) or `nameSk` (name).
//! What a page costs does not depend on its number: it begins behind the bookmark that the page before it left. The
//! total comes from the counters where classification and standing are all that is asked; for any other filter it is
//! counted once along the index and travels in the bookmarks for a minute. Page and total together read no more answers
//! than a listing may; where those do not suffice, the page is shorter and the total says that there is more.
//!
//! Customers in review and rejected ones are few among many and somebody's work: they are in the sparse index of cases, so
//! finding a thousand of them costs what they are, whatever there is beside them.
//!
//! A customer stored by a release without summaries is neither in these lists nor in their totals until its next change,
//! which the first sweep of a night is: every list and every total says the same.

use domain::choices::Classification;
use domain::customer::Customer;
use domain::ids::{AccountId, PartnerId};
use domain::name::folded;
use domain::verification::Standing;
use futures_util::future::join;
use jiff::Timestamp;

use super::find::{BY_PARTNER, ListError, OPEN_CASES};
use super::summary::read_summary;
use super::{Customers, CustomersError, Summary};
use crate::keys::{account_partition, case_partition, listing_partition, sortable_millis};
use crate::pages::{Listing, MAX_READS, PageError, Start, Walked};
use crate::{Expression, Item, Query};

/// The most cases that are sorted for each page of them.
const MOST_SORTED: u64 = 1_000;
/// The most answers of the index of cases (of some 250 customers each) that these are looked for in.
const CASE_READS: usize = 10;

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The folded name, then the id.
    Name,
    /// The time of creation, then the id.
    CreatedAt,
}

/// In which order, and which way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListingOrder {
    /// What it is sorted by.
    pub by: SortBy,
    /// Highest first.
    pub descending: bool,
}

impl ListingOrder {
    /// Sorts rows that were found otherwise as the indexes do.
    pub fn sort(self, rows: &mut [Summary]) {
        match self.by {
            SortBy::Name => rows.sort_by_cached_key(|row| (folded(&row.name), row.id)),
            SortBy::CreatedAt => rows.sort_by_key(|row| (row.created_at.as_millisecond(), row.id)),
        }
        if self.descending {
            rows.reverse();
        }
    }
}

/// What a list shows. Everything given must hold; of a list of values, one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SummaryFilter {
    /// Only customers of this account.
    pub account: Option<AccountId>,
    /// Created in the millisecond of this time or later.
    pub created_from: Option<Timestamp>,
    /// Created in the millisecond of this time or earlier.
    pub created_to: Option<Timestamp>,
    /// Part of the name, in any letter case.
    pub name: Option<String>,
    /// Part of name, e-mail, phone or the partner's own id.
    pub search: Option<String>,
    /// Exactly this primary e-mail address, in lower case.
    pub email: Option<String>,
    /// Exactly this id of the partner's own.
    pub external_id: Option<String>,
    /// One of these.
    pub standings: Vec<Standing>,
    /// One of these.
    pub classifications: Vec<Classification>,
}

/// One page and how many there are over all pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The page.
    pub results: Vec<Summary>,
    /// All that match.
    pub total: u64,
}

impl SummaryFilter {
    /// Whether a customer passes, for lists that were found otherwise.
    #[must_use]
    pub fn admits(&self, customer: &Customer) -> bool {
        let summary = super::summary::summary_of(customer);
        let part = |wanted: &Option<String>, of: &str| {
            wanted.as_ref().is_none_or(|wanted| of.contains(&folded(wanted)))
        };
        self.account.is_none_or(|account| customer.account == Some(account))
            && part(&self.name, &summary.folded_name)
            && part(&self.search, summary.search())
            && (self.standings.is_empty() || self.standings.contains(&customer.standing()))
            && (self.classifications.is_empty()
                || self.classifications.contains(&customer.party.classification()))
            && self.admits_exactly(&summary.into())
    }

    /// What the conditions of a query leave open: the exact e-mail address. Times go by the millisecond, as the indexes do, so
    /// that rows, totals and order agree.
    fn admits_exactly(&self, row: &Summary) -> bool {
        let email = row.email.as_ref().map(|email| email.to_ascii_lowercase());
        let created = row.created_at.as_millisecond();
        self.created_from.is_none_or(|from| created >= from.as_millisecond())
            && self.created_to.is_none_or(|to| created <= to.as_millisecond())
            && (self.email.is_none() || self.email == email)
            && (self.external_id.is_none() || self.external_id == row.client_identifier)
    }

    /// Whether e-mail address and external id are all that is asked.
    #[must_use]
    pub fn is_identity_alone(&self) -> bool {
        let rest = Self { email: None, external_id: None, ..self.clone() };
        rest == Self::default()
    }

    /// Whether the counters know how many pass.
    const fn is_counted(&self) -> bool {
        self.created_from.is_none()
            && self.created_to.is_none()
            && self.name.is_none()
            && self.search.is_none()
            && self.email.is_none()
            && self.external_id.is_none()
    }

    /// Whether everybody who passes is in the index of cases.
    fn is_of_cases(&self) -> bool {
        !self.standings.is_empty() && self.standings.iter().all(|standing| has_case(*standing))
    }

    /// The sparse index of cases, with the conditions that are the same in every index and that of the account.
    fn query_of_cases(&self, partner: PartnerId) -> Query {
        let query = Query::index(OPEN_CASES, "casePk", "listSk", case_partition(partner));
        let query = self.conditions(query);
        let Some(account) = self.account else { return query };
        let condition = Expression::new("#accountPk = :accountPk")
            .name("#accountPk", "accountPk")
            .text(":accountPk", account_partition(partner, account));
        query.filter(condition)
    }

    fn query(&self, partner: PartnerId, order: ListingOrder) -> Query {
        let (partition_attribute, partition) = match self.account {
            None => ("listPk", listing_partition(partner)),
            Some(account) => ("accountPk", account_partition(partner, account)),
        };
        let (index, sort_attribute) = match (order.by, self.account.is_some()) {
            (SortBy::CreatedAt, false) => (BY_PARTNER, "listSk"),
            (SortBy::Name, false) => ("by-name", "nameSk"),
            (SortBy::CreatedAt, true) => ("by-account", "listSk"),
            (SortBy::Name, true) => ("by-account-name", "nameSk"),
        };
        let mut query = Query::index(index, partition_attribute, sort_attribute, partition);
        if order.descending {
            query = query.backward();
        }
        let bounded = self.created_from.is_some() || self.created_to.is_some();
        if bounded && order.by == SortBy::CreatedAt {
            let low = self.created_from.map_or_else(|| "0".to_owned(), sortable_millis);
            // '~' sorts behind every id.
            let high = self
                .created_to
                .map_or_else(|| "~".to_owned(), |to| format!("{}~", sortable_millis(to)));
            query = query.between(low, high);
        } else if bounded {
            for (bound, sign, value) in
                [(self.created_from, ">=", ":from"), (self.created_to, "<=", ":to")]
            {
                let Some(bound) = bound else { continue };
                let condition = format!("#summary.#created {sign} {value}");
                query = query.filter(
                    fact(condition, "#created", "created").number(value, bound.as_millisecond()),
                );
            }
        }
        self.conditions(query)
    }

    fn conditions(&self, mut query: Query) -> Query {
        if let Some(wanted) = &self.external_id {
            let condition = "#summary.#externalId = :externalId".to_owned();
            let condition = fact(condition, "#externalId", "externalId");
            query = query.filter(condition.text(":externalId", wanted));
        }
        if let Some(wanted) = &self.email {
            // The address as it was written is compared when the item is read.
            let condition =
                fact("contains(#summary.#search, :email)".to_owned(), "#search", "search");
            query = query.filter(condition.text(":email", format!("\n{wanted}")));
        }
        for (wanted, name, attribute, value) in [
            (&self.name, "#foldedName", "foldedName", ":name"),
            (&self.search, "#search", "search", ":search"),
        ] {
            if let Some(wanted) = wanted {
                let condition = format!("contains(#summary.{name}, {value})");
                query = query.filter(fact(condition, name, attribute).text(value, folded(wanted)));
            }
        }
        let standings = self.standings.iter().map(|standing| standing.as_str());
        query = one_of(query, "standing", standings.collect());
        let kinds = self.classifications.iter().map(|classification| classification.as_str());
        one_of(query, "kind", kinds.collect())
    }

    /// Everything that decides what a page shows, for the bookmarks.
    fn parts(&self, order: ListingOrder) -> Vec<String> {
        let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
        vec![
            self.account.map_or_else(String::new, |account| account.to_string()),
            time(self.created_from),
            time(self.created_to),
            self.name.as_deref().map_or_else(String::new, folded),
            self.search.as_deref().map_or_else(String::new, folded),
            self.email.as_deref().map_or_else(String::new, str::to_owned),
            self.external_id.as_deref().map_or_else(String::new, str::to_owned),
            self.standings.iter().map(|standing| standing.as_str()).collect::<Vec<_>>().join(","),
            self.classifications.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(","),
            format!("{order:?}"),
        ]
    }
}

/// Whether customers of this standing are in the index of cases.
pub(super) const fn has_case(standing: Standing) -> bool {
    match standing {
        Standing::Review | Standing::Rejected => true,
        Standing::Pending | Standing::Verified | Standing::Inactive => false,
    }
}

/// A condition on one fact of the summary.
fn fact(condition: String, name: &str, attribute: &str) -> Expression {
    Expression::new(condition).name("#summary", "summary").name(name, attribute)
}

fn one_of(query: Query, attribute: &str, wanted: Vec<&str>) -> Query {
    if wanted.is_empty() {
        return query;
    }
    let name = format!("#{attribute}");
    let values: Vec<String> = (0..wanted.len()).map(|at| format!(":{attribute}{at}")).collect();
    let mut condition =
        fact(format!("#summary.{name} IN ({})", values.join(", ")), &name, attribute);
    for (value, wanted) in values.iter().zip(wanted) {
        condition = condition.text(value, wanted);
    }
    query.filter(condition)
}

impl Customers {
    /// A numbered page (from 1) and the number of all that match, which the caller may `know`. See the module for what it
    /// costs.
    ///
    /// # Errors
    /// [`ListError::TooFar`] when too much would have to be read, or [`CustomersError`].
    pub async fn summaries(
        &self,
        partner: PartnerId,
        filter: &SummaryFilter,
        order: ListingOrder,
        (page, page_size): (u32, u32),
        known: Option<u64>,
        now: Timestamp,
    ) -> Result<Listed, ListError> {
        let nothing = |total| Ok(Listed { results: Vec::new(), total });
        if matches!((filter.created_from, filter.created_to), (Some(from), Some(to)) if from > to) {
            return nothing(0);
        }
        let parts = filter.parts(order);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let listing = Listing::new(partner, "summaries", &parts, page_size);
        let before = u64::from(page.saturating_sub(1)) * u64::from(page_size);
        if filter.is_counted() {
            let counted =
                self.count(partner, filter.account, &filter.classifications, &filter.standings);
            let is_rare = !(filter.standings.is_empty() && filter.classifications.is_empty());
            if page == 1 && !is_rare {
                let start = listing.start_of(&self.table, 1, now).await.map_err(store)?;
                let walk = self.walk(&listing, partner, filter, order, (start, None));
                let (walked, total) = join(Box::pin(walk), Box::pin(counted)).await;
                let walked = walked?;
                listing
                    .leave_bookmark(&self.table, page, walked.next, None, now)
                    .await
                    .map_err(store)?;
                return Ok(Listed { results: walked.results, total: total? });
            }
            let started = listing.start_of(&self.table, page, now);
            let (start, total) = join(Box::pin(started), Box::pin(counted)).await;
            let total = total?;
            if before >= total {
                return nothing(total);
            }
            if filter.is_of_cases()
                && total <= MOST_SORTED
                && let Some(mut all) = Box::pin(self.cases(partner, filter)).await?
            {
                order.sort(&mut all);
                let skip = usize::try_from(before).unwrap_or(usize::MAX);
                let results = all.into_iter().skip(skip).take(page_size as usize).collect();
                return Ok(Listed { results, total });
            }
            // How many there are says where the page ends, also when few of many match.
            let start = (start.map_err(store)?, Some(total - before));
            let walk = self.walk(&listing, partner, filter, order, start);
            let walked = Box::pin(walk).await?;
            listing
                .leave_bookmark(&self.table, page, walked.next, None, now)
                .await
                .map_err(store)?;
            return Ok(Listed { results: walked.results, total });
        }
        let start = listing.start_of(&self.table, page, now).await.map_err(store)?;
        let known = known.or(start.total);
        if known.is_some_and(|total| before >= total) {
            return nothing(known.unwrap_or(0));
        }
        let start = (start, known.map(|total| total - before));
        let walked = Box::pin(self.walk(&listing, partner, filter, order, start)).await?;
        let shown = walked.results.len() as u64;
        let total = match (known, &walked.next) {
            (Some(total), _) => total,
            // The end was reached, so this is the last page and the total is known.
            (None, None) if shown > 0 || page == 1 => before + shown,
            (None, None) => self.count_behind(partner, filter, order, None, MAX_READS).await?.0,
            (None, Some(next)) => {
                let (next, reads) = (Some(next.clone()), walked.reads_left);
                let (rest, is_all) = self.count_behind(partner, filter, order, next, reads).await?;
                stated(before + shown + rest, is_all, before + u64::from(page_size))
            }
        };
        listing
            .leave_bookmark(&self.table, page, walked.next, Some(total), now)
            .await
            .map_err(store)?;
        Ok(Listed { results: walked.results, total })
    }

    /// How many pass behind this place of the index, over no more than `reads` answers, and whether these are all.
    async fn count_behind(
        &self,
        partner: PartnerId,
        filter: &SummaryFilter,
        order: ListingOrder,
        place: Option<Item>,
        reads: usize,
    ) -> Result<(u64, bool), ListError> {
        if filter.email.is_some() {
            // The conditions alone let longer addresses pass.
            let listing = Listing::new(partner, "count", &[], u32::MAX).reading(reads);
            let start = (Start::behind(place), None);
            let all = Box::pin(self.walk(&listing, partner, filter, order, start)).await?;
            return Ok((all.results.len() as u64, !all.is_cut));
        }
        let listed = Expression::new("attribute_exists(#summary)").name("#summary", "summary");
        let query = filter.query(partner, order).filter(listed).after(place);
        Box::pin(self.table.count(&query, reads)).await.map_err(store)
    }

    /// Everybody in the index of cases who passes; `None` when there are more cases than are worth reading for that.
    async fn cases(
        &self,
        partner: PartnerId,
        filter: &SummaryFilter,
    ) -> Result<Option<Vec<Summary>>, ListError> {
        let mut query = filter.query_of_cases(partner);
        let mut found = Vec::new();
        for _ in 0..CASE_READS {
            let answer = Box::pin(self.table.query(&query)).await.map_err(store)?;
            for item in answer.items {
                found.extend(read_summary(item).map_err(store)?);
            }
            match answer.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(Some(found)),
            }
        }
        Ok(None)
    }

    async fn walk(
        &self,
        listing: &Listing,
        partner: PartnerId,
        filter: &SummaryFilter,
        order: ListingOrder,
        (start, most): (Start, Option<u64>),
    ) -> Result<Walked<Summary>, ListError> {
        let query = filter.query(partner, order);
        let keep = |item: &Item| {
            let summary = read_summary(item.clone())?;
            Ok(summary.filter(|summary| filter.admits_exactly(summary)))
        };
        match Box::pin(listing.walk(&self.table, query, start, most, keep)).await {
            Ok(walked) => Ok(walked),
            Err(PageError::TooFar) => Err(ListError::TooFar),
            Err(PageError::Store(error)) => Err(store(error)),
        }
    }
}

/// The total that is said: who goes by it has to come to what was not counted, behind this page.
fn stated(counted: u64, is_all: bool, end_of_page: u64) -> u64 {
    if is_all { counted } else { counted.max(end_of_page) + 1 }
}

fn store(error: crate::StoreError) -> ListError {
    CustomersError::from(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_was_not_counted_to_the_end_is_more_than_the_page() {
        for (counted, is_all, end_of_page, total) in
            [(250, true, 100, 250), (3, true, 100, 3), (3, false, 100, 101), (250, false, 100, 251)]
        {
            assert_eq!(stated(counted, is_all, end_of_page), total);
        }
    }
}
