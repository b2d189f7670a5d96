//! The operator's modulus check: accounts on standard input, answers on standard output.
//!
//! Invariant: complaints go to standard error, and a failure exits non-zero.

use std::io;

fn main() -> std::process::ExitCode {
    let arguments = std::env::args_os().skip(1);
    match ekyc::bank::modulus::command::run(arguments, io::stdin(), io::stdout(), io::stderr()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("modulus-check: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
