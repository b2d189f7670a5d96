//! What a partner wants done with what the modules find.
//!
//! Invariants: a review stores the policy that decided it, whole, so that it can be explained when the policy has changed;
//! a policy can be made stricter or more lenient but never inconsistent (rejecting begins where reviewing does, or above).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::finding::{Decision, Score};

/// From which risk score a module reviews and rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thresholds {
    /// At least this much is for a person to look at.
    pub review: Score,
    /// At least this much is turned away.
    pub reject: Score,
}

impl Thresholds {
    /// What a score comes to.
    #[must_use]
    pub fn decide(self, risk: Score) -> Decision {
        if risk >= self.reject {
            Decision::Reject
        } else if risk >= self.review {
            Decision::Review
        } else {
            Decision::Accept
        }
    }
}

impl From<(i32, i32)> for Thresholds {
    fn from((review, reject): (i32, i32)) -> Self {
        Self { review: Score::thousandths(review), reject: Score::thousandths(reject) }
    }
}

/// How often an attribute may come up within a day before somebody looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Velocity {
    /// A tax number.
    pub tax_id: u32,
    /// An e-mail address.
    pub email: u32,
    /// A phone.
    pub phone: u32,
    /// A device's network address. Offices and mobile carriers share them, so this one only informs.
    pub device: u32,
    /// A bank account, by how many customers it is proved.
    pub bank_account: u32,
}

/// With how many names or birth dates an attribute may come within 30 days before that is a signal: from this many on, the
/// applicant's own among them. Couples share a mailbox and an account, families a phone, offices and mobile carriers a network
/// address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OtherNames {
    /// An e-mail address.
    pub email: u32,
    /// A phone.
    pub phone: u32,
    /// A device's network address.
    pub device: u32,
    /// A bank account.
    pub bank_account: u32,
}

impl Default for OtherNames {
    fn default() -> Self {
        Self { email: 3, phone: 4, device: 10, bank_account: 3 }
    }
}

impl Default for Velocity {
    fn default() -> Self {
        Self { tax_id: 3, email: 5, phone: 8, device: 20, bank_account: 3 }
    }
}

