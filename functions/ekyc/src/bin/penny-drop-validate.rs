//! Validates the code of a penny (`POST …/pennydrop/{authId}/validate`).

use ekyc::validate::{ValidateApp, validate};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = ValidateApp::start(&clients)?;
    serve_api("penny-drop-validate", clients.meter(), app, validate).await
}
