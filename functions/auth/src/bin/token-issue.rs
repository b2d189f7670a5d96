//! `POST /connect/token`.

use std::sync::Arc;

use auth::issue::{App, handle};
use auth::keys::cache::{CacheLimits, KeyCache};
use auth::keys::signing::KmsSigningKeys;
use runtime::{Clients, MainResult, Settings, SystemClock, SystemRandom};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    runtime::start_logging();
    let clients = Clients::new();
    let app = Settings::read(|settings| {
        let table = clients.table(&settings.required("AUTH_TABLE"));
        let keys = clients.key_ring(table.clone(), settings.required("DATA_KEY_ID"));
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        App {
            clients: store::clients::Clients::new(table),
            keys: Arc::new(keys),
            signing: Arc::new(KmsSigningKeys::new(clients.kms())),
            signing_key_ids: settings.required_list("SIGNING_KEY_IDS"),
            signing_key: KeyCache::new(CacheLimits::default()),
            issuer: settings.required("TOKEN_ISSUER"),
            audience: settings.required("TOKEN_AUDIENCE"),
            clock,
            random,
        }
    })?;
    runtime::serve_public_api("token-issue", clients.meter(), app, handle).await
}
