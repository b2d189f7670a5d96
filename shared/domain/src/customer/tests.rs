mod media;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::calendar::BirthDate;
use crate::choices::PhoneType;
use crate::contact::{Owner, Phone};
use crate::country::Country;
use crate::ids::{OwnerId, PhoneId};
use crate::name::PersonName;
use crate::numbers::BasisPoints;
use crate::phone::PhoneNumber;
use crate::profile::{BusinessProfile, PersonProfile};
use crate::scan::{Fingerprint, ListedEntity, ScanStatus};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_769_381_724 + second).unwrap()
}

fn person(last: &str) -> Party {
    Party::Personal(Person {
        name: PersonName {
            prefix: None,
            first: Text::parse("Bob").unwrap(),
            middle: None,
            last: Some(Text::parse(last).unwrap()),
            suffix: None,
            preferred: None,
        },
        profile: PersonProfile::default(),
        due_diligence: None,
    })
}

fn company() -> Party {
    Party::Business(Business {
        name: Text::parse("Rivers Tech LLC").unwrap(),
        profile: BusinessProfile::default(),
        due_diligence: None,
    })
}

fn onboard(party: Party) -> Customer {
    let start = Onboarding {
        id: CustomerId::from(Uuid::from_u128(1)),
        partner: PartnerId::from(Uuid::from_u128(2)),
        cif: CifNumber::parse("32653745014").unwrap(),
        party,
        client_identifier: Some(Text::parse("crm-42").unwrap()),
        primaries: Vec::new(),
    };
    Customer::onboard(start, at(0)).0
}

/// Somebody new.
pub(super) fn customer() -> Customer {
    onboard(person("Smith"))
}

fn phone_id(n: u128) -> ContactId {
    ContactId::Phone(PhoneId::from(Uuid::from_u128(n)))
}

fn phone(number: &str) -> ContactBody {
    ContactBody::Phone(Phone {
        phone_type: PhoneType::Mobile,
        number: PhoneNumber::parse(number).unwrap(),
        extension: None,
    })
}

fn kept(n: u128, number: &str, primary: bool) -> Contact {
    Contact { id: phone_id(n), primary, body: phone(number) }
}

fn owner(n: u128, customer: u128, percent: &str) -> Contact {
    Contact {
        id: ContactId::Owner(OwnerId::from(Uuid::from_u128(n))),
        primary: false,
        body: ContactBody::Owner(Owner {
            customer: CustomerId::from(Uuid::from_u128(customer)),
            title: None,
            share: BasisPoints::parse_percent(percent).unwrap(),
        }),
    }
}

fn found(entries: &[&str]) -> Finding {
    let print = Fingerprint::parse("0123456789abcdef").unwrap();
    let hits = entries.iter().map(|uid| (ListedEntity::new("pep", uid), print.clone())).collect();
    Finding { is_searched: true, subject: print, hits, withdrawn: BTreeSet::new() }
}

fn none() -> Finding {
    found(&[])
}

#[test]
fn a_new_customer_is_active_and_pending() {
    let customer = onboard(person("Smith"));
    assert_eq!(customer.status, CustomerStatus::Active);
    assert_eq!(customer.ofac.status, ScanStatus::Pending);
    assert_eq!(customer.pep_scan.status, ScanStatus::Pending);
    assert_eq!((customer.version, customer.subject_revision), (1, 1));
    assert!(!customer.was_screened());
}

#[test]
fn onboarding_takes_primaries_along() {
    let start = Onboarding {
        id: CustomerId::from(Uuid::from_u128(1)),
        partner: PartnerId::from(Uuid::from_u128(2)),
        cif: CifNumber::parse("32653745014").unwrap(),
        party: person("Smith"),
        client_identifier: None,
        primaries: vec![(phone_id(1), phone("2015552345"))],
    };
    let (customer, change) = Customer::onboard(start, at(0));
    assert_eq!(customer.primary(ContactKind::Phone).map(|p| p.id), Some(phone_id(1)));
    assert_eq!(customer.count(ContactKind::Phone), 1);
    assert!(matches!(&change.contacts[..], [ContactWrite::Add(contact)] if contact.primary));
    assert!(matches!(&change.events[..], [EventKind::Onboarded]));
}

