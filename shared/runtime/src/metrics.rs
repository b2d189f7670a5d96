//! Counters that end up as CloudWatch metrics.
//!
//! They travel in the invocation's one log line, in CloudWatch's embedded metric format: no agent, no extra call, no
//! start-up cost. Dimensions are the deployment and the function only; a partner or a route as a dimension would make
//! every combination a paid metric, and those stand in the line as plain fields.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Something worth counting beyond the figures that every invocation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Metric {
    AuthorizationDenied,
    BankTablesRefused,
    CustomersSwept,
    DeliveriesAttempted,
    DeliveriesFailed,
    DeliveriesSucceeded,
    EventsFannedOut,
    PasscodeBreakersOpened,
    PasscodeSendersMisconfigured,
    PasscodesHeldBack,
    PenniesGivenUp,
    PennyLooksBlind,
    ProvidersSilent,
    RecordsFailed,
    RecordsHandled,
    RegistrationsSuspended,
    Replays,
    ReviewsMade,
    ReviewsPostponed,
    ScansCleared,
    ScansHit,
    ScansRequested,
    TokensIssued,
    TokensRefused,
    WatchlistRefreshFailed,
    WatchlistRefreshed,
    WatchlistRowsUnread,
    WatchlistUnconfirmed,
}

static COUNTS: Mutex<BTreeMap<Metric, u64>> = Mutex::new(BTreeMap::new());

/// Adds to a counter of this invocation.
pub fn count(metric: Metric, by: u64) {
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    *counts.entry(metric).or_insert(0) += by;
}

/// The counters since the last call.
pub(crate) fn take() -> BTreeMap<Metric, u64> {
    std::mem::take(&mut *COUNTS.lock().unwrap_or_else(PoisonError::into_inner))
}
