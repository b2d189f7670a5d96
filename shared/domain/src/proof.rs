//! What a customer has proved to hold: a phone, a mailbox, a bank account.
//!
//! Invariant: a proof says what was proved by its mask, not in clear, and by a blind index made elsewhere, so that a
//! later reader can tell whether the phone held today is the phone that was proved.

use jiff::Timestamp;

use crate::choices::choices;
use crate::ids::AuthId;

choices! {
    /// What was proved.
    ProofKind {
        /// A telephone number.
        Phone = "phone",
        /// An e-mail address.
        Email = "email",
        /// A bank account.
        BankAccount = "bankAccount",
    }
    /// How.
    ProofMethod {
        /// A passcode by text message.
        OtpSms = "otp-sms",
        /// A passcode by automated call.
        OtpVoice = "otp-voice",
        /// A passcode by e-mail.
        OtpEmail = "otp-email",
        /// A code in a payment's reference.
        PennyDrop = "penny-drop",
    }
}

/// One proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// How.
    pub method: ProofMethod,
    /// The destination or account, masked.
    pub masked: String,
    /// Its blind index.
    pub index: String,
    /// In which session.
    pub auth: AuthId,
    /// When.
    pub at: Timestamp,
}