#[test]
fn screening_clears_and_a_new_name_starts_over() {
    let mut customer = onboard(person("Smith"));
    let change = customer.screened(1, &none(), &none(), None, at(1)).unwrap();
    assert_eq!(change.events.len(), 2);
    assert_eq!(customer.ofac.status, ScanStatus::Clear);
    assert_eq!(customer.modified_at, at(1));
    assert!(customer.was_screened());
    assert!(customer.screened(1, &none(), &none(), None, at(2)).unwrap().is_empty());
    assert_eq!(customer.version, 2);

    let change = customer.change_party(person("Jones"), AuditAction::ChangeName, at(3)).unwrap();
    assert_eq!(change.events[0], EventKind::NameChanged);
    assert_eq!(change.events.len(), 3);
    assert_eq!(customer.ofac.status, ScanStatus::Pending);
    assert_eq!(
        customer.screened(1, &none(), &none(), None, at(4)),
        Err(StaleScreening { screened: 1, current: 2 })
    );
}

#[test]
fn the_same_name_changes_nothing() {
    let mut customer = onboard(person("Smith"));
    let change = customer.change_party(person("Smith"), AuditAction::ChangeName, at(3)).unwrap();
    assert!(change.is_empty());
    assert_eq!(customer.version, 1);
}

#[test]
fn a_birth_date_is_screened_and_a_risk_rating_is_not() {
    let mut customer = onboard(person("Smith"));
    customer.screened(1, &none(), &none(), None, at(1)).unwrap();
    let Party::Personal(mut changed) = customer.party.clone() else { panic!("a person") };
    changed.profile.common.risk_rating = Some(crate::choices::RiskRating::High);
    let change = customer
        .change_party(Party::Personal(changed.clone()), AuditAction::ChangeProfile, at(2))
        .unwrap();
    assert_eq!(change.fields, ["riskRating"]);
    assert_eq!(customer.ofac.status, ScanStatus::Clear);

    changed.profile.birth_date = Some(BirthDate::restore("1953-09-22").unwrap());
    let change =
        customer.change_party(Party::Personal(changed), AuditAction::ChangeProfile, at(3)).unwrap();
    assert_eq!(change.fields, ["birthDate"]);
    assert_eq!(customer.ofac.status, ScanStatus::Pending);
}

#[test]
fn an_inactive_customer_stays_as_it_is() {
    let mut customer = onboard(person("Smith"));
    assert_eq!(customer.deactivate(at(1)).events, [EventKind::Deactivated]);
    assert!(customer.deactivate(at(2)).is_empty());
    assert_eq!(customer.modified_at, at(1));
    let before = customer.clone();
    let refused = Err(Refused::Inactive);
    assert_eq!(customer.change_party(person("Jones"), AuditAction::ChangeName, at(3)), refused);
    assert_eq!(customer.add_contact(phone_id(1), phone("2015552345"), true, &[], at(3)), refused);
    assert_eq!(customer.remove_contact(phone_id(1), at(3)), refused);
    assert_eq!(customer, before);
}

#[test]
fn phones_follow_the_primary_rules() {
    let mut customer = onboard(person("Smith"));
    let first = customer.add_contact(phone_id(1), phone("2015552345"), false, &[], at(1)).unwrap();
    assert!(matches!(&first.contacts[..], [ContactWrite::Add(contact)] if contact.primary));

    let second = customer.add_contact(phone_id(2), phone("2015552346"), true, &[], at(2)).unwrap();
    assert_eq!(second.contacts[1], ContactWrite::Demote(phone_id(1)));
    assert_eq!(second.events.len(), 2);
    assert_eq!(customer.primary(ContactKind::Phone).map(|p| p.id), Some(phone_id(2)));

    assert_eq!(
        customer.remove_contact(phone_id(2), at(3)),
        Err(Refused::Primary(PrimaryRefused::PrimaryInUse))
    );
    assert_eq!(
        customer.change_contact(
            &kept(2, "2015552346", true),
            phone("2015552347"),
            Some(false),
            &[],
            at(3)
        ),
        Err(Refused::Primary(PrimaryRefused::PrimaryNeeded))
    );
    customer.remove_contact(phone_id(1), at(4)).unwrap();
    customer.remove_contact(phone_id(2), at(5)).unwrap();
    assert_eq!(customer.contacts[&ContactKind::Phone], Shelf::default());
    assert_eq!(customer.subject_revision, 1);
}

#[test]
fn changing_the_primary_changes_the_copy_on_the_customer() {
    let mut customer = onboard(person("Smith"));
    customer.add_contact(phone_id(1), phone("2015552345"), true, &[], at(1)).unwrap();
    let change = customer
        .change_contact(&kept(1, "2015552345", true), phone("2015552399"), None, &[], at(2))
        .unwrap();
    assert_eq!(change.fields, [format!("phones/{}.phoneNumber", phone_id(1))]);
    let copy = customer.primary(ContactKind::Phone).unwrap();
    assert_eq!((copy.primary, &copy.body), (true, &phone("2015552399")));
}

