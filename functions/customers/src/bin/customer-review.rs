//! Takes a reviewer's decision about a scan (`POST /customers/{customerId}/…-decision`).

use customers::{App, decide};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-review", clients.meter(), app, decide).await
}
