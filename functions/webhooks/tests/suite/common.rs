//! A partner, a fake clock, a queue that delays by it, and a receiver that answers as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crypto::test_support::key_ring;
use domain::event::{DomainEvent, EventKind};
use domain::ids::{CustomerId, EventId, PartnerId, RegistrationId};
use domain::time::{Clock, FixedClock, SequenceRandom};
use http::HeaderMap;
use http_api::{Caller, Failure, HttpRequest, Reply, Request};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::Expression;
use store::customers::{Customers, OwnIds};
use store::keys::{CustomerKey, Key};
use store::testing::TestDatabase;
use store::webhooks::{Delivery, DeliveryKey, Registration, Webhooks};
use webhooks::address::AddressRules;
use webhooks::dispatch::Dispatcher;
use webhooks::events::EventsApi;
use webhooks::post::{Answer, Call, Post};
use webhooks::queue::{DeliveryQueue, Message, QueueError};
use webhooks::registrations::RegistrationsApi;
use webhooks::schedule::{Failure as PostFailure, Outcome};
use webhooks::worker::Worker;
use webhooks::{fanout, sweep};

pub const PARTNER: &str = "11111111-2222-3333-4444-555555555555";
pub const ONBOARDED: &str = "Core.Customer.Onboarded";

/// Messages with the time at which they become visible. Can be told to refuse or to lose.
#[derive(Clone, Default)]
pub struct FakeQueue(Arc<Mutex<QueueState>>);

#[derive(Default)]
struct QueueState {
    now: Option<Timestamp>,
    messages: Vec<(Timestamp, Message)>,
    refusing: bool,
    losing: bool,
}

impl DeliveryQueue for FakeQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let mut state = self.0.lock().unwrap();
        if state.refusing {
            return Err(QueueError("down".into()));
        }
        if !state.losing {
            let at = state.now.unwrap() + SignedDuration::try_from(delay).unwrap();
            state.messages.push((at, message.clone()));
        }
        Ok(())
    }
}

impl FakeQueue {
    pub fn len(&self) -> usize {
        self.0.lock().unwrap().messages.len()
    }

    pub fn clear(&self) {
        self.0.lock().unwrap().messages.clear();
    }

    pub fn refuse(&self, refusing: bool) {
        self.0.lock().unwrap().refusing = refusing;
    }

    pub fn lose(&self, losing: bool) {
        self.0.lock().unwrap().losing = losing;
    }

    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap().messages.iter().map(|(_, message)| message.clone()).collect()
    }

    pub fn push(&self, message: Message) {
        let mut state = self.0.lock().unwrap();
        let now = state.now.unwrap();
        state.messages.push((now, message));
    }

    fn next_visible(&self) -> Option<Timestamp> {
        self.0.lock().unwrap().messages.iter().map(|(at, _)| *at).min()
    }

    pub fn take_visible(&self) -> Option<Message> {
        let mut state = self.0.lock().unwrap();
        let now = state.now.unwrap();
        let index = state.messages.iter().position(|(at, _)| *at <= now)?;
        Some(state.messages.remove(index).1)
    }
}

/// What the receiver saw: when, and which event.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Timestamp,
    pub body: Value,
    pub raw: Vec<u8>,
    pub headers: HeaderMap,
    pub deadline: Duration,
    pub authorization: Option<String>,
    pub url: String,
    pub taken: bool,
}

/// A receiver: answers from a script first, then always the same.
#[derive(Clone)]
pub struct FakeReceiver(Arc<Mutex<ReceiverState>>);

struct ReceiverState {
    clock: Arc<FixedClock>,
    script: VecDeque<Outcome>,
    then: Outcome,
    seen: Vec<Seen>,
    panics: bool,
}

impl Post for FakeReceiver {
    async fn post(&self, call: Call) -> Answer {
        let mut state = self.0.lock().unwrap();
        if state.panics {
            drop(state);
            panic!("the process ends here");
        }
        let then = state.then;
        let outcome = state.script.pop_front().unwrap_or(then);
        let seen = Seen {
            taken: outcome.is_ok(),
            at: state.clock.now(),
            body: serde_json::from_slice(&call.body).unwrap(),
            raw: call.body.to_vec(),
            headers: call.headers,
            deadline: call.deadline,
            authorization: call.authorization.map(|value| value.to_str().unwrap().to_owned()),
            url: call.url.uri().to_string(),
        };
        state.seen.push(seen);
        Answer { outcome, took: Duration::from_millis(7) }
    }
}

impl FakeReceiver {
    pub fn always(&self, outcome: Outcome) {
        let mut state = self.0.lock().unwrap();
        state.script.clear();
        state.then = outcome;
    }

