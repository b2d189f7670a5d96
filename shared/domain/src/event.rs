//! What happened to a customer, in no contract's words.
//!
//! Invariant: an event names things by id and kind only. It carries no name, date, number or address; whoever wants
//! those reads the customer, with the right to do so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::choices::choices;
use crate::contact::ContactId;
use crate::ekyc::{JourneyId, Method};
use crate::ids::{ApplicationId, AuthId, CustomerId, EventId, PartnerId};
use crate::scan::{ScanKind, ScanStatus};
use crate::verification::Standing;

/// One event of one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainEvent {
    /// Stable: the same through every retry and delivery.
    pub id: EventId,
    /// Whose customer.
    pub partner: PartnerId,
    /// Which customer.
    pub customer: CustomerId,
    /// When.
    pub occurred_at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum EventKind {
    /// The customer was taken on.
    Onboarded,
    /// The name changed.
    NameChanged,
    /// Something of profile, due diligence or status changed.
    ProfileChanged {
        /// The contract names of the fields, not their values.
        fields: Vec<String>,
    },
    /// The bank gave the customer another file number.
    CifNumberChanged,
    /// A sub-resource was added.
    ContactAdded {
        /// Which one.
        contact: ContactId,
    },
    /// A sub-resource changed.
    ContactChanged {
        /// Which one.
        contact: ContactId,
    },
    /// A sub-resource was removed.
    ContactRemoved {
        /// Which one.
        contact: ContactId,
    },
    /// A scan moved.
    ScanChanged {
        /// Which scan.
        scan: ScanKind,
        /// Where it stood.
        from: ScanStatus,
        /// Where it stands.
        to: ScanStatus,
    },
    /// An eKYC session moved.
    EkycSession {
        /// Where to.
        step: EkycStep,
        /// By which method.
        method: Method,
        /// The session.
        auth: AuthId,
        /// Its journey.
        journey: JourneyId,
        /// The application; a session about an account has none, because the account's number is not for events.
        application: Option<ApplicationId>,
        /// Why or how far, where there is something to say: `session`, `journey`, `paymentReturned`.
        detail: Option<String>,
    },
    /// The customer was deactivated.
    Deactivated,
    /// The customer was taken on and screened in one step.
    OnboardedScreened,
    /// What the customer's verification and scans amount to changed.
    StandingChanged {
        /// Where it stood.
        from: Standing,
        /// Where it stands.
        to: Standing,
    },
    /// Something beside name, profile and sub-resources changed.
    DetailsChanged {
        /// The names of the fields, not their values.
        fields: Vec<String>,
    },
    /// The identity is to be reviewed.
    ReviewRequested,
    /// The customer's data were erased.
    Erased,
}

choices! {
    /// The steps of an eKYC session that are told.
    EkycStep {
        /// The code is on its way.
        Initiated = "Initiated",
        /// The code came back.
        Authenticated = "Authenticated",
        /// It will not come back.
        Failed = "Failed",
    }
}

impl EventKind {
    /// Whether the screened facts (name, birth date, address) may have changed.
    #[must_use]
    pub fn needs_screening(&self) -> bool {
        match self {
            Self::Onboarded | Self::NameChanged | Self::ReviewRequested => true,
            Self::ProfileChanged { fields } => {
                fields.iter().any(|field| field == BIRTH_DATE || field == CITIZENSHIP)
            }
            Self::ContactAdded { contact }
            | Self::ContactChanged { contact }
            | Self::ContactRemoved { contact } => matches!(contact, ContactId::Address(_)),
            Self::CifNumberChanged
            | Self::ScanChanged { .. }
            | Self::EkycSession { .. }
            | Self::Deactivated
            | Self::OnboardedScreened
            | Self::StandingChanged { .. }
            | Self::DetailsChanged { .. }
            | Self::Erased => false,
        }
    }

    /// What is to be done about it off the request path.
    #[must_use]
    pub fn work(&self) -> Option<Work> {
        if self.needs_screening() {
            return Some(Work::Screen);
        }
        let remembered = match self {
            Self::OnboardedScreened
            | Self::StandingChanged { .. }
            | Self::DetailsChanged { .. }
            | Self::Erased => true,
            Self::ProfileChanged { fields } => fields.iter().any(|field| field == TAX_ID),
            Self::ContactAdded { contact }
            | Self::ContactChanged { contact }
            | Self::ContactRemoved { contact } => {
                matches!(contact, ContactId::Email(_) | ContactId::Phone(_))
            }
            Self::Onboarded
            | Self::NameChanged
            | Self::ReviewRequested
            | Self::CifNumberChanged
            | Self::ScanChanged { .. }
            | Self::Deactivated => false,
            // An account was proved, or a proof taken back.
            Self::EkycSession { step, method, .. } => {
                *method == Method::PennyDrop
                    && matches!(step, EkycStep::Authenticated | EkycStep::Failed)
            }
        };
        remembered.then_some(Work::Remember)
    }

