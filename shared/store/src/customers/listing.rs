//! Lists of summaries: sorted by name or by creation, either way round, of a partner or of one of its accounts, with the
//! number of all that match.
//!
//! The four sorted indexes share their attributes: `listPk` or `accountPk` with `listSk` (creation) or `nameSk` (name).
//! What a page costs does not depend on its number: it begins behind the bookmark that the page before it left. The
//! total comes from the counters where classification and standing are all that is asked; for any other filter it is
//! counted once along the index, within the answers that a listing may take, and travels in the bookmarks for a minute.
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

use super::find::{BY_PARTNER, ListError};
use super::summary::read_summary;
use super::{Customers, CustomersError, Summary};
use crate::keys::{account_partition, listing_partition, sortable_millis};
use crate::pages::{Listing, MAX_READS, PageError, Start};
use crate::{Expression, Query};

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

/// What a list shows. Everything given must hold; of a list of values, one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SummaryFilter {
    /// Only customers of this account.
    pub account: Option<AccountId>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created at this time or earlier.
    pub created_to: Option<Timestamp>,
    /// Part of the name, in any letter case.
    pub name: Option<String>,
    /// Part of name, e-mail, phone or the partner's own id.
    pub search: Option<String>,
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
            && self.created(customer.created_at)
    }

    fn created(&self, at: Timestamp) -> bool {
        self.created_from.is_none_or(|from| at >= from) && self.created_to.is_none_or(|to| at <= to)
    }

    /// Whether the counters know how many pass.
    const fn is_counted(&self) -> bool {
        self.created_from.is_none()
            && self.created_to.is_none()
            && self.name.is_none()
            && self.search.is_none()
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
            // Milliseconds are coarse; the exact times are compared when the item is read.
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
            self.standings.iter().map(|standing| standing.as_str()).collect::<Vec<_>>().join(","),
            self.classifications.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(","),
            format!("{order:?}"),
        ]
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
    /// A numbered page (from 1) and the number of all that match. See the module for what it costs.
    ///
    /// # Errors
    /// [`ListError::TooFar`] when too much would have to be read, or [`CustomersError`].
    pub async fn summaries(
        &self,
        partner: PartnerId,
        filter: &SummaryFilter,
        order: ListingOrder,
        (page, page_size): (u32, u32),
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
            if page == 1 {
                let start = listing.start_of(&self.table, 1, now).await.map_err(store)?;
                let walk = self.walk(&listing, partner, filter, order, start);
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
            let walk = self.walk(&listing, partner, filter, order, start.map_err(store)?);
            let walked = Box::pin(walk).await?;
            listing
                .leave_bookmark(&self.table, page, walked.next, None, now)
                .await
                .map_err(store)?;
            return Ok(Listed { results: walked.results, total });
        }
        let start = listing.start_of(&self.table, page, now).await.map_err(store)?;
        let known = start.total;
        if known.is_some_and(|total| before >= total) {
            return nothing(known.unwrap_or(0));
        }
        let walked = Box::pin(self.walk(&listing, partner, filter, order, start)).await?;
        let shown = walked.results.len() as u64;
        let total = match (known, &walked.next) {
            (Some(total), _) => total,
            // The end was reached, so this is the last page and the total is known.
            (None, None) if shown > 0 || page == 1 => before + shown,
            _ => {
                let listed = Expression::new("attribute_exists(summary)");
                let query = filter.query(partner, order).filter(listed);
                let counted = Box::pin(self.table.count(&query, MAX_READS)).await;
                counted.map_err(store)?.ok_or(ListError::TooFar)?
            }
        };
        listing
            .leave_bookmark(&self.table, page, walked.next, Some(total), now)
            .await
            .map_err(store)?;
        Ok(Listed { results: walked.results, total })
    }

    async fn walk(
        &self,
        listing: &Listing,
        partner: PartnerId,
        filter: &SummaryFilter,
        order: ListingOrder,
        start: Start,
    ) -> Result<crate::pages::Walked<Summary>, ListError> {
        let query = filter.query(partner, order);
        let keep = |item: &crate::Item| {
            let summary = read_summary(item.clone())?;
            Ok(summary.filter(|summary| filter.created(summary.created_at)))
        };
        match Box::pin(listing.walk(&self.table, query, start, keep)).await {
            Ok(walked) => Ok(walked),
            Err(PageError::TooFar) => Err(ListError::TooFar),
            Err(PageError::Store(error)) => Err(store(error)),
        }
    }
}

fn store(error: crate::StoreError) -> ListError {
    CustomersError::from(error).into()
}
