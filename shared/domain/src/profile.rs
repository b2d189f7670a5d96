//! What the bank records about a person or a company beside its name.
//!
//! Invariant: what both have sits in [`CommonProfile`]; what only one can have is in its own type, so a company
//! with a birth date can not be built. Nothing here is compulsory: which fields are is a matter of the partner's
//! program, not of the record.

use crate::calendar::{BirthDate, PastDate};
use crate::choices::{EntityType, OwnershipType, RiskRating};
use crate::country::{Country, Region};
use crate::ids::CustomerId;
use crate::numbers::{BasisPoints, DollarAmount};
use crate::problem::Problem;
use crate::tax::TaxIdentity;
use crate::text::Text;

/// What persons and companies have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommonProfile {
    /// Citizenship, or the country of a company.
    pub citizenship: Option<Country>,
    /// Whether tax is withheld from interest.
    pub backup_withholding: bool,
    /// How much is withheld.
    pub backup_withholding_percent: Option<BasisPoints>,
    /// Tax identification.
    pub tax: Option<TaxIdentity>,
    /// The partner's rating.
    pub risk_rating: Option<RiskRating>,
}

/// A person's profile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonProfile {
    /// What companies have as well.
    pub common: CommonProfile,
    /// Subject to Regulation O (insider lending).
    pub reg_o: bool,
    /// Declared to be politically exposed.
    pub politically_exposed: bool,
    /// The birth date.
    pub birth_date: Option<BirthDate>,
    /// Opted out of data sharing.
    pub privacy_opt_out: Option<bool>,
}

/// A company's profile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BusinessProfile {
    /// What persons have as well.
    pub common: CommonProfile,
    /// When it was formed.
    pub date_formed: Option<PastDate>,
    /// Its legal form.
    pub entity_type: Option<EntityType>,
    /// Its kind of ownership.
    pub ownership_type: Option<OwnershipType>,
    /// The Personal customer who owns most of it.
    pub primary_owner: Option<CustomerId>,
}

/// What the bank asks about a person's work and income.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DueDiligence {
    /// "Employed".
    pub employment_status: Option<Text<50>>,
    /// "Technology".
    pub occupation: Option<Text<100>>,
    /// In the person's own words.
    pub occupation_description: Option<Text<200>>,
    /// "Finance".
    pub industry: Option<Text<100>>,
    /// "Salary".
    pub income_source: Option<Text<100>>,
    /// The state the income comes from; a US code unless the country says otherwise.
    pub income_state: Option<Region>,
    /// The country the income comes from.
    pub income_country: Option<Country>,
    /// Income per year.
    pub annual_income: Option<DollarAmount>,
}

/// What the bank asks about a company's business.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BusinessDueDiligence {
    /// "Technology".
    pub nature_of_business: Option<Text<100>>,
    /// North American Industry Classification System code.
    pub naics: Option<Naics>,
    /// Card scheme category (ISO 18245).
    pub merchant_category: Option<MerchantCategory>,
    /// Its web site.
    pub url: Option<WebAddress>,
    /// Since when the partner knows it.
    pub relationship_formed: Option<PastDate>,
}

/// A NAICS code: 2 to 6 digits, from sector to national industry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naics(String);

impl Naics {
    /// Reads 2 to 6 digits.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        digits(text, 2, 6)
            .map(Self)
            .ok_or(Problem::Malformed { expected: "a NAICS code of 2 to 6 digits" })
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A merchant category code: 4 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantCategory(String);

impl MerchantCategory {
    /// Reads 4 digits.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        digits(text, 4, 4)
            .map(Self)
            .ok_or(Problem::Malformed { expected: "a merchant category code of 4 digits" })
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn digits(text: &str, least: usize, most: usize) -> Option<String> {
    ((least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.to_owned())
}

/// A web address as people write it: with or without `http(s)://`, at most 500 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress(String);

impl WebAddress {
    /// Reads a web address; only the scheme and the host's shape are checked.
    ///
    /// # Errors
    /// [`Problem`] when it is too long or has no host name.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        const MAX: usize = 500;
        if text.chars().count() > MAX {
            return Err(Problem::TooLong { max: MAX });
        }
        let lower = text.to_ascii_lowercase();
        let rest = lower
            .strip_prefix("https://")
            .or_else(|| lower.strip_prefix("http://"))
            .unwrap_or(&lower);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let host = authority.split_once(':').map_or(authority, |(host, _)| host);
        let clean = !text.chars().any(|c| c.is_control() || c.is_whitespace());
        if clean && crate::email::is_domain(host) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed { expected: "a web address" })
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn business_codes_have_their_shapes() {
        for good in ["54", "541512"] {
            assert!(Naics::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "5", "5415123", "54a"] {
            assert!(Naics::parse(wrong).is_err(), "{wrong}");
        }
        assert!(MerchantCategory::parse("4816").is_ok());
        for wrong in ["", "481", "48166", "4b16"] {
            assert!(MerchantCategory::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn web_addresses_need_a_host() {
        for good in ["www.example.com", "https://example.com/a?b#c", "HTTP://Example.com:8080"] {
            assert!(WebAddress::parse(good).is_ok(), "{good}");
        }
        for wrong in
            ["", "example", "https://", "ftp://example.com", "a b.com", "javascript:alert(1)"]
        {
            assert!(WebAddress::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = WebAddress::parse(&text);
            let _ = Naics::parse(&text);
        }
    }
}
