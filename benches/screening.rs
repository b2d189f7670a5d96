//! How long screening takes: compiling, opening, searching, and streaming customers past a delta.
//!
//! Invariant: runs without downloads. Lists are generated from syllables by a fixed recipe; where the shared benchmark
//! data stands beside the repository, the full SDN list is measured as well.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has failed")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use screening::{
    Config, Entity, EntityType, Format, Index, ListEdition, ListInfo, NameKind, Query, Scratch,
    Source, Topic, compile, parse,
};
use std::hint::black_box;
use std::path::{Path, PathBuf};

const SYLLABLES: [&str; 24] = [
    "ka", "ro", "min", "tel", "va", "shi", "dor", "len", "gra", "pu", "sto", "ni", "bek", "zha",
    "or", "fin", "mar", "qui", "sel", "tov", "han", "ely", "dra", "os",
];

/// A name from a number: the same number gives the same name.
fn invented(number: usize) -> String {
    let mut state = number as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut word = |syllables: usize| {
        (0..syllables).map(|_| SYLLABLES[next(SYLLABLES.len())]).collect::<String>()
    };
    format!("{} {} {}", word(2), word(2), word(3))
}

fn list(count: usize) -> ListEdition {
    let entities = (0..count)
        .map(|number| {
            let kind = if number % 2 == 0 { EntityType::Person } else { EntityType::Organisation };
            let mut entity = Entity::new(&format!("{number:06}"), kind, &invented(number));
            entity.add_name(&invented(number + 1_000_000), NameKind::Strong);
            entity
        })
        .collect();
    ListEdition { info: ListInfo::new("generated", "Generated", Topic::Sanctions), entities }
}

fn index(count: usize) -> Index {
    Index::from_bytes(compile(&[list(count)]).expect("the list compiles")).expect("the index opens")
}

fn shared_list() -> Option<PathBuf> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/screening/sdn_full.jsonl");
    path.exists().then_some(path)
}

fn search(criterion: &mut Criterion, name: &str, index: &Index, queries: &[Query]) {
    let config = Config::default();
    let mut scratch = Scratch::default();
    let mut at = 0;
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            at = (at + 1) % queries.len();
            black_box(index.search_with(&mut scratch, &queries[at], &config))
        });
    });
}

fn benches(criterion: &mut Criterion) {
    let twenty_thousand = index(20_000);
    let innocent: Vec<Query> =
        (0..500).map(|number| Query::person(&invented(number + 5_000_000))).collect();
    let listed: Vec<Query> = (0..500).map(|number| Query::person(&invented(number * 2))).collect();
    search(criterion, "search 20k generated, innocent", &twenty_thousand, &innocent);
    search(criterion, "search 20k generated, listed", &twenty_thousand, &listed);
    let delta = index(100);
    search(criterion, "search delta of 100, innocent", &delta, &innocent);

    let thousand = list(1_000);
    criterion.bench_function("compile 1k generated", |bencher| {
        bencher
            .iter(|| compile(black_box(std::slice::from_ref(&thousand))).map(|bytes| bytes.len()));
    });
    let bytes = compile(&[list(20_000)]).expect("the list compiles");
    criterion.bench_function("open 20k generated", |bencher| {
        bencher.iter_batched(
            || bytes.clone(),
            |bytes| Index::from_bytes(bytes).is_ok(),
            BatchSize::LargeInput,
        );
    });

    match shared_list() {
        Some(path) => {
            let text = std::fs::read(&path).expect("the shared list reads");
            let parsed = parse(Format::Jsonl, &[Source::new("sdn_full.jsonl", &text)])
                .expect("the shared list parses");
            let names: Vec<Query> = parsed
                .entities
                .iter()
                .step_by(40)
                .map(|entity| Query::named(entity.entity_type, entity.display_name()))
                .collect();
            let info = ListInfo::new("sdn", "SDN", Topic::Sanctions);
            let bytes = compile(&[ListEdition { info, entities: parsed.entities }])
                .expect("the list compiles");
            let sdn = Index::from_bytes(bytes).expect("the index opens");
            search(criterion, "search SDN, its own names", &sdn, &names);
            search(criterion, "search SDN, innocent", &sdn, &innocent);
        }
        None => println!("the shared SDN list is absent: its measurements are skipped"),
    }
}

criterion_group!(screening_benches, benches);
criterion_main!(screening_benches);
