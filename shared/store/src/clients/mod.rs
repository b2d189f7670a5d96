//! Client credentials, barred clients and revoked tokens, in the auth table.
//!
//! Rows: the client (`CLIENT#<id>` / `CLIENT`), its entry under its partner (`PARTNER#<id>` / `CLIENT#<id>`), a bar on
//! a client of a further issuer (`CLIENT#<id>` / `BARRED`), a bar on a token (`TOKEN#<digest>` / `REVOKED`, with a
//! time to live). Wrapped keys of the global scope lie in the same table, so that the auth functions need no right
//! on any other.
//!
//! Invariants: a client and its entry under the partner are written together; a change of secrets is conditional on
//! the version and on the client being active, so that neither two rotations nor a rotation and a revocation can
//! overwrite one another; every bar is a put that a repetition leaves as it is.
//!
//! Cost: read 1 get (1 unit); the authorizer's check 1 batch get of 2 keys (2 units); create 1 transaction of 2 puts
//! (4 units); rotate 1 get and 1 update; revoke 1 update; list 1 query and 1 batch get.

mod keys;
mod record;
#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{ClientId, PartnerId};
use jiff::Timestamp;

pub use keys::{BarredClientKey, PartnerClientKey, RevokedTokenKey};
pub use record::{ClientRecord, ClientStatus, StoredSecret, UsageKey};

use crate::keys::{ClientKey, Key};
use crate::{
    CommitError, Expression, Item, Query, StoreError, Table, Transaction, Update, WriteError,
    from_item, text, to_item,
};

/// How many clients one list answer has at most.
pub const LIST_LIMIT: u32 = 50;

/// What became of a create.
#[derive(Debug, PartialEq, Eq)]
pub enum Creation {
    /// The client is there now.
    Created,
    /// A client of this id was there already.
    Exists(Box<ClientRecord>),
}

/// Why the secrets were not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The client changed since it was read, or was revoked; this is how it stands now.
    #[error("the client has changed")]
    Changed(Box<ClientRecord>),
    /// There is no such client.
    #[error("there is no such client")]
    Absent,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the authorizer needs to know about a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Standing {
    /// The client's row.
    pub client: Option<ClientRecord>,
    /// Whether the client is barred (further issuers only).
    pub is_barred: bool,
    /// Whether this token was revoked.
    pub is_token_revoked: bool,
}

/// One answer to a list.
#[derive(Debug, Default)]
pub struct ClientPage {
    /// The clients, by id.
    pub clients: Vec<ClientRecord>,
    /// The id to continue after; `None` at the end.
    pub next: Option<ClientId>,
}

/// The clients of all partners.
#[derive(Debug, Clone)]
pub struct Clients(Table);

impl Clients {
    /// The clients in `table`.
    pub const fn new(table: Table) -> Self {
        Self(table)
    }

