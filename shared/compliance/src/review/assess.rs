//! All modules over one applicant, and the rule that decides.
//!
//! Pure: the same inputs give the same assessment, byte for byte. The decision is the severest of the modules', so a further
//! risk never makes it milder; of several that are equally severe, the first in [`ORDER`] gives its name to the rule.

use std::collections::BTreeSet;

use domain::network::{Fingerprint, View};
use domain::scan::Scan;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::applicant::Applicant;
use super::code::Code;
use super::finding::{Decision, Finding, Signals};
use super::kyc::{self, Kyc};
use super::policy::{Policy, Thresholds};
use super::provider::{DeliveryAnswer, IdentityAnswer};
use super::reputation::{self, Insights};
use super::synthetic::patterns;
use super::watch_list::{self, WatchList};
use super::weights::{Column, floor, judge, judge_with, reasons, score};
use super::{address, alerts, business, email, other_names, phone};

/// How many reasons `fraud` and `synthetic` name.
const REASONS: usize = 5;

/// The rule that leaves to a person whom one has rejected before.
pub(super) const EARLIER_REJECTION: &str = "earlier_rejection.review";

/// The modules from the weightiest word to the lightest.
pub const ORDER: [&str; 12] = [
    "watch_list",
    "kyc",
    "network_alerts",
    "reputation",
    "fraud",
    "synthetic",
    "business_identification",
    "business_validation",
    "business_evaluation",
    "email",
    "phone",
    "address",
];

/// Everything that an assessment is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Who.
    pub applicant: &'a Applicant,
    /// What the network knows.
    pub network: &'a View,
    /// What the watchlists gave; `None` when there were none to search.
    pub watch_list: Option<&'a WatchList>,
    /// What an identity provider said.
    pub identity: &'a IdentityAnswer,
    /// What an address provider said.
    pub delivery: &'a DeliveryAnswer,
    /// What the partner wants done.
    pub policy: &'a Policy,
    /// The outcome that a sandbox asks for.
    pub forced: Option<Decision>,
    /// When.
    pub now: Timestamp,
}

/// The contract's `breakdown`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each module is named by what it looks at")]
pub struct Breakdown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Finding>,
    pub fraud: Finding,
    pub synthetic: Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_identification: Option<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_validation: Option<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_evaluation: Option<Finding>,
}

/// A finding with the counts behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reputation {
    /// What it comes to.
    pub finding: Finding,
    /// The counts.
    pub insights: Insights,
}

/// A finding with the matches behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screened {
    /// What it comes to.
    pub finding: Finding,
    /// What was searched and found; nothing when there were no lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<WatchList>,
}

/// A finding with the alerts behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerted {
    /// What it comes to.
    pub finding: Finding,
    /// The alerts, in words.
    pub alerts: Vec<String>,
}

/// What all modules together come to, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// What it comes to.
    pub decision: Decision,
    /// The rule that decided: a module and what it came to.
    pub rule: String,
    /// The modules of `breakdown`.
    pub breakdown: Breakdown,
    /// Identity, when there was something to check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kyc: Option<Kyc>,
    /// The network's memory.
    pub reputation: Reputation,
    /// Watchlists.
    pub watch_list: Screened,
    /// Alert lists and velocity.
    pub network_alerts: Alerted,
    /// The policy that decided, whole.
    pub policy: Policy,
    /// By what the network knows the proved accounts that were looked at: they are no news any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<Fingerprint>,
}

/// Reviews an applicant.
#[must_use]
pub fn assess(inputs: &Inputs<'_>) -> Assessment {
    let Inputs { applicant, network, policy, now, .. } = *inputs;
    let scored = |codes, signals, thresholds| judge_with(codes, signals, thresholds, policy);
    let mut breakdown = Breakdown {
        email: email::signals(applicant, network, now)
            .map(|signals| scored((Code::I520, Code::R520), signals, policy.email)),
        phone: phone::signals(applicant, network, now)
            .map(|signals| scored((Code::I620, Code::R620), signals, policy.phone)),
        address: address::signals(applicant, network, inputs.delivery, now)
            .map(|signals| scored((Code::I720, Code::R720), signals, policy.address)),
        ..Breakdown::default()
    };
    if let Some(found) = business::signals(applicant, network, inputs.identity, now) {
        let judged = |signals| Some(judge(signals, policy.business, policy));
        breakdown.business_identification = judged(found.identification);
        breakdown.business_validation = judged(found.validation);
        breakdown.business_evaluation = judged(found.evaluation);
    }
    let (mut signals, insights) = reputation::signals(network, now);
    signals.codes.extend(other_names::codes(network, policy.other_names, now));
    let reputation = Reputation { finding: judge(signals, policy.reputation, policy), insights };
    let kyc = kyc::check(applicant, network, inputs.identity, policy, now);
    let watch_list = Screened {
        finding: watch_list::judge(inputs.watch_list, policy),
        searched: inputs.watch_list.cloned(),
    };
    let network_alerts = alerted(network, policy, now);
    let mut assessment = Assessment {
        decision: Decision::Accept,
        rule: String::new(),
        breakdown,
        kyc,
        reputation,
        watch_list,
        network_alerts,
        policy: policy.clone(),
        accounts: BTreeSet::new(),
    };
    let mut codes = assessment.codes();
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let made_up = patterns(applicant, &codes, today);
    codes.extend(&made_up);
    assessment.breakdown.fraud =
        overall(&codes, &BTreeSet::new(), Column::Fraud, policy.fraud, policy);
    assessment.breakdown.synthetic =
        overall(&codes, &made_up, Column::Synthetic, policy.synthetic, policy);
    assessment.decide(inputs.forced);
    assessment
}

