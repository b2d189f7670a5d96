//! Pages of sweeps: each counts once, whatever is killed, repeated or late.

use domain::scan::ScanStatus;
use proptest::prelude::*;

use super::*;
use crate::scan_queue::ScanMessage;
use crate::scan_worker::Outcome;
use crate::testing::{World, person};

const ANA: (&str, &str, &str) = ("Q-1", "Anatolia Quillson", "");

fn is_page(message: &ScanMessage) -> bool {
    matches!(message, ScanMessage::Page(_))
}

/// What is to be done at one point of a killed or repeated delivery.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    None,
    /// The message comes again although it was done.
    Twice,
    /// Killed after everything was sent and recorded, before the queue was told: it comes again as a repeated delivery.
    KilledLate,
    /// Killed after the page was counted, before the next page was sent.
    KilledBeforeNext,
    /// Killed after screenings were asked for, before the page was counted.
    KilledBeforeCount,
}

impl World {
    async fn parts(&self, sweep: EventId) -> Vec<Part> {
        let mut parts = Vec::new();
        for segment in 0..SEGMENTS {
            let key = SweepKey::new(sweep, segment);
            parts.extend(Part::load(self.app.customers.table(), &key).await.unwrap());
        }
        parts
    }

    async fn last_sweep(&self) -> EventId {
        sweep_of(self.manifest().await.changes.last().unwrap())
    }

