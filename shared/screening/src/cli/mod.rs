//! What the `watchlist` binary does, kept in the library so that it is tested.
//!
//! Invariant: reads files and a monotonic stopwatch for its own figures, and nothing else of the outside world.

mod batch;
mod show;

use crate::{
    Config, EntityType, Format, Index, ListEdition, ListInfo, Lost, Query, Source, Topic, compile,
    diff, parse, sha256_hex, sha256_hex_of,
};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

const HELP: &str = "\
watchlist: compile sanctions and PEP lists and search them

  watchlist compile --format FORMAT [--list ID] [--name NAME] [--topic sanctions|pep|adverse-media]
                    --out INDEX INPUT...     [+ --format ... INPUT...]
      Compiles one list, or several separated by `+`, to one index. OFAC's classic set takes its files together.
      Formats: FORMATS
  watchlist search INDEX NAME [--type person|entity|vessel|aircraft] [--dob 1970-01-31] [--country XX]
                   [--gender m|f] [--id NUMBER] [--top 10] [--config FILE] [--json]
      Prints hits with explanations. Hits below the threshold are marked.
  watchlist batch INDEX QUERIES.tsv [--top 100] [--threads 1] [--config FILE]
      Queries have a header and the columns expected_uid, type, query, kind. Prints `line<TAB>rank<TAB>uid<TAB>score`
      on standard output and one JSON line of figures on standard error. Line 1 is the first after the header; a line
      without a query is counted and not answered. The word tables are read before the time of a query is taken.
  watchlist pairs PAIRS.tsv [--config FILE]
      Reads `type<TAB>name1<TAB>name2` and prints one score a line.
  watchlist diff OLD NEW [--out DELTA]
      Prints what was added, altered and removed; --out compiles the first two to an index of their own.
  watchlist self-test INDEX
      Searches a fixed sample of the index's own names, as printed and with a slip.
  watchlist config
      Prints the configuration in use as JSON, to be changed and given with --config.
  watchlist frequencies INPUT.jsonl...
      Counts name tokens, the source of the engine's frequency table.
  watchlist --help, watchlist COMMAND --help
";

/// Anything that ends a command.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line is not understood.
    #[error("{0}\ntry `watchlist --help`")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A list is refused.
    #[error(transparent)]
    Parse(#[from] crate::ParseError),
    /// Lists do not compile.
    #[error(transparent)]
    Compile(#[from] crate::CompileError),
    /// An index does not open.
    #[error("{path}: {error}")]
    Index {
        /// The file.
        path: String,
        /// Why.
        error: crate::IndexError,
    },
    /// A configuration file is not one.
    #[error("{path}: {error}")]
    Config {
        /// The file.
        path: String,
        /// Why.
        error: serde_json::Error,
    },
    /// The index does not find its own names.
    #[error("self-test failed: {found} of {tried} names found")]
    SelfTest {
        /// Names found.
        found: usize,
        /// Names tried.
        tried: usize,
    },
    /// A file has no line of the kind it should be full of.
    #[error("{path}: no line has {what}")]
    Nothing {
        /// The file.
        path: String,
        /// What its lines should have.
        what: &'static str,
    },
    /// A part of the work broke off.
    #[error("a thread broke off; its answers are missing")]
    BrokeOff,
    /// Standard output is closed.
    #[error("output: {0}")]
    Output(#[from] std::io::Error),
}

/// Options and words of a command line.
struct Arguments {
    words: Vec<String>,
    options: Vec<(String, String)>,
}

/// What a command takes.
struct Takes {
    /// At most so many words.
    words: usize,
    /// Options that stand alone.
    flags: &'static [&'static str],
    /// Options with a value.
    options: &'static [&'static str],
}

impl Takes {
    const fn new(words: usize, options: &'static [&'static str]) -> Self {
        Self { words, flags: &[], options }
    }
}

const COMPILE: Takes = Takes::new(usize::MAX, &["format", "list", "name", "topic", "out"]);
const SEARCH: Takes = Takes {
    words: 2,
    flags: &["json"],
    options: &["type", "dob", "country", "gender", "id", "top", "config"],
};
const BATCH: Takes = Takes::new(2, &["top", "threads", "config"]);
const PAIRS: Takes = Takes::new(1, &["config"]);
const DIFF: Takes = Takes::new(2, &["out"]);
const SELF_TEST: Takes = Takes::new(1, &["config"]);
const CONFIG: Takes = Takes::new(0, &[]);
const FREQUENCIES: Takes = Takes::new(usize::MAX, &[]);

