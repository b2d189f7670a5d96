//! The whole of compliance in one process: a table, a bucket, a queue, the refresh and the worker, over the sample lists.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use compliance::{Editions, Manifest};
use crypto::test_support::key_ring;
use domain::audit::Actor;
use domain::calendar::BirthDate;
use domain::choices::AddressType;
use domain::contact::{Address, ContactBody, ContactId, ContactKind};
use domain::country::Country;
use domain::customer::{Business, Change, Customer, Onboarding, Party, Person};
use domain::event::Work;
use domain::ids::{CifNumber, ClientId, CustomerId, EventId, PartnerId};
use domain::name::PersonName;
use domain::profile::{BusinessProfile, PersonProfile};
use domain::text::Text;
use domain::time::{Clock, FixedClock, Random, SequenceRandom};
use runtime::Bucket;
use store::Item;
use store::customers::{Commit, Customers};
use store::testing::TestDatabase;
use vetting::Vetter;

use crate::refresh::{self, Report};
use crate::scan_queue::{ScanMessage, ScanQueue, ScanRequest};
use crate::scan_worker::{self, Outcome, ScanError};

pub(crate) const PARTNER: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const MANIFEST: &str = "manifest.json";
/// So many entries that one may leave the list without its looking cut off.
const FILLERS: usize = 40;

/// A person on the list of politically exposed persons: key, name, role.
pub(crate) type Listed<'a> = (&'a str, &'a str, &'a str);

pub(crate) struct World {
    pub(crate) app: scan_worker::App,
    pub(crate) refresh: refresh::App,
    pub(crate) database: TestDatabase,
    pub(crate) bucket: Bucket,
    pub(crate) queue: ScanQueue,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) random: Arc<SequenceRandom>,
    pub(crate) partner: PartnerId,
    scratch: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.scratch);
    }
}

fn sample(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/screening/samples");
    std::fs::read(folder.join(file)).unwrap()
}

impl World {
    /// With the sample lists in force and their first sweeps done.
    pub(crate) async fn new() -> Self {
        let world = Self::without_lists();
        world.put_sources().await;
        world.list(&[]).await;
        world.refreshed().await;
        world.drain().await;
        world
    }

