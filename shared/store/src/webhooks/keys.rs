//! The keys of webhook items, beside [`crate::keys::RegistrationKey`].

use domain::ids::{EventId, PartnerId, RegistrationId};

use crate::keys::Key;

/// Reserves an event name for one registration of a partner; what fan-out reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNameKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub event_name: String,
}

impl EventNameKey {
    /// The key of these parts.
    pub fn new(partner: PartnerId, event_name: impl Into<String>) -> Self {
        Self { partner, event_name: event_name.into() }
    }
}

impl Key for EventNameKey {
    fn pk(&self) -> String {
        format!("P#{}#NAMES", self.partner)
    }

    fn sk(&self) -> String {
        self.event_name.clone()
    }
}

/// A delivery. Its id sorts by the time of the event, so a partner's events are listed from one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub event: EventId,
}

impl DeliveryKey {
    /// The key of these parts.
    #[must_use]
    pub const fn new(partner: PartnerId, event: EventId) -> Self {
        Self { partner, event }
    }

    /// The partition that holds all deliveries of a partner.
    #[must_use]
    pub fn partition(partner: PartnerId) -> String {
        format!("P#{partner}#E")
    }
}

impl Key for DeliveryKey {
    fn pk(&self) -> String {
        Self::partition(self.partner)
    }

    fn sk(&self) -> String {
        self.event.to_string()
    }
}

/// A delivery that waits behind its registration; oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingKey {
    /// Part of the key.
    pub partner: PartnerId,
    /// Part of the key.
    pub registration: RegistrationId,
    /// Part of the key.
    pub event: EventId,
}

impl WaitingKey {
    /// The key of these parts.
    #[must_use]
    pub const fn new(partner: PartnerId, registration: RegistrationId, event: EventId) -> Self {
        Self { partner, registration, event }
    }

    /// The partition of everything that waits behind a registration.
    #[must_use]
    pub fn partition(partner: PartnerId, registration: RegistrationId) -> String {
        format!("P#{partner}#WAITING#{registration}")
    }
}

impl Key for WaitingKey {
    fn pk(&self) -> String {
        Self::partition(self.partner, self.registration)
    }

    fn sk(&self) -> String {
        self.event.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_exactly_these_strings() {
        let (p, x) =
            ("11111111-2222-3333-4444-555555555555", "0190b2c4-0000-7000-8000-000000000002");
        let partner = PartnerId::parse(p).unwrap();
        let event = EventId::parse(x).unwrap();
        let both = |key: &dyn Key| format!("{} | {}", key.pk(), key.sk());
        assert_eq!(
            both(&EventNameKey::new(partner, "Core.Customer.Onboarded")),
            format!("P#{p}#NAMES | Core.Customer.Onboarded")
        );
        assert_eq!(both(&DeliveryKey::new(partner, event)), format!("P#{p}#E | {x}"));
        assert_eq!(
            both(&WaitingKey::new(partner, RegistrationId::parse(x).unwrap(), event)),
            format!("P#{p}#WAITING#{x} | {x}")
        );
    }
}
