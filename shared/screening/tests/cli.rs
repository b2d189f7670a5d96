//! The `watchlist` binary as an operator or a benchmark calls it, on the sample lists.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sample(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(path).display().to_string()
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("watchlist");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn watchlist(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchlist")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn compiled(name: &str) -> String {
    let index = scratch(name).display().to_string();
    let ofac = ["sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"]
        .map(|file| sample(&format!("ofac/{file}")));
    let pep = sample("pep/targets.simple.csv");
    let mut arguments =
        vec!["compile", "--format", "ofac-csv", "--list", "ofac-sdn", "--out", &index];
    arguments.extend(ofac.iter().map(String::as_str));
    arguments.extend([
        "+",
        "--format",
        "opensanctions-csv",
        "--list",
        "pep",
        "--topic",
        "pep",
        &pep,
    ]);
    let output = watchlist(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    for word in ["entities ", "names ", "bytes ", "seconds ", "sha256 "] {
        assert!(printed.contains(word), "{printed}");
    }
    index
}

#[test]
fn help_names_every_command() {
    let printed = text(&watchlist(&["--help"]).stdout);
    for word in ["compile", "search", "batch", "pairs", "diff", "self-test", "ofac-csv", "un-xml"] {
        assert!(printed.contains(word), "{word}");
    }
}

#[test]
fn each_command_has_a_help_of_its_own() {
    for (command, word) in [
        ("compile", "ofac-csv"),
        ("search", "--dob"),
        ("batch", "--threads"),
        ("pairs", "PAIRS.tsv"),
        ("diff", "--out"),
        ("self-test", "sample"),
        ("config", "JSON"),
        ("frequencies", "Counts"),
    ] {
        let output = watchlist(&[command, "--help"]);
        let printed = text(&output.stdout);
        assert!(output.status.success() && printed.contains(word), "{command}: {printed}");
        assert_eq!(printed.matches("  watchlist ").count(), 1, "{command}: {printed}");
    }
    assert!(!watchlist(&["frobnicate", "--help"]).status.success());
}

#[test]
fn a_blank_line_is_counted_and_not_answered() {
    let index = compiled("blank.gwi");
    let queries = scratch("blank.tsv");
    let line = "20102\tentity\tBLUE STAR DIAMOND\texact\n";
    for (header, threads) in [("expected_uid\ttype\tquery\tkind\n", "1"), ("", "2")] {
        std::fs::write(&queries, format!("{header}{line}\n-\tperson\t\tnone\n{line}{line}"))
            .unwrap();
        let path = queries.display().to_string();
        let output = watchlist(&["batch", &index, &path, "--top", "1", "--threads", threads]);
        let printed = text(&output.stdout);
        let numbers: Vec<&str> =
            printed.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(numbers, ["1", "4", "5"], "{printed}");
    }
}

#[test]
fn search_explains_and_marks_hits() {
    let index = compiled("search.gwi");
    let output = watchlist(&[
        "search",
        &index,
        "Javier Arelano Felix",
        "--type",
        "person",
        "--dob",
        "1969-12-11",
    ]);
    let printed = text(&output.stdout);
    assert!(printed.starts_with("HIT "), "{printed}");
    for word in ["romanisation", "same birth date", "threshold 0.70", "OFAC-parity"] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
    let nothing = watchlist(&["search", &index, "Zzyzx Qwrtk"]);
    assert!(text(&nothing.stdout).contains("nothing listed"));
}

#[test]
fn batch_prints_ranks_and_figures() {
    let index = compiled("batch.gwi");
    let queries = scratch("queries.tsv");
    std::fs::write(
        &queries,
        "expected_uid\ttype\tquery\tkind\n20102\tentity\tBLUE STAR DIAMONT\ttypo\nQ-putin\tperson\tПутин Владимир\tother\n",
    )
    .unwrap();
    let path = queries.display().to_string();
    let single = watchlist(&["batch", &index, &path, "--top", "3"]);
    let printed = text(&single.stdout);
    let first: Vec<Vec<&str>> = printed
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| fields.get(1) == Some(&"1"))
        .collect();
    assert_eq!(first.len(), 2, "{printed}");
    assert_eq!((first[0][0], first[0][2]), ("1", "20102"));
    assert_eq!((first[1][0], first[1][2]), ("2", "Q-putin"));
    assert!(first[0][3].parse::<f64>().unwrap() > 0.7);
    let figures: serde_json::Value = serde_json::from_str(text(&single.stderr).trim()).unwrap();
    for name in [
        "queries",
        "meanMicros",
        "p50Micros",
        "p95Micros",
        "p99Micros",
        "queriesPerSecond",
        "residentBytes",
        "indexBytes",
        "openMillis",
    ] {
        assert!(figures.get(name).is_some_and(serde_json::Value::is_number), "{name}: {figures}");
    }
    let double = watchlist(&["batch", &index, &path, "--top", "3", "--threads", "2"]);
    assert_eq!(text(&double.stdout), printed);
    assert_eq!(figures["linesWithoutQuery"], 0);

    // As other editors write it.
    let content = std::fs::read_to_string(&queries).unwrap();
    let content = content.replace("expected_uid", "Expected_UID").replace('\n', "\r\n");
    std::fs::write(&queries, format!("\u{feff}{content}no query\r\n")).unwrap();
    let marked = watchlist(&["batch", &index, &path, "--top", "3"]);
    assert_eq!(text(&marked.stdout), printed);
    let figures: serde_json::Value = serde_json::from_str(text(&marked.stderr).trim()).unwrap();
    assert_eq!(figures["linesWithoutQuery"], 1);
    for content in ["", "expected_uid\ttype\tquery\tkind\n", "Ana Quill\nBertil Oxenmark\n"] {
        std::fs::write(&queries, content).unwrap();
        let refused = watchlist(&["batch", &index, &path]);
        assert!(!refused.status.success(), "{content:?}");
        assert!(text(&refused.stderr).contains("no line has a query"), "{content:?}");
    }
}

