//! The customer core behind the API: onboarding, reading, searching, changing, reviewing, and checking audit chains.
//!
//! Invariants: operations know the domain and the store but no contract; each contract is a view ([`cos`], [`straddle_view`]) that parses
//! requests into domain values, reporting every failing field at once, and renders domain values into answers. The
//! partner always comes from the token.
//!
//! Round trips to DynamoDB and the capacity units that they take, per operation, as `tests/search.rs` measures them for a
//! small customer (items up to 1 KB cost 2 units each in a transaction; larger ones, as the customer's own is, cost that
//! per KB; each sorted index adds a write of its own). An idempotency key adds 2 units and no round trip.
//!
//! | operation | round trips | units |
//! | --- | --- | --- |
//! | onboard (customer, audit, file number, event, counter, lookup rows) | 1 TransactWriteItems | 17 |
//! | get | 1 GetItem | 1 |
//! | get unmasked | 1 GetItem + 1 TransactWriteItems | 9 |
//! | search by id | 1 BatchGetItem | 1 |
//! | search by file number, tax id, client identifier | 1 read of the term + 1 BatchGetItem | 1 + 1 per match |
//! | list | 1 Query, + 1 PutItem when a page follows, + 1 Query from page 2 on | 0.5 per 4 KB + 1 |
//! | name, profile, due diligence | 1 GetItem + 1 TransactWriteItems | 13 |
//! | deactivate, review decision | 1 GetItem + 1 TransactWriteItems | 14 |
//! | contact add | 1 GetItem + 1 TransactWriteItems (owners: + 1 Query) | 14 (19) |
//! | contact list | 1 Query | 1 per 4 KB |
//! | contact get | 1 BatchGetItem | 2 |
//! | contact update, remove | 1 BatchGetItem + 1 TransactWriteItems (owner update: + 1 Query) | 15 |
//! | a replayed request | as above; the refusal of the transaction brings the record along | as above |
//!
//! A change that meets another one is read and applied again. What the operations of the Straddle contract cost is said in
//! [`straddle_view`].

mod app;
mod audit_check;
mod by_contract;
mod contacts;
pub mod cos;
mod create;
mod read;
mod review;
mod search;
mod settle;
pub mod straddle_view;
#[cfg(test)]
mod tests;
mod update;

pub use app::{App, NAMES};
pub use audit_check::{AuditCheck, AuditFinding, verify_audit};
pub use by_contract::{create, list, read, remove, replace, review};
pub use contacts::{add_contact, contacts, remove_contact, update_contact};
pub use create::create_customer;
pub use read::get_customer;
pub use review::decide;
pub use search::search_customers;
pub use update::{deactivate_customer, update_customer};
