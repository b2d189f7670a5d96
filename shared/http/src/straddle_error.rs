//! The Straddle contract's envelopes: the `meta` of every answer, and the error body with its types.
//!
//! The contract separates what cannot be read (400 `/bad_request`, fields in the server's own Pascal case) from what can
//! be read and is wrong (422 `/validation_error`, fields as they are written). A business rule is a 422 whose `detail` is
//! the rule and which has no items. Texts name fields and rules, never values.

use domain::problem::{Problem, Violation, Violations};
use domain::time::utc_moment;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Failure, Scope};

/// By what an answer is traced.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// API Gateway's id of the request.
    pub request_id: &'a str,
    /// When it was answered.
    pub at: Timestamp,
}

impl Stamp<'_> {
    /// The two members that `meta` always has.
    #[must_use]
    pub fn meta(&self) -> Value {
        json!({ "api_request_id": self.request_id, "api_request_timestamp": utc_moment(self.at) })
    }
}

/// The status of a failure in this contract.
pub(crate) fn status(failure: &Failure) -> u16 {
    match failure {
        Failure::Invalid(violations) if !unreadable(violations) => 422,
        Failure::Rule(_) => 422,
        Failure::DependencyFailed(_) => 500,
        other => other.status(),
    }
}

/// Whether a value could not even be read as what the contract says it is.
fn unreadable(Violations(violations): &Violations) -> bool {
    violations.iter().any(|violation| matches!(violation.problem, Problem::WrongType { .. }))
}

/// `{"meta": …, "response_type": "error", "error": …}`
pub(crate) fn body(failure: &Failure, stamp: &Stamp<'_>) -> Value {
    let (kind, title) = match status(failure) {
        422 => ("/validation_error", "Validation Failed"),
        401 => ("/unauthorized", "Unauthorized"),
        403 => ("/forbidden", "Forbidden"),
        404 => ("/not_found", "Not Found"),
        409 => ("/conflict", "Conflict"),
        429 => ("/too_many_requests", "Too Many Requests"),
        400..500 => ("/bad_request", "Bad Request"),
        _ => ("/internal_server_error", "Internal Server Error"),
    };
    let mut error = json!({
        "status": status(failure),
        "type": kind,
        "title": title,
        "detail": detail(failure),
    });
    let items = items(failure);
    if !items.is_empty() {
        error["items"] = Value::Array(items);
    }
    json!({ "meta": stamp.meta(), "response_type": "error", "error": error })
}

fn detail(failure: &Failure) -> String {
    match failure {
        Failure::Invalid(violations) if unreadable(violations) => {
            "The request could not be read.".to_owned()
        }
        Failure::Invalid(_) => "One or more fields are not valid.".to_owned(),
        Failure::Rule(rule) => format!("{}.", rule.message),
        Failure::BodyNotJson => "The body must be a JSON object.".to_owned(),
        Failure::BodyTooLarge => "The body must be at most 256 KiB.".to_owned(),
        Failure::IdempotencyKeyMalformed | Failure::HeaderMalformed(_) => {
            "A header value is not valid.".to_owned()
        }
        Failure::KeyReused => {
            "The idempotency key was used for another request; use a new key.".to_owned()
        }
        Failure::MissingScope(Scope::CustomersUnmask) => {
            "Unmasked reads are not enabled for this key.".to_owned()
        }
        Failure::MissingScope(scope) => format!("The scope {} is required.", scope.as_str()),
        Failure::NotFound(what) => format!("No such {what}."),
        Failure::Stated(stated) => format!("{}.", stated.detail),
        Failure::Conflict | Failure::VersionMismatch => {
            "Another request is in the way; send the same request again.".to_owned()
        }
        Failure::Overtaken => {
            "The customer has changed meanwhile; look at it again before deciding.".to_owned()
        }
        Failure::TooManyRequests | Failure::Busy { .. } => "Too many requests.".to_owned(),
        Failure::Unauthenticated => "The key is not valid.".to_owned(),
        Failure::DependencyFailed(_) | Failure::Unavailable { .. } | Failure::Internal(_) => {
            "Something went wrong on our side; send the same request again.".to_owned()
        }
    }
}

fn items(failure: &Failure) -> Vec<Value> {
    let item =
        |reference: &str, detail: String| json!({ "reference": reference, "detail": detail });
    match failure {
        Failure::Invalid(violations) if unreadable(violations) => violations
            .0
            .iter()
            .filter(|violation| matches!(violation.problem, Problem::WrongType { .. }))
            .map(|violation| item(&pascal(&violation.field), said(violation)))
            .collect(),
        Failure::Invalid(Violations(violations)) => {
            violations.iter().map(|violation| item(&violation.field, said(violation))).collect()
        }
        Failure::IdempotencyKeyMalformed => {
            let rule = "The header value is not valid: 10 to 40 printable characters.";
            vec![item("Idempotency-Key", rule.to_owned())]
        }
        Failure::HeaderMalformed(name) => {
            vec![item(name, "The header value is not valid.".to_owned())]
        }
        _ => Vec::new(),
    }
}

