//! The operations through API Gateway events, over a real expression engine, with a clock that is told.

mod active;
mod concurrency;
mod configuration;
mod costs;
mod errors;
mod events;
mod journeys;
mod keys;
mod names;
mod pennies;
mod penny_statuses;
mod returns;
mod safety;
mod statuses;
mod subjects;
mod trouble;

use std::sync::Arc;

use domain::audit::Actor;
use domain::customer::{Customer, Onboarding, Party, Person};
use domain::event::{DomainEvent, EventKind};
use domain::ids::{CifNumber, ClientId, CustomerId, PartnerId};
use domain::name::PersonName;
use domain::profile::{CommonProfile, PersonProfile};
use domain::text::Text;
use domain::time::{Clock, FixedClock, Random, SequenceRandom};
use http_api::{Failure, ROUTES, Reply, Request};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::customers::{Commit, Customers};
use store::testing::TestDatabase;

use crate::bank::testing::FakeBank;
use crate::bank::{Bank, TextPlace, modulus};
use crate::guard::{Guard, Limit, Limits};
use crate::line::Countries;
use crate::senders::recording::Recording;
use crate::{Core, OtpApp, PennyDropApp, ValidateApp};

const ONE: &str = "11111111-2222-3333-4444-555555555555";
const TWO: &str = "66666666-7777-8888-9999-aaaaaaaaaaaa";
const SCOPES: &str = "customers:read customers:write ekyc.initiate ekyc.validate ekyc.config";
const ACCOUNT: &str = "0003915000000966364";
const MOBILE: &str = "07400123456";

/// One deployment.
struct World {
    database: TestDatabase,
    clock: Arc<FixedClock>,
    random: Arc<dyn Random>,
    core: Core,
    otp: OtpApp,
    validate: ValidateApp,
    penny: PennyDropApp,
    sent: Arc<Recording>,
    bank: Arc<FakeBank>,
    customers: Customers,
}

/// An application and an account: what every row is tried on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Application,
    Account,
}

const BOTH: [Kind; 2] = [Kind::Application, Kind::Account];

/// A subject that exists, by the beginning of its paths.
#[derive(Clone)]
struct Place(String);

/// One request.
struct Call<'a> {
    method: &'a str,
    path: String,
    body: Option<String>,
    key: Option<&'a str>,
    merchant: Option<&'a str>,
    partner: &'a str,
    scopes: &'a str,
}

fn post(path: impl Into<String>, body: Value) -> Call<'static> {
    Call { body: Some(body.to_string()), ..get(path) }.method("POST")
}

fn put(path: impl Into<String>, body: Value) -> Call<'static> {
    Call { body: Some(body.to_string()), ..get(path) }.method("PUT")
}

fn get(path: impl Into<String>) -> Call<'static> {
    let path = path.into();
    Call {
        method: "GET",
        path,
        body: None,
        key: None,
        merchant: None,
        partner: ONE,
        scopes: SCOPES,
    }
}

impl<'a> Call<'a> {
    fn method(mut self, method: &'a str) -> Self {
        self.method = method;
        self
    }

    fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    fn merchant(mut self, merchant: &'a str) -> Self {
        self.merchant = Some(merchant);
        self
    }

    fn partner(mut self, partner: &'a str) -> Self {
        self.partner = partner;
        self
    }

    fn raw(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    fn request(&self) -> Request {
        let full = format!("/acquisition/v2/{}", self.path);
        let segments: Vec<&str> = full.split('/').collect();
        let fits = |path: &str| {
            let wanted: Vec<&str> = path.split('/').collect();
            wanted.len() == segments.len()
                && wanted.iter().zip(&segments).all(|(w, s)| w.starts_with('{') || w == s)
        };
        let route = ROUTES
            .iter()
            .find(|route| route.method.as_str() == self.method && fits(route.path))
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
        let mut headers = json!({ "Session-Id": "s-1" });
        for (name, value) in [("Idempotency-Key", self.key), ("Merchant-Id", self.merchant)] {
            if let Some(value) = value {
                headers[name] = value.into();
            }
        }
        let event = json!({
            "resource": route.path,
            "httpMethod": self.method,
            "headers": headers,
            "pathParameters": parameters,
            "requestContext": {
                "requestId": "r-1",
                "identity": { "sourceIp": "192.0.2.1" },
                "authorizer": {
                    "partnerId": self.partner,
                    "clientId": "client-1",
                    "scopes": self.scopes,
                    "environment": "sandbox",
                    "tokenId": "t-1",
                    "allowedSources": "",
                },
            },
            "body": self.body,
        });
        Request::from_event(serde_json::from_value(event).unwrap(), route.function).unwrap()
    }
}

fn person() -> Value {
    json!({
        "name": { "title": "Ms", "givenName": "Dana", "familyName": "Rivers" },
        "contact": {
            "mobileNumber": MOBILE,
            "homeNumber": "02079460018",
            "email": "dana@example.com",
        },
        "address": { "houseNumber": "7", "townOrCity": "London", "postcode": "N1C 4DA" },
    })
}

impl World {
    fn new() -> Self {
        Self::with_random(Arc::new(SequenceRandom::default()))
    }

