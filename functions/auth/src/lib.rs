//! Access tokens: issuing them, publishing their keys, checking them at the gateway, administering who gets them.
//!
//! Invariants: the private signing keys never leave KMS; a client secret exists in the clear only in the reply that
//! hands it out and in the request that presents it; a token is believed only after its signature, issuer, audience
//! and times were checked against an allow-list of algorithms, and neither it nor its client has been revoked.
//!
//! [`issue`] and [`publish`] answer public routes, [`authorize`] is API Gateway's authorizer, [`admin`] is invoked
//! by operators. [`keys`] and [`claims`] are what they share.

pub mod admin;
pub mod authorize;
pub mod claims;
pub mod issue;
pub mod keys;
pub mod publish;
pub mod secrets;
#[cfg(test)]
mod testing;
