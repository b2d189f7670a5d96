//! How many accounts one core checks in a second.
//!
//! Invariant: runs without downloads. The packaged sample table is always measured; where the published tables stand beside
//! the repository, they are as well, with accounts at every range of theirs.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has failed")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::bank_account::BankAccount;
use ekyc::bank::modulus::ModulusTable;

const ACCOUNTS: u64 = 10_000;

/// Accounts spread over the sort codes that the text begins its rows with.
fn accounts(weights: &str) -> Vec<BankAccount> {
    let sort_codes: Vec<&str> = weights.lines().filter_map(|line| line.get(..6)).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..ACCOUNTS)
        .map(|number| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number);
            let sort_code = sort_codes[(state >> 33) as usize % sort_codes.len()];
            let account = format!("{:08}", (state >> 20) % 100_000_000);
            BankAccount::parse(sort_code, &account).expect("an account")
        })
        .collect()
}

fn measure(criterion: &mut Criterion, name: &str, weights: &str, substitutions: &str) {
    let table = ModulusTable::parse(weights.as_bytes(), substitutions.as_bytes()).expect("a table");
    let accounts = accounts(weights);
    let mut group = criterion.benchmark_group("modulus");
    group.throughput(Throughput::Elements(ACCOUNTS));
    group.bench_function(name, |bench| {
        bench.iter(|| {
            for account in &accounts {
                black_box(table.check(black_box(account)));
            }
        });
    });
    group.finish();
}

fn modulus(criterion: &mut Criterion) {
    let sample = include_str!("../data/sample-weights.txt");
    measure(criterion, "sample", sample, include_str!("../data/sample-substitutions.txt"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/modulus");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    match (read("valacdos.txt"), read("scsubtab.txt")) {
        (Some(weights), Some(substitutions)) => {
            measure(criterion, "published", &weights, &substitutions);
        }
        _ => println!("skipped: the published tables do not stand beside the repository"),
    }
}

criterion_group!(benches, modulus);
criterion_main!(benches);
