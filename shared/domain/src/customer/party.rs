//! Who a customer is: a person or a company, with what each alone has.

use crate::choices::Classification;
use crate::name::{EntityName, PersonName};
use crate::profile::{
    BusinessDueDiligence, BusinessProfile, CommonProfile, DueDiligence, PersonProfile,
};

/// A person as a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: PersonName,
    /// The profile.
    pub profile: PersonProfile,
    /// Work and income, when asked.
    pub due_diligence: Option<DueDiligence>,
}

/// A company as a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Business {
    /// The name.
    pub name: EntityName,
    /// The profile.
    pub profile: BusinessProfile,
    /// Its business, when asked.
    pub due_diligence: Option<BusinessDueDiligence>,
}

/// Who the customer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// A person.
    Personal(Person),
    /// A company.
    Business(Business),
}

impl Party {
    /// Which of the two.
    #[must_use]
    pub const fn classification(&self) -> Classification {
        match self {
            Self::Personal(_) => Classification::Personal,
            Self::Business(_) => Classification::Business,
        }
    }

    /// The part of the profile that both have.
    #[must_use]
    pub const fn common(&self) -> &CommonProfile {
        match self {
            Self::Personal(person) => &person.profile.common,
            Self::Business(business) => &business.profile.common,
        }
    }

    /// The name in full, for screening and for answers.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self {
            Self::Personal(person) => person.name.full(),
            Self::Business(business) => business.name.as_str().to_owned(),
        }
    }
}
