//! Building the functions from their settings.

use std::sync::Arc;

use runtime::{Clients, Missing, Settings, SystemClock, SystemRandom};
use store::customers::{Customers, OwnIds};
use store::webhooks::Webhooks;

use crate::address::{AddressRules, MalformedSetting};
use crate::dispatch::Dispatcher;
use crate::events::EventsApi;
use crate::post::{HttpPoster, Limits, SystemResolver};
use crate::queue::SqsQueue;
use crate::registrations::RegistrationsApi;
use crate::worker::Worker;

/// A function can not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings are missing.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// `CALLBACK_ALLOWED_NETWORKS` is malformed.
    #[error("CALLBACK_ALLOWED_NETWORKS: {0}")]
    Networks(#[from] MalformedSetting),
    /// The TLS library refuses its own defaults.
    #[error("TLS can not be set up: {0}")]
    Tls(String),
}

/// Names, read before anything is built, so that all missing ones are reported together.
struct Names {
    table: String,
    queue: String,
    /// Empty where nothing is sealed or opened; KMS is then never called.
    key: String,
    /// Empty in production: public addresses only.
    networks: String,
}

fn names(sealing: bool) -> Result<Names, Missing> {
    Settings::read(|settings| Names {
        table: settings.required("WEBHOOK_TABLE"),
        queue: settings.required("DELIVERY_QUEUE_URL"),
        key: if sealing { settings.required("DATA_KEY_ID") } else { String::new() },
        networks: settings.optional_list("CALLBACK_ALLOWED_NETWORKS").join(","),
    })
}

/// The webhooks' data keys are kept in their own table: of the webhook functions only the dispatcher can read
/// customers, and the events API their partners' own ids of them.
fn worker(clients: &Clients, names: &Names) -> Worker<SqsQueue> {
    let table = clients.table(&names.table);
    let keys = clients.key_ring(table.clone(), names.key.clone());
    Worker {
        webhooks: Webhooks::new(table),
        keys: Arc::new(keys),
        queue: SqsQueue::new(clients.sqs(), names.queue.clone()),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    }
}

/// For functions that neither seal nor open: fan-out and sweep.
///
/// # Errors
/// [`StartError`].
pub fn plain_worker(clients: &Clients) -> Result<Worker<SqsQueue>, StartError> {
    Ok(worker(clients, &names(false)?))
}

/// The registrations API.
///
/// # Errors
/// [`StartError`].
pub fn registrations(clients: &Clients) -> Result<RegistrationsApi<SqsQueue>, StartError> {
    let names = names(true)?;
    let rules = AddressRules::parse(&names.networks)?;
    Ok(RegistrationsApi { worker: worker(clients, &names), rules })
}

/// The events API.
///
/// # Errors
/// [`StartError`].
pub fn events(clients: &Clients) -> Result<EventsApi<SqsQueue>, StartError> {
    let names = names(true)?;
    let table = clients.table(&Settings::read(|settings| settings.required("CUSTOMER_TABLE"))?);
    Ok(EventsApi { worker: worker(clients, &names), own_ids: OwnIds::new(table) })
}

/// The dispatcher.
///
/// # Errors
/// [`StartError`].
pub fn dispatcher(
    clients: &Clients,
) -> Result<Dispatcher<HttpPoster<SystemResolver>, SqsQueue>, StartError> {
    let names = names(true)?;
    let table = clients.table(&Settings::read(|settings| settings.required("CUSTOMER_TABLE"))?);
    let rules = AddressRules::parse(&names.networks)?;
    let post = HttpPoster::new(SystemResolver, rules.clone(), Limits::default())
        .map_err(|error| StartError::Tls(error.to_string()))?;
    let worker = worker(clients, &names);
    let ring = Arc::new(clients.key_ring(table.clone(), names.key.clone()));
    let (clock, random) = (worker.clock.clone(), worker.random.clone());
    let own_ids = OwnIds::new(table.clone());
    let customers = Customers::new(table, ring, clock, random);
    Ok(Dispatcher { worker, post, customers, own_ids, rules })
}
