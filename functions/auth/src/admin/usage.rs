//! Throttling per client: API Gateway usage plans.
//!
//! A usage plan limits rate and burst per API key, and the authorizer names the key (`usageIdentifierKey`, with the
//! API's key source set to AUTHORIZER), so clients send nothing but their bearer token. This was chosen over a WAF
//! rate rule keyed by the `Authorization` header, because a client can get any number of tokens and so any number of
//! shares of such a limit; and over a counter of our own, because that would cost every request a write.
//!
//! Invariant: joining and leaving may be repeated; a key that exists is found by its value, which is derived from the
//! client.

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::error::SdkError;
use aws_sdk_apigateway::operation::create_api_key::CreateApiKeyError;
use aws_sdk_apigateway::operation::create_usage_plan_key::CreateUsagePlanKeyError;
use aws_sdk_apigateway::operation::delete_api_key::DeleteApiKeyError;
use crypto::{BoxError, Lazy, Pending};
use domain::ids::ClientId;

/// A plan that clients are members of.
pub trait UsagePlan: Send + Sync {
    /// Makes the client a member under this key value; gives the key's id.
    fn join<'a>(&'a self, client: &'a ClientId, value: &'a str) -> Pending<'a, String>;
    /// Ends the membership of this key.
    fn leave<'a>(&'a self, key_id: &'a str) -> Pending<'a, ()>;
}

/// API Gateway's.
pub struct GatewayPlan {
    client: Lazy<Client>,
    plan: String,
}

impl GatewayPlan {
    /// The plan with this id.
    #[must_use]
    pub fn new(client: Lazy<Client>, plan: impl Into<String>) -> Self {
        Self { client, plan: plan.into() }
    }

    async fn key(&self, client: &ClientId, value: &str) -> Result<String, BoxError> {
        let created = self
            .client
            .create_api_key()
            .name(client.as_str())
            .value(value)
            .enabled(true)
            .send()
            .await;
        match created {
            Ok(key) => key.id.ok_or_else(|| NoKey.into()),
            Err(SdkError::ServiceError(refusal))
                if matches!(refusal.err(), CreateApiKeyError::ConflictException(_)) =>
            {
                self.existing_key(client, value).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn existing_key(&self, client: &ClientId, value: &str) -> Result<String, BoxError> {
        // The query is by prefix, and our names are of one length, so there is one answer.
        let found = self
            .client
            .get_api_keys()
            .name_query(client.as_str())
            .include_values(true)
            .send()
            .await?;
        let key = found.items().iter().find(|key| key.value() == Some(value));
        key.and_then(|key| key.id()).map(str::to_owned).ok_or_else(|| NoKey.into())
    }
}

/// API Gateway says the key exists and does not show it.
#[derive(Debug, thiserror::Error)]
#[error("API Gateway named no key")]
struct NoKey;

impl UsagePlan for GatewayPlan {
    fn join<'a>(&'a self, client: &'a ClientId, value: &'a str) -> Pending<'a, String> {
        Box::pin(async move {
            let id = self.key(client, value).await?;
            let joined = self
                .client
                .create_usage_plan_key()
                .usage_plan_id(&self.plan)
                .key_id(&id)
                .key_type("API_KEY")
                .send()
                .await;
            match joined {
                Ok(_) => Ok(id),
                Err(SdkError::ServiceError(refusal))
                    if matches!(refusal.err(), CreateUsagePlanKeyError::ConflictException(_)) =>
                {
                    Ok(id)
                }
                Err(error) => Err(error.into()),
            }
        })
    }

    fn leave<'a>(&'a self, key_id: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            match self.client.delete_api_key().api_key(key_id).send().await {
                Ok(_) => Ok(()),
                Err(SdkError::ServiceError(refusal))
                    if matches!(refusal.err(), DeleteApiKeyError::NotFoundException(_)) =>
                {
                    Ok(())
                }
                Err(error) => Err(error.into()),
            }
        })
    }
}
