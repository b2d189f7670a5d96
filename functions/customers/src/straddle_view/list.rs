//! Listing and searching customers.
//!
//! An exact e-mail address or external id leads through its lookup row to a handful of customers; anything else is a page
//! of a sorted index.

use domain::customer::Customer;
use domain::name::folded;
use domain::problem::Problem;
use http_api::{Caller, Failure, Reply, Request};
use serde::Serialize;
use serde_json::json;
use store::customers::{ListError, Listed, SortBy, Summary, Term};

use super::envelope::array;
use super::list_request::{ListRequest, MOST_SIZE};
use crate::app::{App, broken};

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    r#type: &'static str,
    email: String,
    phone: String,
    external_id: Option<String>,
    status: &'static str,
    created_at: String,
    updated_at: String,
}

impl From<Summary> for Row {
    fn from(summary: Summary) -> Self {
        Self {
            id: summary.id.to_string(),
            name: summary.name,
            r#type: match summary.classification {
                domain::choices::Classification::Personal => "individual",
                domain::choices::Classification::Business => "business",
            },
            email: summary.email.unwrap_or_default(),
            phone: summary.phone.unwrap_or_default(),
            external_id: summary.client_identifier,
            status: summary.standing.as_str(),
            created_at: straddle::moment(summary.created_at),
            updated_at: straddle::moment(summary.modified_at),
        }
    }
}

/// `GET /v1/customers`.
///
/// # Errors
/// [`Failure`].
pub async fn list(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let asked = ListRequest::of(request)?;
    let now = app.clock.now();
    let listed = if asked.email.is_some() || asked.external_id.is_some() {
        Box::pin(exact(app, caller, &asked)).await?
    } else {
        let page = (asked.page_number, asked.page_size);
        let listed = app.customers.summaries(caller.partner, &asked.filter, asked.order, page, now);
        match Box::pin(listed).await {
            Ok(listed) => listed,
            Err(ListError::TooFar) => {
                let expected = "a page within reach; narrow the filters";
                return Err(Failure::field("page_number", Problem::Malformed { expected }));
            }
            Err(ListError::Customers(error)) => return Err(broken(error)),
        }
    };
    let rows: Vec<Row> = listed.results.into_iter().map(Row::from).collect();
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

/// The customers with this e-mail address or external id that pass the other filters.
async fn exact(app: &App, caller: &Caller, asked: &ListRequest) -> Result<Listed, Failure> {
    let email = asked.email.as_deref().map(str::to_ascii_lowercase);
    let term = match (&email, &asked.external_id) {
        (Some(email), _) => Term::Email(email),
        (None, Some(own)) => Term::ClientIdentifier(own),
        (None, None) => return Ok(Listed { results: Vec::new(), total: 0 }),
    };
    let ids = app.customers.find(caller.partner, term).await.map_err(broken)?;
    let mut found = app.customers.get_many(caller.partner, &ids).await.map_err(broken)?;
    found.retain(|customer| asked.filter.admits(customer) && has(customer, asked));
    match asked.order.by {
        SortBy::Name => {
            found.sort_by_cached_key(|customer| (folded(&customer.party.full_name()), customer.id));
        }
        SortBy::CreatedAt => found.sort_by_key(|customer| (customer.created_at, customer.id)),
    }
    if asked.order.descending {
        found.reverse();
    }
    let skip = (asked.page_number as usize - 1).saturating_mul(asked.page_size as usize);
    let page = found.iter().skip(skip).take(asked.page_size as usize).map(Summary::of).collect();
    Ok(Listed { results: page, total: found.len() as u64 })
}

/// Whether it has the external id asked for; an e-mail address is what it was found by.
fn has(customer: &Customer, asked: &ListRequest) -> bool {
    asked.external_id.as_ref().is_none_or(|wanted| {
        customer.client_identifier.as_ref().is_some_and(|own| own.as_str() == wanted)
    })
}
