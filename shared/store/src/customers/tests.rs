//! Customers against a real expression engine.

mod earlier;
mod screening;
mod subjects;

use std::sync::Arc;

use domain::audit::{Actor, AuditAction, AuditDigest, AuditEntry, AuditHead};
use domain::calendar::{BirthDate, ExpiryDate, PastDate};
use domain::choices::*;
use domain::contact::*;
use domain::country::{Country, PostalCode, Region};
use domain::customer::{Business, Customer, Onboarding, Party, Person};
use domain::email::EmailAddress;
use domain::ids::{CifNumber, ClientId, CustomerId, PartnerId};
use domain::name::PersonName;
use domain::numbers::{BasisPoints, DollarAmount};
use domain::phone::{Extension, PhoneNumber};
use domain::profile::*;
use domain::tax::{TaxId, TaxIdType, TaxIdentity};
use domain::text::Text;
use domain::time::{Clock, FixedClock, Random, SequenceRandom};

use super::audit::{ChainBroken, digest, verify};
use super::*;
use crate::testing::TestDatabase;

fn text<const MAX: usize>(value: &str) -> Option<Text<MAX>> {
    Some(Text::parse(value).unwrap())
}

fn full_person() -> Party {
    let tax =
        TaxIdentity::new(TaxIdType::Ssn, Some(TaxId::parse("119988776", TaxIdType::Ssn).unwrap()));
    Party::Personal(Person {
        name: PersonName {
            prefix: text("Ms."),
            first: Text::parse("Dana").unwrap(),
            middle: text("Q"),
            last: text("Rivers"),
            suffix: text("Jr."),
            preferred: text("D"),
        },
        profile: PersonProfile {
            common: CommonProfile {
                citizenship: Some(Country::US),
                backup_withholding: true,
                backup_withholding_percent: Some(BasisPoints::parse_percent("24.25").unwrap()),
                tax: Some(tax.unwrap()),
                risk_rating: Some(RiskRating::Low),
            },
            reg_o: true,
            politically_exposed: true,
            birth_date: Some(BirthDate::restore("1980-03-06").unwrap()),
            privacy_opt_out: Some(false),
        },
        due_diligence: Some(DueDiligence {
            employment_status: text("Employed"),
            occupation: text("Technology"),
            occupation_description: text("Support"),
            industry: text("Finance"),
            income_source: text("Salary"),
            income_state: Some(Region::parse("NJ", Country::US).unwrap()),
            income_country: Some(Country::US),
            annual_income: Some(DollarAmount::parse("90000.5").unwrap()),
        }),
    })
}

fn full_business(owner: CustomerId) -> Party {
    Party::Business(Business {
        name: Text::parse("Rivers Tech LLC").unwrap(),
        profile: BusinessProfile {
            common: CommonProfile {
                tax: Some(TaxIdentity::new(TaxIdType::None, None).unwrap()),
                ..CommonProfile::default()
            },
            date_formed: Some(PastDate::restore("2015-06-25").unwrap()),
            entity_type: Some(EntityType::Llc),
            ownership_type: Some(OwnershipType::LegalEntity),
            primary_owner: Some(owner),
        },
        due_diligence: Some(BusinessDueDiligence {
            nature_of_business: text("Technology"),
            naics: Some(Naics::parse("541512").unwrap()),
            merchant_category: Some(MerchantCategory::parse("4816").unwrap()),
            url: Some(WebAddress::parse("www.example.com").unwrap()),
            relationship_formed: Some(PastDate::restore("2016-06-27").unwrap()),
        }),
    })
}

