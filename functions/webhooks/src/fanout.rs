//! From the customers' stream to deliveries.
//!
//! Invariant: a delivery's id is derived from the event and the registration, and it is put under the condition that it
//! is new, so a record that comes twice, or again after a crash, makes nothing twice. It is due from the moment it is
//! put: a crash before the queue has it costs a sweep, not the event.
//!
//! Kill point: `fanout.put`.

use crypto::sha256_of_parts;
use domain::event::DomainEvent;
use domain::ids::{EventId, RegistrationId};
use runtime::{Metric, StreamRecord, count, failpoint};
use store::outbox;
use store::webhooks::{Delivery, Registration, RegistrationKind, Stage, Status};

use crate::event_name::{Announcement, announce};
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
    let said = announce(event);
    for registration in worker.webhooks.subscribers(event.partner, said.name).await? {
        let delivery = delivery_for(event, &said, &registration);
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
    Delivery {
        id: delivery_id(event.id, registration.id),
        partner: event.partner,
        registration: registration.id,
        event_name: said.name.to_owned(),
        created_at: created_at(event.id, event.occurred_at),
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
