//! The identity review: who is this, can it be, and what speaks against it.
//!
//! [`assess`] runs small pure modules over an [`Applicant`], what the network of partners knows ([`domain::network::View`]),
//! the watchlists, and the answers of providers where some are configured; a [`Policy`] turns what they found into one
//! decision with the name of the rule that made it; [`Review`] is how it is kept, [`IdentityDetails`] how the contract
//! writes it.
//!
//! Invariants: no clock, no network, no randomness: the same inputs give the same review; nothing panics on any input; a
//! further risk never makes a decision milder; what could not be established is said to be so, and nobody is cleared by a
//! list, a provider or a history that was not there.

mod address;
mod alerts;
mod applicant;
mod area_codes;
mod assess;
mod business;
mod code;
mod ein;
mod email;
mod email_lists;
mod finding;
mod kyc;
mod names;
mod other_names;
mod phone;
mod policy;
pub mod provider;
mod record;
mod reputation;
mod ssn;
mod synthetic;
mod uk_postcode;
mod view;
pub mod watch_list;
mod weights;
mod zip_codes;

pub use applicant::{
    Applicant, BusinessFacts, NO_DEVICE, Party, PersonFacts, PostalAddress, Representative,
    remembered_as,
};
pub use assess::{
    Alerted, Assessment, Breakdown, Inputs, ORDER, Reputation, Screened, assess, speaks_against,
};
pub use code::Code;
pub use finding::{Correlation, Decision, Finding, Score};
pub use kyc::{Kyc, Validations};
pub use policy::{OtherNames, Policy, PolicyError, Thresholds, Velocity};
pub use record::{Cause, Review};
pub use reputation::Insights;
pub use view::IdentityDetails;
pub use watch_list::WatchList;
pub use weights::{BASE, Column, WEIGHTS, Weight};
