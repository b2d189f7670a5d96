//! From the customers' stream to deliveries.
//!
//! Invariant: a delivery's id is derived from the event and the registration, and it is put under the condition that it
//! is new, so a record that comes twice, or again after a crash, makes nothing twice. It is due from the moment it is
//! put: a crash before the queue has it costs a sweep, not the event. Where a contract tells of changes as a whole, the
//! id is derived from the change, so that the several events of one change become one delivery.
//!
//! Kill point: `fanout.put`.

use crypto::sha256_of_parts;
use domain::event::DomainEvent;
use domain::ids::{CustomerId, EventId, RegistrationId};
use http_api::Contract;
use jiff::Timestamp;
use runtime::{Metric, StreamRecord, count, failpoint};
use store::outbox;
use store::webhooks::{Delivery, Registration, RegistrationKind, Stage, Status};

use crate::event_name::{Announcement, announce, contract_of};
use crate::queue::DeliveryQueue;
use crate::worker::{Worker, WorkerError, created_at};

/// The id under which a registration sees an event.
#[must_use]
pub fn delivery_id(event: EventId, registration: RegistrationId) -> EventId {
    let digest = sha256_of_parts(&[event.uuid().as_bytes(), registration.uuid().as_bytes()]);
    let mut short = [0; 10];
    short.copy_from_slice(&digest[..10]);
    event.derive(&short)
}

/// The id under which a registration sees one change of a customer: what happened in one transaction bears one time.
#[must_use]
pub fn change_id(
    customer: CustomerId,
    at: Timestamp,
    event_name: &str,
    registration: RegistrationId,
) -> EventId {
    let (customer, registration) = (customer.uuid(), registration.uuid());
    let parts: [&[u8]; 4] = [
        customer.as_bytes(),
        &at.as_nanosecond().to_be_bytes(),
        event_name.as_bytes(),
        registration.as_bytes(),
    ];
    let digest = sha256_of_parts(&parts);
    let mut short = [0; 10];
    short.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    EventId::from(uuid::Builder::from_unix_timestamp_millis(millis, &short).into_uuid())
}

/// Makes the deliveries of one stream record. Records of other items, and changes of events (their expiry), are none of
/// its business.
///
/// # Errors
/// [`WorkerError`]; the record should come again.
pub async fn fan_out<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    record: &StreamRecord,
) -> Result<(), WorkerError> {
    let Some(image) = record.new_image.as_ref().filter(|_| record.change == "INSERT") else {
        return Ok(());
    };
    let is_event =
        image["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(outbox::SORT_KEY_PREFIX));
    if !is_event {
        return Ok(());
    }
    announce_event(worker, &outbox::read_stream_image(image)?).await
}

/// Makes the deliveries of one event.
///
/// # Errors
/// [`WorkerError`].
pub async fn announce_event<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    event: &DomainEvent,
) -> Result<(), WorkerError> {
    let all = announce(event);
    let names: Vec<&str> = all.iter().map(|said| said.name).collect();
    for registration in worker.webhooks.subscribers(event.partner, &names).await? {
        // The registration may have been given another name between the two reads.
        let Some(said) = all.iter().find(|said| said.name == registration.event_name) else {
            continue;
        };
        let delivery = delivery_for(event, said, &registration);
        match registration.kind {
            RegistrationKind::Poll => {
                if worker.webhooks.put_awaiting(&delivery).await? {
                    count(Metric::EventsFannedOut, 1);
                }
            }
            RegistrationKind::Push => {
                if worker.webhooks.put_queued(&delivery, worker.now()).await? {
                    count(Metric::EventsFannedOut, 1);
                }
                failpoint("fanout.put");
                // Also when it was there already: the crash that brings a record again may have come before this line,
                // and a message too many is dropped by its claim.
                worker.hand_over(&delivery).await?;
            }
        }
    }
    Ok(())
}

fn delivery_for(event: &DomainEvent, said: &Announcement, registration: &Registration) -> Delivery {
    let id = match contract_of(said.name) {
        Contract::Straddle => {
            change_id(event.customer, event.occurred_at, said.name, registration.id)
        }
        Contract::Cos | Contract::NewDay | Contract::OAuth => {
            delivery_id(event.id, registration.id)
        }
    };
    Delivery {
        id,
        partner: event.partner,
        registration: registration.id,
        event_name: said.name.to_owned(),
        customer: Some(event.customer),
        created_at: created_at(id, event.occurred_at),
        resources: vec![said.resource.clone()],
        details: vec![said.detail.clone()],
        ping: false,
        status: Status::Pending,
        stage: match registration.kind {
            RegistrationKind::Push => Stage::Queued,
            RegistrationKind::Poll => Stage::Awaiting,
        },
        tries: 0,
        not_before: 0,
        last_attempted_at: None,
        attempts: Vec::new(),
    }
}
