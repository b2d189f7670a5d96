//! The commands of `client-admin`, read strictly: an unknown member is an error, because a misspelt `allowedSources`
//! would otherwise create a client that may call from anywhere.

use domain::ids::{ClientId, PartnerId};
use http_api::{Environment, Scope, Scopes, SourceList};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::rotation::Discard;
use crypto::sha256_of_parts;

/// Old and new secret both work for this long unless the operator says otherwise.
const GRACE_HOURS: u32 = 24;
/// Longer is no rotation.
const MAX_GRACE_HOURS: u32 = 30 * 24;

/// Why a command is not one.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Not a JSON object with a known `action` and its members.
    #[error("not a command: {0}")]
    Shape(#[source] serde_json::Error),
    /// A member has a value that it may not have.
    #[error("{0} is not acceptable")]
    Member(&'static str),
}

/// What an operator asks for.
#[derive(Debug)]
pub enum Command {
    /// A new client.
    Create(Create),
    /// The clients of a partner.
    List {
        /// Whose.
        partner_id: PartnerId,
        /// Continues behind this one.
        after: Option<ClientId>,
    },
    /// A new secret.
    RotateSecret(Rotate),
    /// An end to a client.
    Revoke {
        /// Which.
        client_id: ClientId,
    },
    /// An end to a token.
    RevokeToken(RevokeToken),
}

/// What a new client is to be.
#[derive(Debug)]
pub struct Create {
    /// Names the creation, so that a repetition is recognised.
    pub request_id: Option<String>,
    /// Absent for a new partner.
    pub partner_id: Option<PartnerId>,
    /// What operators call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Sandbox or production.
    pub environment: Environment,
    /// From where; empty means anywhere.
    pub allowed_sources: SourceList,
}

impl Create {
    /// Tells two creations apart that use one request id.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let partner = self.partner_id.map_or_else(String::new, |partner| partner.to_string());
        hex::encode(sha256_of_parts(&[
            partner.as_bytes(),
            self.name.as_bytes(),
            self.scopes.to_string().as_bytes(),
            self.environment.as_str().as_bytes(),
            self.allowed_sources.to_string().as_bytes(),
        ]))
    }
}

/// Which secret is to be replaced, and how.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rotate {
    /// Whose.
    pub client_id: ClientId,
    /// Names the rotation, so that a repetition is recognised.
    #[serde(default)]
    pub request_id: Option<String>,
    #[serde(default)]
    grace_period_hours: Option<u32>,
    /// Which of two live secrets ends at once.
    #[serde(default)]
    pub discard: Option<Discard>,
}

impl Rotate {
    /// How long the former secret still works.
    #[must_use]
    pub fn grace(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.grace_period_hours.unwrap_or(GRACE_HOURS)))
    }
}

/// Which token is to be barred.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeToken {
    /// Its `jti`.
    pub token_id: String,
    /// Its `iss`, unless it is ours.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Its `exp`, if it lives longer than usual.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(
    tag = "action",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
enum Raw {
    Create {
        #[serde(default)]
        request_id: Option<String>,
        #[serde(default)]
        partner_id: Option<PartnerId>,
        name: String,
        scopes: RawScopes,
        environment: String,
        #[serde(default)]
        allowed_sources: Vec<String>,
    },
    List {
        partner_id: PartnerId,
        #[serde(default)]
        after: Option<ClientId>,
    },
    RotateSecret(Rotate),
    Revoke {
        client_id: ClientId,
    },
    RevokeToken(RevokeToken),
}

/// `"all"`, or a list of names.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawScopes {
    Word(String),
    Names(Vec<String>),
}

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    /// [`CommandError`] naming what is wrong.
    pub fn read(event: Value) -> Result<Self, CommandError> {
        let raw: Raw = serde_json::from_value(event).map_err(CommandError::Shape)?;
        Ok(match raw {
            Raw::Create { request_id, partner_id, name, scopes, environment, allowed_sources } => {
                let name = name.trim().to_owned();
                if name.is_empty()
                    || name.chars().count() > 100
                    || name.chars().any(char::is_control)
                {
                    return Err(CommandError::Member("name"));
                }
                Self::Create(Create {
                    request_id: request(request_id)?,
                    partner_id,
                    name,
                    scopes: read_scopes(&scopes).ok_or(CommandError::Member("scopes"))?,
                    environment: Environment::parse(&environment)
                        .ok_or(CommandError::Member("environment"))?,
                    allowed_sources: read_sources(&allowed_sources)
                        .ok_or(CommandError::Member("allowedSources"))?,
                })
            }
            Raw::List { partner_id, after } => Self::List { partner_id, after },
            Raw::RotateSecret(mut rotate) => {
                if rotate.grace_period_hours.is_some_and(|hours| hours > MAX_GRACE_HOURS) {
                    return Err(CommandError::Member("gracePeriodHours"));
                }
                rotate.request_id = request(rotate.request_id)?;
                Self::RotateSecret(rotate)
            }
            Raw::Revoke { client_id } => Self::Revoke { client_id },
            Raw::RevokeToken(revoke) => {
                if revoke.token_id.is_empty() || revoke.token_id.len() > 256 {
                    return Err(CommandError::Member("tokenId"));
                }
                Self::RevokeToken(revoke)
            }
        })
    }
}