    fn with_random(codes: Arc<dyn Random>) -> Self {
        Self::with(
            codes,
            Limits {
                destination: Limit { sends: 10_000, seconds: 3_600 },
                range: Limit { sends: 10_000, seconds: 3_600 },
                ..Limits::default()
            },
        )
    }

    fn with(codes: Arc<dyn Random>, limits: Limits) -> Self {
        let database = TestDatabase::new();
        let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24.441Z"));
        let random: Arc<dyn Random> = Arc::new(SequenceRandom::starting_at(1_000));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let ring = database.key_ring(&shared, &random);
        let table = database.customers();
        let core = || {
            let mut core = Core::new(
                table.clone(),
                Arc::clone(&ring),
                Arc::clone(&shared),
                Arc::clone(&random),
            );
            core.passcodes = crate::passcode::Passcodes::new(Arc::clone(&ring), Arc::clone(&codes));
            core
        };
        let guard = || Guard::new(table.clone(), limits.clone(), Arc::clone(&random));
        let sent = Arc::new(Recording::default());
        let bank = Arc::new(FakeBank::default());
        let countries = Countries::new(vec![domain::country::Country::parse("GB").unwrap()]);
        let sender: Arc<dyn crate::senders::PasscodeSender> = Arc::clone(&sent) as _;
        let [weights, substitutions] = [modulus::SAMPLE.0, modulus::SAMPLE.1];
        let tables =
            modulus::source(TextPlace::Packaged(weights), TextPlace::Packaged(substitutions));
        let banks = Bank::new(tables, None, Arc::clone(&bank) as _);
        let customers = Customers::new(
            table.clone(),
            Arc::clone(&ring),
            Arc::clone(&shared),
            Arc::clone(&random),
        );
        Self {
            core: core(),
            otp: OtpApp::new(core(), sender, guard(), countries),
            validate: ValidateApp::new(core(), guard()),
            penny: PennyDropApp::new(core(), banks),
            database,
            clock,
            random,
            sent,
            bank,
            customers,
        }
    }

