//! eKYC in the customers' table: applications and accounts, the codes made for them, journeys, sessions, configuration.
//!
//! What belongs to one subject lies in one partition, so that reading what a request needs is one batch. The journey's
//! item holds the live session's counters and its code, so that counting an attempt against both limits is one
//! conditional update whose answer brings everything that comparing needs. Invariants: personal data is sealed, the
//! account's number included; a stored code is a keyed digest; every write states its condition, and what it moves is
//! what `domain::ekyc` moves, which a property test holds against each other.

mod configuration;
mod expressions;
mod journeys;
mod pennies;
mod records;
mod sessions;
mod subjects;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crypto::{CryptoError, IndexKind, KeyRing, ScopeKeys};
use domain::choices::CustomerStatus;
use domain::ekyc::{AccountNumber, Issues, Journey, JourneyId, Method, SubjectKind};
use domain::ids::{ApplicationId, AuthId, CustomerId, PartnerId};

use crate::keys::{CustomerKey, IssuesKey, JourneyKey, Key, SessionKey, SubjectKey, SubjectRef};
use crate::{Item, StoreError, Table, Transaction, text};

pub use configuration::ConfigurationRecord;
pub use journeys::{ISSUES, JOURNEY, Moved, Slot};
pub use pennies::{PENNY, Penny, PennyPhase};
pub use sessions::{SESSION, Session};
pub use subjects::SUBJECT;

/// The label of the customer's entry in a transaction that only an active customer may have.
pub const ACTIVE: &str = "active customer";

/// Something about eKYC could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum EkycError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value could not be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Whose and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The partner.
    pub partner: PartnerId,
    /// The application or account.
    pub subject: SubjectRef,
}

/// What a subject's item says without being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectHead {
    /// Application or account.
    pub kind: SubjectKind,
    /// Whose it is.
    pub customer: CustomerId,
}

fn account_place(keys: &ScopeKeys, partner: PartnerId, number: &AccountNumber) -> Place {
    let kind = IndexKind::named("ekyc-account");
    let index = keys.blind_index(kind, number.reveal().as_bytes());
    Place { partner, subject: SubjectRef::account(&index) }
}

/// What starting a session begins from.
#[derive(Debug, Default)]
pub struct Standing {
    /// The subject's item, to be opened when it is needed.
    pub subject: Option<Item>,
    /// The codes made so far.
    pub issues: Issues,
    /// The journey that was asked for.
    pub journey: Option<Journey>,
}

/// eKYC of all partners.
#[derive(Clone)]
pub struct Ekyc {
    table: Table,
    ring: Arc<KeyRing>,
}

impl std::fmt::Debug for Ekyc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ekyc({})", self.table.name())
    }
}

impl Ekyc {
    /// eKYC in this table, its secrets under this ring.
    #[must_use]
    pub const fn new(table: Table, ring: Arc<KeyRing>) -> Self {
        Self { table, ring }
    }

    /// The table itself.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// Where an application lies.
    #[must_use]
    pub fn application(partner: PartnerId, id: ApplicationId) -> Place {
        Place { partner, subject: SubjectRef::application(id) }
    }

    /// Where an account lies, if the partner has any: without keys nothing was ever stored. Readers need no right to make
    /// keys.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn existing_account(
        &self,
        partner: PartnerId,
        number: &AccountNumber,
    ) -> Result<Option<Place>, CryptoError> {
        let keys = self.ring.existing_keys(partner.into()).await?;
        Ok(keys.map(|keys| account_place(&keys, partner, number)))
    }

    /// Where an account lies or will lie.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub async fn account(
        &self,
        partner: PartnerId,
        number: &AccountNumber,
    ) -> Result<Place, CryptoError> {
        Ok(account_place(&*self.keys(partner).await?, partner, number))
    }

    /// The partner's keys, made when there are none.
    async fn keys(&self, partner: PartnerId) -> Result<Arc<ScopeKeys>, CryptoError> {
        self.ring.keys(partner.into()).await
    }

    /// Everything that starting a session looks at. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing(
        &self,
        place: &Place,
        method: Method,
        journey: Option<&JourneyId>,
    ) -> Result<Standing, StoreError> {
        let subject = SubjectKey::new(place.partner, place.subject.clone());
        let issues = IssuesKey::new(place.partner, place.subject.clone(), method);
        let mut keys = vec![subject.to_item(), issues.to_item()];
        keys.extend(journey.map(|journey| self.journey_key(place, method, journey).to_item()));
        let mut standing = Standing::default();
        for item in Box::pin(self.table.get_all(keys)).await? {
            match text(&item, "sk") {
                Some("SUBJECT") => standing.subject = Some(item),
                Some(sk) if sk == issues.sk() => standing.issues = records::read_issues(item)?,
                _ => standing.journey = Some(records::read_journey(&item)?),
            }
        }
        Ok(standing)
    }

    /// Adds that the customer is there and active. Writes nothing: a read before the transaction would tell less, because
    /// the customer may be deactivated behind it.
    pub fn must_be_active(
        &self,
        transaction: &mut Transaction,
        partner: PartnerId,
        customer: CustomerId,
    ) {
        let active =
            expressions::on("#status = :active").text(":active", CustomerStatus::Active.as_str());
        let key = CustomerKey::new(partner, customer);
        transaction.check(ACTIVE, &self.table, &key, active);
    }

    /// A journey; one that has not begun is as good as a new one. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn journey(
        &self,
        place: &Place,
        method: Method,
        journey: &JourneyId,
    ) -> Result<Option<Journey>, StoreError> {
        let item = Box::pin(self.table.get(&self.journey_key(place, method, journey))).await?;
        item.as_ref().map(records::read_journey).transpose()
    }

    /// A subject and one of its sessions. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(
        &self,
        place: &Place,
        auth: AuthId,
    ) -> Result<(Option<SubjectHead>, Option<Session>), StoreError> {
        let subject = SubjectKey::new(place.partner, place.subject.clone());
        let session = SessionKey::new(place.partner, place.subject.clone(), auth);
        let (mut head, mut found) = (None, None);
        let keys = vec![subject.to_item(), session.to_item()];
        for item in Box::pin(self.table.get_all(keys)).await? {
            if text(&item, "sk") == Some("SUBJECT") {
                head = Some(subjects::head(&item)?);
            } else {
                found = Some(Session::read(item)?);
            }
        }
        Ok((head, found))
    }

    #[expect(clippy::unused_self, reason = "reads as the others do")]
    fn journey_key(&self, place: &Place, method: Method, journey: &JourneyId) -> JourneyKey {
        JourneyKey::new(place.partner, place.subject.clone(), method, journey.clone())
    }
}
