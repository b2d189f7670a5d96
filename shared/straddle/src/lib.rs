//! A customer as the Straddle contract shows it: in the answers of its API and in its webhooks.
//!
//! Invariants: no type of this crate reaches the domain; secrets (tax numbers, birth dates, the device's address) are in
//! clear only in what [`unmasked`] returns, and starred in a fixed shape otherwise, so that not even their length shows.

mod customer;
mod webhook;

pub use customer::{
    Address, Business, Config, CustomerObject, Device, Individual, Profile, Representative, Row,
    clear_secrets, masked, type_name, unmasked,
};
pub use webhook::{Subject, subject};
