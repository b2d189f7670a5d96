//! The operations through API Gateway events, over a real expression engine.

mod changes;
mod contacts;
mod deciding;
mod documents;
mod events;
mod onboarding;
mod safety;
mod search;
mod straddle_agreeing;
mod straddle_creating;
mod straddle_isolation;
mod straddle_lifecycle;
mod straddle_listing;
mod straddle_outside;
mod straddle_repeating;
mod straddle_round_trip;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::ids::{CustomerId, PartnerId};
use domain::scan::{Finding, Fingerprint, ListedEntity};
use domain::time::{Clock, FixedClock, Random, SequenceRandom};
use http_api::{Failure, ROUTES, Reply, Request};
use serde_json::{Value, json};
use store::testing::TestDatabase;

use crate::App;

const ONE: &str = "11111111-2222-3333-4444-555555555555";
const TWO: &str = "66666666-7777-8888-9999-aaaaaaaaaaaa";
const USUAL: &str = "customers:read customers:write compliance:review";
const EVERYTHING: &str = "customers:read customers:write customers:unmask compliance:review webhooks:read webhooks:write";
const UNMASK: &str = "customers:read customers:write customers:unmask";

/// One deployment: a database, a clock, an app.
struct World {
    database: TestDatabase,
    clock: Arc<FixedClock>,
    app: App,
}

/// One request.
#[derive(Clone)]
struct Call<'a> {
    partner: &'a str,
    scopes: &'a str,
    method: &'a str,
    path: String,
    key: Option<&'a str>,
    query: Vec<(&'a str, String)>,
    body: Option<Value>,
    id: &'a str,
    account: Option<&'a str>,
    environment: &'a str,
}

/// A request of the Straddle contract, whose token has every scope unless it says otherwise.
fn straddle<'a>(method: &'a str, path: impl Into<String>) -> Call<'a> {
    let path = format!("/v1/{}", path.into());
    Call { path, scopes: EVERYTHING, ..call(method, "") }
}

fn call<'a>(method: &'a str, path: impl Into<String>) -> Call<'a> {
    let path = format!("/core/v1/cm/{}", path.into());
    Call {
        partner: ONE,
        scopes: USUAL,
        method,
        path,
        key: None,
        query: vec![],
        body: None,
        id: "r-1",
        account: None,
        environment: "sandbox",
    }
}

impl<'a> Call<'a> {
    fn partner(mut self, partner: &'a str) -> Self {
        self.partner = partner;
        self
    }

    fn scopes(mut self, scopes: &'a str) -> Self {
        self.scopes = scopes;
        self
    }

    fn account(mut self, account: &'a str) -> Self {
        self.account = Some(account);
        self
    }

    fn environment(mut self, environment: &'a str) -> Self {
        self.environment = environment;
        self
    }

    fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    fn id(mut self, id: &'a str) -> Self {
        self.id = id;
        self
    }

