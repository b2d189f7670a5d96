//! `GET /.well-known/openid-configuration` and `GET /.well-known/jwks.json`.

use std::sync::Arc;

use auth::keys::cache::{CacheLimits, KeyCache};
use auth::keys::signing::KmsSigningKeys;
use auth::publish::{App, handle};
use runtime::{Clients, MainResult, Settings, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    runtime::start_logging();
    let clients = Clients::new();
    let app = Settings::read(|settings| App {
        signing: Arc::new(KmsSigningKeys::new(clients.kms())),
        signing_key_ids: settings.required_list("SIGNING_KEY_IDS"),
        cache: KeyCache::new(CacheLimits::default()),
        issuer: settings.required("TOKEN_ISSUER"),
        clock: Arc::new(SystemClock),
    })?;
    runtime::serve_public_api("token-keys", clients.meter(), app, handle).await
}
