//! A session's own record: what it was created with, and how it ended.

use crypto::{Aad, Sealed};
use domain::ekyc::{Channel, JourneyId, Limits, Method, SessionState};
use domain::ids::{AuthId, PartnerId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::expressions::on;
use super::records::keep_until;
use super::{Ekyc, EkycError, Place};
use crate::keys::{Key, SessionKey};
use crate::{Expression, Item, StoreError, Transaction, Update, from_item, to_item};

/// The label of a session's entry in a transaction.
pub const SESSION: &str = "session";

/// How long a session is kept after its code or its window is over, for audit.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    pub auth: AuthId,
    /// The method.
    pub method: Method,
    /// Its journey.
    pub journey: JourneyId,
    /// How it ended; the journey knows where it stands while it is live.
    pub state: SessionState,
    /// How its codes travel; a penny drop has no channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The destination or account, masked.
    pub masked: String,
    /// Its blind index.
    pub destination: String,
    /// It in full, sealed for this session, for sending again.
    pub sealed: String,
    /// The limits under which it was created.
    pub limits: Limits,
    /// The language of its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The merchant whose configuration it was created under.
    pub merchant: String,
    /// What the fraud guard remembers of the newest send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
    /// The provider's id of the newest message, or of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Why it failed or was cancelled, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Session {
    pub(super) fn read(item: Item) -> Result<Self, StoreError> {
        from_item(item)
    }

    /// Whether its time to live is over though the table still has it.
    #[must_use]
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        self.forget_at() <= now.as_second()
    }

    fn forget_at(&self) -> i64 {
        let longest = self
            .limits
            .passcode_expiry_in_milliseconds
            .max(self.limits.initiates_duration_in_milliseconds);
        self.created_at.as_second() + longest / 1_000 + KEPT.as_secs()
    }

    fn aad(partner: PartnerId, auth: AuthId) -> Aad {
        Aad::of(&["ekyc-session", &partner.to_string(), &auth.to_string(), "destination"])
    }
}

impl Ekyc {
    /// Seals a destination for one session.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn seal_destination(
        &self,
        partner: PartnerId,
        auth: AuthId,
        plain: &str,
    ) -> Result<String, EkycError> {
        let keys = self.keys(partner).await?;
        let sealed = keys.seal(&Session::aad(partner, auth), plain.as_bytes())?;
        Ok(hex::encode(sealed.as_bytes()))
    }

    /// Opens the destination of a session.
    ///
    /// # Errors
    /// When the keys cannot be had, or it was sealed for elsewhere.
    pub async fn open_destination(
        &self,
        partner: PartnerId,
        session: &Session,
    ) -> Result<String, EkycError> {
        let malformed = || StoreError::Malformed("a sealed destination".to_owned());
        let sealed = Sealed::parse(hex::decode(&session.sealed).map_err(|_| malformed())?)?;
        let aad = Session::aad(partner, session.auth);
        let plain = self.ring.open(partner.into(), &aad, &sealed).await?;
        String::from_utf8(plain.reveal().clone()).map_err(|_| malformed().into())
    }

    /// Adds a new session to a transaction.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when it does not serialise, which it always does.
    pub fn put_session(
        &self,
        transaction: &mut Transaction,
        place: &Place,
        session: &Session,
    ) -> Result<(), StoreError> {
        let mut item = to_item(session)?;
        keep_until(&mut item, session.forget_at());
        SessionKey::new(place.partner, place.subject.clone(), session.auth).stamp(&mut item);
        transaction.put_new(SESSION, &self.table, item);
        Ok(())
    }

    /// Notes how a session ended.
    pub fn end_session(
        &self,
        transaction: &mut Transaction,
        place: &Place,
        auth: AuthId,
        state: SessionState,
        reason: Option<&str>,
    ) {
        let update = match reason {
            Some(reason) => on("SET #state = :state, #reason = :reason").text(":reason", reason),
            None => on("SET #state = :state"),
        };
        self.change_session(transaction, place, auth, update.text(":state", state.as_str()));
    }

    /// Notes what the provider and the guard said of the newest send.
    pub fn note_send(
        &self,
        transaction: &mut Transaction,
        place: &Place,
        auth: AuthId,
        provider: Option<&str>,
        guard: Option<&str>,
    ) {
        let mut parts = Vec::new();
        let mut update = Expression::new("");
        for (name, value) in [("provider", provider), ("guard", guard)] {
            if let Some(value) = value {
                parts.push(format!("#{name} = :{name}"));
                update = update.text(&format!(":{name}"), value);
            }
        }
        if parts.is_empty() {
            return;
        }
        let named = on(&format!("SET {}", parts.join(", ")));
        let update = Expression { values: update.values, ..named };
        self.change_session(transaction, place, auth, update);
    }

    fn change_session(
        &self,
        transaction: &mut Transaction,
        place: &Place,
        auth: AuthId,
        update: Expression,
    ) {
        let key = SessionKey::new(place.partner, place.subject.clone(), auth);
        let update = Update::when(Expression::present(), update);
        transaction.update(SESSION, &self.table, &key, update);
    }
}
