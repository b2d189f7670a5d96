//! The configuration of a partner's merchant and method, as versions that replace each other.

use domain::ekyc::{MerchantId, Method};
use domain::ids::PartnerId;
use serde::{Deserialize, Serialize};

use super::Ekyc;
use super::expressions::on;
use crate::keys::{EkycConfigurationKey, Key};
use crate::{Expression, StoreError, Transaction, from_item, text, to_item};

/// A configuration as it is kept: the caller knows its shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigurationRecord {
    /// Counts changes, from 1.
    pub version: u64,
    /// When it was last changed, RFC 3339.
    pub modified: String,
    /// The configuration, as JSON text.
    pub document: String,
}

impl Ekyc {
    /// The label of a configuration's entry in a transaction.
    pub const CONFIGURATION: &'static str = "configuration";

    /// The configurations of these merchants, by merchant. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn configurations(
        &self,
        partner: PartnerId,
        merchants: &[MerchantId],
        method: Method,
    ) -> Result<Vec<(MerchantId, ConfigurationRecord)>, StoreError> {
        let key =
            |merchant: &MerchantId| EkycConfigurationKey::new(partner, merchant.clone(), method);
        let keys = merchants.iter().map(|merchant| key(merchant).to_item()).collect();
        let mut found = Vec::new();
        for item in Box::pin(self.table.get_all(keys)).await? {
            let of =
                merchants.iter().find(|merchant| text(&item, "sk") == Some(&key(merchant).sk()));
            if let Some(merchant) = of {
                found.push((merchant.clone(), from_item(item)?));
            }
        }
        Ok(found)
    }

    /// Adds a configuration to a transaction; `before` is the version that it replaces, 0 when there is none.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when it does not serialise, which it always does.
    pub fn put_configuration(
        &self,
        transaction: &mut Transaction,
        partner: PartnerId,
        merchant: &MerchantId,
        method: Method,
        record: &ConfigurationRecord,
        before: u64,
    ) -> Result<(), StoreError> {
        let mut item = to_item(record)?;
        EkycConfigurationKey::new(partner, merchant.clone(), method).stamp(&mut item);
        let condition = if before == 0 {
            Expression::absent()
        } else {
            on("#version = :version").number(":version", before)
        };
        transaction.put(Self::CONFIGURATION, &self.table, item, condition);
        Ok(())
    }
}
