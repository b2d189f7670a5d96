//! Accuracy and speed on the shared tuning sets. Skips, saying so, where they are absent.
//!
//! A build with debug assertions takes every fifth query and checks no speed; `cargo test --release` takes them all.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use screening::{
    Config, EntityType, Format, Index, ListEdition, ListInfo, Query, Scratch, Source, Topic,
    compile, parse,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

fn data(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

fn index_of(path: &str) -> Option<Index> {
    let bytes = std::fs::read(data(path)?).unwrap();
    let parsed = parse(Format::Jsonl, &[Source::new(path, &bytes)]).unwrap();
    assert!(parsed.rejected.is_empty());
    let list = ListEdition {
        info: ListInfo::new("t", "Test", Topic::Sanctions),
        entities: parsed.entities,
    };
    Some(Index::from_bytes(compile(&[list]).unwrap()).unwrap())
}

struct Case {
    uid: String,
    kind: EntityType,
    name: String,
}

fn cases(path: &str) -> Option<Vec<Case>> {
    let step = if cfg!(debug_assertions) { 5 } else { 1 };
    let text = std::fs::read_to_string(data(path)?).unwrap();
    let case = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        Case {
            uid: fields[0].to_owned(),
            kind: EntityType::parse(fields[1]),
            name: fields[2].to_owned(),
        }
    };
    Some(text.lines().skip(1).step_by(step).map(case).collect())
}

/// For each case the rank of the expected entry, its score, and the best score.
fn answers(index: &Index, cases: &[Case]) -> Vec<(Option<usize>, f64, f64)> {
    let (config, mut scratch) = (Config::default(), Scratch::default());
    cases
        .iter()
        .map(|case| {
            let ranked =
                index.rank(&mut scratch, &Query::named(case.kind, &case.name), &config, 100);
            let rank = ranked.iter().position(|hit| hit.uid == case.uid);
            let score = rank.and_then(|rank| ranked.get(rank)).map_or(0.0, |hit| hit.score);
            (rank, score, ranked.first().map_or(0.0, |hit| hit.score))
        })
        .collect()
}

fn share(
    answers: &[(Option<usize>, f64, f64)],
    test: impl Fn(&(Option<usize>, f64, f64)) -> bool,
) -> f64 {
    answers.iter().filter(|answer| test(answer)).count() as f64 / answers.len() as f64
}

#[test]
fn the_tuning_sets_reach_their_targets() {
    let (Some(sdn), Some(held), Some(eu)) = (
        index_of("screening/sdn_full.jsonl"),
        index_of("screening/sdn_index_heldout.jsonl"),
        index_of("screening/eu_index_latin.jsonl"),
    ) else {
        return;
    };
    let threshold = Config::default().threshold;
    let innocent = answers(&sdn, &cases("screening/q_negatives_us.tsv").unwrap());
    let global = answers(&sdn, &cases("screening/q_negatives_global.tsv").unwrap());
    let mut best: Vec<f64> = innocent.iter().map(|(_, _, best)| *best).collect();
    best.sort_unstable_by(|one, other| other.total_cmp(one));
    // The score above which at most one innocent name in a hundred raises an alert.
    let one_percent = best[best.len() / 100];

    let mutations = answers(&sdn, &cases("screening/q_mutations.tsv").unwrap());
    let aliases = answers(&held, &cases("screening/q_alias_heldout.tsv").unwrap());
    let scripts = answers(&eu, &cases("screening/q_cross_script.tsv").unwrap());
    let first = |answers: &[_]| share(answers, |(rank, _, _)| *rank == Some(0));
    let recalled = |answers: &[_]| share(answers, |(_, score, _)| *score > one_percent);
    for (what, value, least) in [
        ("mutations R@1", first(&mutations), if cfg!(debug_assertions) { 0.985 } else { 0.991 }),
        ("mutations recall at 1 %", recalled(&mutations), 0.985),
        ("aliases R@10", share(&aliases, |(rank, _, _)| rank.is_some_and(|rank| rank < 10)), 0.855),
        ("aliases recall at 1 %", recalled(&aliases), 0.73),
        ("other scripts R@1", first(&scripts), 0.82),
        ("other scripts recall at 1 %", recalled(&scripts), 0.72),
    ] {
        println!("{what}: {value:.3} (at least {least})");
        assert!(value >= least, "{what}: {value:.3} < {least}");
    }
    for (what, answers) in [("US", &innocent), ("global", &global)] {
        let alarms = share(answers, |(_, _, best)| *best >= threshold);
        println!("false alarms, {what}: {alarms:.4}");
        assert!(alarms <= 0.008, "{what}: {alarms}");
    }
}

#[test]
fn every_listed_name_is_found_first_and_fast() {
    let Some(path) = data("screening/sdn_full.jsonl") else { return };
    let bytes = std::fs::read(path).unwrap();
    let parsed = parse(Format::Jsonl, &[Source::new("sdn", &bytes)]).unwrap();
    let names: Vec<(String, EntityType, String)> = parsed
        .entities
        .iter()
        .flat_map(|entity| {
            entity
                .names
                .iter()
                .map(|name| (entity.uid.clone(), entity.entity_type, name.text.clone()))
        })
        .step_by(if cfg!(debug_assertions) { 40 } else { 1 })
        .collect();
    let list = ListEdition {
        info: ListInfo::new("t", "Test", Topic::Sanctions),
        entities: parsed.entities,
    };
    let compiled = compile(&[list]).unwrap();
    assert!(compiled.len() <= 6_000_000, "{} bytes", compiled.len());
    assert_opens_small_and_fast(&compiled);
    let index = Index::from_bytes(compiled).unwrap();
    let (config, mut scratch) = (Config::default(), Scratch::default());
    let started = Instant::now();
    let mut first = 0;
    for (uid, kind, name) in &names {
        let ranked = index.rank(&mut scratch, &Query::named(*kind, name), &config, 100);
        let top = ranked.first().map_or(0.0, |hit| hit.score);
        first += usize::from(ranked.first().is_some_and(|hit| hit.uid == *uid));
        // Entries that share a name share its rank.
        let found = ranked.iter().find(|hit| hit.uid == *uid).map_or(0.0, |hit| hit.score);
        assert!(found >= 0.99 && top - found < 0.0005, "{name}: {found} below {top}");
    }
    let mean = started.elapsed().as_secs_f64() * 1e6 / names.len() as f64;
    println!("{} names, {mean:.0} microseconds each, {first} first", names.len());
    assert!(first * 1000 >= names.len() * 985, "{first} of {}", names.len());
}

