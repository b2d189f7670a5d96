//! The envelope around what an operation answers, and the customer that a request is about.

use domain::customer::Customer;
use http_api::{Caller, Failure, Reply, Request, Stamp};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::{App, CUSTOMER, broken, customer_id};

/// `{"meta": …, "response_type": "object", "data": …}`
pub(super) fn object(
    status: u16,
    data: &impl Serialize,
    request: &Request,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let meta = Stamp { request_id: &request.id, at: now }.meta();
    answer(status, meta, "object", data)
}

/// The same around a list; `page` is what its `meta` says beside.
pub(super) fn array(
    data: &impl Serialize,
    page: Value,
    request: &Request,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let mut meta = Stamp { request_id: &request.id, at: now }.meta();
    if let (Some(meta), Value::Object(page)) = (meta.as_object_mut(), page) {
        meta.extend(page);
    }
    answer(200, meta, "array", data)
}

fn answer(
    status: u16,
    meta: Value,
    response_type: &str,
    data: &impl Serialize,
) -> Result<Reply, Failure> {
    let data = serde_json::to_value(data).map_err(Failure::internal)?;
    Ok(Reply::json(status, &json!({ "meta": meta, "response_type": response_type, "data": data })))
}

/// The customer that the path names, within the account that the header names.
pub(super) async fn load(
    app: &App,
    caller: &Caller,
    request: &Request,
) -> Result<Customer, Failure> {
    let (id, account) = (customer_id(request)?, request.account()?);
    let found = app.customers.get(caller.partner, id).await.map_err(broken)?;
    found
        .filter(|customer| account.is_none() || customer.account == account)
        .ok_or(Failure::NotFound(CUSTOMER))
}
