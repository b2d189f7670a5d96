//! How often, how long, how many: the limits in force for one method, and which values are refused.
//!
//! A session keeps the limits that it was created under, so that a change of configuration never alters a running one.
//! Invariant: no limit is ever "never": zero is refused everywhere, because a counter without an end is not a limit, and
//! so are limits that together let a code be guessed.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::problem::{Problem, Violations};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// The limits of one method. The fields are the contract's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Codes per subject and method in a rolling window; a resend is one.
    pub maximum_number_of_initiates_per_duration: i64,
    /// The length of that window.
    pub initiates_duration_in_milliseconds: i64,
    /// How long a code lives, from its creation.
    pub passcode_expiry_in_milliseconds: i64,
    /// Wrong codes per journey; reaching it fails the journey for good.
    pub maximum_number_of_invalid_validates: i64,
    /// Wrong codes per session; reaching it fails the session.
    pub maximum_number_of_invalid_validates_per_session: i64,
    /// Validations of an expired code per journey; the next one fails the session.
    pub maximum_number_of_expired_validates: i64,
    /// Digits of a code: `otpCodeLength` or `pennyDropCodeLength`.
    pub code_length: i64,
    /// Whether the initiate beyond the maximum locks an application.
    pub temp_lock_enabled_on_initiate_application: bool,
    /// For how long.
    pub temp_lock_duration_on_initiate_application_in_seconds: i64,
    /// Within which time the same request for a passcode is a double click.
    pub duplicate_window_in_milliseconds: i64,
    /// Name checks per subject in the same rolling window as codes. Sessions of before it was a limit have none.
    #[serde(default = "name_checks")]
    pub maximum_number_of_name_checks_per_duration: i64,
}

/// Three for each penny that may be had by default: a mistyped account, a bank that holds another spelling.
const fn name_checks() -> i64 {
    6
}

/// One numeric key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the contract.
    pub name: &'static str,
    /// The method that has it; `None` for both.
    pub only: Option<Method>,
    /// The least value that is safe.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    field: fn(&mut Limits) -> &mut i64,
}

/// The switch among the keys.
#[derive(Debug, Clone, Copy)]
pub struct Toggle;

impl Toggle {
    /// Its name in the contract.
    pub const NAME: &'static str = "tempLockEnabledOnInitiateApplication";
}

/// A hundred is where NIST SP 800-63B-4 ends the patience with consecutive failures.
const MANY: i64 = 100;

/// Of so many codes, at most one may be guessed at within an hour, over all sessions of a subject.
const CODES_PER_GUESS: i64 = 1_000;

/// Every numeric key, with the range of its safe values.
pub const KEYS: &[Key] = &[
    Key {
        name: "maximumNumberOfInitiatesPerDuration",
        only: None,
        min: 1,
        // Every one is an entry of one item.
        max: 50,
        field: |limits| &mut limits.maximum_number_of_initiates_per_duration,
    },
    Key {
        name: "initiatesDurationInMilliseconds",
        only: None,
        min: MINUTE,
        max: 30 * DAY,
        field: |limits| &mut limits.initiates_duration_in_milliseconds,
    },
    Key {
        name: "passcodeExpiryInMilliseconds",
        only: None,
        min: SECOND,
        max: 7 * DAY,
        field: |limits| &mut limits.passcode_expiry_in_milliseconds,
    },
    Key {
        name: "maximumNumberOfInvalidValidates",
        only: None,
        min: 1,
        max: MANY,
        field: |limits| &mut limits.maximum_number_of_invalid_validates,
    },
    Key {
        name: "maximumNumberOfInvalidValidatesPerSession",
        only: None,
        min: 1,
        max: MANY,
        field: |limits| &mut limits.maximum_number_of_invalid_validates_per_session,
    },
    Key {
        name: "maximumNumberOfExpiredValidates",
        only: None,
        min: 1,
        max: MANY,
        field: |limits| &mut limits.maximum_number_of_expired_validates,
    },
    Key {
        name: "otpCodeLength",
        only: Some(Method::Otp),
        min: 4,
        max: 10,
        field: |limits| &mut limits.code_length,
    },
    Key {
        name: "pennyDropCodeLength",
        only: Some(Method::PennyDrop),
        min: 4,
        max: 6,
        field: |limits| &mut limits.code_length,
    },
    Key {
        name: "tempLockDurationOnInitiateApplicationInSeconds",
        only: None,
        min: MINUTE / SECOND,
        max: 30 * DAY / SECOND,
        field: |limits| &mut limits.temp_lock_duration_on_initiate_application_in_seconds,
    },
    Key {
        name: "duplicateWindowInMilliseconds",
        only: Some(Method::Otp),
        min: SECOND,
        max: 60 * SECOND,
        field: |limits| &mut limits.duplicate_window_in_milliseconds,
    },
    Key {
        name: "maximumNumberOfNameChecksPerDuration",
        only: Some(Method::PennyDrop),
        min: 1,
        // Every one is an entry of one item.
        max: 50,
        field: |limits| &mut limits.maximum_number_of_name_checks_per_duration,
    },
];

