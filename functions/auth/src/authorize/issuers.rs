//! Further issuers whose tokens are accepted: the setting `TRUSTED_ISSUERS`.
//!
//! A JSON array; each entry says whose tokens, signed how, for which audience, and what they amount to here:
//!
//! ```json
//! [{ "name": "bank-idp", "issuer": "https://idp.example/", "jwksUrl": "https://idp.example/jwks.json",
//!    "audience": "https://api.example/", "algorithms": ["RS256"],
//!    "partner": { "claim": "tenant", "values": { "acme": "11111111-2222-3333-4444-555555555555" } },
//!    "clientClaim": "azp", "scopeClaim": "scope", "scopes": ["customers:read"], "environment": "sandbox",
//!    "allowedSources": "198.51.100.0/24", "usageKey": "…" }]
//! ```
//!
//! `partner` may also be one partner id. `clientClaim` defaults to `client_id`, `scopeClaim` to `scope`;
//! `allowedSources` and `usageKey` may be absent.
//!
//! Invariant: a further issuer can give no more than its entry allows: its partners are those listed, its scopes those
//! listed, and its clients carry its name, so they never collide with ours (whose ids contain no dot).

use std::collections::BTreeMap;

use crypto::sha256;
use domain::ids::{ClientId, PartnerId};
use http_api::{Environment, Scope, Scopes, SourceList};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use super::Denial;
use super::verify::Verified;