impl Arguments {
    fn read(arguments: &[String], takes: &Takes) -> Result<Self, CliError> {
        let mut read = Self { words: Vec::new(), options: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            match word.strip_prefix("--") {
                Some(name) if read.option(name).is_some() => {
                    return Err(CliError::Usage(format!("--{name} is given twice")));
                }
                Some(name) if takes.flags.contains(&name) => {
                    read.options.push((name.to_owned(), String::new()))
                }
                Some(name) if takes.options.contains(&name) => match rest.next() {
                    Some(value) => read.options.push((name.to_owned(), value.clone())),
                    None => return Err(CliError::Usage(format!("--{name} needs a value"))),
                },
                Some(name) => return Err(CliError::Usage(format!("no option --{name}"))),
                None if read.words.len() == takes.words => {
                    return Err(CliError::Usage(format!("{word:?} is one word too many")));
                }
                None => read.words.push(word.clone()),
            }
        }
        Ok(read)
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str, default: usize) -> Result<usize, CliError> {
        match self.option(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| CliError::Usage(format!("--{name} {text}: not a number")))
            }
        }
    }

    fn word(&self, at: usize, what: &str) -> Result<&str, CliError> {
        self.words
            .get(at)
            .map(String::as_str)
            .ok_or_else(|| CliError::Usage(format!("{what} is missing")))
    }

    fn config(&self) -> Result<Config, CliError> {
        let Some(path) = self.option("config") else { return Ok(Config::default()) };
        serde_json::from_slice(&read(path)?)
            .map_err(|error| CliError::Config { path: path.to_owned(), error })
    }
}

fn read(path: &str) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|error| CliError::File { path: path.to_owned(), error })
}

/// A file of lines, without the mark that some editors put first.
fn text(path: &str) -> Result<String, CliError> {
    let bytes = read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// Writes beside the file and puts it in its place: whoever has the old one open, or mapped, goes on reading that.
fn write(path: &str, bytes: &[u8]) -> Result<(), CliError> {
    let beside = format!("{path}.{}.new", std::process::id());
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|error| {
        // It may never have been made.
        let _ = fs::remove_file(&beside);
        CliError::File { path: path.to_owned(), error }
    })
}

fn open(path: &str) -> Result<Index, CliError> {
    Index::open(Path::new(path)).map_err(|error| CliError::Index { path: path.to_owned(), error })
}

/// Runs one command.
///
/// # Errors
/// What [`CliError`] names; the binary prints it and exits non-zero.
pub fn run(arguments: &[String]) -> Result<(), CliError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let Some((command, rest)) = arguments.split_first() else {
        return Err(CliError::Usage("no command".to_owned()));
    };
    if rest.iter().any(|word| word == "--help" || word == "-h")
        && let Some(help) = help_of(command)
    {
        write!(out, "{help}")?;
        return Ok(out.flush()?);
    }
    match command.as_str() {
        "compile" => compile_lists(rest, &mut out)?,
        "search" => search(&Arguments::read(rest, &SEARCH)?, &mut out)?,
        "batch" => batch::run(&Arguments::read(rest, &BATCH)?, &mut out)?,
        "pairs" => pairs(&Arguments::read(rest, &PAIRS)?, &mut out)?,
        "diff" => difference(&Arguments::read(rest, &DIFF)?, &mut out)?,
        "self-test" => self_test(&Arguments::read(rest, &SELF_TEST)?, &mut out)?,
        "config" => {
            Arguments::read(rest, &CONFIG)?;
            let text = serde_json::to_string_pretty(&Config::default())
                .map_err(|error| CliError::Config { path: "config".to_owned(), error })?;
            writeln!(out, "{text}")?;
        }
        "frequencies" => frequencies(&Arguments::read(rest, &FREQUENCIES)?, &mut out)?,
        "--help" | "-h" | "help" => write!(out, "{}", help())?,
        other => return Err(CliError::Usage(format!("no command {other:?}"))),
    }
    out.flush()?;
    Ok(())
}

fn help() -> String {
    let formats: Vec<&str> = Format::ALL.iter().map(|(word, _)| *word).collect();
    HELP.replace("FORMATS", &formats.join(", "))
}

