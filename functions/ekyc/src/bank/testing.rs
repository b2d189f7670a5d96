//! A provider without a network, and a server that does what a test tells it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::time::{FixedClock, SequenceRandom};
use jiff::Timestamp;
use runtime::HttpsSend;
use uuid::Uuid;

use super::check::{NameAnswer, NameCheck, NameQuery};
use super::payment::{PaymentId, PaymentQuery, PaymentState, Penny, PennyOutcome, Sighting};
use super::provider::{BankProvider, Surroundings};
use crate::Answer;

/// A provider that matches every name and pays every penny unless it is told otherwise, and keeps a ledger.
#[derive(Default)]
pub(crate) struct FakeBank {
    name: Mutex<Option<NameCheck>>,
    outcomes: Mutex<VecDeque<(PennyOutcome, bool)>>,
    states: Mutex<BTreeMap<Uuid, PaymentState>>,
    /// Every penny that left, in order: its session and its reference.
    ledger: Mutex<Vec<(Uuid, String)>>,
    calls: Mutex<usize>,
    /// How often it was asked whose account it is.
    checks: Mutex<usize>,
    /// What happens while the next payments and looks are under way.
    meanwhile: Mutex<VecDeque<Answer<'static, ()>>>,
    /// Every look, and up to when the next ones see.
    looks: Mutex<Vec<PaymentQuery>>,
    seen_to: Mutex<Option<Timestamp>>,
}

impl FakeBank {
    /// What name checks answer from now on.
    pub(crate) fn answer_name(&self, check: NameCheck) {
        *self.name.lock().unwrap() = Some(check);
    }

    /// What the next payment is answered, and whether the penny leaves all the same.
    pub(crate) fn answer_penny(&self, outcome: PennyOutcome, paid: bool) {
        self.outcomes.lock().unwrap().push_back((outcome, paid));
    }

    /// What is known of a session's payment from now on.
    pub(crate) fn set_state(&self, auth: Uuid, state: PaymentState) {
        self.states.lock().unwrap().insert(auth, state);
    }

    /// What happens while the next payment or look is under way.
    pub(crate) fn meanwhile(&self, happens: impl Future<Output = ()> + Send + 'static) {
        self.meanwhile.lock().unwrap().push_back(Box::pin(happens));
    }

    async fn happen(&self) {
        let happens = self.meanwhile.lock().unwrap().pop_front();
        if let Some(happens) = happens {
            happens.await;
        }
    }

    /// Up to when looks see from now on.
    pub(crate) fn see_to(&self, seen_to: Timestamp) {
        *self.seen_to.lock().unwrap() = Some(seen_to);
    }

    /// Every look so far.
    pub(crate) fn looks(&self) -> Vec<PaymentQuery> {
        self.looks.lock().unwrap().clone()
    }

    /// Every penny that left: its session and its reference.
    pub(crate) fn pennies(&self) -> Vec<(Uuid, String)> {
        self.ledger.lock().unwrap().clone()
    }

    /// The code in the reference of a session's penny, as its receiver reads it.
    pub(crate) fn code(&self, auth: Uuid) -> Option<String> {
        let ledger = self.ledger.lock().unwrap();
        let (_, reference) = ledger.iter().find(|(paid, _)| *paid == auth)?;
        reference.rsplit(' ').next().map(str::to_owned)
    }

    /// How often it was asked whose account it is.
    pub(crate) fn asked_for_names(&self) -> usize {
        *self.checks.lock().unwrap()
    }

