//! How many customers a second one processor holds against a delta of 100 entries, through the worker's own code.
//!
//! Not run with the tests: `cargo test --release -p compliance-functions --lib measure -- --ignored --nocapture`. Time is
//! processor time of this thread. The first figure is what the worker does with a page's items: reading them, matching,
//! deciding. The second is whole pages, over a database in the same process whose own work is in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use compliance::{ListDelta, OpenDelta, delta_key, index_key};
use domain::ids::{CustomerId, EventId};
use screening::{
    Entity, EntityType, Format, Index, ListEdition, ListInfo, Source, Topic, compile, parse,
};

use super::page::{PAGE, concerned};
use super::*;
use crate::testing::{World, person};

const CUSTOMERS: usize = 1_000_000;
/// How many of them are in the database, which is slow to fill.
const STORED: usize = 1_000;
const ENTRIES: usize = 100;

/// Time that this thread has had a processor for.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn shared(file: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/screening");
    std::fs::read(folder.join(file)).ok()
}

/// Pronounceable and the same every time.
fn word(mut number: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "ka", "ro", "min", "tel", "va", "shi", "dor", "len", "gra", "pu", "sto", "ni", "bek",
        "mar", "sel", "han",
    ];
    let mut word = String::new();
    for _ in 0..3 {
        word.push_str(SYLLABLES[number % SYLLABLES.len()]);
        number = number / SYLLABLES.len() + 7;
    }
    word
}

/// Given and family names: of real people, mixed, where the shared data stands beside the repository.
fn names() -> (Vec<String>, Vec<String>) {
    let text = ["q_negatives_us.tsv", "q_negatives_global.tsv"]
        .into_iter()
        .filter_map(shared)
        .filter_map(|bytes| String::from_utf8(bytes).ok())
        .collect::<String>();
    let whole = text.lines().skip(1).filter_map(|line| line.split('\t').nth(2));
    let pairs = whole.filter_map(|name| name.split_once(' '));
    let (first, last): (Vec<_>, Vec<_>) =
        pairs.map(|(first, last)| (first.to_owned(), last.to_owned())).unzip();
    if first.is_empty() {
        return ((0..700).map(word).collect(), (700..1_400).map(word).collect());
    }
    (first, last)
}

fn delta_index() -> Vec<u8> {
    let entities = match shared("sdn_full.jsonl") {
        Some(bytes) => {
            let parsed = parse(Format::Jsonl, &[Source::new("sdn_full.jsonl", &bytes)]).unwrap();
            let step = parsed.entities.len() / ENTRIES;
            parsed.entities.into_iter().step_by(step).take(ENTRIES).collect()
        }
        None => (0..ENTRIES)
            .map(|number| {
                let name = format!("{} {}", word(number), word(number * 31));
                Entity::new(&number.to_string(), EntityType::Person, &name)
            })
            .collect::<Vec<_>>(),
    };
    assert_eq!(entities.len(), ENTRIES);
    compile(&[ListEdition { info: ListInfo::new("pep", "Delta", Topic::Pep), entities }]).unwrap()
}

#[tokio::test]
#[ignore = "a measurement"]
async fn measure_a_delta_of_100_entries_against_many_customers() {
    let mut world = World::new().await;
    world.app.page_size = PAGE;
    let (first, last) = names();
    let template = world.screened(person("Given", "Family", Some("1980-03-06"))).await;
    let table = world.app.customers.table();
    let key = store::keys::CustomerKey::new(template.partner, template.id);
    let template = table.get(&key).await.unwrap().unwrap();
    let text = |value: String| AttributeValue::S(value);
    let partner = world.partner;
    let customer = |number: usize| {
        let given = &first[number % first.len()];
        let family = &last[(number * 7 + number / first.len()) % last.len()];
        let born = format!("{}-{:02}-{:02}", 1940 + number % 60, 1 + number % 12, 1 + number % 28);
        let id = CustomerId::from(uuid::Uuid::from_u128(number as u128));
        let mut item = template.clone();
        item.insert("id".to_owned(), text(id.to_string()));
        item.insert("listSk".to_owned(), text(format!("{number:013}#{id}")));
        store::keys::CustomerKey::new(partner, id).stamp(&mut item);
        let mut named = item["person"].as_m().unwrap().clone();
        named.insert("first".to_owned(), text(given.clone()));
        named.insert("last".to_owned(), text(family.clone()));
        named.insert("birthDate".to_owned(), text(born));
        item.insert("person".to_owned(), AttributeValue::M(named));
        item
    };
    for number in 0..STORED {
        table.put(customer(number), Expression::absent()).await.unwrap();
    }
    let bytes = delta_index();
    let name = screening::sha256_hex(&bytes);
    let from = Some("0".repeat(64));
    let delta = ListDelta { from, ..ListDelta::first("pep", &name, ENTRIES as u64) };
    let text = serde_json::to_vec(&delta).unwrap();
    let delta_name = screening::sha256_hex(&text);
    world.bucket.put(&delta_key(&delta_name), text).await.unwrap();
    world.bucket.put(&index_key(&name), bytes.clone()).await.unwrap();
    let message = |segment| SweepPage {
        sweep: EventId::from(uuid::Uuid::from_u128(7)),
        list: "pep".to_owned(),
        edition: name.clone(),
        delta: delta_name.clone(),
        segment,
        segments: SEGMENTS,
        page: 0,
        cursor: None,
    };

    // The worker's own work, on items as the index gives them.
    let index = Index::from_bytes(bytes).unwrap();
    let open = OpenDelta::new(delta_name.clone(), delta, Some(Arc::new(index)));
    let (mut spent, mut asked) = (Duration::ZERO, 0);
    for from in (0..CUSTOMERS).step_by(usize::from(PAGE)) {
        let page: Vec<Item> =
            (from..CUSTOMERS.min(from + usize::from(PAGE))).map(&customer).collect();
        let before = processor_time();
        asked += concerned(&world.app, &message(0), &open, page).await.unwrap().len();
        spent += processor_time() - before;
    }
    report("pages' items", CUSTOMERS, spent, asked);

    world.queue.send(&(0..SEGMENTS).map(message).collect::<Vec<_>>(), 0).await.unwrap();
    let (before, mut requests) = (processor_time(), 0);
    loop {
        let messages = world.queue.take();
        if messages.is_empty() {
            break;
        }
        for (_, message) in messages {
            match message {
                crate::ScanMessage::Page(_) => drop(world.deliver(&message, 1).await.unwrap()),
                crate::ScanMessage::Customer(_) => requests += 1,
            }
        }
    }
    // The template is one of them.
    report("whole pages, database included", STORED + 1, processor_time() - before, requests);
}

fn report(what: &str, customers: usize, spent: Duration, asked: usize) {
    let each = spent.as_secs_f64() / customers as f64;
    println!(
        "{what}: {customers} customers in {:.2} s, {:.0} a second, {:.1} s for a million; {asked} asked for",
        spent.as_secs_f64(),
        1.0 / each,
        each * 1e6,
    );
}
