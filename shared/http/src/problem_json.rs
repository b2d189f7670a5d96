//! The NewDay contract's error body: a problem document (RFC 9457) with `errors` by field, `traceId`, and on the eKYC
//! routes the `state` that the contract names.
//!
//! `status` in a problem document is the HTTP status, as the RFC has it; answers that are no problems carry the eKYC
//! status under both names.

use domain::problem::Violations;
use serde_json::{Map, Value, json};

use crate::{Failure, Reply, Request};

/// The media type (RFC 9457 §3).
const MEDIA_TYPE: &str = "application/problem+json";
/// The longest correlation id that is repeated; longer ones are replaced.
const MAX_CORRELATION: usize = 128;

fn errors(violations: &Violations) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for violation in &violations.0 {
        let told = fields.entry(violation.field.clone()).or_insert_with(|| json!([]));
        if let Value::Array(told) = told {
            told.push(Value::from(violation.problem.to_string()));
        }
    }
    Value::Object(fields)
}

/// What kind of problem it is, for people.
const fn title(failure: &Failure) -> &'static str {
    match failure {
        Failure::Invalid(_)
        | Failure::BodyNotJson
        | Failure::IdempotencyKeyMalformed
        | Failure::HeaderMalformed(_) => "The request is invalid",
        Failure::BodyTooLarge => "The body is too large",
        Failure::Unauthenticated => "The caller is not authenticated",
        Failure::MissingScope(_) => "The token lacks a scope",
        Failure::Stated(stated) => match stated.status {
            404 => "Not found",
            409 => "It cannot be done as things stand",
            _ => "The request cannot be done",
        },
        Failure::NotFound(_) => "Not found",
        Failure::Rule(_) => "A rule forbids it",
        Failure::Conflict => "A concurrent request is in the way",
        Failure::Overtaken => "What was decided about has changed",
        Failure::KeyReused => "The idempotency key was used for another request",
        Failure::VersionMismatch => "The version is not the current one",
        Failure::TooManyRequests | Failure::Busy { .. } => "Too many requests",
        Failure::DependencyFailed(_) | Failure::Unavailable { .. } => "A provider is unavailable",
        Failure::Internal(_) => "System error",
    }
}

/// The reply of a failure. What only the request knows is added by [`finish`].
pub(crate) fn reply(failure: &Failure) -> Reply {
    let status = failure.status();
    let mut body = json!({
        "type": format!("urn:gatehouse:problem:{}", failure.kind().replace('_', "-")),
        "title": title(failure),
        "status": status,
    });
    match failure {
        Failure::Invalid(violations) => body["errors"] = errors(violations),
        Failure::BodyNotJson => body["errors"] = json!({ "body": ["must be a JSON object"] }),
        Failure::IdempotencyKeyMalformed => {
            let expected = "must have 1 to 128 printable characters";
            body["errors"] = json!({ "Idempotency-Key": [expected] });
        }
        Failure::HeaderMalformed(name) => body["errors"] = json!({ *name: ["is malformed"] }),
        Failure::MissingScope(scope) => {
            body["detail"] = format!("The scope {} is required", scope.as_str()).into();
        }
        Failure::NotFound(what) => body["detail"] = format!("No such {what}").into(),
        Failure::Rule(rule) => body["detail"] = rule.message.into(),
        Failure::Stated(stated) => {
            body["state"] = stated.state.into();
            body["detail"] = stated.detail.into();
        }
        Failure::Unavailable { known, .. } => {
            for (name, value) in known {
                body[*name] = value.as_str().into();
            }
        }
        _ => {}
    }
    Reply::json(status, &body).with_header("content-type", MEDIA_TYPE)
}

/// Adds what the request knows: where it happened, the trace, and the state of a refused eKYC request.
pub fn finish(reply: Reply, request: &Request) -> Reply {
    let correlation = correlation(request);
    let mut reply = reply.with_header("x-correlation-id", correlation);
    if reply.header("content-type") != Some(MEDIA_TYPE) {
        return reply;
    }
    let Ok(Value::Object(mut body)) = serde_json::from_str(reply.body()) else { return reply };
    body.entry("traceId").or_insert_with(|| request.id.as_str().into());
    body.entry("instance")
        .or_insert_with(|| format!("urn:gatehouse:request:{}", request.id).into());
    let refused = reply.status() == 400 && request.route.path.contains("/kycauthentications/");
    if refused {
        body.entry("state").or_insert_with(|| "invalidRequest".into());
    }
    reply = reply.with_body(Value::Object(body).to_string());
    reply
}

/// The caller's own correlation id, when it is fit to be repeated; the request's id otherwise.
fn correlation(request: &Request) -> String {
    let sent = request.header("x-correlation-id").map(str::trim);
    let fit = sent.filter(|id| {
        (1..=MAX_CORRELATION).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    });
    fit.unwrap_or(&request.id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Contract, HttpRequest, Stated};
    use domain::problem::Problem;

    fn request(headers: &Value) -> Request {
        let event = json!({
            "resource": "/acquisition/v2/applications/{id}/kycauthentications/otp",
            "httpMethod": "POST",
            "headers": headers,
            "requestContext": { "requestId": "r-1" },
        });
        let event: HttpRequest = serde_json::from_value(event).unwrap();
        Request::from_event(event, "otp-initiate").unwrap()
    }

    fn body(reply: &Reply) -> Value {
        serde_json::from_str(reply.body()).unwrap()
    }

    #[test]
    fn every_wrong_field_is_listed_under_its_name() {
        let mut violations = Violations::new();
        violations.push("mobileNumber", Problem::Required);
        violations.push("mobileNumber", Problem::TooLong { max: 3 });
        violations.push("email", Problem::Required);
        let reply = Failure::from(violations).into_reply(Contract::NewDay);
        assert_eq!((reply.status(), reply.header("content-type")), (400, Some(MEDIA_TYPE)));
        let finished = finish(reply, &request(&json!({ "X-Correlation-Id": "c-9" })));
        assert_eq!(finished.header("x-correlation-id"), Some("c-9"));
        assert_eq!(
            body(&finished),
            json!({
                "type": "urn:gatehouse:problem:invalid",
                "title": "The request is invalid",
                "status": 400,
                "state": "invalidRequest",
                "errors": {
                    "mobileNumber": ["is required", "must have at most 3 characters"],
                    "email": ["is required"],
                },
                "traceId": "r-1",
                "instance": "urn:gatehouse:request:r-1",
            })
        );
    }

    #[test]
    fn states_are_named() {
        let stated = Stated { status: 404, state: "sessionIdNotFound", detail: "No such session" };
        let reply = Failure::Stated(stated).into_reply(Contract::NewDay);
        let finished = finish(reply, &request(&json!({})));
        assert_eq!(finished.status(), 404);
        assert_eq!(body(&finished)["state"], "sessionIdNotFound");
        assert_eq!(body(&finished)["status"], 404);
        assert_eq!(finished.header("x-correlation-id"), Some("r-1"));
    }

    #[test]
    fn unfit_correlation_ids_are_replaced() {
        for unfit in ["", "a b", "é", &"x".repeat(129)] {
            let reply = finish(Reply::empty(200), &request(&json!({ "x-correlation-id": unfit })));
            assert_eq!(reply.header("x-correlation-id"), Some("r-1"), "{unfit}");
        }
    }

    #[test]
    fn inner_errors_never_reach_the_body() {
        for failure in
            [Failure::internal("the vault is open"), Failure::unavailable(5, "the vault is open")]
        {
            let reply = failure.into_reply(Contract::NewDay);
            assert!(!reply.body().contains("vault"), "{}", reply.body());
        }
    }
}
