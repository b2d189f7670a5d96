//! A registration as answers show it: never its credentials, and its signing secret in the one answer that makes it.

use http_api::Contract;
use jiff::Timestamp;
use serde::Serialize;
use store::webhooks::{Format, Phase, Registration, RegistrationKind};

use crate::body::wire_time;
use crate::event_name::contract_of;
use crate::signature::FreshSecret;

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
    /// Events of the platform's contract have one format.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    /// Until then deliveries are signed with earlier secrets too.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secrets_end_at: Option<String>,
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
    pub fn of(registration: &'a Registration, now: Timestamp) -> Self {
        let contract = contract_of(&registration.event_name);
        let ends = registration.live_secrets(now).filter_map(|secret| secret.ends_at).max();
        Self {
            id: registration.id.to_string(),
            partner_id: registration.partner.to_string(),
            event_name: &registration.event_name,
            kind: registration.kind,
            callback_url: registration.callback_url.as_deref(),
            format: (contract == Contract::Cos).then_some(registration.format),
            signing_secret: None,
            previous_secrets_end_at: ends.map(wire_time),
            status: status(registration.phase),
            created_at: wire_time(registration.created_at),
            last_modified_at: wire_time(registration.modified_at),
        }
    }

    /// With the secret that was made by this request.
    #[must_use]
    pub fn with_secret(self, secret: &FreshSecret) -> Self {
        Self { signing_secret: Some(secret.text()), ..self }
    }
}