/// Whether what the network knows of proved accounts is for somebody to look at by itself, by what the policy makes of it: then a
/// review that did not know them has to be made again. `known` has their histories alone.
#[must_use]
pub fn speaks_against(known: &View, policy: &Policy, now: Timestamp) -> bool {
    let codes = other_names::codes(known, policy.other_names, now);
    let names = judge(Signals { codes, ..Signals::default() }, policy.reputation, policy);
    names.decision.max(alerted(known, policy, now).finding.decision) > Decision::Accept
}

/// A score over the codes of all modules, with its heaviest reasons.
fn overall(
    codes: &BTreeSet<Code>,
    own: &BTreeSet<Code>,
    column: Column,
    thresholds: Thresholds,
    policy: &Policy,
) -> Finding {
    let risk = score(codes, column);
    let mut named = reasons(codes, column, REASONS);
    named.extend(own);
    Finding {
        decision: thresholds.decide(risk).max(floor(own, policy)),
        codes: named,
        risk_score: Some(risk),
        correlation_score: None,
    }
}

fn alerted(network: &View, policy: &Policy, now: Timestamp) -> Alerted {
    let (signals, alerts, too_fast) = alerts::signals(network, policy.velocity, now);
    let least = if too_fast { Decision::Review } else { Decision::Accept };
    let decision = floor(&signals.codes, policy).max(least);
    Alerted { finding: Finding { decision, codes: signals.codes, ..Finding::default() }, alerts }
}

impl Assessment {
    /// The findings by module, in [`ORDER`].
    #[must_use]
    pub fn findings(&self) -> Vec<(&'static str, &Finding)> {
        let Breakdown {
            email,
            phone,
            address,
            fraud,
            synthetic,
            business_identification,
            business_validation,
            business_evaluation,
        } = &self.breakdown;
        let found = [
            Some(&self.watch_list.finding),
            self.kyc.as_ref().map(|kyc| &kyc.finding),
            Some(&self.network_alerts.finding),
            Some(&self.reputation.finding),
            Some(fraud),
            Some(synthetic),
            business_identification.as_ref(),
            business_validation.as_ref(),
            business_evaluation.as_ref(),
            email.as_ref(),
            phone.as_ref(),
            address.as_ref(),
        ];
        ORDER.into_iter().zip(found).filter_map(|(name, found)| Some((name, found?))).collect()
    }

    /// Every code that was emitted.
    #[must_use]
    pub fn codes(&self) -> BTreeSet<Code> {
        self.findings().into_iter().flat_map(|(_, finding)| finding.codes.iter().copied()).collect()
    }

    /// Leaves it to a person, whatever the modules say: one has rejected the customer, and none has decided since.
    pub fn bar(&mut self) {
        if self.decision == Decision::Accept {
            self.decision = Decision::Review;
            self.rule = EARLIER_REJECTION.to_owned();
        }
    }

    /// Decides anew from the findings as they stand, or as a sandbox asks, unless a scan says worse of the customer.
    pub(super) fn decide(&mut self, forced: Option<Decision>) {
        let held = self.watch_list.searched.as_ref().map(|searched| searched.held);
        if let Some(forced) = forced.filter(|forced| held.is_none_or(|held| held <= *forced)) {
            self.decision = forced;
            self.rule = format!("sandbox_outcome.{forced}");
            return;
        }
        let severest = self.findings().iter().map(|(_, found)| found.decision).max();
        self.decision = severest.unwrap_or(Decision::Accept);
        self.rule = match self.decision {
            Decision::Accept => "all_modules.accept".to_owned(),
            decision => self.rule_for(decision).unwrap_or_default(),
        };
    }

    /// The module that comes to this decision by itself, as a rule.
    pub(super) fn rule_for(&self, decision: Decision) -> Option<String> {
        let findings = self.findings();
        let deciding = findings.iter().find(|(_, found)| found.decision == decision);
        deciding.map(|(name, _)| format!("{name}.{decision}"))
    }

    /// Says of the watchlists what a person has decided about, with the scans as the decision has left them. What else the
    /// modules have found stays found.
    pub(super) fn decided(&mut self, scans: &[&Scan]) {
        if let Some(searched) = &mut self.watch_list.searched {
            searched.decided(scans);
            let mut finding = watch_list::judge(Some(searched), &self.policy);
            if searched.left_out > 0 && searched.held > Decision::Accept {
                // What the record had no room for may be what is still open.
                finding.codes.extend(&self.watch_list.finding.codes);
            }
            self.watch_list.finding = finding;
        }
    }
}

#[cfg(test)]
#[path = "assess_tests.rs"]
mod tests;
