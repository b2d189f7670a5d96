//! What is posted for an event of the payments platform's contract (Straddle §6).
//!
//! Invariant: `data` is the customer as it is at this try, never as it was kept: a webhook table holds no personal data,
//! and what was erased in the meantime is not sent. `event_id` is the id under which the events API knows the delivery,
//! and the same on every try.

use domain::customer::Customer;
use serde::Serialize;
use serde_json::json;
use store::webhooks::Delivery;

/// The name under which a test delivery comes; no event of the contract is called so.
pub const PING: &str = "webhook.ping.v1";

#[derive(Serialize)]
struct Envelope<'a, T> {
    event_type: &'a str,
    event_id: String,
    account_id: String,
    data: T,
}

/// The body of an event about a customer. An account that is not embedded in a partner's is the partner's own.
///
/// # Errors
/// When it does not serialise.
pub fn body(delivery: &Delivery, customer: &Customer) -> Result<Vec<u8>, serde_json::Error> {
    let account =
        customer.account.map_or_else(|| delivery.partner.to_string(), |id| id.to_string());
    serde_json::to_vec(&Envelope {
        event_type: &delivery.event_name,
        event_id: delivery.id.to_string(),
        account_id: account,
        data: straddle::subject(customer),
    })
}

/// The body of a test delivery.
///
/// # Errors
/// When it does not serialise.
pub fn ping(delivery: &Delivery) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope {
        event_type: PING,
        event_id: delivery.id.to_string(),
        account_id: delivery.partner.to_string(),
        data: json!({ "registration_id": delivery.registration.to_string() }),
    })
}
