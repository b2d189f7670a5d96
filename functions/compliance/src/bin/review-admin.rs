//! Lambda: operators set decision policies and keep alert lists.

use compliance_functions::review_admin::{App, handle};
use runtime::{Clients, MainResult, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = App::from_settings(&clients)?;
    serve("review-admin", clients.meter(), app, handle).await
}
