//! What every function of this capability needs, made once per process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::{IndexKind, KeyRing};
use domain::audit::Actor;
use domain::bank_account::BankAccount;
use domain::ekyc::{Destination, JourneyId, MerchantId, Method, SessionState};
use domain::ids::{AuthId, EventId, PartnerId};
use domain::time::{Clock, Random};
use http_api::{Caller, Failure, Request};
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, Missing, Settings, SystemClock, SystemRandom};
use store::customers::Customers;
use store::ekyc::{Ekyc, Slot};
use store::network::Network;
use store::{Table, Transaction, outbox};

use crate::configuration::Configuration;
use crate::passcode::Passcodes;

/// The settings that [`Core::start`] reads.
pub const NAMES: [&str; 2] = ["CUSTOMER_TABLE", "DATA_KEY_ID"];

/// How often a write that met another one is computed again, with growing pauses: within about two seconds.
pub(crate) const RETRIES: u32 = 8;

/// How long a configuration is believed without reading it again.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);
/// More configurations than this are not remembered at once.
const REMEMBERED: usize = 256;

type Remembered = HashMap<(PartnerId, MerchantId, Method), (Timestamp, Arc<Configuration>)>;

/// The sessions, the customers, the keys, and where time and randomness come from.
pub struct Core {
    pub(crate) ekyc: Ekyc,
    pub(crate) customers: Customers,
    pub(crate) network: Network,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) passcodes: Passcodes,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    configurations: Mutex<Remembered>,
}

impl Core {
    /// The core of a deployed function; nothing is called yet.
    ///
    /// # Errors
    /// [`Missing`] with every missing setting.
    pub fn start(clients: &Clients) -> Result<Self, Missing> {
        let [table, key] = NAMES;
        let (table, key) =
            Settings::read(|settings| (settings.required(table), settings.required(key)))?;
        let table = clients.table(&table);
        let ring = clients.key_ring(table.clone(), key);
        Ok(Self::new(table, Arc::new(ring), Arc::new(SystemClock), Arc::new(SystemRandom)))
    }

    /// The core over any table and ring.
    #[must_use]
    pub fn new(
        table: Table,
        ring: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let customers = Customers::new(
            table.clone(),
            Arc::clone(&ring),
            Arc::clone(&clock),
            Arc::clone(&random),
        );
        let passcodes = Passcodes::new(Arc::clone(&ring), Arc::clone(&random));
        let network = Network::new(table.clone(), Arc::clone(&ring));
        let ekyc = Ekyc::new(table, Arc::clone(&ring));
        let configurations = Mutex::default();
        Self { ekyc, customers, network, ring, passcodes, clock, random, configurations }
    }

    pub(crate) fn table(&self) -> &Table {
        self.ekyc.table()
    }

