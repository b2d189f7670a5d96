//! Shows a review, and takes a person's decision about a scan or a customer.

use customers::{App, review};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-review", clients.meter(), app, review).await
}
