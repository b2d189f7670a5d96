//! Listing events, newest first, by name, status, registration and time of creation.

use domain::ids::{PartnerId, RegistrationId};
use domain::problem::{Problem, Violations};
use http_api::{Caller, CosCode, Failure, Paging, Reply, Request, read_moment};
use jiff::Timestamp;
use store::pages::{Listing, PageError};
use store::webhooks::{Delivery, DeliveryKey, Status};
use store::{Expression, Query, from_item};

use super::EventsApi;
use crate::body::EventObject;
use crate::event_name;
use crate::queue::DeliveryQueue;

const STATUSES: &[&str] = &["Pending", "Success", "Failed"];

fn read_status(text: &str) -> Result<Status, Problem> {
    match text {
        "Pending" => Ok(Status::Pending),
        "Success" => Ok(Status::Success),
        "Failed" => Ok(Status::Failed),
        _ => Err(Problem::NotOneOf { allowed: STATUSES }),
    }
}

/// The smallest or largest id of a millisecond: the first 48 bits of an event's id are its time (RFC 9562 §5.7).
fn id_at(at: Timestamp, rest: u8) -> String {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0).min((1 << 48) - 1);
    let mut bytes = [rest; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    uuid::Uuid::from_bytes(bytes).to_string()
}

impl<Q: DeliveryQueue> EventsApi<Q> {
    pub(super) async fn list(&self, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
        let mut violations = Violations::new();
        let page = Paging::read(request, &mut violations);
        let name = request.query_parsed("eventName", &mut violations, event_name::parse);
        let status = request.query_parsed("status", &mut violations, read_status);
        let registration =
            request.query_parsed("registrationId", &mut violations, RegistrationId::parse);
        let from =
            request.query_parsed("fromCreatedAt", &mut violations, |text| read_moment(text, false));
        let to =
            request.query_parsed("toCreatedAt", &mut violations, |text| read_moment(text, true));
        let partner = request.query_parsed("partnerId", &mut violations, PartnerId::parse);
        violations.into_result()?;
        // Another partner's events are not refused: to this caller there are none.
        if partner.is_some_and(|partner| partner != caller.partner) {
            return Reply::ok(&page.page::<EventObject<'_>>(Vec::new(), false));
        }

        let low = id_at(from.unwrap_or(Timestamp::UNIX_EPOCH), 0);
        let high = id_at(to.unwrap_or(Timestamp::MAX), 0xff);
        if low > high {
            return Reply::ok(&page.page::<EventObject<'_>>(Vec::new(), false));
        }
        let mut query = Query::partition(DeliveryKey::partition(caller.partner))
            .between(low.clone(), high.clone())
            .backward();
        let registration = registration.map(|id| id.to_string());
        let filters = [
            ("eventName", name),
            ("status", status.map(Status::as_str)),
            ("registration", registration.as_deref()),
        ];
        for (attribute, value) in filters {
            if let Some(value) = value {
                query = query.filter(
                    Expression::new(format!("#{attribute} = :{attribute}"))
                        .name(&format!("#{attribute}"), attribute)
                        .text(&format!(":{attribute}"), value),
                );
            }
        }
        let described: Vec<&str> =
            filters.iter().map(|(_, value)| value.unwrap_or("")).chain([&*low, &*high]).collect();
        let listing = Listing::new(caller.partner, "webhook-events", &described, page.size);
        let keep = |item: &store::Item| from_item::<Delivery>(item.clone()).map(Some);
        let table = self.worker.webhooks.table();
        let found = listing.page(table, query, page.number, self.worker.now(), keep).await;
        let mut found = found.map_err(|error| match error {
            PageError::TooFar => Failure::rule(
                CosCode::RuleViolated,
                "The page is too far away; narrow the filters or the time range",
            ),
            PageError::Store(error) => Failure::internal(error),
        })?;
        self.complete(&mut found.results).await?;
        let results = found.results.iter().map(EventObject::shown).collect();
        Reply::ok(&page.page(results, found.has_next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_time_enclose_the_ids_made_then() {
        let at = "2026-05-19T13:52:06.393Z".parse::<Timestamp>().unwrap();
        let clock = domain::time::FixedClock::at(at);
        let random = domain::time::SequenceRandom::default();
        let id = domain::ids::EventId::new(&clock, &random).to_string();
        assert!(id_at(at, 0) < id && id < id_at(at, 0xff));
        let later = at + jiff::SignedDuration::from_millis(1);
        assert!(id < id_at(later, 0));
        assert_eq!(id_at(Timestamp::MAX, 0xff).len(), 36);
    }
}