    /// Now, in the whole milliseconds that conditions compare.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The configuration in force: the merchant's, else the partner's for merchants without one, else the built-in one.
    pub(crate) async fn configuration(
        &self,
        partner: PartnerId,
        merchant: &MerchantId,
        method: Method,
    ) -> Result<Arc<Configuration>, Failure> {
        let now = self.clock.now();
        let key = (partner, merchant.clone(), method);
        if let Some((read_at, held)) = self.remembered().get(&key)
            && now.duration_since(*read_at) < BELIEVED
        {
            return Ok(Arc::clone(held));
        }
        let unnamed = MerchantId::unnamed();
        let mut merchants = vec![merchant.clone()];
        if *merchant != unnamed {
            merchants.push(unnamed);
        }
        let found = self.ekyc.configurations(partner, &merchants, method).await;
        let found = found.map_err(Failure::internal)?;
        let best = merchants.iter().find_map(|of| found.iter().find(|(held, _)| held == of));
        let configuration = Arc::new(match best {
            Some((_, record)) => Configuration::stored(&record.document)?,
            None => Configuration::of(method),
        });
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, (now, Arc::clone(&configuration)));
        Ok(configuration)
    }

    /// A change that this process made is in force for it at once.
    pub(crate) fn forget_configurations(&self) {
        self.remembered().clear();
    }

    /// A panic elsewhere leaves the map whole: every change to it is one insertion or removal.
    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.configurations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The blind index of a destination or account.
    pub(crate) async fn fingerprint(
        &self,
        partner: PartnerId,
        plain: &str,
    ) -> Result<String, Failure> {
        let kind = IndexKind::named("ekyc-destination");
        let index = self.ring.blind_index(partner.into(), kind, plain.as_bytes()).await;
        Ok(index.map_err(Failure::internal)?.as_str().to_owned())
    }

    pub(crate) fn new_auth(&self) -> AuthId {
        AuthId::new(&*self.clock, &*self.random)
    }

    pub(crate) fn new_journey(&self) -> Result<JourneyId, Failure> {
        JourneyId::parse(&self.new_auth().to_string())
            .map_err(|problem| Failure::internal(format!("a drawn journey id: {problem}")))
    }

    /// Adds a session's event to a transaction.
    pub(crate) fn tell(
        &self,
        transaction: &mut Transaction,
        slot: &Slot<'_>,
        customer: domain::ids::CustomerId,
        step: domain::event::EkycStep,
        detail: Option<&str>,
    ) -> Result<(), Failure> {
        let event = domain::event::DomainEvent {
            id: EventId::new(&*self.clock, &*self.random),
            partner: slot.place.partner,
            customer,
            occurred_at: self.clock.now(),
            kind: session_event(slot, step, detail),
        };
        let item = outbox::event_item(&event).map_err(Failure::internal)?;
        transaction.put_new("event", self.table(), item);
        Ok(())
    }
}

impl Core {
    /// Adds that a session failed. `from` is where it stood: of one that nobody has noted as sent, the beginning is told as
    /// well, so that no partner hears of the end of what it never heard of.
    pub(crate) fn tell_failed(
        &self,
        transaction: &mut Transaction,
        slot: &Slot<'_>,
        customer: domain::ids::CustomerId,
        from: SessionState,
        reason: &str,
    ) -> Result<(), Failure> {
        use domain::event::EkycStep::{Failed, Initiated};
        if from == SessionState::Sending {
            self.tell(transaction, slot, customer, Initiated, None)?;
        }
        self.tell(transaction, slot, customer, Failed, Some(reason))
    }
}

/// The event of a session's step.
pub(crate) fn session_event(
    slot: &Slot<'_>,
    step: domain::event::EkycStep,
    detail: Option<&str>,
) -> domain::event::EventKind {
    domain::event::EventKind::EkycSession {
        step,
        method: slot.method,
        auth: slot.auth,
        journey: slot.journey.clone(),
        application: slot.place.subject.application_id(),
        detail: detail.map(str::to_owned),
    }
}

/// A destination in the form in which it is indexed: its kind keeps a mailbox and a number apart.
pub(crate) fn indexed(destination: &Destination) -> String {
    match destination {
        Destination::Phone(_) => format!("phone:{}", destination.folded()),
        Destination::Email(_) => format!("email:{}", destination.folded()),
    }
}

/// What an account's name is when it is indexed and sealed: it keeps accounts apart from mailboxes and numbers.
const ACCOUNT: &str = "bank:";

/// An account in the form in which it is indexed and sealed.
pub(crate) fn indexed_account(account: &BankAccount) -> String {
    format!("{ACCOUNT}{}{}", account.sort_code(), account.account_number())
}

/// The account that [`indexed_account`] wrote.
pub(crate) fn account_of(plain: &str) -> Option<BankAccount> {
    BankAccount::parse_text(plain.strip_prefix(ACCOUNT)?).ok()
}

/// Who acts, as the audit chain names it.
pub(crate) fn actor(caller: &Caller, request: &Request) -> Actor {
    Actor {
        client: caller.client.clone(),
        who: caller.client.to_string(),
        source_ip: Some(caller.source_ip.clone()),
        request_id: request.id.clone(),
    }
}

/// Something of ours failed; the caller can do nothing about it.
pub(crate) fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::internal(error)
}
