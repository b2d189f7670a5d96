//! Takes a customer on (`POST /customers`).

use customers::{App, create_customer};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-create", clients.meter(), app, create_customer).await
}
