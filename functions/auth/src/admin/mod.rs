//! `client-admin`: operators create, list, rotate and revoke clients, and revoke tokens. Invoked, never public.
//!
//! Invariants: a secret is in exactly one answer, the one that made it; every command may be repeated: with the same
//! `requestId` a creation or rotation happens once (a repetition answers without the secret), a revocation is the same
//! however often it is asked for; of commands that race, each either happens wholly or is refused.
//!
//! Without `requestId` every creation makes another client and every rotation another secret.

pub mod command;
pub mod rotation;
#[cfg(test)]
mod tests;
pub mod usage;

use std::sync::Arc;

use crypto::{BoxError, CryptoError, IndexKind, KeyRing, Scope as KeyScope, sha256_of_parts};
use domain::ids::{ClientId, PartnerId};
use domain::time::{Clock, Random};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::StoreError;
use store::clients::{
    ClientRecord, ClientStatus, Clients, Creation, ReplaceError, RevokedTokenKey, StoredSecret,
    UsageKey,
};

use crate::claims::LIFETIME_SECONDS;
use crate::secrets;
use command::{Command, CommandError, Create, RevokeToken, Rotate};
use rotation::{RotationRefused, rotated};
use usage::UsagePlan;

/// How often a rotation looks again when another change came first.
const ROUNDS: usize = 3;

/// How many rotations are remembered for recognising repetitions.
const REMEMBERED: usize = 32;

