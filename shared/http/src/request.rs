//! An API Gateway proxy event, read into what a handler needs.
//!
//! The event's shape is declared here with the few fields that are read, rather than taken from a crate of all event
//! shapes: a field of the wrong type in a part nobody reads must not turn a request into an invocation error.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ids::AccountId;
use domain::problem::{Problem, Violations};
use serde::Deserialize;
use serde_json::Value;

use crate::{Caller, Contract, Failure, ObjectReader, Route, read_object, route};

/// More than any valid request of any contract, with every character of it escaped (20 pairs of metadata with values of 500
/// characters, as two escapes of six each, are 121 kB); checked before the body is parsed.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The shortest and longest idempotency key of each contract, in characters.
const fn idempotency_key_lengths(contract: Contract) -> (usize, usize) {
    match contract {
        Contract::Straddle => (10, 40),
        Contract::Cos | Contract::OAuth => (1, 50),
        Contract::NewDay => (1, 128),
    }
}

/// Names the account that a platform acts for.
const ACCOUNT_HEADER: &str = "Straddle-Account-Id";

/// API Gateway's id of a request; the `request-id` header of the answer.
pub type RequestId = String;

/// The parts of a REST API proxy event that are read.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequest {
    resource: String,
    http_method: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    query_string_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    path_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    request_context: RequestContext,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RequestContext {
    request_id: Option<String>,
    identity: Identity,
    authorizer: Option<BTreeMap<String, Value>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    source_ip: Option<String>,
}

/// A request on a known route.
#[derive(Clone)]
pub struct Request {
    /// The row of the route table.
    pub route: &'static Route,
    /// API Gateway's id of this request.
    pub id: RequestId,
    /// Where it came from, as API Gateway saw it.
    pub source_ip: String,
    authorizer: Option<BTreeMap<String, Value>>,
    path: BTreeMap<String, String>,
    query: BTreeMap<String, Vec<String>>,
    headers: BTreeMap<String, String>,
    body: String,
}

impl fmt::Debug for Request {
    /// Path ids are safe to show; queries, headers and bodies may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.route.operation)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An event that never became a request, with the id to answer under.
#[derive(Debug)]
pub struct RejectedEvent {
    /// The route, when it was found.
    pub route: Option<&'static Route>,
    /// API Gateway's id, empty when the event had none.
    pub id: RequestId,
    /// Why.
    pub failure: Failure,
}

impl Request {
    /// Reads an event that was sent to `function`.
    ///
    /// # Errors
    /// [`RejectedEvent`] when the route is not this function's or the body is too large or not text.
    pub fn from_event(event: HttpRequest, function: &str) -> Result<Self, Box<RejectedEvent>> {
        let id = event.request_context.request_id.unwrap_or_else(|| "none".to_owned());
        let found =
            route(&event.http_method, &event.resource).filter(|route| route.function == function);
        let Some(found) = found else {
            let failure = Failure::NotFound("resource");
            return Err(Box::new(RejectedEvent { route: None, id, failure }));
        };
        let body = match decode_body(event.body, event.is_base64_encoded == Some(true)) {
            Ok(body) => body,
            Err(failure) => {
                return Err(Box::new(RejectedEvent { route: Some(found), id, failure }));
            }
        };
        let mut query = event.multi_value_query_string_parameters.unwrap_or_default();
        for (name, value) in event.query_string_parameters.into_iter().flatten() {
            query.entry(name).or_insert_with(|| vec![value]);
        }
        let headers = event
            .headers
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| {
                value.as_str().map(|value| (name.to_ascii_lowercase(), value.to_owned()))
            })
            .collect();
        Ok(Self {
            route: found,
            id,
            source_ip: event.request_context.identity.source_ip.unwrap_or_else(|| "unknown".into()),
            authorizer: event.request_context.authorizer,
            path: event.path_parameters.unwrap_or_default(),
            query,
            headers,
            body,
        })
    }

    /// The authenticated caller, whatever it may do.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`] without an authorizer context.
    pub fn authenticate(&self) -> Result<Caller, Failure> {
        let context = self.authorizer.as_ref().ok_or(Failure::Unauthenticated)?;
        Caller::from_authorizer(context, &self.source_ip)
    }

