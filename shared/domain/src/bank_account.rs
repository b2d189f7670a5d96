//! United Kingdom bank accounts: sort code and account number.
//!
//! Invariant: a [`BankAccount`] is in the standard form of Vocalink's specification, a sort code of six digits and an
//! account number of eight, whatever of 6 to 10 digits its holder's bank prints on its statements. Account details are
//! personal: no `Display`, and `Debug` does not show them.

use std::fmt;

use crate::problem::{Problem, Violations};

const SORT_CODE: Problem = Problem::Malformed { expected: "a sort code of 6 digits" };
const ACCOUNT: Problem = Problem::Malformed { expected: "an account number of 6 to 10 digits" };
const BOTH: Problem = Problem::Malformed { expected: "a sort code and an account number" };
const TEN_DIGITS: Problem =
    Problem::Malformed { expected: "an account number of 8 digits: this bank has none of 10" };

/// Digits as people write them, without the spaces and hyphens between them. Only ASCII digits count.
fn digits(text: &str) -> Option<Vec<u8>> {
    // Written out in groups, ten digits are still far below this.
    if text.len() > 32 {
        return None;
    }
    let kept: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).collect();
    kept.iter().all(u8::is_ascii_digit).then_some(kept)
}

/// The six digits that name a branch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortCode([u8; 6]);

impl SortCode {
    /// Reads six digits, with or without spaces and hyphens between them.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let digits = digits(text).ok_or(SORT_CODE)?;
        digits.try_into().map(Self).map_err(|_| SORT_CODE)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        text_of(&self.0)
    }

    /// The sort code as a number below one million.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }

    /// The values of the digits, first to last.
    #[must_use]
    pub fn values(self) -> [u8; 6] {
        self.0.map(|digit| digit - b'0')
    }
}

impl fmt::Debug for SortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SortCode(…)")
    }
}

/// An account number as its holder wrote it: 6 to 10 digits. What it means depends on the sort code beside it, so it is
/// used through [`BankAccount::standardise`].
#[derive(Clone, PartialEq, Eq)]
pub struct AccountNumber(Vec<u8>);

impl AccountNumber {
    /// Reads 6 to 10 digits, with or without spaces and hyphens between them.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let digits = digits(text).ok_or(ACCOUNT)?;
        if (6..=10).contains(&digits.len()) { Ok(Self(digits)) } else { Err(ACCOUNT) }
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountNumber(…)")
    }
}

/// A sort code and an account number of eight digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BankAccount {
    sort_code: SortCode,
    account: [u8; 8],
}

impl BankAccount {
    /// Reads both as a caller gave them.
    ///
    /// # Errors
    /// What is wrong with `sortCode` and with `bankAccount`, the names that the eKYC contract gives them.
    pub fn parse(sort_code: &str, account: &str) -> Result<Self, Violations> {
        let mut wrong = Violations::new();
        let sort_code = wrong.take("sortCode", SortCode::parse(sort_code));
        let account = wrong.take("bankAccount", AccountNumber::parse(account));
        let (Some(sort_code), Some(account)) = (sort_code, account) else { return Err(wrong) };
        wrong.take("bankAccount", Self::standardise(sort_code, &account)).ok_or(wrong)
    }

    /// Reads both from one text, the sort code first: `20-29-59 63748472`.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for anything else.
    pub fn parse_text(text: &str) -> Result<Self, Problem> {
        let digits = digits(text).filter(|digits| digits.len() > 6).ok_or(BOTH)?;
        let (sort_code, account) = digits.split_at(6);
        let account = AccountNumber::parse(text_of(account))?;
        Self::standardise(SortCode::parse(text_of(sort_code))?, &account)
    }

    /// Brings an account to the standard form (Vocalink, "Validating account numbers", table of non-standard lengths).
    ///
    /// # Errors
    /// [`Problem::Malformed`], about the account number, for ten digits at a bank that is not known to use them: which
    /// eight of them count would be a guess, and a wrong guess is somebody else's account.
    pub fn standardise(sort_code: SortCode, account: &AccountNumber) -> Result<Self, Problem> {
        let given = account.0.as_slice();
        let mut standard = Self { sort_code, account: [b'0'; 8] };
        let digits = match given.len() {
            // Santander, for what was Alliance & Leicester: the first digit belongs to the sort code.
            9 => {
                standard.sort_code.0[5] = given[0];
                &given[1..]
            }
            10 => ten_digits(sort_code, given)?,
            _ => given,
        };
        // Six and seven digits are filled up with zeros at the front.
        let filled = standard.account.len() - digits.len();
        standard.account[filled..].copy_from_slice(digits);
        Ok(standard)
    }

    /// The sort code.
    #[must_use]
    pub const fn sort(&self) -> SortCode {
        self.sort_code
    }

    /// The six digits of the sort code.
    #[must_use]
    pub fn sort_code(&self) -> &str {
        self.sort_code.as_str()
    }

