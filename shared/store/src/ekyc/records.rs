//! Journeys and issued codes as items, and back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ekyc::{Code, Issued, Issues, Journey, JourneyId, JourneyState, Live, SessionState};
use domain::ids::AuthId;
use serde::{Deserialize, Serialize};

use super::expressions::{millis, moment};
use crate::{Item, StoreError, from_item, number, text, to_item};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuesRecord {
    version: i64,
    issued: BTreeMap<String, IssuedRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journey: Option<JourneyId>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<String, i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuedRecord {
    at: i64,
    auth: AuthId,
    journey: JourneyId,
    destination: String,
    digest: String,
    ends: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

pub(super) fn write_issues(issues: &Issues) -> Result<Item, StoreError> {
    let issued = issues.issued.iter().map(|(name, issued)| {
        let record = IssuedRecord {
            at: millis(issued.at),
            auth: issued.auth,
            journey: issued.journey.clone(),
            destination: issued.destination.clone(),
            digest: issued.digest.clone(),
            ends: millis(issued.expires_at),
            request: issued.request.clone(),
        };
        (name.clone(), record)
    });
    to_item(&IssuesRecord {
        version: issues.version,
        issued: issued.collect(),
        lock_until: issues.lock_until.map(millis),
        journey: issues.journey.clone(),
        checks: issues.checks.iter().map(|(auth, at)| (auth.clone(), millis(*at))).collect(),
    })
}

pub(super) fn read_issues(item: Item) -> Result<Issues, StoreError> {
    let record: IssuesRecord = from_item(item)?;
    let mut issued = BTreeMap::new();
    for (name, held) in record.issued {
        let held = Issued {
            at: moment(held.at)?,
            auth: held.auth,
            journey: held.journey,
            destination: held.destination,
            digest: held.digest,
            expires_at: moment(held.ends)?,
            request: held.request,
        };
        issued.insert(name, held);
    }
    let checks = record.checks.into_iter().map(|(auth, at)| Ok((auth, moment(at)?)));
    Ok(Issues {
        checks: checks.collect::<Result<_, StoreError>>()?,
        version: record.version,
        issued,
        lock_until: record.lock_until.map(moment).transpose()?,
        journey: record.journey,
    })
}

pub(super) fn read_journey(item: &Item) -> Result<Journey, StoreError> {
    let malformed = || StoreError::Malformed("a journey".to_owned());
    let whole = |name: &str| number(item, name).ok_or_else(malformed);
    let words = |name: &str| text(item, name).ok_or_else(malformed);
    let previous = match text(item, "previousCode") {
        None => None,
        Some(digest) => {
            Some(Code { digest: digest.to_owned(), expires_at: moment(whole("previousEnds")?)? })
        }
    };
    let live = Live {
        auth: AuthId::parse(words("liveAuth")?).map_err(|_| malformed())?,
        state: SessionState::parse(words("liveState")?).map_err(|_| malformed())?,
        attempts: whole("liveAttempts")?,
        wrong: whole("liveWrong")?,
        sends: whole("sends")?,
        code: Code { digest: words("code")?.to_owned(), expires_at: moment(whole("codeEnds")?)? },
        previous,
    };
    Ok(Journey {
        state: JourneyState::parse(words("state")?).map_err(|_| malformed())?,
        attempts: whole("attempts")?,
        wrong: whole("wrong")?,
        expired: whole("expired")?,
        live: Some(live),
        claimed_at: number(item, "claimedAt").map(moment).transpose()?,
    })
}

/// The time to live, in the attribute that the table deletes by.
pub(super) fn keep_until(item: &mut Item, seconds: i64) {
    item.insert("expiresAt".to_owned(), AttributeValue::N(seconds.to_string()));
}
