//! Compliance off the request path.
//!
//! Invariants: a change of what is screened leads to a screening, through the table's stream and the scan queue, however
//! often anything on the way is killed or repeated; a change of a list leads to a sweep over everybody, recorded in the
//! same write that brings the list's edition into force; a screening is applied to the subject revision that it was made
//! of, or not at all; a customer is never cleared by a missing or damaged watchlist, the message waits instead; a
//! screening moves from one edition of a list to the next between messages and never within one.

pub mod refresh;
pub mod review_admin;
mod scan_queue;
pub mod scan_request;
pub mod scan_schedule;
pub mod scan_worker;
mod sweep;
#[cfg(test)]
mod testing;

pub use scan_queue::{QueueError, ScanMessage, ScanQueue, ScanRequest, Since, SweepPage};
pub use sweep::SweepState;