    pub fn script(&self, outcomes: &[Outcome], then: Outcome) {
        let mut state = self.0.lock().unwrap();
        state.script = outcomes.iter().copied().collect();
        state.then = then;
    }

    pub fn panics(&self, panics: bool) {
        self.0.lock().unwrap().panics = panics;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.body["id"].as_str().unwrap().to_owned()).collect()
    }
}

pub const DOWN: Outcome = Err(PostFailure::Status(503));

pub struct World {
    pub database: TestDatabase,
    pub webhooks: Webhooks,
    pub customers: Customers,
    pub clock: Arc<FixedClock>,
    pub queue: FakeQueue,
    pub receiver: FakeReceiver,
    pub dispatcher: Dispatcher<FakeReceiver, FakeQueue>,
    pub registrations: RegistrationsApi<FakeQueue>,
    pub events: EventsApi<FakeQueue>,
    pub caller: Caller,
}

pub fn caller(partner: &str) -> Caller {
    Caller { partner: PartnerId::parse(partner).unwrap(), ..template_caller() }
}

fn template_caller() -> Caller {
    request("GET", "/webhooks/v1/events", &[], &[], "", None).caller().unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::with_rules(AddressRules::default())
    }

    pub fn with_rules(rules: AddressRules) -> Self {
        let database = TestDatabase::new();
        let clock = Arc::new(FixedClock::at_text("2026-05-19T13:52:06.393Z"));
        let random = Arc::new(SequenceRandom::default());
        let keys = key_ring(clock.clone(), random.clone());
        // Another ring over the customers' own keys, as in the deployment.
        let customers = Customers::new(
            database.customers(),
            key_ring(clock.clone(), random.clone()),
            clock.clone(),
            random.clone(),
        );
        let queue = FakeQueue::default();
        queue.0.lock().unwrap().now = Some(clock.now());
        let webhooks = Webhooks::new(database.webhooks());
        let worker = Worker {
            webhooks: webhooks.clone(),
            keys,
            queue: queue.clone(),
            clock: clock.clone(),
            random,
        };
        let receiver = FakeReceiver(Arc::new(Mutex::new(ReceiverState {
            clock: clock.clone(),
            script: VecDeque::new(),
            then: Ok(200),
            seen: Vec::new(),
            panics: false,
        })));
        Self {
            dispatcher: Dispatcher {
                worker: worker.clone(),
                post: receiver.clone(),
                customers: customers.clone(),
                own_ids: OwnIds::new(database.customers()),
                rules: rules.clone(),
            },
            registrations: RegistrationsApi { worker: worker.clone(), rules },
            events: EventsApi { worker, own_ids: OwnIds::new(database.customers()) },
            caller: caller(PARTNER),
            database,
            webhooks,
            customers,
            clock,
            queue,
            receiver,
        }
    }

    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.queue.0.lock().unwrap().now = Some(self.clock.now());
    }

    /// Handles messages until none is left or `limit` has passed, moving the clock to the next one each time. Sweeps
    /// each minute, as the schedule does, but for the minutes in which nothing would be found.
    pub async fn run_for(&self, limit: SignedDuration) {
        let end = self.clock.now() + limit;
        let mut last_sweep = self.clock.now();
        loop {
            while let Some(message) = self.queue.take_visible() {
                self.dispatcher.handle(&message).await.unwrap();
            }
            let sweep_at = self.next_sweep(last_sweep).await;
            let next = self.queue.next_visible().into_iter().chain(sweep_at).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.advance(end.duration_since(self.clock.now()));
                return;
            };
            self.advance(next.duration_since(self.clock.now()));
            if sweep_at == Some(next) {
                sweep::sweep(&self.dispatcher.worker, SignedDuration::ZERO).await.unwrap();
                last_sweep = next;
            }
        }
    }

    /// The first minute after the last sweep at which something is overdue.
    async fn next_sweep(&self, last: Timestamp) -> Option<Timestamp> {
        let items = self.database.dump(self.webhooks.table()).await;
        let due = items.iter().filter_map(|item| item.get("dueAt")?.as_s().ok()?.parse().ok());
        let due = Timestamp::from_millisecond(due.min()?).unwrap().max(self.clock.now());
        let minutes = (due.duration_since(last).as_millis() + 59_999) / 60_000;
        Some(last + SignedDuration::from_mins(i64::try_from(minutes.max(1)).unwrap()))
    }

    /// Handles what is visible now, once each, whatever comes of it.
    pub async fn drain(&self) {
        while let Some(message) = self.queue.take_visible() {
            self.dispatcher.handle(&message).await.unwrap();
        }
    }

    pub fn domain_event(&self, kind: EventKind) -> DomainEvent {
        let worker = &self.dispatcher.worker;
        DomainEvent {
            id: EventId::new(&*worker.clock, &*worker.random),
            partner: self.caller.partner,
            customer: CustomerId::new(&*worker.clock, &*worker.random),
            occurred_at: self.clock.now(),
            kind,
        }
    }

    /// One Onboarded event goes through fan-out; returns the delivery's id for `registration`.
    pub async fn onboard(&self, registration: RegistrationId) -> EventId {
        let event = self.domain_event(EventKind::Onboarded);
        self.know(event.customer, "crm-42").await;
        fanout::announce_event(&self.dispatcher.worker, &event).await.unwrap();
        fanout::delivery_id(event.id, registration)
    }

    /// The customer is there, with the partner's own id.
    pub async fn know(&self, customer: CustomerId, own: &str) {
        let mut item = CustomerKey::new(self.caller.partner, customer).to_item();
        item.extend(store::to_item(&json!({ "clientIdentifier": own })).unwrap());
        self.database.customers().put(item, Expression::absent()).await.unwrap();
    }

    /// And no longer.
    pub async fn forget(&self, customer: CustomerId) {
        let key = CustomerKey::new(self.caller.partner, customer);
        self.database.customers().delete(&key, Expression::present()).await.unwrap();
    }

    pub async fn delivery(&self, id: EventId) -> Delivery {
        self.webhooks.delivery(DeliveryKey::new(self.caller.partner, id)).await.unwrap().unwrap()
    }

    pub async fn registration(&self, id: RegistrationId) -> Registration {
        self.webhooks.registration(self.caller.partner, id).await.unwrap().unwrap()
    }

    pub async fn register(&self, body: Value) -> RegistrationId {
        let reply =
            self.call("POST", "/webhooks/v1/registrations", &[], &[], &body.to_string()).await;
        let reply = reply.unwrap();
        assert_eq!(reply.status(), 200, "{}", reply.body());
        RegistrationId::parse(value(&reply)["id"].as_str().unwrap()).unwrap()
    }

    pub async fn register_push(&self) -> RegistrationId {
        self.register(push(ONBOARDED)).await
    }

    pub async fn call(
        &self,
        method: &str,
        resource: &str,
        path: &[(&str, &str)],
        query: &[(&str, &str)],
        body: &str,
    ) -> Result<Reply, Failure> {
        self.send(&request(method, resource, path, query, body, None)).await
    }

    pub async fn send(&self, request: &Request) -> Result<Reply, Failure> {
        self.send_as(&self.caller, request).await
    }

    pub async fn send_as(&self, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
        match request.route.function {
            "webhook-registrations" => {
                webhooks::registrations::handle(&self.registrations, caller, request).await
            }
            _ => webhooks::events::handle(&self.events, caller, request).await,
        }
    }

    pub async fn restart(&self, id: RegistrationId) {
        let reply = self
            .call(
                "PUT",
                "/webhooks/v1/registrations/{registrationId}/restart",
                &[("registrationId", &id.to_string())],
                &[],
                "",
            )
            .await;
        assert_eq!(value(&reply.unwrap())["status"], "Active");
    }
}

