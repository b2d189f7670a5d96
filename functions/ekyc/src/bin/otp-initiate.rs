//! Sends a one-time passcode (`POST …/kycauthentications/otp`).

use ekyc::otp::{OtpApp, initiate};
use runtime::{Clients, MainResult, serve_api, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    start_logging();
    let clients = Clients::new();
    let app = OtpApp::start(&clients)?;
    serve_api("otp-initiate", clients.meter(), app, initiate).await
}
