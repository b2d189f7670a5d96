//! The registrations API (COS §6.1).
//!
//! Invariants: a partner has at most one registration per event name, kept by a row of its own in the same transaction;
//! everything is read under the caller's partner, so another partner's id is simply not there; credentials are sealed
//! before they are stored and no answer holds them; a signing secret is in the one answer that makes it.
//!
//! Cost: create 1 transaction; get, restart 1 read and at most 1 write; list 1 query; update, delete, rotate
//! the secret 1 read and 1 transaction; ping 1 read and 1 write.

mod input;
mod lifecycle;
mod listing;
mod rotation;
mod view;

use domain::ids::RegistrationId;
use http_api::{Caller, CosCode, Failure, Operation, Reply, Request};
use store::CommitError;
use store::webhooks::{NAME_LABEL, Registration};

use crate::address::AddressRules;
use crate::queue::DeliveryQueue;
use crate::worker::Worker;

pub use view::RegistrationObject;

/// What the registrations API is given.
pub struct RegistrationsApi<Q> {
    /// What every worker has.
    pub worker: Worker<Q>,
    /// Which callback URLs are taken.
    pub rules: AddressRules,
}

const NAME_TAKEN: Failure = Failure::rule(
    CosCode::AlreadyExists,
    "A registration for this event name exists; update or delete it",
);

/// Answers a request on one of the API's routes.
///
/// # Errors
/// [`Failure`].
pub async fn handle<Q: DeliveryQueue>(
    api: &RegistrationsApi<Q>,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    // Boxed: the AWS futures inside are deeper than the compiler lays out in one piece.
    match request.route.operation {
        Operation::RegistrationCreate => Box::pin(api.create(caller, request)).await,
        Operation::RegistrationList => Box::pin(api.list(caller, request)).await,
        Operation::RegistrationGet => {
            let found = Box::pin(api.find(caller, request)).await?;
            Reply::ok(&RegistrationObject::of(&found, api.worker.now()))
        }
        Operation::RegistrationUpdate => Box::pin(api.update(caller, request)).await,
        Operation::RegistrationRestart => Box::pin(api.restart(caller, request)).await,
        Operation::RegistrationPing => Box::pin(api.ping(caller, request)).await,
        Operation::RegistrationDelete => Box::pin(api.delete(caller, request)).await,
        Operation::RegistrationRotateSecret => Box::pin(api.rotate_secret(caller, request)).await,
        _ => Err(Failure::NotFound("resource")),
    }
}

impl<Q: DeliveryQueue> RegistrationsApi<Q> {
    async fn find(&self, caller: &Caller, request: &Request) -> Result<Registration, Failure> {
        let id = request.path("registrationId", "registration", RegistrationId::parse)?;
        let found = self.worker.webhooks.registration(caller.partner, id).await;
        found.map_err(Failure::internal)?.ok_or(Failure::NotFound("registration"))
    }
}

/// What stood in a change's way, as an answer.
pub(crate) fn commit_failure(error: CommitError) -> Failure {
    if error.refusal(NAME_LABEL).is_some() {
        return NAME_TAKEN;
    }
    match error {
        // Someone else changed it since it was read.
        CommitError::Refused(_) | CommitError::Conflict => Failure::Conflict,
        CommitError::Store(error) => Failure::internal(error),
    }
}
