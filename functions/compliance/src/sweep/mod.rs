//! Continuous monitoring: a list has a new edition, and every customer is held against what is new in it.
//!
//! A sweep walks all customers in segments. Each message of the scan queue is one page of one segment: it holds the page's
//! customers against the delta, asks for a screening of those whom it concerns (an ordinary scan request, done by the
//! same queue), records how far the segment is, and sends the message of the next page. Screenings that a sweep asks for
//! write nothing unless the customer's answer changes.
//!
//! Invariants:
//! - The manifest names the change that a sweep is for, in the write that brings the edition into force. As long as it
//!   does, each run of `watchlist-refresh` sees that every segment was begun and takes up those that stand still. A sweep
//!   is lost neither between manifest and queue nor anywhere later.
//! - A page counts once: progress moves from page n to n + 1 under the condition that it stands at n. Repeating a page
//!   asks for the same screenings again, under the same run, which changes nothing.
//! - A message that comes again after its page was counted sends the next one again only if it is itself a repeated
//!   delivery, so that a killed worker's segment goes on and a duplicate does not double the walk.
//!
//! Cost for a million customers of 1.5 KB: 190 000 read units (half a unit per 4 KB of the index `by-partner`), 2 000
//! messages with a read and a write each, and one to two minutes of one processor for a delta of 100 entries (see
//! `docs/screening.md`), spread over up to eight workers. Then two reads for each customer whom the delta concerns, and a
//! transaction for each whose answer it changes. No key is fetched and nothing sealed is opened for the others.

#[cfg(test)]
mod measure;
pub(crate) mod page;
pub(crate) mod start;
#[cfg(test)]
mod tests;

use compliance::ListChange;
use crypto::sha256_of_parts;
use domain::ids::EventId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::keys::{Key, SweepKey};
use store::{Expression, Item, StoreError, Table, WriteError, from_item, to_item};

use crate::scan_queue::{Cursor, SweepPage};

pub use start::SweepState;

/// How many parts of the customers are walked side by side.
const SEGMENTS: u16 = 8;

/// How long progress can be looked at: well above the time for which the manifest names the change.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The sweep for a change: every run makes the same id of it, and it sorts by the time of the change.
fn sweep_of(change: &ListChange) -> EventId {
    let from = change.from.as_deref().unwrap_or("");
    let parts = [change.list.as_bytes(), from.as_bytes(), change.to.as_bytes()];
    let digest = sha256_of_parts(&parts);
    let mut bits = [0; 10];
    bits.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(change.made_at.as_millisecond()).unwrap_or(0);
    EventId::from(uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid())
}

/// How far one segment has come. Operators can look at it; nothing in it is a customer's data but the id of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    list: String,
    edition: String,
    delta: String,
    segment: u16,
    segments: u16,
    /// The page that comes next.
    page: u32,
    /// Customers looked at so far.
    customers: u64,
    /// Screenings asked for so far.
    asked: u64,
    done: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<Cursor>,
    updated_at: Timestamp,
    expires_at: i64,
}

impl Part {
    /// A segment of which nothing has been looked at.
    fn beginning(page: &SweepPage, now: Timestamp) -> Self {
        Self {
            list: page.list.clone(),
            edition: page.edition.clone(),
            delta: page.delta.clone(),
            segment: page.segment,
            segments: page.segments,
            page: page.page,
            customers: 0,
            asked: 0,
            done: false,
            cursor: page.cursor.clone(),
            updated_at: now,
            expires_at: (now + KEPT).as_second(),
        }
    }

    /// The message of the page that comes next.
    fn next(&self, sweep: EventId) -> SweepPage {
        SweepPage {
            sweep,
            list: self.list.clone(),
            edition: self.edition.clone(),
            delta: self.delta.clone(),
            segment: self.segment,
            segments: self.segments,
            page: self.page,
            cursor: self.cursor.clone(),
        }
    }

    async fn load(table: &Table, key: &SweepKey) -> Result<Option<Self>, StoreError> {
        Box::pin(table.get(key)).await?.map(from_item).transpose()
    }

    /// Writes it where `before` stands, or nothing when that is `None`. Answers whether it did.
    async fn save(
        &self,
        table: &Table,
        key: &SweepKey,
        before: Option<&Self>,
    ) -> Result<bool, StoreError> {
        let mut item: Item = to_item(self)?;
        key.stamp(&mut item);
        let condition = match before {
            None => Expression::absent(),
            Some(before) => {
                Expression::new("#page = :page").name("#page", "page").number(":page", before.page)
            }
        };
        match Box::pin(table.put(item, condition)).await {
            Ok(()) => Ok(true),
            Err(WriteError::Refused(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Counts the page after which the segment is here, from `before` or from a beginning that was recorded meanwhile:
    /// whoever sends a segment's first message records it only then. Answers whether the page was still to be counted.
    async fn count(
        &self,
        table: &Table,
        key: &SweepKey,
        before: Option<Self>,
    ) -> Result<bool, StoreError> {
        if self.save(table, key, before.as_ref()).await? {
            return Ok(true);
        }
        match Self::load(table, key).await? {
            Some(standing) if before.is_none() && standing.page + 1 == self.page => {
                self.save(table, key, Some(&standing)).await
            }
            _ => Ok(false),
        }
    }
}
