//! A customer as webhooks carry it (§6): the masked customer without its configuration, its profile flat.
//!
//! Invariant: what a webhook shows is never more than what a masked read shows.

use std::collections::BTreeMap;

use domain::customer::Customer;
use serde::Serialize;

use crate::customer::{Address, Device, IP_ADDRESS, Profile, Row, masked};

/// The `data` of a customer event.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    #[serde(flatten)]
    row: Row,
    address: Option<Address>,
    compliance_profile: Option<FlatProfile>,
    device: Device,
    metadata: Option<BTreeMap<String, String>>,
}

impl std::fmt::Debug for Subject {
    /// Nearly all of it is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("id", &self.row.id).finish_non_exhaustive()
    }
}

/// A person's and a company's profile in one; without representatives.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
struct FlatProfile {
    dob: Option<String>,
    ssn: Option<String>,
    ein: Option<String>,
    legal_business_name: Option<String>,
    website: Option<String>,
}

/// What a webhook says of the customer.
#[must_use]
pub fn subject(customer: &Customer) -> Subject {
    let shown = masked(customer);
    Subject {
        row: shown.row,
        address: shown.address,
        compliance_profile: shown.compliance_profile.map(flat),
        // Compulsory here. A customer of another contract has none, and a starred one says nothing either way.
        device: shown.device.unwrap_or_else(|| Device { ip_address: IP_ADDRESS.to_owned() }),
        metadata: shown.metadata,
    }
}

fn flat(profile: Profile) -> FlatProfile {
    match profile {
        Profile::Individual(person) => {
            FlatProfile { dob: person.dob, ssn: person.ssn, ..FlatProfile::default() }
        }
        Profile::Business(company) => FlatProfile {
            ein: company.ein,
            legal_business_name: company.legal_business_name,
            website: company.website,
            ..FlatProfile::default()
        },
    }
}
