//! A reviewer's decision about a scan. The audit chain names the disposition and holds its digest, so that neither can be
//! altered alone; the disposition is kept beside the evidence that it is about: the decision, the reason, and each hit with the fingerprints of both sides, of the listed entry's content
//! and of what was screened of the customer. The same fingerprints and verdicts stand in the customer's record, by which a
//! cleared hit stays cleared until either side changes.

use std::sync::OnceLock;

use domain::ids::EventId;
use domain::scan::{KnownHit, ListedEntity, ScanKind};
use http_api::{Caller, Failure, Operation, Reply, Request};
use serde::Serialize;
use store::customers::{evidence, evidence_digest};

use crate::app::{App, customer_id};
use crate::cos::{self, Mask};
use crate::settle::{Attempt, refused, settle};
use crate::update::load;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionEvidence<'a> {
    kind: &'static str,
    scan: &'static str,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    client: &'a str,
    who: &'a str,
    at: String,
    hits: Vec<DecidedHit<'a>>,
}

/// A hit that the decision is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecidedHit<'a> {
    list_id: &'a str,
    uid: &'a str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
}

impl<'a> DecidedHit<'a> {
    fn of((entity, hit): (&'a ListedEntity, &'a KnownHit)) -> Self {
        Self {
            list_id: entity.list(),
            uid: entity.uid(),
            content: hit.content.as_str(),
            subject: hit.subject.as_ref().map(|subject| subject.as_str()),
        }
    }
}

/// `POST /customers/{customerId}/ofac-decision` and `/pep-scan-decision`.
///
/// # Errors
/// [`Failure`].
pub async fn decide(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let id = customer_id(request)?;
    let scan = match request.route.operation {
        Operation::OfacDecide => ScanKind::Ofac,
        Operation::PepScanDecide => ScanKind::PepScan,
        _ => return Err(Failure::NotFound("resource")),
    };
    let asked = request.read(cos::read_decision)?;
    let looked_at = OnceLock::new();
    settle(app, caller, request, async |now| {
        let before = load(app, caller, id).await?;
        // A hit that came in while the decision was being written is not what was decided about.
        if looked_at.get_or_init(|| before.scan(scan).clone()) != before.scan(scan) {
            return Err(Failure::Conflict);
        }
        let mut after = before.clone();
        let mut change = after.decide(scan, asked.decision, now).map_err(refused)?;
        let disposition = DecisionEvidence {
            kind: "decision",
            scan: scan.as_str(),
            decision: asked.decision.as_str(),
            reason: asked.reason.as_ref().map(|reason| reason.as_str()),
            client: caller.client.as_str(),
            who: &caller.subject,
            at: now.to_string(),
            hits: before.scan(scan).undecided().map(DecidedHit::of).collect(),
        };
        let run = EventId::new(&*app.clock, &*app.random);
        let evidence =
            evidence(caller.partner, id, run, &disposition).map_err(Failure::internal)?;
        change.fields.push(evidence_digest(run, &evidence).map_err(Failure::internal)?);
        let reply = Reply::ok(&cos::customer(&after, Mask::Starred))?;
        let (owner, evidence) = (None, vec![evidence]);
        Ok(Attempt { before: Some(before), after, change, owner, evidence, reply })
    })
    .await
}
