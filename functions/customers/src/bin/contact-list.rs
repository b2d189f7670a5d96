//! Lists sub-resources or reads one (`GET /customers/{customerId}/addresses…` and its siblings).

use customers::{App, contacts};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("contact-list", clients.meter(), app, contacts).await
}
