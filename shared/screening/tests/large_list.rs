//! A list of the size of the largest that is published, the politically exposed persons of the whole world: that it
//! parses, compiles, opens and is searched, and what that takes.
//!
//! `cargo test --release -p screening --test large_list -- --ignored --nocapture` runs it; it needs some 3 GB and a few
//! minutes of one core. The people are generated, the same ones each time.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use screening::{
    Config, Format, Index, ListEdition, ListInfo, Query, Scratch, Source, Topic, compile, parse,
    self_test,
};

/// Above the number of politically exposed persons that any publisher lists.
const PEOPLE: usize = 1_000_000;

const SYLLABLES: [&str; 32] = [
    "ka", "ro", "min", "tel", "va", "shi", "dor", "len", "gra", "pu", "sto", "ni", "bek", "zha",
    "or", "fin", "mar", "qui", "sel", "tov", "han", "ely", "dra", "os", "lu", "wem", "ji", "ab",
    "cre", "yo", "mbo", "thi",
];

const GIVEN: [&str; 16] = [
    "Maria", "José", "Mohammed", "Ana", "Ivan", "Olga", "Wei", "Juan", "Fatima", "Peter", "Elena",
    "Ahmed", "Carlos", "Anna", "David", "Svetlana",
];

/// A fixed sequence of numbers.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn word(&mut self, syllables: usize) -> String {
        (0..syllables).map(|_| SYLLABLES[self.below(SYLLABLES.len())]).collect()
    }

    /// As skewed as names are: half of all people share few given names, and a third few family names.
    fn name(&mut self) -> String {
        let given = if self.below(2) == 0 {
            GIVEN[self.below(GIVEN.len())].to_owned()
        } else {
            self.word(2)
        };
        let length = if self.below(3) == 0 { 2 } else { 3 };
        format!("{given} {} {}", self.word(2), self.word(length))
    }
}

fn person(number: usize) -> Sequence {
    Sequence(number as u64 ^ 0x9e37_79b9_7f4a_7c15)
}

fn list() -> String {
    let mut text = "id,schema,name,aliases,birth_date,countries,addresses,identifiers,sanctions,phones,emails,program_ids,dataset,first_seen,last_seen,last_change\n".to_owned();
    for number in 0..PEOPLE {
        let mut sequence = person(number);
        let name = sequence.name();
        let alias = if number % 3 == 0 { sequence.name() } else { String::new() };
        let year = 1930 + sequence.below(70);
        writeln!(
            text,
            "\"Q{number}\",\"Person\",\"{name}\",\"{alias}\",\"{year}-05-11\",\"mx\",\"\",\"\",\"\",\"\",\"\",\"\",\"Wikidata Politically Exposed Persons;Every Politician\",\"2023-04-20T12:20:37\",\"2026-11-20T18:02:01\",\"2026-03-04T12:12:12\""
        )
        .unwrap();
    }
    text
}

/// A line of `/proc/self/status`, in MiB; 0 where there is no such file.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    found.and_then(|text| text.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
        / 1024
}

#[test]
#[ignore = "takes minutes; see the module"]
fn a_list_of_a_million_people_is_within_every_limit() {
    let mut at = Instant::now();
    let mut step = |what: &str| {
        let (resident, peak) = (memory("VmRSS:"), memory("VmHWM:"));
        println!(
            "{what}: {:.1} s, {resident} MiB resident, peak {peak}",
            at.elapsed().as_secs_f64()
        );
        at = Instant::now();
        peak
    };
    let text = list();
    println!("{} MiB of rows", text.len() >> 20);
    assert!(text.len() < 512 << 20, "what `watchlist-refresh` fetches at most");
    let before = step("generated");
    let parsed =
        parse(Format::OpenSanctionsCsv, &[Source::new("targets.simple.csv", text.as_bytes())])
            .unwrap();
    assert_eq!((parsed.entities.len(), parsed.rejected.len()), (PEOPLE, 0));
    step("parsed");
    drop(text);
    let info = ListInfo::new("peps", "Politically exposed persons", Topic::Pep);
    let bytes = compile(&[ListEdition { info, entities: parsed.entities }]).unwrap();
    let peak = step("compiled");
    println!("index {} MiB, {} MiB above the rows", bytes.len() >> 20, peak - before);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large_list.gwi");
    std::fs::write(&path, &bytes).unwrap();
    drop(bytes);
    step("written");
    let index = Index::open(&path).unwrap();
    step("opened");
    assert_eq!(index.entity_count(), PEOPLE);
    let test = self_test(&index, &Config::default());
    assert!(
        test.passed(),
        "{} of {} names found, {} missed",
        test.found,
        test.tried,
        test.missed.len()
    );
    step("tested");
    let (config, mut scratch) = (Config::default(), Scratch::default());
    let (mut hits, mut most, mut incomplete) = (0, 0, 0);
    let searching = Instant::now();
    let mut slowest = 0.0f64;
    for number in (0..PEOPLE).step_by(PEOPLE / 500) {
        let name = person(number).name();
        let started = Instant::now();
        let found = index.screen(&mut scratch, &Query::person(&name), &config, &[]);
        slowest = slowest.max(started.elapsed().as_secs_f64());
        assert!(found.matches.iter().any(|found| found.uid == format!("Q{number}")), "{name}");
        hits += found.matches.len();
        most = most.max(found.matches.len());
        incomplete += usize::from(!found.is_complete);
    }
    println!(
        "listed names: {:.1} ms each, slowest {:.1}; {:.1} hits each, at most {most}, {incomplete} incomplete",
        searching.elapsed().as_secs_f64() * 2.0,
        slowest * 1e3,
        hits as f64 / 500.0
    );
    step("searched");
    std::fs::remove_file(path).unwrap();
}
