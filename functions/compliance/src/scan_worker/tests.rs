//! Screening runs against a real expression engine and the sample lists.

use std::path::Path;
use std::sync::Arc;

use compliance::Subject;
use crypto::KeyRing;
use crypto::test_support::{MemoryKeys, MemoryWrapper};
use domain::audit::AuditAction;
use domain::calendar::BirthDate;
use domain::customer::{Business, Customer, Onboarding, Party, Person};
use domain::ids::{CifNumber, CustomerId, EventId, PartnerId};
use domain::name::PersonName;
use domain::profile::{BusinessProfile, PersonProfile};
use domain::scan::{Decision, ScanKind, ScanStatus};
use domain::text::Text;
use domain::time::{FixedClock, SequenceRandom};
use screening::{Config, Format, Index, ListEdition, ListInfo, Source, Topic, compile, parse};
use store::Item;
use store::testing::TestDatabase;

use super::*;

const PARTNER: &str = "11111111-2222-3333-4444-555555555555";

struct World {
    app: App,
    database: TestDatabase,
    clock: Arc<FixedClock>,
    random: Arc<SequenceRandom>,
    partner: PartnerId,
}

fn sample(list: &str, name: &str, topic: Topic, format: Format, files: &[&str]) -> Index {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/screening/samples");
    let files: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|file| {
            let bytes = std::fs::read(folder.join(file)).unwrap();
            (Path::new(file).file_name().unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect();
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
    let entities = parse(format, &sources).unwrap().entities;
    let list = ListEdition { info: ListInfo::new(list, name, topic), entities };
    Index::from_bytes(compile(&[list]).unwrap()).unwrap()
}

fn indexes() -> Vec<Index> {
    let ofac = ["ofac/sdn.csv", "ofac/alt.csv", "ofac/add.csv", "ofac/sdn_comments.csv"];
    vec![
        sample("ofac-sdn", "Sample sanctions", Topic::Sanctions, Format::OfacCsv, &ofac),
        sample(
            "pep",
            "Sample PEPs",
            Topic::Pep,
            Format::OpenSanctionsCsv,
            &["pep/targets.simple.csv"],
        ),
    ]
}

fn world() -> World {
    world_with(indexes())
}

fn world_with(indexes: Vec<Index>) -> World {
    let database = TestDatabase::new();
    let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24Z"));
    let random = Arc::new(SequenceRandom::default());
    let ring = KeyRing::new(
        Arc::new(MemoryWrapper::default()),
        Arc::new(MemoryKeys::default()),
        Arc::clone(&clock) as _,
        Arc::clone(&random) as _,
    );
    let customers = Customers::new(
        database.customers(),
        Arc::new(ring),
        Arc::clone(&clock) as _,
        Arc::clone(&random) as _,
    );
    let far = "2030-01-01T00:00:00Z".parse().unwrap();
    let editions = watchlists::Editions::holding(indexes, far);
    let vetter = vetting::Vetter::new(
        &customers,
        editions,
        Arc::clone(&clock) as _,
        Arc::clone(&random) as _,
    );
    let app = App::for_test(customers, vetter, Arc::clone(&clock) as _);
    World { app, database, clock, random, partner: PartnerId::parse(PARTNER).unwrap() }
}

fn person(first: &str, last: &str, born: Option<&str>) -> Party {
    let today = "2026-01-25".parse().unwrap();
    Party::Personal(Person {
        name: PersonName {
            prefix: None,
            first: Text::parse(first).unwrap(),
            middle: None,
            last: Some(Text::parse(last).unwrap()),
            suffix: None,
            preferred: None,
        },
        profile: PersonProfile {
            birth_date: born.map(|born| BirthDate::parse(born, today).unwrap()),
            ..PersonProfile::default()
        },
        due_diligence: None,
    })
}

fn business(name: &str) -> Party {
    Party::Business(Business {
        name: Text::parse(name).unwrap(),
        profile: BusinessProfile::default(),
        due_diligence: None,
    })
}

fn actor() -> Actor {
    Actor {
        client: ClientId::parse("client-1").unwrap(),
        who: "test".to_owned(),
        source_ip: None,
        request_id: "r-1".to_owned(),
    }
}

impl World {
    async fn onboard(&self, party: Party) -> Customer {
        let id = CustomerId::new(&*self.clock, &*self.random);
        let cif = CifNumber::draw(&*self.random);
        let start = Onboarding {
            id,
            partner: self.partner,
            cif,
            party,
            client_identifier: None,
            primaries: Vec::new(),
        };
        let (customer, change) = Customer::onboard(start, self.clock.now());
        self.write(None, &customer, &change).await;
        customer
    }

    async fn write(
        &self,
        before: Option<&Customer>,
        after: &Customer,
        change: &domain::customer::Change,
    ) {
        let commit = Commit {
            before,
            after,
            change,
            actor: &actor(),
            now: self.clock.now(),
            owner: None,
            evidence: Vec::new(),
        };
        self.app.customers.commit(commit).await.unwrap();
    }

    fn message(&self, customer: &Customer) -> String {
        let run = EventId::new(&*self.clock, &*self.random);
        let request = ScanRequest {
            partner: customer.partner,
            customer: customer.id,
            run,
            work: Work::Screen,
        };
        serde_json::to_string(&request).unwrap()
    }

    async fn now(&self, customer: &Customer) -> Customer {
        self.app.customers.get(customer.partner, customer.id).await.unwrap().unwrap()
    }

    async fn events(&self) -> usize {
        let items = self.database.dump(&self.database.customers()).await;
        items.iter().filter(|item| store::text(item, "sk").unwrap().starts_with("EVENT#")).count()
    }

    async fn evidence(&self) -> Vec<Item> {
        let items = self.database.dump(&self.database.customers()).await;
        let is_evidence = |item: &Item| store::text(item, "sk").unwrap().starts_with("SCREENING#");
        items.into_iter().filter(is_evidence).collect()
    }
}

#[tokio::test]
async fn the_triggers_of_the_contract_hit_and_others_do_not() {
    use ScanStatus::{Clear, Failed};
    let world = world();
    let cases = [
        (person("Bob", "Smith", Some("1953-09-22")), Clear, Clear),
        (person("Vladimir", "Putin", Some("1952-10-07")), Clear, Failed),
        (person("vladimir", "PUTIN", None), Clear, Failed),
        (person("Francisco Javier", "Arellano Félix", Some("1969-12-11")), Failed, Clear),
        (person("Francisco Javier", "Arellano Felix", Some("1969-12-11")), Failed, Clear),
        (person("Francisco Javier", "Arellano Félix", Some("1985-03-06")), Clear, Clear),
        (business("Blue Star Diamond"), Failed, Clear),
        (business("Rivers Tech LLC"), Clear, Clear),
    ];
    for (party, ofac, pep) in cases {
        let name = party.full_name();
        let customer = world.onboard(party).await;
        assert_eq!(run(&world.app, &world.message(&customer)).await.unwrap(), Outcome::Stored);
        let found = world.now(&customer).await;
        assert_eq!((found.ofac.status, found.pep_scan.status), (ofac, pep), "{name}");
        assert_eq!(found.screened_revision, found.subject_revision);
    }
}

#[tokio::test]
async fn every_run_leaves_evidence_with_its_versions_hits_or_none() {
    let world = world();
    for party in [person("Bob", "Smith", None), person("Vladimir", "Putin", None)] {
        let customer = world.onboard(party).await;
        run(&world.app, &world.message(&customer)).await.unwrap();
    }
    let evidence = world.evidence().await;
    assert_eq!(evidence.len(), 2);
    let hits = |item: &Item| item["pepScan"].as_l().unwrap().len();
    for item in &evidence {
        assert_eq!(item["lists"].as_l().unwrap().len(), 2);
        assert!(store::text(item, "configVersion").is_some());
        assert!(item["threshold"].is_n());
    }
    assert_eq!(evidence.iter().map(hits).sum::<usize>(), 1);
    let hit = evidence.iter().find(|item| hits(item) == 1).unwrap();
    let hit = hit["pepScan"].as_l().unwrap()[0].as_m().unwrap();
    for field in ["name", "matchedName", "score", "explanation", "uid", "contentHash"] {
        assert!(hit.contains_key(field), "{field}");
    }
}

#[tokio::test]
async fn a_message_that_comes_twice_changes_nothing_more() {
    let world = world();
    let customer = world.onboard(person("Vladimir", "Putin", None)).await;
    let message = world.message(&customer);
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Stored);
    let (before, events) = (world.now(&customer).await, world.events().await);
    assert_eq!(run(&world.app, &message).await.unwrap(), Outcome::Repeated);
    // Another request for the same subject leaves its own evidence, and no event.
    assert_eq!(run(&world.app, &world.message(&customer)).await.unwrap(), Outcome::Stored);
    let after = world.now(&customer).await;
    assert_eq!(
        (before.ofac, before.pep_scan, before.version),
        (after.ofac, after.pep_scan, after.version)
    );
    assert_eq!(world.events().await, events);
    assert_eq!(world.evidence().await.len(), 2);
}

#[tokio::test]
async fn two_workers_at_once_agree() {
    let world = world();
    let customer = world.onboard(person("Vladimir", "Putin", None)).await;
    let events = world.events().await;
    let (one, two) = (world.message(&customer), world.message(&customer));
    let (one, two) = tokio::join!(run(&world.app, &one), run(&world.app, &two));
    assert_eq!((one.unwrap(), two.unwrap()), (Outcome::Stored, Outcome::Stored));
    assert_eq!(world.events().await, events + 3, "one change of each scan and one of the standing");
}

#[tokio::test]
async fn a_cleared_hit_stays_cleared_until_the_listed_entity_changes() {
    let world = world();
    let customer = world.onboard(person("Vladimir", "Putin", None)).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    let before = world.now(&customer).await;
    let mut after = before.clone();
    let change = after.decide(ScanKind::PepScan, Decision::Clear, world.clock.now()).unwrap();
    world.write(Some(&before), &after, &change).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    assert_eq!(world.now(&customer).await.pep_scan.status, ScanStatus::Clear);

    let mut subject = Subject::of(&world.now(&customer).await, &[]);
    let one = compliance::screen(&subject, &indexes(), &Config::default());
    assert_eq!(
        one.pep_hits(),
        compliance::screen(&subject, &indexes(), &Config::default()).pep_hits()
    );
    subject = Subject::of(&world.onboard(person("Bob", "Smith", None)).await, &[]);
    assert!(compliance::screen(&subject, &indexes(), &Config::default()).pep_hits().is_empty());
}

#[tokio::test]
async fn a_new_name_is_screened_anew() {
    let world = world();
    let customer = world.onboard(person("Bob", "Smith", None)).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    let before = world.now(&customer).await;
    let mut after = before.clone();
    let today = world.clock.now();
    let change = after
        .change_party(person("Vladimir", "Putin", None), AuditAction::ChangeName, today)
        .unwrap();
    world.write(Some(&before), &after, &change).await;
    assert_eq!(world.now(&customer).await.pep_scan.status, ScanStatus::Pending);
    run(&world.app, &world.message(&customer)).await.unwrap();
    assert_eq!(world.now(&customer).await.pep_scan.status, ScanStatus::Failed);
}

#[tokio::test]
async fn unknown_customers_are_done_and_damaged_messages_are_not() {
    let world = world();
    let customer = world.onboard(person("Bob", "Smith", None)).await;
    let mut unknown = customer.clone();
    unknown.id = CustomerId::new(&*world.clock, &*world.random);
    assert_eq!(run(&world.app, &world.message(&unknown)).await.unwrap(), Outcome::NoCustomer);
    let mut elsewhere = customer;
    elsewhere.partner = PartnerId::parse("11111111-2222-3333-4444-555555555556").unwrap();
    assert_eq!(run(&world.app, &world.message(&elsewhere)).await.unwrap(), Outcome::NoCustomer);
    assert!(matches!(run(&world.app, "{}").await, Err(ScanError::Malformed(_))));
}

/// The same customer with what a partner said beside.
fn enrolled(enrolment: domain::enrolment::Enrolment, world: &World) -> (Customer, Change) {
    let start = Onboarding {
        id: CustomerId::new(&*world.clock, &*world.random),
        partner: world.partner,
        cif: CifNumber::draw(&*world.random),
        party: person("Mira", "Oduya", Some("1988-02-14")),
        client_identifier: None,
        primaries: Vec::new(),
    };
    let (mut customer, mut change) = Customer::onboard(start, world.clock.now());
    customer.enrol(None, enrolment, &mut change);
    (customer, change)
}

impl World {
    async fn reviews(&self, customer: &Customer) -> Vec<serde_json::Value> {
        let reviews = store::reviews::Reviews::new(self.database.customers());
        reviews.history(customer.partner, customer.id).await.unwrap()
    }

    fn to_remember(&self, customer: &Customer) -> String {
        let run = EventId::new(&*self.clock, &*self.random);
        let (partner, customer) = (customer.partner, customer.id);
        serde_json::to_string(&ScanRequest { partner, customer, run, work: Work::Remember })
            .unwrap()
    }
}

#[tokio::test]
async fn a_due_review_is_made_once_and_a_refresh_adds_another() {
    use domain::enrolment::{Enrolment, Processing, SandboxOutcome};
    use domain::verification::{Standing, Verification};
    let world = world();
    for (outcome, verification, standing) in [
        (SandboxOutcome::Verified, Verification::Verified, Standing::Verified),
        (SandboxOutcome::Review, Verification::Review, Standing::Review),
        (SandboxOutcome::Rejected, Verification::Rejected, Standing::Rejected),
    ] {
        let enrolment = Enrolment {
            processing: Some(Processing::Background),
            sandbox_outcome: Some(outcome),
            ..Enrolment::default()
        };
        let (customer, change) = enrolled(enrolment, &world);
        assert_eq!(customer.standing(), Standing::Pending);
        world.write(None, &customer, &change).await;
        run(&world.app, &world.message(&customer)).await.unwrap();
        let found = world.now(&customer).await;
        assert_eq!((found.verification, found.standing()), (verification, standing));
        assert_eq!(world.reviews(&customer).await.len(), 1);
        // Another screening is no other review.
        run(&world.app, &world.message(&customer)).await.unwrap();
        assert_eq!(world.reviews(&customer).await.len(), 1);
        let mut asked = found.clone();
        let change = asked.request_review(world.clock.now()).unwrap();
        world.write(Some(&found), &asked, &change).await;
        assert_eq!(world.now(&customer).await.standing(), Standing::Pending);
        run(&world.app, &world.message(&customer)).await.unwrap();
        assert_eq!(world.now(&customer).await.standing(), standing);
        let history = world.reviews(&customer).await;
        assert_eq!(history.len(), 2, "the first one stands");
    }
}

#[tokio::test]
async fn a_skipped_review_is_not_made_and_the_screening_is() {
    use domain::enrolment::{Enrolment, Processing};
    let world = world();
    let enrolment = Enrolment { processing: Some(Processing::Skip), ..Enrolment::default() };
    let (customer, change) = enrolled(enrolment, &world);
    world.write(None, &customer, &change).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    let found = world.now(&customer).await;
    assert_eq!(found.verification, domain::verification::Verification::NotAsked);
    assert_eq!(found.ofac.status, ScanStatus::Clear);
    assert!(world.reviews(&customer).await.is_empty());
}

#[tokio::test]
async fn an_erased_customer_is_purged_however_often_it_is_asked() {
    let world = world();
    let customer = world.onboard(person("Bob", "Smith", Some("1953-09-22"))).await;
    run(&world.app, &world.message(&customer)).await.unwrap();
    assert_eq!(run(&world.app, &world.to_remember(&customer)).await.unwrap(), Outcome::Remembered);
    let found = world.now(&customer).await;
    let actor = actor();
    let erasure =
        store::customers::Erasure { customer: &found, actor: &actor, now: world.clock.now() };
    let transaction = world.app.customers.prepare_erasure(&erasure).await.unwrap();
    transaction.commit(&world.database.customers()).await.unwrap();
    for work in
        [world.to_remember(&customer), world.message(&customer), world.to_remember(&customer)]
    {
        assert_eq!(run(&world.app, &work).await.unwrap(), Outcome::NoCustomer);
    }
    let items = world.database.dump(&world.database.customers()).await;
    let left: Vec<&str> = items
        .iter()
        .filter(|item| store::text(item, "pk").unwrap().ends_with(&customer.id.to_string()))
        .map(|item| store::text(item, "sk").unwrap())
        .collect();
    assert!(
        left.iter()
            .all(|sk| *sk == "ERASED" || sk.starts_with("AUDIT#") || sk.starts_with("EVENT#")),
        "{left:?}"
    );
    assert!(
        !items.iter().any(|item| store::text(item, "pk").unwrap().starts_with("NETWORK#")),
        "forgotten"
    );
}
