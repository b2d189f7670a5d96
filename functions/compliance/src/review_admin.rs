//! `review-admin`: operators set a partner's decision policy and keep its alert list. Invoked, never public.
//!
//! Invariants: a policy that contradicts itself is not stored; of two operators that saw the same version one is refused;
//! repeating a command on the alert list changes nothing. An alert's value goes into a keyed digest and nowhere else: not
//! into the answer, an error or the log.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use compliance::review::{Policy, PolicyError, remembered_as};
use domain::bank_account::BankAccount;
use domain::ids::PartnerId;
use domain::network::AttributeKind;
use domain::time::Clock;
use runtime::{Clients, Missing, Settings, SystemClock};
use serde::Deserialize;
use serde_json::{Value, json};
use store::StoreError;
use store::network::{Network, NetworkError};
use store::reviews::{PolicyRefused, Reviews};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the function needs.
pub struct App {
    network: Network,
    reviews: Reviews,
    clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
#[serde(
    tag = "action",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
enum Command {
    GetPolicy {
        partner_id: PartnerId,
    },
    SetPolicy {
        partner_id: PartnerId,
        policy: Value,
        version: u32,
        by: String,
    },
    RaiseAlert {
        partner_id: PartnerId,
        kind: String,
        value: String,
        #[serde(default)]
        shared: bool,
    },
    WithdrawAlert {
        partner_id: PartnerId,
        kind: String,
        value: String,
    },
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Not a JSON object with a known `action` and its members. Serde's own words may repeat a value, so they are left out.
    #[error("not a command: unknown action, or a member is missing, unknown or of another type")]
    Shape,
    /// The policy is none.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The value is none of its kind.
    #[error(
        "value is not of the kind, or kind is none of ssn, ein, email, phone, device, bankAccount"
    )]
    Value,
    /// Somebody else stored a policy meanwhile.
    #[error("the policy has another version by now; read it again")]
    Stale,
    /// The network failed. The command can be repeated.
    #[error("the network failed")]
    Network(#[from] NetworkError),
    /// The table failed.
    #[error("the table failed")]
    Store(#[from] StoreError),
}

impl App {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn from_settings(clients: &Clients) -> Result<Self, Missing> {
        let (table, key) = Settings::read(|settings| {
            (settings.required("CUSTOMER_TABLE"), settings.required("DATA_KEY_ID"))
        })?;
        let table = clients.table(&table);
        let ring = Arc::new(clients.key_ring(table.clone(), key));
        Ok(Self {
            network: Network::new(table.clone(), ring),
            reviews: Reviews::new(table),
            clock: Arc::new(SystemClock),
        })
    }

    #[cfg(test)]
    pub(crate) fn for_test(network: Network, reviews: Reviews, clock: Arc<dyn Clock>) -> Self {
        Self { network, reviews, clock }
    }
}

/// Does one command.
///
/// # Errors
/// [`AdminError`]; boxed for the runtime.
pub async fn handle(app: &App, event: Value) -> Result<Value, BoxError> {
    Ok(Box::pin(run(app, event)).await?)
}

async fn run(app: &App, event: Value) -> Result<Value, AdminError> {
    let command = serde_json::from_value(event).map_err(|_| AdminError::Shape)?;
    let now = app.clock.now();
    match command {
        Command::GetPolicy { partner_id } => {
            let (policy, version) = match app.reviews.policy(partner_id).await? {
                Some((policy, version)) => (Policy::parse(&policy, version)?, version),
                None => (Policy::default(), 0),
            };
            let policy = serde_json::to_value(&policy)
                .map_err(|error| PolicyError::Malformed(error.to_string()))?;
            Ok(json!({ "version": version, "policy": policy }))
        }
        Command::SetPolicy { partner_id, policy, version, by } => {
            Policy::parse(&policy, version + 1)?;
            match app.reviews.set_policy(partner_id, &policy, (version, &by), now).await {
                Ok(version) => Ok(json!({ "version": version })),
                Err(PolicyRefused::Stale) => Err(AdminError::Stale),
                Err(PolicyRefused::Store(error)) => Err(error.into()),
            }
        }
        Command::RaiseAlert { partner_id, kind, value, shared } => {
            let (kind, value) = attribute(app, &kind, &value).await?;
            app.network.raise_alert(partner_id, (kind, &value), shared, now).await?;
            Ok(json!({ "listed": true, "shared": shared }))
        }
        Command::WithdrawAlert { partner_id, kind, value } => {
            let (kind, value) = attribute(app, &kind, &value).await?;
            app.network.withdraw_alert(partner_id, (kind, &value)).await?;
            Ok(json!({ "listed": false }))
        }
    }
}

/// What an alert is about.
async fn attribute(
    app: &App,
    kind: &str,
    value: &str,
) -> Result<(AttributeKind, String), AdminError> {
    if kind != "bankAccount" {
        return remembered_as(kind, value).ok_or(AdminError::Value);
    }
    let account = BankAccount::parse_text(value).map_err(|_| AdminError::Value)?;
    let known = app.network.known_as(&account).await.map_err(NetworkError::from)?;
    Ok((AttributeKind::BankAccount, known.as_str().to_owned()))
}
