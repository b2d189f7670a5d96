//! What screening runs leave behind.
//!
//! | evidence | kept under | how long |
//! | --- | --- | --- |
//! | a run that changed anything about the customer, and a person's decision | its run | for ever |
//! | a run that found what is known already | the digest of its whole answer (subject, hits, editions, configuration) | ten years after the last such run |
//!
//! The second kind is one item however many nights repeat it: it says when such a run was first and last made, and how
//! often. So there is proof for each customer and each edition that was ever in force, negatives included, and a night
//! that brings no news adds nothing. Ten years is what 31 CFR 501.601 asks since 12 March 2025; the five years of the
//! Bank Secrecy Act lie within them.
//!
//! | call | round trips | units |
//! | --- | --- | --- |
//! | [`Customers::has_run`] | 1 GetItem | 1 |
//! | [`Customers::repeat_evidence`] | 1 UpdateItem | 1 per KB |

use crypto::sha256;
use domain::audit::AuditEntry;
use domain::ids::{CustomerId, EventId, PartnerId};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::record::to_compact_item;
use super::{ChainBroken, Customers};
use crate::keys::{Key, RepeatedScreeningKey, ScreeningKey};
use crate::{Expression, Item, StoreError, Update, WriteError, from_item, text};

/// Ten years, leap days included.
const REPEATED_KEPT: SignedDuration = SignedDuration::from_hours(3_653 * 24);

/// The item of a run that changed something, or of a decision: to be put where none stands.
///
/// # Errors
/// [`StoreError::Malformed`] when the record does not serialise.
pub fn evidence(
    partner: PartnerId,
    customer: CustomerId,
    run: EventId,
    record: &impl Serialize,
) -> Result<Item, StoreError> {
    let mut item = to_compact_item(record)?;
    ScreeningKey::new(partner, customer, run).stamp(&mut item);
    Ok(item)
}

/// How an audit entry names a piece of evidence and binds it: `screening/<run>#<SHA-256 of its JSON>`.
///
/// # Errors
/// [`StoreError::Malformed`] when the item is no [`evidence`].
pub(super) fn evidence_digest(item: &Item) -> Result<String, StoreError> {
    let malformed = || StoreError::Malformed("an item is no evidence".to_owned());
    let run =
        text(item, "sk").and_then(|sk| sk.strip_prefix("SCREENING#")).ok_or_else(malformed)?;
    let run = EventId::parse(run).map_err(|_| malformed())?;
    let mut item = item.clone();
    item.remove("pk");
    item.remove("sk");
    // Members of a JSON value are sorted, so one record has one text.
    let record: serde_json::Value = from_item(item)?;
    Ok(format!("{EVIDENCE}{run}#{}", hex::encode(sha256(record.to_string().as_bytes()))))
}

/// What [`evidence_digest`] begins with.
const EVIDENCE: &str = "screening/";

impl Customers {
    /// The first piece of evidence that an audit entry binds and that is gone or was altered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn altered_evidence(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        entries: &[AuditEntry],
    ) -> Result<Option<ChainBroken>, StoreError> {
        for entry in entries {
            for field in &entry.fields {
                let Some(named) = field.strip_prefix(EVIDENCE) else { continue };
                let run = named.split_once('#').and_then(|(run, _)| EventId::parse(run).ok());
                let altered = Some(ChainBroken::EvidenceAltered { seq: entry.seq });
                let Some(run) = run else { return Ok(altered) };
                let key = ScreeningKey::new(partner, customer, run);
                match Box::pin(self.table.get(&key)).await? {
                    Some(item) if evidence_digest(&item)? == *field => {}
                    _ => return Ok(altered),
                }
            }
        }
        Ok(None)
    }

    /// Whether a run has left evidence under its own name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_run(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        run: EventId,
    ) -> Result<bool, StoreError> {
        let key = ScreeningKey::new(partner, customer, run);
        Ok(Box::pin(self.table.get(&key)).await?.is_some())
    }

    /// Records a run that found what is known already. `digest` names its whole answer. A run that comes twice counts
    /// once; answers whether it counted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn repeat_evidence(
        &self,
        (partner, customer): (PartnerId, CustomerId),
        digest: &str,
        run: EventId,
        record: &impl Serialize,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = RepeatedScreeningKey::new(partner, customer, digest.to_owned());
        let mut parts = vec![
            "#first = if_not_exists(#first, :now)".to_owned(),
            "#runs = if_not_exists(#runs, :zero) + :one".to_owned(),
            "#expiresAt = :expiresAt".to_owned(),
        ];
        let mut update = Expression::new("")
            .name("#first", "firstScreenedAt")
            .text(":now", now.to_string())
            .name("#runs", "runs")
            .number(":zero", 0)
            .number(":one", 1)
            .name("#expiresAt", "expiresAt")
            .number(":expiresAt", (now + REPEATED_KEPT).as_second());
        for (number, (name, value)) in to_compact_item(record)?.into_iter().enumerate() {
            let (place, stands_for) = (format!("#a{number}"), format!(":a{number}"));
            parts.push(format!("{place} = {stands_for}"));
            update = update.name(&place, &name).value(&stands_for, value);
        }
        update.text = format!("SET {}", parts.join(", "));
        let condition = Expression::new("attribute_not_exists(pk) OR #run <> :run")
            .name("#run", "run")
            .text(":run", run.to_string());
        match Box::pin(self.table.update(&key, Update::when(condition, update))).await {
            Ok(_) => Ok(true),
            Err(WriteError::Refused(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }
}
