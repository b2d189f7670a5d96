//! Modulr's JSON, with the few members that are sent and read.

use serde::{Deserialize, Serialize};

use super::super::check::NameCheck;
use super::super::name::AccountName;
use super::super::payment::{PaymentId, PaymentState, Rejection};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NameCheckRequest<'a> {
    pub(super) payment_account_id: &'a str,
    pub(super) sort_code: &'a str,
    pub(super) account_number: &'a str,
    pub(super) account_type: &'static str,
    pub(super) name: &'a str,
}

#[derive(Deserialize)]
pub(super) struct NameCheckAnswer {
    pub(super) id: String,
    pub(super) result: NameCheckResult,
}

#[derive(Deserialize)]
pub(super) struct NameCheckResult {
    code: String,
    name: Option<String>,
}

impl NameCheckResult {
    pub(super) fn check(&self) -> NameCheck {
        let held = || self.name.as_deref().and_then(|name| AccountName::parse(name).ok());
        match self.code.as_str() {
            "MATCHED" => NameCheck::Matched,
            "NOT_MATCHED" => NameCheck::NotMatched,
            "CLOSE_MATCH" => NameCheck::CloseMatch { held: held() },
            "BUSINESS_ACCOUNT_NAME_MATCHED" => NameCheck::BusinessMatched,
            "PERSONAL_ACCOUNT_NAME_MATCHED" => NameCheck::PersonalMatched,
            "BUSINESS_ACCOUNT_CLOSE_MATCH" => NameCheck::BusinessCloseMatch { held: held() },
            "PERSONAL_ACCOUNT_CLOSE_MATCH" => NameCheck::PersonalCloseMatch { held: held() },
            "ACCOUNT_DOES_NOT_EXIST" => NameCheck::AccountUnknown,
            "SECONDARY_ACCOUNT_ID_NOT_FOUND" => NameCheck::ReferenceUnknown,
            "ACCOUNT_SWITCHED" => NameCheck::AccountSwitched,
            "WRONG_PARTICIPANT" => NameCheck::WrongParticipant,
            "NO_RESPONSE" => NameCheck::Unavailable { retry_after_seconds: None },
            "NOT_ENROLLED" => NameCheck::NotEnrolled,
            // ACCOUNT_NOT_SUPPORTED, and codes that are younger than this list.
            _ => NameCheck::NotSupported,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentRequest<'a> {
    pub(super) source_account_id: &'a str,
    pub(super) destination: Destination<'a>,
    pub(super) currency: &'static str,
    pub(super) amount: f64,
    pub(super) reference: &'a str,
    pub(super) external_reference: &'a str,
    pub(super) end_to_end_reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name_check: Option<NameCheckReference<'a>>,
}

/// A constant, so it is exact: its shortest decimal form is what it is written as.
pub(super) const ONE_PENNY: f64 = 0.01;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Destination<'a> {
    pub(super) r#type: &'static str,
    pub(super) sort_code: &'a str,
    pub(super) account_number: &'a str,
    pub(super) name: &'a str,
}

#[derive(Serialize)]
pub(super) struct NameCheckReference<'a> {
    pub(super) id: &'a str,
    pub(super) source: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    id: String,
    status: String,
    external_reference: Option<String>,
}

impl Payment {
    /// What its status means, if it is a payment of the session `auth`.
    pub(super) fn state(&self, auth: &str) -> Option<PaymentState> {
        if self.external_reference.as_deref().is_some_and(|reference| reference != auth) {
            return None;
        }
        let payment = PaymentId::parse(&self.id).ok()?;
        Some(match self.status.as_str() {
            "PROCESSED" | "RECONCILED" => PaymentState::Settled { payment },
            "RETURNED" => PaymentState::Returned,
            "ER_INVALID" => PaymentState::Rejected(Rejection::Account),
            "ER_EXTCONN" | "ER_EXTSYS" | "ER_EXPIRED" | "ER_GENERAL" | "ER_BATCH" | "CANCELLED"
            | "VOID" | "UNALLOCATED" => PaymentState::Rejected(Rejection::Provider),
            // In flight, and statuses that are younger than this list: the next look tells.
            _ => PaymentState::Pending { payment },
        })
    }
}

#[derive(Deserialize)]
pub(super) struct PaymentPage {
    pub(super) content: Vec<Payment>,
}

/// One of the errors of a 400.
#[derive(Deserialize)]
struct FieldError {
    field: Option<String>,
}

/// Whether a 400 complains about the account that was to be paid or checked.
pub(super) fn is_about_the_account(body: &[u8]) -> bool {
    let errors: Vec<FieldError> = serde_json::from_slice(body).unwrap_or_else(|_| Vec::new());
    errors.iter().filter_map(|error| error.field.as_deref()).any(|field| {
        let member = field.rsplit('.').next().unwrap_or(field);
        matches!(member, "accountNumber" | "sortCode")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_status_has_its_meaning() {
        let state = |status: &str| {
            let json = format!(r#"{{"id":"P1","status":"{status}","externalReference":"a1"}}"#);
            serde_json::from_str::<Payment>(&json).unwrap().state("a1").unwrap()
        };
        let payment = PaymentId::parse("P1").unwrap();
        for status in ["PROCESSED", "RECONCILED"] {
            assert_eq!(state(status), PaymentState::Settled { payment: payment.clone() });
        }
        for status in [
            "SUBMITTED",
            "SCREENING_REQ",
            "VALIDATED",
            "PENDING_FOR_DATE",
            "PENDING_FOR_FUNDS",
            "EXT_PROC",
            "EXT_SENT",
            "CLEARING",
            "HELD",
            "HELD_IN_SUSPENSE",
            "REPROCESSING",
            "NEW",
        ] {
            assert_eq!(
                state(status),
                PaymentState::Pending { payment: payment.clone() },
                "{status}"
            );
        }
        for status in [
            "ER_EXTCONN",
            "ER_EXTSYS",
            "ER_EXPIRED",
            "ER_GENERAL",
            "ER_BATCH",
            "CANCELLED",
            "VOID",
            "UNALLOCATED",
        ] {
            assert_eq!(state(status), PaymentState::Rejected(Rejection::Provider), "{status}");
        }
        assert_eq!(state("ER_INVALID"), PaymentState::Rejected(Rejection::Account));
        assert_eq!(state("RETURNED"), PaymentState::Returned);
    }

    #[test]
    fn another_sessions_payment_and_a_nameless_one_are_none() {
        let read = |json| serde_json::from_str::<Payment>(json).unwrap();
        let other = read(r#"{"id":"P1","status":"PROCESSED","externalReference":"a2"}"#);
        assert_eq!(other.state("a1"), None);
        assert_eq!(read(r#"{"id":"","status":"PROCESSED"}"#).state("a1"), None);
        assert!(read(r#"{"id":"P1","status":"PROCESSED"}"#).state("a1").is_some());
    }

    #[test]
    fn complaints_about_the_account_are_told_from_others() {
        for (body, expected) in [
            (r#"[{"field":"destination.accountNumber","code":"INVALID","message":"m"}]"#, true),
            (
                r#"[{"code":"X","message":"m"},{"field":"sortCode","code":"INVALID","message":"m"}]"#,
                true,
            ),
            (r#"[{"field":"reference","code":"INVALID","message":"m"}]"#, false),
            (r#"[{"field":"sourceAccountId","code":"INVALID","message":"m"}]"#, false),
            (r#"{"error":"m"}"#, false),
            ("", false),
        ] {
            assert_eq!(is_about_the_account(body.as_bytes()), expected, "{body}");
        }
    }
}
