//! What a name check answers, and what the penny drop does about it.
//!
//! Invariant: each answer is judged by its code and never by a provider's word for "match"; the name that a bank holds
//! is used to judge a close match and goes nowhere else.

use domain::bank_account::BankAccount;
use uuid::Uuid;

use super::name::{AccountKind, AccountName, Likeness, compare};

/// Asked again after this long where the provider does not say.
const LATER_SECONDS: u32 = 30;

/// One account name check.
#[derive(Debug, Clone)]
pub struct NameQuery {
    /// The session that asks.
    pub auth: Uuid,
    /// The account.
    pub account: BankAccount,
    /// Who is said to hold it.
    pub name: AccountName,
    /// As what.
    pub kind: AccountKind,
}

/// A check's result, by the reason codes of Confirmation of Payee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameCheck {
    /// Name and kind of account match.
    Matched,
    /// `MBAM`: the name is close.
    CloseMatch {
        /// The name that the bank holds.
        held: Option<AccountName>,
    },
    /// `BANM`: the name matches, of a business account.
    BusinessMatched,
    /// `BAMM`: the name is close, of a business account.
    BusinessCloseMatch {
        /// The name that the bank holds.
        held: Option<AccountName>,
    },
    /// `PANM`: the name matches, of a personal account.
    PersonalMatched,
    /// `PAMM`: the name is close, of a personal account.
    PersonalCloseMatch {
        /// The name that the bank holds.
        held: Option<AccountName>,
    },
    /// `ANNM`: another name.
    NotMatched,
    /// `AC01`: no such account.
    AccountUnknown,
    /// `IVCR`: the account needs a reference, such as a roll number.
    ReferenceUnknown,
    /// `CASS`: the account has moved to another bank.
    AccountSwitched,
    /// `SCNS`: the bank that was asked does not serve this sort code.
    WrongParticipant,
    /// `ACNS`, `OPTO` and codes that came after this was written: the account cannot be checked.
    NotSupported,
    /// The bank takes no part in name checks.
    NotEnrolled,
    /// No answer: the bank or the provider is in trouble. Says nothing about the account.
    Unavailable {
        /// When to ask again, where the provider said so.
        retry_after_seconds: Option<u32>,
    },
}

/// A check's result and the provider's name for the check, which the payment refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAnswer {
    /// The result.
    pub check: NameCheck,
    /// The provider's id of the check.
    pub id: Option<String>,
}

impl NameAnswer {
    /// No answer.
    #[must_use]
    pub const fn unavailable(retry_after_seconds: Option<u32>) -> Self {
        Self { check: NameCheck::Unavailable { retry_after_seconds }, id: None }
    }
}

/// What to do with accounts that cannot be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unverified {
    /// Refuse them.
    #[default]
    Reject,
    /// Send the penny all the same: its arrival proves access, not the name.
    Proceed,
}

/// A partner's choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NamePolicy {
    /// A close match goes on when our own comparer agrees.
    pub accept_close_match: bool,
    /// Business accounts will do.
    pub accept_business: bool,
    /// Accounts that cannot be checked.
    pub unverifiable: Unverified,
}

/// Why bank details are not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BankRefusal {
    /// The account number fails its bank's check.
    Modulus,
    /// The sort code does not exist or takes no Faster Payments.
    SortCode,
    /// The account is somebody else's.
    NameMismatch,
    /// There is no such account.
    AccountUnknown,
    /// The account needs a reference that was not given.
    ReferenceUnknown,
    /// The account has moved to another bank.
    AccountSwitched,
    /// The sort code belongs to another bank than the one that answered.
    WrongParticipant,
    /// A business account where a personal one is needed, or the reverse.
    AccountType,
    /// The account cannot be checked, and the policy wants it checked.
    Unverifiable,
    /// The penny was refused because of the account.
    Payment,
    /// The penny came back.
    PaymentReturned,
}

impl BankRefusal {
    /// The `reason` that the caller is told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modulus => "modulus",
            Self::SortCode => "sortCode",
            Self::NameMismatch => "nameMismatch",
            Self::AccountUnknown => "accountUnknown",
            Self::ReferenceUnknown => "referenceUnknown",
            Self::AccountSwitched => "accountSwitched",
            Self::WrongParticipant => "wrongParticipant",
            Self::AccountType => "accountType",
            Self::Unverifiable => "unverifiable",
            Self::Payment => "payment",
            Self::PaymentReturned => "paymentReturned",
        }
    }
}

/// What the journey does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameDecision {
    /// Send the penny.
    Proceed,
    /// The bank details are not accepted.
    Refuse(BankRefusal),
    /// Nothing is known; nothing is counted.
    TryLater {
        /// When to ask again.
        retry_after_seconds: u32,
    },
}

