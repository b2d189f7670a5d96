//! Listing and searching customers.
//!
//! An exact e-mail address or external id leads through its lookup rows to a handful of customers; anything else is a page
//! of a sorted index. Neither has to be unique, so what a page costs is bounded: of more than [`MOST_LOADED`] customers
//! with one of them, no more than the page is loaded.

use domain::ids::CustomerId;
use domain::problem::Problem;
use domain::time::utc_moment;
use http_api::{Caller, Failure, Reply, Request};
use serde_json::json;
use store::customers::{CustomersError, ListError, Listed, SortBy, Summary, Term};
use straddle::Row;

use super::envelope::array;
use super::list_request::{ListRequest, MOST_SIZE};
use crate::app::{App, broken};

/// A batch read's worth.
const MOST_LOADED: usize = 100;

fn row(summary: Summary) -> Row {
    Row {
        id: summary.id.to_string(),
        name: summary.name,
        r#type: straddle::type_name(summary.classification),
        // The contract always has both; a customer of another contract may have neither.
        email: summary.email.unwrap_or_default(),
        phone: summary.phone.unwrap_or_default(),
        external_id: summary.client_identifier,
        status: summary.standing.as_str(),
        created_at: utc_moment(summary.created_at),
        updated_at: utc_moment(summary.modified_at),
    }
}

/// `GET /v1/customers`.
///
/// # Errors
/// [`Failure`].
pub async fn list(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let asked = ListRequest::of(request)?;
    let now = app.clock.now();
    let term = match (&asked.filter.email, &asked.filter.external_id) {
        (Some(email), _) => Some(Term::Email(email)),
        (None, Some(own)) => Some(Term::ClientIdentifier(own)),
        (None, None) => None,
    };
    let listed = match term {
        Some(term) => Box::pin(with_term(app, caller, &asked, term)).await,
        None => Box::pin(sorted(app, caller, &asked, None)).await,
    };
    let listed = match listed {
        Ok(listed) => listed,
        Err(ListError::TooFar) => {
            let expected = "a page within reach; narrow the filters";
            return Err(Failure::field("page_number", Problem::Malformed { expected }));
        }
        Err(ListError::Customers(error)) => return Err(broken(error)),
    };
    let rows: Vec<Row> = listed.results.into_iter().map(row).collect();
    let page = json!({
        "page_number": asked.page_number,
        "page_size": asked.page_size,
        "max_page_size": MOST_SIZE,
        "total_items": listed.total,
        "total_pages": listed.total.div_ceil(u64::from(asked.page_size)),
        "sort_by": match asked.order.by {
            SortBy::Name => "name",
            SortBy::CreatedAt => "created_at",
        },
        "sort_order": if asked.order.descending { "desc" } else { "asc" },
    });
    array(&rows, page, request, now)
}

/// A page of the sorted index, of which the caller may know how many customers it has in all.
async fn sorted(
    app: &App,
    caller: &Caller,
    asked: &ListRequest,
    known: Option<u64>,
) -> Result<Listed, ListError> {
    let page = (asked.page_number, asked.page_size);
    let now = app.clock.now();
    app.customers.summaries(caller.partner, &asked.filter, asked.order, page, known, now).await
}

/// The customers with this e-mail address or external id that pass the other filters.
async fn with_term(
    app: &App,
    caller: &Caller,
    asked: &ListRequest,
    term: Term<'_>,
) -> Result<Listed, ListError> {
    let ids = app.customers.find(caller.partner, term).await?;
    if ids.len() <= MOST_LOADED {
        return Ok(few(app, caller, asked, &ids).await?);
    }
    // Both given are two conditions, of which the rows found know one.
    let is_whole = asked.filter.is_identity_alone()
        && (asked.filter.email.is_none() || asked.filter.external_id.is_none());
    match asked.order.by {
        SortBy::CreatedAt if is_whole => Ok(by_age(app, caller, asked, ids).await?),
        _ => sorted(app, caller, asked, is_whole.then_some(ids.len() as u64)).await,
    }
}

/// So few that all are loaded: they are filtered and sorted in whichever way.
async fn few(
    app: &App,
    caller: &Caller,
    asked: &ListRequest,
    ids: &[CustomerId],
) -> Result<Listed, CustomersError> {
    let mut found = app.customers.get_many(caller.partner, ids).await?;
    found.retain(|customer| asked.filter.admits(customer));
    let mut rows: Vec<Summary> = found.iter().map(Summary::of).collect();
    asked.order.sort(&mut rows);
    let total = rows.len() as u64;
    Ok(Listed { results: on_page(asked, rows), total })
}

/// Many that nothing else is asked of: ids sort as their customers were created, so only a page of them is loaded.
async fn by_age(
    app: &App,
    caller: &Caller,
    asked: &ListRequest,
    mut ids: Vec<CustomerId>,
) -> Result<Listed, CustomersError> {
    ids.sort_unstable();
    if asked.order.descending {
        ids.reverse();
    }
    let total = ids.len() as u64;
    let found = app.customers.get_many(caller.partner, &on_page(asked, ids)).await?;
    let mut results: Vec<Summary> = found.iter().map(Summary::of).collect();
    asked.order.sort(&mut results);
    Ok(Listed { results, total })
}

fn on_page<T>(asked: &ListRequest, all: Vec<T>) -> Vec<T> {
    let size = asked.page_size as usize;
    let skip = (asked.page_number as usize - 1).saturating_mul(size);
    all.into_iter().skip(skip).take(size).collect()
}