/// What the help says of one command.
fn help_of(command: &str) -> Option<String> {
    let (help, start) = (help(), format!("  watchlist {command} "));
    let is_other = |line: &&str| line.starts_with("  watchlist ");
    let mut lines = help.lines().skip_while(|line| !format!("{line} ").starts_with(&start));
    let first = lines.next()?;
    let rest: Vec<&str> = lines.take_while(|line| !is_other(line)).collect();
    Some(format!("{first}\n{}\n", rest.join("\n")))
}

fn compile_lists(arguments: &[String], out: &mut impl Write) -> Result<(), CliError> {
    let started = Instant::now();
    let mut lists = Vec::new();
    let mut path = None;
    for part in arguments.split(|word| word == "+") {
        let part = Arguments::read(part, &COMPILE)?;
        path = part.option("out").map(str::to_owned).or(path);
        let word = part
            .option("format")
            .ok_or_else(|| CliError::Usage("--format is missing".to_owned()))?;
        let format =
            Format::parse(word).ok_or_else(|| CliError::Usage(format!("no format {word:?}")))?;
        if part.words.is_empty() {
            return Err(CliError::Usage("no input file".to_owned()));
        }
        let files = part.words.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let sources: Vec<Source<'_>> =
            part.words.iter().zip(&files).map(|(name, bytes)| Source::new(name, bytes)).collect();
        let parsed = parse(format, &sources)?;
        for row in parsed.rejected.iter().take(20) {
            let is_listed = row.lost == Lost::Nothing;
            let what = if is_listed { "" } else { "skipped: " };
            eprintln!("{}:{}: {what}{}", row.file, row.line, row.reason);
        }
        if !parsed.rejected.is_empty() {
            eprintln!("{} rows are not as they should be", parsed.rejected.len());
        }
        let topic = match part.option("topic") {
            None | Some("sanctions") => Topic::Sanctions,
            Some("pep") => Topic::Pep,
            Some("adverse-media") => Topic::AdverseMedia,
            Some(other) => return Err(CliError::Usage(format!("no topic {other:?}"))),
        };
        let id = part.option("list").unwrap_or(word);
        if lists.iter().any(|list: &ListEdition| list.info.id == id) {
            return Err(CliError::Usage(format!("two lists are called {id}: name them by --list")));
        }
        let mut info = ListInfo::new(id, part.option("name").unwrap_or(id), topic);
        info.edition = parsed.edition;
        info.source_hash = Some(sha256_hex_of(files.iter().map(Vec::as_slice)));
        lists.push(ListEdition { info, entities: parsed.entities });
    }
    let path = path.ok_or_else(|| CliError::Usage("--out is missing".to_owned()))?;
    let bytes = compile(&lists)?;
    write(&path, &bytes)?;
    let index = open(&path)?;
    let seconds = started.elapsed().as_secs_f64();
    writeln!(
        out,
        "entities {}\nnames {}\nbytes {}\nseconds {seconds:.2}\nsha256 {}",
        index.entity_count(),
        index.name_count(),
        bytes.len(),
        sha256_hex(&bytes)
    )?;
    Ok(())
}

fn search(arguments: &Arguments, out: &mut impl Write) -> Result<(), CliError> {
    let index = open(arguments.word(0, "INDEX")?)?;
    let config = arguments.config()?;
    let entity_type = arguments.option("type").map_or(Ok(EntityType::Unknown), |word| {
        let known = EntityType::parse(word);
        let is_one = known != EntityType::Unknown || word == "unknown";
        is_one.then_some(known).ok_or_else(|| CliError::Usage(format!("--type {word}: no type")))
    })?;
    let name = arguments.word(1, "NAME")?;
    if name.trim().is_empty() {
        return Err(CliError::Usage("NAME is empty".to_owned()));
    }
    let mut query = Query::named(entity_type, name);
    if let Some(text) = arguments.option("dob") {
        query.birth_date = Some(
            crate::PartialDate::parse(text)
                .ok_or_else(|| CliError::Usage(format!("--dob {text}: not a date")))?,
        );
    }
    if let Some(country) = arguments.option("country") {
        if crate::country::code_of(country).is_none() {
            return Err(CliError::Usage(format!("--country {country}: no country")));
        }
        query.countries.push(country.to_owned());
    }
    query.identifiers.extend(arguments.option("id").map(str::to_owned));
    if let Some(word) = arguments.option("gender") {
        query.gender = Some(
            crate::Gender::parse(word)
                .ok_or_else(|| CliError::Usage(format!("--gender {word}: m or f")))?,
        );
    }
    let top = arguments.number("top", 10)?;
    if top == 0 {
        return Err(CliError::Usage("--top 0: at least 1".to_owned()));
    }
    let (hits, is_complete) = index.explore(&query, &config, top);
    if !is_complete {
        eprintln!("not everything was compared: a person has to look");
    }
    if arguments.option("json").is_some() {
        for hit in &hits {
            let text = serde_json::to_string(hit)
                .map_err(|error| CliError::Config { path: "hit".to_owned(), error })?;
            writeln!(out, "{text}")?;
        }
        return Ok(());
    }
    show::hits(&hits, &config, out)?;
    Ok(())
}