fn request(id: Option<String>) -> Result<Option<String>, CommandError> {
    match id {
        Some(id) if id.is_empty() || id.len() > 64 || !id.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(CommandError::Member("requestId"))
        }
        id => Ok(id),
    }
}

/// A client without scopes could do nothing; asking for one is a mistake.
fn read_scopes(scopes: &RawScopes) -> Option<Scopes> {
    let scopes = match scopes {
        RawScopes::Word(word) if word == "all" => Scopes::all(),
        RawScopes::Word(_) => return None,
        RawScopes::Names(names) => {
            let scopes: Result<Vec<Scope>, _> =
                names.iter().map(|name| Scope::parse(name)).collect();
            Scopes::new(scopes.ok()?)
        }
    };
    (!scopes.is_empty()).then_some(scopes)
}

fn read_sources(sources: &[String]) -> Option<SourceList> {
    if sources.len() > 50 || sources.iter().any(|source| source.trim().is_empty()) {
        return None;
    }
    SourceList::parse(&sources.join(",")).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn create() -> Value {
        json!({
            "action": "create", "name": "Loan desk", "scopes": ["customers:read"],
            "environment": "sandbox", "allowedSources": ["198.51.100.0/24", "2001:db8::1"],
        })
    }

    #[test]
    fn every_command_is_read() {
        let client = "sandbox-1";
        let partner = "11111111-2222-3333-4444-555555555555";
        for command in [
            create(),
            json!({ "action": "create", "requestId": "r", "partnerId": partner, "name": "n", "scopes": "all", "environment": "production" }),
            json!({ "action": "list", "partnerId": partner, "after": client }),
            json!({ "action": "rotate-secret", "clientId": client, "requestId": "r", "gracePeriodHours": 0, "discard": "previous" }),
            json!({ "action": "revoke", "clientId": client }),
            json!({ "action": "revoke-token", "tokenId": "t", "issuer": "https://idp.test/", "expiresAt": "2026-03-02T09:00:00Z" }),
        ] {
            assert!(Command::read(command.clone()).is_ok(), "{command}");
        }
    }

    #[test]
    fn the_sample_events_are_commands() {
        for (name, event) in crate::testing::sample_events("client-admin") {
            assert!(Command::read(event).is_ok(), "{name}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (member, value) in [
            ("name", json!(" ")),
            ("name", json!("x".repeat(101))),
            ("name", json!("a\nb")),
            ("scopes", json!([])),
            ("scopes", json!("some")),
            ("scopes", json!(["customers:everything"])),
            ("environment", json!("staging")),
            ("allowedSources", json!(["198.51.100.1/24"])),
            ("allowedSources", json!([""])),
            ("requestId", json!("")),
            ("requestId", json!("two words")),
        ] {
            let mut command = create();
            command[member] = value.clone();
            let answer = Command::read(command);
            assert!(
                matches!(answer, Err(CommandError::Member(m)) if m == member),
                "{member} {value}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let mut misspelt = create();
        misspelt["allowedSource"] = json!(["198.51.100.0/24"]);
        for command in [
            misspelt,
            json!({}),
            json!({ "action": "delete" }),
            json!({ "action": "revoke", "clientId": "a b" }),
            json!({ "action": "list", "partnerId": "acme" }),
            json!({ "action": "rotate-secret", "clientId": "c", "discard": "both" }),
            json!({ "action": "rotate-secret", "clientId": "c", "grace": 1 }),
            json!({ "action": "rotate-secret", "clientId": "c", "gracePeriodHours": -1 }),
        ] {
            assert!(
                matches!(Command::read(command.clone()), Err(CommandError::Shape(_))),
                "{command}"
            );
        }
        let long = json!({ "action": "rotate-secret", "clientId": "c", "gracePeriodHours": 721 });
        assert!(matches!(Command::read(long), Err(CommandError::Member("gracePeriodHours"))));
    }
}