/// How long a further issuer's token stays barred when the operator does not say until when it lives.
const FURTHER_TOKEN_BARRED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What administering needs.
pub struct App {
    /// The clients.
    pub clients: Clients,
    /// The pepper's key ring.
    pub keys: Arc<KeyRing>,
    /// The usage plan that new clients join, where there is one.
    pub plan: Option<Arc<dyn UsagePlan>>,
    /// `iss` of our own tokens.
    pub issuer: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For secrets.
    pub random: Arc<dyn Random>,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The command is malformed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The rotation would leave more than two live secrets.
    #[error(transparent)]
    Rotation(#[from] RotationRefused),
    /// There is no such client.
    #[error("there is no client {0}")]
    NoClient(ClientId),
    /// It was revoked, which is for good.
    #[error("client {0} is revoked")]
    Revoked(ClientId),
    /// The request id was used with other content.
    #[error("the requestId was already used for a different client")]
    RequestReused,
    /// Other changes kept coming first.
    #[error("other changes of the client came first; try again")]
    Busy,
    /// The table failed.
    #[error("the table failed")]
    Store(#[from] StoreError),
    /// The pepper could not be had.
    #[error("the key ring failed")]
    Keys(#[from] CryptoError),
    /// The usage plan could not be changed. The command can be repeated.
    #[error("the usage plan could not be changed; repeat the command")]
    Plan(#[source] BoxError),
}

/// Does one command.
///
/// # Errors
/// [`AdminError`]; boxed for the runtime.
pub async fn handle(app: &App, event: Value) -> Result<Value, BoxError> {
    // Boxed: the SDK's futures inside are nested deeper than the compiler computes layouts by default.
    Ok(Box::pin(run(app, event)).await?)
}

async fn run(app: &App, event: Value) -> Result<Value, AdminError> {
    match Command::read(event)? {
        Command::Create(create) => app.create(create).await,
        Command::List { partner_id, after } => {
            let page = app.clients.list(partner_id, after.as_ref()).await?;
            let clients: Vec<Value> = page.clients.iter().map(view).collect();
            Ok(json!({ "clients": clients, "next": page.next }))
        }
        Command::RotateSecret(rotate) => app.rotate(rotate).await,
        Command::Revoke { client_id } => app.revoke(client_id).await,
        Command::RevokeToken(revoke) => app.revoke_token(revoke).await,
    }
}

impl App {
    async fn create(&self, create: Create) -> Result<Value, AdminError> {
        let request = create.request_id.clone().unwrap_or_else(|| self.one_off());
        let client = client_id(&request, create.environment.as_str())?;
        let fingerprint = create.fingerprint();
        if let Some(standing) = self.clients.get(&client).await? {
            return already_created(&standing, &fingerprint);
        }
        let secret = secrets::generate(&*self.random);
        let usage_key = self.join_plan(&client).await?;
        let record = ClientRecord {
            partner: create.partner_id.unwrap_or_else(|| partner_id(&request)),
            name: create.name,
            scopes: create.scopes.to_string(),
            environment: create.environment.as_str().to_owned(),
            allowed_sources: create.allowed_sources.to_string(),
            secrets: vec![self.stored(&client, &request, &secret).await?],
            status: ClientStatus::Active,
            created_at: self.clock.now(),
            revoked_at: None,
            version: 1,
            fingerprint,
            rotations: Vec::new(),
            usage_key,
            client,
        };
        match self.clients.create(&record).await? {
            Creation::Created => {
                let mut answer = view(&record);
                answer["created"] = Value::from(true);
                answer["clientSecret"] = Value::from(secret.reveal().as_str());
                Ok(answer)
            }
            Creation::Exists(standing) => already_created(&standing, &record.fingerprint),
        }
    }

    async fn rotate(&self, rotate: Rotate) -> Result<Value, AdminError> {
        let request = rotate.request_id.clone().unwrap_or_else(|| self.one_off());
        let grace = rotate.grace();
        let no_client = || AdminError::NoClient(rotate.client_id.clone());
        let mut read = self.clients.get(&rotate.client_id).await?.ok_or_else(no_client)?;
        let secret = secrets::generate(&*self.random);
        let new = self.stored(&rotate.client_id, &request, &secret).await?;
        for _ in 0..ROUNDS {
            if read.rotations.contains(&request) {
                return Ok(rotation_answer(&read, None));
            }
            if !read.is_active() {
                return Err(AdminError::Revoked(read.client));
            }
            let now = self.clock.now();
            let secrets = rotated(&read, new.clone(), now, grace, rotate.discard)?;
            let mut rotations = read.rotations.clone();
            rotations.push(request.clone());
            let forgotten = rotations.len().saturating_sub(REMEMBERED);
            rotations.drain(..forgotten);
            match self.clients.replace_secrets(&read, &secrets, &rotations).await {
                Ok(changed) => return Ok(rotation_answer(&changed, Some(secret.reveal()))),
                Err(ReplaceError::Changed(standing)) => read = *standing,
                Err(ReplaceError::Absent) => return Err(no_client()),
                Err(ReplaceError::Store(error)) => return Err(error.into()),
            }
        }
        Err(AdminError::Busy)
    }

    async fn revoke(&self, client: ClientId) -> Result<Value, AdminError> {
        let now = self.clock.now();
        // A dot marks a further issuer's client, which has no row; see `authorize::issuers`.
        if client.as_str().contains('.') {
            self.clients.bar(&client, now).await?;
            return Ok(json!({ "clientId": client, "status": "revoked" }));
        }
        let Some(revoked) = self.clients.revoke(&client, now).await? else {
            return Err(AdminError::NoClient(client));
        };
        // After the client: should this fail, the client is revoked already and a repetition cleans up.
        if let (Some(plan), Some(key)) = (&self.plan, &revoked.usage_key) {
            plan.leave(&key.id).await.map_err(AdminError::Plan)?;
        }
        Ok(view(&revoked))
    }

    async fn revoke_token(&self, revoke: RevokeToken) -> Result<Value, AdminError> {
        let now = self.clock.now();
        let issuer = revoke.issuer.as_deref().unwrap_or(&self.issuer);
        let longest = if issuer == self.issuer {
            // Issued at the latest now; the authorizer's leeway on top, and an hour for good measure.
            SignedDuration::from_secs(LIFETIME_SECONDS + 3600)
        } else {
            FURTHER_TOKEN_BARRED
        };
        let usual = now.saturating_add(longest).unwrap_or(Timestamp::MAX);
        let until = revoke.expires_at.map_or(usual, |end| end.max(usual));
        let key = RevokedTokenKey::new(issuer, &revoke.token_id);
        self.clients.revoke_token(&key, now, until).await?;
        Ok(json!({ "tokenId": revoke.token_id, "issuer": issuer, "status": "revoked" }))
    }

    async fn stored(
        &self,
        client: &ClientId,
        request: &str,
        secret: &crypto::Secret<String>,
    ) -> Result<StoredSecret, AdminError> {
        let keys = self.keys.keys(KeyScope::Global).await?;
        Ok(StoredSecret {
            request: request.to_owned(),
            digest: secrets::digest(&keys, client.as_str(), secret).to_string(),
            created_at: self.clock.now(),
            expires_at: None,
        })
    }

    /// The key's value is derived, so that a repetition finds the key that a first try made.
    async fn join_plan(&self, client: &ClientId) -> Result<Option<UsageKey>, AdminError> {
        let Some(plan) = &self.plan else { return Ok(None) };
        let keys = self.keys.keys(KeyScope::Global).await?;
        let index = keys.blind_index(IndexKind::named("usage-key"), client.as_str().as_bytes());
        // API Gateway takes letters and digits only.
        let value = hex::encode(sha256_of_parts(&[index.as_str().as_bytes()]));
        let id = plan.join(client, &value).await.map_err(AdminError::Plan)?;
        Ok(Some(UsageKey { id, value }))
    }

    /// Stands in for a request id that was not given.
    fn one_off(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        hex::encode(bytes)
    }
}

/// The same request id gives the same id, so that the condition of the write recognises a repetition.
fn client_id(request: &str, environment: &str) -> Result<ClientId, AdminError> {
    let digest = sha256_of_parts(&[b"client", environment.as_bytes(), request.as_bytes()]);
    ClientId::parse(&format!("{environment}-{}", hex::encode(&digest[..16])))
        .map_err(|_| CommandError::Member("environment").into())
}

fn partner_id(request: &str) -> PartnerId {
    let digest = sha256_of_parts(&[b"partner", request.as_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    PartnerId::from(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

fn already_created(standing: &ClientRecord, fingerprint: &str) -> Result<Value, AdminError> {
    if standing.fingerprint != fingerprint {
        return Err(AdminError::RequestReused);
    }
    let mut answer = view(standing);
    answer["created"] = Value::from(false);
    Ok(answer)
}

fn rotation_answer(client: &ClientRecord, secret: Option<&String>) -> Value {
    let mut answer = view(client);
    answer["rotated"] = Value::from(secret.is_some());
    if let Some(secret) = secret {
        answer["clientSecret"] = Value::from(secret.as_str());
    }
    answer
}

/// A client without anything that helps to impersonate it.
fn view(client: &ClientRecord) -> Value {
    let secrets: Vec<Value> = client
        .secrets
        .iter()
        .map(|secret| json!({ "createdAt": secret.created_at, "expiresAt": secret.expires_at }))
        .collect();
    let sources = client.allowed_sources.split(',').filter(|source| !source.is_empty());
    json!({
        "clientId": client.client,
        "partnerId": client.partner,
        "name": client.name,
        "scopes": client.scopes.split_ascii_whitespace().collect::<Vec<_>>(),
        "environment": client.environment,
        "allowedSources": sources.collect::<Vec<_>>(),
        "status": client.status,
        "createdAt": client.created_at,
        "revokedAt": client.revoked_at,
        "secrets": secrets,
    })
}
