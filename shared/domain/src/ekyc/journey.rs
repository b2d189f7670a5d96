//! A journey and its live session: what is counted, and how it moves.
//!
//! The store does the same moves as conditional updates, and a property test holds the two against each other. An
//! attempt is first *claimed* and only then compared and *settled*, so that parallel guesses cannot share a try; a claim
//! whose process died counts as wrong once nobody can be working on it any more.

use jiff::Timestamp;

use super::Limits;
use crate::choices::choices;
use crate::ids::AuthId;

choices! {
    /// Where a journey stands.
    JourneyState {
        /// It may have sessions.
        Open = "open",
        /// Possession was proved.
        Authenticated = "authenticated",
        /// Too many wrong codes, for good.
        Failed = "failed",
    }
    /// Where a session stands.
    SessionState {
        /// Reserved; the message or the payment is on its way, or its sender died. Its code counts as live: it may have
        /// arrived.
        Sending = "sending",
        /// The provider took the message or the payment.
        Initiated = "initiated",
        /// The code came back.
        Authenticated = "authenticated",
        /// Too many wrong or late codes.
        Failed = "failed",
        /// Nothing was sent after all.
        Cancelled = "cancelled",
    }
}

impl SessionState {
    /// Whether a code may still come back.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Sending | Self::Initiated)
    }
}

/// The digest of a code and the end of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The keyed digest, as text.
    pub digest: String,
    /// The first moment at which it is expired.
    pub expires_at: Timestamp,
}

/// The newest session of a journey, the only one whose code is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The session.
    pub auth: AuthId,
    /// Where it stands.
    pub state: SessionState,
    /// Claimed attempts.
    pub attempts: i64,
    /// Attempts that were settled as wrong.
    pub wrong: i64,
    /// How many codes were made for it, the first included.
    pub sends: i64,
    /// The newest code.
    pub code: Code,
    /// The code before, to fall back to when the newest could not be sent.
    pub previous: Option<Code>,
}

/// A journey of one subject and method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// Where it stands.
    pub state: JourneyState,
    /// Claimed attempts over all sessions.
    pub attempts: i64,
    /// Wrong attempts over all sessions. A new code never resets it (NIST SP 800-63B-4, rate limiting).
    pub wrong: i64,
    /// Validations of an expired code over all sessions.
    pub expired: i64,
    /// The newest session.
    pub live: Option<Live>,
    /// When an attempt was last claimed.
    pub claimed_at: Option<Timestamp>,
}

impl Default for Journey {
    fn default() -> Self {
        Self {
            state: JourneyState::Open,
            attempts: 0,
            wrong: 0,
            expired: 0,
            live: None,
            claimed_at: None,
        }
    }
}

impl Journey {
    /// The live session, when it is this one.
    #[must_use]
    pub fn live(&self, auth: AuthId) -> Option<&Live> {
        self.live.as_ref().filter(|live| live.auth == auth)
    }

    fn live_mut(&mut self, auth: AuthId) -> Option<&mut Live> {
        self.live.as_mut().filter(|live| live.auth == auth)
    }

    /// A new session takes the place of the one before. Its attempts start from zero, the journey's do not.
    #[must_use]
    pub fn begin(&mut self, auth: AuthId, code: Code) -> bool {
        if self.state != JourneyState::Open {
            return false;
        }
        let state = SessionState::Sending;
        let live = Live { auth, state, attempts: 0, wrong: 0, sends: 1, code, previous: None };
        self.live = Some(live);
        true
    }

    /// A new code for the same session.
    #[must_use]
    pub fn renew(&mut self, auth: AuthId, sends: i64, code: Code) -> bool {
        let open = self.state == JourneyState::Open;
        let Some(live) = self.live_mut(auth).filter(|live| open && live.state.is_open()) else {
            return false;
        };
        if live.sends != sends {
            return false;
        }
        live.previous = Some(std::mem::replace(&mut live.code, code));
        live.sends += 1;
        true
    }

    /// The newest code could not be sent: the one before counts again.
    #[must_use]
    pub fn fall_back(&mut self, auth: AuthId, sends: i64) -> bool {
        let Some(live) = self.live_mut(auth).filter(|live| live.sends == sends) else {
            return false;
        };
        match live.previous.take() {
            Some(previous) => {
                live.code = previous;
                true
            }
            None => false,
        }
    }

