//! Enhanced know-your-customer: proving that somebody holds a phone, a mailbox or a bank account by a code sent there.
//!
//! The words: a *subject* (an application or an account) goes through *journeys*; a journey has *sessions*, of which the
//! newest is live; a session has one live *code*. Invariants: nothing here reads a clock, draws a number or knows a code;
//! what was counted is never uncounted except by the right code; a journey that ended never opens again.

mod destination;
mod initiating;
mod journey;
mod limits;
mod names;
mod subject;
mod validating;

pub use destination::{Channel, Destination};
pub use initiating::{Ask, Issued, Issues, Start, start};
pub use journey::{Code, Journey, JourneyState, Live, SessionState};
pub use limits::{KEYS, Key, Limits, Toggle};
pub use names::{AccountNumber, JourneyId, MerchantId, Method, SubjectKind};
pub use subject::{Address, Contact, Line, Name, Particulars, Subject};
pub use validating::{Ended, Verdict, attempts_left, judge, settle_wrong};

#[cfg(test)]
mod tests;