/// As the binary reports it, which holds nothing but the index.
fn assert_opens_small_and_fast(compiled: &[u8]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (index, queries) = (folder.join("accuracy.gwi"), folder.join("accuracy.tsv"));
    std::fs::write(&index, compiled).unwrap();
    std::fs::write(&queries, "1\tperson\tAna Quill\tother\n".repeat(50)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_watchlist"))
        .args([Path::new("batch"), &index, &queries])
        .output()
        .unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    let of = |name: &str| figures.get(name).and_then(serde_json::Value::as_f64).unwrap();
    println!("open {} ms, {} bytes resident", of("openMillis"), of("residentBytes"));
    assert!(of("residentBytes") <= f64::from(40 << 20), "{figures}");
    // A development build takes longer to check the file.
    assert!(of("openMillis") <= if cfg!(debug_assertions) { 500.0 } else { 5.0 }, "{figures}");
}

/// Processor time of this thread so far; 0 where the kernel does not tell.
fn busy_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// Every seventh entry with all that the list says of it, and innocent people with a birth date and a country.
#[test]
fn a_screening_with_all_that_is_known_is_complete_and_fast() {
    let Some(path) = data("screening/sdn_full.jsonl") else { return };
    let Some(innocent) = cases("screening/q_negatives_us.tsv") else { return };
    let parsed =
        parse(Format::Jsonl, &[Source::new("sdn", &std::fs::read(path).unwrap())]).unwrap();
    let listed: Vec<(Query, String)> = parsed
        .entities
        .iter()
        .step_by(7)
        .map(|entity| {
            let born = entity.birth_dates.first().map_or_else(String::new, ToString::to_string);
            let mut query = Query::named(entity.entity_type, entity.display_name()).born(&born);
            query.countries.extend(entity.nationalities.iter().chain(&entity.countries).cloned());
            (query, entity.uid.clone())
        })
        .collect();
    let free: Vec<(Query, String)> = innocent
        .iter()
        .enumerate()
        .map(|(at, case)| {
            let born = format!("{}-{:02}-{:02}", 1945 + at % 60, 1 + at % 12, 1 + at % 28);
            (Query::person(&case.name).born(&born).country("US"), String::new())
        })
        .collect();
    let info = ListInfo::new("t", "Test", Topic::Sanctions);
    let index =
        Index::from_bytes(compile(&[ListEdition { info, entities: parsed.entities }]).unwrap())
            .unwrap();
    let (config, mut scratch) = (Config::default(), Scratch::default());
    for (what, queries) in [("listed", &listed), ("innocent", &free)] {
        let (mut micros, mut hits) = (Vec::new(), 0);
        let busy = busy_seconds();
        for (query, uid) in queries {
            let started = Instant::now();
            let found = index.screen(&mut scratch, query, &config, &[]);
            micros.push(started.elapsed().as_secs_f64() * 1e6);
            assert!(found.is_complete);
            assert!(uid.is_empty() || found.matches.iter().any(|found| found.uid == *uid), "{uid}");
            hits += found.matches.len();
        }
        micros.sort_unstable_by(f64::total_cmp);
        let count = micros.len();
        println!(
            "{what}: {count} screenings, {hits} hits, mean {:.0} microseconds of processor time; by the clock half below {:.0}, 99 in 100 below {:.0}",
            (busy_seconds() - busy) * 1e6 / count as f64,
            micros[count / 2],
            micros[count * 99 / 100]
        );
    }
}

#[test]
fn the_published_lists_parse() {
    let folder = "watchlists/ofac_2022_listlookup";
    for (format, files, least) in [
        (
            Format::OfacCsv,
            vec!["sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"],
            (folder, 9_000),
        ),
        (
            Format::OfacCsv,
            vec!["cons_prim.csv", "cons_alt.csv", "cons_add.csv", "cons_comments.csv"],
            ("watchlists/ofac_nonsdn_2025_watchman", 440),
        ),
        (Format::UnXml, vec!["UN_consolidated.xml"], ("watchlists/un_2026_watchman", 1_000)),
        (Format::CslCsv, vec!["csl.csv"], ("watchlists/other_watchman", 100)),
    ] {
        let (folder, least) = least;
        let Some(files) = files
            .iter()
            .map(|file| Some((*file, std::fs::read(data(&format!("{folder}/{file}"))?).unwrap())))
            .collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let sources: Vec<Source<'_>> =
            files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
        let parsed = parse(format, &sources).unwrap();
        println!(
            "{folder}: {} entries, {} rows skipped",
            parsed.entities.len(),
            parsed.rejected.len()
        );
        assert!(
            parsed.entities.len() >= least && parsed.rejected.len() <= 5,
            "{:?}",
            parsed.rejected
        );
        assert!(
            parsed
                .entities
                .iter()
                .any(|entity| !entity.birth_dates.is_empty() || format == Format::CslCsv)
        );
    }
}
