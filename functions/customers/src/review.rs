//! A reviewer's decision about a scan. What was decided goes into the audit chain; why is kept beside the evidence that
//! the decision is about.

use domain::ids::EventId;
use domain::scan::ScanKind;
use http_api::{Caller, Failure, Operation, Reply, Request};
use serde::Serialize;
use store::keys::{Key, ScreeningKey};
use store::to_item;

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
    at: String,
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
    settle(app, caller, request, async |now| {
        let before = load(app, caller, id).await?;
        let mut after = before.clone();
        let change = after.decide(scan, asked.decision, now).map_err(refused)?;
        let mut evidence = to_item(&DecisionEvidence {
            kind: "decision",
            scan: scan.as_str(),
            decision: asked.decision.as_str(),
            reason: asked.reason.as_ref().map(|reason| reason.as_str()),
            client: caller.client.as_str(),
            at: now.to_string(),
        })
        .map_err(Failure::internal)?;
        let run = EventId::new(&*app.clock, &*app.random);
        ScreeningKey::new(caller.partner, id, run).stamp(&mut evidence);
        let reply = Reply::ok(&cos::customer(&after, Mask::Starred))?;
        let evidence = vec![evidence];
        Ok(Attempt { evidence, ..Attempt::change(Some(before), after, change, reply) })
    })
    .await
}
