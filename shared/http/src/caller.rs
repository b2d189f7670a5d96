//! Who is calling: what the authorizer established about the token, read once per request.
//!
//! Invariant: a [`Caller`] exists only for a request that passed the authorizer, and every read and write is scoped by
//! its partner.

use std::collections::BTreeMap;

use domain::ids::{ClientId, PartnerId};
use serde_json::Value;

use crate::{Failure, Scope, Scopes, SourceList};

/// Which world a credential belongs to, as its token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Environment {
    Sandbox,
    Production,
}

impl Environment {
    /// The spelling in tokens and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Environment::Sandbox => "sandbox",
            Environment::Production => "production",
        }
    }

    /// Reads the spelling in tokens and settings.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sandbox" => Some(Environment::Sandbox),
            "production" => Some(Environment::Production),
            _ => None,
        }
    }
}

/// An authenticated client of one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The partner whose data this caller may touch, and no other.
    pub partner: PartnerId,
    /// The client credential in use.
    pub client: ClientId,
    /// The person or system behind the client, as the token says; the client itself where that is all there is.
    pub subject: String,
    /// What the token allows.
    pub scopes: Scopes,
    /// Sandbox or production.
    pub environment: Environment,
    /// Address the request came from, as API Gateway saw it.
    pub source_ip: String,
}

impl Caller {
    /// Reads the context that the authorizer attached to the request.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`] when a field is missing or malformed (then the request did not come through our
    /// authorizer), or when the address is not on the client's allow-list. The authorizer checks the list as well, but
    /// its answer is cached by token, so the address of each request is checked here.
    pub(crate) fn from_authorizer(
        context: &BTreeMap<String, Value>,
        source_ip: &str,
    ) -> Result<Self, Failure> {
        let text =
            |name: &str| context.get(name).and_then(Value::as_str).ok_or(Failure::Unauthenticated);
        let sources =
            SourceList::parse(text("allowedSources")?).map_err(|_| Failure::Unauthenticated)?;
        if !sources.admits(source_ip) {
            return Err(Failure::Unauthenticated);
        }
        let client = ClientId::parse(text("clientId")?).map_err(|_| Failure::Unauthenticated)?;
        // An authorizer's answer that was cached before a deployment names no subject.
        let subject = context.get("subject").and_then(Value::as_str);
        Ok(Self {
            partner: PartnerId::parse(text("partnerId")?).map_err(|_| Failure::Unauthenticated)?,
            subject: subject.unwrap_or(client.as_str()).to_owned(),
            client,
            scopes: Scopes::parse(text("scopes")?).map_err(|_| Failure::Unauthenticated)?,
            environment: Environment::parse(text("environment")?)
                .ok_or(Failure::Unauthenticated)?,
            source_ip: source_ip.to_owned(),
        })
    }

    /// Refuses a caller whose token lacks `scope`.
    ///
    /// # Errors
    /// [`Failure::MissingScope`] naming the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Failure> {
        if self.scopes.contains(scope) { Ok(()) } else { Err(Failure::MissingScope(scope)) }
    }
}