/// A decision policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Which one it is: `default-3`, or the partner's own counted version.
    pub version: String,
    /// For the module `email`.
    pub email: Thresholds,
    /// For the module `phone`.
    pub phone: Thresholds,
    /// For the module `address`.
    pub address: Thresholds,
    /// For the module `fraud`.
    pub fraud: Thresholds,
    /// For the module `synthetic`.
    pub synthetic: Thresholds,
    /// For the module `reputation`.
    pub reputation: Thresholds,
    /// For the three modules of a business.
    pub business: Thresholds,
    /// What an identity that nothing confirms comes to, where a number or a birth date was given to be confirmed.
    pub unconfirmed_identity: Decision,
    /// A sanctions match with this score or more, on name and birth date both, is turned away without a person looking at
    /// it. Absent by default: a name is not a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sanctions_reject: Option<Score>,
    /// How often is too often.
    pub velocity: Velocity,
    /// How many names are too many.
    pub other_names: OtherNames,
    /// Other floors than the table's, by code.
    pub floors: BTreeMap<Code, Decision>,
}

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A module would reject what it does not even review.
    #[error("{0}: rejecting must not begin below reviewing")]
    Inverted(&'static str),
    /// The text is no policy.
    #[error("not a policy: {0}")]
    Malformed(String),
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: "default-3".to_owned(),
            email: (600, 1000).into(),
            phone: (600, 1000).into(),
            address: (600, 1000).into(),
            fraud: (500, 850).into(),
            synthetic: (500, 850).into(),
            reputation: (500, 1000).into(),
            business: (500, 1000).into(),
            unconfirmed_identity: Decision::Review,
            sanctions_reject: None,
            velocity: Velocity::default(),
            other_names: OtherNames::default(),
            floors: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// Reads a partner's policy. Fields that it leaves out are the default's; `version` is the store's count.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(value: &serde_json::Value, version: u32) -> Result<Self, PolicyError> {
        if !value.is_object() {
            return Err(PolicyError::Malformed("not an object".to_owned()));
        }
        let mut policy: Self = serde_json::from_value(value.clone())
            .map_err(|error| PolicyError::Malformed(error.to_string()))?;
        policy.version = format!("partner-{version}");
        for (name, thresholds) in [
            ("email", policy.email),
            ("phone", policy.phone),
            ("address", policy.address),
            ("fraud", policy.fraud),
            ("synthetic", policy.synthetic),
            ("reputation", policy.reputation),
            ("business", policy.business),
        ] {
            if thresholds.reject < thresholds.review {
                return Err(PolicyError::Inverted(name));
            }
        }
        Ok(policy)
    }

    /// The policy of a partner that may have stored one; the default one otherwise.
    ///
    /// # Errors
    /// [`PolicyError`] when what is stored is none.
    pub fn stored(record: Option<(&serde_json::Value, u32)>) -> Result<Self, PolicyError> {
        record.map_or_else(|| Ok(Self::default()), |(value, version)| Self::parse(value, version))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_is_the_default() {
        let policy =
            Policy::parse(&json!({ "fraud": { "review": 0.3, "reject": 0.6 } }), 4).unwrap();
        assert_eq!(policy.version, "partner-4");
        assert_eq!(policy.fraud, Thresholds::from((300, 600)));
        assert_eq!(policy.email, Policy::default().email);
        assert_eq!(Policy::stored(None).unwrap(), Policy::default());
    }

    #[test]
    fn what_contradicts_itself_or_is_unknown_is_refused() {
        let inverted = json!({ "phone": { "review": 0.6, "reject": 0.3 } });
        assert_eq!(Policy::parse(&inverted, 1), Err(PolicyError::Inverted("phone")));
        for wrong in [
            json!({ "phones": {} }),
            json!({ "floors": { "R99999": "review" } }),
            json!({ "unconfirmedIdentity": "maybe" }),
            json!([]),
        ] {
            assert!(matches!(Policy::parse(&wrong, 1), Err(PolicyError::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn thresholds_begin_at_their_number() {
        let thresholds = Thresholds::from((500, 850));
        for (points, decision) in [
            (499, Decision::Accept),
            (500, Decision::Review),
            (849, Decision::Review),
            (850, Decision::Reject),
        ] {
            assert_eq!(thresholds.decide(Score::thousandths(points)), decision);
        }
    }

    /// What earlier releases have stored is read; what they did not know is the default's.
    #[test]
    fn a_policy_of_an_earlier_release_is_read() {
        let defaults = OtherNames::default();
        for (earlier, velocity, other_names) in [
            (json!({ "velocity": { "email": 4, "bankAccount": 5 } }), 5, defaults),
            (json!({ "velocity": { "email": 4 } }), 3, defaults),
            (
                json!({ "velocity": { "email": 4 }, "otherNames": { "phone": 9 } }),
                3,
                OtherNames { phone: 9, ..defaults },
            ),
        ] {
            let policy = Policy::parse(&earlier, 1).unwrap();
            let read = (policy.velocity.email, policy.velocity.bank_account, policy.other_names);
            assert_eq!(read, (4, velocity, other_names), "{earlier}");
        }
        let written = serde_json::to_value(Policy::default()).unwrap();
        assert_eq!(written["velocity"]["bankAccount"], 3);
        assert_eq!(written["otherNames"]["bankAccount"], 3);
    }

    #[test]
    fn a_policy_survives_storage() {
        let mut policy = Policy::default();
        policy.floors.insert(Code::R708, Decision::Review);
        policy.sanctions_reject = Some(Score::thousandths(950));
        let json = serde_json::to_value(&policy).unwrap();
        assert_eq!(serde_json::from_value::<Policy>(json).unwrap(), policy);
    }
}