impl Key {
    /// Whether the method's configuration has this key.
    #[must_use]
    pub fn concerns(&self, method: Method) -> bool {
        self.only.is_none_or(|only| only == method)
    }

    /// The value in these limits.
    #[must_use]
    pub fn get(&self, limits: &Limits) -> i64 {
        *(self.field)(&mut limits.clone())
    }

    /// Puts a value that is safe.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`].
    pub fn set(&self, limits: &mut Limits, value: i64) -> Result<(), Problem> {
        if !(self.min..=self.max).contains(&value) {
            return Err(Problem::OutOfRange { min: self.min, max: self.max });
        }
        *(self.field)(limits) = value;
        Ok(())
    }
}

impl Limits {
    /// What holds where nothing was configured.
    #[must_use]
    pub const fn of(method: Method) -> Self {
        match method {
            Method::Otp => Self {
                maximum_number_of_initiates_per_duration: 3,
                initiates_duration_in_milliseconds: HOUR,
                passcode_expiry_in_milliseconds: 600 * SECOND,
                maximum_number_of_invalid_validates: 6,
                maximum_number_of_invalid_validates_per_session: 3,
                maximum_number_of_expired_validates: 3,
                code_length: 6,
                temp_lock_enabled_on_initiate_application: true,
                temp_lock_duration_on_initiate_application_in_seconds: 3_600,
                duplicate_window_in_milliseconds: 10 * SECOND,
                maximum_number_of_name_checks_per_duration: name_checks(),
            },
            Method::PennyDrop => Self {
                maximum_number_of_initiates_per_duration: 2,
                initiates_duration_in_milliseconds: DAY,
                passcode_expiry_in_milliseconds: 3 * DAY,
                maximum_number_of_invalid_validates: 4,
                maximum_number_of_invalid_validates_per_session: 2,
                maximum_number_of_expired_validates: 3,
                code_length: 4,
                temp_lock_enabled_on_initiate_application: true,
                temp_lock_duration_on_initiate_application_in_seconds: 3_600,
                duplicate_window_in_milliseconds: 10 * SECOND,
                maximum_number_of_name_checks_per_duration: name_checks(),
            },
        }
    }

    /// What is unsafe about them as a whole.
    ///
    /// # Errors
    /// A journey that would fail before its first session could; more guesses in an hour than the code's length bears.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        if self.maximum_number_of_invalid_validates_per_session
            > self.maximum_number_of_invalid_validates
        {
            violations.push(
                "maximumNumberOfInvalidValidatesPerSession",
                Problem::OutOfRange { min: 1, max: self.maximum_number_of_invalid_validates },
            );
        }
        if self.guesses_in_an_hour() > self.codes() / CODES_PER_GUESS {
            let expected = "so low that, times the initiates of an hour, it is at most a \
                            thousandth of the codes of this length";
            violations
                .push("maximumNumberOfInvalidValidatesPerSession", Problem::Malformed { expected });
        }
        violations.into_result()
    }

    /// Name checks in a window: never fewer than the codes that each need one.
    #[must_use]
    pub fn name_checks(&self) -> i64 {
        self.maximum_number_of_name_checks_per_duration
            .max(self.maximum_number_of_initiates_per_duration)
    }

    /// A journey is no bound here: every initiate may begin another one.
    fn guesses_in_an_hour(&self) -> i64 {
        let window = self.initiates_duration_in_milliseconds.max(1);
        let windows = HOUR.saturating_add(window - 1) / window;
        self.maximum_number_of_initiates_per_duration
            .saturating_mul(windows.max(1))
            .saturating_mul(self.maximum_number_of_invalid_validates_per_session)
    }

    fn codes(&self) -> i64 {
        u32::try_from(self.code_length)
            .ok()
            .and_then(|length| 10_i64.checked_pow(length))
            .unwrap_or(i64::MAX)
    }
}