    fn pass(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    fn pass_ms(&self, by: i64) {
        self.pass(SignedDuration::from_millis(by));
    }

    async fn try_serve(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let request = call.request();
        let caller = request.caller()?;
        let (caller, request) = (&caller, &request);
        match request.route.function {
            "otp-initiate" => crate::otp::initiate(&self.otp, caller, request).await,
            "otp-resend" => crate::resend::resend(&self.otp, caller, request).await,
            "otp-validate" | "penny-drop-validate" => {
                crate::validate::validate(&self.validate, caller, request).await
            }
            "penny-drop-initiate" => {
                crate::penny_drop::initiate(&self.penny, caller, request).await
            }
            "kyc-status" => crate::status::status(&self.core, caller, request).await,
            "ekyc-subjects" => crate::subjects::subjects(&self.core, caller, request).await,
            "ekyc-configuration" => {
                crate::configuration::configuration(&self.core, caller, request).await
            }
            other => panic!("{other} is not of this capability"),
        }
    }

    async fn reply(&self, call: Call<'_>) -> Reply {
        // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
        let answer = Box::pin(self.try_serve(&call)).await;
        let request = call.request();
        let contract = request.route.contract;
        let reply = answer.unwrap_or_else(|failure| {
            assert!(!matches!(failure, Failure::Internal(_)), "{failure:?}");
            failure.into_reply(contract)
        });
        http_api::finish(reply, &request)
    }

    async fn send(&self, call: Call<'_>) -> (u16, Value) {
        let reply = self.reply(call).await;
        (reply.status(), serde_json::from_str(reply.body()).unwrap())
    }

    /// The state of an answer; `state` and `status` say the same, and a problem's status is the HTTP status.
    async fn state(&self, call: Call<'_>) -> (u16, String, Value) {
        let (status, body) = self.send(call).await;
        if status == 200 {
            assert_eq!(body["state"], body["status"]);
        } else {
            assert_eq!(body["status"], status);
        }
        (status, body["state"].as_str().unwrap_or("").to_owned(), body)
    }

    /// A customer of a partner.
    async fn customer(&self, partner: &str) -> CustomerId {
        let partner = PartnerId::parse(partner).unwrap();
        let (clock, random) = (&*self.clock, &*self.random);
        let part = |text: &str| Text::parse(text).unwrap();
        let common = CommonProfile {
            citizenship: None,
            backup_withholding: false,
            backup_withholding_percent: None,
            tax: None,
            risk_rating: None,
        };
        let person = Person {
            name: PersonName {
                prefix: None,
                first: part("Dana"),
                middle: None,
                last: Some(part("Rivers")),
                suffix: None,
                preferred: None,
            },
            profile: PersonProfile {
                common,
                reg_o: false,
                politically_exposed: false,
                birth_date: None,
                privacy_opt_out: None,
            },
            due_diligence: None,
        };
        let onboarding = Onboarding {
            id: CustomerId::new(clock, random),
            partner,
            cif: CifNumber::draw(random),
            party: Party::Personal(person),
            client_identifier: None,
            primaries: Vec::new(),
        };
        let now = self.clock.now();
        let (after, change) = Customer::onboard(onboarding, now);
        let actor = Actor {
            client: ClientId::parse("client-1").unwrap(),
            who: "client-1".to_owned(),
            source_ip: None,
            request_id: "r-0".to_owned(),
        };
        let commit = Commit {
            before: None,
            after: &after,
            change: &change,
            actor: &actor,
            now,
            owner: None,
            evidence: Vec::new(),
        };
        self.customers.commit(commit).await.unwrap();
        after.id
    }

    /// A subject with everything that eKYC needs.
    async fn subject(&self, kind: Kind) -> Place {
        self.subject_of(kind, person()).await
    }

    async fn subject_of(&self, kind: Kind, mut person: Value) -> Place {
        person["customerId"] = self.customer(ONE).await.to_string().into();
        let (path, id) = match kind {
            Kind::Application => ("applications", "applicationId"),
            Kind::Account => ("accounts", "accountNumber"),
        };
        if kind == Kind::Account {
            person["accountNumber"] = ACCOUNT.into();
        }
        let (status, made) = self.send(post(path, person)).await;
        assert_eq!(status, 200, "{made}");
        Place(format!("{path}/{}", made[id].as_str().unwrap()))
    }

    /// The events that partners will be told, oldest first.
    async fn told(&self) -> Vec<(String, Option<String>)> {
        // The stream has them in the order in which they were written.
        let records = self.database.stream_records(&self.database.customers());
        let found = records.iter().filter_map(|record| {
            let image = &record["dynamodb"]["NewImage"];
            let is_event = image["sk"]["S"].as_str()?.starts_with("EVENT#");
            let read: DomainEvent = store::outbox::read_stream_image(image).ok()?;
            (is_event && record["eventName"] == "INSERT").then_some(read)
        });
        let steps = found.filter_map(|event| match event.kind {
            EventKind::EkycSession { step, detail, .. } => Some((step.as_str().to_owned(), detail)),
            _ => None,
        });
        steps.collect()
    }

    /// The customer whose subject it is.
    async fn holder(&self, place: &Place) -> Customer {
        let (_, subject) = self.send(get(place.0.clone())).await;
        let id = CustomerId::parse(subject["customerId"].as_str().unwrap()).unwrap();
        self.customers.get(PartnerId::parse(ONE).unwrap(), id).await.unwrap().unwrap()
    }

    /// What stands on every customer.
    async fn proofs(&self, place: &Place) -> Vec<(String, String, String)> {
        let customer = self.holder(place).await;
        let (partner, id) = (customer.partner, customer.id);
        let checked = self.customers.verify_audit(partner, id).await.unwrap().unwrap();
        assert!(checked.is_ok(), "the audit chain holds");
        let of = |(kind, proof): (&domain::proof::ProofKind, &domain::proof::Proof)| {
            (kind.to_string(), proof.method.to_string(), proof.masked.clone())
        };
        customer.proofs.iter().map(of).collect()
    }

    async fn configure(&self, method: &str, mut keys: Value) {
        keys["version"] = 0.into();
        let path = format!("configurations/default/ekyc/{method}");
        let (status, body) = self.send(put(path, keys)).await;
        assert_eq!(status, 200, "{body}");
    }

    async fn initiate(&self, place: &Place) -> Value {
        let (status, state, body) = self.state(post(place.otp(), json!({}))).await;
        assert_eq!((status, state.as_str()), (200, "initiated"), "{body}");
        body
    }

    /// The state of trying a code.
    async fn try_code(&self, place: &Place, session: &Value, code: &str) -> (String, Value) {
        let path = place.validate("otp", session);
        let (_, state, body) = self.state(post(path, json!({ "passcode": code }))).await;
        (state, body)
    }

    fn code(&self) -> String {
        self.sent.last_code().unwrap()
    }

    /// A code that is not the last one sent.
    fn wrong(&self) -> String {
        wrong(&self.code())
    }
}

/// Another code of the same length.
fn wrong(code: &str) -> String {
    let first = if code.starts_with('9') { '0' } else { '9' };
    format!("{first}{}", &code[1..])
}

impl Place {
    fn otp(&self) -> String {
        format!("{}/kycauthentications/otp", self.0)
    }

    fn penny(&self) -> String {
        format!("{}/kycauthentications/pennydrop", self.0)
    }

    fn validate(&self, method: &str, session: &Value) -> String {
        format!("{}/validate", self.session(method, session))
    }

    fn session(&self, method: &str, session: &Value) -> String {
        let auth = session["authId"].as_str().unwrap();
        format!("{}/kycauthentications/{method}/{auth}", self.0)
    }

    fn resend(&self, session: &Value) -> String {
        format!("{}/resend", self.session("otp", session))
    }
}