    /// How often it was asked to pay.
    pub(crate) fn asked_to_pay(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    fn payment(auth: Uuid) -> PaymentId {
        PaymentId::parse(&format!("P{}", auth.simple())).unwrap()
    }

    fn pay(&self, penny: &Penny) -> PennyOutcome {
        *self.calls.lock().unwrap() += 1;
        let payment = Self::payment(penny.auth);
        let told = self.outcomes.lock().unwrap().pop_front();
        let (outcome, paid) = told.unwrap_or((PennyOutcome::Accepted { payment }, true));
        let mut ledger = self.ledger.lock().unwrap();
        // As real providers do: one session, one penny.
        if paid && !ledger.iter().any(|(auth, _)| *auth == penny.auth) {
            ledger.push((penny.auth, penny.reference.reveal().to_owned()));
        }
        outcome
    }

    fn find(&self, query: &PaymentQuery) -> PaymentState {
        if let Some(state) = self.states.lock().unwrap().get(&query.auth) {
            return state.clone();
        }
        let paid = self.ledger.lock().unwrap().iter().any(|(auth, _)| *auth == query.auth);
        if paid {
            PaymentState::Settled { payment: Self::payment(query.auth) }
        } else {
            PaymentState::NotFound
        }
    }
}

impl BankProvider for FakeBank {
    fn check_name<'a>(&'a self, _: &'a NameQuery) -> Answer<'a, NameAnswer> {
        *self.checks.lock().unwrap() += 1;
        let check = self.name.lock().unwrap().clone().unwrap_or(NameCheck::Matched);
        Box::pin(async move { NameAnswer { check, id: Some("C1".to_owned()) } })
    }

    fn pay_penny<'a>(&'a self, penny: &'a Penny) -> Answer<'a, PennyOutcome> {
        Box::pin(async move {
            self.happen().await;
            self.pay(penny)
        })
    }

    fn find_payment<'a>(&'a self, query: &'a PaymentQuery) -> Answer<'a, Sighting> {
        self.looks.lock().unwrap().push(query.clone());
        Box::pin(async move {
            self.happen().await;
            let seen_to = self.seen_to.lock().unwrap().unwrap_or(query.begun_at);
            Sighting { state: self.find(query), seen_to }
        })
    }
}

/// What a server does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Answers with a status, a body and further header lines.
    Answer(u16, Vec<u8>, &'static str),
    /// Reads the request and closes.
    Drop,
    /// Reads the request and says nothing.
    Silence,
}

impl Act {
    /// An answer of JSON.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Answer(status, body.as_bytes().to_vec(), "")
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    /// Method and path.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body.
    pub(crate) body: String,
}

impl Arrived {
    /// The body's JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server that does one act for each request, in order, and the last one for all further.
pub(crate) struct Server {
    /// `http://127.0.0.1:<port>`.
    pub(crate) url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Server {
    /// Starts one; it ends with the test's process.
    pub(crate) fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let kept = Arc::clone(&arrived);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (acts, kept) = (acts.clone(), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream, &acts, &kept));
            }
        });
        Self { url, arrived }
    }

    /// Everything that arrived so far.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

/// One request for each connection: each answer closes it.
fn serve(mut stream: TcpStream, acts: &[Act], arrived: &Mutex<Vec<Arrived>>) {
    let Some(request) = read_request(&mut stream) else { return };
    let number = {
        let mut arrived = arrived.lock().unwrap();
        arrived.push(request);
        arrived.len() - 1
    };
    match &acts[number.min(acts.len() - 1)] {
        Act::Answer(status, body, headers) => {
            let head = format!(
                "HTTP/1.1 {status} Said\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read(&mut [0; 1]);
        }
        Act::Drop => drop(stream),
        Act::Silence => std::thread::sleep(Duration::from_secs(5)),
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return Some(Arrived { line, headers, body: body.to_owned() });
        }
    }
}

/// When the tests' signatures are made.
pub(crate) const NOW: &str = "2016-07-25T16:36:07Z";

/// A fixed clock, counted randomness and a real client.
pub(crate) fn surroundings() -> Surroundings {
    let now: Timestamp = NOW.parse().unwrap();
    Surroundings {
        http: Arc::new(HttpsSend::new()),
        clock: Arc::new(FixedClock::at(now)),
        random: Arc::new(SequenceRandom::default()),
    }
}
