//! The arithmetic of the check and its fourteen exceptions.
//!
//! The digits are named as in the specification: `u v w x y z` the sort code, `a b c d e f g h` the account number.

use std::collections::BTreeMap;

use domain::bank_account::BankAccount;

use super::{Algorithm, Range, Row, Weights};

type Digits = [u8; 14];

const A: usize = 6;
const B: usize = 7;
const C: usize = 8;
const G: usize = 12;
const H: usize = 13;

/// Exceptions 7 and 10 weigh nothing before `c`.
const BEFORE_C: usize = 8;

/// Exception 2, account numbers that do not begin with 0: weights where `g` is not 9, and where it is.
const EXCEPTION_2: Weights = [0, 0, 1, 2, 5, 3, 6, 4, 8, 7, 10, 9, 3, 1];
const EXCEPTION_2_G_IS_9: Weights = [0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 10, 9, 3, 1];

/// Exceptions 8 and 9 check the account as if it were at these sort codes.
const EXCEPTION_8: [u8; 6] = [0, 9, 0, 1, 2, 6];
const EXCEPTION_9: [u8; 6] = [3, 0, 9, 6, 3, 4];

pub(super) fn passes(
    range: &Range,
    substitutes: &BTreeMap<u32, u32>,
    account: &BankAccount,
) -> bool {
    let digits = digits_of(account);
    let Some(second) = &range.second else {
        return is_foreign_currency(&range.check, &digits)
            || row_passes(&range.check, digits, substitutes, account);
    };
    if is_foreign_currency(&range.check, &digits) || is_foreign_currency(second, &digits) {
        return true;
    }
    let first = row_passes(&range.check, digits, substitutes, account);
    if either_is_enough(range.check.exception, second.exception) {
        first || row_passes(second, digits, substitutes, account)
    } else {
        first && row_passes(second, digits, substitutes, account)
    }
}

const fn either_is_enough(first: u8, second: u8) -> bool {
    matches!((first, second), (2, 9) | (10, 11) | (12, 13))
}

/// Exception 6: such accounts may be in a foreign currency, which have no check.
const fn is_foreign_currency(row: &Row, digits: &Digits) -> bool {
    row.exception == 6 && digits[A] >= 4 && digits[A] <= 8 && digits[G] == digits[H]
}

fn row_passes(
    row: &Row,
    mut digits: Digits,
    substitutes: &BTreeMap<u32, u32>,
    account: &BankAccount,
) -> bool {
    match row.exception {
        1 => (total(row.algorithm, &row.weights, &digits) + 27) % 10 == 0,
        2 if digits[A] != 0 => {
            let weights = if digits[G] == 9 { &EXCEPTION_2_G_IS_9 } else { &EXCEPTION_2 };
            remainder(row.algorithm, weights, &digits) == 0
        }
        3 if matches!(digits[C], 6 | 9) => true,
        4 => {
            let check = i32::from(digits[G]) * 10 + i32::from(digits[H]);
            remainder(row.algorithm, &row.weights, &digits) == check
        }
        5 => {
            if let Some(substitute) = substitutes.get(&account.sort().number()) {
                digits[..A].copy_from_slice(&sort_code_digits(*substitute));
            }
            check_digit_passes(row, &digits)
        }
        7 if digits[G] == 9 => passes_from_c(row, &digits),
        8 => {
            digits[..A].copy_from_slice(&EXCEPTION_8);
            plain(row, &digits)
        }
        9 => {
            digits[..A].copy_from_slice(&EXCEPTION_9);
            plain(row, &digits)
        }
        10 if matches!((digits[A], digits[B]), (0 | 9, 9)) && digits[G] == 9 => {
            passes_from_c(row, &digits)
        }
        14 => plain(row, &digits) || passes_without_last(row, digits),
        _ => plain(row, &digits),
    }
}

fn plain(row: &Row, digits: &Digits) -> bool {
    remainder(row.algorithm, &row.weights, digits) == 0
}

fn passes_from_c(row: &Row, digits: &Digits) -> bool {
    let mut weights = row.weights;
    weights[..BEFORE_C].fill(0);
    remainder(row.algorithm, &weights, digits) == 0
}

/// Exception 5: `g` is the check digit of the first check, `h` of the double alternate one.
fn check_digit_passes(row: &Row, digits: &Digits) -> bool {
    let remainder = remainder(row.algorithm, &row.weights, digits);
    let (modulus, given) = match row.algorithm {
        Algorithm::Mod11 => (11, digits[G]),
        Algorithm::Mod10 | Algorithm::DoubleAlternate => (10, digits[H]),
    };
    match remainder {
        0 => given == 0,
        // Eleven less one has no single digit, so no account with this remainder was ever given out.
        1 if modulus == 11 => false,
        _ => modulus - remainder == i32::from(given),
    }
}

/// Exception 14: the last digit may be a suffix of the account before it.
fn passes_without_last(row: &Row, mut digits: Digits) -> bool {
    if !matches!(digits[H], 0 | 1 | 9) {
        return false;
    }
    digits.copy_within(A..H, B);
    digits[A] = 0;
    plain(row, &digits)
}

fn remainder(algorithm: Algorithm, weights: &Weights, digits: &Digits) -> i32 {
    let modulus = if algorithm == Algorithm::Mod11 { 11 } else { 10 };
    // Weights may be negative, and a remainder is not.
    total(algorithm, weights, digits).rem_euclid(modulus)
}

fn total(algorithm: Algorithm, weights: &Weights, digits: &Digits) -> i32 {
    let products =
        digits.iter().zip(weights).map(|(digit, weight)| i32::from(*digit) * i32::from(*weight));
    match algorithm {
        Algorithm::Mod10 | Algorithm::Mod11 => products.sum(),
        Algorithm::DoubleAlternate => products.map(sum_of_digits).sum(),
    }
}

/// Of a number that is not negative: the table admits no negative weight for double alternate.
const fn sum_of_digits(mut number: i32) -> i32 {
    let mut sum = 0;
    while number > 0 {
        sum += number % 10;
        number /= 10;
    }
    sum
}

fn digits_of(account: &BankAccount) -> Digits {
    let mut digits = [0; 14];
    digits[..A].copy_from_slice(&account.sort().values());
    digits[A..].copy_from_slice(&account.account_values());
    digits
}

fn sort_code_digits(mut number: u32) -> [u8; 6] {
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        // Below ten.
        *digit = (number % 10) as u8;
        number /= 10;
    }
    digits
}
