//! The partner's own id of a new customer, which the Extended format tells (COS §6.2).
//!
//! Invariant: no delivery keeps it. It may be an e-mail address, and deliveries outlive the customer; so it is read
//! whenever a delivery is posted or shown, and is told only while the customer is there.

use std::collections::BTreeSet;

use serde_json::Value;
use store::StoreError;
use store::customers::OwnIds;
use store::webhooks::Delivery;

use crate::event_name::ONBOARDED;

/// Adds the own ids to what is told of deliveries of one partner. 1 batch read where there is something to add.
pub(crate) async fn complete(own: &OwnIds, deliveries: &mut [Delivery]) -> Result<(), StoreError> {
    let wants = |delivery: &&mut Delivery| delivery.event_name == ONBOARDED && !delivery.ping;
    let mut wanting: Vec<&mut Delivery> = deliveries.iter_mut().filter(wants).collect();
    let Some(partner) = wanting.first().map(|delivery| delivery.partner) else { return Ok(()) };
    let customers: BTreeSet<_> = wanting.iter().filter_map(|delivery| delivery.customer).collect();
    let found = own.of(partner, &customers).await?;
    for delivery in &mut wanting {
        let own = delivery.customer.and_then(|customer| found.get(&customer));
        for detail in &mut delivery.details {
            // One that an earlier release kept is not told beyond the customer's life either.
            let Some(detail) = detail.as_object_mut() else { continue };
            detail.remove("clientIdentifier");
            if let Some(own) = own {
                detail.insert("clientIdentifier".to_owned(), Value::from(own.as_str()));
            }
        }
    }
    Ok(())
}
