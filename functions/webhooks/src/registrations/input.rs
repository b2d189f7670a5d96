//! Reading a registration from a request: every wrong field at once.

use domain::ids::PartnerId;
use domain::problem::Problem;
use http_api::{Caller, Contract, ObjectReader};
use serde_json::Value;
use store::webhooks::{Format, Registration, RegistrationKind};

use crate::address::AddressRules;
use crate::callback::CallbackUrl;
use crate::credentials::{self, Credentials};
use crate::event_name::{self, contract_of};

/// What a partner says of a registration.
#[derive(Debug)]
pub struct Input {
    /// The event.
    pub event_name: &'static str,
    /// Push unless it says otherwise.
    pub kind: RegistrationKind,
    /// Checked against the deployment's rules; always there for Push and never for Poll.
    pub callback_url: Option<String>,
    /// Basic unless it says otherwise.
    pub format: Format,
    /// HTTP Basic credentials for the deliveries.
    pub credentials: Option<Credentials>,
}

const KINDS: &[&str] = &["Push", "Poll"];
const FORMATS: &[&str] = &["Basic", "Extended"];

/// Reads `Push` or `Poll`.
///
/// # Errors
/// [`Problem::NotOneOf`].
pub fn kind(text: &str) -> Result<RegistrationKind, Problem> {
    match text {
        "Push" => Ok(RegistrationKind::Push),
        "Poll" => Ok(RegistrationKind::Poll),
        _ => Err(Problem::NotOneOf { allowed: KINDS }),
    }
}

fn format(text: &str) -> Result<Format, Problem> {
    match text {
        "Basic" => Ok(Format::Basic),
        "Extended" => Ok(Format::Extended),
        _ => Err(Problem::NotOneOf { allowed: FORMATS }),
    }
}

/// Reads a request body. `current` is the registration being replaced, whose kind and contract can not change.
pub fn read(
    body: &ObjectReader<'_>,
    caller: &Caller,
    rules: &AddressRules,
    current: Option<&Registration>,
) -> Option<Input> {
    let partner = body.required("partnerId", PartnerId::parse);
    if partner.is_some_and(|partner| partner != caller.partner) {
        // The same words whether such a partner exists or not.
        body.reject("partnerId", Problem::UnknownReference { expected: "the caller's partner" });
    }
    let event_name = body.required("eventName", event_name::parse);
    let contract = event_name.map(contract_of);
    if let (Some(contract), Some(current)) = (contract, current)
        && contract != contract_of(&current.event_name)
    {
        let reason = "a registration keeps its contract; delete it and register again";
        body.reject("eventName", Problem::NotApplicable { reason });
    }
    let kind = read_kind(body, current.map(|current| current.kind));
    let callback_url = read_callback(body, rules, kind);
    let format = body.optional("format", format);
    if contract == Some(Contract::Straddle) {
        refuse_what_has_no_counterpart(body, kind, format);
    }
    let format = format.unwrap_or(Format::Basic);
    let credentials = read_credentials(body);
    Some(Input { event_name: event_name?, kind, callback_url, format, credentials })
}

/// The platform's events are posted, whole.
fn refuse_what_has_no_counterpart(
    body: &ObjectReader<'_>,
    kind: RegistrationKind,
    format: Option<Format>,
) {
    if kind == RegistrationKind::Poll {
        body.reject(
            "type",
            Problem::NotApplicable { reason: "events of this name are pushed only" },
        );
    }
    if format.is_some() {
        body.reject(
            "format",
            Problem::NotApplicable { reason: "events of this name have one format" },
        );
    }
}

/// `type`, or the tutorial's spelling `registrationType`.
fn read_kind(body: &ObjectReader<'_>, current: Option<RegistrationKind>) -> RegistrationKind {
    let named = body.optional("type", kind);
    let alias = body.optional("registrationType", kind);
    if let (Some(named), Some(alias)) = (named, alias)
        && named != alias
    {
        body.reject("registrationType", Problem::NotApplicable { reason: "type says otherwise" });
    }
    let given = named.or(alias);
    if let (Some(current), Some(given)) = (current, given)
        && current != given
    {
        let reason = "a registration keeps its type; delete it and register again";
        body.reject("type", Problem::NotApplicable { reason });
    }
    current.or(given).unwrap_or(RegistrationKind::Push)
}

fn read_callback(
    body: &ObjectReader<'_>,
    rules: &AddressRules,
    kind: RegistrationKind,
) -> Option<String> {
    let parse = |text: &str| CallbackUrl::parse(text, rules).map(|_| text.to_owned());
    match kind {
        RegistrationKind::Push => body.required("callbackUrl", parse),
        RegistrationKind::Poll => {
            for name in ["callbackUrl", "authUsername", "authPassword"] {
                if body.has(name) {
                    let reason = "a Poll registration is not called";
                    body.reject(name, Problem::NotApplicable { reason });
                }
            }
            None
        }
    }
}

/// Both or neither. Not trimmed: blanks count in a password.
fn read_credentials(body: &ObjectReader<'_>) -> Option<Credentials> {
    let text = |name: &str| match body.value(name) {
        None => None,
        Some(Value::String(text)) => Some(text.as_str()),
        Some(_) => {
            body.reject(name, Problem::WrongType { expected: "a string" });
            None
        }
    };
    let username = text("authUsername")
        .and_then(|text| body.take("authUsername", credentials::username(text)));
    let password = text("authPassword")
        .and_then(|text| body.take("authPassword", credentials::password(text)));
    for (name, other) in [("authUsername", "authPassword"), ("authPassword", "authUsername")] {
        if !body.has(name) && body.has(other) {
            body.reject(name, Problem::Required);
        }
    }
    Some(Credentials::new(username?, password?))
}
