//! Vetting over a real expression engine, with small lists and stand-ins for the providers.

mod media;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use compliance::review::provider::{Confirmed, Delivery, Pending};
use compliance::review::{Cause, Code, PostalAddress};
use domain::audit::Actor;
use domain::calendar::BirthDate;
use domain::choices::EmailType;
use domain::contact::{ContactBody, ContactId, Email};
use domain::customer::{Change, Onboarding, Party, Person};
use domain::email::EmailAddress;
use domain::enrolment::{Device, Enrolment};
use domain::ids::{CifNumber, ClientId, CustomerId, PartnerId};
use domain::name::PersonName;
use domain::network::Outcome;
use domain::profile::PersonProfile;
use domain::tax::{TaxId, TaxIdType, TaxIdentity};
use domain::text::Text;
use domain::time::{FixedClock, SequenceRandom};
use domain::verification::{Standing, Verdict};
use screening::{Entity, EntityType, Index, ListEdition, ListInfo, compile};
use serde_json::Value;
use store::customers::Commit;
use store::testing::TestDatabase;

use super::*;

mod agreeing;
mod listed;
mod remembering;
mod sharing;

/// A list of one person.
fn list(id: &str, topic: Topic, name: &str) -> Index {
    let entities = vec![Entity::new("1", EntityType::Person, name)];
    let bytes = compile(&[ListEdition { info: ListInfo::new(id, id, topic), entities }]).unwrap();
    Index::from_bytes(bytes).unwrap()
}

const SANCTIONED: &str = "Volodar Quistzle";
const EXPOSED: &str = "Perpetua Grandmaster";

static SETS: LazyLock<BTreeMap<&'static str, Arc<EditionSet>>> = LazyLock::new(|| {
    let sanctions = || list("ofac-sdn", Topic::Sanctions, SANCTIONED);
    let exposed = || list("peps", Topic::Pep, EXPOSED);
    BTreeMap::from([
        ("both", EditionSet::of(vec![sanctions(), exposed()])),
        ("no list of exposed persons", EditionSet::of(vec![sanctions()])),
        ("exposed persons awaited", EditionSet::of(vec![sanctions()]).awaiting(Topic::Pep)),
        ("sanctions awaited", EditionSet::of(vec![exposed()]).awaiting(Topic::Sanctions)),
        (
            "a second sanctions list awaited",
            EditionSet::of(vec![sanctions(), exposed()]).awaiting(Topic::Sanctions),
        ),
    ])
    .into_iter()
    .map(|(name, set)| (name, Arc::new(set)))
    .collect()
});

fn set(name: &str) -> Arc<EditionSet> {
    Arc::clone(&SETS[name])
}

struct World {
    customers: Customers,
    vetter: Vetter,
    clock: Arc<FixedClock>,
    random: Arc<SequenceRandom>,
}

impl World {
    fn new() -> Self {
        Self::with(|vetter| vetter)
    }

    fn with(provided: impl FnOnce(Vetter) -> Vetter) -> Self {
        let database = TestDatabase::new();
        let clock = Arc::new(FixedClock::at_text("2026-01-25T22:55:24Z"));
        let random = Arc::new(SequenceRandom::default());
        let (time, chance): (Arc<dyn Clock>, Arc<dyn Random>) = (clock.clone(), random.clone());
        let ring = database.key_ring(&time, &chance);
        let customers = Customers::new(database.customers(), ring, time, chance);
        // Each test brings its lists; what is in force cannot be had.
        let nothing: compliance::ObjectReader = Arc::new(|_| Box::pin(async { Ok(None) }));
        let editions = Editions::new(nothing, "manifest.json".to_owned(), std::env::temp_dir());
        let vetter =
            Vetter::new(&customers, editions, Arc::clone(&clock) as _, Arc::clone(&random) as _);
        Self { customers, vetter: provided(vetter), clock, random }
    }

    /// A new customer in memory, with an address of its own, and no number or date that only a provider can confirm.
    fn person(&self, name: &str, outcome: Option<SandboxOutcome>) -> (Customer, Change) {
        self.enrolled(name, outcome, PersonProfile::default())
    }

