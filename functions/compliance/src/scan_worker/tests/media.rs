//! Adverse media, which no scan of a contract covers: a later entry moves a verified customer to review, by the sweep or
//! by the night, and once however often it is said.

use domain::scan::Scan;
use domain::verification::{Standing, Verdict, Verification};
use serde_json::{Value, json};

use super::*;
use crate::scan_queue::ScanMessage;
use crate::testing::Listed;

const FILE: &str = "news/targets.simple.csv";
const ANA: Listed<'static> = ("N-1", "Anatolia Quillson", "");
const ALTERED: Listed<'static> = ("N-1", "Anatolia Quillson", "role.head");

impl World {
    /// With a list of adverse media beside the others.
    async fn with_media(listed: &[Listed<'_>]) -> Self {
        let world = Self::new().await;
        let (bytes, _) = world.bucket.get("sources.json").await.unwrap().unwrap();
        let mut sources: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        sources.push(json!({
            "id": "news", "name": "News", "topic": "adverseMedia", "format": "opensanctions-csv",
            "files": [{ "name": "targets.simple.csv", "location": format!("bucket:{FILE}") }]
        }));
        world.bucket.put("sources.json", serde_json::to_vec(&sources).unwrap()).await.unwrap();
        world.media(listed).await;
        world.drain().await;
        world
    }

    /// An edition in force; what follows is on the queue.
    async fn media(&self, listed: &[Listed<'_>]) {
        self.put_people(FILE, listed).await;
        self.refreshed().await;
    }

    async fn ana(&self) -> Customer {
        let made = self.screened(person("Anatolia", "Quillson", None)).await;
        assert_eq!((made.standing(), self.reviews(&made).await.len()), (Standing::Verified, 1));
        made
    }

    /// Does everything on the queue, each message twice; answers for whom a screening was asked.
    async fn drain_twice(&self) -> Vec<CustomerId> {
        let mut asked = Vec::new();
        loop {
            let messages = self.queue.take();
            if messages.is_empty() {
                return asked;
            }
            for (_, message) in messages {
                if let ScanMessage::Customer(request) = &message {
                    asked.push(request.customer);
                }
                for receives in [1, 2] {
                    self.deliver(&message, receives).await.unwrap();
                }
            }
        }
    }

    /// The night's screening, by the editions in force.
    async fn night(&self, customer: &Customer) -> Outcome {
        self.clock.advance(SignedDuration::from_hours(24));
        self.screen(customer).await
    }

    /// In review by the entry, told once, and as the other contract sees it what it was.
    async fn is_moved(&self, before: &Customer, events: usize) {
        let moved = self.now(before).await;
        assert_eq!((moved.standing(), moved.version), (Standing::Review, before.version + 1));
        assert_eq!((&moved.ofac, &moved.pep_scan), (&before.ofac, &before.pep_scan));
        assert_eq!(moved.verification, Verification::Verified);
        assert_eq!(self.events().await, events + 1, "the standing, and no scan");
        let history = self.reviews(before).await;
        assert_eq!(history.len(), 2);
        let [first, last] = &history[..] else { panic!("two entries") };
        assert_eq!(first["cause"], "opened");
        assert_eq!((&last["cause"], &last["decision"]), (&json!("listed"), &json!("review")));
        let found = &last["assessment"]["watch_list"];
        assert_eq!(found["finding"]["codes"], json!(["R185"]), "{found}");
        let [named] = &found["searched"]["matches"].as_array().unwrap()[..] else {
            panic!("one match")
        };
        assert!(named["entry"].as_str().unwrap().starts_with("news/N-1@"), "{named}");
        let trail = self.app.customers.audit_trail(before.partner, before.id).await.unwrap();
        let fields = &trail.last().unwrap().fields;
        assert_eq!((fields[0].as_str(), fields.len()), ("adverseMedia", 2));
        assert!(fields[1].starts_with("screening/"), "what it rests on is bound");
        let chain = self.app.customers.verify_audit(before.partner, before.id).await.unwrap();
        assert!(chain.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_sweep_moves_whom_adverse_media_name_later_and_nobody_else() {
    let world = World::with_media(&[]).await;
    let ana = world.ana().await;
    let bob = world.screened(person("Bob", "Smith", None)).await;
    let events = world.events().await;
    world.media(&[ANA]).await;
    assert_eq!(world.drain_twice().await, [ana.id]);
    world.is_moved(&ana, events).await;
    assert_eq!(world.now(&bob).await, bob);
    let found = world.evidence().await;
    let named = found.iter().filter_map(|item| item.get("adverseMedia")?.as_l().ok());
    let uids: Vec<&str> =
        named.flatten().filter_map(|hit| store::text(hit.as_m().ok()?, "uid")).collect();
    assert_eq!(uids, ["N-1"]);
    // Nights, and editions that change others, bring nothing more.
    let moved = world.now(&ana).await;
    world.media(&[ANA, ("N-2", "Bertil Oxenmark", "")]).await;
    assert!(world.drain_twice().await.is_empty());
    world.night(&ana).await;
    assert_eq!((world.now(&ana).await, world.reviews(&ana).await.len()), (moved, 2));
}

#[tokio::test]
async fn the_night_finds_it_as_well_and_a_late_sweep_then_nothing() {
    let world = World::with_media(&[]).await;
    let ana = world.ana().await;
    let events = world.events().await;
    world.media(&[ANA]).await;
    let late = world.queue.take();
    world.clock.advance(SignedDuration::from_hours(3));
    let night = world.message(&ana);
    assert_eq!(run(&world.app, &night).await.unwrap(), Outcome::Stored);
    assert_eq!(run(&world.app, &night).await.unwrap(), Outcome::Repeated);
    world.is_moved(&ana, events).await;
    for (_, message) in late {
        world.deliver(&message, 1).await.unwrap();
    }
    assert!(world.drain_twice().await.is_empty(), "known by now");
    world.is_moved(&ana, events).await;
}

#[tokio::test]
async fn what_a_person_accepted_stays_so_until_the_entry_is_altered() {
    let world = World::with_media(&[]).await;
    let ana = world.ana().await;
    world.media(&[ANA]).await;
    world.drain().await;
    let accept =
        |customer: &mut Customer, now| customer.decide_standing(Verdict::Verified, now).unwrap();
    let accepted = world.change(&ana, accept).await;
    assert_eq!(accepted.standing(), Standing::Verified);
    for listed in
        [&[ANA, ("N-2", "Bertil Oxenmark", "")][..], &[("N-3", "Dov Eskarin", "")], &[ANA]]
    {
        world.media(listed).await;
        world.drain().await;
        world.night(&ana).await;
        assert_eq!(world.now(&ana).await.standing(), Standing::Verified, "{listed:?}");
    }
    world.media(&[ALTERED]).await;
    world.drain().await;
    assert_eq!(world.now(&ana).await.standing(), Standing::Review);
    let history = world.reviews(&ana).await;
    assert_eq!(history.last().unwrap()["cause"], "listed");
}

#[tokio::test]
async fn what_left_the_list_takes_its_case_along() {
    let world = World::with_media(&[ANA]).await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    assert_eq!(ana.standing(), Standing::Review, "the first review finds it");
    let events = world.events().await;
    world.media(&[("N-2", "Bertil Oxenmark", "")]).await;
    assert_eq!(world.drain_twice().await, [ana.id]);
    let after = world.now(&ana).await;
    assert_eq!((after.standing(), &after.adverse_media), (Standing::Verified, &Scan::clear()));
    assert_eq!(world.events().await, events + 1);
    let history = world.reviews(&ana).await;
    assert_eq!(history.len(), 2);
    assert_eq!(
        (&history[1]["cause"], &history[1]["decision"]),
        (&json!("withdrawn"), &json!("accept"))
    );
    // Found by a first edition that holds everybody against the whole list.
    world.media(&[ANA]).await;
    assert_eq!(world.drain_twice().await, [ana.id]);
    assert_eq!(world.now(&ana).await.standing(), Standing::Review);
}

/// The same of a list's first edition, which comes after the customer.
#[tokio::test]
async fn a_first_list_of_adverse_media_is_held_against_everybody() {
    let world = World::new().await;
    let ana = world.ana().await;
    let events = world.events().await;
    let (bytes, _) = world.bucket.get("sources.json").await.unwrap().unwrap();
    let mut sources: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    let mut media = sources[1].clone();
    (media["id"], media["topic"]) = (json!("news"), json!("adverseMedia"));
    media["files"][0]["location"] = json!(format!("bucket:{FILE}"));
    sources.push(media);
    world.bucket.put("sources.json", serde_json::to_vec(&sources).unwrap()).await.unwrap();
    world.media(&[ANA]).await;
    assert_eq!(world.drain_twice().await, [ana.id]);
    world.is_moved(&ana, events).await;
}

#[tokio::test]
async fn whom_nobody_reviews_is_not_asked_for_and_does_not_change() {
    use domain::enrolment::{Enrolment, Processing};
    let world = World::with_media(&[]).await;
    let enrolment = Enrolment { processing: Some(Processing::Skip), ..Enrolment::default() };
    let (customer, change) = enrolled(enrolment, &world);
    world.write(None, &customer, &change).await;
    world.screen(&customer).await;
    let before = world.now(&customer).await;
    world.media(&[("N-1", "Mira Oduya", "")]).await;
    assert!(world.drain_twice().await.is_empty());
    world.night(&customer).await;
    assert_eq!(world.now(&customer).await, before);
    assert!(world.evidence().await.iter().all(|item| !item.contains_key("adverseMedia")));
    // Whoever asks for a review later is told.
    let ask = |customer: &mut Customer, now| customer.request_review(now).unwrap();
    world.change(&customer, ask).await;
    world.screen(&customer).await;
    let now = world.now(&customer).await;
    assert_eq!((now.standing(), now.adverse_media.status), (Standing::Review, ScanStatus::Failed));
}