/// Why the setting is refused, at start-up.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// Not a JSON array of entries with these members.
    #[error("TRUSTED_ISSUERS is not as documented")]
    Json(#[from] serde_json::Error),
    /// A member of one entry has a value that it may not have.
    #[error("TRUSTED_ISSUERS, {issuer}: {member} is not acceptable")]
    Member {
        /// The entry's name.
        issuer: String,
        /// The member.
        member: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    name: String,
    issuer: String,
    jwks_url: String,
    audience: String,
    algorithms: Vec<String>,
    partner: PartnerRule,
    #[serde(default)]
    client_claim: Option<String>,
    #[serde(default)]
    scope_claim: Option<String>,
    scopes: Vec<String>,
    environment: String,
    #[serde(default)]
    allowed_sources: Option<String>,
    #[serde(default)]
    usage_key: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum PartnerRule {
    Fixed(PartnerId),
    ByClaim { claim: String, values: BTreeMap<String, PartnerId> },
}

/// OpenID Connect Core §2: a subject has at most 255 characters.
const LONGEST_SUBJECT: usize = 255;

/// An issuer that is trusted besides ourselves.
#[derive(Debug, Clone)]
pub struct FurtherIssuer {
    name: String,
    /// `iss`.
    pub issuer: String,
    /// Where its keys are.
    pub jwks_url: String,
    /// The `aud` that its tokens for us carry.
    pub audience: String,
    /// What it signs with.
    pub algorithms: Vec<Algorithm>,
    partner: PartnerRule,
    client_claim: String,
    scope_claim: String,
    scopes: Scopes,
    environment: Environment,
    sources: SourceList,
    usage_key: Option<String>,
}

/// Reads the setting; absent or empty means no further issuers. `own` may not be listed.
///
/// # Errors
/// [`IssuerError`] with the first thing that is wrong.
pub fn parse(setting: Option<&str>, own: &str) -> Result<Vec<FurtherIssuer>, IssuerError> {
    let Some(setting) = setting.filter(|setting| !setting.trim().is_empty()) else {
        return Ok(Vec::new());
    };
    let entries: Vec<Entry> = serde_json::from_str(setting)?;
    let mut issuers: Vec<FurtherIssuer> = Vec::with_capacity(entries.len());
    for entry in entries {
        let repeated =
            issuers.iter().any(|known| known.issuer == entry.issuer || known.name == entry.name);
        if repeated || entry.issuer == own || entry.issuer.is_empty() {
            return Err(IssuerError::Member { issuer: entry.name, member: "issuer" });
        }
        issuers.push(FurtherIssuer::read(entry)?);
    }
    Ok(issuers)
}

impl FurtherIssuer {
    fn read(entry: Entry) -> Result<Self, IssuerError> {
        let refuse = |member| IssuerError::Member { issuer: entry.name.clone(), member };
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if entry.name.is_empty() || entry.name.len() > 20 || !entry.name.bytes().all(named) {
            return Err(refuse("name"));
        }
        if !is_acceptable_url(&entry.jwks_url) {
            return Err(refuse("jwksUrl"));
        }
        if entry.audience.is_empty() {
            return Err(refuse("audience"));
        }
        // Asymmetric algorithms only: with a shared secret anyone who can verify can also sign.
        let algorithm = |name: &String| match name.as_str() {
            "ES256" => Some(Algorithm::ES256),
            "RS256" => Some(Algorithm::RS256),
            "PS256" => Some(Algorithm::PS256),
            _ => None,
        };
        let algorithms: Option<Vec<Algorithm>> = entry.algorithms.iter().map(algorithm).collect();
        let algorithms = algorithms.filter(|all| !all.is_empty());
        let scopes: Result<Vec<Scope>, _> = entry.scopes.iter().map(|s| Scope::parse(s)).collect();
        let sources =
            entry.allowed_sources.as_deref().map_or(Ok(SourceList::default()), SourceList::parse);
        Ok(Self {
            algorithms: algorithms.ok_or_else(|| refuse("algorithms"))?,
            scopes: Scopes::new(scopes.map_err(|_| refuse("scopes"))?),
            environment: Environment::parse(&entry.environment)
                .ok_or_else(|| refuse("environment"))?,
            sources: sources.map_err(|_| refuse("allowedSources"))?,
            name: entry.name,
            issuer: entry.issuer,
            jwks_url: entry.jwks_url,
            audience: entry.audience,
            partner: entry.partner,
            client_claim: entry.client_claim.unwrap_or_else(|| "client_id".to_owned()),
            scope_claim: entry.scope_claim.unwrap_or_else(|| "scope".to_owned()),
            usage_key: entry.usage_key,
        })
    }

    /// What a token with these claims amounts to here.
    pub(super) fn verified(
        &self,
        claims: &BTreeMap<String, Value>,
        token: &str,
    ) -> Result<Verified, Denial> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let partner = match &self.partner {
            PartnerRule::Fixed(partner) => Some(*partner),
            PartnerRule::ByClaim { claim, values } => {
                text(claim).and_then(|value| values.get(value)).copied()
            }
        };
        let client = text(&self.client_claim).ok_or(Denial::Claims)?;
        let subject = text("sub").unwrap_or(client);
        if subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
            return Err(Denial::Claims);
        }
        let client = ClientId::parse(&format!("{}.{client}", self.name));
        let token_id = match text("jti") {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => hex::encode(sha256(token.as_bytes())),
        };
        Ok(Verified {
            issuer: self.issuer.clone(),
            is_own: false,
            token_id,
            client: client.map_err(|_| Denial::Claims)?,
            subject: subject.to_owned(),
            partner: partner.ok_or(Denial::Claims)?,
            scopes: self.granted(claims.get(&self.scope_claim)),
            environment: self.environment,
            sources: self.sources.clone(),
            usage_key: self.usage_key.clone(),
        })
    }

    /// The token's scopes (text or list) as far as this issuer may give them; others are not ours and mean nothing.
    fn granted(&self, claim: Option<&Value>) -> Scopes {
        let names: Vec<&str> = match claim {
            Some(Value::String(list)) => list.split_ascii_whitespace().collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let scopes = names.into_iter().filter_map(|name| Scope::parse(name).ok());
        Scopes::new(scopes.filter(|scope| self.scopes.contains(*scope)))
    }
}

/// Keys fetched in the clear could be anyone's; only a test's own machine is exempt.
fn is_acceptable_url(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        || url.starts_with("http://127.0.0.1:")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> Value {
        json!({
            "name": "bank-idp",
            "issuer": "https://idp.test/",
            "jwksUrl": "https://idp.test/jwks.json",
            "audience": "https://api.test/",
            "algorithms": ["RS256", "ES256"],
            "partner": "11111111-2222-3333-4444-555555555555",
            "scopes": ["customers:read"],
            "environment": "sandbox",
        })
    }

    fn read(entries: &Value) -> Result<Vec<FurtherIssuer>, IssuerError> {
        parse(Some(&entries.to_string()), "https://gatehouse.test")
    }

    #[test]
    fn no_setting_means_no_further_issuer() {
        for setting in [None, Some(""), Some(" "), Some("[]")] {
            assert!(parse(setting, "own").unwrap().is_empty());
        }
        assert_eq!(read(&json!([entry()])).unwrap().len(), 1);
    }

    #[test]
    fn wrong_entries_are_refused_by_member() {
        for (member, value) in [
            ("name", json!("Bank.IdP")),
            ("name", json!("")),
            ("issuer", json!("https://gatehouse.test")),
            ("jwksUrl", json!("http://idp.test/jwks.json")),
            ("jwksUrl", json!("https:///jwks.json")),
            ("audience", json!("")),
            ("algorithms", json!(["HS256"])),
            ("algorithms", json!(["none"])),
            ("algorithms", json!([])),
            ("scopes", json!(["everything"])),
            ("environment", json!("staging")),
            ("allowedSources", json!("somewhere")),
        ] {
            let mut wrong = entry();
            wrong[member] = value;
            let answer = read(&json!([wrong]));
            assert!(
                matches!(answer, Err(IssuerError::Member { member: m, .. }) if m == member),
                "{member}"
            );
        }
        let mut unknown = entry();
        unknown["extra"] = json!(1);
        assert!(matches!(read(&json!([unknown])), Err(IssuerError::Json(_))));
        assert!(read(&json!([entry(), entry()])).is_err(), "twice the same issuer");
    }
}
