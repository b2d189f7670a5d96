//! Everything that needs a table, a socket or a clock, in one binary so that it is linked once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets something unexpected must stop"
)]

mod apis;
mod common;
mod delivering;
mod interleaving;
mod posting;
mod rotating;
mod samples;
mod signed;
