//! Exchanging a registration's signing secret.
//!
//! Invariant: until the overlap is over deliveries bear signatures of the new secret and of those before it, so a partner
//! can change its receivers one by one. The new secret is shown in the answer and nowhere else; a repetition with the
//! same idempotency key is given that answer again, because the first one may have been lost.

use domain::problem::Problem;
use http_api::{Caller, CosCode, Failure, ObjectReader, Reply, Request};
use jiff::SignedDuration;
use runtime::Idempotency;
use store::Transaction;
use store::webhooks::Registration;

use super::{RegistrationObject, RegistrationsApi, commit_failure};
use crate::queue::DeliveryQueue;
use crate::signature::{FreshSecret, MOST_LIVE, rotated};

/// The generation of the secret that comes with the registration.
pub(super) const FIRST_GENERATION: u32 = 1;

/// How long earlier secrets go on when the request does not say.
const OVERLAP_HOURS: u32 = 24;
const LONGEST_OVERLAP_HOURS: u32 = 7 * 24;

const UNSIGNED: Failure =
    Failure::rule(CosCode::StateForbids, "Deliveries of this registration are not signed");
const TOO_MANY: Failure = Failure::rule(
    CosCode::StateForbids,
    "Too many secrets overlap; wait until one ends, or end them all with overlapHours 0",
);

/// `overlapHours` of a body that may be left out.
fn read_overlap(request: &Request) -> Result<SignedDuration, Failure> {
    let hours = if request.body().trim().is_empty() {
        OVERLAP_HOURS
    } else {
        request.read(|body| Some(overlap_hours(body)))?
    };
    Ok(SignedDuration::from_hours(i64::from(hours)))
}

fn overlap_hours(body: &ObjectReader<'_>) -> u32 {
    let parse = |text: &str| match text.parse::<u32>() {
        Ok(hours) if hours <= LONGEST_OVERLAP_HOURS => Ok(hours),
        _ => Err(Problem::Malformed { expected: "a whole number of hours, 0 to 168" }),
    };
    body.optional_number("overlapHours", false, parse).unwrap_or(OVERLAP_HOURS)
}

impl<Q: DeliveryQueue> RegistrationsApi<Q> {
    pub(super) async fn rotate_secret(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let idempotency = Idempotency::of(request, caller)?;
        let (worker, now) = (&self.worker, self.worker.now());
        if let Some(reply) = worker.earlier(idempotency.as_ref()).await? {
            return Ok(reply);
        }
        let overlap = read_overlap(request)?;
        let before = self.find(caller, request).await?;
        if before.secrets.is_empty() {
            return Err(UNSIGNED);
        }
        let fresh = FreshSecret::draw(&*worker.random);
        let generation = before.secret_generation.saturating_add(1);
        let sealed = fresh.seal(&worker.keys, caller.partner, before.id, generation).await;
        let secrets = rotated(&before, sealed.map_err(Failure::internal)?, now, overlap);
        if secrets.len() > MOST_LIVE {
            return Err(TOO_MANY);
        }
        let after = Registration {
            secrets,
            secret_generation: generation,
            modified_at: now,
            ..before.clone()
        };
        let reply = Reply::ok(&RegistrationObject::of(&after, now).with_secret(&fresh))?;
        let mut transaction = Transaction::new();
        worker.webhooks.rotate_in(&mut transaction, &before, &after).map_err(Failure::internal)?;
        // Another rotation, or a deletion, may have come first.
        worker.settle(transaction, idempotency.as_ref(), reply).await?.map_err(commit_failure)
    }
}