    /// One client.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn get(&self, client: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        self.0.get(&ClientKey::new(client.clone())).await?.map(from_item).transpose()
    }

    /// Stores a new client and its entry under its partner.
    ///
    /// # Errors
    /// When the table fails, or other writers stay in the way.
    pub async fn create(&self, record: &ClientRecord) -> Result<Creation, StoreError> {
        let mut client = to_item(record)?;
        ClientKey::new(record.client.clone()).stamp(&mut client);
        let entry = PartnerClientKey { partner: record.partner, client: record.client.clone() };
        let mut transaction = Transaction::new();
        transaction.put_new("client", &self.0, client);
        transaction.put_new("entry", &self.0, entry.to_item());
        match transaction.commit(&self.0).await {
            Ok(()) => Ok(Creation::Created),
            Err(CommitError::Store(error)) => Err(error),
            // A conflict is another writer of this very id: as good as refused, once it is read.
            Err(CommitError::Refused(_) | CommitError::Conflict) => {
                let standing = self.get(&record.client).await?.ok_or_else(|| {
                    StoreError::Malformed("a client's entry without the client".to_owned())
                })?;
                Ok(Creation::Exists(Box::new(standing)))
            }
        }
    }

    /// Replaces the secrets of an active client that still has the version of `read`; `rotations` goes with them.
    ///
    /// # Errors
    /// [`ReplaceError::Changed`] with the client as it stands.
    pub async fn replace_secrets(
        &self,
        read: &ClientRecord,
        secrets: &[StoredSecret],
        rotations: &[String],
    ) -> Result<ClientRecord, ReplaceError> {
        let condition = Expression::new("#version = :version AND #status = :active")
            .name("#version", "version")
            .name("#status", "status")
            .number(":version", read.version)
            .text(":active", "active");
        let update = Expression::new(
            "SET #secrets = :secrets, #rotations = :rotations, #version = #version + :one",
        )
        .name("#secrets", "secrets")
        .name("#rotations", "rotations")
        .value(":secrets", list(secrets)?)
        .value(":rotations", list(rotations)?)
        .number(":one", 1);
        let key = ClientKey::new(read.client.clone());
        match self.0.update(&key, Update::when(condition, update)).await {
            Ok(item) => Ok(from_item(item)?),
            Err(WriteError::Refused(Some(item))) => {
                Err(ReplaceError::Changed(Box::new(from_item(*item)?)))
            }
            Err(WriteError::Refused(None)) => Err(ReplaceError::Absent),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    /// Revokes a client for good; a repetition keeps the first time. `None` when there is no such client.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn revoke(
        &self,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ClientRecord>, StoreError> {
        let update = Expression::new(
            "SET #status = :revoked, #revokedAt = if_not_exists(#revokedAt, :now), \
             #secrets = :none, #version = #version + :one",
        )
        .name("#status", "status")
        .name("#revokedAt", "revokedAt")
        .name("#secrets", "secrets")
        .name("#version", "version")
        .text(":revoked", "revoked")
        .text(":now", now.to_string())
        .value(":none", AttributeValue::L(Vec::new()))
        .number(":one", 1);
        let key = ClientKey::new(client.clone());
        match self.0.update(&key, Update::when(Expression::present(), update)).await {
            Ok(item) => Ok(Some(from_item(item)?)),
            Err(WriteError::Refused(_)) => Ok(None),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Bars a client of a further issuer.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn bar(&self, client: &ClientId, now: Timestamp) -> Result<(), StoreError> {
        let mut item = BarredClientKey { client: client.clone() }.to_item();
        item.insert("revokedAt".to_owned(), AttributeValue::S(now.to_string()));
        self.put_once(item).await
    }

    /// Bars one token until `expires_at`, when it has expired by itself.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn revoke_token(
        &self,
        token: &RevokedTokenKey,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = token.to_item();
        item.insert("revokedAt".to_owned(), AttributeValue::S(now.to_string()));
        let expires_at = AttributeValue::N(expires_at.as_second().to_string());
        item.insert("expiresAt".to_owned(), expires_at);
        self.put_once(item).await
    }

    async fn put_once(&self, item: Item) -> Result<(), StoreError> {
        match self.0.put(item, Expression::absent()).await {
            Ok(()) | Err(WriteError::Refused(_)) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// How one of our own clients and its token stand. 1 round trip.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn standing(
        &self,
        client: &ClientId,
        token: &RevokedTokenKey,
    ) -> Result<Standing, StoreError> {
        self.read_standing(&ClientKey::new(client.clone()), token).await
    }

    /// How a further issuer's client and its token stand. 1 round trip.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn further_standing(
        &self,
        client: &ClientId,
        token: &RevokedTokenKey,
    ) -> Result<Standing, StoreError> {
        self.read_standing(&BarredClientKey { client: client.clone() }, token).await
    }

    async fn read_standing(
        &self,
        client: &impl Key,
        token: &RevokedTokenKey,
    ) -> Result<Standing, StoreError> {
        let mut standing = Standing { client: None, is_barred: false, is_token_revoked: false };
        for item in self.0.get_all(vec![client.to_item(), token.to_item()]).await? {
            match text(&item, "sk") {
                Some("CLIENT") => standing.client = Some(from_item(item)?),
                Some("BARRED") => standing.is_barred = true,
                Some("REVOKED") => standing.is_token_revoked = true,
                other => {
                    return Err(StoreError::Malformed(format!(
                        "auth item {}",
                        other.unwrap_or("?")
                    )));
                }
            }
        }
        Ok(standing)
    }

    /// A partner's clients by id, [`LIST_LIMIT`] at a time.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn list(
        &self,
        partner: PartnerId,
        after: Option<&ClientId>,
    ) -> Result<ClientPage, StoreError> {
        let start =
            after.map(|client| PartnerClientKey { partner, client: client.clone() }.to_item());
        let query = Query::partition(keys::partner_partition(partner))
            .beginning("CLIENT#")
            .limit(LIST_LIMIT)
            .after(start);
        let page = self.0.query(&query).await?;
        let ids = page.items.iter().map(client_of).collect::<Result<Vec<_>, _>>()?;
        let next = if page.next.is_some() { ids.last().cloned() } else { None };
        let keys = ids.into_iter().map(|client| ClientKey::new(client).to_item()).collect();
        let items = self.0.get_all(keys).await?;
        let mut clients: Vec<ClientRecord> =
            items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        clients.sort_by(|one, other| one.client.cmp(&other.client));
        Ok(ClientPage { clients, next })
    }
}

fn client_of(entry: &Item) -> Result<ClientId, StoreError> {
    text(entry, "sk")
        .and_then(|sk| sk.strip_prefix("CLIENT#"))
        .and_then(|id| ClientId::parse(id).ok())
        .ok_or_else(|| StoreError::Malformed("client entry".to_owned()))
}

fn list<T: serde::Serialize>(values: &[T]) -> Result<AttributeValue, StoreError> {
    #[derive(serde::Serialize)]
    struct Wrapped<'a, T> {
        values: &'a [T],
    }
    to_item(&Wrapped { values })?
        .remove("values")
        .ok_or_else(|| StoreError::Malformed("list".to_owned()))
}
