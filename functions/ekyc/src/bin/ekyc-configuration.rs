//! Reads and changes the eKYC configuration of a merchant.

use ekyc::{Core, configuration::configuration};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = Core::start(&clients)?;
    serve_api("ekyc-configuration", clients.meter(), app, configuration).await
}
