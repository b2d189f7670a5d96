//! `POST /connect/token`.

use std::sync::Arc;

use auth::issue::{App, handle};
use auth::keys::cache::{CacheLimits, KeyCache};
use auth::keys::signing::KmsSigningKeys;
use crypto::KeyRing;
use crypto::kms::KmsWrapper;
use runtime::{Clients, MainResult, Settings, SystemClock, SystemRandom};
use store::DataKeyTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    runtime::start_logging();
    let clients = Clients::new();
    let app = Settings::read(|settings| {
        let table = clients.table(&settings.required("AUTH_TABLE"));
        let wrapper = Arc::new(KmsWrapper::new(clients.kms(), settings.required("DATA_KEY_ID")));
        let stored = Arc::new(DataKeyTable::new(table.clone()));
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        App {
            clients: store::clients::Clients::new(table),
            keys: Arc::new(KeyRing::new(wrapper, stored, clock.clone(), random.clone())),
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