#[test]
fn pairs_print_one_score_a_line() {
    let pairs = scratch("pairs.tsv");
    std::fs::write(
        &pairs,
        "person\tVladimir Putin\tPutin, Vladimir\nentity\tBank of China\tBank of America\n",
    )
    .unwrap();
    let output = watchlist(&["pairs", &pairs.display().to_string()]);
    let scores: Vec<f64> = text(&output.stdout).lines().map(|line| line.parse().unwrap()).collect();
    assert!(scores.len() == 2 && scores[0] > 0.9 && scores[1] < 0.7, "{scores:?}");

    // A line that is no pair keeps its place, and is told.
    std::fs::write(&pairs, "\u{feff}person\tAna Quill\tAna Quill\n\nperson\tAna\n").unwrap();
    let output = watchlist(&["pairs", &pairs.display().to_string()]);
    let printed = text(&output.stdout);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(output.status.success() && lines.len() == 3 && lines[0].starts_with("0.99"));
    assert_eq!(lines[1..], ["0.000000", "0.000000"]);
    assert!(text(&output.stderr).contains("2 of 3 lines"), "{}", text(&output.stderr));
    std::fs::write(&pairs, "Ana Quill;Ana Quill\n").unwrap();
    assert!(!watchlist(&["pairs", &pairs.display().to_string()]).status.success());
}

#[test]
fn a_key_of_two_entries_is_told_and_hides_neither() {
    let [list, index] = ["twice.jsonl", "twice.gwi"].map(scratch);
    let [list_path, index] = [&list, &index].map(|path| path.display().to_string());
    let line = |name: &str| format!("{{\"uid\":\"7\",\"type\":\"person\",\"name\":\"{name}\"}}\n");
    std::fs::write(&list, line("Ana Quill") + &line("Bertil Oxenmark")).unwrap();
    let compiled = watchlist(&["compile", "--format", "jsonl", "--out", &index, &list_path]);
    assert!(compiled.status.success());
    let told = text(&compiled.stderr);
    assert!(told.contains("twice.jsonl:2: key 7 is another entry's: listed as 7#2"), "{told}");
    for name in ["Ana Quill", "Bertil Oxenmark"] {
        assert!(text(&watchlist(&["search", &index, name]).stdout).starts_with("HIT "), "{name}");
    }
}

#[test]
fn diff_prints_changes_and_writes_a_delta() {
    let (old, new, delta) = (scratch("old.gwi"), scratch("new.gwi"), scratch("delta.gwi"));
    let line = |uid: &str, name: &str| {
        format!("{{\"uid\":\"{uid}\",\"type\":\"person\",\"name\":\"{name}\"}}\n")
    };
    for (index, content) in [
        (&old, line("1", "Ana Quill") + &line("2", "Bertil Oxenmark")),
        (&new, line("1", "Anna Quill") + &line("3", "Cyra Dunholt")),
    ] {
        let list = index.with_extension("jsonl");
        std::fs::write(&list, content).unwrap();
        let (index, list) = (index.display().to_string(), list.display().to_string());
        assert!(
            watchlist(&["compile", "--format", "jsonl", "--out", &index, &list]).status.success()
        );
    }
    let [old, new, delta] = [old, new, delta].map(|path| path.display().to_string());
    let output = watchlist(&["diff", &old, &new, "--out", &delta]);
    assert_eq!(
        text(&output.stdout),
        "+\tjsonl\t3\tCyra Dunholt\n~\tjsonl\t1\tAnna Quill\n-\tjsonl\t2\tBertil Oxenmark\n"
    );
    assert!(text(&watchlist(&["search", &delta, "Cyra Dunholt"]).stdout).starts_with("HIT "));
}

