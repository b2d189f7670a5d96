use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::ModulusOutcome::{Invalid, Unverifiable, Valid};
use super::*;

/// Vocalink's tables and the vectors, where they stand beside the repository.
fn shared(name: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/modulus");
    let path: PathBuf = folder.join(name);
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        // Straight to the stream: the test harness shows no print of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: {name} does not stand beside the repository");
    }
    bytes
}

fn published() -> Option<ModulusTable> {
    let (weights, substitutions) = (shared("valacdos.txt")?, shared("scsubtab.txt")?);
    Some(ModulusTable::parse(&weights, &substitutions).unwrap())
}

fn sample() -> ModulusTable {
    ModulusTable::parse(SAMPLE.0.as_bytes(), SAMPLE.1.as_bytes()).unwrap()
}

fn outcome(table: &ModulusTable, sort_code: &str, account: &str) -> ModulusOutcome {
    table.check(&BankAccount::parse(sort_code, account).unwrap())
}

/// Each line of a CSV file behind its header, as its fields.
fn rows(csv: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(csv).unwrap();
    let fields = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().skip(1).filter(|line| !line.is_empty()).map(fields).collect()
}

#[test]
fn the_34_cases_of_the_specification() {
    let (Some(table), Some(cases)) = (published(), shared("test_cases.csv")) else { return };
    let cases = rows(&cases);
    assert_eq!(cases.len(), 34);
    for case in cases {
        let expected = if case[3] == "Y" { Valid } else { Invalid };
        assert_eq!(outcome(&table, &case[1], &case[2]), expected, "{case:?}");
    }
}

#[test]
fn every_further_vector() {
    let (Some(table), Some(cases)) = (published(), shared("cross_vectors.csv")) else { return };
    let cases = rows(&cases);
    assert_eq!(cases.len(), 478);
    for case in cases {
        let expected = match case[2].as_str() {
            "Y" => Valid,
            "N" => Invalid,
            _ => Unverifiable,
        };
        assert_eq!(outcome(&table, &case[0], &case[1]), expected, "{case:?}");
    }
}

#[test]
fn every_published_edition_is_read() {
    for (name, rows) in [("valacdos.txt", 1170), ("valacdos-v8.50.txt", 1151)] {
        let (Some(weights), Some(substitutions)) = (shared(name), shared("scsubtab.txt")) else {
            return;
        };
        let table = ModulusTable::parse(&weights, &substitutions).unwrap();
        let read: usize =
            table.ranges.iter().map(|range| 1 + usize::from(range.second.is_some())).sum();
        assert_eq!(read, rows, "{name}");
        assert_eq!(table.substitutes.len(), 21);
        let carriage_returns = String::from_utf8(weights).unwrap().replace('\n', "\r\n");
        assert_eq!(
            ModulusTable::parse(carriage_returns.as_bytes(), &substitutions).unwrap(),
            table
        );
    }
}

/// A published table cut anywhere but between two rows is refused, and never read as a shorter one.
#[test]
fn a_published_table_that_was_cut_off_is_refused() {
    let Some(weights) = shared("valacdos.txt") else { return };
    for end in (weights.len() - 400..weights.len()).chain([weights.len() / 2 + 7]) {
        if weights[end - 1] != b'\n' {
            assert!(parse::weights(&weights[..end]).is_err(), "{end}");
        }
    }
}

#[test]
fn the_sample_has_an_account_of_each_kind() {
    let table = sample();
    for (sort_code, account, expected) in [
        ("000100", "12346800", Valid),
        ("000100", "12346801", Invalid),
        ("000199", "12345601", Valid),
        ("000200", "12345678", Valid),
        ("000200", "12345671", Invalid),
        ("000300", "49927395", Valid),
        ("000300", "49927398", Invalid),
        // Either check alone would pass one of them.
        ("000400", "12346800", Invalid),
        ("000400", "49927395", Invalid),
        ("000400", "00000000", Valid),
        // A last digit that is a suffix.
        ("000599", "12346800", Valid),
        ("000599", "12345660", Valid),
        ("000599", "12346801", Invalid),
        // Two check digits, and a sort code that borrows another one's.
        ("000600", "12345742", Valid),
        ("000600", "12345743", Invalid),
        ("000601", "12345742", Valid),
        ("000602", "12345742", Invalid),
        ("000602", "12345770", Valid),
        ("000100", "00000000", Valid),
        ("000099", "12346800", Unverifiable),
        ("000700", "12346800", Unverifiable),
        ("000000", "12345678", Unverifiable),
    ] {
        assert_eq!(outcome(&table, sort_code, account), expected, "{sort_code} {account}");
    }
}

