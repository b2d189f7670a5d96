//! The operator's command line: compile, search, batch, pairs, diff, frequencies.
//!
//! Invariant: answers go to standard output, measurements and complaints to standard error, and a failure exits non-zero.

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match screening::cli::run(&arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("watchlist: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
