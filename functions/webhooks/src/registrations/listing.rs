//! Listing registrations. A partner has at most one per event name, so one query brings all and the filters are applied
//! here.

use domain::ids::PartnerId;
use domain::problem::{Problem, Violations};
use http_api::{Caller, Failure, Paging, Reply, Request};
use store::webhooks::Registration;

use super::RegistrationsApi;
use super::input::kind;
use super::view::{RegistrationObject, status};
use crate::event_name;
use crate::queue::DeliveryQueue;

const STATUSES: &[&str] = &["Active", "Suspended"];

fn read_status(text: &str) -> Result<&'static str, Problem> {
    STATUSES
        .iter()
        .find(|status| **status == text)
        .copied()
        .ok_or(Problem::NotOneOf { allowed: STATUSES })
}

impl<Q: DeliveryQueue> RegistrationsApi<Q> {
    pub(super) async fn list(&self, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
        let mut violations = Violations::new();
        let page = Paging::read(request, &mut violations);
        let partner = request.query_parsed("partnerId", &mut violations, PartnerId::parse);
        let name = request.query_parsed("eventName", &mut violations, event_name::parse);
        // The alias that the body takes too.
        let kind = request
            .query_parsed("type", &mut violations, kind)
            .or_else(|| request.query_parsed("registrationType", &mut violations, kind));
        let wanted = request.query_parsed("status", &mut violations, read_status);
        let callback_url = request.query("callbackUrl");
        violations.into_result()?;
        let matches = |registration: &Registration| {
            // Another partner's registrations are not refused: to this caller there are none.
            partner.is_none_or(|partner| partner == caller.partner)
                && name.is_none_or(|name| name == registration.event_name)
                && kind.is_none_or(|kind| kind == registration.kind)
                && wanted.is_none_or(|wanted| wanted == status(registration.phase))
                && callback_url.is_none_or(|url| registration.callback_url.as_deref() == Some(url))
        };
        let all = self.worker.webhooks.registrations(caller.partner).await;
        let all = all.map_err(Failure::internal)?;
        let found: Vec<&Registration> =
            all.iter().filter(|registration| matches(registration)).collect();
        let now = self.worker.now();
        Reply::ok(&page.slice(&found).map(|registration| RegistrationObject::of(registration, now)))
    }
}
