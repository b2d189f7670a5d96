//! API Gateway's REQUEST authorizer.

use std::sync::Arc;

use auth::authorize::verify::{OwnIssuer, Verifier};
use auth::authorize::{App, handle, issuers};
use auth::keys::signing::KmsSigningKeys;
use runtime::{Clients, HttpsGet, MainResult, Settings, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    runtime::start_logging();
    let clients = Clients::new();
    let (own, further, table) = Settings::read(|settings| {
        let own = OwnIssuer {
            issuer: settings.required("TOKEN_ISSUER"),
            audience: settings.required("TOKEN_AUDIENCE"),
            signing: Arc::new(KmsSigningKeys::new(clients.kms())),
            signing_key_ids: settings.required_list("SIGNING_KEY_IDS"),
        };
        (own, settings.optional("TRUSTED_ISSUERS"), settings.required("AUTH_TABLE"))
    })?;
    let further = issuers::parse(further.as_deref(), &own.issuer)?;
    let app = App {
        verifier: Verifier::new(own, further, Arc::new(HttpsGet::new())),
        clients: store::clients::Clients::new(clients.table(&table)),
        clock: Arc::new(SystemClock),
    };
    runtime::serve("authorizer", clients.meter(), app, handle).await
}
