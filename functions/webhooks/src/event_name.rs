//! The contracts' event names, and what a domain event is called and refers to in them.
//!
//! Invariant: a registration can only name one of [`ALL`], and each of those is the name of some domain event, so no
//! registration waits for an event that never comes. Within one contract a domain event has at most one name, but for
//! the platform's two for a new customer.

use domain::contact::ContactId;
use domain::event::{DomainEvent, EkycStep, EventKind};
use domain::problem::Problem;
use domain::scan::ScanKind;
use http_api::Contract;
use serde_json::{Value, json};

/// A customer was taken on (COS §6.3).
pub const ONBOARDED: &str = "Core.Customer.Onboarded";
/// A customer was created (Straddle §6).
pub const CREATED: &str = "customer.created.v1";
/// A customer was created or changed (Straddle §6).
pub const CHANGED: &str = "customer.event.v1";

/// Every event name (COS §6.3, Straddle §6). The beneficial-owner names follow the pattern of the documented ones.
pub const ALL: &[&str] = &[
    ONBOARDED,
    "Core.Customer.Profile.Changed",
    "Core.Customer.Name.Changed",
    "Core.Customer.CifNumber.Changed",
    "Core.Customer.Address.Added",
    "Core.Customer.Address.Changed",
    "Core.Customer.Address.Removed",
    "Core.Customer.Phone.Added",
    "Core.Customer.Phone.Changed",
    "Core.Customer.Phone.Removed",
    "Core.Customer.Identification.Added",
    "Core.Customer.Identification.Changed",
    "Core.Customer.Identification.Removed",
    "Core.Customer.Email.Added",
    "Core.Customer.Email.Changed",
    "Core.Customer.Email.Removed",
    "Core.Customer.BeneficialOwner.Added",
    "Core.Customer.BeneficialOwner.Changed",
    "Core.Customer.BeneficialOwner.Removed",
    "Core.Customer.Ofac.Changed",
    "Core.Customer.PepScan.Changed",
    "Ekyc.Session.Initiated",
    "Ekyc.Session.Authenticated",
    "Ekyc.Session.Failed",
    CREATED,
    CHANGED,
];

/// Reads an event name, exactly as listed.
///
/// # Errors
/// [`Problem::NotOneOf`] with the list.
pub fn parse(text: &str) -> Result<&'static str, Problem> {
    ALL.iter().find(|name| **name == text).copied().ok_or(Problem::NotOneOf { allowed: ALL })
}

/// The contract that an event name belongs to, and with it the shape, the signatures and the schedule of its deliveries.
#[must_use]
pub fn contract_of(name: &str) -> Contract {
    if name == CREATED || name == CHANGED { Contract::Straddle } else { Contract::Cos }
}

/// A domain event in a contract's words.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// One of [`ALL`].
    pub name: &'static str,
    /// The relative URL of what it is about.
    pub resource: String,
    /// The Extended format's object for that resource.
    pub detail: Value,
}

/// What partners are told of an event: under which names, and what about.
#[must_use]
pub fn announce(event: &DomainEvent) -> Vec<Announcement> {
    let created = matches!(event.kind, EventKind::Onboarded | EventKind::OnboardedScreened);
    // What was erased has no resource to show any more, and the platform's customer shows no eKYC session.
    let told = !matches!(event.kind, EventKind::Erased | EventKind::EkycSession { .. });
    let platform = [(CREATED, created), (CHANGED, told)].into_iter().filter(|(_, told)| *told);
    let customer = event.customer.to_string();
    let platform = platform.map(|(name, _)| Announcement {
        name,
        resource: format!("v1/customers/{customer}"),
        detail: json!({ "customerId": customer }),
    });
    onboarding(event).into_iter().chain(platform).collect()
}