    fn query(mut self, name: &'a str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The event as API Gateway makes it, and the function it goes to.
    fn event(&self) -> (&'static str, Value) {
        let segments: Vec<&str> = self.path.split('/').collect();
        let route = ROUTES
            .iter()
            .find(|route| {
                let wanted: Vec<&str> = route.path.split('/').collect();
                route.method.as_str() == self.method
                    && wanted.len() == segments.len()
                    && wanted.iter().zip(&segments).all(|(w, s)| w.starts_with('{') || w == s)
            })
            .expect("a route");
        let parameters: serde_json::Map<String, Value> = route
            .path
            .split('/')
            .zip(&segments)
            .filter(|(wanted, _)| wanted.starts_with('{'))
            .map(|(wanted, given)| {
                (wanted.trim_matches(['{', '}']).to_owned(), Value::from(*given))
            })
            .collect();
        let query: serde_json::Map<String, Value> =
            self.query.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
        let mut headers = json!({});
        if let Some(key) = self.key {
            headers["Idempotency-Key"] = Value::from(key);
        }
        if let Some(account) = self.account {
            headers["Straddle-Account-Id"] = Value::from(account);
        }
        let event = json!({
            "resource": route.path,
            "httpMethod": self.method,
            "headers": headers,
            "pathParameters": parameters,
            "multiValueQueryStringParameters": query,
            "requestContext": {
                "requestId": self.id,
                "identity": { "sourceIp": "192.0.2.1" },
                "authorizer": {
                    "partnerId": self.partner,
                    "clientId": "client-1",
                    "subject": "client-1",
                    "scopes": self.scopes,
                    "environment": self.environment,
                    "tokenId": "t-1",
                    "allowedSources": "",
                },
            },
            "body": self.body.as_ref().map(Value::to_string),
        });
        (route.function, event)
    }
}

/// Hands a request to the function that serves its route, as the mains do.
async fn serve(app: &App, function: &str, request: &Request) -> Result<Reply, Failure> {
    let caller = request.caller()?;
    match function {
        "customer-create" => crate::create(app, &caller, request).await,
        "customer-get" => crate::read(app, &caller, request).await,
        "customer-search" => crate::list(app, &caller, request).await,
        "customer-update" => crate::replace(app, &caller, request).await,
        "customer-delete" => crate::remove(app, &caller, request).await,
        "customer-review" => crate::review(app, &caller, request).await,
        "customer-unmask" => crate::straddle_view::unmasked(app, &caller, request).await,
        "customer-review-refresh" => crate::straddle_view::refresh(app, &caller, request).await,
        "contact-add" => crate::add_contact(app, &caller, request).await,
        "contact-list" => crate::contacts(app, &caller, request).await,
        "contact-update" => crate::update_contact(app, &caller, request).await,
        "contact-remove" => crate::remove_contact(app, &caller, request).await,
        other => panic!("{other} is not of this capability"),
    }
}

/// A list with one sanctioned person on it.
fn indexes() -> Vec<screening::Index> {
    static COMPILED: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let line =
            r#"{"uid":"1","type":"individual","name":"Volodar Quistzle","dob":["1961-03-04"]}"#;
        let line = format!("{line}\n");
        let sources = [screening::Source::new("list.jsonl", line.as_bytes())];
        let entities = screening::parse(screening::Format::Jsonl, &sources).unwrap().entities;
        let info = screening::ListInfo::new("ofac-sdn", "Sanctions", screening::Topic::Sanctions);
        screening::compile(&[screening::ListEdition { info, entities }]).unwrap()
    });
    vec![screening::Index::from_bytes(COMPILED.clone()).unwrap()]
}

impl World {
    fn new() -> Self {
        Self::seeded(1)
    }

    fn seeded(seed: u64) -> Self {
        Self::over(TestDatabase::new(), seed)
    }

    fn over(database: TestDatabase, seed: u64) -> Self {
        let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24.441258Z"));
        let random: Arc<dyn Random> = Arc::new(SequenceRandom::starting_at(seed));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let ring = database.key_ring(&shared, &random);
        let app = App::new(database.customers(), ring, Arc::clone(&shared), Arc::clone(&random));
        let editions = compliance::Editions::holding(compliance::EditionSet::of(indexes()));
        let vetter = vetting::Vetter::new(&app.customers, editions, shared, random);
        Self { database, clock, app: app.with_vetter(vetter) }
    }

    /// Each request comes a millisecond after the one before, so that ids and events sort by request.
    async fn reply(&self, call: Call<'_>) -> Reply {
        let call = &call;
        self.clock.advance(jiff::SignedDuration::from_millis(1));
        let (function, event) = call.event();
        let event = serde_json::from_value(event).unwrap();
        let request = Request::from_event(event, function).unwrap();
        let contract = request.route.contract;
        serve(&self.app, function, &request).await.unwrap_or_else(|failure| {
            assert!(failure.status() < 500, "{failure:?}");
            let stamp = http_api::Stamp { request_id: call.id, at: self.clock.now() };
            failure.into_reply_at(contract, &stamp)
        })
    }

    async fn send(&self, call: Call<'_>) -> (u16, Value) {
        let reply = self.reply(call).await;
        (reply.status(), serde_json::from_str(reply.body()).unwrap())
    }

