//! What a partner said beside, inside a customer's item, and back.

use std::collections::BTreeMap;

use domain::email::EmailAddress;
use domain::enrolment::{Device, Enrolment, Metadata, Processing, Representative, SandboxOutcome};
use domain::phone::PhoneNumber;
use serde::{Deserialize, Serialize};

use super::record::{malformed, needed, parsed, string, text};
use crate::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnrolmentRecord {
    device: Option<String>,
    /// As JSON text. An earlier release took values that are null as well; nobody is told of these.
    metadata: Option<String>,
    processing: Option<Processing>,
    sandbox_outcome: Option<SandboxOutcome>,
    legal_name: Option<String>,
    representatives: Option<Vec<RepresentativeRecord>>,
}

#[derive(Serialize, Deserialize)]
struct RepresentativeRecord {
    name: String,
    email: Option<String>,
    phone: Option<String>,
}

pub(super) fn write_enrolment(enrolment: &Enrolment) -> Result<EnrolmentRecord, StoreError> {
    let metadata = enrolment.metadata.as_ref().map(|kept| serde_json::to_string(kept.pairs()));
    let representative = |one: &Representative| RepresentativeRecord {
        name: string(&one.name),
        email: one.email.as_ref().map(|email| email.as_str().to_owned()),
        phone: one.phone.as_ref().map(|phone| phone.e164().to_owned()),
    };
    Ok(EnrolmentRecord {
        device: enrolment.device.map(Device::reveal),
        metadata: metadata.transpose().map_err(|_| malformed("metadata"))?,
        processing: enrolment.processing,
        sandbox_outcome: enrolment.sandbox_outcome,
        legal_name: enrolment.legal_name.as_ref().map(string),
        representatives: enrolment
            .representatives
            .as_ref()
            .map(|all| all.iter().map(representative).collect()),
    })
}

pub(super) fn read_enrolment(record: EnrolmentRecord) -> Result<Enrolment, StoreError> {
    let metadata = match &record.metadata {
        None => None,
        Some(json) => {
            let pairs: BTreeMap<String, Option<String>> =
                serde_json::from_str(json).map_err(|_| malformed("metadata"))?;
            let pairs = pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            Some(Metadata::new(pairs).map_err(|_| malformed("metadata"))?)
        }
    };
    let representative = |one: RepresentativeRecord| {
        Ok(Representative {
            name: needed(&one.name)?,
            email: parsed(one.email.as_deref(), EmailAddress::parse)?,
            phone: parsed(one.phone.as_deref(), PhoneNumber::of_form)?,
        })
    };
    Ok(Enrolment {
        device: parsed(record.device.as_deref(), Device::parse)?,
        metadata,
        processing: record.processing,
        sandbox_outcome: record.sandbox_outcome,
        legal_name: text(record.legal_name.as_deref())?,
        representatives: record
            .representatives
            .map(|all| all.into_iter().map(representative).collect::<Result<_, StoreError>>())
            .transpose()?,
    })
}
