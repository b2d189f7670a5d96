//! ClearBank's JSON, with the few members that are sent and read.

use serde::{Deserialize, Serialize};

use super::super::check::NameCheck;
use super::super::name::AccountName;
use super::super::payment::{PaymentId, PaymentState, PennyOutcome, Rejection};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NameRequest<'a> {
    pub(super) scheme_name: &'static str,
    pub(super) legal_owner_type: &'static str,
    pub(super) identification: &'a str,
    pub(super) owner_name: &'a str,
    pub(super) secondary_identification: Option<&'a str>,
    pub(super) end_to_end_identification: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NameReply {
    pub(super) data: NameData,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NameData {
    pub(super) verification_report: VerificationReport,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VerificationReport {
    matched: bool,
    name: Option<String>,
    reason_code: Option<String>,
}

impl VerificationReport {
    pub(super) fn check(&self) -> NameCheck {
        let held = || self.name.as_deref().and_then(|name| AccountName::parse(name).ok());
        match self.reason_code.as_deref().unwrap_or("") {
            "" if self.matched => NameCheck::Matched,
            "MATC" => NameCheck::Matched,
            "ANNM" => NameCheck::NotMatched,
            "MBAM" => NameCheck::CloseMatch { held: held() },
            "BANM" => NameCheck::BusinessMatched,
            "PANM" => NameCheck::PersonalMatched,
            "BAMM" => NameCheck::BusinessCloseMatch { held: held() },
            "PAMM" => NameCheck::PersonalCloseMatch { held: held() },
            "AC01" => NameCheck::AccountUnknown,
            "IVCR" => NameCheck::ReferenceUnknown,
            "CASS" => NameCheck::AccountSwitched,
            "SCNS" => NameCheck::WrongParticipant,
            // ACNS, OPTO, codes that are younger than this list, and "not matched" without a reason.
            _ => NameCheck::NotSupported,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentsRequest<'a> {
    pub(super) payment_instructions: [PaymentInstruction<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentInstruction<'a> {
    pub(super) payment_instruction_identification: &'a str,
    pub(super) debtor: Debtor<'a>,
    pub(super) debtor_account: DebtorAccount<'a>,
    pub(super) credit_transfers: [CreditTransfer<'a>; 1],
}

#[derive(Serialize)]
pub(super) struct Debtor<'a> {
    pub(super) address: &'a str,
}

#[derive(Serialize)]
pub(super) struct DebtorAccount<'a> {
    pub(super) identification: Iban<'a>,
}

#[derive(Serialize)]
pub(super) struct Iban<'a> {
    pub(super) iban: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreditTransfer<'a> {
    pub(super) payment_identification: PaymentIdentification<'a>,
    pub(super) amount: Amount,
    pub(super) creditor: Creditor<'a>,
    pub(super) creditor_account: CreditorAccount<'a>,
    pub(super) remittance_information: Remittance<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentIdentification<'a> {
    pub(super) instruction_identification: &'a str,
    pub(super) end_to_end_identification: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Amount {
    instructed_amount: f64,
    currency: &'static str,
}

/// The amount is a constant, so it is exact: its shortest decimal form is what it is written as.
pub(super) const ONE_PENNY: Amount = Amount { instructed_amount: 0.01, currency: "GBP" };

#[derive(Serialize)]
pub(super) struct Creditor<'a> {
    pub(super) name: &'a str,
}

#[derive(Serialize)]
pub(super) struct CreditorAccount<'a> {
    pub(super) identification: OtherIdentification<'a>,
}

#[derive(Serialize)]
pub(super) struct OtherIdentification<'a> {
    pub(super) other: Bban<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bban<'a> {
    pub(super) identification: &'a str,
    pub(super) scheme_name: SchemeName,
}

#[derive(Serialize)]
pub(super) struct SchemeName {
    pub(super) code: &'static str,
}

#[derive(Serialize)]
pub(super) struct Remittance<'a> {
    pub(super) structured: Structured<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Structured<'a> {
    pub(super) creditor_reference_information: Reference<'a>,
}

#[derive(Serialize)]
pub(super) struct Reference<'a> {
    pub(super) reference: &'a str,
}

/// The answer of a batch, both when it is taken and when all of it is refused.
#[derive(Deserialize)]
pub(super) struct PaymentsReply {
    transactions: Vec<InstructionReply>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstructionReply {
    end_to_end_identification: String,
    response: String,
}

impl PaymentsReply {
    /// What became of the payment with this end-to-end id.
    pub(super) fn outcome(&self, end_to_end: &str) -> PennyOutcome {
        let ours =
            self.transactions.iter().find(|reply| reply.end_to_end_identification == end_to_end);
        match ours.map(|reply| reply.response.as_str()) {
            // The transaction's own id comes later; until then the end-to-end id is the payment's name.
            Some("Accepted") => PaymentId::parse(end_to_end)
                .map_or(PennyOutcome::Unknown, |payment| PennyOutcome::Accepted { payment }),
            Some("InvalidAccount") => PennyOutcome::Rejected(Rejection::Account),
            Some("InsufficientFunds" | "InvalidCurrency" | "Rejected" | "DebitPaymentDisabled") => {
                PennyOutcome::Rejected(Rejection::Provider)
            }
            // An id that was used before is invalid too, and then the penny may be paid.
            _ => PennyOutcome::Unknown,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct TransactionsPage {
    pub(super) transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transaction {
    end_to_end_identifier: String,
    debit_credit_code: String,
    status: String,
}

impl Transaction {
    /// What it means, if it is the penny with this end-to-end id or its return, which carries the same one.
    pub(super) fn state(&self, end_to_end: &str) -> Option<PaymentState> {
        if self.end_to_end_identifier != end_to_end {
            return None;
        }
        if self.debit_credit_code == "CRDT" {
            return Some(PaymentState::Returned);
        }
        let payment = PaymentId::parse(end_to_end).ok()?;
        // ISO 20022: accepted and settled; rejected; everything between.
        Some(match self.status.as_str() {
            "ACSC" => PaymentState::Settled { payment },
            "RJCT" => PaymentState::Rejected(Rejection::Account),
            _ => PaymentState::Pending { payment },
        })
    }
}

/// Whether validation errors are about the account that was to be paid.
pub(super) fn is_about_the_account(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Problem {
        errors: Option<serde_json::Map<String, serde_json::Value>>,
    }
    let problem = serde_json::from_slice::<Problem>(body).ok().and_then(|problem| problem.errors);
    problem.is_some_and(|errors| {
        errors.keys().any(|field| field.to_ascii_lowercase().contains("creditoraccount"))
    })
}
