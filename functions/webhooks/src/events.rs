//! The events API (COS §6.5): what became of each delivery, sending one again, and fetching by poll.
//!
//! Invariants: a list is one query over the partner's own partition; polling is a GET that changes nothing, so it gives
//! the oldest event that is not acknowledged, the same one until it is. At least once, in order, without a lease that a
//! consumer which dies would have to wait for. Several consumers of one partner share the work by `eventName` or
//! `registrationId`.
//!
//! Cost: get 1 read; list 1 query; resend 2 reads and 1 write; poll 1 query, 1 query per Poll registration and 1 read;
//! acknowledge 1 read and 1 transaction. Whatever shows a new customer reads the partner's own id of it as well.
//!
//! Kill point: `events.resent`.

mod listing;

use domain::ids::{EventId, RegistrationId};
use domain::problem::Violations;
use http_api::{Caller, CosCode, Failure, Operation, Reply, Request};
use runtime::{Idempotency, failpoint};
use store::Transaction;
use store::customers::OwnIds;
use store::webhooks::{
    Delivery, DeliveryKey, Format, Phase, Registration, RegistrationKind, Stage, Status, WaitingKey,
};

use crate::body::EventObject;
use crate::event_name;
use crate::own_id;
use crate::queue::DeliveryQueue;
use crate::registrations::commit_failure;
use crate::worker::Worker;

/// What the events API is given.
pub struct EventsApi<Q> {
    /// What every worker has.
    pub worker: Worker<Q>,
    /// What partners call the customers that events are about.
    pub own_ids: OwnIds,
}

/// Answers a request on one of the API's routes.
///
/// # Errors
/// [`Failure`].
pub async fn handle<Q: DeliveryQueue>(
    api: &EventsApi<Q>,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    // Boxed: the AWS futures inside are deeper than the compiler lays out in one piece.
    match request.route.operation {
        Operation::EventList => Box::pin(api.list(caller, request)).await,
        Operation::EventGet => {
            Reply::ok(&EventObject::shown(&Box::pin(api.find(caller, request)).await?))
        }
        Operation::EventPoll => Box::pin(api.poll(caller, request)).await,
        Operation::EventResend => Box::pin(api.resend(caller, request)).await,
        Operation::EventAcknowledge => Box::pin(api.acknowledge(caller, request)).await,
        _ => Err(Failure::NotFound("resource")),
    }
}

impl<Q: DeliveryQueue> EventsApi<Q> {
    async fn find(&self, caller: &Caller, request: &Request) -> Result<Delivery, Failure> {
        let id = request.path("eventId", "event", EventId::parse)?;
        let found = self.worker.webhooks.delivery(DeliveryKey::new(caller.partner, id)).await;
        let mut found = found.map_err(Failure::internal)?.ok_or(Failure::NotFound("event"))?;
        self.complete(std::slice::from_mut(&mut found)).await?;
        Ok(found)
    }

    async fn complete(&self, found: &mut [Delivery]) -> Result<(), Failure> {
        own_id::complete(&self.own_ids, found).await.map_err(Failure::internal)
    }

    /// The oldest event of the caller's Poll registrations that is not acknowledged; 204 when there is none.
    async fn poll(&self, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
        let mut violations = Violations::new();
        let name = request.query_parsed("eventName", &mut violations, event_name::parse);
        let id = request.query_parsed("registrationId", &mut violations, RegistrationId::parse);
        violations.into_result()?;
        let webhooks = &self.worker.webhooks;
        let registrations =
            webhooks.registrations(caller.partner).await.map_err(Failure::internal)?;
        let wanted = |registration: &&Registration| {
            registration.kind == RegistrationKind::Poll
                && name.is_none_or(|name| name == registration.event_name)
                && id.is_none_or(|id| id == registration.id)
        };
        let mut oldest: Option<(EventId, Format)> = None;
        for registration in registrations.iter().filter(wanted) {
            let first = webhooks.oldest_waiting(caller.partner, registration.id, 1).await;
            if let Some(event) = first.map_err(Failure::internal)?.first()
                && oldest.is_none_or(|(held, _)| *event < held)
            {
                oldest = Some((*event, registration.format));
            }
        }
        let Some((event, format)) = oldest else { return Ok(Reply::empty(204)) };
        let found = webhooks.delivery(DeliveryKey::new(caller.partner, event)).await;
        match found.map_err(Failure::internal)? {
            Some(mut delivery) => {
                if format == Format::Extended {
                    self.complete(std::slice::from_mut(&mut delivery)).await?;
                }
                Reply::ok(&EventObject::posted(&delivery, format))
            }
            None => Ok(Reply::empty(204)),
        }
    }