    fn enrolled(
        &self,
        name: &str,
        sandbox_outcome: Option<SandboxOutcome>,
        profile: PersonProfile,
    ) -> (Customer, Change) {
        let (first, last) = name.split_once(' ').unwrap();
        let name = PersonName {
            prefix: None,
            first: Text::parse(first).unwrap(),
            middle: None,
            last: Some(Text::parse(last).unwrap()),
            suffix: None,
            preferred: None,
        };
        let id = CustomerId::new(&*self.clock, &*self.random);
        let email = Email {
            email_type: EmailType::Personal,
            address: EmailAddress::parse(&format!(
                "{}.{}@example.com",
                last.to_lowercase(),
                &id.to_string()[24..]
            ))
            .unwrap(),
        };
        let body = ContactBody::Email(email);
        let start = Onboarding {
            id,
            partner: PartnerId::parse("11111111-2222-3333-4444-555555555555").unwrap(),
            cif: CifNumber::draw(&*self.random),
            party: Party::Personal(Person { name, profile, due_diligence: None }),
            client_identifier: None,
            primaries: vec![(ContactId::new(body.kind(), &*self.clock, &*self.random), body)],
        };
        let (mut customer, mut change) = Customer::onboard(start, self.clock.now());
        let enrolment = Enrolment {
            device: Some(Device::parse("203.0.113.9").unwrap()),
            sandbox_outcome,
            ..Enrolment::default()
        };
        customer.enrol(None, enrolment, &mut change);
        (customer, change)
    }

    async fn vet(&self, customer: &Customer, set: &mut Arc<EditionSet>) -> Vetted {
        let latest = self.vetter.latest(customer);
        self.vetter.vet(customer, &[], (set, &latest), self.clock.now()).await.unwrap()
    }

    /// Vets and writes a new customer, as a request does; answers it as it is read.
    async fn taken_on(&self, name: &str, outcome: Option<SandboxOutcome>, lists: &str) -> Customer {
        let (mut customer, mut change) = self.person(name, outcome);
        let vetted = self.vet(&customer, &mut set(lists)).await;
        customer.reviewed(&vetted.vetting, &mut change);
        self.write(None, &customer, &change, Some(&vetted)).await;
        self.read(&customer).await
    }

    async fn write(
        &self,
        before: Option<&Customer>,
        after: &Customer,
        change: &Change,
        vetted: Option<&Vetted>,
    ) {
        let actor = Actor {
            client: ClientId::parse("client-1").unwrap(),
            who: "client-1".to_owned(),
            source_ip: None,
            request_id: "r-1".to_owned(),
        };
        let now = self.clock.now();
        let evidence = vetted.map(|vetted| vetted.evidence(after, now).unwrap());
        let evidence = evidence.into_iter().collect();
        let commit = Commit { before, after, change, actor: &actor, now, owner: None, evidence };
        let mut transaction = self.customers.prepare(commit).await.unwrap();
        if let Some(vetted) = vetted {
            self.vetter.add_review(&mut transaction, after, &vetted.review).unwrap();
        }
        transaction.commit(self.customers.table()).await.unwrap();
    }

    async fn read(&self, customer: &Customer) -> Customer {
        self.customers.get(customer.partner, customer.id).await.unwrap().unwrap()
    }

    async fn history(&self, customer: &Customer) -> Vec<Review> {
        let reviews = Reviews::new(self.customers.table().clone());
        reviews.history(customer.partner, customer.id).await.unwrap()
    }
}

#[tokio::test]
async fn a_customer_stands_where_its_lists_and_matches_put_it() {
    use Standing::{Review as InReview, Verified};
    let world = World::new();
    let somebody = "Mira Oduya";
    for (name, lists, standing, ofac, pep) in [
        (somebody, "both", Verified, ScanStatus::Clear, ScanStatus::Clear),
        // What is not configured is held against nobody.
        (somebody, "no list of exposed persons", Verified, ScanStatus::Clear, ScanStatus::Pending),
        // A list that is to be searched and is not there clears nobody.
        (somebody, "exposed persons awaited", InReview, ScanStatus::Clear, ScanStatus::Pending),
        (somebody, "sanctions awaited", InReview, ScanStatus::Pending, ScanStatus::Clear),
        (
            somebody,
            "a second sanctions list awaited",
            InReview,
            ScanStatus::Pending,
            ScanStatus::Clear,
        ),
        // A match holds the scan that found it.
        (SANCTIONED, "both", InReview, ScanStatus::Failed, ScanStatus::Clear),
        (EXPOSED, "both", InReview, ScanStatus::Clear, ScanStatus::Failed),
        (EXPOSED, "no list of exposed persons", Verified, ScanStatus::Clear, ScanStatus::Pending),
    ] {
        let made = world.taken_on(name, None, lists).await;
        let case = format!("{name}, {lists}");
        assert_eq!(made.standing(), standing, "{case}");
        assert_eq!((made.ofac.status, made.pep_scan.status), (ofac, pep), "{case}");
        let review = &world.history(&made).await[0];
        let codes = &review.assessment.watch_list.finding.codes;
        assert_eq!(codes.contains(&Code::G001), lists == "no list of exposed persons", "{case}");
        assert_eq!(codes.contains(&Code::G002), lists.contains("awaited"), "{case}");
        // A match is the scan's alone; a missing list is the identity's as well.
        let held = made.verification == Verification::Review;
        assert_eq!(held, lists.contains("awaited"), "{case}");
    }
}

