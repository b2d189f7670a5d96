//! Operators' commands on clients and tokens.

use std::sync::Arc;

use auth::admin::usage::{GatewayPlan, UsagePlan};
use auth::admin::{App, handle};
use runtime::{Clients, MainResult, Settings, SystemClock, SystemRandom};

#[tokio::main(flavor = "current_thread")]
async fn main() -> MainResult {
    runtime::start_logging();
    let clients = Clients::new();
    let app = Settings::read(|settings| {
        let table = clients.table(&settings.required("AUTH_TABLE"));
        let keys = clients.key_ring(table.clone(), settings.required("DATA_KEY_ID"));
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let gateway = clients.lazy(aws_sdk_apigateway::Client::new);
        let plan = settings.optional("USAGE_PLAN_ID");
        App {
            clients: store::clients::Clients::new(table),
            keys: Arc::new(keys),
            plan: plan.map(|id| Arc::new(GatewayPlan::new(gateway, id)) as Arc<dyn UsagePlan>),
            issuer: settings.required("TOKEN_ISSUER"),
            clock,
            random,
        }
    })?;
    runtime::serve("client-admin", clients.meter(), app, handle).await
}
