//! A person's decision about a customer in review, and asking for another review. A decision is also one about each scan
//! that waits for a person, and is kept and bound into the audit chain like those of the other contract.

use std::sync::{Arc, OnceLock};

use domain::scan::{Scan, ScanKind, ScanStatus};
use http_api::{Caller, Failure, Reply, Request};

use super::envelope::{load, object};
use super::request::read_verdict;
use crate::app::App;
use crate::review::disposition;
use crate::settle::{Attempt, Decided, refused, settle};

/// What the disposition of what adverse media say is called, beside the contract's two scans.
const ADVERSE_MEDIA: &str = "AdverseMedia";

/// `PATCH /v1/customers/{customerId}/review`.
///
/// # Errors
/// [`Failure`].
pub async fn decide(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let looked_at = OnceLock::new();
    let review = Arc::new(OnceLock::new());
    settle(app, caller, request, async |now| {
        let before = load(app, caller, request).await?;
        let verdict = request.read(read_verdict)?;
        let scans = [&before.ofac, &before.pep_scan, &before.adverse_media].map(Scan::clone);
        let seen = (before.subject_revision, scans);
        // A hit that came in while the decision was being written, or another name, is not what was decided about.
        if *looked_at.get_or_init(|| seen.clone()) != seen {
            return Err(Failure::Overtaken);
        }
        let mut after = before.clone();
        let change = after.decide_standing(verdict, now).map_err(refused)?;
        let mut evidence = Vec::new();
        for (name, scan) in [
            (ScanKind::Ofac.as_str(), &before.ofac),
            (ScanKind::PepScan.as_str(), &before.pep_scan),
            (ADVERSE_MEDIA, &before.adverse_media),
        ] {
            if matches!(scan.status, ScanStatus::Failed | ScanStatus::Reviewing) {
                let decided = ((name, scan), verdict.as_str(), None);
                evidence.push(disposition(app, caller, &before, decided, now)?);
            }
        }
        let reply = object(200, &straddle::masked(&after), request, now)?;
        Ok(Attempt {
            decided: Some(Decided { verdict: Some(verdict), review: Arc::clone(&review) }),
            evidence,
            ..Attempt::change(Some(before), after, change, reply)
        })
    })
    .await
}

/// `PUT /v1/customers/{customerId}/refresh_review`: 202; the review follows, and its result is an event.
///
/// # Errors
/// [`Failure`].
pub async fn refresh(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    settle(app, caller, request, async |now| {
        let before = load(app, caller, request).await?;
        let mut after = before.clone();
        let change = after.request_review(now).map_err(refused)?;
        let reply = object(202, &straddle::masked(&after), request, now)?;
        Ok(Attempt::change(Some(before), after, change, reply))
    })
    .await
}
