//! Bank accounts: can the account exist, whose is it, and one penny to it.
//!
//! Invariants: an account goes through the modulus check, the directory and the name check before a penny goes to it; a
//! penny is named by its session and is paid once, whatever is repeated; account details and the name that a bank holds
//! appear in no log, error or `Debug`.

mod check;
mod clearbank;
mod credentials;
pub mod directory;
mod http;
mod modulr;
pub mod modulus;
mod name;
mod payment;
mod provider;
mod source;
#[cfg(test)]
mod stub_tests;
#[cfg(test)]
pub(crate) mod testing;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use runtime::{
    Clients, HttpsSend, ManagedSecret, Metric, Settings, SystemClock, SystemRandom, count, note,
};

pub use check::{
    BankRefusal, NameAnswer, NameCheck, NameDecision, NamePolicy, NameQuery, Unverified, decide,
};
pub use clearbank::ClearBank;
pub use credentials::{
    ClearBankAccess, CredentialsError, ModulrAccess, ProviderAccess, ReadSecret, SignatureAlgorithm,
};
pub use domain::bank_account::{AccountNumber, BankAccount, SortCode};
pub use modulr::Modulr;
pub use name::{AccountKind, AccountName, Likeness, compare};
pub use payment::{
    PaymentId, PaymentQuery, PaymentReference, PaymentState, Penny, PennyOutcome, ReferencePrefix,
    Rejection,
};
pub use provider::{BankProvider, ConfiguredBank, Surroundings};
pub use source::{Source, SourceError, TextPlace};

use directory::DirectorySource;
use modulus::{ModulusOutcome, ModulusSource};

/// Everything that the penny drop asks about banks.
pub struct Bank {
    /// The modulus check.
    pub modulus: ModulusSource,
    /// The sort code directory, where the deployment has one.
    pub directory: Option<DirectorySource>,
    /// Whether the sample table stands in for the real one where it must not.
    pub is_sample_in_production: bool,
    /// Name checks and payments.
    pub provider: Arc<dyn BankProvider>,
}

impl Bank {
    /// Reads the settings. Nothing is fetched before it is needed.
    pub fn from_settings(settings: &mut Settings, clients: &Clients) -> Self {
        let bucket = settings.optional("MODULUS_BUCKET");
        let place = |name: String| match &bucket {
            Some(bucket) => {
                TextPlace::Object { clients: clients.clone(), bucket: bucket.clone(), key: name }
            }
            None => TextPlace::File(PathBuf::from(name)),
        };
        let weights = settings.optional("MODULUS_WEIGHTS");
        let substitutions = settings.optional("MODULUS_SUBSTITUTIONS");
        let production = settings.optional("ENVIRONMENT").as_deref() == Some("production");
        let is_sample_in_production = production && weights.is_none() && substitutions.is_none();
        let modulus = match (weights, substitutions) {
            (None, None) => modulus::source(
                TextPlace::Packaged(modulus::SAMPLE.0),
                TextPlace::Packaged(modulus::SAMPLE.1),
            ),
            // One without the other is a mistake; the missing one is then asked for by its name.
            (weights, substitutions) => modulus::source(
                place(weights.unwrap_or_else(|| settings.required("MODULUS_WEIGHTS"))),
                place(substitutions.unwrap_or_else(|| settings.required("MODULUS_SUBSTITUTIONS"))),
            ),
        };
        let directory = settings.optional("SORT_CODE_DIRECTORY").map(place).map(directory::source);
        let secret = ManagedSecret::new(clients, settings.required("BANK_PROVIDER_SECRET_ID"));
        let surroundings = Surroundings {
            http: Arc::new(HttpsSend::new()),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        };
        let provider = Arc::new(ConfiguredBank::new(Box::new(secret), surroundings));
        Self { modulus, directory, is_sample_in_production, provider }
    }

    /// Whether the account can exist: the modulus check, then the directory. `None` when nothing speaks against it; an
    /// account that the modulus table does not cover is presumed to exist, as the specification says.
    ///
    /// # Errors
    /// [`SourceError`] when a table was never read and cannot be.
    pub async fn examine(
        &self,
        account: &BankAccount,
        now: Timestamp,
    ) -> Result<Option<BankRefusal>, SourceError> {
        if self.is_sample_in_production {
            count(Metric::BankTablesRefused, 1);
            note("bank_table_refused", "the sample is in use in production");
            tracing::warn!("the sample of the modulus table is in use in production");
        }
        if self.modulus.current(now).await?.check(account) == ModulusOutcome::Invalid {
            return Ok(Some(BankRefusal::Modulus));
        }
        if let Some(directory) = &self.directory
            && !directory.current(now).await?.accepts(account.sort())
        {
            return Ok(Some(BankRefusal::SortCode));
        }
        Ok(None)
    }
}