/// Whoever acts for a business stands in its scans.
#[tokio::test]
async fn a_match_of_a_representative_is_held_by_the_scan_of_the_business() {
    let world = World::new();
    for (representative, standing) in
        [(SANCTIONED, Standing::Review), ("Ann Harbor", Standing::Verified)]
    {
        let (mut firm, mut change) = world.person("Mira Oduya", None);
        firm.party = Party::Business(domain::customer::Business {
            name: Text::parse("Blue Harbor Bakery LLC").unwrap(),
            profile: domain::profile::BusinessProfile::default(),
            due_diligence: None,
        });
        let enrolment = firm.enrolment.as_mut().unwrap();
        enrolment.representatives = Some(vec![domain::enrolment::Representative {
            name: Text::parse(representative).unwrap(),
            email: None,
            phone: None,
        }]);
        let vetted = world.vet(&firm, &mut set("both")).await;
        firm.reviewed(&vetted.vetting, &mut change);
        assert_eq!(firm.standing(), standing, "{representative}");
        // The business's scan holds it, so that every later edition is held against it as well.
        assert_eq!(firm.ofac.status == ScanStatus::Failed, standing == Standing::Review);
        let matches = &vetted.review.assessment.watch_list.searched.as_ref().unwrap().matches;
        let entities: Vec<&str> =
            matches.iter().filter_map(|found| Some(found.entry.split_once('@')?.0)).collect();
        let held: Vec<&str> = firm.ofac.hits.keys().map(|hit| hit.as_str()).collect();
        assert_eq!(entities, held, "{representative}");
    }
}

#[tokio::test]
async fn a_prescribed_end_is_the_end_and_the_modules_say_what_they_found() {
    let world = World::new();
    for (outcome, standing, decision) in [
        (SandboxOutcome::Verified, Standing::Verified, Decision::Accept),
        (SandboxOutcome::Review, Standing::Review, Decision::Review),
        (SandboxOutcome::Rejected, Standing::Rejected, Decision::Reject),
    ] {
        for lists in ["both", "sanctions awaited"] {
            let made = world.taken_on(SANCTIONED, Some(outcome), lists).await;
            assert_eq!(made.standing(), standing, "{outcome:?}, {lists}");
            let review = &world.history(&made).await[0];
            assert_eq!(
                (review.decision, review.rule.as_str()),
                (decision, &*format!("sandbox_outcome.{decision}"))
            );
            let found = review.assessment.watch_list.finding.codes.contains(&Code::R180);
            assert_eq!(found, lists == "both");
        }
    }
    let plain = world.taken_on("Mira Oduya", Some(SandboxOutcome::Standard), "both").await;
    assert_eq!(plain.standing(), Standing::Verified, "the checks decide");
}