    /// Delivers a message with a mishap. What a killed worker had not done is undone.
    async fn deliver_with(&self, message: &ScanMessage, mishap: Mishap) {
        let ScanMessage::Page(page) = message else {
            self.deliver(message, 1).await.unwrap();
            return;
        };
        let (table, key) = (self.app.customers.table(), SweepKey::new(page.sweep, page.segment));
        let before = Part::load(table, &key).await.unwrap();
        let held = self.queue.take();
        self.deliver(message, 1).await.unwrap();
        let sent = self.queue.take();
        let keep = |wanted: &dyn Fn(&ScanMessage) -> bool| {
            sent.iter().map(|(_, message)| message.clone()).filter(wanted).collect::<Vec<_>>()
        };
        let (survived, again) = match mishap {
            Mishap::None => (keep(&|_| true), None),
            Mishap::Twice => (keep(&|_| true), Some(1)),
            Mishap::KilledLate => (keep(&|_| true), Some(2)),
            Mishap::KilledBeforeNext => (keep(&|message| !is_page(message)), Some(2)),
            Mishap::KilledBeforeCount => {
                if let Some(before) = before {
                    let mut item: Item = to_item(&before).unwrap();
                    key.stamp(&mut item);
                    table.replace(item).await.unwrap();
                }
                (keep(&|message| !is_page(message)), Some(2))
            }
        };
        let held: Vec<ScanMessage> = held.into_iter().map(|(_, message)| message).collect();
        self.queue.send(&held, 0).await.unwrap();
        self.queue.send(&survived, 0).await.unwrap();
        if let Some(receives) = again {
            self.deliver(message, receives).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_page_counts_once_and_a_duplicate_does_not_double_the_walk() {
    let mut world = World::new().await;
    world.app.page_size = page::PAGE;
    for _ in 0..3 {
        world.screened(person("Bob", "Smith", None)).await;
    }
    world.list(&[ANA]).await;
    world.refreshed().await;
    let sweep = world.last_sweep().await;
    let messages: Vec<ScanMessage> = world.queue.take().into_iter().map(|(_, one)| one).collect();
    for message in &messages {
        assert_eq!(world.deliver(message, 1).await.unwrap(), Outcome::Swept);
        assert_eq!(world.deliver(message, 1).await.unwrap(), Outcome::Repeated);
        assert_eq!(world.deliver(message, 2).await.unwrap(), Outcome::Repeated);
    }
    assert!(world.queue.take().is_empty(), "everything is done: nobody is asked, nothing follows");
    let parts = world.parts(sweep).await;
    assert_eq!(parts.len(), usize::from(SEGMENTS));
    assert!(parts.iter().all(|part| part.done && part.page == 1));
    assert_eq!(parts.iter().map(|part| part.customers).sum::<u64>(), 3);
}

#[tokio::test]
async fn a_counted_page_whose_successor_was_not_sent_is_followed_by_it() {
    let world = World::new().await;
    world.list(&[ANA]).await;
    world.refreshed().await;
    let sweep = world.last_sweep().await;
    let (_, first) = world.queue.take().remove(0);
    let ScanMessage::Page(page) = &first else { panic!("a page") };
    // As if the segment had more pages.
    let key = SweepKey::new(sweep, page.segment);
    let part = Part { page: 1, done: false, ..Part::beginning(page, world.app.clock.now()) };
    let table = world.app.customers.table();
    let before = Part::load(table, &key).await.unwrap();
    assert!(part.save(table, &key, before.as_ref()).await.unwrap());
    assert!(!part.save(table, &key, before.as_ref()).await.unwrap(), "counted once");
    world.deliver(&first, 1).await.unwrap();
    assert!(world.queue.take().is_empty(), "a duplicate starts no second walk");
    world.deliver(&first, 2).await.unwrap();
    assert_eq!(world.queue.take(), [(0, ScanMessage::Page(part.next(sweep)))]);
    // Two pages on, it is late for good.
    let further = Part { page: 2, ..part.clone() };
    assert!(further.save(table, &key, Some(&part)).await.unwrap());
    world.deliver(&first, 2).await.unwrap();
    assert!(world.queue.take().is_empty());
}

#[tokio::test]
async fn a_worker_may_be_faster_than_the_record_of_its_segments_beginning() {
    let world = World::new().await;
    world.list(&[ANA]).await;
    world.refreshed().await;
    let (sweep, table) = (world.last_sweep().await, world.app.customers.table());
    let (_, first) = world.queue.take().remove(0);
    let ScanMessage::Page(page) = &first else { panic!("a page") };
    // The worker found nothing standing when it began; the beginning was recorded before it was through.
    let key = SweepKey::new(sweep, page.segment);
    let done = Part { page: 1, done: true, ..Part::beginning(page, world.app.clock.now()) };
    assert!(done.count(table, &key, None).await.unwrap());
    assert_eq!(Part::load(table, &key).await.unwrap().as_ref(), Some(&done));
    // Counted by now: not once more.
    assert!(!done.count(table, &key, None).await.unwrap());
    assert!(!done.count(table, &key, Some(Part::beginning(page, done.updated_at))).await.unwrap());
}

#[tokio::test]
async fn customers_with_further_addresses_and_unreadable_ones_are_not_passed_over() {
    let mut world = World::new().await;
    world.app.page_size = page::PAGE;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    let bob = world.screened(person("Bob", "Smith", None)).await;
    for customer in [&ana, &bob] {
        for country in ["FR", "US"] {
            world.add_address(customer, country).await;
        }
        world.screen(customer).await;
    }
    // A record that only the screening itself can say what is wrong with.
    let carl = world.screened(person("Carl", "Jones", None)).await;
    let key = store::keys::CustomerKey::new(carl.partner, carl.id);
    let mut item = world.app.customers.table().get(&key).await.unwrap().unwrap();
    item.remove("common");
    world.app.customers.table().replace(item).await.unwrap();
    world.list(&[ANA]).await;
    world.refreshed().await;
    let mut asked = Vec::new();
    for (_, message) in world.queue.take() {
        world.deliver(&message, 1).await.unwrap();
    }
    for (_, message) in world.queue.take() {
        let ScanMessage::Customer(request) = &message else { panic!("no further page") };
        asked.push(request.customer);
        assert_eq!(world.deliver(&message, 1).await.is_err(), request.customer == carl.id);
    }
    asked.sort();
    assert_eq!(asked, [ana.id, carl.id]);
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Failed);
}

#[test]
fn a_change_has_one_sweep() {
    let change = |to: &str, second: i64| ListChange {
        list: "pep".to_owned(),
        from: Some("a".to_owned()),
        to: to.to_owned(),
        delta: "d".to_owned(),
        made_at: Timestamp::from_second(1_769_381_724 + second).unwrap(),
    };
    assert_eq!(sweep_of(&change("b", 0)), sweep_of(&change("b", 0)));
    assert_ne!(sweep_of(&change("b", 0)), sweep_of(&change("c", 0)));
    assert_ne!(sweep_of(&change("b", 0)), sweep_of(&change("b", 1)), "the same move, made again");
}

fn mishaps() -> impl Strategy<Value = Vec<Mishap>> {
    let mishap = prop_oneof![
        Just(Mishap::None),
        Just(Mishap::Twice),
        Just(Mishap::KilledLate),
        Just(Mishap::KilledBeforeNext),
        Just(Mishap::KilledBeforeCount),
    ];
    proptest::collection::vec(mishap, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is killed or comes twice, and in whichever order: everybody whom the edition concerns has its answer once.
    #[test]
    fn a_sweep_ends_with_every_answer_once(mishaps in mishaps(), from_the_end in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let mut listed = Vec::new();
            for number in 0..24 {
                let concerned = number % 6 == 0;
                let party = if concerned {
                    person("Anatolia", "Quillson", None)
                } else {
                    person("Bob", "Smith", None)
                };
                let made = world.screened(party).await;
                if concerned {
                    listed.push(made);
                }
            }
            let events = world.events().await;
            world.list(&[ANA]).await;
            world.refreshed().await;
            let sweep = world.last_sweep().await;
            let mut mishap = mishaps.iter().cycle();
            for _ in 0..2_000 {
                let mut messages = world.queue.take();
                if messages.is_empty() {
                    break;
                }
                let at = if from_the_end { messages.len() - 1 } else { 0 };
                let (_, message) = messages.remove(at);
                let rest: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
                world.queue.send(&rest, 0).await.unwrap();
                world.deliver_with(&message, *mishap.next().unwrap()).await;
            }
            assert!(world.queue.take().is_empty(), "the sweep ends");
            let parts = world.parts(sweep).await;
            assert_eq!(parts.iter().map(|part| part.customers).sum::<u64>(), 24);
            assert!(parts.iter().any(|part| part.page > 1), "some segment has several pages");
            assert!(parts.iter().all(|part| part.done));
            for customer in &listed {
                assert_eq!(world.now(customer).await.pep_scan.status, ScanStatus::Failed);
            }
            // One of the scan and one of the standing.
            assert_eq!(world.events().await, events + 2 * listed.len(), "each told once");
        });
    }
}
