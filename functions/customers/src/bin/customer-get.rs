//! Reads one customer (`GET /customers/{customerId}` of each contract).

use customers::{App, read};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-get", clients.meter(), app, read).await
}