/// What was cleared is what had been screened.
#[test]
fn a_case_cleared_before_its_change_was_screened_waits_for_the_screening() {
    let mut customer = onboard(person("Smith"));
    customer.screened(1, &none(), &found(&["1"]), None, at(1)).unwrap();
    customer.change_party(person("Jones"), AuditAction::ChangeName, at(2)).unwrap();
    customer.decide(ScanKind::PepScan, Decision::Clear, at(3)).unwrap();
    assert_eq!(customer.pep_scan.status, ScanStatus::Pending);
    customer.screened(2, &none(), &none(), None, at(4)).unwrap();
    assert_eq!(customer.pep_scan.status, ScanStatus::Clear);
}

#[test]
fn another_citizenship_is_screened_and_takes_no_status_away() {
    let mut customer = onboard(person("Smith"));
    customer.screened(1, &none(), &none(), None, at(1)).unwrap();
    let mut party = person("Smith");
    let Party::Personal(changed) = &mut party else { panic!("a person") };
    changed.profile.common.citizenship = Some(Country::parse("FR").unwrap());
    let change = customer.change_party(party, AuditAction::ChangeProfile, at(2)).unwrap();
    assert!(change.events.iter().any(EventKind::needs_screening));
    assert_eq!((customer.subject_revision, customer.ofac.status), (2, ScanStatus::Clear));
}

#[test]
fn saying_the_same_again_changes_nothing() {
    let mut customer = onboard(person("Smith"));
    customer.add_contact(phone_id(1), phone("2015552345"), true, &[], at(1)).unwrap();
    let before = customer.clone();
    for asks in [None, Some(true)] {
        let present = kept(1, "2015552345", true);
        let change =
            customer.change_contact(&present, phone("2015552345"), asks, &[], at(2)).unwrap();
        assert!(change.is_empty());
    }
    assert_eq!(customer, before);
}

#[test]
fn a_change_names_every_field_of_a_sub_resource_that_differs() {
    let mut customer = onboard(person("Smith"));
    customer.add_contact(phone_id(1), phone("2015552345"), true, &[], at(1)).unwrap();
    customer.add_contact(phone_id(2), phone("2015552346"), false, &[], at(1)).unwrap();
    let present = kept(2, "2015552346", false);
    let change =
        customer.change_contact(&present, phone("2015552347"), Some(true), &[], at(2)).unwrap();
    let path = format!("phones/{}", phone_id(2));
    assert_eq!(change.fields, [format!("{path}.isPrimary"), format!("{path}.phoneNumber")]);
}

#[test]
fn kinds_have_a_limit() {
    let mut customer = onboard(person("Smith"));
    for n in 0..u128::from(MOST_CONTACTS) {
        customer.add_contact(phone_id(n), phone("2015552345"), false, &[], at(1)).unwrap();
    }
    assert_eq!(
        customer.add_contact(phone_id(99), phone("2015552345"), false, &[], at(1)),
        Err(Refused::TooMany)
    );
}

#[test]
fn owners_belong_to_companies_once_and_to_one_hundred_percent() {
    let add = |customer: &mut Customer, new: &Contact, present: &[Contact]| {
        customer.add_contact(new.id, new.body.clone(), false, present, at(1))
    };
    let mut bob = onboard(person("Smith"));
    assert_eq!(add(&mut bob, &owner(1, 7, "26"), &[]), Err(Refused::OwnerOfPerson));

    let mut firm = onboard(company());
    let first = owner(1, 7, "60");
    add(&mut firm, &first, &[]).unwrap();
    let present = [first];
    assert_eq!(add(&mut firm, &owner(2, 7, "10"), &present), Err(Refused::OwnerTwice));
    assert_eq!(add(&mut firm, &owner(2, 8, "40.01"), &present), Err(Refused::Overowned));
    add(&mut firm, &owner(2, 8, "40"), &present).unwrap();
    // Changing an owner does not count its own old share.
    let changed = owner(1, 7, "100");
    assert!(firm.change_contact(&present[0], changed.body, None, &present, at(2)).is_ok());
    assert_eq!(firm.subject_revision, 1);
}

