//! Adds a sub-resource (`POST /customers/{customerId}/addresses` and its siblings).

use customers::{App, add_contact};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("contact-add", clients.meter(), app, add_contact).await
}
