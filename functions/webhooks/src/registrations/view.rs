//! A registration as answers show it: never its credentials.

use serde::Serialize;
use store::webhooks::{Format, Phase, Registration, RegistrationKind};

use crate::body::wire_time;

/// The contract's registration object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationObject<'a> {
    id: String,
    partner_id: String,
    event_name: &'a str,
    #[serde(rename = "type")]
    kind: RegistrationKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
    format: Format,
    status: &'static str,
    created_at: String,
    last_modified_at: String,
}

/// The status a partner sees. Restarting is Active to it: it has left suspension.
#[must_use]
pub const fn status(phase: Phase) -> &'static str {
    match phase {
        Phase::Active | Phase::Restarting => "Active",
        Phase::Suspended => "Suspended",
        Phase::Deleted => "Deleted",
    }
}

impl<'a> RegistrationObject<'a> {
    /// What is shown of a registration.
    #[must_use]
    pub fn of(registration: &'a Registration) -> Self {
        Self {
            id: registration.id.to_string(),
            partner_id: registration.partner.to_string(),
            event_name: &registration.event_name,
            kind: registration.kind,
            callback_url: registration.callback_url.as_deref(),
            format: registration.format,
            status: status(registration.phase),
            created_at: wire_time(registration.created_at),
            last_modified_at: wire_time(registration.modified_at),
        }
    }
}
