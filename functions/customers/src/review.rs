//! A reviewer's decision about a scan.
//!
//! Invariant: nobody decides about a hit that was not seen. A decision may name the hits that it is about; then it stands
//! only when they are exactly the ones that are undecided. The answer to `Reviewing` names them. A decision that names none
//! is about what is undecided when it arrives, and in no case about what comes in while it is written.
//!
//! The audit chain names the disposition and holds its digest, so that neither can be
//! altered alone; the disposition is kept beside the evidence that it is about: the decision, the reason, and each hit with the fingerprints of both sides, of the listed entry's content
//! and of what was screened of the customer. The same fingerprints and verdicts stand in the customer's record, by which a
//! cleared hit stays cleared until either side changes.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use domain::customer::Customer;
use domain::ids::EventId;
use domain::scan::{Decision, Fingerprint, KnownHit, ListedEntity, Scan, ScanKind};
use domain::verification::Verdict;
use http_api::{Caller, CosCode, Failure, Operation, Reply, Request};
use jiff::Timestamp;
use serde::Serialize;
use store::Item;
use store::customers::evidence;

use crate::app::{App, customer_id};
use crate::cos::{self, Mask};
use crate::settle::{Attempt, Decided, refused, settle};
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

/// The customer, and the hits that a reviewer is to look at.
#[derive(Serialize)]
struct Opened<'a> {
    #[serde(flatten)]
    customer: cos::Customer,
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

/// What was decided about a scan, as it is kept.
pub(crate) fn disposition(
    app: &App,
    caller: &Caller,
    before: &Customer,
    ((name, scan), decision, reason): ((&'static str, &Scan), &'static str, Option<&str>),
    now: Timestamp,
) -> Result<Item, Failure> {
    let record = DecisionEvidence {
        kind: "decision",
        scan: name,
        decision,
        reason,
        client: caller.client.as_str(),
        who: &caller.subject,
        at: now.to_string(),
        hits: scan.undecided().map(DecidedHit::of).collect(),
    };
    let run = EventId::new(&*app.clock, &*app.random);
    evidence(before.partner, before.id, run, &record).map_err(Failure::internal)
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
    let review = Arc::new(OnceLock::new());
    settle(app, caller, request, async |now| {
        let before = load(app, caller, id).await?;
        // A hit that came in while the decision was being written is not what was decided about.
        if looked_at.get_or_init(|| before.scan(scan).clone()) != before.scan(scan) {
            return Err(Failure::Overtaken);
        }
        let mut after = before.clone();
        let change = after.decide(scan, asked.decision, now).map_err(refused)?;
        if asked.hits.as_ref().is_some_and(|hits| *hits != undecided(&before, scan)) {
            return Err(Failure::rule(CosCode::StateForbids, OTHER_HITS));
        }
        let reason = asked.reason.as_ref().map(|reason| reason.as_str());
        let about = (scan.as_str(), before.scan(scan));
        let decided = (about, asked.decision.as_str(), reason);
        let evidence = vec![disposition(app, caller, &before, decided, now)?];
        let customer = cos::customer(&after, Mask::Starred);
        let reply = match asked.decision {
            Decision::Reviewing => {
                let hits = before.scan(scan).undecided().map(DecidedHit::of).collect();
                Reply::ok(&Opened { customer, hits })?
            }
            Decision::Clear | Decision::Positive => Reply::ok(&customer)?,
        };
        let decided = match asked.decision {
            Decision::Reviewing => None,
            Decision::Clear | Decision::Positive => {
                let verdict = Verdict::implied(before.standing(), after.standing());
                Some(Decided { verdict, review: Arc::clone(&review) })
            }
        };
        Ok(Attempt { evidence, decided, ..Attempt::change(Some(before), after, change, reply) })
    })
    .await
}

/// Why a decision about other hits than the case's is refused.
const OTHER_HITS: &str = "The scan's undecided hits are not the ones that the decision names";

/// The hits that a decision would be about, with the content that hit.
fn undecided(customer: &Customer, scan: ScanKind) -> BTreeMap<ListedEntity, Fingerprint> {
    let named = |(entity, hit): (&ListedEntity, &KnownHit)| (entity.clone(), hit.content.clone());
    customer.scan(scan).undecided().map(named).collect()
}