    async fn ok(&self, call: Call<'_>) -> Value {
        let (status, body) = self.send(call).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Status and "code message" lines of a refused request.
    async fn errors(&self, call: Call<'_>) -> (u16, Vec<String>) {
        let (status, body) = self.send(call).await;
        let lines = body["Errors"].as_array().expect("Errors").iter().map(|error| {
            format!("{} {}", error["Code"], error["Message"].as_str().expect("a message"))
        });
        (status, lines.collect())
    }

    async fn bob(&self) -> String {
        let body = self.ok(call("POST", "customers").body(bob())).await;
        body["id"].as_str().unwrap().to_owned()
    }

    async fn company(&self) -> String {
        let body = self.ok(call("POST", "customers").body(company())).await;
        body["id"].as_str().unwrap().to_owned()
    }

    /// The record as the domain sees it.
    async fn record(&self, id: &str) -> domain::customer::Customer {
        let (partner, id) = (PartnerId::parse(ONE).unwrap(), CustomerId::parse(id).unwrap());
        self.app.customers.get(partner, id).await.unwrap().unwrap()
    }

    /// The kinds of the events of a customer, in the order in which they were written.
    async fn events(&self, id: &str) -> Vec<domain::event::EventKind> {
        let mut found: Vec<_> = self
            .database
            .dump(&self.database.customers())
            .await
            .into_iter()
            .filter(|item| {
                store::text(item, "pk").is_some_and(|pk| pk.ends_with(&format!("#C#{id}")))
                    && store::text(item, "sk").is_some_and(|sk| sk.starts_with("EVENT#"))
            })
            .map(|item| store::outbox::read_event(item).unwrap())
            .collect();
        found.sort_by_key(|event| event.occurred_at);
        found.into_iter().map(|event| event.kind).collect()
    }

    /// Lets a screening run find these list entries.
    async fn screen(&self, id: &str, ofac: &[&str], pep: &[&str]) {
        let print = Fingerprint::parse("0123456789abcdef").unwrap();
        let found = |ids: &[&str]| Finding {
            is_searched: true,
            subject: print.clone(),
            hits: ids.iter().map(|id| (ListedEntity::new("sdn", id), print.clone())).collect(),
            withdrawn: BTreeSet::new(),
        };
        self.screened(id, &found(ofac), &found(pep)).await;
    }

    async fn screened(&self, id: &str, ofac: &Finding, pep: &Finding) {
        let before = self.record(id).await;
        let mut after = before.clone();
        let now = self.clock.now();
        let change = after.screened(before.subject_revision, ofac, pep, None, now).unwrap();
        let actor = domain::audit::Actor {
            client: domain::ids::ClientId::parse("scan-worker").unwrap(),
            who: "scan-worker".to_owned(),
            source_ip: None,
            request_id: "m-1".to_owned(),
        };
        let commit = store::customers::Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor,
            now,
            owner: None,
            evidence: Vec::new(),
        };
        self.app.customers.commit(commit).await.unwrap();
    }

    async fn audit(&self, id: &str) -> crate::AuditFinding {
        let asked = json!({ "partnerId": ONE, "customerId": id });
        crate::verify_audit(&self.app, serde_json::from_value(asked).unwrap()).await.unwrap()
    }
}

fn bob() -> Value {
    json!({
        "partnerId": ONE,
        "name": { "firstName": "Bob", "lastName": "Smith" },
        "classification": "Personal",
        "profile": {
            "regO": false,
            "politicallyExposedPerson": false,
            "taxIdType": "Ssn",
            "taxId": "119988776",
            "birthDate": "1953-09-22",
            "riskRating": "Low",
        },
    })
}

fn company() -> Value {
    json!({
        "partnerId": ONE,
        "classification": "Business",
        "name": { "entityName": "Rivers Tech LLC" },
        "profile": {
            "citizenshipCountryCode": "US",
            "backupWithholdingPercent": 0,
            "taxIdType": "Ein",
            "taxId": "990000004",
            "dateFormed": "2015-06-25",
            "entityType": "Corporation",
            "riskRating": "Low",
            "ownershipType": "LegalEntity",
        },
        "businessDueDiligence": {
            "natureOfBusiness": "Technology",
            "naics": "541512",
            "merchantCategoryCode": "4816",
            "businessUrl": "www.example.com",
            "relationshipFormationDate": "2016-06-27",
        },
    })
}

fn home() -> Value {
    json!({
        "addressType": "Home",
        "classification": "Residential",
        "isPrimary": true,
        "street1": "123 Any St",
        "city": "Anywhere",
        "state": "NY",
        "postalCode": "12345",
        "countryCode": "US",
    })
}

fn mobile(number: &str) -> Value {
    json!({ "phoneType": "Mobile", "phoneNumber": number })
}

/// A body with one field replaced, by JSON pointer; `null` takes it away.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    if value.is_null() {
        parent.remove(field);
    } else {
        parent.insert(field.to_owned(), value);
    }
    body
}