    /// The name under which the store keeps it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Onboarded => "Onboarded",
            Self::NameChanged => "NameChanged",
            Self::ProfileChanged { .. } => "ProfileChanged",
            Self::CifNumberChanged => "CifNumberChanged",
            Self::ContactAdded { .. } => "ContactAdded",
            Self::ContactChanged { .. } => "ContactChanged",
            Self::ContactRemoved { .. } => "ContactRemoved",
            Self::ScanChanged { .. } => "ScanChanged",
            Self::EkycSession { .. } => "EkycSession",
            Self::Deactivated => "Deactivated",
            Self::OnboardedScreened => "OnboardedScreened",
            Self::StandingChanged { .. } => "StandingChanged",
            Self::DetailsChanged { .. } => "DetailsChanged",
            Self::ReviewRequested => "ReviewRequested",
            Self::Erased => "Erased",
        }
    }
}

impl DomainEvent {
    /// Whether the screened facts (name, birth date, address) may have changed.
    #[must_use]
    pub fn needs_screening(&self) -> bool {
        self.kind.needs_screening()
    }
}

/// What an event asks of those off the request path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Screen the customer, and review it where that is due. The network of partners remembers the result.
    #[default]
    Screen,
    /// Let the network of partners remember the customer as it is, or forget it when it is gone.
    Remember,
}

impl Work {
    /// Whether it is the screening.
    #[must_use]
    pub const fn is_screen(&self) -> bool {
        matches!(self, Self::Screen)
    }
}

/// The field name by which a profile change says that the screened subject changed.
pub const BIRTH_DATE: &str = "birthDate";
/// The field name of a citizenship, which is screened as a country.
pub const CITIZENSHIP: &str = "citizenshipCountryCode";

/// The field name by which a profile change says that another tax number belongs to the customer.
pub const TAX_ID: &str = "taxId";

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::{AddressId, PhoneId};

    #[test]
    fn only_the_screened_facts_need_screening() {
        let address = ContactId::Address(AddressId::from(Uuid::nil()));
        let phone = ContactId::Phone(PhoneId::from(Uuid::nil()));
        let profile =
            |field: &str| EventKind::ProfileChanged { fields: vec!["regO".into(), field.into()] };
        for (kind, needs) in [
            (EventKind::Onboarded, true),
            (EventKind::NameChanged, true),
            (profile("birthDate"), true),
            (profile("riskRating"), false),
            (EventKind::CifNumberChanged, false),
            (EventKind::ContactAdded { contact: address }, true),
            (EventKind::ContactChanged { contact: address }, true),
            (EventKind::ContactRemoved { contact: address }, true),
            (EventKind::ContactAdded { contact: phone }, false),
            (EventKind::Deactivated, false),
            (EventKind::OnboardedScreened, false),
            (EventKind::ReviewRequested, true),
            (EventKind::Erased, false),
        ] {
            assert_eq!(kind.needs_screening(), needs, "{kind:?}");
        }
    }

    #[test]
    fn the_network_is_told_of_what_it_remembers() {
        let email = ContactId::Email(crate::ids::EmailId::from(Uuid::nil()));
        let address = ContactId::Address(AddressId::from(Uuid::nil()));
        let profile = |field: &str| EventKind::ProfileChanged { fields: vec![field.into()] };
        let (from, to) = (Standing::Pending, Standing::Verified);
        let session = |method: Method, step: EkycStep| EventKind::EkycSession {
            step,
            method,
            auth: AuthId::from(Uuid::nil()),
            journey: JourneyId::parse("journey-1").unwrap(),
            application: None,
            detail: None,
        };
        for (kind, work) in [
            (EventKind::Onboarded, Some(Work::Screen)),
            (EventKind::OnboardedScreened, Some(Work::Remember)),
            (EventKind::StandingChanged { from, to }, Some(Work::Remember)),
            (EventKind::ContactChanged { contact: email }, Some(Work::Remember)),
            (EventKind::ContactChanged { contact: address }, Some(Work::Screen)),
            (profile("taxId"), Some(Work::Remember)),
            (profile("birthDate"), Some(Work::Screen)),
            (profile("riskRating"), None),
            (EventKind::Erased, Some(Work::Remember)),
            (EventKind::Deactivated, None),
            (session(Method::PennyDrop, EkycStep::Initiated), None),
            (session(Method::PennyDrop, EkycStep::Authenticated), Some(Work::Remember)),
            (session(Method::PennyDrop, EkycStep::Failed), Some(Work::Remember)),
            (session(Method::Otp, EkycStep::Authenticated), None),
        ] {
            assert_eq!(kind.work(), work, "{kind:?}");
        }
    }

    #[test]
    fn events_survive_storage() {
        let kinds = [
            EventKind::Onboarded,
            EventKind::ContactRemoved { contact: ContactId::Phone(PhoneId::from(Uuid::nil())) },
            EventKind::ScanChanged {
                scan: ScanKind::Ofac,
                from: ScanStatus::Pending,
                to: ScanStatus::Clear,
            },
        ];
        for kind in kinds {
            let event = DomainEvent {
                id: EventId::from(Uuid::nil()),
                partner: PartnerId::from(Uuid::nil()),
                customer: CustomerId::from(Uuid::nil()),
                occurred_at: "2026-01-25T22:55:24.442Z".parse().unwrap(),
                kind,
            };
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<DomainEvent>(&json).unwrap(), event);
        }
        // An earlier release told the partner's own id as well.
        let earlier = r#"{"event":"Onboarded","client_identifier":"crm-42"}"#;
        assert_eq!(serde_json::from_str::<EventKind>(earlier).unwrap(), EventKind::Onboarded);
    }
}
