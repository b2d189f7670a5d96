//! The one seam between the penny drop and whoever moves the penny.
//!
//! Invariant: a provider's trouble is an answer and never an error, so that no caller can mistake a lost answer for a
//! refusal.

use std::sync::{Arc, Mutex, PoisonError};

use domain::time::{Clock, Random};
use jiff::{SignedDuration, Timestamp};
use runtime::HttpsSend;

use super::check::{NameAnswer, NameQuery};
use super::clearbank::ClearBank;
use super::credentials::{CredentialsError, ProviderAccess, ReadSecret};
use super::modulr::Modulr;
use super::payment::{PaymentQuery, PaymentState, Penny, PennyOutcome, Rejection, Sighting};
use crate::Answer;

/// How long credentials are used without reading them again: a rotated secret is in use within this time.
const BELIEVED: SignedDuration = SignedDuration::from_secs(300);

/// Checks names and pays pennies.
pub trait BankProvider: Send + Sync {
    /// Asks the account's bank whether the name is its holder's.
    fn check_name<'a>(&'a self, query: &'a NameQuery) -> Answer<'a, NameAnswer>;

    /// Pays one penny. May be called again with the same penny; it is paid once. Never call it for one session with two
    /// different references.
    fn pay_penny<'a>(&'a self, penny: &'a Penny) -> Answer<'a, PennyOutcome>;

    /// Looks a penny up.
    fn find_payment<'a>(&'a self, query: &'a PaymentQuery) -> Answer<'a, Sighting>;
}

/// What every adapter needs from outside.
#[derive(Clone)]
pub struct Surroundings {
    /// Connections are kept from one call to the next.
    pub http: Arc<HttpsSend>,
    /// Signatures are dated.
    pub clock: Arc<dyn Clock>,
    /// Requests that must not be repeated are numbered.
    pub random: Arc<dyn Random>,
}

struct Held {
    provider: Arc<dyn BankProvider>,
    read_at: Timestamp,
}

/// The provider that the deployment's secret names.
pub struct ConfiguredBank {
    secret: Box<dyn ReadSecret>,
    surroundings: Surroundings,
    held: Mutex<Option<Held>>,
}

impl ConfiguredBank {
    /// A provider that is not known before it is first asked.
    #[must_use]
    pub const fn new(secret: Box<dyn ReadSecret>, surroundings: Surroundings) -> Self {
        Self { secret, surroundings, held: Mutex::new(None) }
    }

    async fn provider(&self) -> Option<Arc<dyn BankProvider>> {
        let now = self.surroundings.clock.now();
        let known = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            match &*held {
                Some(held) if now.duration_since(held.read_at) < BELIEVED => {
                    return Some(Arc::clone(&held.provider));
                }
                Some(held) => Some(Arc::clone(&held.provider)),
                None => None,
            }
        };
        match self.read().await {
            Ok(provider) => {
                let held = Held { provider: Arc::clone(&provider), read_at: now };
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Some(provider)
            }
            Err(error) => {
                tracing::error!(error = %error, "the bank provider's credentials are not available");
                known
            }
        }
    }

    async fn read(&self) -> Result<Arc<dyn BankProvider>, CredentialsError> {
        let secret = self.secret.read().await?;
        let surroundings = self.surroundings.clone();
        Ok(match ProviderAccess::parse(secret.reveal())? {
            ProviderAccess::Modulr(access) => Arc::new(Modulr::new(access, surroundings)),
            ProviderAccess::ClearBank(access) => Arc::new(ClearBank::new(access, surroundings)?),
        })
    }
}

impl BankProvider for ConfiguredBank {
    fn check_name<'a>(&'a self, query: &'a NameQuery) -> Answer<'a, NameAnswer> {
        Box::pin(async move {
            match self.provider().await {
                Some(provider) => provider.check_name(query).await,
                None => NameAnswer::unavailable(None),
            }
        })
    }

    fn pay_penny<'a>(&'a self, penny: &'a Penny) -> Answer<'a, PennyOutcome> {
        Box::pin(async move {
            match self.provider().await {
                Some(provider) => provider.pay_penny(penny).await,
                None => PennyOutcome::Rejected(Rejection::NotSent),
            }
        })
    }

    fn find_payment<'a>(&'a self, query: &'a PaymentQuery) -> Answer<'a, Sighting> {
        Box::pin(async move {
            match self.provider().await {
                Some(provider) => provider.find_payment(query).await,
                None => Sighting { state: PaymentState::Unavailable, seen_to: query.begun_at },
            }
        })
    }
}
