//! Partners' warnings of attributes, which operators raise and withdraw.
//!
//! Invariant: a warning stands in both memories, the sandbox's and that of real customers; repeating a command after half of it
//! was done does the other half.

use crypto::Scope;
use domain::ids::PartnerId;
use domain::network::{Alert, AttributeKind, History};
use jiff::Timestamp;

use super::{Network, NetworkError, Standing, TRIES, history_key, member};
use crate::keys::NetworkKey;
use crate::{CommitError, Transaction};

const BOTH_MEMORIES: [bool; 2] = [false, true];

impl Network {
    /// Puts an attribute on a partner's alert list; `shared` warns every partner, without saying who warned.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn raise_alert(
        &self,
        partner: PartnerId,
        (kind, value): (AttributeKind, &str),
        shared: bool,
        now: Timestamp,
    ) -> Result<(), NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let who = member(&keys, partner);
        for sandbox in BOTH_MEMORIES {
            let key = history_key(&keys, kind, value, sandbox);
            let raised = self.change_alone(&key, |history| {
                let at = history.alerts.get(&who).map_or(now, |alert| alert.at);
                history.alerts.insert(who.clone(), Alert { at, shared });
            });
            raised.await?;
        }
        Ok(())
    }

    /// Takes an attribute off a partner's alert list.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub async fn withdraw_alert(
        &self,
        partner: PartnerId,
        (kind, value): (AttributeKind, &str),
    ) -> Result<(), NetworkError> {
        let keys = self.ring.keys(Scope::Global).await?;
        let who = member(&keys, partner);
        for sandbox in BOTH_MEMORIES {
            let key = history_key(&keys, kind, value, sandbox);
            let withdrawn = self.change_alone(&key, |history| {
                history.alerts.remove(&who);
            });
            withdrawn.await?;
        }
        Ok(())
    }

    /// Changes one history and nothing else.
    async fn change_alone(
        &self,
        key: &NetworkKey,
        change: impl Fn(&mut History),
    ) -> Result<(), NetworkError> {
        for _ in 0..TRIES {
            let item = Box::pin(self.table.get(key)).await?;
            let mut transaction = Transaction::new();
            self.change(&mut transaction, key, Standing::read(item)?, &change)?;
            if transaction.is_empty() {
                return Ok(());
            }
            match Box::pin(transaction.commit(&self.table)).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Refused(_) | CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(NetworkError::Busy)
    }
}
