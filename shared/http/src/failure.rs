//! Every way in which a request can fail, and the one place that turns it into a status code and a body.
//!
//! A failure has two texts. What the caller sees is composed here from field names, rules and codes; what went wrong
//! inside is the source error, which is logged once by the runtime and never sent.

use std::error::Error;

use domain::problem::{Problem, Violation, Violations};
use serde_json::json;

use crate::{Contract, CosCode, Reply, Scope, Stamp};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// One or more fields are wrong; all of them are listed.
    #[error("the request is invalid")]
    Invalid(Violations),
    /// The body is not the JSON object that the route takes.
    #[error("the body is not a JSON object")]
    BodyNotJson,
    /// The body is larger than any valid request.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The `Idempotency-Key` header is empty, too short, too long or not printable ASCII.
    #[error("the idempotency key is malformed")]
    IdempotencyKeyMalformed,
    /// The idempotency key was used for another request, where the contract forbids that.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Another header does not have its shape.
    #[error("the header {0} is malformed")]
    HeaderMalformed(&'static str),
    /// No, or no valid, credentials.
    #[error("the caller is not authenticated")]
    Unauthenticated,
    /// The token lacks a scope.
    #[error("the token lacks the scope {}", .0.as_str())]
    MissingScope(Scope),
    /// No such thing, or not this partner's: the two must be indistinguishable.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The state or a rule of the contract forbids it.
    #[error("{}", .0.message)]
    Rule(RuleViolation),
    /// Another request is changing the same thing, or uses the same idempotency key, right now.
    #[error("a concurrent request is in the way")]
    Conflict,
    /// What the caller decided about has changed meanwhile: the same request again would decide about something else.
    #[error("what was decided about has changed")]
    Overtaken,
    /// A state that the contract names, with the status that goes with it.
    #[error("{}: {}", .0.state, .0.detail)]
    Stated(Stated),
    /// The caller changed something else than what is there now.
    #[error("the version is not the current one")]
    VersionMismatch,
    /// Too many requests.
    #[error("too many requests")]
    TooManyRequests,
    /// Too many requests of one kind, until so many seconds have passed.
    #[error("too many requests of this kind")]
    Busy {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// A provider is unavailable; the same request may be sent again after so many seconds.
    #[error("a provider is unavailable")]
    Unavailable {
        /// Seconds to wait.
        retry_after: u32,
        /// What was made all the same, by name: ids, no personal data.
        known: Vec<(&'static str, String)>,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A dependency of ours (a provider, not AWS) failed; the same request may be sent again.
    #[error("a dependency failed")]
    DependencyFailed(#[source] Box<dyn Error + Send + Sync>),
    /// Ours to fix.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

/// A state that a contract names for an answer that is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// The HTTP status.
    pub status: u16,
    /// The contract's name.
    pub state: &'static str,
    /// What it means, for people.
    pub detail: &'static str,
}

/// A rule of the contract that the request would break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleViolation {
    /// Which rule, as the COS contract numbers it.
    pub code: CosCode,
    /// The rule in words, without any personal data.
    pub message: &'static str,
}

impl Failure {
    /// One field is wrong.
    pub fn field(field: impl Into<String>, problem: Problem) -> Self {
        Failure::Invalid(Violation::new(field, problem).into())
    }

    /// A rule forbids it.
    pub const fn rule(code: CosCode, message: &'static str) -> Self {
        Failure::Rule(RuleViolation { code, message })
    }

    /// Something of ours broke; the source is logged and not sent.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure::Internal(source.into())
    }

    /// A provider does not answer; nothing was made.
    pub fn unavailable(retry_after: u32, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure::Unavailable { retry_after, known: Vec::new(), source: source.into() }
    }

    /// A stable name for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Failure::Invalid(_) => "invalid",
            Failure::BodyNotJson => "body_not_json",
            Failure::BodyTooLarge => "body_too_large",
            Failure::IdempotencyKeyMalformed => "idempotency_key_malformed",
            Failure::KeyReused => "idempotency_key_reused",
            Failure::HeaderMalformed(_) => "header_malformed",
            Failure::Unauthenticated => "unauthenticated",
            Failure::MissingScope(_) => "missing_scope",
            Failure::NotFound(_) => "not_found",
            Failure::Rule(_) => "rule",
            Failure::Conflict => "conflict",
            Failure::Overtaken => "overtaken",
            Failure::Stated(_) => "stated",
            Failure::VersionMismatch => "version_mismatch",
            Failure::TooManyRequests | Failure::Busy { .. } => "too_many_requests",
            Failure::Unavailable { .. } => "unavailable",
            Failure::DependencyFailed(_) => "dependency_failed",
            Failure::Internal(_) => "internal",
        }
    }

    /// The HTTP status of this failure in a contract.
    pub fn status_in(&self, contract: Contract) -> u16 {
        match contract {
            Contract::Straddle => crate::straddle_error::status(self),
            Contract::OAuth | Contract::Cos | Contract::NewDay => self.status(),
        }
    }

    /// The HTTP status of this failure, where the contract has none of its own.
    pub const fn status(&self) -> u16 {
        match self {
            Failure::Invalid(_)
            | Failure::BodyNotJson
            | Failure::IdempotencyKeyMalformed
            | Failure::HeaderMalformed(_)
            | Failure::Rule(_) => 400,
            Failure::Unauthenticated => 401,
            Failure::MissingScope(_) => 403,
            Failure::NotFound(_) => 404,
            Failure::Stated(stated) => stated.status,
            Failure::Conflict
            | Failure::Overtaken
            | Failure::KeyReused
            | Failure::VersionMismatch => 409,
            Failure::BodyTooLarge => 413,
            Failure::DependencyFailed(_) => 424,
            Failure::TooManyRequests | Failure::Busy { .. } => 429,
            Failure::Unavailable { .. } => 503,
            Failure::Internal(_) => 500,
        }
    }

    /// The answer in the shape of the route's contract, where that shape has no trace of the request.
    pub fn into_reply(self, contract: Contract) -> Reply {
        self.into_reply_at(contract, &Stamp { request_id: "", at: jiff::Timestamp::UNIX_EPOCH })
    }

    /// The answer in the shape of the route's contract.
    pub fn into_reply_at(self, contract: Contract, stamp: &Stamp<'_>) -> Reply {
        let status = self.status_in(contract);
        let mut reply = match (&self, contract) {
            // Clients of these contracts expect a 401 without a body.
            (Failure::Unauthenticated, _) => Reply::empty(status),
            (_, Contract::OAuth) => Reply::json(status, &self.oauth_body()),
            (_, Contract::Cos) => Reply::json(status, &crate::cos_error::body(self.cos_errors())),
            (_, Contract::NewDay) => crate::problem_json::reply(&self),
            (_, Contract::Straddle) => {
                Reply::json(status, &crate::straddle_error::body(&self, stamp))
            }
        };
        if matches!(self, Failure::KeyReused | Failure::Overtaken) {
            // SDKs would try a 409 again: in vain, or about what nobody has looked at.
            reply = reply.with_header("x-should-retry", "false");
        }
        let wait = match self {
            Failure::Conflict | Failure::TooManyRequests => Some(1),
            Failure::Busy { retry_after } | Failure::Unavailable { retry_after, .. } => {
                Some(retry_after)
            }
            _ => None,
        };
        if let Some(seconds) = wait {
            reply = reply.with_header("retry-after", seconds.to_string());
        }
        reply
    }

    fn oauth_body(&self) -> serde_json::Value {
        // RFC 6749 §5.2. Anything unexpected is `server_error`, borrowed from §4.1.2.1.
        let (error, description) = match self {
            Failure::Internal(_) | Failure::DependencyFailed(_) | Failure::Unavailable { .. } => {
                ("server_error", "the server could not complete the request".to_owned())
            }
            Failure::TooManyRequests | Failure::Busy { .. } => {
                ("temporarily_unavailable", self.to_string())
            }
            Failure::Invalid(violations) => ("invalid_request", violations.to_string()),
            other => ("invalid_request", other.to_string()),
        };
        json!({ "error": error, "error_description": description })
    }

    fn cos_errors(&self) -> Vec<(CosCode, String)> {
        let one = |code: CosCode, message: &str| vec![(code, message.to_owned())];
        match self {
            Failure::Invalid(Violations(violations)) => violations
                .iter()
                .map(|violation| {
                    (CosCode::from(&violation.problem), crate::cos_error::message(violation))
                })
                .collect(),
            Failure::BodyNotJson => one(CosCode::BodyNotJson, "The body must be a JSON object"),
            Failure::BodyTooLarge => one(CosCode::BodyTooLarge, "The body must be at most 256 KiB"),
            Failure::IdempotencyKeyMalformed => one(
                CosCode::IdempotencyKeyInvalid,
                "Idempotency-Key must have 1 to 50 printable characters",
            ),
            Failure::KeyReused => {
                one(CosCode::IdempotencyKeyInvalid, "Idempotency-Key was used for another request")
            }
            Failure::HeaderMalformed(name) => {
                vec![(CosCode::InvalidValue, format!("The header {name} is malformed"))]
            }
            Failure::Unauthenticated => one(CosCode::Unauthenticated, "Unauthenticated"),
            Failure::MissingScope(scope) => {
                vec![(CosCode::MissingScope, format!("The scope {} is required", scope.as_str()))]
            }
            Failure::NotFound(what) => vec![(CosCode::NotFound, format!("No such {what}"))],
            Failure::Rule(rule) => one(rule.code, rule.message),
            Failure::Conflict => one(
                CosCode::Conflict,
                "A concurrent request is in the way; retry with the same key",
            ),
            Failure::Overtaken => one(
                CosCode::Conflict,
                "What was decided about has changed; look at it again before deciding",
            ),
            Failure::Stated(stated) => one(CosCode::NotFound, stated.detail),
            Failure::VersionMismatch => {
                one(CosCode::Conflict, "The version is not the current one")
            }
            Failure::TooManyRequests | Failure::Busy { .. } => {
                one(CosCode::TooManyRequests, "Too many requests")
            }
            Failure::DependencyFailed(_) | Failure::Unavailable { .. } => {
                one(CosCode::System, "An external service failed; retry later")
            }
            Failure::Internal(_) => one(CosCode::System, "System error"),
        }
    }
}

