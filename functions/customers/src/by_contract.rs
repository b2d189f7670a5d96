//! Functions that answer for more than one contract: the route says which.

use http_api::{Caller, Contract, Failure, Operation, Reply, Request};

use crate::app::App;
use crate::{
    create_customer, deactivate_customer, decide, get_customer, search_customers, straddle_view,
    update_customer,
};

/// Takes a customer on.
///
/// # Errors
/// [`Failure`].
pub async fn create(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.route.contract {
        Contract::Straddle => straddle_view::create(app, caller, request).await,
        _ => create_customer(app, caller, request).await,
    }
}

/// Lists customers.
///
/// # Errors
/// [`Failure`].
pub async fn list(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.route.contract {
        Contract::Straddle => straddle_view::list(app, caller, request).await,
        _ => search_customers(app, caller, request).await,
    }
}

/// Reads a customer.
///
/// # Errors
/// [`Failure`].
pub async fn read(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.route.contract {
        Contract::Straddle => straddle_view::get(app, caller, request).await,
        _ => get_customer(app, caller, request).await,
    }
}

/// Changes a customer, in part or as a whole.
///
/// # Errors
/// [`Failure`].
pub async fn replace(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.route.contract {
        Contract::Straddle => straddle_view::replace(app, caller, request).await,
        _ => update_customer(app, caller, request).await,
    }
}

/// Deactivates a customer, or erases it.
///
/// # Errors
/// [`Failure`].
pub async fn remove(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.route.contract {
        Contract::Straddle => straddle_view::erase(app, caller, request).await,
        _ => deactivate_customer(app, caller, request).await,
    }
}

/// Shows a review, or takes a person's decision.
///
/// # Errors
/// [`Failure`].
pub async fn review(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.route.operation {
        Operation::StraddleReviewGet => straddle_view::review(app, caller, request).await,
        Operation::StraddleDecide => straddle_view::decide(app, caller, request).await,
        _ => decide(app, caller, request).await,
    }
}
