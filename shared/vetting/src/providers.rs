//! The identity provider and the address service that a deployment names: a URL in a setting, a key in a secret.
//!
//! Invariants: nothing is read, built or connected before the first question; reading the key and asking have one deadline
//! together, beyond which the answer is that none came; whatever goes wrong is that answer too, is counted and logged
//! without a word of the applicant, and never fails a review; a rotated key is in use within [`BELIEVED`].

mod https;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use compliance::review::provider::{
    AddressProvider, DeliveryAnswer, IdentityAnswer, IdentityProvider, Pending,
};
use compliance::review::{Applicant, PostalAddress};
use crypto::Secret;
use domain::time::Clock;
use jiff::{SignedDuration, Timestamp};
use runtime::{Clients, ManagedSecret, Metric, SecretError, Settings, count};
use serde::Deserialize;

use self::https::HttpsProvider;

/// Over reading the key, connecting and the whole answer together: somebody is waiting.
const DEADLINE: Duration = Duration::from_secs(2);

/// How long a key is used without reading it again.
const BELIEVED: SignedDuration = SignedDuration::from_secs(300);

/// Reads a secret's text.
pub(crate) type ReadSecret = Box<dyn Fn() -> Reading + Send + Sync>;
/// A secret being read.
pub(crate) type Reading = Pin<Box<dyn Future<Output = Result<Secret<String>, SecretError>> + Send>>;

/// Why there is nobody to ask.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the secret is not a JSON object with the member `key`")]
    Key,
    #[error("the provider's address must be https")]
    NotHttps,
}

/// A provider by its URL and its key's secret.
pub(crate) struct ConfiguredProvider {
    name: &'static str,
    base: String,
    read: ReadSecret,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    held: Mutex<Option<Held>>,
}

struct Held {
    provider: Arc<HttpsProvider>,
    read_at: Timestamp,
}

impl ConfiguredProvider {
    /// The provider of two settings, `<NAME>_URL` and `<NAME>_SECRET_ID`; `None` without a URL.
    pub(crate) fn from_settings(
        settings: &mut Settings,
        clients: &Clients,
        clock: &Arc<dyn Clock>,
        (name, url, secret): (&'static str, &str, &str),
    ) -> Option<Self> {
        let base = settings.optional(url)?;
        let secret = Arc::new(ManagedSecret::new(clients, settings.required(secret)));
        let read: ReadSecret = Box::new(move || {
            let secret = Arc::clone(&secret);
            Box::pin(async move { secret.read().await })
        });
        Some(Self::new(name, base, read, Arc::clone(clock)))
    }

    pub(crate) const fn new(
        name: &'static str,
        base: String,
        read: ReadSecret,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { name, base, read, clock, deadline: DEADLINE, held: Mutex::new(None) }
    }

    #[cfg(test)]
    pub(crate) const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The provider with the key as it is. A key that cannot be read again is used on: the provider knows whether it holds.
    async fn provider(&self) -> Result<Arc<HttpsProvider>, NotReady> {
        let now = self.clock.now();
        let known = self.known(|held| now.duration_since(held.read_at) < BELIEVED);
        if let Some(provider) = known {
            return Ok(provider);
        }
        let key = match self.key().await {
            Ok(key) => key,
            Err(error) => return self.known(|_| true).ok_or(error),
        };
        let same = self.known(|held| held.provider.key.reveal() == key.reveal());
        let provider = match same {
            // Its connection is good for the next question as well.
            Some(provider) => provider,
            None => {
                let made = HttpsProvider::new(&self.base, key, self.deadline);
                Arc::new(made.ok_or(NotReady::NotHttps)?)
            }
        };
        let held = Held { provider: Arc::clone(&provider), read_at: now };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(provider)
    }

    fn known(&self, is_it: impl FnOnce(&Held) -> bool) -> Option<Arc<HttpsProvider>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|held| is_it(held)).map(|held| Arc::clone(&held.provider))
    }

    async fn key(&self) -> Result<Secret<String>, NotReady> {
        #[derive(Deserialize)]
        struct Written {
            key: String,
        }
        let text = (self.read)().await?;
        let written: Written = serde_json::from_str(text.reveal()).map_err(|_| NotReady::Key)?;
        // It goes into a header.
        let good =
            !written.key.is_empty() && written.key.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Secret::new(written.key)) } else { Err(NotReady::Key) }
    }

    /// Asks within the deadline; `None` when no answer came, whyever.
    async fn asked<A>(&self, ask: impl AsyncFnOnce(Arc<HttpsProvider>) -> Option<A>) -> Option<A> {
        let asking = async {
            match self.provider().await {
                Ok(provider) => ask(provider).await,
                Err(error) => {
                    tracing::error!(provider = self.name, error = %error, "there is nobody to ask");
                    None
                }
            }
        };
        let answer = tokio::time::timeout(self.deadline, asking).await.ok().flatten();
        if answer.is_none() {
            count(Metric::ProvidersSilent, 1);
            tracing::warn!(provider = self.name, "the provider gave no answer");
        }
        answer
    }
}

impl IdentityProvider for ConfiguredProvider {
    fn confirm<'a>(&'a self, applicant: &'a Applicant) -> Pending<'a, IdentityAnswer> {
        Box::pin(async move {
            let asking = async |provider: Arc<HttpsProvider>| provider.confirm(applicant).await;
            self.asked(asking).await.map_or(IdentityAnswer::Unavailable, |confirmed| {
                IdentityAnswer::Answered(Box::new(confirmed))
            })
        })
    }
}

impl AddressProvider for ConfiguredProvider {
    fn delivery<'a>(&'a self, address: &'a PostalAddress) -> Pending<'a, DeliveryAnswer> {
        Box::pin(async move {
            let asking = async |provider: Arc<HttpsProvider>| provider.delivery(address).await;
            self.asked(asking).await.map_or(DeliveryAnswer::Unavailable, DeliveryAnswer::Answered)
        })
    }
}

#[cfg(test)]
mod tests;