impl From<Violations> for Failure {
    fn from(violations: Violations) -> Self {
        Failure::Invalid(violations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_reported_with_the_documented_code() {
        let mut violations = Violations::new();
        violations.push("firstName", Problem::Required);
        violations.push("lastName", Problem::Required);
        let reply = Failure::from(violations).into_reply(Contract::Cos);
        assert_eq!(reply.status(), 400);
        assert_eq!(
            reply.body(),
            r#"{"Errors":[{"Code":1000,"Message":"firstName is required"},{"Code":1000,"Message":"lastName is required"}]}"#
        );
    }

    #[test]
    fn inner_errors_never_reach_the_body() {
        for contract in [Contract::Cos, Contract::OAuth, Contract::NewDay] {
            let reply = Failure::internal("table gatehouse-x is on fire").into_reply(contract);
            assert_eq!(reply.status(), 500);
            assert!(!reply.body().contains("fire"), "{}", reply.body());
        }
    }

    #[test]
    fn only_what_may_help_is_to_be_sent_again() {
        for (failure, status, should_retry, wait) in [
            (Failure::Conflict, 409, None, Some("1")),
            (Failure::Overtaken, 409, Some("false"), None),
            (Failure::KeyReused, 409, Some("false"), None),
        ] {
            let reply = failure.into_reply(Contract::Straddle);
            assert_eq!(reply.status(), status);
            assert_eq!(reply.header("x-should-retry"), should_retry);
            assert_eq!(reply.header("retry-after"), wait);
        }
    }

    #[test]
    fn an_unauthenticated_answer_has_no_body() {
        let reply = Failure::Unauthenticated.into_reply(Contract::Cos);
        assert_eq!((reply.status(), reply.body()), (401, ""));
    }
}
