//! Verifying a customer's audit chain, for operators: invoked with an event, not through the API.

use domain::ids::{CustomerId, PartnerId};
use serde::{Deserialize, Serialize};
use store::customers::CustomersError;

use crate::app::App;

/// Whose chain.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditCheck {
    /// The partner.
    pub partner_id: PartnerId,
    /// The customer.
    pub customer_id: CustomerId,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditFinding {
    /// Whether there is such a customer.
    pub found: bool,
    /// Whether every link holds.
    pub intact: bool,
    /// How many entries hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// The first thing that does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Verifies a chain.
///
/// # Errors
/// [`CustomersError`] when it could not be read.
pub async fn verify_audit(app: &App, asked: AuditCheck) -> Result<AuditFinding, CustomersError> {
    let finding =
        |found, intact, entries, problem| AuditFinding { found, intact, entries, problem };
    Ok(match app.customers.verify_audit(asked.partner_id, asked.customer_id).await? {
        None => finding(false, false, None, None),
        Some(Ok(entries)) => finding(true, true, Some(entries), None),
        Some(Err(broken)) => finding(true, false, None, Some(broken.to_string())),
    })
}