fn bodies(owner: CustomerId) -> Vec<ContactBody> {
    vec![
        ContactBody::Address(Address {
            address_type: AddressType::Home,
            classification: Some(AddressClassification::Residential),
            street1: Text::parse("123 Any St").unwrap(),
            street2: text("Apt 4"),
            city: Text::parse("Anywhere").unwrap(),
            state: Some(Region::parse("NY", Country::US).unwrap()),
            postal_code: Some(PostalCode::parse("12345", Country::US).unwrap()),
            country: Country::US,
        }),
        ContactBody::Phone(Phone {
            phone_type: PhoneType::Mobile,
            number: PhoneNumber::parse("2015552345").unwrap(),
            extension: Some(Extension::parse("42").unwrap()),
        }),
        ContactBody::Email(Email {
            email_type: EmailType::Work,
            address: EmailAddress::parse("dana@example.com").unwrap(),
        }),
        ContactBody::Identification(Identification {
            id_type: IdentificationType::Passport,
            number: DocumentNumber::parse("C12345678").unwrap(),
            issued: Some(PastDate::restore("2020-01-01").unwrap()),
            expires: Some(ExpiryDate::parse("2030-01-01").unwrap()),
            verified: Some(PastDate::restore("2020-02-01").unwrap()),
            authority: text("State"),
            region: Some(Region::parse("Kent", Country::parse("GB").unwrap()).unwrap()),
            country: Some(Country::parse("GB").unwrap()),
        }),
        ContactBody::Owner(Owner {
            customer: owner,
            title: text("CEO"),
            share: BasisPoints::parse_percent("26").unwrap(),
        }),
    ]
}

struct World {
    database: TestDatabase,
    customers: Customers,
    clock: Arc<FixedClock>,
    random: Arc<dyn Random>,
    partner: PartnerId,
}

impl World {
    fn new() -> Self {
        let database = TestDatabase::new();
        let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24.442258Z"));
        let random: Arc<dyn Random> = Arc::new(SequenceRandom::default());
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let ring = database.key_ring(&shared, &random);
        let customers = Customers::new(database.customers(), ring, shared, Arc::clone(&random));
        let partner = PartnerId::new(&*clock, &*random);
        Self { database, customers, clock, random, partner }
    }

    async fn onboard(
        &self,
        party: Party,
        primaries: Vec<ContactBody>,
    ) -> Result<Customer, CommitRefused> {
        let primaries = primaries
            .into_iter()
            .map(|body| (ContactId::new(body.kind(), &*self.clock, &*self.random), body))
            .collect();
        let owner = match &party {
            Party::Business(business) => business.profile.primary_owner,
            Party::Personal(_) => None,
        };
        let start = Onboarding {
            id: CustomerId::new(&*self.clock, &*self.random),
            partner: self.partner,
            cif: CifNumber::draw(&*self.random),
            party,
            client_identifier: text("crm-42"),
            primaries,
        };
        let now = self.clock.now();
        let (after, change) = Customer::onboard(start, now);
        let commit = Commit {
            before: None,
            after: &after,
            change: &change,
            actor: &actor(),
            now,
            owner,
            evidence: Vec::new(),
        };
        self.customers.commit(commit).await?;
        Ok(after)
    }
}

fn actor() -> Actor {
    Actor {
        client: ClientId::parse("client-1").unwrap(),
        who: "client-1".to_owned(),
        source_ip: None,
        request_id: "r-1".to_owned(),
    }
}

#[tokio::test]
async fn everything_a_customer_has_comes_back() {
    let world = World::new();
    let owner = CustomerId::new(&*world.clock, &*world.random);
    let mut primaries = bodies(owner);
    primaries.pop();
    let dana = world.onboard(full_person(), primaries).await.unwrap();
    let read = world.customers.get(world.partner, dana.id).await.unwrap().unwrap();
    assert_eq!(read.audit.seq, 1);
    assert_eq!(Customer { audit: AuditHead::default(), ..read }, dana);

    let firm = world.onboard(full_business(dana.id), Vec::new()).await.unwrap();
    let read = world.customers.get(world.partner, firm.id).await.unwrap().unwrap();
    assert_eq!(read.party, firm.party);
}

