//! Creates, reads and changes applications and accounts.

use ekyc::{Core, subjects::subjects};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = Core::start(&clients)?;
    serve_api("ekyc-subjects", clients.meter(), app, subjects).await
}
