//! One page of a sweep: who on it is concerned by the delta?

use std::cmp::Ordering;

use aws_sdk_dynamodb::types::AttributeValue;
use compliance::{Asks, Known, OpenDelta, Subject, Watch};
use domain::contact::ContactKind;
use domain::event::Work;
use domain::scan::ScanStatus;
use runtime::{Metric, count, failpoint};
use store::Item;
use store::customers::{BY_PARTNER, Watched};
use store::keys::SweepKey;

use super::Part;
use crate::scan_queue::{Cursor, ScanRequest, Since, SweepPage};
use crate::scan_schedule::run_of;
use crate::scan_worker::{App, Outcome, ScanError};

/// Customers per page: well under a second of work, so that a message leaves room for the others of its batch.
pub(crate) const PAGE: u16 = 500;

/// Handles a page. `receives` says how often its message was delivered, this time included.
///
/// # Errors
/// [`ScanError`]; the message comes again.
pub(crate) async fn handle(
    app: &App,
    message: &SweepPage,
    receives: u32,
) -> Result<Outcome, ScanError> {
    let table = app.customers.table();
    let key = SweepKey::new(message.sweep, message.segment);
    let standing = Part::load(table, &key).await?;
    if let Some(part) = &standing {
        match part.page.cmp(&message.page) {
            Ordering::Equal if !part.done => {}
            // Counted, and killed before the next page's message was sent, perhaps.
            Ordering::Greater if part.page == message.page + 1 && receives > 1 && !part.done => {
                app.queue.send(&[part.next(message.sweep)], 0).await?;
                return Ok(Outcome::Repeated);
            }
            _ => return Ok(Outcome::Repeated),
        }
    }
    let delta = app.vetter.editions().delta(&message.delta).await?;
    let start = message.cursor.as_ref().map(to_key);
    let segment = (message.segment, message.segments.max(1));
    let page = Box::pin(table.walk(BY_PARTNER, segment, start, app.page_size)).await?;
    let looked_at = page.items.len() as u64;
    let requests = concerned(app, message, &delta, page.items).await?;
    app.queue.send(&requests, 0).await?;
    failpoint("scan-worker:after-asking");
    count(Metric::CustomersSwept, looked_at);
    count(Metric::ScansRequested, requests.len() as u64);

    let now = app.clock.now();
    let mut part = standing.clone().unwrap_or_else(|| Part::beginning(message, now));
    part.page = message.page + 1;
    part.customers += looked_at;
    part.asked += requests.len() as u64;
    part.done = page.next.is_none();
    part.cursor = page.next.as_ref().map(from_key);
    part.updated_at = now;
    if !part.count(table, &key, standing).await? {
        // The same page was counted elsewhere meanwhile; whoever did goes on.
        return Ok(Outcome::Repeated);
    }
    failpoint("scan-worker:after-page");
    if !part.done {
        app.queue.send(&[part.next(message.sweep)], 0).await?;
    }
    failpoint("scan-worker:after-next-page");
    Ok(Outcome::Swept)
}

/// The screenings that a page's customers need.
pub(super) async fn concerned(
    app: &App,
    message: &SweepPage,
    delta: &OpenDelta,
    items: Vec<Item>,
) -> Result<Vec<ScanRequest>, ScanError> {
    let mut watch = Watch::new(delta, app.vetter.config());
    let first = delta.delta().from.is_none();
    let mut requests = Vec::new();
    for item in items {
        let Some((partner, customer)) = Watched::ids_of(&item) else { continue };
        let asked = match Watched::read(item) {
            // A list's first edition also finds those whose screening has waited in vain for one.
            Ok(watched) => {
                let waits = [&watched.ofac, &watched.pep_scan]
                    .into_iter()
                    .any(|scan| scan.status == ScanStatus::Pending);
                (first && waits) || asks(app, &mut watch, watched).await?
            }
            // Its own message fails on it, and not a whole segment.
            Err(_) => true,
        };
        if asked {
            let since = Since {
                list: message.list.clone(),
                index: message.edition.clone(),
                delta: Some(message.delta.clone()),
            };
            let run = run_of(message.sweep, customer);
            let (work, since) = (Work::Screen, Some(since));
            requests.push(ScanRequest { partner, customer, run, work, since });
        }
    }
    Ok(requests)
}

async fn asks(app: &App, watch: &mut Watch<'_>, watched: Watched) -> Result<bool, ScanError> {
    let complete = watched.is_complete();
    let Watched {
        partner,
        id,
        classification,
        name,
        birth_date,
        countries,
        ofac,
        pep_scan,
        adverse_media,
        ..
    } = watched;
    let subject = Subject::new(id, classification, name, birth_date, countries)
        .with_further(watched.legal_name, watched.representatives);
    let known = Known { ofac: &ofac, pep_scan: &pep_scan, adverse_media: adverse_media.as_ref() };
    let asks = match watch.asks(&subject, complete, known) {
        Asks::WithAddresses => {
            let addresses = app.customers.contacts(partner, id, ContactKind::Address).await?;
            watch.asks(&subject.with_addresses(&addresses), true, known)
        }
        known => known,
    };
    Ok(asks != Asks::No)
}

fn to_key(cursor: &Cursor) -> Item {
    cursor.iter().map(|(name, value)| (name.clone(), AttributeValue::S(value.clone()))).collect()
}

/// All keys of the table and its indexes are texts.
fn from_key(key: &Item) -> Cursor {
    let text = |(name, value): (&String, &AttributeValue)| {
        Some((name.clone(), value.as_s().ok()?.clone()))
    };
    key.iter().filter_map(text).collect()
}
