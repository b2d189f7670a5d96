//! Deactivates a customer (`DELETE /customers/{customerId}`).

use customers::{App, remove};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-delete", clients.meter(), app, remove).await
}