    /// The provider took it.
    #[must_use]
    pub fn sent(&mut self, auth: AuthId) -> bool {
        match self.live_mut(auth) {
            Some(live) if live.state == SessionState::Sending => {
                live.state = SessionState::Initiated;
                true
            }
            _ => false,
        }
    }

    /// Nothing was sent.
    #[must_use]
    pub fn cancel(&mut self, auth: AuthId) -> bool {
        match self.live_mut(auth) {
            Some(live) if live.state == SessionState::Sending => {
                live.state = SessionState::Cancelled;
                true
            }
            _ => false,
        }
    }

    /// Claims an attempt. What refuses it is said by [`super::judge`].
    #[must_use]
    pub fn claim(&mut self, auth: AuthId, limits: &Limits, now: Timestamp) -> bool {
        let room = self.state == JourneyState::Open
            && self.attempts < limits.maximum_number_of_invalid_validates;
        let Some(live) = self.live_mut(auth) else { return false };
        let free = room
            && live.state.is_open()
            && live.code.expires_at > now
            && live.attempts < limits.maximum_number_of_invalid_validates_per_session;
        if free {
            live.attempts += 1;
            self.attempts += 1;
            self.claimed_at = Some(now);
        }
        free
    }

    /// The claimed attempt was right: it is taken back, and the journey is over.
    #[must_use]
    pub fn settle_right(&mut self, auth: AuthId) -> bool {
        let open = self.state == JourneyState::Open;
        let Some(live) = self.live_mut(auth).filter(|live| open && live.state.is_open()) else {
            return false;
        };
        live.state = SessionState::Authenticated;
        live.attempts -= 1;
        self.attempts -= 1;
        self.state = JourneyState::Authenticated;
        true
    }

    /// The claimed attempt was wrong. A session that is live no more leaves its mark on the journey all the same.
    pub fn settle_wrong(&mut self, auth: AuthId) {
        self.wrong += 1;
        if let Some(live) = self.live_mut(auth) {
            live.wrong += 1;
        }
    }

    /// The claimed attempt was answered by another request's answer, or could not be settled: it is nobody's.
    #[must_use]
    pub fn give_back(&mut self, auth: AuthId) -> bool {
        if self.attempts <= self.wrong {
            return false;
        }
        if let Some(live) = self.live_mut(auth) {
            if live.attempts <= live.wrong {
                return false;
            }
            live.attempts -= 1;
        }
        self.attempts -= 1;
        true
    }

    /// The newest code was held back: nothing that anybody types is it. One that is newest no more is replaced where it
    /// could be fallen back to.
    #[must_use]
    pub fn void(&mut self, auth: AuthId, digest: &str, never: &str) -> bool {
        let Some(live) = self.live_mut(auth) else { return false };
        let codes = std::iter::once(&mut live.code).chain(live.previous.as_mut());
        match codes.into_iter().find(|code| code.digest == digest) {
            Some(code) => {
                never.clone_into(&mut code.digest);
                true
            }
            None => false,
        }
    }

    /// A code came too late.
    #[must_use]
    pub fn count_expired(&mut self, auth: AuthId, limits: &Limits) -> bool {
        let room = self.state == JourneyState::Open
            && self.expired < limits.maximum_number_of_expired_validates;
        let counted = room && self.live(auth).is_some_and(|live| live.state.is_open());
        if counted {
            self.expired += 1;
        }
        counted
    }

    /// Ends the session, and the journey with it when `journey` says so.
    #[must_use]
    pub fn fail(&mut self, auth: AuthId, journey: bool) -> bool {
        let open = self.state == JourneyState::Open;
        let Some(live) = self.live_mut(auth).filter(|live| open && live.state.is_open()) else {
            return false;
        };
        live.state = SessionState::Failed;
        if journey {
            self.state = JourneyState::Failed;
        }
        true
    }
}

impl Journey {
    /// What proved possession was taken back: the penny was returned. The journey may have another session.
    #[must_use]
    pub fn revoke(&mut self, auth: AuthId) -> bool {
        let proved = self.state == JourneyState::Authenticated;
        let is_proof = |live: &&mut Live| proved && live.state == SessionState::Authenticated;
        let Some(live) = self.live_mut(auth).filter(is_proof) else { return false };
        live.state = SessionState::Failed;
        self.state = JourneyState::Open;
        true
    }

    /// Claims that nobody can be working on any more were wrong codes as far as anyone can tell.
    pub fn write_off(&mut self) {
        self.wrong = self.attempts;
        if let Some(live) = &mut self.live {
            live.wrong = live.attempts;
        }
    }
}
