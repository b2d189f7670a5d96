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
    /// Tells operators that it does.
    report: fn(),
    /// Name checks and payments.
    pub provider: Arc<dyn BankProvider>,
}

/// Which texts the weights and substitutions are.
enum Tables {
    Sample,
    Installed { weights: String, substitutions: String },
}

/// The sample has none of the sort codes that banks have: with it no mistyped account would be found.
fn report_sample() {
    count(Metric::BankTablesRefused, 1);
    note("bank_table_refused", "the sample is in use in production");
    tracing::warn!("the sample of the modulus table is in use in production");
}

impl Tables {
    fn must_not_stand_in(&self, environment: Option<&str>) -> bool {
        matches!(self, Self::Sample) && environment == Some("production")
    }
}

impl Bank {
    /// A bank over these tables.
    #[must_use]
    pub fn new(
        modulus: ModulusSource,
        directory: Option<DirectorySource>,
        provider: Arc<dyn BankProvider>,
    ) -> Self {
        Self { modulus, directory, is_sample_in_production: false, report: report_sample, provider }
    }

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
        let tables = match (weights, substitutions) {
            (None, None) => Tables::Sample,
            // One without the other is a mistake; the missing one is then asked for by its name.
            (weights, substitutions) => Tables::Installed {
                weights: weights.unwrap_or_else(|| settings.required("MODULUS_WEIGHTS")),
                substitutions: substitutions
                    .unwrap_or_else(|| settings.required("MODULUS_SUBSTITUTIONS")),
            },
        };
        let environment = settings.optional("ENVIRONMENT");
        let is_sample_in_production = tables.must_not_stand_in(environment.as_deref());
        let modulus = match tables {
            Tables::Sample => modulus::source(
                TextPlace::Packaged(modulus::SAMPLE.0),
                TextPlace::Packaged(modulus::SAMPLE.1),
            ),
            Tables::Installed { weights, substitutions } => {
                modulus::source(place(weights), place(substitutions))
            }
        };
        let directory = settings.optional("SORT_CODE_DIRECTORY").map(place).map(directory::source);
        let secret = ManagedSecret::new(clients, settings.required("BANK_PROVIDER_SECRET_ID"));
        let surroundings = Surroundings {
            http: Arc::new(HttpsSend::new()),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        };
        let provider = Arc::new(ConfiguredBank::new(Box::new(secret), surroundings));
        Self { is_sample_in_production, ..Self::new(modulus, directory, provider) }
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
            (self.report)();
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn sample() -> Bank {
        let [weights, substitutions] =
            [modulus::SAMPLE.0, modulus::SAMPLE.1].map(TextPlace::Packaged);
        let provider = Arc::new(testing::FakeBank::default());
        Bank::new(modulus::source(weights, substitutions), None, provider)
    }

    #[tokio::test]
    async fn the_sample_in_production_is_reported_each_time_and_elsewhere_never() {
        static REPORTED: AtomicUsize = AtomicUsize::new(0);
        for (environment, expected) in
            [(Some("production"), 2), (Some("sandbox"), 0), (Some("Production"), 0), (None, 0)]
        {
            let mut bank = sample();
            bank.is_sample_in_production = Tables::Sample.must_not_stand_in(environment);
            bank.report = || _ = REPORTED.fetch_add(1, Ordering::SeqCst);
            let account = BankAccount::parse("000100", "12346800").unwrap();
            for _ in 0..2 {
                let examined = bank.examine(&account, Timestamp::UNIX_EPOCH).await.unwrap();
                assert_eq!(examined, None, "it is used all the same");
            }
            assert_eq!(REPORTED.swap(0, Ordering::SeqCst), expected, "{environment:?}");
        }
        let (weights, substitutions) = ("w".to_owned(), "s".to_owned());
        let installed = Tables::Installed { weights, substitutions };
        assert!(!installed.must_not_stand_in(Some("production")));
    }
}
