//! Everything that is kept in DynamoDB: keys, items, transactions, the outbox, idempotency records and numbered pages.
//!
//! Invariants: every write states its condition; what belongs together is written in one transaction; every key that
//! holds customer data begins with the partner, so that another partner's id is simply not there; nothing is found by
//! `Scan`; no key holds personal data in clear but for names in lower case, which lists are sorted by.

pub mod clients;
pub mod customers;
pub mod ekyc;
mod error;
mod expression;
pub mod idempotency;
pub mod keys;
mod meter;
pub mod network;
pub mod outbox;
pub mod pages;
mod query;
pub mod reviews;
mod table;
mod transaction;
pub mod webhooks;
mod wrapped_keys;

#[cfg(feature = "test-support")]
pub mod testing;

pub use error::{StoreError, WriteError};
pub use expression::{Expression, Update};
pub use meter::{Cost, Meter};
pub use query::Query;
pub use table::{Item, Page, Table, from_item, number, text, to_item};
pub use transaction::{CommitError, Refusal, Transaction};
pub use wrapped_keys::DataKeyTable;
