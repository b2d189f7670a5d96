//! Changes a sub-resource (`PUT /customers/{customerId}/addresses/{addressId}` and its siblings).

use customers::{App, update_contact};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("contact-update", clients.meter(), app, update_contact).await
}
