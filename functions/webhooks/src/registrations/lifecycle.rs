//! Making and changing a registration.
//!
//! Kill points: `registrations.deleted`, `registrations.restarted`, `registrations.pinged`.

use std::time::Duration;

use domain::ids::{EventId, RegistrationId};
use http_api::{Caller, Contract, CosCode, Failure, Reply, Request};
use runtime::{Idempotency, failpoint};
use store::Transaction;
use store::webhooks::{Change, Delivery, Phase, Registration, RegistrationKind, Stage, Status};

use super::rotation::FIRST_GENERATION;
use super::{RegistrationObject, RegistrationsApi, commit_failure, input};
use crate::body::EventObject;
use crate::event_name::contract_of;
use crate::queue::{DeliveryQueue, Message};
use crate::signature::FreshSecret;
use crate::worker::created_at;

impl<Q: DeliveryQueue> RegistrationsApi<Q> {
    pub(super) async fn create(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let idempotency = Idempotency::of(request, caller)?;
        let input = request.read(|body| input::read(body, caller, &self.rules, None))?;
        let (worker, now) = (&self.worker, self.worker.now());
        let id = RegistrationId::new(&*worker.clock, &*worker.random);
        let fresh = match contract_of(input.event_name) {
            Contract::Straddle => Some(FreshSecret::draw(&*worker.random)),
            Contract::Cos | Contract::NewDay | Contract::OAuth => None,
        };
        let secrets = match &fresh {
            Some(fresh) => {
                let sealed = fresh.seal(&worker.keys, caller.partner, id, FIRST_GENERATION).await;
                vec![sealed.map_err(Failure::internal)?]
            }
            None => Vec::new(),
        };
        let registration = Registration {
            id,
            partner: caller.partner,
            event_name: input.event_name.to_owned(),
            kind: input.kind,
            callback_url: input.callback_url,
            format: input.format,
            credentials: match input.credentials {
                Some(credentials) => Some(
                    credentials
                        .seal(&worker.keys, caller.partner, id)
                        .await
                        .map_err(Failure::internal)?,
                ),
                None => None,
            },
            secret_generation: secrets.first().map_or(0, |secret| secret.generation),
            secrets,
            failing_since: None,
            last_failed_at: None,
            phase: Phase::Active,
            probe: None,
            created_at: now,
            modified_at: now,
        };
        let shown = RegistrationObject::of(&registration, now);
        let reply = Reply::ok(&match &fresh {
            Some(fresh) => shown.with_secret(fresh),
            None => shown,
        })?;
        let mut transaction = Transaction::new();
        worker.webhooks.create_in(&mut transaction, &registration).map_err(Failure::internal)?;
        worker.settle(transaction, idempotency.as_ref(), reply).await?.map_err(commit_failure)
    }

    /// Replaces everything but type and signing secrets. Credentials that are not given are gone: keeping them would let
    /// whoever may change the URL have the old password sent to a new place.
    pub(super) async fn update(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let idempotency = Idempotency::of(request, caller)?;
        if let Some(reply) = self.worker.earlier(idempotency.as_ref()).await? {
            return Ok(reply);
        }
        let before = self.find(caller, request).await?;
        let input = request.read(|body| input::read(body, caller, &self.rules, Some(&before)))?;
        let credentials = match input.credentials {
            Some(credentials) => Some(
                credentials
                    .seal(&self.worker.keys, caller.partner, before.id)
                    .await
                    .map_err(Failure::internal)?,
            ),
            None => None,
        };
        let after = Registration {
            event_name: input.event_name.to_owned(),
            callback_url: input.callback_url,
            format: input.format,
            credentials,
            modified_at: self.worker.now(),
            ..before.clone()
        };
        let reply = Reply::ok(&RegistrationObject::of(&after, after.modified_at))?;
        let mut transaction = Transaction::new();
        let updated = self.worker.webhooks.update_in(&mut transaction, &before, &after);
        updated.map_err(Failure::internal)?;
        let settled = self.worker.settle(transaction, idempotency.as_ref(), reply).await?;
        settled.map_err(commit_failure)
    }

    /// The answer shows the registration as it was: it is gone afterwards.
    pub(super) async fn delete(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let found = self.find(caller, request).await?;
        let change = self.worker.webhooks.delete_registration(&found, self.worker.now()).await;
        match change {
            Ok(Change::Done) => {
                failpoint("registrations.deleted");
                self.see_to(&found).await?;
                Reply::ok(&RegistrationObject::of(&found, self.worker.now()))
            }
            Ok(Change::Refused | Change::NameTaken) => Err(Failure::Conflict),
            Err(error) => Err(commit_failure(error)),
        }
    }

    /// Leaves suspension. Restarting what is Active changes nothing.
    pub(super) async fn restart(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let idempotency = Idempotency::of(request, caller)?;
        if let Some(reply) = self.worker.earlier(idempotency.as_ref()).await? {
            return Ok(reply);
        }
        let found = self.find(caller, request).await?;
        if found.phase != Phase::Suspended {
            return Reply::ok(&RegistrationObject::of(&found, self.worker.now()));
        }
        let now = self.worker.now();
        let restarted =
            Registration { phase: Phase::Restarting, probe: None, modified_at: now, ..found };
        let reply = Reply::ok(&RegistrationObject::of(&restarted, now))?;
        let mut transaction = Transaction::new();
        self.worker.webhooks.restart_in(&mut transaction, &restarted, now);
        let settled = self.worker.settle(transaction, idempotency.as_ref(), reply).await?;
        let reply = settled.map_err(commit_failure)?;
        failpoint("registrations.restarted");
        self.see_to(&restarted).await?;
        Ok(reply)
    }

    /// Sends a test delivery, once, whether the registration is Active or Suspended.
    pub(super) async fn ping(&self, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
        let idempotency = Idempotency::of(request, caller)?;
        let found = self.find(caller, request).await?;
        if found.kind == RegistrationKind::Poll {
            let message = "A Poll registration is not called, so it can not be pinged";
            return Err(Failure::rule(CosCode::StateForbids, message));
        }
        let (worker, now) = (&self.worker, self.worker.now());
        let id = EventId::new(&*worker.clock, &*worker.random);
        let ping = Delivery {
            id,
            partner: caller.partner,
            registration: found.id,
            event_name: found.event_name,
            customer: None,
            created_at: created_at(id, now),
            resources: Vec::new(),
            details: Vec::new(),
            ping: true,
            status: Status::Pending,
            stage: Stage::Queued,
            tries: 0,
            not_before: 0,
            last_attempted_at: None,
            attempts: Vec::new(),
        };
        let reply = Reply::ok(&EventObject::shown(&ping))?;
        let mut transaction = Transaction::new();
        worker.webhooks.put_queued_in(&mut transaction, &ping, now).map_err(Failure::internal)?;
        let settled = worker.settle(transaction, idempotency.as_ref(), reply).await?;
        let reply = settled.map_err(commit_failure)?;
        failpoint("registrations.pinged");
        // The ping is due, so a queue that fails here delays it and no more.
        worker.hand_over(&ping).await.map_err(Failure::internal)?;
        Ok(reply)
    }

    async fn see_to(&self, registration: &Registration) -> Result<(), Failure> {
        let message =
            Message::Release { partner: registration.partner, registration: registration.id };
        self.worker.queue.send(&message, Duration::ZERO).await.map_err(Failure::internal)
    }
}