fn pairs(arguments: &Arguments, out: &mut impl Write) -> Result<(), CliError> {
    let config = arguments.config()?;
    let path = arguments.word(0, "PAIRS.tsv")?;
    let text = text(path)?;
    let (mut count, mut unread) = (0, 0);
    for line in text.lines() {
        let mut fields = line.split('\t');
        let pair = fields.next().zip(fields.next().zip(fields.next()));
        // Every line has its score, so that scores stand beside their pairs.
        let score = pair.map_or(0.0, |(kind, (one, other))| {
            crate::compare(EntityType::parse(kind), one, other, &config).score
        });
        writeln!(out, "{score:.6}")?;
        count += 1;
        unread += usize::from(pair.is_none());
    }
    if unread == count {
        return Err(CliError::Nothing { path: path.to_owned(), what: "a type and two names" });
    }
    if unread > 0 {
        eprintln!("{unread} of {count} lines have no type and two names: their score is 0");
    }
    Ok(())
}

fn difference(arguments: &Arguments, out: &mut impl Write) -> Result<(), CliError> {
    let (old, new) = (open(arguments.word(0, "OLD")?)?, open(arguments.word(1, "NEW")?)?);
    let delta = diff(&old, &new);
    for (mark, keys) in [('+', &delta.added), ('~', &delta.altered), ('-', &delta.removed)] {
        for key in keys {
            let index = if mark == '-' { &old } else { &new };
            let name =
                index.entity(&key.list_id, &key.uid).map(|entity| entity.display_name().to_owned());
            writeln!(
                out,
                "{mark}\t{}\t{}\t{}",
                key.list_id,
                key.uid,
                name.as_deref().unwrap_or("")
            )?;
        }
    }
    eprintln!(
        "{} added, {} altered, {} removed",
        delta.added.len(),
        delta.altered.len(),
        delta.removed.len()
    );
    if let Some(path) = arguments.option("out") {
        write(path, &crate::compile_delta(&new, &delta)?)?;
    }
    Ok(())
}

fn self_test(arguments: &Arguments, out: &mut impl Write) -> Result<(), CliError> {
    let index = open(arguments.word(0, "INDEX")?)?;
    let outcome = crate::self_test(&index, &arguments.config()?);
    writeln!(out, "{} of {} names found", outcome.found, outcome.tried)?;
    for key in &outcome.missed {
        writeln!(out, "missed\t{}\t{}", key.list_id, key.uid)?;
    }
    if outcome.passed() {
        return Ok(());
    }
    Err(CliError::SelfTest { found: outcome.found, tried: outcome.tried })
}

fn frequencies(arguments: &Arguments, out: &mut impl Write) -> Result<(), CliError> {
    let mut entities = Vec::new();
    for path in &arguments.words {
        entities.extend(parse(Format::Jsonl, &[Source::new(path, &read(path)?)])?.entities);
    }
    let counts = crate::token_counts(
        entities.iter().map(|entity| entity.names.iter().map(|name| name.text.as_str()).collect()),
    );
    // Counts are rounded down to a few steps, so that a list update moves few lines.
    let mut steps: std::collections::BTreeMap<u32, Vec<String>> = std::collections::BTreeMap::new();
    for (token, count) in counts {
        let step =
            [3, 4, 6, 9, 13, 20, 30, 45, 70, 100, 150, 220, 330, 500, 800, 1200, 2000, 3000, 5000]
                .into_iter()
                .rev()
                .find(|step| count >= *step);
        if let Some(step) = step.filter(|_| token.is_ascii()) {
            steps.entry(step).or_default().push(token);
        }
    }
    for (step, tokens) in steps.iter().rev() {
        for chunk in tokens.chunks(14) {
            writeln!(out, "{step}: {}", chunk.join(" "))?;
        }
    }
    Ok(())
}
