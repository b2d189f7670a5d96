//! The customer as the bank thinks of it: newtypes, entities, state machines and domain events.
//!
//! Invariant: nothing here knows AWS, HTTP, a clock, randomness or any partner contract. A value that exists
//! has been parsed; a transition that returned has been allowed.

pub mod audit;
pub mod bank_account;
pub mod calendar;
pub mod choices;
pub mod contact;
pub mod country;
pub mod customer;
pub mod ekyc;
pub mod email;
pub mod enrolment;
pub mod event;
pub mod ids;
pub mod name;
pub mod network;
pub mod numbers;
pub mod phone;
pub mod problem;
pub mod profile;
pub mod proof;
pub mod scan;
pub mod tax;
pub mod text;
pub mod time;
pub mod verification;
