//! Takes a customer on (`POST /customers` of each contract).

use customers::{App, create};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start_vetting(&clients)?;
    serve_api("customer-create", clients.meter(), app, create).await
}