    /// With an empty bucket.
    pub(crate) fn without_lists() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("compliance-{}-{number}", std::process::id());
        let scratch = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&scratch).unwrap();
        let database = TestDatabase::new();
        let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24Z"));
        let random = Arc::new(SequenceRandom::default());
        let customers = Customers::new(
            database.customers(),
            key_ring(Arc::clone(&clock) as _, Arc::clone(&random) as _),
            Arc::clone(&clock) as _,
            Arc::clone(&random) as _,
        );
        let (bucket, queue) = (Bucket::in_memory(), ScanQueue::in_memory());
        let editions = Editions::new(bucket.reader(), MANIFEST.to_owned(), scratch.clone());
        let clock_of = || Arc::clone(&clock) as Arc<dyn Clock>;
        let vetter =
            Vetter::new(&customers, editions, clock_of(), Arc::clone(&random) as Arc<dyn Random>);
        let by = (clock_of(), Arc::clone(&random) as Arc<dyn Random>);
        let app = scan_worker::App::for_test(customers, vetter, by, queue.clone());
        let table = database.customers();
        let refresh =
            refresh::App::for_test(bucket.clone(), MANIFEST, table, queue.clone(), clock_of());
        let partner = PartnerId::parse(PARTNER).unwrap();
        Self { app, refresh, database, bucket, queue, clock, random, partner, scratch }
    }

    /// A second worker of the same deployment, with a memory and a disk of its own.
    pub(crate) fn another_worker(&self) -> scan_worker::App {
        let folder = self.scratch.join("other");
        std::fs::create_dir_all(&folder).unwrap();
        let editions = Editions::new(self.bucket.reader(), MANIFEST.to_owned(), folder);
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let customers = self.app.customers.clone();
        let vetter = Vetter::new(
            &customers,
            editions,
            Arc::clone(&clock),
            Arc::clone(&self.random) as Arc<dyn Random>,
        );
        let by = (clock, Arc::clone(&self.random) as Arc<dyn Random>);
        scan_worker::App::for_test(customers, vetter, by, self.queue.clone())
    }

    pub(crate) async fn put_sources(&self) {
        for file in ["sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"] {
            let key = format!("ofac/{file}");
            self.bucket.put(&key, sample(&key)).await.unwrap();
        }
        self.bucket.put("sources.json", sample("sources.json")).await.unwrap();
    }

    /// The sample list of politically exposed persons with these as well.
    pub(crate) async fn list(&self, more: &[Listed<'_>]) {
        self.put_people("pep/targets.simple.csv", more).await;
    }

    /// A file of people, the sample's and these.
    pub(crate) async fn put_people(&self, key: &str, more: &[Listed<'_>]) {
        self.clock.advance(jiff::SignedDuration::from_secs(1));
        let mut text = String::from_utf8(sample("pep/targets.simple.csv")).unwrap();
        for number in 0..FILLERS {
            let name = format!("{}ovar {}eskold", syllables(number), syllables(number + 7));
            text.push_str(&row((&format!("F-{number:02}"), &name, "")));
        }
        for listed in more {
            text.push_str(&row(*listed));
        }
        self.bucket.put(key, text.into_bytes()).await.unwrap();
    }

    pub(crate) async fn refreshed(&self) -> std::collections::BTreeMap<String, Report> {
        refresh::run(&self.refresh, &refresh::Asked::default()).await.unwrap()
    }

    pub(crate) async fn manifest(&self) -> Manifest {
        let (bytes, _) = self.bucket.get(MANIFEST).await.unwrap().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Lists these as well, refreshes, and does all that follows.
    pub(crate) async fn edition(&self, more: &[Listed<'_>]) {
        self.list(more).await;
        self.refreshed().await;
        self.drain().await;
    }

    /// Does everything on the queue, and what that puts there.
    pub(crate) async fn drain(&self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        loop {
            let messages = self.queue.take();
            if messages.is_empty() {
                return outcomes;
            }
            for (_, message) in messages {
                outcomes.push(self.deliver(&message, 1).await.unwrap());
            }
        }
    }

    pub(crate) async fn deliver(
        &self,
        message: &ScanMessage,
        receives: u32,
    ) -> Result<Outcome, ScanError> {
        let body = serde_json::to_string(message).unwrap();
        scan_worker::run(&self.app, &body, receives).await
    }

    pub(crate) async fn onboard(&self, party: Party) -> Customer {
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

    /// Taken on and screened.
    pub(crate) async fn screened(&self, party: Party) -> Customer {
        let customer = self.onboard(party).await;
        self.screen(&customer).await;
        self.now(&customer).await
    }

    pub(crate) async fn screen(&self, customer: &Customer) -> Outcome {
        scan_worker::run(&self.app, &self.message(customer), 1).await.unwrap()
    }

    pub(crate) async fn write(&self, before: Option<&Customer>, after: &Customer, change: &Change) {
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

    /// Changes a customer as somebody through the API would.
    pub(crate) async fn change(
        &self,
        customer: &Customer,
        step: impl FnOnce(&mut Customer, jiff::Timestamp) -> Change,
    ) -> Customer {
        let before = self.now(customer).await;
        let mut after = before.clone();
        let change = step(&mut after, self.clock.now());
        self.write(Some(&before), &after, &change).await;
        self.now(customer).await
    }

    /// Gives a customer a further address.
    pub(crate) async fn add_address(&self, customer: &Customer, country: &str) {
        let id = ContactId::new(ContactKind::Address, &*self.clock, &*self.random);
        let body = ContactBody::Address(Address {
            address_type: AddressType::Home,
            classification: None,
            street1: Text::parse("1 Rue").unwrap(),
            street2: None,
            city: Text::parse("Ville").unwrap(),
            state: None,
            postal_code: None,
            country: Country::parse(country).unwrap(),
        });
        let step =
            |customer: &mut Customer, now| customer.add_contact(id, body, false, &[], now).unwrap();
        self.change(customer, step).await;
    }

    pub(crate) fn message(&self, customer: &Customer) -> String {
        let run = EventId::new(&*self.clock, &*self.random);
        let (partner, customer) = (customer.partner, customer.id);
        let request = ScanRequest { partner, customer, run, work: Work::Screen, since: None };
        serde_json::to_string(&request).unwrap()
    }

    pub(crate) async fn now(&self, customer: &Customer) -> Customer {
        self.app.customers.get(customer.partner, customer.id).await.unwrap().unwrap()
    }

    pub(crate) async fn items(&self, prefix: &str) -> Vec<Item> {
        let items = self.database.dump(&self.database.customers()).await;
        let matches = |item: &Item| store::text(item, "sk").unwrap().starts_with(prefix);
        items.into_iter().filter(matches).collect()
    }

    pub(crate) async fn events(&self) -> usize {
        self.items("EVENT#").await.len()
    }

    pub(crate) async fn evidence(&self) -> Vec<Item> {
        self.items("SCREENING#").await
    }
}

/// A row of `targets.simple.csv`: id, schema, name, …, program_ids.
fn row((id, name, role): Listed<'_>) -> String {
    format!(
        "\"{id}\",\"Person\",\"{name}\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"Test\",\"{role}\"\n"
    )
}

/// Names that are like nothing else.
fn syllables(number: usize) -> String {
    const PARTS: [&str; 8] = ["Brum", "Zilg", "Quov", "Thrax", "Wemb", "Plyk", "Drosk", "Hjun"];
    let part = |at: usize| PARTS.get(at % PARTS.len()).copied().unwrap_or_default();
    format!("{}{}", part(number), part(number / PARTS.len() + 3).to_lowercase())
}

pub(crate) fn person(first: &str, last: &str, born: Option<&str>) -> Party {
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

pub(crate) fn business(name: &str) -> Party {
    Party::Business(Business {
        name: Text::parse(name).unwrap(),
        profile: BusinessProfile::default(),
        due_diligence: None,
    })
}

pub(crate) fn actor() -> Actor {
    Actor {
        client: ClientId::parse("client-1").unwrap(),
        who: "test".to_owned(),
        source_ip: None,
        request_id: "r-1".to_owned(),
    }
}
