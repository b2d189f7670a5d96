//! What an identity bureau and an address service may be asked, and what they may answer.
//!
//! Invariants: a review never waits for a provider beyond its deadline and never fails because of it; an answer that did not
//! come, or cannot be read, is [`Unavailable`](IdentityAnswer::Unavailable) and confirms nothing; without a provider nothing
//! is confirmed, and the review says so.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde::Deserialize;

use super::applicant::{Applicant, PostalAddress};

/// A future of a provider.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Confirms identities.
pub trait IdentityProvider: Send + Sync {
    /// Asks about an applicant.
    fn confirm<'a>(&'a self, applicant: &'a Applicant) -> Pending<'a, IdentityAnswer>;
}

/// Knows where mail is delivered.
pub trait AddressProvider: Send + Sync {
    /// Asks about an address.
    fn delivery<'a>(&'a self, address: &'a PostalAddress) -> Pending<'a, DeliveryAnswer>;
}

/// What came of asking about an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IdentityAnswer {
    /// There is nobody to ask.
    #[default]
    NotConfigured,
    /// Asked, without an answer.
    Unavailable,
    /// Answered.
    Answered(Box<Confirmed>),
}

/// Which elements belong to the person: `true` confirmed, `false` contradicted, absent not known.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Confirmed {
    /// Given name.
    pub first_name: Option<bool>,
    /// Family name.
    pub last_name: Option<bool>,
    /// Street address.
    pub address: Option<bool>,
    /// Town.
    pub city: Option<bool>,
    /// State.
    pub state: Option<bool>,
    /// Post code.
    pub zip: Option<bool>,
    /// Phone.
    pub phone: Option<bool>,
    /// E-mail address.
    pub email: Option<bool>,
    /// Birth date.
    pub birth_date: Option<bool>,
    /// Tax number.
    pub tax_id: Option<bool>,
    /// Name of the business, for one.
    pub business: Option<bool>,
    /// Whether the holder of the tax number is reported deceased.
    pub deceased: bool,
    /// Whether the tax number was issued before the birth date.
    pub issued_before_birth: bool,
}

/// What belongs to a person is personal data.
impl fmt::Debug for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmed(…)")
    }
}

/// What came of asking about an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeliveryAnswer {
    /// There is nobody to ask.
    #[default]
    NotConfigured,
    /// Asked, without an answer.
    Unavailable,
    /// Answered.
    Answered(Delivery),
}

/// What is known of mail to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Whether it arrives.
    pub deliverability: Deliverability,
    /// What stands there.
    #[serde(default)]
    pub kind: Option<AddressKind>,
    /// Whether state or post code had to be corrected to find it.
    #[serde(default)]
    pub corrected: bool,
}

/// Whether mail arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Deliverability {
    /// It does.
    Deliverable,
    /// It does when the unit is left out.
    DropUnit,
    /// The unit is missing.
    MissingUnit,
    /// A valid address without street delivery.
    NoStreetDelivery,
    /// Nobody has been there for a while.
    Vacant,
    /// Not confirmed.
    Unconfirmed,
    /// It does not exist.
    Undeliverable,
}

/// What stands at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AddressKind {
    /// A home.
    Residential,
    /// A business.
    Commercial,
    /// A post-office box.
    PostOfficeBox,
    /// A commercial mail-receiving agency.
    MailDrop,
    /// Military.
    Military,
}
