//! Changes a name, profile or due diligence (`PUT /customers/{customerId}/…`).

use customers::{App, update_customer};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-update", clients.meter(), app, update_customer).await
}
