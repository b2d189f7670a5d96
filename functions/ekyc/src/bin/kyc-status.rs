//! Says where a session stands (`GET …/kycauthentications/{method}/{authId}`).

use ekyc::{Core, status::status};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = Core::start(&clients)?;
    serve_api("kyc-status", clients.meter(), app, status).await
}
