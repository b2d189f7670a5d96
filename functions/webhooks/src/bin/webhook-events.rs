//! Shows what became of events, sends them again, and serves Poll registrations.

use runtime::{Clients, MainResult, serve_api, start_logging};
use webhooks::{events, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let api = start::events(&clients)?;
    serve_api("webhook-events", clients.meter(), api, events::handle).await
}