#[tokio::test]
async fn a_review_is_due_when_asked_for_and_when_an_awaited_list_has_come() {
    let world = World::new();
    let held = world.taken_on("Mira Oduya", None, "exposed persons awaited").await;
    for (lists, due) in [
        ("exposed persons awaited", false),
        ("sanctions awaited", true),
        ("both", true),
        // Nobody wants such a list any more: no list of that kind has come, so there is nothing new to look at.
        ("no list of exposed persons", false),
    ] {
        assert_eq!(Vetter::is_due(&held, &set(lists)), due, "{lists}");
    }
    // Reviewed again, it goes on in the same history.
    let vetted = world.vet(&held, &mut set("both")).await;
    let (mut after, now) = (held.clone(), world.clock.now());
    let change = after.vetted(held.subject_revision, &vetted.vetting, now).unwrap();
    world.write(Some(&held), &after, &change, Some(&vetted)).await;
    let after = world.read(&held).await;
    assert_eq!((after.standing(), after.pep_scan.status), (Standing::Verified, ScanStatus::Clear));
    let history = world.history(&held).await;
    assert_eq!(history.iter().map(|review| review.number).collect::<Vec<_>>(), [1, 2]);
    assert_ne!(history[0].review_id, history[1].review_id);
    assert!(!Vetter::is_due(&after, &set("both")), "once");

    let mut decided = held.clone();
    decided.decide_standing(Verdict::Rejected, now).unwrap();
    assert!(!Vetter::is_due(&decided, &set("both")), "a person has decided");
    let mut asked = after.clone();
    asked.request_review(now).unwrap();
    assert!(Vetter::is_due(&asked, &set("sanctions awaited")), "whatever lists there are");
    let _change = asked.deactivate(now);
    assert!(!Vetter::is_due(&asked, &set("both")), "nobody is in business with it");
    let mut unasked = held.clone();
    unasked.verification = Verification::NotAsked;
    assert!(!Vetter::is_due(&unasked, &set("both")));
}

#[tokio::test]
async fn a_new_customer_costs_one_batch_read_and_a_known_one_a_query_beside() {
    let world = World::new();
    let meter = world.customers.table().meter();
    let (new, _) = world.person("Mira Oduya", None);
    // The partner's data keys are fetched once per process.
    world.vet(&new, &mut set("both")).await;
    meter.take();
    world.vet(&new, &mut set("both")).await;
    assert_eq!(meter.take().round_trips, 1);
    let made = world.taken_on("Mira Oduya", None, "both").await;
    let mut changed = made.clone();
    changed.request_review(world.clock.now()).unwrap();
    meter.take();
    world.vet(&changed, &mut set("both")).await;
    assert_eq!(meter.take().round_trips, 2);
}

#[tokio::test]
async fn what_was_found_is_written_with_the_customer_or_not_at_all() {
    let world = World::new();
    let made = world.taken_on("Mira Oduya", None, "both").await;
    let (partner, id) = (made.partner, made.id);
    let table = world.customers.table();
    let shown = latest_review(table, partner, id).await.unwrap().unwrap();
    assert_eq!(
        (&shown["decision"], &shown["decided_by"]["rule"]),
        (&"accept".into(), &"all_modules.accept".into())
    );
    let nobody = CustomerId::new(&*world.clock, &*world.random);
    assert!(latest_review(table, partner, nobody).await.unwrap().is_none());

    // A second writer that saw the same entry is refused, evidence and all.
    let items = async || {
        let query = store::Query::partition(format!("P#{partner}#C#{id}"));
        table.query_all(&query).await.unwrap().len()
    };
    let before = items().await;
    let (one, two) =
        (world.vet(&made, &mut set("both")).await, world.vet(&made, &mut set("both")).await);
    for (vetted, written) in [(one, true), (two, false)] {
        let mut transaction = Transaction::new();
        let item = vetted.evidence(&made, world.clock.now()).unwrap();
        transaction.put_new("screening", table, item);
        world.vetter.add_review(&mut transaction, &made, &vetted.review).unwrap();
        assert_eq!(transaction.commit(table).await.is_ok(), written);
    }
    assert_eq!(items().await, before + 2, "one piece of evidence, one entry");
}

#[tokio::test]
async fn a_persons_decision_is_an_entry_of_its_own() {
    let world = World::new();
    let made = world.taken_on("Mira Oduya", Some(SandboxOutcome::Review), "both").await;
    let (table, now) = (world.customers.table(), world.clock.now());
    let mut transaction = Transaction::new();
    add_decision(table, &mut transaction, &made, Some(Verdict::Verified), "client-1", now)
        .await
        .unwrap();
    transaction.commit(table).await.unwrap();
    let history = world.history(&made).await;
    assert_eq!((history.len(), history[1].decision), (2, Decision::Accept));
    assert_eq!(history[1].cause, Cause::Decided { by: "client-1".to_owned() });
    assert_eq!(history[1].review_id, history[0].review_id, "about the same run");
    // A customer that was never reviewed has no history to add to.
    let (unknown, _) = world.person("Nobody Known", None);
    let mut transaction = Transaction::new();
    add_decision(table, &mut transaction, &unknown, Some(Verdict::Rejected), "x", now)
        .await
        .unwrap();
    assert!(transaction.is_empty());
}