/// The onboarding contract's name, if it has one for this event.
fn onboarding(event: &DomainEvent) -> Option<Announcement> {
    let customer = event.customer.to_string();
    let about_customer = |name| Announcement {
        name,
        resource: format!("core/v1/cm/customers/{customer}"),
        detail: json!({ "customerId": customer }),
    };
    let said = match &event.kind {
        EventKind::Onboarded | EventKind::OnboardedScreened => about_customer(ONBOARDED),
        EventKind::NameChanged => about_customer("Core.Customer.Name.Changed"),
        // Neither the status, nor what the contract has no name for, nor the end of it all has an event of its own.
        EventKind::ProfileChanged { .. }
        | EventKind::DetailsChanged { .. }
        | EventKind::Deactivated
        | EventKind::Erased => about_customer("Core.Customer.Profile.Changed"),
        // The contract shows the scans and not what they amount to.
        EventKind::StandingChanged { .. } | EventKind::ReviewRequested => return None,
        EventKind::CifNumberChanged => about_customer("Core.Customer.CifNumber.Changed"),
        EventKind::ScanChanged { scan: ScanKind::Ofac, .. } => {
            about_customer("Core.Customer.Ofac.Changed")
        }
        EventKind::ScanChanged { scan: ScanKind::PepScan, .. } => {
            about_customer("Core.Customer.PepScan.Changed")
        }
        EventKind::EkycSession { step, method, auth, journey, application, detail } => {
            let name = match step {
                EkycStep::Initiated => "Ekyc.Session.Initiated",
                EkycStep::Authenticated => "Ekyc.Session.Authenticated",
                EkycStep::Failed => "Ekyc.Session.Failed",
            };
            let mut said = about_customer(name);
            if let Some(application) = application {
                let base = format!("acquisition/v2/applications/{application}");
                said.resource = format!("{base}/kycauthentications/{method}/{auth}");
                said.detail["applicationId"] = Value::from(application.to_string());
            }
            said.detail["authId"] = Value::from(auth.to_string());
            said.detail["journeyId"] = Value::from(journey.as_str());
            said.detail["method"] = Value::from(method.as_str());
            if let Some(detail) = detail {
                said.detail["reason"] = Value::from(detail.as_str());
            }
            said
        }
        EventKind::ContactAdded { contact } => about_contact(&customer, *contact, Verb::Added),
        EventKind::ContactChanged { contact } => about_contact(&customer, *contact, Verb::Changed),
        EventKind::ContactRemoved { contact } => about_contact(&customer, *contact, Verb::Removed),
    };
    Some(said)
}

#[derive(Clone, Copy)]
enum Verb {
    Added,
    Changed,
    Removed,
}

