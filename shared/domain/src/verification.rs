//! Whether a customer's identity is established, and what all that is known about a customer amounts to.
//!
//! Two things are kept: where the identity review stands ([`Verification`]) and where each scan stands
//! ([`crate::scan`]), what adverse media say of somebody who is reviewed among them. What a customer *is* follows from the two and from whether it is in business with us; it is derived
//! each time and never stored apart, so that it cannot contradict them:
//!
//! | the first that holds | standing |
//! | --- | --- |
//! | the customer was deactivated | inactive |
//! | a review is running or due | pending |
//! | a person confirmed a hit, or the review or a person rejected the identity | rejected |
//! | a scan waits for a person, or the review does | review |
//! | no review was asked for | pending |
//! | otherwise | verified |
//!
//! So a watchlist hit of a later night moves a verified customer to review, and clearing it moves the customer back.

use crate::choices::choices;

choices! {
    /// Where the review of the identity stands.
    Verification {
        /// The partner wants none.
        NotAsked = "NotAsked",
        /// Running or due.
        Pending = "Pending",
        /// A person has to decide.
        Review = "Review",
        /// Established, by the review or by a person.
        Verified = "Verified",
        /// Refused, by the review or by a person.
        Rejected = "Rejected",
    }

    /// What a customer amounts to.
    Standing {
        /// Nothing final is known yet.
        Pending = "pending",
        /// A person has to decide.
        Review = "review",
        /// In order.
        Verified = "verified",
        /// No longer in business with us.
        Inactive = "inactive",
        /// Refused.
        Rejected = "rejected",
    }

    /// What a person decides about a customer in review.
    Verdict {
        /// The identity is established and the hits are of others.
        Verified = "verified",
        /// The customer is refused.
        Rejected = "rejected",
    }
}

impl Verdict {
    /// What a person's decision about a scan means for the customer: who decides the last thing that was open has decided about
    /// the customer; otherwise `None`.
    #[must_use]
    pub const fn implied(before: Standing, after: Standing) -> Option<Self> {
        match (before, after) {
            (Standing::Review, Standing::Verified) => Some(Self::Verified),
            (Standing::Review, Standing::Rejected) => Some(Self::Rejected),
            _ => None,
        }
    }
}

/// A decision about a customer that is not in review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a customer that is {0} cannot be decided")]
pub struct NotInReview(pub Standing);
