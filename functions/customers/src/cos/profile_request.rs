//! Profiles and due diligence in requests.
//!
//! No field of these is compulsory by the contract; what a program demands beyond is its partner's to send.

use domain::calendar::{BirthDate, PastDate};
use domain::choices::{EntityType, OwnershipType, RiskRating};
use domain::country::{Country, Region};
use domain::ids::CustomerId;
use domain::numbers::{BasisPoints, DollarAmount};
use domain::problem::Problem;
use domain::profile::{
    BusinessDueDiligence, BusinessProfile, CommonProfile, DueDiligence, MerchantCategory, Naics,
    PersonProfile, WebAddress,
};
use domain::tax::{TaxId, TaxIdType, TaxIdentity};
use domain::text::Text;
use http_api::ObjectReader;
use jiff::civil::Date;

use super::{ONLY_BUSINESS, ONLY_PERSONAL, refuse};

pub(super) fn read_person_profile(
    profile: &ObjectReader<'_>,
    present: Option<&CommonProfile>,
    today: Date,
) -> Option<PersonProfile> {
    refuse(
        profile,
        &["dateFormed", "entityType", "ownershipType", "primaryOwnerCustomerId"],
        ONLY_BUSINESS,
    );
    Some(PersonProfile {
        common: read_common(profile, present),
        reg_o: profile.optional_bool("regO") == Some(true),
        politically_exposed: profile.optional_bool("politicallyExposedPerson") == Some(true),
        birth_date: profile.optional("birthDate", |text| BirthDate::parse(text, today)),
        privacy_opt_out: profile.optional_bool("privacyOptOut"),
    })
}

pub(super) fn read_business_profile(
    profile: &ObjectReader<'_>,
    present: Option<&CommonProfile>,
    today: Date,
) -> Option<BusinessProfile> {
    refuse(profile, &["birthDate"], ONLY_PERSONAL);
    Some(BusinessProfile {
        common: read_common(profile, present),
        date_formed: profile.optional("dateFormed", |text| PastDate::parse(text, today)),
        entity_type: profile.optional("entityType", EntityType::parse),
        ownership_type: profile.optional("ownershipType", OwnershipType::parse),
        primary_owner: profile.optional("primaryOwnerCustomerId", CustomerId::parse),
    })
}

fn read_common(profile: &ObjectReader<'_>, present: Option<&CommonProfile>) -> CommonProfile {
    CommonProfile {
        citizenship: profile.optional("citizenshipCountryCode", Country::parse),
        backup_withholding: profile.optional_bool("enableBackupWithholding") == Some(true),
        backup_withholding_percent: profile.optional_number(
            "backupWithholdingPercent",
            false,
            BasisPoints::parse_percent,
        ),
        tax: read_tax(profile, present.and_then(|present| present.tax.as_ref())),
        risk_rating: profile.optional("riskRating", RiskRating::parse),
    }
}

/// Kind and number belong together. What is left out stays as it is, and so does a number sent the way it was shown
/// (starred or in clear), because a client that reads a profile and sends it back means no change.
fn read_tax(profile: &ObjectReader<'_>, present: Option<&TaxIdentity>) -> Option<TaxIdentity> {
    let asked_kind = profile.optional("taxIdType", TaxIdType::parse);
    if profile.has("taxIdType") && asked_kind.is_none() {
        return None;
    }
    let present_number = present.and_then(TaxIdentity::number);
    let Some(kind) = asked_kind.or_else(|| present.map(TaxIdentity::kind)) else {
        if profile.has("taxId") {
            profile.reject("taxIdType", Problem::Required);
        }
        return None;
    };
    let number = if profile.has("taxId") {
        Some(profile.optional("taxId", |text| match present_number {
            Some(number) if number.masked() == text || number.reveal() == text => {
                match present.map(TaxIdentity::kind) {
                    Some(present) if present == kind => Ok(number.clone()),
                    _ => TaxId::parse(number.reveal(), kind),
                }
            }
            _ => TaxId::parse(text, kind),
        })?)
    } else if present.map(TaxIdentity::kind) == Some(kind) {
        present_number.cloned()
    } else {
        None
    };
    profile.take("taxId", TaxIdentity::new(kind, number))
}

pub(super) fn read_diligence(asked: &ObjectReader<'_>) -> DueDiligence {
    let income_country = asked.optional("incomeCountryCode", Country::parse);
    let region_of = income_country.unwrap_or(Country::US);
    DueDiligence {
        employment_status: asked.optional("employmentStatus", Text::parse),
        occupation: asked.optional("occupation", Text::parse),
        occupation_description: asked.optional("occupationDescription", Text::parse),
        industry: asked.optional("industry", Text::parse),
        income_source: asked.optional("incomeSource", Text::parse),
        income_state: asked.optional("incomeState", |text| Region::parse(text, region_of)),
        income_country,
        annual_income: asked.optional_number("annualIncome", false, DollarAmount::parse),
    }
}

pub(super) fn read_business_diligence(
    asked: &ObjectReader<'_>,
    today: Date,
) -> BusinessDueDiligence {
    BusinessDueDiligence {
        nature_of_business: asked.optional("natureOfBusiness", Text::parse),
        naics: asked.optional("naics", Naics::parse),
        merchant_category: asked.optional("merchantCategoryCode", MerchantCategory::parse),
        url: asked.optional("businessUrl", WebAddress::parse),
        relationship_formed: asked
            .optional("relationshipFormationDate", |text| PastDate::parse(text, today)),
    }
}
