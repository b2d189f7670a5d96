//! Lists and searches customers (`GET /customers` of each contract).

use customers::{App, list};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::start(&clients)?;
    serve_api("customer-search", clients.meter(), app, list).await
}
