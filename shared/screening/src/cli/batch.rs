//! Many queries against one index, timed.
//!
//! Invariant: the answer to a query does not depend on the number of threads.

use super::{Arguments, CliError, open, text};
use crate::{Config, EntityType, Index, Query, Scratch};
use std::io::Write;
use std::time::Instant;

struct Answers {
    lines: Vec<String>,
    micros: Vec<f64>,
}

pub(super) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<(), CliError> {
    let path = arguments.word(0, "INDEX")?;
    let queries_path = arguments.word(1, "QUERIES.tsv")?;
    let top = arguments.number("top", 100)?;
    let threads = arguments.number("threads", 1)?.max(1);
    let config = arguments.config()?;
    let text = text(queries_path)?;
    let (queries, lines) = queries_of(&text);
    if queries.is_empty() {
        let what = "a query: the columns are expected_uid, type, query, kind";
        return Err(CliError::Nothing { path: queries_path.to_owned(), what });
    }
    let reading = Instant::now();
    crate::text::lexicon::lexicon();
    let tables_ms = reading.elapsed().as_secs_f64() * 1e3;
    let opening = Instant::now();
    let index = open(path)?;
    let open_ms = opening.elapsed().as_secs_f64() * 1e3;
    let started = Instant::now();
    let size = queries.len().div_ceil(threads).max(1);
    let answers: Vec<Answers> = all_of(std::thread::scope(|scope| {
        let workers: Vec<_> = queries
            .chunks(size)
            .map(|part| {
                scope.spawn({
                    let (index, config) = (&index, &config);
                    move || answer(index, config, part, top)
                })
            })
            .collect();
        workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    }))?;
    let seconds = started.elapsed().as_secs_f64();
    let mut micros: Vec<f64> = Vec::with_capacity(queries.len());
    for answers in answers {
        for line in answers.lines {
            out.write_all(line.as_bytes())?;
        }
        micros.extend(answers.micros);
    }
    micros.sort_unstable_by(f64::total_cmp);
    let count = micros.len().max(1) as f64;
    let at = |share: f64| {
        micros.get(((micros.len() as f64 * share) as usize).min(micros.len().saturating_sub(1)))
    };
    let percentile = |share: f64| at(share).copied().unwrap_or(0.0);
    let figures = serde_json::json!({
        "queries": micros.len(),
        "meanMicros": (micros.iter().sum::<f64>() / count * 10.0).round() / 10.0,
        "p50Micros": percentile(0.50),
        "p95Micros": percentile(0.95),
        "p99Micros": percentile(0.99),
        "queriesPerSecond": (micros.len() as f64 / seconds).round(),
        "residentBytes": resident_bytes(),
        "indexBytes": index.byte_count(),
        "linesWithoutQuery": lines - queries.len(),
        "openMillis": open_ms,
        "tablesMillis": tables_ms,
        "entities": index.entity_count(),
        "threads": threads,
    });
    eprintln!("{figures}");
    Ok(())
}

/// What all threads answered. Some answers are worse than none: a reader cannot tell which are missing.
fn all_of<T>(results: Vec<std::thread::Result<T>>) -> Result<Vec<T>, CliError> {
    results.into_iter().map(|result| result.map_err(|_| CliError::BrokeOff)).collect()
}

/// A query and the line it stands on, from 1 for the first after the header.
struct Asked<'t> {
    line: usize,
    entity_type: EntityType,
    name: &'t str,
}

/// The queries, and how many lines there are. The columns are expected_uid, type, query, kind; the header names itself. Lines
/// without a query are counted and not answered.
fn queries_of(text: &str) -> (Vec<Asked<'_>>, usize) {
    let first = |line: &str| line.split('\t').next().unwrap_or(line).trim().to_ascii_lowercase();
    let header = text.lines().take_while(|line| first(line) == "expected_uid").count();
    let (mut queries, mut lines) = (Vec::new(), 0);
    for (at, line) in text.lines().skip(header).enumerate() {
        lines = at + 1;
        let mut fields = line.split('\t').skip(1);
        let (Some(kind), Some(name)) = (fields.next(), fields.next()) else { continue };
        if !name.trim().is_empty() {
            queries.push(Asked { line: at + 1, entity_type: EntityType::parse(kind), name });
        }
    }
    (queries, lines)
}

fn answer(index: &Index, config: &Config, queries: &[Asked<'_>], top: usize) -> Answers {
    use std::fmt::Write;
    let mut scratch = Scratch::default();
    let mut answers = Answers {
        lines: Vec::with_capacity(queries.len()),
        micros: Vec::with_capacity(queries.len()),
    };
    for Asked { line, entity_type, name } in queries {
        let query = Query::named(*entity_type, name);
        let started = Instant::now();
        let ranked = index.rank(&mut scratch, &query, config, top);
        answers.micros.push((started.elapsed().as_nanos() as f64 / 1e3 * 10.0).round() / 10.0);
        let mut lines = String::new();
        for (rank, hit) in ranked.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{line}\t{}\t{}\t{:.6}", rank + 1, hit.uid, hit.score);
        }
        answers.lines.push(lines);
    }
    answers
}

/// Resident memory of this process as the kernel reports it; 0 where there is no such report.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_breaks_off_fails_the_command() {
        let answers = std::thread::scope(|scope| {
            let broken = scope.spawn(|| -> i32 { panic!("broken off") });
            vec![scope.spawn(|| 1).join(), broken.join()]
        });
        assert!(matches!(all_of(answers), Err(CliError::BrokeOff)));
        assert_eq!(all_of(vec![Ok(1), Ok(2)]).ok(), Some(vec![1, 2]));
    }
}