    /// The eight digits of the account number.
    #[must_use]
    pub fn account_number(&self) -> &str {
        text_of(&self.account)
    }

    /// The values of the account number's digits, first to last.
    #[must_use]
    pub fn account_values(&self) -> [u8; 8] {
        self.account.map(|digit| digit - b'0')
    }

    /// The account number with only its last four digits: `****5678`.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("****{}", text_of(&self.account[4..]))
    }
}

impl fmt::Debug for BankAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BankAccount(…)")
    }
}

/// Which eight of ten digits are the account number, by the bank that the sort code belongs to.
fn ten_digits(sort_code: SortCode, given: &[u8]) -> Result<&[u8], Problem> {
    match sort_code.number() / 10_000 {
        // Co-operative Bank, and Leeds Building Society behind it.
        8 => Ok(&given[..8]),
        // National Westminster.
        50..=66 => Ok(&given[2..]),
        _ => Err(TEN_DIGITS),
    }
}

/// Digits are ASCII by construction, so the text is never empty.
fn text_of(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standard(sort_code: &str, account: &str) -> Option<(String, String)> {
        let account = BankAccount::parse(sort_code, account).ok()?;
        Some((account.sort_code().to_owned(), account.account_number().to_owned()))
    }

    #[test]
    fn accounts_are_brought_to_the_standard_form() {
        for (sort_code, account, expected) in [
            ("202959", "63748472", Some(("202959", "63748472"))),
            ("20-29-59", "6374 8472", Some(("202959", "63748472"))),
            ("20 29 59", " 637484-72 ", Some(("202959", "63748472"))),
            // Six and seven digits are filled up.
            ("202959", "748472", Some(("202959", "00748472"))),
            ("202959", "3748472", Some(("202959", "03748472"))),
            // Nine: the first digit goes to the sort code.
            ("726500", "312345678", Some(("726503", "12345678"))),
            // Ten: National Westminster's last eight, the Co-operative Bank's first eight.
            ("601234", "01-99999999", Some(("601234", "99999999"))),
            ("500000", "0112345678", Some(("500000", "12345678"))),
            ("669999", "0112345678", Some(("669999", "12345678"))),
            ("089000", "1234567800", Some(("089000", "12345678"))),
            // Nobody else has ten.
            ("670000", "0112345678", None),
            ("490000", "0112345678", None),
            ("090000", "0112345678", None),
            ("202959", "0112345678", None),
            ("202959", "12345", None),
            ("202959", "12345678901", None),
            ("20295", "63748472", None),
            ("2029599", "63748472", None),
            ("", "", None),
            ("20/29/59", "63748472", None),
            ("202959", "6374847a", None),
            ("202959", "６３７４８４７２", None),
            ("202959", "6 3 7 4 8 4 7 2                        ", None),
        ] {
            let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
            assert_eq!(standard(sort_code, account), expected, "{sort_code} {account}");
        }
    }

    #[test]
    fn both_fields_are_reported_at_once() {
        let wrong = BankAccount::parse("1", "2").unwrap_err();
        let fields: Vec<&str> = wrong.0.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["sortCode", "bankAccount"]);
        let wrong = BankAccount::parse("202959", "0112345678").unwrap_err();
        assert_eq!(wrong.0[0].field, "bankAccount");
    }

    #[test]
    fn one_text_has_both() {
        let account = BankAccount::parse("202959", "63748472").unwrap();
        for text in ["20-29-59 63748472", "20295963748472", " 202959-6374 8472 "] {
            assert_eq!(BankAccount::parse_text(text), Ok(account), "{text}");
        }
        let nine = BankAccount::parse("726500", "312345678");
        assert_eq!(BankAccount::parse_text("72-65-00 312345678").ok(), nine.ok());
        for text in
            ["", "202959", "20-29-59 12345", "20-29-59 0112345678", "GB33BUKB20201555555555"]
        {
            assert!(BankAccount::parse_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_shows_an_account() {
        let account = BankAccount::parse("202959", "63748472").unwrap();
        let number = AccountNumber::parse("63748472").unwrap();
        let shown = format!("{account:?} {:?} {number:?}", account.sort());
        assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
        assert_eq!(account.masked(), "****8472");
    }

    proptest! {
        #[test]
        fn reading_never_panics(sort_code in ".*", account in ".*") {
            let _ = BankAccount::parse(&sort_code, &account);
        }

        #[test]
        fn the_standard_form_reads_back(sort_code in "[0-9]{6}", account in "[0-9]{6,10}") {
            if let Ok(read) = BankAccount::parse(&sort_code, &account) {
                let again = BankAccount::parse(read.sort_code(), read.account_number());
                prop_assert_eq!(again, Ok(read));
                let shown: String = read.account_values().iter().map(u8::to_string).collect();
                prop_assert_eq!(shown.as_str(), read.account_number());
                prop_assert_eq!(format!("{:06}", read.sort().number()), read.sort_code());
            }
        }
    }
}
