//! The event of a REQUEST authorizer: the few fields that are read.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// What API Gateway asks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerEvent {
    /// The route asked for: `arn:aws:execute-api:<region>:<account>:<api>/<stage>/<METHOD>/<path>`.
    pub method_arn: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    request_context: RequestContext,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RequestContext {
    identity: Identity,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    source_ip: Option<String>,
}

/// The headers hold the token.
impl fmt::Debug for AuthorizerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizerEvent")
            .field("method_arn", &self.method_arn)
            .finish_non_exhaustive()
    }
}

impl AuthorizerEvent {
    /// The token of the one `Authorization: Bearer` header (RFC 6750 §2.1). Two such headers are none: the gateway and
    /// the function might look at different ones.
    #[must_use]
    pub fn bearer_token(&self) -> Option<&str> {
        let is_authorization = |name: &str| name.eq_ignore_ascii_case("authorization");
        let several = self.multi_value_headers.iter().flatten();
        if several
            .filter(|(name, _)| is_authorization(name))
            .map(|(_, all)| all.len())
            .sum::<usize>()
            > 1
        {
            return None;
        }
        let mut headers = self.headers.iter().flatten().filter(|(name, _)| is_authorization(name));
        let (_, value) = headers.next()?;
        if headers.next().is_some() {
            return None;
        }
        let (scheme, token) = value.as_str()?.split_once(' ')?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        (is_bearer && !token.is_empty() && token.bytes().all(is_token)).then_some(token)
    }

    /// Where the request came from, as API Gateway saw it.
    #[must_use]
    pub fn source_ip(&self) -> &str {
        self.request_context.identity.source_ip.as_deref().unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token_of(headers: Value) -> Option<String> {
        let event = json!({ "methodArn": "arn", "headers": headers });
        let event: AuthorizerEvent = serde_json::from_value(event).unwrap();
        event.bearer_token().map(str::to_owned)
    }

    #[test]
    fn the_token_is_found_whatever_the_case() {
        for headers in [
            json!({ "Authorization": "Bearer a.b.c" }),
            json!({ "authorization": "bearer a.b.c", "x": 1 }),
        ] {
            assert_eq!(token_of(headers).as_deref(), Some("a.b.c"));
        }
    }

    #[test]
    fn anything_else_is_no_token() {
        for headers in [
            json!(null),
            json!({}),
            json!({ "Authorization": null }),
            json!({ "Authorization": "a.b.c" }),
            json!({ "Authorization": "Bearer" }),
            json!({ "Authorization": "Bearer " }),
            json!({ "Authorization": "Bearer a b" }),
            json!({ "Authorization": "Bearer  a" }),
            json!({ "Authorization": "Bearer a,b" }),
            json!({ "Authorization": "Basic a.b.c" }),
            json!({ "Authorization": "Bearer a", "authorization": "Bearer b" }),
        ] {
            assert_eq!(token_of(headers.clone()), None, "{headers}");
        }
        let twice = json!({
            "methodArn": "arn",
            "headers": { "Authorization": "Bearer b" },
            "multiValueHeaders": { "Authorization": ["Bearer a", "Bearer b"] },
        });
        let twice: AuthorizerEvent = serde_json::from_value(twice).unwrap();
        assert_eq!(twice.bearer_token(), None);
        assert!(!format!("{twice:?}").contains("Bearer"));
    }
}
