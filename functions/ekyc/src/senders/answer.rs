//! From what a service answered to what became of the message.
//!
//! The table of error names follows the services' API references (`Publish` of SNS, `SendTextMessage` and
//! `SendVoiceMessage` of End User Messaging, `SendEmail` of SES v2) and their common errors.

use runtime::{SignedAnswer, SignedPostError};

use super::SendError;

/// A service's answer, read: the id of the message or the name of the error.
pub(super) struct Read {
    pub(super) message_id: Option<String>,
    pub(super) error: Option<String>,
    /// Whether the error is about the destination, where its name alone does not tell.
    pub(super) about_destination: bool,
}

/// What the service called the error; its message may quote the request and is left out.
#[derive(Debug, thiserror::Error)]
#[error("status {status}, {error}")]
struct Refused {
    status: u16,
    error: String,
}

const THROTTLED: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "Throttled",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestThrottled",
    "KMSThrottling",
];

/// Errors that no other destination would have met.
const ABOUT_DESTINATION: [&str; 2] = ["OptedOut", "OptedOutException"];

impl From<SignedPostError> for SendError {
    fn from(error: SignedPostError) -> Self {
        match error {
            SignedPostError::NotSent(_) => Self::Unavailable(Box::new(error)),
            SignedPostError::Lost(_) => Self::Unknown(Box::new(error)),
        }
    }
}

/// What became of a message.
pub(super) fn outcome(
    answer: &SignedAnswer,
    read: impl FnOnce(&SignedAnswer) -> Read,
) -> Result<super::Sent, SendError> {
    let Read { message_id, error, about_destination } = read(answer);
    if (200..300).contains(&answer.status) {
        // Taken over, whatever the id: without one nothing is lost but a name in the session.
        return Ok(super::Sent { message_id: message_id.unwrap_or_else(|| "unnamed".to_owned()) });
    }
    let error = error.unwrap_or_else(|| "unnamed error".to_owned());
    let refused = Refused { status: answer.status, error };
    if THROTTLED.contains(&refused.error.as_str()) || refused.status == 429 {
        return Err(SendError::Throttled);
    }
    let about_destination =
        about_destination || ABOUT_DESTINATION.contains(&refused.error.as_str());
    match refused.status {
        // Said of requests that were not begun.
        503 => Err(SendError::Unavailable(Box::new(refused))),
        500.. => Err(SendError::Unknown(Box::new(refused))),
        _ if about_destination => Err(SendError::Rejected(refused.error)),
        // Not permitted, not verified, not there, over a limit of the account: every other message meets it too.
        _ => Err(SendError::Misconfigured(Box::new(refused))),
    }
}

/// The name of an error in a JSON protocol: from the header or the body, without its namespace and link.
pub(super) fn json_error(answer: &SignedAnswer, body: &serde_json::Value) -> Option<String> {
    let named = answer.error_type.as_deref().or_else(|| body.get("__type")?.as_str())?;
    let name = named.rsplit('#').next().unwrap_or(named);
    Some(name.split(':').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_one_of_five_facts() {
        for (status, error, about_destination, expected) in [
            (400, "ThrottlingException", false, "throttled"),
            (429, "TooManyRequestsException", false, "throttled"),
            (429, "Other", false, "throttled"),
            (400, "OptedOut", false, "rejected"),
            (400, "ValidationException", true, "rejected"),
            (400, "ValidationException", false, "misconfigured"),
            (403, "AccessDeniedException", false, "misconfigured"),
            (402, "ServiceQuotaExceededException", false, "misconfigured"),
            (404, "ResourceNotFoundException", false, "misconfigured"),
            (503, "ServiceUnavailable", false, "unavailable"),
            (500, "InternalServerException", false, "unknown"),
            (502, "BadGateway", true, "unknown"),
            (301, "Moved", false, "misconfigured"),
        ] {
            let answer = SignedAnswer { status, error_type: None, body: Vec::new() };
            let read = |_: &SignedAnswer| Read {
                message_id: None,
                error: Some(error.to_owned()),
                about_destination,
            };
            let fact = match outcome(&answer, read).unwrap_err() {
                SendError::Rejected(_) => "rejected",
                SendError::Throttled => "throttled",
                SendError::Misconfigured(_) => "misconfigured",
                SendError::Unavailable(_) => "unavailable",
                SendError::Unknown(_) => "unknown",
            };
            assert_eq!(fact, expected, "{status} {error}");
        }
    }

    #[test]
    fn errors_are_named_without_their_surroundings() {
        let named = |header: Option<&str>, body: serde_json::Value| {
            let error_type = header.map(str::to_owned);
            json_error(&SignedAnswer { status: 400, error_type, body: Vec::new() }, &body)
        };
        let none = serde_json::Value::Null;
        assert_eq!(named(Some("A:http://internal/"), none.clone()).as_deref(), Some("A"));
        let body = serde_json::json!({ "__type": "com.amazonaws.pinpoint#B" });
        assert_eq!(named(None, body).as_deref(), Some("B"));
        assert_eq!(named(None, none), None);
    }
}
