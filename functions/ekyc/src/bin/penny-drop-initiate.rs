//! Checks a bank account and sends it a penny (`POST …/kycauthentications/pennydrop`).

use ekyc::penny_drop::{PennyDropApp, initiate};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = PennyDropApp::start(&clients)?;
    serve_api("penny-drop-initiate", clients.meter(), app, initiate).await
}
