//! Which published contract a route belongs to, and so which shape its errors take.

/// A published HTTP contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contract {
    /// Token and key publication (RFC 6749, RFC 8414, RFC 7517).
    OAuth,
    /// The onboarding contract: customers, scans, webhooks.
    Cos,
    /// Customers and eKYC as NewDay publishes them.
    NewDay,
    /// The customer contract of a payments platform: one flat customer, its review, numbered pages.
    Straddle,
}