/// A provider that says the same of everybody.
struct Says(IdentityAnswer, DeliveryAnswer);

impl IdentityProvider for Says {
    fn confirm<'a>(&'a self, _: &'a Applicant) -> Pending<'a, IdentityAnswer> {
        Box::pin(async { self.0.clone() })
    }
}

impl AddressProvider for Says {
    fn delivery<'a>(&'a self, _: &'a PostalAddress) -> Pending<'a, DeliveryAnswer> {
        Box::pin(async { self.1 })
    }
}

#[tokio::test]
async fn a_number_is_verified_by_a_provider_alone_and_its_silence_is_told() {
    let yes = Confirmed {
        first_name: Some(true),
        last_name: Some(true),
        birth_date: Some(true),
        tax_id: Some(true),
        ..Confirmed::default()
    };
    let dead = Confirmed { deceased: true, ..yes.clone() };
    let answered = |confirmed| Some(IdentityAnswer::Answered(Box::new(confirmed)));
    for (answer, standing, silent) in [
        (None, Standing::Review, false),
        (Some(IdentityAnswer::Unavailable), Standing::Review, true),
        (answered(yes), Standing::Verified, false),
        (answered(dead), Standing::Rejected, false),
    ] {
        let world = World::with(|vetter| match &answer {
            Some(answer) => {
                vetter.with_identity(Arc::new(Says(answer.clone(), DeliveryAnswer::NotConfigured)))
            }
            None => vetter,
        });
        let number = TaxId::parse("219099876", TaxIdType::Ssn).unwrap();
        let mut profile = PersonProfile {
            birth_date: Some(BirthDate::restore("1988-02-14").unwrap()),
            ..PersonProfile::default()
        };
        profile.common.tax = Some(TaxIdentity::new(TaxIdType::Ssn, Some(number)).unwrap());
        let (mut customer, mut change) = world.enrolled("Mira Oduya", None, profile);
        let vetted = world.vet(&customer, &mut set("both")).await;
        customer.reviewed(&vetted.vetting, &mut change);
        assert_eq!(customer.standing(), standing, "{answer:?}");
        let kyc = vetted.review.assessment.kyc.as_ref().unwrap();
        assert_eq!(kyc.finding.codes.contains(&Code::G003), silent, "{answer:?}");
    }
    // Without an address there is nothing to ask the address service.
    let delivery = DeliveryAnswer::Answered(Delivery {
        deliverability: compliance::review::provider::Deliverability::Undeliverable,
        kind: None,
        corrected: false,
    });
    let world = World::with(|vetter| {
        vetter.with_delivery(Arc::new(Says(IdentityAnswer::NotConfigured, delivery)))
    });
    let made = world.taken_on("Mira Oduya", None, "both").await;
    assert_eq!(made.standing(), Standing::Verified);
    assert!(world.history(&made).await[0].assessment.breakdown.address.is_none());
}

/// A hit is withdrawn only by the editions in force, and here these cannot be had.
#[tokio::test]
async fn older_lists_take_no_hit_away() {
    let world = World::new();
    let made = world.taken_on(SANCTIONED, None, "both").await;
    assert_eq!(made.ofac.status, ScanStatus::Failed);
    let mut older =
        Arc::new(EditionSet::of(vec![list("ofac-sdn", Topic::Sanctions, "Somebody Else")]));
    let latest = world.vetter.latest(&made);
    match world.vetter.vet(&made, &[], (&mut older, &latest), world.clock.now()).await {
        Err(error) => assert!(error.is_for_later(), "{error}"),
        Ok(vetted) => assert!(vetted.vetting.ofac.withdrawn.is_empty()),
    }
}

#[test]
fn evidence_says_which_run_of_which_revision() {
    // The customer's facts are not in it, only their fingerprint.
    let world = World::new();
    let (customer, _) = world.person("Mira Oduya", None);
    let found = screen_customer(&customer, &[], &set("both"), &Config::default());
    let run = EventId::new(&*world.clock, &*world.random);
    let record = Evidence::of(run, &found.screening, 7, world.clock.now());
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!(
        (json["run"].as_str().unwrap(), json["subjectRevision"].as_u64()),
        (run.to_string().as_str(), Some(7))
    );
    assert_eq!(json["lists"].as_array().unwrap().len(), 2);
    assert!(!json.to_string().contains("Oduya"));
}