#[test]
fn decisions_move_one_scan_and_say_so() {
    let mut customer = onboard(person("Putin"));
    customer.screened(1, &none(), &found(&["1"]), None, at(1)).unwrap();
    assert_eq!(customer.pep_scan.status, ScanStatus::Failed);
    assert!(customer.decide(ScanKind::Ofac, Decision::Clear, at(2)).is_err());
    let change = customer.decide(ScanKind::PepScan, Decision::Clear, at(2)).unwrap();
    assert_eq!(
        change.events,
        [EventKind::ScanChanged {
            scan: ScanKind::PepScan,
            from: ScanStatus::Failed,
            to: ScanStatus::Clear
        }]
    );
    assert_eq!(customer.pep_scan.status, ScanStatus::Clear);
    assert_eq!(customer.modified_at, at(2));
}

#[test]
fn nothing_personal_shows_in_debug() {
    let mut customer = onboard(person("Smith"));
    customer.add_contact(phone_id(1), phone("2015552345"), true, &[], at(1)).unwrap();
    let shown = format!("{customer:?}");
    for secret in ["Bob", "Smith", "2015552345", "crm-42"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn the_standing_follows_from_what_is_kept() {
    use crate::choices::CustomerStatus;
    use crate::verification::{Standing, Verification};
    for status in [CustomerStatus::Active, CustomerStatus::Inactive] {
        for verification in Verification::ALL {
            for ofac in ScanStatus::ALL {
                for pep in ScanStatus::ALL {
                    let mut customer = onboard(person("Smith"));
                    customer.status = status;
                    customer.verification = *verification;
                    customer.ofac.status = *ofac;
                    customer.pep_scan.status = *pep;
                    let open = |scan: &ScanStatus| {
                        matches!(scan, ScanStatus::Failed | ScanStatus::Reviewing)
                    };
                    // What adverse media say counts of whoever is reviewed, and where nothing else does.
                    let mut noted = customer.clone();
                    noted.adverse_media.status = ScanStatus::Failed;
                    let moved = match customer.standing() {
                        Standing::Verified => Standing::Review,
                        other => other,
                    };
                    assert_eq!(noted.standing(), moved, "{status} {verification} {ofac} {pep}");
                    for verdict in crate::verification::Verdict::ALL {
                        if noted.decide_standing(*verdict, at(1)).is_ok() {
                            assert_eq!(noted.standing().as_str(), verdict.as_str());
                        }
                    }
                    let confirmed = *ofac == ScanStatus::Positive || *pep == ScanStatus::Positive;
                    let expected = match (status, verification) {
                        (CustomerStatus::Inactive, _) => Standing::Inactive,
                        (_, Verification::Pending) => Standing::Pending,
                        (_, Verification::Rejected) => Standing::Rejected,
                        _ if confirmed => Standing::Rejected,
                        _ if open(ofac) || open(pep) => Standing::Review,
                        (_, Verification::Review) => Standing::Review,
                        (_, Verification::NotAsked) => Standing::Pending,
                        (_, Verification::Verified) => Standing::Verified,
                    };
                    assert_eq!(
                        customer.standing(),
                        expected,
                        "{status} {verification} {ofac} {pep}"
                    );
                    // Only a customer in review is decided, and a decision always ends the review.
                    for verdict in crate::verification::Verdict::ALL {
                        let mut decided = customer.clone();
                        let answer = decided.decide_standing(*verdict, at(1));
                        assert_eq!(answer.is_ok(), expected == Standing::Review);
                        if answer.is_ok() {
                            assert_eq!(decided.standing().as_str(), verdict.as_str());
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn another_identity_is_reviewed_again_once() {
    use crate::verification::Verification;
    let mut customer = onboard(person("Smith"));
    for verification in Verification::ALL {
        customer.verification = *verification;
        let mut renamed = customer.clone();
        renamed.change_party(person("Jones"), AuditAction::ChangeName, at(1)).unwrap();
        let expected = match verification {
            Verification::NotAsked => Verification::NotAsked,
            _ => Verification::Pending,
        };
        assert_eq!(renamed.verification, expected, "{verification}");
        let mut same = customer.clone();
        same.change_party(person("Smith"), AuditAction::ChangeName, at(1)).unwrap();
        assert_eq!(same.verification, *verification);
    }
    // A phone is no subject of screening, so the review has to be asked for.
    customer.verification = Verification::Verified;
    let change = customer.add_contact(phone_id(7), phone("2015552345"), false, &[], at(2)).unwrap();
    assert!(change.events.contains(&EventKind::ReviewRequested));
    customer.verification = Verification::Verified;
    let change = customer.add_contact(phone_id(8), phone("2015552346"), false, &[], at(2)).unwrap();
    assert!(!change.events.contains(&EventKind::ReviewRequested), "not the primary one");
    assert_eq!(customer.verification, Verification::Verified);
}
