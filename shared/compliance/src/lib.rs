//! The review of a customer against watchlists: what is asked of the lists, and what their answers mean for the customer.
//!
//! Invariants: the same customer, lists and configuration give the same screening, byte for byte; every screening says
//! with which lists and configuration it was made, whether it found anything or not; nothing here decides for a person,
//! it only says what was found.

mod screen;

pub use screen::{ListVersion, Screening, Subject, screen};
