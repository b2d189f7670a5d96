//! What waits behind a registration: choosing the event that decides a restart, releasing a backlog, clearing the line
//! of a deleted registration.
//!
//! Invariant: each step moves one delivery in one transaction, so it can be stopped and begun again anywhere. The
//! registration stays in the `due` index until its line was found empty in a phase in which nothing can join it.
//!
//! Kill points: `release.chosen`, `release.released`, `release.dropped`.

use std::time::Duration;

use domain::ids::{PartnerId, RegistrationId};
use runtime::failpoint;
use store::webhooks::{Phase, Registration, WaitingKey};

use crate::queue::{DeliveryQueue, Message};
use crate::worker::{Worker, WorkerError};

/// How many deliveries one message moves before it hands the rest to another.
pub const BATCH: u32 = 25;

/// Takes the next step for a registration.
///
/// # Errors
/// [`WorkerError`]; the registration is still due.
pub async fn release<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    partner: PartnerId,
    id: RegistrationId,
) -> Result<(), WorkerError> {
    let Some(registration) = worker.webhooks.registration_in_any_phase(partner, id).await? else {
        return Ok(());
    };
    match registration.phase {
        Phase::Restarting if registration.probe.is_none() => choose(worker, &registration).await,
        // The chosen event is due itself.
        Phase::Restarting => Ok(()),
        Phase::Active => release_backlog(worker, &registration).await,
        Phase::Suspended => {
            worker.webhooks.nothing_left(&registration).await?;
            Ok(())
        }
        Phase::Deleted => clear(worker, &registration).await,
    }
}

async fn choose<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    registration: &Registration,
) -> Result<(), WorkerError> {
    let (webhooks, now) = (&worker.webhooks, worker.now());
    let oldest = webhooks.oldest_waiting(registration.partner, registration.id, 1).await?;
    let Some(event) = oldest.first() else {
        if webhooks.activate(registration, now).await? {
            // Something may have been held between the look and the step; from here on nothing can be.
            again(worker, registration).await?;
        }
        return Ok(());
    };
    let key = WaitingKey::new(registration.partner, registration.id, *event);
    if webhooks.choose_probe(key, now).await? {
        failpoint("release.chosen");
        hand_over(worker, key).await?;
    }
    Ok(())
}

async fn release_backlog<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    registration: &Registration,
) -> Result<(), WorkerError> {
    let webhooks = &worker.webhooks;
    let waiting = webhooks.oldest_waiting(registration.partner, registration.id, BATCH).await?;
    if waiting.is_empty() {
        webhooks.nothing_left(registration).await?;
        return Ok(());
    }
    for event in waiting {
        let key = WaitingKey::new(registration.partner, registration.id, event);
        if webhooks.release(key, worker.now()).await? {
            failpoint("release.released");
            hand_over(worker, key).await?;
        }
    }
    again(worker, registration).await
}

async fn clear<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    registration: &Registration,
) -> Result<(), WorkerError> {
    let webhooks = &worker.webhooks;
    let waiting = webhooks.oldest_waiting(registration.partner, registration.id, BATCH).await?;
    if waiting.is_empty() {
        webhooks.remove_registration(registration).await?;
        return Ok(());
    }
    for event in waiting {
        let key = WaitingKey::new(registration.partner, registration.id, event);
        webhooks.drop_waiting(key).await?;
        failpoint("release.dropped");
    }
    again(worker, registration).await
}

async fn hand_over<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    key: WaitingKey,
) -> Result<(), WorkerError> {
    let message =
        Message::Deliver { partner: key.partner, registration: key.registration, event: key.event };
    Ok(worker.queue.send(&message, Duration::ZERO).await?)
}

async fn again<Q: DeliveryQueue>(
    worker: &Worker<Q>,
    registration: &Registration,
) -> Result<(), WorkerError> {
    let message = Message::Release { partner: registration.partner, registration: registration.id };
    Ok(worker.queue.send(&message, Duration::ZERO).await?)
}