fn about_contact(customer: &str, contact: ContactId, verb: Verb) -> Announcement {
    let pick = |names: [&'static str; 3]| match verb {
        Verb::Added => names[0],
        Verb::Changed => names[1],
        Verb::Removed => names[2],
    };
    let (name, segment, field) = match contact {
        ContactId::Address(_) => (
            pick([
                "Core.Customer.Address.Added",
                "Core.Customer.Address.Changed",
                "Core.Customer.Address.Removed",
            ]),
            "addresses",
            "addressId",
        ),
        ContactId::Phone(_) => (
            pick([
                "Core.Customer.Phone.Added",
                "Core.Customer.Phone.Changed",
                "Core.Customer.Phone.Removed",
            ]),
            "phones",
            "phoneId",
        ),
        ContactId::Email(_) => (
            pick([
                "Core.Customer.Email.Added",
                "Core.Customer.Email.Changed",
                "Core.Customer.Email.Removed",
            ]),
            "emails",
            "emailId",
        ),
        ContactId::Identification(_) => (
            pick([
                "Core.Customer.Identification.Added",
                "Core.Customer.Identification.Changed",
                "Core.Customer.Identification.Removed",
            ]),
            "identifications",
            "identificationId",
        ),
        ContactId::Owner(_) => (
            pick([
                "Core.Customer.BeneficialOwner.Added",
                "Core.Customer.BeneficialOwner.Changed",
                "Core.Customer.BeneficialOwner.Removed",
            ]),
            "beneficial-owners",
            "beneficialOwnerId",
        ),
    };
    let mut detail = serde_json::Map::new();
    detail.insert(field.to_owned(), Value::from(contact.to_string()));
    detail.insert("customerId".to_owned(), Value::from(customer));
    Announcement {
        name,
        resource: format!("core/v1/cm/customers/{customer}/{segment}/{contact}"),
        detail: Value::Object(detail),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::ekyc::{JourneyId, Method};
    use domain::ids::{
        AddressId, ApplicationId, AuthId, CustomerId, EmailId, EventId, IdentificationId, OwnerId,
        PartnerId, PhoneId,
    };
    use domain::scan::ScanStatus;
    use domain::verification::Standing;
    use uuid::Uuid;

    use super::*;

    const C: &str = "61dc4d4c-0000-4000-8000-b2e201266e06";

    fn all_said(kind: EventKind) -> Vec<Announcement> {
        announce(&DomainEvent {
            id: EventId::from(Uuid::nil()),
            partner: PartnerId::from(Uuid::nil()),
            customer: CustomerId::parse(C).unwrap(),
            occurred_at: jiff::Timestamp::UNIX_EPOCH,
            kind,
        })
    }

    fn said(kind: EventKind) -> Announcement {
        all_said(kind).remove(0)
    }

    #[test]
    fn the_documented_examples() {
        let onboarded = said(EventKind::Onboarded);
        assert_eq!(onboarded.name, "Core.Customer.Onboarded");
        assert_eq!(onboarded.resource, format!("core/v1/cm/customers/{C}"));
        assert_eq!(onboarded.detail, json!({ "customerId": C }));
        let phone = ContactId::Phone(PhoneId::from(Uuid::nil()));
        let added = said(EventKind::ContactAdded { contact: phone });
        assert_eq!(added.name, "Core.Customer.Phone.Added");
        assert_eq!(added.resource, format!("core/v1/cm/customers/{C}/phones/{}", Uuid::nil()));
        assert_eq!(added.detail, json!({"phoneId": Uuid::nil().to_string(), "customerId": C}));
    }

    #[test]
    fn every_name_is_announced_by_some_event_and_every_event_has_a_name() {
        let nil = Uuid::nil();
        let mut kinds = vec![
            EventKind::Onboarded,
            EventKind::NameChanged,
            EventKind::ProfileChanged { fields: vec![] },
            EventKind::CifNumberChanged,
            EventKind::Deactivated,
            EventKind::OnboardedScreened,
            EventKind::DetailsChanged { fields: vec![] },
            EventKind::StandingChanged { from: Standing::Pending, to: Standing::Verified },
            EventKind::ReviewRequested,
            EventKind::Erased,
        ];
        for scan in [ScanKind::Ofac, ScanKind::PepScan] {
            kinds.push(EventKind::ScanChanged {
                scan,
                from: ScanStatus::Pending,
                to: ScanStatus::Clear,
            });
        }
        for contact in [
            ContactId::Address(AddressId::from(nil)),
            ContactId::Phone(PhoneId::from(nil)),
            ContactId::Email(EmailId::from(nil)),
            ContactId::Identification(IdentificationId::from(nil)),
            ContactId::Owner(OwnerId::from(nil)),
        ] {
            kinds.push(EventKind::ContactAdded { contact });
            kinds.push(EventKind::ContactChanged { contact });
            kinds.push(EventKind::ContactRemoved { contact });
        }
        for step in EkycStep::ALL {
            kinds.push(session(*step, None));
        }
        let announced: BTreeSet<_> =
            kinds.into_iter().flat_map(all_said).map(|said| said.name).collect();
        assert_eq!(announced, ALL.iter().copied().collect());
    }

    fn session(step: EkycStep, application: Option<ApplicationId>) -> EventKind {
        EventKind::EkycSession {
            step,
            method: Method::Otp,
            auth: AuthId::from(Uuid::nil()),
            journey: JourneyId::parse("j-1").unwrap(),
            application,
            detail: (step == EkycStep::Failed).then(|| "session".to_owned()),
        }
    }

    #[test]
    fn a_session_of_an_application_names_it_and_one_of_an_account_names_its_customer() {
        let nil = Uuid::nil();
        let told = said(session(EkycStep::Failed, Some(ApplicationId::from(nil))));
        assert_eq!(told.name, "Ekyc.Session.Failed");
        assert_eq!(
            told.resource,
            format!("acquisition/v2/applications/{nil}/kycauthentications/otp/{nil}")
        );
        assert_eq!(
            told.detail,
            json!({
                "customerId": C,
                "applicationId": nil.to_string(),
                "authId": nil.to_string(),
                "journeyId": "j-1",
                "method": "otp",
                "reason": "session",
            })
        );
        let told = said(session(EkycStep::Initiated, None));
        assert_eq!(told.resource, format!("core/v1/cm/customers/{C}"));
        assert_eq!(told.detail.get("applicationId"), None);
    }

    #[test]
    fn the_platform_hears_of_a_new_customer_twice_and_of_every_change_but_the_erasure() {
        let names = |kind| all_said(kind).iter().map(|said| said.name).collect::<Vec<_>>();
        let onboarded = "Core.Customer.Onboarded";
        let both = [onboarded, "customer.created.v1", "customer.event.v1"];
        assert_eq!(names(EventKind::Onboarded), both);
        assert_eq!(names(EventKind::OnboardedScreened), both);
        let changed = ["Core.Customer.Name.Changed", "customer.event.v1"];
        assert_eq!(names(EventKind::NameChanged), changed);
        let standing =
            EventKind::StandingChanged { from: Standing::Review, to: Standing::Rejected };
        assert_eq!(names(standing), ["customer.event.v1"]);
        assert_eq!(names(EventKind::ReviewRequested), ["customer.event.v1"]);
        assert_eq!(names(EventKind::Erased), ["Core.Customer.Profile.Changed"]);
        assert_eq!(names(session(EkycStep::Initiated, None)), ["Ekyc.Session.Initiated"]);
        let platform = &all_said(EventKind::NameChanged)[1];
        assert_eq!(platform.resource, format!("v1/customers/{C}"));
        for name in ALL {
            let expected =
                if name.starts_with("customer.") { Contract::Straddle } else { Contract::Cos };
            assert_eq!(contract_of(name), expected, "{name}");
        }
    }

    #[test]
    fn names_are_read_exactly() {
        assert_eq!(parse("Core.Customer.Ofac.Changed"), Ok("Core.Customer.Ofac.Changed"));
        for wrong in
            ["", "core.customer.ofac.changed", "Core.Customer.*", "customer.*", "customer.created"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
