//! Access-token scopes: what a client may do, checked per route.
//!
//! The authorizer's answer is cached by token over the whole API, so a scope cannot be checked there; it is checked
//! against the route table before a handler runs.

use std::fmt;

/// One permission of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Read customers; tax ids stay masked.
    CustomersRead,
    /// Create and change customers.
    CustomersWrite,
    /// See tax ids in full. Each such read is audited.
    CustomersUnmask,
    /// Decide compliance cases.
    ComplianceReview,
    /// Read webhook registrations and events.
    WebhooksRead,
    /// Change webhook registrations, resend and acknowledge events.
    WebhooksWrite,
    /// Start eKYC sessions and see where they stand.
    EkycInitiate,
    /// Validate eKYC codes.
    EkycValidate,
    /// Read and change the eKYC configuration.
    EkycConfig,
}

impl Scope {
    /// Every scope, in the order they are listed to people.
    pub const ALL: [Scope; 9] = [
        Scope::CustomersRead,
        Scope::CustomersWrite,
        Scope::CustomersUnmask,
        Scope::ComplianceReview,
        Scope::WebhooksRead,
        Scope::WebhooksWrite,
        Scope::EkycInitiate,
        Scope::EkycValidate,
        Scope::EkycConfig,
    ];

    /// The spelling in tokens and requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::CustomersRead => "customers:read",
            Scope::CustomersWrite => "customers:write",
            Scope::CustomersUnmask => "customers:unmask",
            Scope::ComplianceReview => "compliance:review",
            Scope::WebhooksRead => "webhooks:read",
            Scope::WebhooksWrite => "webhooks:write",
            Scope::EkycInitiate => "ekyc.initiate",
            Scope::EkycValidate => "ekyc.validate",
            Scope::EkycConfig => "ekyc.config",
        }
    }

    /// Reads one scope name.
    ///
    /// # Errors
    /// [`UnknownScope`] when the name is none of ours.
    pub fn parse(name: &str) -> Result<Scope, UnknownScope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == name).ok_or(UnknownScope)
    }
}

/// A scope name that Gatehouse does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope")]
pub struct UnknownScope;

/// A set of scopes, in canonical order without repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// A set from any iterator.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut all: Vec<Scope> = scopes.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// Every scope there is.
    pub fn all() -> Self {
        Self::new(Scope::ALL)
    }

    /// Reads a space-separated list (RFC 6749 §3.3).
    ///
    /// # Errors
    /// [`UnknownScope`] when one of the names is none of ours.
    pub fn parse(list: &str) -> Result<Self, UnknownScope> {
        let scopes =
            list.split_ascii_whitespace().map(Scope::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(scopes))
    }

    /// Whether the set holds this scope.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.binary_search(&scope).is_ok()
    }

    /// Whether every scope of `other` is in this set.
    pub fn contains_all(&self, other: &Scopes) -> bool {
        other.0.iter().all(|scope| self.contains(*scope))
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back_from_its_name() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Ok(scope));
        }
        assert_eq!(Scope::parse("customers:everything"), Err(UnknownScope));
    }

    #[test]
    fn a_list_is_a_set() {
        let scopes = Scopes::parse("webhooks:read customers:read  customers:read").unwrap();
        assert_eq!(scopes.to_string(), "customers:read webhooks:read");
        assert!(scopes.contains(Scope::WebhooksRead));
        assert!(!scopes.contains(Scope::WebhooksWrite));
        assert!(Scopes::all().contains_all(&scopes));
        assert!(!scopes.contains_all(&Scopes::all()));
        assert!(Scopes::parse("").unwrap().is_empty());
    }
}
