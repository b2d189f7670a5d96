//! Makes and keeps webhook registrations.

use runtime::{Clients, MainResult, serve_api, start_logging};
use webhooks::{registrations, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let api = start::registrations(&clients)?;
    serve_api("webhook-registrations", clients.meter(), api, registrations::handle).await
}