    /// Refuses a caller that lacks the route's scope.
    ///
    /// # Errors
    /// [`Failure::MissingScope`].
    pub fn authorise(&self, caller: &Caller) -> Result<(), Failure> {
        self.route.scope.map_or(Ok(()), |scope| caller.require(scope))
    }

    /// The authenticated caller, checked against the route's scope.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`] without an authorizer context, [`Failure::MissingScope`] without the scope.
    pub fn caller(&self) -> Result<Caller, Failure> {
        let caller = self.authenticate()?;
        self.authorise(&caller)?;
        Ok(caller)
    }

    /// A path parameter, parsed. A malformed id names nothing, so it answers like an unknown one.
    ///
    /// # Errors
    /// [`Failure::NotFound`] of `what`.
    pub fn path<T>(
        &self,
        name: &str,
        what: &'static str,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Result<T, Failure> {
        let text = self.path.get(name).ok_or(Failure::NotFound(what))?;
        parse(text).map_err(|_| Failure::NotFound(what))
    }

    /// Method and path with the ids filled in: what an idempotency key is scoped to.
    pub fn endpoint(&self) -> String {
        let path = self.path.iter().fold(self.route.path.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), &value.to_ascii_lowercase())
        });
        format!("{} {path}", self.route.method.as_str())
    }

    /// The last value of a query parameter; empty counts as absent.
    pub fn query(&self, name: &str) -> Option<&str> {
        let value = self.query.get(name)?.last()?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// All values of a query parameter, as sent.
    pub fn query_all(&self, name: &str) -> &[String] {
        self.query.get(name).map_or(&[], Vec::as_slice)
    }

    /// A query parameter, parsed, its problem collected under the parameter's name.
    pub fn query_parsed<T>(
        &self,
        name: &str,
        violations: &mut Violations,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        violations.take(name, self.query(name).map(parse).transpose()).flatten()
    }

    /// A header's value, by lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// All values of a list parameter, whether it was repeated, joined by commas, or both. Empty ones do not count.
    pub fn query_list(&self, name: &str) -> Vec<&str> {
        let values = self.query_all(name).iter().flat_map(|value| value.split(','));
        values.map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// The account that the caller acts for, when it says so. The partner's own id, which events give where there is no
    /// account, says that there is none.
    ///
    /// # Errors
    /// [`Failure::HeaderMalformed`] when it is no id.
    pub fn account(&self) -> Result<Option<AccountId>, Failure> {
        let Some(text) = self.header("straddle-account-id") else { return Ok(None) };
        let text = text.trim();
        let own = self.authorizer.as_ref().and_then(|context| context.get("partnerId")?.as_str());
        if own.is_some_and(|own| own.eq_ignore_ascii_case(text)) {
            return Ok(None);
        }
        let account = AccountId::parse(text);
        account.map(Some).map_err(|_| Failure::HeaderMalformed(ACCOUNT_HEADER))
    }

    /// The body as sent.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The body as a JSON object, read field by field so that every wrong field is reported at once.
    ///
    /// # Errors
    /// [`Failure::BodyNotJson`], or [`Failure::Invalid`] with all violations.
    pub fn read<T>(&self, read: impl FnOnce(&ObjectReader<'_>) -> Option<T>) -> Result<T, Failure> {
        let value: Value = serde_json::from_str(&self.body).map_err(|_| Failure::BodyNotJson)?;
        let Value::Object(map) = value else { return Err(Failure::BodyNotJson) };
        read_object(&map, read).map_err(Failure::Invalid)
    }

    /// The idempotency key, on the methods where the contract reads it.
    ///
    /// # Errors
    /// [`Failure::IdempotencyKeyMalformed`] when it is blank, shorter or longer than the contract says, or not printable
    /// ASCII.
    pub fn idempotency_key(&self) -> Result<Option<&str>, Failure> {
        if !self.route.method.takes_idempotency_key(self.route.contract) {
            return Ok(None);
        }
        let (shortest, longest) = idempotency_key_lengths(self.route.contract);
        let Some(key) = self.header("idempotency-key") else { return Ok(None) };
        let printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if key.trim().is_empty() || !(shortest..=longest).contains(&key.len()) || !printable {
            return Err(Failure::IdempotencyKeyMalformed);
        }
        Ok(Some(key))
    }
}

fn decode_body(body: Option<String>, is_base64: bool) -> Result<String, Failure> {
    let Some(text) = body else { return Ok(String::new()) };
    let text = if is_base64 {
        // Four characters carry three bytes: refuse before decoding.
        if text.len() / 4 * 3 > MAX_BODY_BYTES + 3 {
            return Err(Failure::BodyTooLarge);
        }
        let bytes = STANDARD.decode(text).map_err(|_| Failure::BodyNotJson)?;
        String::from_utf8(bytes).map_err(|_| Failure::BodyNotJson)?
    } else {
        text
    };
    if text.len() > MAX_BODY_BYTES { Err(Failure::BodyTooLarge) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, Scope};
    use serde_json::json;

    fn event(method: &str, resource: &str) -> Value {
        json!({
            "resource": resource,
            "httpMethod": method,
            "headers": { "Idempotency-Key": "k-1", "X-Thing": "1" },
            "pathParameters": { "customerId": "0190b2c4-0000-7000-8000-000000000001" },
            "multiValueQueryStringParameters": { "a": ["1", "2"] },
            "requestContext": {
                "requestId": "r-1",
                "identity": { "sourceIp": "192.0.2.1" },
                "authorizer": {
                    "partnerId": "11111111-2222-3333-4444-555555555555",
                    "clientId": "client-1",
                    "scopes": "customers:read",
                    "environment": "sandbox",
                    "allowedSources": "192.0.2.0/24",
                    "integrationLatency": 3
                }
            },
            "body": "{}"
        })
    }

    fn read(event: Value, function: &str) -> Result<Request, Box<RejectedEvent>> {
        Request::from_event(serde_json::from_value(event).unwrap(), function)
    }

    const ONE: &str = "/core/v1/cm/customers/{customerId}";

    #[test]
    fn an_event_becomes_a_request_with_a_caller() {
        let request = read(event("GET", ONE), "customer-get").unwrap();
        assert_eq!(request.route.operation, Operation::CustomerGet);
        assert_eq!(request.header("x-thing"), Some("1"));
        assert_eq!(request.query("a"), Some("2"));
        assert_eq!(
            request.endpoint(),
            "GET /core/v1/cm/customers/0190b2c4-0000-7000-8000-000000000001"
        );
        assert_eq!(request.idempotency_key().unwrap(), None, "ignored on GET");
        let caller = request.caller().unwrap();
        assert_eq!(caller.source_ip, "192.0.2.1");
        assert!(caller.scopes.contains(Scope::CustomersRead));
    }

    #[test]
    fn a_route_of_another_function_is_not_found() {
        let rejected = read(event("GET", ONE), "customer-create").unwrap_err();
        assert_eq!(rejected.failure.status(), 404);
    }

    #[test]
    fn the_scope_of_the_route_is_required() {
        let request = read(event("DELETE", ONE), "customer-delete").unwrap();
        assert!(matches!(request.caller(), Err(Failure::MissingScope(Scope::CustomersWrite))));
    }

    #[test]
    fn without_an_authorizer_context_nobody_is_calling() {
        for field in ["partnerId", "clientId", "scopes", "environment", "allowedSources"] {
            let mut event = event("GET", ONE);
            event["requestContext"]["authorizer"][field] = Value::from("? #");
            let request = read(event, "customer-get").unwrap();
            assert!(matches!(request.caller(), Err(Failure::Unauthenticated)), "{field}");
        }
        let mut event = event("GET", ONE);
        event["requestContext"].as_object_mut().unwrap().remove("authorizer");
        let request = read(event, "customer-get").unwrap();
        assert!(matches!(request.caller(), Err(Failure::Unauthenticated)));
    }

    #[test]
    fn the_address_of_each_request_is_checked() {
        let mut event = event("GET", ONE);
        event["requestContext"]["identity"]["sourceIp"] = Value::from("198.51.100.1");
        let request = read(event, "customer-get").unwrap();
        assert!(matches!(request.caller(), Err(Failure::Unauthenticated)));
    }

    #[test]
    fn bodies_are_bounded_and_text() {
        let post = |body: Value, base64: bool| {
            let mut event = event("POST", "/core/v1/cm/customers");
            event["body"] = body;
            event["isBase64Encoded"] = Value::from(base64);
            read(event, "customer-create")
        };
        let long = "x".repeat(MAX_BODY_BYTES + 1);
        assert_eq!(post(Value::from(long.clone()), false).unwrap_err().failure.status(), 413);
        assert_eq!(
            post(Value::from(STANDARD.encode(&long)), true).unwrap_err().failure.status(),
            413
        );
        assert_eq!(post(Value::from("/w=="), true).unwrap_err().failure.status(), 400);
        assert_eq!(post(Value::from(STANDARD.encode("{}")), true).unwrap().body(), "{}");
        assert_eq!(post(Value::Null, false).unwrap().body(), "");
        for body in ["", "[]", "{", "1", "\"a\""] {
            let request = post(Value::from(body), false).unwrap();
            assert!(matches!(request.read(|_| Some(())), Err(Failure::BodyNotJson)), "{body}");
        }
    }

    #[test]
    fn lists_are_repeated_or_joined() {
        let mut event = event("GET", "/v1/customers");
        event["multiValueQueryStringParameters"] =
            json!({ "status": ["pending,review", "", " verified "], "types": ["business"] });
        let request = read(event, "customer-search").unwrap();
        assert_eq!(request.query_list("status"), ["pending", "review", "verified"]);
        assert_eq!(request.query_list("types"), ["business"]);
        assert!(request.query_list("nothing").is_empty());
    }

    #[test]
    fn the_account_comes_from_its_header() {
        let account = |value: Option<&str>| {
            let mut event = event("GET", "/v1/customers");
            if let Some(value) = value {
                event["headers"]["Straddle-Account-Id"] = Value::from(value);
            }
            read(event, "customer-search").unwrap().account()
        };
        assert_eq!(account(None).unwrap(), None);
        let id = "0190b2c4-0000-7000-8000-000000000009";
        assert_eq!(account(Some(id)).unwrap(), Some(AccountId::parse(id).unwrap()));
        let partner = event("GET", "/v1/customers")["requestContext"]["authorizer"]["partnerId"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(account(Some(&partner)).unwrap(), None, "an event's account_id comes back");
        for wrong in ["", "x", "{0190b2c4-0000-7000-8000-000000000009}"] {
            assert!(matches!(account(Some(wrong)), Err(Failure::HeaderMalformed(_))), "{wrong}");
        }
    }

    #[test]
    fn idempotency_keys_of_the_customer_contract_have_10_to_40_characters() {
        for (method, path) in [
            ("POST", "/v1/customers"),
            ("PUT", "/v1/customers/{customerId}"),
            ("DELETE", "/v1/customers/{customerId}"),
            ("PATCH", "/v1/customers/{customerId}/review"),
        ] {
            for (length, accepted) in [(9, false), (10, true), (40, true), (41, false)] {
                let mut event = event(method, path);
                event["headers"]["Idempotency-Key"] = Value::from("k".repeat(length));
                let function = route(method, path).unwrap().function;
                let request = read(event, function).unwrap();
                assert_eq!(request.idempotency_key().is_ok(), accepted, "{method} {length}");
            }
        }
    }

    #[test]
    fn idempotency_keys_follow_the_contract() {
        let cases = [
            ("k", true),
            (&*"k".repeat(50), true),
            (&*"k".repeat(51), false),
            ("  ", false),
            ("é", false),
        ];
        for (key, accepted) in cases {
            let mut event = event("POST", "/core/v1/cm/customers");
            event["headers"]["Idempotency-Key"] = Value::from(key);
            let request = read(event, "customer-create").unwrap();
            assert_eq!(request.idempotency_key().is_ok(), accepted, "{key}");
        }
    }
}
