//! AWS clients, built by hand from what Lambda provides.
//!
//! No default provider chain: in Lambda, credentials and region come from the environment and nowhere else, and the chain
//! costs start-up time to find that out. One HTTP client serves every service. Its roots are bundled: reading some two
//! hundred certificate files from disk costs tens of milliseconds at a small CPU share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use crypto::kms::KmsWrapper;
use crypto::{KeyRing, Lazy, lazy};
use store::{DataKeyTable, Meter, Table};

use crate::{SystemClock, SystemRandom};

/// A dead connection is noticed after this long.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// One try of one call. DynamoDB and SQS answer within tens of milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
/// All tries of one call; below the gateway's 29 seconds with room for a second call.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(12);

/// The clients of one function, each built when first asked for.
#[derive(Debug, Clone)]
pub struct Clients {
    config: Arc<OnceLock<SdkConfig>>,
    dynamodb: Lazy<aws_sdk_dynamodb::Client>,
    meter: Arc<Meter>,
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

impl Clients {
    /// Nothing is built yet.
    pub fn new() -> Self {
        let config: Arc<OnceLock<SdkConfig>> = Arc::new(OnceLock::new());
        let held = Arc::clone(&config);
        let dynamodb =
            lazy(move || aws_sdk_dynamodb::Client::new(held.get_or_init(from_environment)));
        Self { config, dynamodb, meter: Arc::new(Meter::default()) }
    }

    /// Clients that are made from `config` and not from the environment.
    pub fn with_config(config: SdkConfig) -> Self {
        let clients = Self::new();
        let _first = clients.config.set(config);
        clients
    }

    /// What the tables of these clients spend.
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// The configuration that every client is made from.
    pub fn config(&self) -> &SdkConfig {
        self.config.get_or_init(from_environment)
    }

    /// A client of any service, made by `build` from the configuration when it is first used.
    pub fn lazy<T>(&self, build: impl FnOnce(&SdkConfig) -> T + Send + 'static) -> Lazy<T> {
        let config = Arc::clone(&self.config);
        lazy(move || build(config.get_or_init(from_environment)))
    }

    /// A table by name.
    pub fn table(&self, name: &str) -> Table {
        Table::new(Arc::clone(&self.dynamodb), name, self.meter())
    }

    /// The key ring whose wrapped keys are kept in `table` under the KMS key `wrapping_key`.
    pub fn key_ring(&self, table: Table, wrapping_key: String) -> KeyRing {
        KeyRing::new(
            Arc::new(KmsWrapper::new(self.kms(), wrapping_key)),
            Arc::new(DataKeyTable::new(table)),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        )
    }

    /// KMS.
    pub fn kms(&self) -> Lazy<aws_sdk_kms::Client> {
        self.lazy(aws_sdk_kms::Client::new)
    }

    /// SQS.
    pub fn sqs(&self) -> Lazy<aws_sdk_sqs::Client> {
        self.lazy(aws_sdk_sqs::Client::new)
    }

    /// S3, addressed by path when an endpoint is given: an emulator has no wildcard names.
    pub fn s3(&self) -> Lazy<aws_sdk_s3::Client> {
        self.lazy(|config| {
            let by_path = config.endpoint_url().is_some();
            let config = aws_sdk_s3::config::Builder::from(config).force_path_style(by_path);
            aws_sdk_s3::Client::from_conf(config.build())
        })
    }
}

fn from_environment() -> SdkConfig {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region.map(Region::new))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
        .http_client(https_client());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    if let (Some(id), Some(secret)) =
        (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
    {
        let token = variable("AWS_SESSION_TOKEN");
        let credentials = Credentials::new(id, secret, token, None, "environment");
        config.set_credentials_provider(Some(SharedCredentialsProvider::new(credentials)));
    }
    config.build()
}

fn https_client() -> SharedHttpClient {
    let builder =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match amazon_roots() {
        Some(context) => builder.tls_context(context).build_https(),
        None => builder.build_https(),
    }
}

/// Trust in Amazon's roots alone. The bundled roots are a constant that a test reads; where they could not be used, the
/// platform's own are the only other choice.
pub(crate) fn amazon_roots() -> Option<TlsContext> {
    let roots =
        TrustStore::empty().with_pem_certificate(include_bytes!("amazon_roots.pem").as_slice());
    TlsContext::builder().with_trust_store(roots).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The library reads the roots when it first connects, and panics on one that it cannot read.
    #[tokio::test]
    async fn the_bundled_roots_are_read() {
        let roots = include_str!("amazon_roots.pem");
        assert_eq!(roots.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .endpoint_url("https://127.0.0.1:1")
            .http_client(https_client())
            .build();
        let answer = aws_sdk_kms::Client::new(&config).get_public_key().key_id("x").send().await;
        let error = answer.unwrap_err();
        assert!(error.as_service_error().is_none(), "nobody listens there: {error}");
    }
}
