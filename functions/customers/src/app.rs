//! What every function of this capability needs, made once per process.

use std::sync::Arc;

use crypto::KeyRing;
use domain::audit::Actor;
use domain::ids::CustomerId;
use domain::time::{Clock, Random};
use http_api::{Caller, Failure, Request};
use runtime::{Clients, Missing, Settings, SystemClock, SystemRandom};
use store::customers::{Customers, CustomersError};
use vetting::Vetter;

/// The settings that [`App::start`] reads.
pub const NAMES: [&str; 2] = ["CUSTOMER_TABLE", "DATA_KEY_ID"];

/// The customers, their keys, and where time and randomness come from.
#[derive(Clone)]
pub struct App {
    pub(crate) customers: Customers,
    pub(crate) ring: Arc<KeyRing>,
    /// What vets customers within a request; only functions that do so have it.
    pub(crate) vetter: Option<Arc<Vetter>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl App {
    /// The app of a deployed function; nothing is called yet.
    ///
    /// # Errors
    /// [`Missing`] with every missing setting.
    pub fn start(clients: &Clients) -> Result<Self, Missing> {
        let [table, key] = NAMES;
        let (table, key) =
            Settings::read(|settings| (settings.required(table), settings.required(key)))?;
        let table = clients.table(&table);
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SystemRandom));
        let ring = clients.key_ring(table.clone(), key);
        Ok(Self::new(table, Arc::new(ring), clock, random))
    }

    /// The app over any table and ring.
    #[must_use]
    pub fn new(
        table: store::Table,
        ring: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let customers =
            Customers::new(table, Arc::clone(&ring), Arc::clone(&clock), Arc::clone(&random));
        Self { customers, ring, vetter: None, clock, random }
    }

    /// The app of a function that vets customers within its requests.
    ///
    /// # Errors
    /// [`Missing`] with every missing setting.
    pub fn start_vetting(clients: &Clients) -> Result<Self, Missing> {
        let app = Self::start(clients)?;
        let vetter =
            Settings::read(|settings| Vetter::from_settings(settings, clients, &app.customers))?;
        Ok(app.with_vetter(vetter))
    }

    /// The same app, vetting.
    #[must_use]
    pub fn with_vetter(mut self, vetter: Vetter) -> Self {
        self.vetter = Some(Arc::new(vetter));
        self
    }
}

/// Who acts, as the audit chain names it.
pub(crate) fn actor(caller: &Caller, request: &Request) -> Actor {
    Actor {
        client: caller.client.clone(),
        who: caller.subject.clone(),
        source_ip: Some(caller.source_ip.clone()),
        request_id: request.id.clone(),
    }
}

/// The customer that a path names.
pub(crate) fn customer_id(request: &Request) -> Result<CustomerId, Failure> {
    request.path("customerId", CUSTOMER, CustomerId::parse)
}

/// How a missing customer is named.
pub(crate) const CUSTOMER: &str = "customer";

/// The store failed; the caller can do nothing about it.
pub(crate) fn broken(error: CustomersError) -> Failure {
    Failure::internal(error)
}