#[tokio::test]
async fn every_kind_of_contact_comes_back() {
    let world = World::new();
    let dana = world.onboard(full_person(), Vec::new()).await.unwrap();
    let mut firm = world.onboard(full_business(dana.id), Vec::new()).await.unwrap();
    for body in bodies(dana.id) {
        let before = world.customers.get(world.partner, firm.id).await.unwrap().unwrap();
        let mut after = before.clone();
        let id = ContactId::new(body.kind(), &*world.clock, &*world.random);
        let now = world.clock.now();
        let change = after.add_contact(id, body.clone(), true, &[], now).unwrap();
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor(),
            now,
            owner: None,
            evidence: Vec::new(),
        };
        world.customers.commit(commit).await.unwrap();
        let found = world.customers.contacts(world.partner, firm.id, body.kind()).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id, &found[0].body), (id, &body));
        let both = world.customers.get_with_contact(world.partner, firm.id, id).await.unwrap();
        let (customer, contact) = both.unwrap();
        assert_eq!(contact.as_ref(), found.first());
        assert_eq!(customer.contacts, after.contacts);
        firm = customer;
    }
    let audited = world.customers.verify_audit(world.partner, firm.id).await.unwrap();
    assert_eq!(audited, Some(Ok(6)));
}

#[tokio::test]
async fn of_two_changes_of_one_state_one_is_stale() {
    let world = World::new();
    let dana = world.onboard(full_person(), Vec::new()).await.unwrap();
    let before = world.customers.get(world.partner, dana.id).await.unwrap().unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let mut after = before.clone();
        let now = world.clock.now();
        let change = after.deactivate(now);
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor(),
            now,
            owner: None,
            evidence: Vec::new(),
        };
        outcomes.push(world.customers.commit(commit).await);
    }
    assert!(matches!(outcomes[..], [Ok(()), Err(CommitRefused::Stale)]), "{outcomes:?}");
    let read_meanwhile =
        world.customers.record_read(&before, &actor(), Vec::new(), world.clock.now()).await;
    assert!(matches!(read_meanwhile, Err(CommitRefused::Stale)));
}

#[tokio::test]
async fn a_file_number_is_unique_over_the_bank_and_can_be_exchanged() {
    let world = World::new();
    let dana = world.onboard(full_person(), Vec::new()).await.unwrap();
    let other = world.onboard(full_person(), Vec::new()).await.unwrap();
    let before = world.customers.get(world.partner, dana.id).await.unwrap().unwrap();
    let free = CifNumber::parse("30000000017").unwrap();
    for (cif, taken) in [(other.cif, true), (free, false)] {
        let mut after = before.clone();
        let now = world.clock.now();
        let change = after.change_cif(cif, now).unwrap();
        let commit = Commit {
            before: Some(&before),
            after: &after,
            change: &change,
            actor: &actor(),
            now,
            owner: None,
            evidence: Vec::new(),
        };
        let outcome = world.customers.commit(commit).await;
        assert_eq!(matches!(outcome, Err(CommitRefused::CifTaken)), taken, "{outcome:?}");
    }
    let find = async |cif| world.customers.find_cif(world.partner, cif).await.unwrap();
    assert_eq!(find(free).await, Some(dana.id));
    assert_eq!(find(dana.cif).await, None);
    assert_eq!(find(other.cif).await, Some(other.id));
}

#[test]
fn a_chain_is_checked_link_by_link() {
    let mut head = AuditHead::default();
    let mut entries = Vec::new();
    for second in 0..3 {
        let at = jiff::Timestamp::from_second(1_769_381_724 + second).unwrap();
        let entry = AuditEntry::following(&head, at, actor(), AuditAction::Screen, Vec::new());
        head = AuditHead { seq: entry.seq, digest: digest(&entry) };
        entries.push(entry);
    }
    let check = |entries: &[AuditEntry], head| verify(entries.iter().cloned().map(Ok), head);
    assert_eq!(check(&entries, &head), Ok(3));
    assert_eq!(check(&entries[..2], &head), Err(ChainBroken::WrongEnd { found: 2, head: 3 }));
    assert_eq!(check(&entries[1..], &head), Err(ChainBroken::Missing { expected: 1, found: 2 }));
    let mut changed = entries.clone();
    changed[0].fields.push("name".to_owned());
    assert_eq!(check(&changed, &head), Err(ChainBroken::Unlinked { seq: 2 }));
    let other = AuditHead { seq: 3, digest: AuditDigest([0; 32]) };
    assert_eq!(check(&entries, &other), Err(ChainBroken::LastChanged { seq: 3 }));
}