/// An algorithm, weights at named digits, and an exception.
type Weighted<'a> = (&'a str, &'a [(char, i16)], u8);

/// One range whose weights are few, so that a sum can be read off the account.
fn table(rows: &[Weighted<'_>]) -> ModulusTable {
    let mut text = String::new();
    for (algorithm, weighted, exception) in rows {
        let mut weights = [0_i16; 14];
        for (digit, weight) in *weighted {
            weights["uvwxyzabcdefgh".find(*digit).unwrap()] = *weight;
        }
        let weights: Vec<String> = weights.iter().map(i16::to_string).collect();
        let exception = if *exception == 0 { String::new() } else { exception.to_string() };
        text.push_str(&format!("000000 000999 {algorithm} {} {exception}\n", weights.join(" ")));
    }
    ModulusTable::parse(text.as_bytes(), b"000601 000603\n").unwrap()
}

fn holds(table: &ModulusTable, cases: &[(&str, bool)]) {
    for (account, valid) in cases {
        let expected = if *valid { Valid } else { Invalid };
        assert_eq!(outcome(table, "000123", account), expected, "{account}");
    }
}

#[test]
fn plain_checks() {
    let h: &[(char, i16)] = &[('h', 1)];
    holds(&table(&[("MOD10", h, 0)]), &[("00000000", true), ("00000001", false)]);
    // 4 and 7 make 11; a negative weight leaves no negative remainder.
    let mod11 = table(&[("MOD11", &[('a', 1), ('h', 1)], 0)]);
    holds(&mod11, &[("40000007", true), ("40000006", false), ("00000000", true)]);
    let negative = table(&[("MOD11", &[('a', 2), ('h', -1)], 0)]);
    holds(
        &negative,
        &[("40000008", true), ("40000009", false), ("10000002", true), ("00000009", false)],
    );
    // 2 × 7 counts 1 + 4, so 5 more are needed.
    let double = table(&[("DBLAL", &[('g', 2), ('h', 1)], 0)]);
    holds(&double, &[("00000075", true), ("00000076", false)]);
    // Two rows: both.
    let both = table(&[("MOD10", h, 0), ("MOD10", &[('g', 1)], 0)]);
    holds(&both, &[("00000000", true), ("00000001", false), ("00000010", false)]);
    // The sort code counts as well: z is 3.
    holds(
        &table(&[("MOD10", &[('z', 1), ('h', 1)], 0)]),
        &[("00000007", true), ("00000000", false)],
    );
}

#[test]
fn exception_1_adds_27() {
    holds(&table(&[("DBLAL", &[('h', 1)], 1)]), &[("00000003", true), ("00000000", false)]);
}

#[test]
fn exceptions_2_and_9_take_either_with_other_weights_and_another_sort_code() {
    let alone = table(&[("MOD11", &[('h', 1)], 2)]);
    holds(
        &alone,
        &[
            ("00000000", true),
            ("00000005", false),
            // a is not 0: 6 for it, and 2 + 2 × 5 + 3 × 3 for the sort code's 123, make 27.
            ("10000006", true),
            ("10000000", false),
            // g is 9: nothing counts but 3 × 9 and h.
            ("20000096", true),
            ("20000093", false),
        ],
    );
    // The first digit of 309634 is 3, so 8 more are needed.
    let pair = table(&[("MOD11", &[('h', 1)], 2), ("MOD11", &[('u', 1), ('h', 1)], 9)]);
    holds(&pair, &[("00000000", true), ("00000008", true), ("00000007", false)]);
}

#[test]
fn exception_3_skips_the_second_check() {
    let pair = table(&[("MOD11", &[('a', 1)], 0), ("DBLAL", &[('h', 1)], 3)]);
    holds(
        &pair,
        &[
            ("00600001", true),
            ("00900001", true),
            ("00500001", false),
            ("00500000", true),
            ("10600001", false),
        ],
    );
}

#[test]
fn exception_4_compares_the_remainder_with_gh() {
    let row = table(&[("MOD11", &[('a', 1), ('b', 1)], 4)]);
    holds(
        &row,
        &[("70000007", true), ("64000010", true), ("70000070", false), ("70000000", false)],
    );
}

#[test]
fn exception_5_has_two_check_digits() {
    let pair = table(&[("MOD11", &[('a', 1)], 5), ("DBLAL", &[('b', 1)], 5)]);
    holds(
        &pair,
        &[
            ("00000000", true),
            ("40000070", true),
            ("43000077", true),
            ("43000070", false),
            ("43000007", false),
            ("03000007", true),
            // A remainder of 1 has no check digit.
            ("10000000", false),
            ("11000009", false),
        ],
    );
    // 000601 is checked as 000603: z is 3, so g must be 8.
    let substituted = table(&[("MOD11", &[('z', 1)], 5), ("DBLAL", &[('b', 1)], 5)]);
    assert_eq!(outcome(&substituted, "000601", "00000080"), Valid);
    assert_eq!(outcome(&substituted, "000601", "00000000"), Invalid);
    assert_eq!(outcome(&substituted, "000602", "00000090"), Valid);
}

#[test]
fn exception_6_lets_foreign_currency_accounts_pass() {
    let pair = table(&[("MOD11", &[('h', 1)], 6), ("DBLAL", &[('h', 1)], 6)]);
    holds(
        &pair,
        &[
            ("40000011", true),
            ("80000099", true),
            ("30000011", false),
            ("90000011", false),
            ("40000021", false),
        ],
    );
}

#[test]
fn exception_7_weighs_nothing_before_c() {
    let row = table(&[("MOD11", &[('a', 1), ('h', 1)], 7)]);
    holds(&row, &[("50000090", true), ("50000080", false), ("50000086", true)]);
}

#[test]
fn exception_8_checks_another_sort_code() {
    // The second digit of 090126 is 9.
    holds(
        &table(&[("MOD10", &[('v', 1), ('h', 1)], 8)]),
        &[("00000001", true), ("00000000", false)],
    );
}

#[test]
fn exceptions_10_and_11_take_either() {
    let pair = table(&[("MOD11", &[('a', 1), ('b', 1), ('h', 1)], 10), ("MOD11", &[('d', 1)], 11)]);
    holds(
        &pair,
        &[
            // ab is 09 or 99 and g is 9: neither counts.
            ("09010090", true),
            ("99010090", true),
            ("09010080", false),
            ("19010090", false),
            // Else both count: 9 and 2, or the second check.
            ("09010082", true),
            ("09000080", true),
        ],
    );
}

#[test]
fn exceptions_12_and_13_take_either() {
    for algorithm in ["MOD10", "MOD11"] {
        let pair = table(&[("MOD11", &[('h', 1)], 12), (algorithm, &[('g', 1)], 13)]);
        holds(
            &pair,
            &[("00000000", true), ("00000010", true), ("00000001", true), ("00000011", false)],
        );
    }
}

#[test]
fn exception_14_may_drop_the_last_digit() {
    let row = table(&[("MOD11", &[('b', 1), ('h', 1)], 14)]);
    holds(
        &row,
        &[
            ("00000000", true),
            // Without its last digit: a moves to b, g to h.
            ("00000001", true),
            ("00000009", true),
            ("00000002", false),
            ("00000011", false),
            ("40000071", true),
            ("40000061", false),
        ],
    );
}

/// Fourteen ones.
const ONES: &str = "1 1 1 1 1 1 1 1 1 1 1 1 1 1";

#[test]
fn each_wrong_row_is_refused_with_its_line() {
    let one = |row: &str, fault: Fault| (format!("{row}\n"), vec![RowFault { line: 1, fault }]);
    let words = |found| Fault::Words { found, expected: "17 or 18" };
    let cases = [
        one("000000", words(1)),
        one("000000 000001 MOD11 1 1 1", words(6)),
        one(&format!("000000 000001 MOD11 {ONES} 1 1"), words(19)),
        one(&format!("00000 000001 MOD11 {ONES}"), Fault::SortCode),
        one(&format!("000000 00000x MOD11 {ONES}"), Fault::SortCode),
        one(&format!("000002 000001 MOD11 {ONES}"), Fault::Backwards),
        one(&format!("000000 000001 MOD12 {ONES}"), Fault::Algorithm),
        one(&format!("000000 000001 mod11 {ONES}"), Fault::Algorithm),
        one("000000 000001 MOD11 1 1 1 1 1 1 1 1 1 1 1 1 1 x", Fault::Weight),
        one("000000 000001 MOD11 1 1 1 1 1 1 1 1 1 1 1 1 1 1000", Fault::Weight),
        one("000000 000001 MOD11 1 1 1 1 1 1 1 1 1 1 1 1 1 1.5", Fault::Weight),
        one("000000 000001 DBLAL 1 1 1 1 1 1 1 1 1 1 1 1 1 -1", Fault::NegativeWeight),
        one(&format!("000000 000001 MOD11 {ONES} 15"), Fault::Exception),
        one(&format!("000000 000001 MOD11 {ONES} 0"), Fault::Exception),
        one(&format!("000000 000001 MOD11 {ONES} 1"), Fault::WrongAlgorithm(1)),
        one(&format!("000000 000001 DBLAL {ONES} 14"), Fault::WrongAlgorithm(14)),
        one(&format!("000000 000001 MOD11 {ONES} 9"), Fault::Unpaired(9)),
        one(&format!("000000 000001 MOD11 {ONES} 10"), Fault::Unpaired(10)),
        one(&format!("000000 000001 MOD11 {ONES} 5"), Fault::Unpaired(5)),
        one(&format!("000000 000001 DBLAL {ONES} 3"), Fault::Unpaired(3)),
        one("000000 \u{e9}", Fault::NotText),
        (
            format!("000000 000001 MOD11 {ONES} 10\n000000 000001 MOD11 {ONES} 12\n"),
            vec![RowFault { line: 1, fault: Fault::Unpaired(10) }],
        ),
        (
            format!("000000 000001 DBLAL {ONES} 5\n000000 000001 DBLAL {ONES} 5\n"),
            vec![RowFault { line: 1, fault: Fault::Unpaired(5) }],
        ),
        (
            format!("000000 000001 MOD11 {ONES}\n").repeat(3),
            vec![RowFault { line: 3, fault: Fault::ThirdRow }],
        ),
        (
            format!("000005 000009 MOD11 {ONES}\n000000 000005 MOD11 {ONES}\n"),
            vec![RowFault { line: 1, fault: Fault::Overlap }],
        ),
        (
            format!("000000 000001 MOD11 {ONES}\n\n000000 x\n000002 000003 MOD9 {ONES}\n"),
            vec![
                RowFault { line: 3, fault: words(2) },
                RowFault { line: 4, fault: Fault::Algorithm },
            ],
        ),
        // An exception of two digits that lost one is still an exception.
        (
            format!("000000 000001 MOD11 {ONES} 1"),
            vec![
                RowFault { line: 1, fault: Fault::WrongAlgorithm(1) },
                RowFault { line: 1, fault: Fault::CutOff },
            ],
        ),
        (format!("000000 000001 MOD11 {ONES}"), vec![RowFault { line: 1, fault: Fault::CutOff }]),
    ];
    for (text, faults) in cases {
        let expected = TableError::Rows { file: "weights", faults };
        assert_eq!(parse::weights(text.as_bytes()), Err(expected), "{text}");
    }
    for empty in ["", "\n \n"] {
        assert_eq!(parse::weights(empty.as_bytes()), Err(TableError::Empty("weights")));
    }
    let many = parse::weights("x\n".repeat(50).as_bytes()).unwrap_err();
    let TableError::Rows { faults, .. } = &many else { panic!("{many}") };
    assert_eq!(faults.len(), 20);
    assert!(
        many.to_string().starts_with("weights: line 1: it has 1 words instead of 17 or 18; line 2")
    );
}

#[test]
fn substitutions_are_read_strictly() {
    let read = |text: &str| parse::substitutions(text.as_bytes());
    assert_eq!(read("938173 938017\r\n938289 938068").unwrap().len(), 2);
    let fault = |line, fault| {
        Err(TableError::Rows { file: "substitutions", faults: vec![RowFault { line, fault }] })
    };
    assert_eq!(read("938173 938017\n938289 9380"), fault(2, Fault::SortCode));
    assert_eq!(read("938173\n"), fault(1, Fault::Words { found: 1, expected: "2" }));
    assert_eq!(read("938173 938017 938017\n"), fault(1, Fault::Words { found: 3, expected: "2" }));
    assert_eq!(read("938173 938017\n938173 938018\n"), fault(2, Fault::Duplicate));
    assert_eq!(read(""), Err(TableError::Empty("substitutions")));
}

proptest! {
    #[test]
    fn reading_never_panics(bytes: Vec<u8>, text in "([0-9]{6} ){2}(MOD1[01]|DBLAL)( -?[0-9]{1,3}){14}( [0-9]{1,2})?\n") {
        let _ = ModulusTable::parse(&bytes, &bytes);
        let _ = ModulusTable::parse(text.as_bytes(), b"000601 000603");
    }

    #[test]
    fn every_account_has_an_outcome(sort_code in "[0-9]{6}", account in "[0-9]{8}") {
        let inside = ("000100".."000700").contains(&sort_code.as_str());
        let found = outcome(&sample(), &sort_code, &account);
        prop_assert_eq!(found == Unverifiable, !inside);
    }
}