/// Decides on a check of `asked` as the holder of an account of `kind`.
#[must_use]
pub fn decide(
    check: &NameCheck,
    asked: &AccountName,
    kind: AccountKind,
    policy: NamePolicy,
) -> NameDecision {
    use NameDecision::{Proceed, Refuse, TryLater};
    let close = |held: &Option<AccountName>| match held {
        Some(held)
            if policy.accept_close_match && compare(held, asked, kind) > Likeness::Different =>
        {
            Proceed
        }
        _ => Refuse(BankRefusal::NameMismatch),
    };
    let business_will_do = kind == AccountKind::Business || policy.accept_business;
    let personal_will_do = kind == AccountKind::Personal;
    match check {
        NameCheck::Matched => Proceed,
        NameCheck::CloseMatch { held } => close(held),
        NameCheck::BusinessMatched if business_will_do => Proceed,
        NameCheck::BusinessCloseMatch { held } if business_will_do => close(held),
        NameCheck::PersonalMatched if personal_will_do => Proceed,
        NameCheck::PersonalCloseMatch { held } if personal_will_do => close(held),
        NameCheck::BusinessMatched
        | NameCheck::BusinessCloseMatch { .. }
        | NameCheck::PersonalMatched
        | NameCheck::PersonalCloseMatch { .. } => Refuse(BankRefusal::AccountType),
        NameCheck::NotMatched => Refuse(BankRefusal::NameMismatch),
        NameCheck::AccountUnknown => Refuse(BankRefusal::AccountUnknown),
        NameCheck::ReferenceUnknown => Refuse(BankRefusal::ReferenceUnknown),
        NameCheck::AccountSwitched => Refuse(BankRefusal::AccountSwitched),
        NameCheck::WrongParticipant => Refuse(BankRefusal::WrongParticipant),
        NameCheck::NotSupported | NameCheck::NotEnrolled => match policy.unverifiable {
            Unverified::Proceed => Proceed,
            Unverified::Reject => Refuse(BankRefusal::Unverifiable),
        },
        NameCheck::Unavailable { retry_after_seconds } => {
            TryLater { retry_after_seconds: retry_after_seconds.unwrap_or(LATER_SECONDS) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NameDecision::{Proceed, Refuse, TryLater};
    use super::*;

    fn held(name: &str) -> Option<AccountName> {
        Some(AccountName::parse(name).unwrap())
    }

    const STRICT: NamePolicy = NamePolicy {
        accept_close_match: false,
        accept_business: false,
        unverifiable: Unverified::Reject,
    };
    const LENIENT: NamePolicy = NamePolicy {
        accept_close_match: true,
        accept_business: true,
        unverifiable: Unverified::Proceed,
    };

    /// Every row of the policy table, under the strictest and the most lenient policy.
    #[test]
    fn each_outcome_has_its_decision() {
        let asked = AccountName::of_person("Jonathan", "Smith").unwrap();
        let mismatch = Refuse(BankRefusal::NameMismatch);
        let kind = Refuse(BankRefusal::AccountType);
        let unverifiable = Refuse(BankRefusal::Unverifiable);
        for (check, strict, lenient) in [
            (NameCheck::Matched, Proceed, Proceed),
            (NameCheck::CloseMatch { held: held("Jon Smith") }, mismatch, Proceed),
            (NameCheck::CloseMatch { held: held("Jonathan Smith") }, mismatch, Proceed),
            (NameCheck::CloseMatch { held: held("Peter Smith") }, mismatch, mismatch),
            (NameCheck::CloseMatch { held: None }, mismatch, mismatch),
            (NameCheck::PersonalMatched, Proceed, Proceed),
            (NameCheck::PersonalCloseMatch { held: held("J Smith") }, mismatch, Proceed),
            (NameCheck::BusinessMatched, kind, Proceed),
            (NameCheck::BusinessCloseMatch { held: held("Jon Smith") }, kind, Proceed),
            (NameCheck::BusinessCloseMatch { held: held("Acme") }, kind, mismatch),
            (NameCheck::NotMatched, mismatch, mismatch),
            (
                NameCheck::AccountUnknown,
                Refuse(BankRefusal::AccountUnknown),
                Refuse(BankRefusal::AccountUnknown),
            ),
            (
                NameCheck::ReferenceUnknown,
                Refuse(BankRefusal::ReferenceUnknown),
                Refuse(BankRefusal::ReferenceUnknown),
            ),
            (
                NameCheck::AccountSwitched,
                Refuse(BankRefusal::AccountSwitched),
                Refuse(BankRefusal::AccountSwitched),
            ),
            (
                NameCheck::WrongParticipant,
                Refuse(BankRefusal::WrongParticipant),
                Refuse(BankRefusal::WrongParticipant),
            ),
            (NameCheck::NotSupported, unverifiable, Proceed),
            (NameCheck::NotEnrolled, unverifiable, Proceed),
            (
                NameCheck::Unavailable { retry_after_seconds: None },
                TryLater { retry_after_seconds: 30 },
                TryLater { retry_after_seconds: 30 },
            ),
            (
                NameCheck::Unavailable { retry_after_seconds: Some(7) },
                TryLater { retry_after_seconds: 7 },
                TryLater { retry_after_seconds: 7 },
            ),
        ] {
            assert_eq!(decide(&check, &asked, AccountKind::Personal, STRICT), strict, "{check:?}");
            assert_eq!(
                decide(&check, &asked, AccountKind::Personal, LENIENT),
                lenient,
                "{check:?}"
            );
        }
    }

    #[test]
    fn a_business_is_judged_as_one() {
        let asked = AccountName::parse("Acme Bakers Ltd").unwrap();
        let decided = |check| decide(&check, &asked, AccountKind::Business, LENIENT);
        assert_eq!(decided(NameCheck::BusinessCloseMatch { held: held("Acme Bakers") }), Proceed);
        assert_eq!(decided(NameCheck::PersonalMatched), Refuse(BankRefusal::AccountType));
    }

    #[test]
    fn the_name_that_a_bank_holds_is_never_shown() {
        let answer = NameAnswer {
            check: NameCheck::CloseMatch { held: held("Jonathan Smith") },
            id: Some("C1".to_owned()),
        };
        assert!(!format!("{answer:?}").contains("Smith"));
    }
}
