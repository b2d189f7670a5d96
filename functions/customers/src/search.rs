//! Listing and searching customers.
//!
//! An exact term (id, file number, tax id, client identifier) leads to at most a handful of customers, which the other
//! filters then narrow; without one the partner's customers are listed by creation. Another partner's id in `partnerId`
//! is no error but matches nothing. Tax ids stay masked in lists whatever the token: an unmasked read is of one
//! customer, and audited there.

use domain::customer::Customer;
use domain::problem::Problem;
use domain::tax::TaxIdentity;
use http_api::{Caller, Failure, Reply, Request};
use store::customers::{ListError, Term};

use crate::app::{App, broken};
use crate::cos::{self, Mask, Page, Paging, Search};

/// `GET /customers`.
///
/// # Errors
/// [`Failure`].
pub async fn search_customers(
    app: &App,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    let (search, paging) = Search::of(request)?;
    let page = if search.partner.is_some_and(|partner| partner != caller.partner) {
        paging.page(Vec::new(), false)
    } else if let Some(found) = Box::pin(exact(app, caller, &search)).await? {
        paging.slice(&found).map(Customer::clone)
    } else {
        Box::pin(listed(app, caller, &search, paging)).await?
    };
    Reply::ok(&page.map(|customer| cos::customer(&customer, Mask::Starred)))
}

/// The customers that the exact terms lead to, oldest first; `None` without such a term.
async fn exact(
    app: &App,
    caller: &Caller,
    search: &Search,
) -> Result<Option<Vec<Customer>>, Failure> {
    let (customers, partner) = (&app.customers, caller.partner);
    let ids = if let Some(id) = search.id {
        vec![id]
    } else if let Some(cif) = search.cif {
        customers.find_cif(partner, cif).await.map_err(broken)?.into_iter().collect()
    } else if let Some(tax_id) = &search.tax_id {
        customers.find(partner, Term::TaxId(tax_id.reveal())).await.map_err(broken)?
    } else if let Some(own) = &search.client_identifier {
        let term = Term::ClientIdentifier(own.as_str());
        customers.find(partner, term).await.map_err(broken)?
    } else {
        return Ok(None);
    };
    let mut found = customers.get_many(partner, &ids).await.map_err(broken)?;
    found.retain(|customer| matches(search, customer));
    found.sort_by_key(|customer| (customer.created_at, customer.id));
    Ok(Some(found))
}

fn matches(search: &Search, customer: &Customer) -> bool {
    let tax_id = customer.party.common().tax.as_ref().and_then(TaxIdentity::number);
    search.filter.admits(customer)
        && search.id.is_none_or(|id| id == customer.id)
        && search.cif.is_none_or(|cif| cif == customer.cif)
        && search.tax_id.as_ref().is_none_or(|wanted| {
            // Kinds may differ; the number is what was searched for.
            tax_id.is_some_and(|number| number.reveal() == wanted.reveal())
        })
        && search
            .client_identifier
            .as_ref()
            .is_none_or(|wanted| customer.client_identifier.as_ref() == Some(wanted))
}

async fn listed(
    app: &App,
    caller: &Caller,
    search: &Search,
    paging: Paging,
) -> Result<Page<Customer>, Failure> {
    let now = app.clock.now();
    let page =
        app.customers.list(caller.partner, &search.filter, paging.number, paging.size, now).await;
    match page {
        Ok(page) => Ok(paging.page(page.results, page.has_next)),
        Err(ListError::TooFar) => {
            let expected = "a page within reach; narrow the filters";
            Err(Failure::field("pageNumber", Problem::Malformed { expected }))
        }
        Err(ListError::Customers(error)) => Err(broken(error)),
    }
}
