//! Signing keys: made and used in KMS, published as a JSON Web Key Set, cached by whoever verifies.
//!
//! Invariant: a key is named by its RFC 7638 thumbprint, so its name can not be given to another key, and every
//! function derives the same name without being told.

pub mod cache;
pub mod der;
pub mod jwk;
pub mod signing;
