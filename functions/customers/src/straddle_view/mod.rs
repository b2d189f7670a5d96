//! The Straddle contract's operations on customers: the second view of the one record.
//!
//! Invariants: requests are read into domain values and answers rendered from them (crate `straddle`), field by field; no
//! type of the contract reaches the domain. What this contract has no field for stays as it is through every one of its
//! writes, and comes back through the contract that wrote it. An account in the header narrows the partner's customers
//! to that account's; a customer outside of it is not there.
//!
//! | operation | round trips |
//! | --- | --- |
//! | create, inline | 1 BatchGetItem (what the network of partners knows) + 1 TransactWriteItems |
//! | create, background or skip | 1 TransactWriteItems |
//! | list | 1 Query and, side by side, 1 small Query (counters, or the bookmark), + 1 PutItem when a page follows |
//! | list by e-mail or external id | 1 Query of the term + 1 BatchGetItem |
//! | get | 1 GetItem |
//! | unmasked | 1 GetItem + 1 TransactWriteItems (the audit entry) |
//! | update | 1 GetItem + 1 TransactWriteItems; with an identity change, inline, as create beside |
//! | delete, refresh | 1 GetItem + 1 TransactWriteItems |
//! | decision | 1 GetItem + 1 Query (the review decided on) + 1 TransactWriteItems |
//! | review | 1 GetItem and 1 Query side by side |

mod contacts;
mod create;
mod decide;
mod envelope;
mod erase;
mod list;
mod list_request;
mod profile;
mod read;
mod replace;
mod request;
mod vet;

pub use create::create;
pub use decide::{decide, refresh};
pub use erase::erase;
pub use list::list;
pub use read::{get, review, unmasked};
pub use replace::replace;