pub fn push(event_name: &str) -> Value {
    json!({
        "partnerId": PARTNER,
        "eventName": event_name,
        "registrationType": "Push",
        "callbackUrl": "https://cos.example.com/core-events",
    })
}

pub fn value(reply: &Reply) -> Value {
    serde_json::from_str(reply.body()).unwrap()
}

pub fn request(
    method: &str,
    resource: &str,
    path: &[(&str, &str)],
    query: &[(&str, &str)],
    body: &str,
    key: Option<&str>,
) -> Request {
    let pairs = |pairs: &[(&str, &str)]| -> Value {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let function =
        http_api::route(method, resource).unwrap_or_else(|| panic!("{method} {resource}")).function;
    let actual = path.iter().fold(resource.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    });
    let mut headers = serde_json::Map::new();
    if let Some(key) = key {
        headers.insert("Idempotency-Key".into(), json!(key));
    }
    let event = json!({
        "resource": resource,
        "path": actual,
        "httpMethod": method,
        "headers": headers,
        "pathParameters": pairs(path),
        "queryStringParameters": pairs(query),
        "requestContext": {
            "requestId": format!("request-{}", key.unwrap_or("0")),
            "path": actual,
            "identity": { "sourceIp": "192.0.2.1" },
            "authorizer": {
                "partnerId": PARTNER,
                "clientId": "client-1",
                    "subject": "client-1",
                "scopes": "webhooks:read webhooks:write",
                "environment": "sandbox",
                "tokenId": "t-1",
                "allowedSources": "",
            },
        },
        "body": body,
    });
    let event: HttpRequest = serde_json::from_value(event).unwrap();
    Request::from_event(event, function).unwrap()
}
