//! What a handler answers.
//!
//! A reply is plain data (status, headers, text), so that an idempotency record can keep it and give it back byte for
//! byte.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An HTTP answer before API Gateway.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl std::fmt::Debug for Reply {
    /// Bodies hold personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// 200 with a JSON body.
    ///
    /// # Errors
    /// [`crate::Failure::Internal`] when the value does not serialise; our own types always do.
    pub fn ok(body: &impl Serialize) -> Result<Self, crate::Failure> {
        let body = serde_json::to_string(body).map_err(crate::Failure::internal)?;
        Ok(Self::raw(200, body))
    }

    /// Any status with a JSON value.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, body.to_string())
    }

    /// Any status with a serialisable body.
    ///
    /// # Errors
    /// [`crate::Failure::Internal`] when the value does not serialise; our own types always do.
    pub fn of(status: u16, body: &impl Serialize) -> Result<Self, crate::Failure> {
        let body = serde_json::to_string(body).map_err(crate::Failure::internal)?;
        Ok(Self::raw(status, body))
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    fn raw(status: u16, body: String) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body }
    }

    /// Adds or replaces a header; names are given in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(held, _)| held != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same answer with another body.
    #[must_use]
    pub fn with_body(mut self, body: String) -> Self {
        self.body = body;
        self
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The body, empty when there is none.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// A header's value, by lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// The proxy-integration response. Answers hold personal data, so no cache may keep them unless the handler says
    /// otherwise.
    pub fn into_event(self, request_id: &str) -> Value {
        let mut headers: serde_json::Map<String, Value> = serde_json::Map::new();
        headers.insert("cache-control".to_owned(), Value::from("no-store"));
        headers.insert("request-id".to_owned(), Value::from(request_id));
        headers.insert("x-content-type-options".to_owned(), Value::from("nosniff"));
        for (name, value) in self.headers {
            headers.insert(name, Value::from(value));
        }
        json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body,
            "isBase64Encoded": false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_becomes_a_proxy_response() {
        let event = Reply::json(200, &json!({"id": 1}))
            .with_header("original-request-id", "r-1")
            .into_event("r-2");
        assert_eq!(event["statusCode"], 200);
        assert_eq!(event["body"], r#"{"id":1}"#);
        assert_eq!(event["headers"]["original-request-id"], "r-1");
        assert_eq!(event["headers"]["request-id"], "r-2");
        assert_eq!(event["headers"]["content-type"], "application/json");
    }

    #[test]
    fn debug_shows_no_body() {
        assert!(
            !format!("{:?}", Reply::json(200, &json!({"taxId": "119988776"})))
                .contains("119988776")
        );
    }
}
