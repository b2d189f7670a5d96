//! Asks for another review (`PUT /v1/customers/{customerId}/refresh_review`).

use customers::{App, straddle_view};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-review-refresh", clients.meter(), app, straddle_view::refresh).await
}