#[test]
fn mistakes_are_named_and_fail() {
    let index = compiled("mistakes.gwi");
    let list = scratch("mistakes.jsonl");
    std::fs::write(&list, "{\"uid\":\"1\",\"name\":\"Ana Quill\"}\n").unwrap();
    let list = list.display().to_string();
    for (arguments, complaint) in [
        (vec!["frobnicate"], "no command"),
        (vec!["compile", "--format", "pdf", "--out", "x", "y"], "no format"),
        (vec!["search", "/nonexistent.gwi", "Ana"], "/nonexistent.gwi"),
        (vec!["batch"], "INDEX is missing"),
        (vec!["search", "x", "y", "--dob"], "--dob needs a value"),
        (vec!["search", "x", "y", "--birth", "1970"], "no option --birth"),
        (vec!["compile", "--forma", "jsonl", "x"], "no option --forma"),
        (vec!["config", "--json"], "no option --json"),
        (vec!["search", "x", "Ana", "Quill"], "\"Quill\" is one word too many"),
        (vec!["search", &index, "Ana", "--gender", "x"], "--gender x"),
        (vec!["search", &index, "Ana", "--country", "Atlantis"], "--country Atlantis"),
        (vec!["search", &index, "Ana", "--type", "persn"], "--type persn"),
        (vec!["search", &index, "Ana", "--dob", "soon"], "--dob soon"),
        (vec!["search", &index, " "], "NAME is empty"),
        (vec!["search", &index, "Ana", "--top", "0"], "--top 0"),
        (vec!["search", &index, "Ana", "--top", "1", "--top", "2"], "--top is given twice"),
        (
            vec![
                "compile", "--format", "jsonl", "--out", "x", &list, "+", "--format", "jsonl",
                &list,
            ],
            "two lists are called jsonl",
        ),
    ] {
        let output = watchlist(&arguments);
        assert!(!output.status.success());
        assert!(
            text(&output.stderr).contains(complaint),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn an_index_that_is_open_outlives_its_successor() {
    let [list, index] = ["successor.jsonl", "successor.gwi"].map(scratch);
    let [list_path, index_path] = [&list, &index].map(|path| path.display().to_string());
    let compile = |lines: &str| {
        std::fs::write(&list, lines).unwrap();
        let made = watchlist(&["compile", "--format", "jsonl", "--out", &index_path, &list_path]);
        assert!(made.status.success(), "{}", text(&made.stderr));
    };
    compile(
        "{\"uid\":\"1\",\"name\":\"Ana Quill\"}\n{\"uid\":\"2\",\"name\":\"Bertil Oxenmark\"}\n",
    );
    let open = screening::Index::open(&index).unwrap();
    compile("{\"uid\":\"3\",\"name\":\"Cyra Dunholt\"}\n");
    assert!(open.verify_content() && open.entity("jsonl", "1").is_some());
    assert!(screening::Index::open(&index).unwrap().entity("jsonl", "3").is_some());
    let folder = index.parent().unwrap();
    let left: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("successor.gwi."))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn search_shows_what_a_screening_raises() {
    let [list, index] =
        ["reach.jsonl", "reach.gwi"].map(|name| scratch(name).display().to_string());
    let line = |uid: usize, born: &str| {
        format!(
            "{{\"uid\":\"{uid:03}\",\"type\":\"person\",\"name\":\"Li Na\",\"dob\":[\"{born}\"]}}\n"
        )
    };
    let mut lines: String = (0..200).map(|uid| line(uid, "1960-05-06")).collect();
    lines.push_str(&line(200, "2001-02-03"));
    std::fs::write(&list, lines).unwrap();
    assert!(watchlist(&["compile", "--format", "jsonl", "--out", &index, &list]).status.success());
    let found = watchlist(&["search", &index, "Na Li", "--dob", "2001-02-03", "--top", "3"]);
    let printed = text(&found.stdout);
    assert!(printed.starts_with("HIT ") && printed.contains(" 200,"), "{printed}");
    let unread = watchlist(&["search", &index, "—"]);
    assert!(text(&unread.stderr).contains("a person has to look"));
}
