//! The review of a customer: what is asked of the watchlists and what their answers mean for it, and the identity review.
//!
//! Invariants: the same customer, lists and configuration give the same screening, byte for byte; every screening says
//! with which lists and configuration it was made, whether it found anything or not; nothing here decides for a person,
//! it only says what was found, or, in [`review`], what the partner's own policy makes of it.

pub mod review;
mod screen;

pub use screen::{ListVersion, Screening, Subject, screen};
