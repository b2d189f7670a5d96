//! What an assessment means for the customer, beside its scans.
//!
//! Invariant: a match holds the customer once, by the scan that found it; a list that has to be searched and was not clears
//! nobody, whatever the policy says.

use compliance::review::{Assessment, Decision, watch_list};
use domain::verification::Verification;

/// What follows for the identity. A match on a list that calls for a person is the business of the scan that holds it, which a
/// person may also settle there; so it does not hold the identity up as well. A list that is not there does. Together with the
/// scans this comes to what the review says: [`Assessment::decision`] has the scans in it.
pub(crate) fn verification(assessment: &Assessment, forced: Option<Decision>) -> Verification {
    let decision = forced.unwrap_or_else(|| {
        let (searched, policy) = (assessment.watch_list.searched.as_ref(), &assessment.policy);
        let by_policy = watch_list::by_policy(searched, policy).decision;
        let lists = match searched.filter(|searched| searched.is_complete()) {
            _ if by_policy == Decision::Reject => Decision::Reject,
            Some(searched) => watch_list::beside_matches(searched, policy),
            None => Decision::Review,
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
