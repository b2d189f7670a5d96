//! What an assessment means for the customer, beside its scans.
//!
//! Invariant: a match holds the customer once, by the scan that found it or here; a list that has to be searched and was
//! not clears nobody, whatever the policy says.

use compliance::review::{Assessment, Decision, watch_list};
use domain::scan::Finding;
use domain::verification::Verification;

/// Whether every list that has to be searched was.
fn is_searched(assessment: &Assessment) -> bool {
    assessment.watch_list.searched.as_ref().is_some_and(watch_list::WatchList::is_complete)
}

/// Whether the scans, adverse media with them, hold every match of the review that nobody has cleared: then a person who
/// settles those settles these.
fn is_held(assessment: &Assessment, held: [Option<&Finding>; 3]) -> bool {
    let matches = assessment.watch_list.searched.iter().flat_map(|searched| &searched.matches);
    let by_scan = |entity: &str| {
        held.iter().flatten().any(|scan| scan.hits.keys().any(|hit| hit.as_str() == entity))
    };
    matches
        .into_iter()
        .filter(|found| found.is_present() && !found.passes(&assessment.policy))
        .all(|found| by_scan(found.entity()))
}

/// What follows for the identity. A match on a list that calls for a person is the scan's business, which a person may
/// also settle there; so it does not hold the identity up as well. A match that no scan holds does, and so does a list
/// that is not there. Together with the scans this comes to what the review says: [`Assessment::decision`] has the scans in it.
pub(crate) fn verification(
    assessment: &Assessment,
    forced: Option<Decision>,
    held: [Option<&Finding>; 3],
) -> Verification {
    let decision = forced.unwrap_or_else(|| {
        let listed = &assessment.watch_list.searched;
        let by_policy = watch_list::by_policy(listed.as_ref(), &assessment.policy).decision;
        let settled = is_searched(assessment) && is_held(assessment, held);
        let lists = match (by_policy, settled) {
            (Decision::Reject, _) => Decision::Reject,
            (Decision::Accept | Decision::Review, true) => {
                listed.as_ref().map_or(Decision::Review, |listed| {
                    watch_list::beside_matches(listed, &assessment.policy)
                })
            }
            // A policy may say that a match is nothing; that a list is missing it may not.
            (Decision::Accept, false) if is_searched(assessment) => Decision::Accept,
            (Decision::Accept | Decision::Review, false) => Decision::Review,
        };
        lists.max(beside_the_lists(assessment))
    });
    match decision {
        Decision::Accept => Verification::Verified,
        Decision::Review => Verification::Review,
        Decision::Reject => Verification::Rejected,
    }
}

/// The severest decision of all modules but the watchlists.
fn beside_the_lists(assessment: &Assessment) -> Decision {
    let modules = &assessment.breakdown;
    let optional = [
        &modules.email,
        &modules.phone,
        &modules.address,
        &modules.business_identification,
        &modules.business_validation,
        &modules.business_evaluation,
    ];
    let optional = optional.into_iter().flatten().map(|finding| finding.decision);
    let kyc = assessment.kyc.as_ref().map(|kyc| kyc.finding.decision);
    let always = [
        modules.fraud.decision,
        modules.synthetic.decision,
        assessment.reputation.finding.decision,
        assessment.network_alerts.finding.decision,
    ];
    optional.chain(kyc).chain(always).max().unwrap_or(Decision::Accept)
}
