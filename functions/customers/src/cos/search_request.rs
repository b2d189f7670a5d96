//! The parameters of the customer list.

use domain::choices::Classification;
use domain::customer::ClientIdentifier;
use domain::ids::{CifNumber, CustomerId, PartnerId};
use domain::problem::{Problem, Violations};
use domain::scan::ScanStatus;
use domain::tax::{TaxId, TaxIdType};
use domain::text::Text;
use http_api::{Failure, Request, read_moment};
use store::customers::ListFilter;

use super::Paging;

/// What to list. Everything given must hold.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub partner: Option<PartnerId>,
    pub id: Option<CustomerId>,
    pub cif: Option<CifNumber>,
    pub tax_id: Option<TaxId>,
    pub client_identifier: Option<ClientIdentifier>,
    pub filter: ListFilter,
}

impl Search {
    /// Reads all parameters, reporting every wrong one.
    pub(crate) fn of(request: &Request) -> Result<(Self, Paging), Failure> {
        let mut wrong = Violations::new();
        let found = &mut wrong;
        let search = Self {
            partner: request.query_parsed("partnerId", found, PartnerId::parse),
            id: request.query_parsed("id", found, CustomerId::parse),
            cif: request.query_parsed("cifNumber", found, CifNumber::parse),
            tax_id: request.query_parsed("taxId", found, any_tax_id),
            client_identifier: request.query_parsed("clientIdentifier", found, Text::parse),
            filter: ListFilter {
                classification: request.query_parsed(
                    "classification",
                    found,
                    Classification::parse,
                ),
                ofac: request.query_parsed("ofac", found, ScanStatus::parse),
                pep_scan: request.query_parsed("pepScan", found, ScanStatus::parse),
                created_from: request
                    .query_parsed("fromCreatedAt", found, |text| read_moment(text, false)),
                created_to: request
                    .query_parsed("toCreatedAt", found, |text| read_moment(text, true)),
            },
        };
        let paging = Paging::read(request, found);
        wrong.into_result()?;
        Ok((search, paging))
    }
}

/// The kind is not part of the question, so the widest shape is asked for.
fn any_tax_id(text: &str) -> Result<TaxId, Problem> {
    TaxId::parse(text, TaxIdType::Foreign)
}