    /// Acknowledging twice is acknowledging once.
    async fn acknowledge(&self, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
        let idempotency = Idempotency::of(request, caller)?;
        if let Some(reply) = self.worker.earlier(idempotency.as_ref()).await? {
            return Ok(reply);
        }
        let mut delivery = self.find(caller, request).await?;
        let not_awaiting = Failure::rule(
            CosCode::StateForbids,
            "Only events of Poll registrations are acknowledged",
        );
        match (delivery.stage, delivery.status) {
            (Stage::Awaiting, _) => {
                let key = WaitingKey::new(delivery.partner, delivery.registration, delivery.id);
                delivery.stage = Stage::Settled;
                delivery.status = Status::Success;
                let reply = Reply::ok(&EventObject::shown(&delivery))?;
                let mut transaction = Transaction::new();
                self.worker.webhooks.acknowledge_in(&mut transaction, key);
                let settled = self.worker.settle(transaction, idempotency.as_ref(), reply).await?;
                // Someone else did, or the registration was deleted, since it was read.
                settled.map_err(commit_failure)
            }
            (Stage::Settled, Status::Success) if delivery.attempts.is_empty() => {
                Reply::ok(&EventObject::shown(&delivery))
            }
            _ => Err(not_awaiting),
        }
    }

    /// Queues an event again. One that is on its way already, or follows a restart, stays as it is.
    async fn resend(&self, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
        let idempotency = Idempotency::of(request, caller)?;
        let (worker, now) = (&self.worker, self.worker.now());
        if let Some(reply) = worker.earlier(idempotency.as_ref()).await? {
            return Ok(reply);
        }
        let mut delivery = self.find(caller, request).await?;
        self.may_be_resent(&delivery).await?;
        if delivery.stage != Stage::Settled {
            return Reply::ok(&EventObject::shown(&delivery));
        }
        delivery.stage = Stage::Queued;
        delivery.status = Status::Pending;
        let reply = Reply::ok(&EventObject::shown(&delivery))?;
        let mut transaction = Transaction::new();
        worker.webhooks.resend_in(&mut transaction, &delivery, now);
        let settled = worker.settle(transaction, idempotency.as_ref(), reply).await?;
        // Another request has queued it since it was read.
        let reply = settled.map_err(commit_failure)?;
        failpoint("events.resent");
        worker.hand_over(&delivery).await.map_err(Failure::internal)?;
        Ok(reply)
    }

    async fn may_be_resent(&self, delivery: &Delivery) -> Result<(), Failure> {
        let forbidden = |message| Err(Failure::rule(CosCode::StateForbids, message));
        let found =
            self.worker.webhooks.registration(delivery.partner, delivery.registration).await;
        match found.map_err(Failure::internal)? {
            None => forbidden("The registration of this event was deleted"),
            Some(registration) if registration.kind == RegistrationKind::Poll => {
                forbidden("Events of Poll registrations are fetched, not sent")
            }
            Some(registration) if registration.phase == Phase::Suspended => {
                forbidden("The registration is Suspended; restart it, its events follow")
            }
            Some(_) => Ok(()),
        }
    }
}
