//! What the `modulus-check` command does, kept in the library so that it is tested.
//!
//! Invariant: one answer on standard output for each line of input, in order, whatever the line; complaints go to
//! standard error with the line's number and without its content, which is somebody's bank account.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;

use domain::bank_account::BankAccount;
use domain::problem::Violations;

use super::{ModulusOutcome, ModulusTable, TableError};

/// How the command is used.
pub const HELP: &str = "\
modulus-check: the Vocalink modulus check of United Kingdom bank accounts

  modulus-check --weights FILE --substitutions FILE

Reads `sort_code,account_number` lines on standard input and prints `valid`, `invalid` or `unverifiable` for each.
Spaces and hyphens in a sort code or an account number are ignored; account numbers have 6 to 10 digits.
A sort code that the table does not cover is `unverifiable`. A line that is no account is `invalid`, and standard
error says why.

  --weights FILE        Vocalink's weight table (valacdos)
  --substitutions FILE  Vocalink's sort code substitutions (scsubtab)
  --help                this text
";

/// No line that means anything is longer.
const LONGEST_LINE: u64 = 256;
const BUFFER: usize = 1 << 16;

/// Why the command stopped.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line is not understood.
    #[error("{0}\ntry `modulus-check --help`")]
    Usage(String),
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A table is refused.
    #[error("{0}")]
    Table(#[from] TableError),
    /// Standard input or output failed.
    #[error(transparent)]
    Stream(#[from] io::Error),
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Help,
    Check { weights: PathBuf, substitutions: PathBuf },
}

fn request(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, CommandError> {
    let (mut weights, mut substitutions) = (None, None);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let slot = match argument.to_str() {
            Some("--help" | "-h") => return Ok(Request::Help),
            Some("--weights") => &mut weights,
            Some("--substitutions") => &mut substitutions,
            _ => {
                let argument = argument.to_string_lossy();
                return Err(CommandError::Usage(format!("{argument}: not an option")));
            }
        };
        let name = argument.to_string_lossy();
        let value =
            arguments.next().ok_or_else(|| CommandError::Usage(format!("{name} needs a file")))?;
        if slot.replace(PathBuf::from(value)).is_some() {
            return Err(CommandError::Usage(format!("{name} is given twice")));
        }
    }
    let missing = |name: &str| CommandError::Usage(format!("{name} FILE is missing"));
    Ok(Request::Check {
        weights: weights.ok_or_else(|| missing("--weights"))?,
        substitutions: substitutions.ok_or_else(|| missing("--substitutions"))?,
    })
}

/// Runs the command.
///
/// # Errors
/// [`CommandError`]. Lines that are no accounts are answered, not errors.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    input: impl Read,
    output: impl Write,
    complaints: impl Write,
) -> Result<(), CommandError> {
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let done = match request(arguments)? {
        Request::Help => output.write_all(HELP.as_bytes()),
        Request::Check { weights, substitutions } => {
            let table = ModulusTable::parse(&file(weights)?, &file(substitutions)?)?;
            check(&table, BufReader::with_capacity(BUFFER, input), &mut output, complaints)
        }
    };
    match done.and_then(|()| output.flush()) {
        // Whoever read the answers has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

fn file(path: PathBuf) -> Result<Vec<u8>, CommandError> {
    fs::read(&path).map_err(|error| CommandError::File { path, error })
}

fn check<R: Read>(
    table: &ModulusTable,
    mut input: BufReader<R>,
    output: &mut BufWriter<impl Write>,
    mut complaints: impl Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        // A person who types wants the answer now; a file does not care.
        if input.buffer().is_empty() {
            output.flush()?;
        }
        line.clear();
        if input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let whole = line.ends_with(b"\n") || (line.len() as u64) < LONGEST_LINE;
        let answer = if whole { answer(table, &line) } else { Err("the line is too long".into()) };
        if !whole {
            input.skip_until(b'\n')?;
        }
        let outcome = match answer {
            Ok(outcome) => outcome,
            Err(complaint) => {
                writeln!(complaints, "line {number}: {complaint}")?;
                ModulusOutcome::Invalid
            }
        };
        output.write_all(outcome.as_str().as_bytes())?;
        output.write_all(b"\n")?;
    }
    Ok(())
}

fn answer(table: &ModulusTable, line: &[u8]) -> Result<ModulusOutcome, String> {
    let text = std::str::from_utf8(line.trim_ascii()).map_err(|_| "it is not text".to_owned())?;
    let mut fields = text.split(',');
    let (Some(sort_code), Some(account), None) = (fields.next(), fields.next(), fields.next())
    else {
        return Err("it must be sort_code,account_number".to_owned());
    };
    let account = BankAccount::parse(sort_code, account).map_err(|wrong| in_words(&wrong))?;
    Ok(table.check(&account))
}

/// With the names that the command's own format has.
fn in_words(wrong: &Violations) -> String {
    let mut words = String::new();
    for violation in &wrong.0 {
        let field = if violation.field == "sortCode" { "sort_code" } else { "account_number" };
        if !words.is_empty() {
            words.push_str("; ");
        }
        words.push_str(&format!("{field} {}", violation.problem));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn sample() -> ModulusTable {
        let (weights, substitutions) = crate::bank::modulus::SAMPLE;
        ModulusTable::parse(weights.as_bytes(), substitutions.as_bytes()).unwrap()
    }

    fn checked(input: &[u8]) -> (String, String) {
        let (mut output, mut complaints) = (Vec::new(), Vec::new());
        let mut writer = BufWriter::new(&mut output);
        check(&sample(), BufReader::new(input), &mut writer, &mut complaints).unwrap();
        writer.flush().unwrap();
        drop(writer);
        (String::from_utf8(output).unwrap(), String::from_utf8(complaints).unwrap())
    }

    #[test]
    fn the_command_line_is_read() {
        let both = arguments(&["--weights", "w", "--substitutions", "s"]);
        let expected = Request::Check { weights: "w".into(), substitutions: "s".into() };
        assert_eq!(request(both).unwrap(), expected);
        assert_eq!(request(arguments(&["--weights", "w", "--help"])).unwrap(), Request::Help);
        for wrong in [
            &[][..],
            &["--weights", "w"],
            &["--weights"],
            &["--weights", "w", "--weights", "w", "--substitutions", "s"],
            &["--weights", "w", "--substitutions", "s", "more"],
        ] {
            assert!(matches!(request(arguments(wrong)), Err(CommandError::Usage(_))), "{wrong:?}");
        }
    }

    #[test]
    fn help_needs_no_files() {
        let mut output = Vec::new();
        run(arguments(&["--help"]), &b""[..], &mut output, io::sink()).unwrap();
        assert_eq!(output, HELP.as_bytes());
    }

    #[test]
    fn files_that_are_missing_or_wrong_are_named() {
        let missing = arguments(&["--weights", "/nowhere/w", "--substitutions", "/nowhere/s"]);
        let error = run(missing, &b""[..], io::sink(), io::sink()).unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/w: "), "{error}");
    }

    #[test]
    fn every_line_has_one_answer_and_malformed_ones_a_reason() {
        let long = "0".repeat(1_000);
        let input = format!(
            "000100,00000000\r\n00-01-00, 0000 0001\n999999,12345678\n\n000100;00000000\n1,2\n\
             000100,00000000,x\n{long}\n000100,0112345678\n\u{e9},1\n000100,00000000"
        );
        let mut bytes = input.into_bytes();
        bytes.extend_from_slice(b"\n\xff\xfe,\xff\n");
        let (output, complaints) = checked(&bytes);
        let answers: Vec<&str> = output.lines().collect();
        let mut expected = vec!["valid", "invalid", "unverifiable"];
        expected.extend(["invalid"; 7]);
        expected.extend(["valid", "invalid"]);
        assert_eq!(answers, expected);
        let lines: Vec<&str> =
            complaints.lines().filter_map(|line| line.split(':').next()).collect();
        let expected =
            ["line 4", "line 5", "line 6", "line 7", "line 8", "line 9", "line 10", "line 12"];
        assert_eq!(lines, expected, "{complaints}");
        assert!(complaints.contains("line 6: sort_code must be a sort code of 6 digits; account"));
        assert!(!complaints.contains("12345678"), "{complaints}");
    }

    proptest::proptest! {
        #[test]
        fn no_input_stops_it(input: Vec<u8>) {
            let (output, _) = checked(&input);
            let mut lines = input.split(|byte| *byte == b'\n').count();
            if input.is_empty() || input.ends_with(b"\n") {
                lines -= 1;
            }
            proptest::prop_assert_eq!(output.lines().count(), lines);
        }
    }
}
