//! Changes a name, profile or due diligence (`PUT /customers/{customerId}/…`).

use customers::{App, replace};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start_vetting(&clients)?;
    serve_api("customer-update", clients.meter(), app, replace).await
}
