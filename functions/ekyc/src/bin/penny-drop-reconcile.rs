//! Finds out what became of pennies that are not final, every few minutes.

use ekyc::penny_drop::PennyDropApp;
use ekyc::reconcile::reconcile;
use runtime::{Clients, MainResult, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = PennyDropApp::start(&clients)?;
    serve("penny-drop-reconcile", clients.meter(), app, reconcile).await
}
