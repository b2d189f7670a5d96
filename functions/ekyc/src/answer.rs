//! The eKYC answer: `state` and, with the same value, `status`, because the contract's example has the one and its prose
//! the other.

use domain::ekyc::JourneyId;
use domain::ids::AuthId;
use http_api::{Failure, Reply};
use serde::Serialize;
use serde_json::{Map, Value};

/// An answer being put together.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    state: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_id: Option<AuthId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journey_id: Option<JourneyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_passcodes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_attempts: Option<i64>,
    additional_info: Map<String, Value>,
    #[serde(skip)]
    retry_after: Option<i64>,
}

impl Answer {
    /// An answer of this state.
    pub(crate) fn of(state: &'static str) -> Self {
        Self {
            state,
            status: state,
            auth_id: None,
            journey_id: None,
            remaining_passcodes: None,
            remaining_attempts: None,
            additional_info: Map::new(),
            retry_after: None,
        }
    }

    /// About this session.
    pub(crate) fn session(mut self, auth: AuthId, journey: &JourneyId) -> Self {
        self.auth_id = Some(auth);
        self.journey_id = Some(journey.clone());
        self
    }

    /// About this journey, when it is known.
    pub(crate) fn journey(mut self, journey: Option<&JourneyId>) -> Self {
        self.journey_id = journey.cloned();
        self
    }

    /// How many more codes may be asked for.
    pub(crate) fn passcodes(mut self, remaining: i64) -> Self {
        self.remaining_passcodes = Some(remaining);
        self
    }

    /// How many more codes may be tried.
    pub(crate) fn attempts(mut self, remaining: i64) -> Self {
        self.remaining_attempts = Some(remaining);
        self
    }

    /// Something more to know.
    pub(crate) fn info(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.additional_info.insert(name.to_owned(), value.into());
        self
    }

    /// Asking again makes sense after so many seconds.
    pub(crate) fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after = Some(seconds);
        self.info("retryAfterSeconds", seconds)
    }

    /// The reply.
    pub(crate) fn reply(self) -> Result<Reply, Failure> {
        let reply = Reply::ok(&self)?;
        Ok(match self.retry_after {
            Some(seconds) => reply.with_header("retry-after", seconds.to_string()),
            None => reply,
        })
    }
}
