//! Reads one customer in clear (`GET /v1/customers/{customerId}/unmasked`).

use customers::{App, straddle_view};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-unmask", clients.meter(), app, straddle_view::unmasked).await
}