fn said(violation: &Violation) -> String {
    format!("{violation}.")
}

/// `compliance_profile.representatives[0].name` as `ComplianceProfile.Representatives[0].Name`.
fn pascal(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut begins = true;
    for c in path.chars() {
        match c {
            '_' => begins = true,
            '.' => {
                out.push('.');
                begins = true;
            }
            c if begins => {
                out.extend(c.to_uppercase());
                begins = false;
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use domain::problem::Problem;

    use super::*;
    use crate::{Contract, CosCode};

    fn stamp() -> Stamp<'static> {
        let at = "2026-03-01T12:00:00.1234567Z".parse().unwrap();
        Stamp { request_id: "0190b6c2-6f0e-7d11-9a55-3f2a7f1d0c01", at }
    }

    fn answer(failure: Failure) -> (u16, Value) {
        let reply = failure.into_reply_at(Contract::Straddle, &stamp());
        (reply.status(), serde_json::from_str(reply.body()).unwrap())
    }

    #[test]
    fn a_wrong_field_is_the_documented_body() {
        let (status, body) = answer(Failure::field("phone", Problem::Required));
        assert_eq!(status, 422);
        assert_eq!(
            body,
            json!({
                "meta": {
                    "api_request_id": "0190b6c2-6f0e-7d11-9a55-3f2a7f1d0c01",
                    "api_request_timestamp": "2026-03-01T12:00:00.1234567Z",
                },
                "response_type": "error",
                "error": {
                    "status": 422,
                    "type": "/validation_error",
                    "title": "Validation Failed",
                    "detail": "One or more fields are not valid.",
                    "items": [{ "reference": "phone", "detail": "phone is required." }],
                },
            })
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_as_the_server_names_it() {
        let mut violations = Violations::new();
        violations.push("device.ip_address", Problem::WrongType { expected: "a string" });
        violations.push("name", Problem::Required);
        let (status, body) = answer(violations.into());
        assert_eq!((status, &body["error"]["type"]), (400, &json!("/bad_request")));
        let items = body["error"]["items"].as_array().unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0]["reference"], "Device.IpAddress");
        assert_eq!(
            pascal("compliance_profile.representatives[0].name"),
            "ComplianceProfile.Representatives[0].Name"
        );
    }

    #[test]
    fn every_failure_has_its_status_type_and_title() {
        for (failure, status, kind, title) in [
            (Failure::BodyNotJson, 400, "/bad_request", "Bad Request"),
            (Failure::BodyTooLarge, 413, "/bad_request", "Bad Request"),
            (Failure::IdempotencyKeyMalformed, 400, "/bad_request", "Bad Request"),
            (Failure::HeaderMalformed("Straddle-Account-Id"), 400, "/bad_request", "Bad Request"),
            (Failure::MissingScope(Scope::CustomersUnmask), 403, "/forbidden", "Forbidden"),
            (Failure::NotFound("customer"), 404, "/not_found", "Not Found"),
            (Failure::Conflict, 409, "/conflict", "Conflict"),
            (Failure::KeyReused, 409, "/conflict", "Conflict"),
            (Failure::TooManyRequests, 429, "/too_many_requests", "Too Many Requests"),
            (
                Failure::rule(CosCode::StateForbids, "It is so"),
                422,
                "/validation_error",
                "Validation Failed",
            ),
            (
                Failure::DependencyFailed("x".into()),
                500,
                "/internal_server_error",
                "Internal Server Error",
            ),
            (Failure::internal("x"), 500, "/internal_server_error", "Internal Server Error"),
        ] {
            let found = answer(failure);
            assert_eq!(found.0, status, "{kind}");
            let error = &found.1["error"];
            assert_eq!((&error["status"], &error["type"]), (&json!(status), &json!(kind)));
            assert_eq!(error["title"], title);
            assert_eq!(found.1["response_type"], "error");
            assert!(found.1.get("data").is_none());
        }
        let rule = answer(Failure::rule(CosCode::StateForbids, "It is so")).1;
        assert_eq!(rule["error"]["detail"], "It is so.");
        assert!(rule["error"].get("items").is_none());
    }

    #[test]
    fn a_reused_key_is_not_to_be_retried_and_a_conflict_is() {
        let header = |failure: Failure| {
            let reply = failure.into_reply_at(Contract::Straddle, &stamp());
            reply.header("x-should-retry").map(str::to_owned)
        };
        assert_eq!(header(Failure::KeyReused).as_deref(), Some("false"));
        assert_eq!(header(Failure::Conflict), None);
    }

    #[test]
    fn an_unauthenticated_answer_has_no_body_and_no_content_type() {
        let reply = Failure::Unauthenticated.into_reply_at(Contract::Straddle, &stamp());
        assert_eq!((reply.status(), reply.body(), reply.header("content-type")), (401, "", None));
    }
}
