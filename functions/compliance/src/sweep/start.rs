//! Beginning sweeps, and taking up the segments of those that stand still.
//!
//! Cost: 1 query per change that the manifest names, and for each segment to be begun a message and a small write.

use compliance::ListChange;
use domain::ids::EventId;
use jiff::{SignedDuration, Timestamp};
use runtime::failpoint;
use serde::Serialize;
use store::keys::{Key, SweepKey};
use store::{Query, StoreError, Table, from_item};

use super::{Part, SEGMENTS, sweep_of};
use crate::scan_queue::{QueueError, ScanQueue, SweepPage};

/// A segment whose progress has not moved for so long has lost its message. Above the five receives of a message.
const STALLED: SignedDuration = SignedDuration::from_mins(20);

/// How far a sweep is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepState {
    /// Its id; its progress items are under `SWEEP#<id>`.
    pub sweep: EventId,
    /// When the list moved.
    pub made_at: Timestamp,
    /// Customers looked at so far.
    pub customers: u64,
    /// Screenings asked for so far.
    pub asked: u64,
    /// Segments begun or taken up by this run.
    pub begun: u16,
    /// Whether everybody has been looked at.
    pub done: bool,
}

/// Why a sweep could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Sees to it that the sweep for a change is under way. Sends first and records then: what is killed between the two
/// sends again, and a message that comes twice does no harm.
///
/// # Errors
/// [`StartError`]; the next run goes on.
pub async fn ensure(
    table: &Table,
    queue: &ScanQueue,
    change: &ListChange,
    delay_seconds: u16,
    now: Timestamp,
) -> Result<SweepState, StartError> {
    let sweep = sweep_of(change);
    let partition = SweepKey::new(sweep, 0).pk();
    let items = Box::pin(table.query_all(&Query::partition(partition))).await?;
    let parts: Vec<Part> = items.into_iter().map(from_item).collect::<Result<_, _>>()?;
    let mut state =
        SweepState { sweep, made_at: change.made_at, customers: 0, asked: 0, begun: 0, done: true };
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for segment in 0..SEGMENTS {
        match parts.iter().find(|part| part.segment == segment) {
            None => {
                first.push(SweepPage {
                    sweep,
                    list: change.list.clone(),
                    edition: change.to.clone(),
                    delta: change.delta.clone(),
                    segment,
                    segments: SEGMENTS,
                    page: 0,
                    cursor: None,
                });
            }
            Some(part) if !part.done && now.duration_since(part.updated_at) > STALLED => {
                later.push(part.next(sweep));
            }
            Some(_) => {}
        }
    }
    for part in &parts {
        state.customers += part.customers;
        state.asked += part.asked;
    }
    state.done = parts.len() == usize::from(SEGMENTS) && parts.iter().all(|part| part.done);
    state.begun = u16::try_from(first.len() + later.len()).unwrap_or(SEGMENTS);
    if state.begun == 0 {
        return Ok(state);
    }
    queue.send(&first, delay_seconds).await?;
    queue.send(&later, 0).await?;
    failpoint("watchlist-refresh:after-sweep-sent");
    for page in &first {
        // A worker may have been faster; what it wrote is further.
        let key = SweepKey::new(sweep, page.segment);
        Part::beginning(page, now).save(table, &key, None).await?;
    }
    Ok(state)
}
