//! A review as the contract writes it (§3.8): `identity_details`.
//!
//! Invariant: every code in it has its text in `messages`, and `messages` has no other.

use std::collections::{BTreeMap, BTreeSet};

use domain::time::utc_moment;
use serde::Serialize;

use super::code::Code;
use super::finding::{Correlation, Decision, Finding, Score};
use super::kyc::Validations;
use super::record::Review;
use super::reputation::Insights;
use super::watch_list::{self, Match};

/// The contract's `identity_details`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdentityDetails {
    review_id: String,
    decision: Decision,
    messages: BTreeMap<&'static str, &'static str>,
    breakdown: BreakdownView,
    #[serde(skip_serializing_if = "Option::is_none")]
    kyc: Option<KycView>,
    reputation: ReputationView,
    watch_list: WatchListView,
    network_alerts: AlertsView,
    created_at: String,
    updated_at: String,
    /// Beyond the contract: which rule of which policy decided.
    decided_by: DecidedBy,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct BreakdownView {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<ModuleView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<ModuleView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<ModuleView>,
    fraud: ModuleView,
    synthetic: ModuleView,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_identification: Option<ModuleView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_validation: Option<ModuleView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_evaluation: Option<ModuleView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ModuleView {
    decision: Decision,
    codes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<Correlation>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct KycView {
    decision: Decision,
    codes: Vec<&'static str>,
    validations: Validations,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ReputationView {
    decision: Decision,
    codes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_score: Option<f64>,
    insights: Insights,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct WatchListView {
    decision: Decision,
    codes: Vec<&'static str>,
    matched: Vec<String>,
    matches: Vec<MatchView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct MatchView {
    list_name: String,
    urls: Vec<String>,
    match_fields: Vec<String>,
    correlation: Correlation,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct AlertsView {
    decision: Decision,
    codes: Vec<&'static str>,
    alerts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct DecidedBy {
    rule: String,
    policy: String,
}

fn codes(finding: &Finding) -> Vec<&'static str> {
    finding.codes.iter().map(|code| code.as_str()).collect()
}

impl From<&Finding> for ModuleView {
    fn from(finding: &Finding) -> Self {
        Self {
            decision: finding.decision,
            codes: codes(finding),
            risk_score: finding.risk_score.map(Score::value),
            correlation_score: finding.correlation_score.map(Score::value),
            correlation: finding.correlation_score.map(Correlation::from),
        }
    }
}

impl From<&Match> for MatchView {
    fn from(found: &Match) -> Self {
        Self {
            list_name: found.list_name.clone(),
            urls: found.urls.clone(),
            match_fields: found.match_fields.clone(),
            correlation: watch_list::correlation(found),
        }
    }
}

impl From<&Review> for IdentityDetails {
    fn from(review: &Review) -> Self {
        let found = &review.assessment;
        let module = |finding: &Option<Finding>| finding.as_ref().map(ModuleView::from);
        let matches = || found.watch_list.searched.iter().flat_map(|searched| &searched.matches);
        let lists: BTreeSet<String> = matches().map(|found| found.list_name.clone()).collect();
        let breakdown = &found.breakdown;
        Self {
            review_id: review.review_id.to_string(),
            decision: review.decision,
            messages: found
                .codes()
                .into_iter()
                .map(|code: Code| (code.as_str(), code.text()))
                .collect(),
            breakdown: BreakdownView {
                email: module(&breakdown.email),
                phone: module(&breakdown.phone),
                address: module(&breakdown.address),
                fraud: (&breakdown.fraud).into(),
                synthetic: (&breakdown.synthetic).into(),
                business_identification: module(&breakdown.business_identification),
                business_validation: module(&breakdown.business_validation),
                business_evaluation: module(&breakdown.business_evaluation),
            },
            kyc: found.kyc.as_ref().map(|kyc| KycView {
                decision: kyc.finding.decision,
                codes: codes(&kyc.finding),
                validations: kyc.validations.clone(),
            }),
            reputation: ReputationView {
                decision: found.reputation.finding.decision,
                codes: codes(&found.reputation.finding),
                risk_score: found.reputation.finding.risk_score.map(Score::value),
                insights: found.reputation.insights.clone(),
            },
            watch_list: WatchListView {
                decision: found.watch_list.finding.decision,
                codes: codes(&found.watch_list.finding),
                matched: lists.into_iter().collect(),
                matches: matches().map(MatchView::from).collect(),
            },
            network_alerts: AlertsView {
                decision: found.network_alerts.finding.decision,
                codes: codes(&found.network_alerts.finding),
                alerts: found.network_alerts.alerts.clone(),
            },
            created_at: utc_moment(review.created_at),
            updated_at: utc_moment(review.updated_at),
            decided_by: DecidedBy {
                rule: review.rule.clone(),
                policy: found.policy.version.clone(),
            },
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
