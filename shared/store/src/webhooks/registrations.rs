//! Making, finding and changing registrations.

use domain::ids::{PartnerId, RegistrationId};
use jiff::Timestamp;

use crate::keys::{Key, RegistrationKey};
use crate::webhooks::due::{GRACE, with_due, with_due_names};
use crate::webhooks::{EventNameKey, Phase, Registration, Webhooks};
use crate::{
    CommitError, Expression, Query, StoreError, Transaction, Update, WriteError, from_item, text,
    to_item,
};

/// The label of the row that keeps one registration per event name.
pub const NAME_LABEL: &str = "event name";
/// The label of the registration itself.
pub const REGISTRATION_LABEL: &str = "registration";

/// What became of a change to a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It stands.
    Done,
    /// The registration is gone or is not in the state that the change needs.
    Refused,
    /// Another registration has the event name.
    NameTaken,
}

impl Webhooks {
    /// Adds a new registration to a transaction: the item and the row that reserves its event name.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn create_in(
        &self,
        transaction: &mut Transaction,
        registration: &Registration,
    ) -> Result<(), StoreError> {
        let mut item = to_item(registration)?;
        key(registration).stamp(&mut item);
        transaction.put_new(REGISTRATION_LABEL, &self.table, item);
        self.reserve_name_in(transaction, registration);
        Ok(())
    }

    /// A registration that is not deleted. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn registration(
        &self,
        partner: PartnerId,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        let found = self.registration_in_any_phase(partner, id).await?;
        Ok(found.filter(|registration| registration.phase != Phase::Deleted))
    }

    /// A registration, also while its deletion is being finished. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn registration_in_any_phase(
        &self,
        partner: PartnerId,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        self.table.get(&RegistrationKey::new(partner, id)).await?.map(from_item).transpose()
    }

    /// All registrations of a partner, oldest first: at most one per event name, so they are few. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn registrations(&self, partner: PartnerId) -> Result<Vec<Registration>, StoreError> {
        let query = Query::partition(registration_partition(partner));
        let items = self.table.query_all(&query).await?;
        let mut found =
            items.into_iter().map(from_item).collect::<Result<Vec<Registration>, _>>()?;
        found.retain(|registration| registration.phase != Phase::Deleted);
        Ok(found)
    }

    /// The registrations that hear of any of these events. There is at most one per name today; a list, because that is
    /// a rule of the contract and not of delivery. 1 round trip, 2 when there is one, however many names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn subscribers(
        &self,
        partner: PartnerId,
        event_names: &[&str],
    ) -> Result<Vec<Registration>, StoreError> {
        let names = event_names.iter().map(|name| EventNameKey::new(partner, *name).to_item());
        let mut keys = Vec::new();
        for row in self.table.get_all(names.collect()).await? {
            let id = text(&row, "registration")
                .and_then(|id| RegistrationId::parse(id).ok())
                .ok_or_else(|| StoreError::Malformed("an event name row".to_owned()))?;
            keys.push(RegistrationKey::new(partner, id).to_item());
        }
        let items = self.table.get_all(keys).await?;
        let mut found =
            items.into_iter().map(from_item).collect::<Result<Vec<Registration>, _>>()?;
        found.retain(|registration| registration.phase != Phase::Deleted);
        // A batch has no order, and whoever repeats it should do the same things in the same order.
        found.sort_by_key(|registration| registration.id);
        Ok(found)
    }

    /// Replaces, as part of a transaction, what the partner may change: event name, callback URL, format and credentials.
    /// Refused under [`NAME_LABEL`] when another registration has the event name.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn update_in(
        &self,
        transaction: &mut Transaction,
        before: &Registration,
        after: &Registration,
    ) -> Result<(), StoreError> {
        let condition = unchanged(before);
        let mut item = to_item(after)?;
        // What is not given goes: a Poll registration has no URL, and credentials are never carried over.
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut update = Expression::new("");
        for name in ["eventName", "format", "callbackUrl", "credentials", "modifiedAt"] {
            update = update.name(&format!("#{name}"), name);
            match item.remove(name) {
                Some(value) => {
                    set.push(format!("#{name} = :{name}"));
                    update = update.value(&format!(":{name}"), value);
                }
                None => remove.push(format!("#{name}")),
            }
        }
        update.text = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            update.text.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        transaction.update(
            REGISTRATION_LABEL,
            &self.table,
            &key(before),
            Update::when(condition, update),
        );
        if before.event_name != after.event_name {
            self.reserve_name_in(transaction, after);
            self.free_name_in(transaction, before);
        }
        Ok(())
    }

    /// Removes a registration for the partner and makes the clearing of its line due. 1 transaction.
    ///
    /// # Errors
    /// [`StoreError`]; [`CommitError::Conflict`] for a concurrent change.
    pub async fn delete_registration(
        &self,
        registration: &Registration,
        now: Timestamp,
    ) -> Result<Change, CommitError> {
        let mut transaction = Transaction::new();
        let condition = Expression::new("#phase <> :deleted AND #eventName = :eventName")
            .name("#phase", "phase")
            .name("#eventName", "eventName")
            .text(":eventName", registration.event_name.clone())
            .text(":deleted", Phase::Deleted.as_str());
        // What is secret goes at once; the rest is needed to clear the line.
        let update = Expression::new(
            "SET #phase = :deleted, #dueShard = :dueShard, #dueAt = :dueAt REMOVE #credentials, #secrets, #probe",
        )
        .name("#credentials", "credentials")
        .name("#secrets", "secrets")
        .name("#probe", "probe");
        let update = with_due(update, registration.id.uuid(), now + GRACE);
        let update = Update::when(condition, update);
        transaction.update(REGISTRATION_LABEL, &self.table, &key(registration), update);
        self.free_name_in(&mut transaction, registration);
        self.change(transaction).await
    }

    /// Takes a registration out of suspension, as part of a transaction; the choice of the event that decides is due.
    /// Refused when it is not suspended.
    pub fn restart_in(
        &self,
        transaction: &mut Transaction,
        registration: &Registration,
        now: Timestamp,
    ) {
        let condition = phase_is(Phase::Suspended);
        let update = Expression::new(
            "SET #phase = :restarting, #modifiedAt = :now, #dueShard = :dueShard, #dueAt = :dueAt REMOVE #probe",
        )
        .name("#probe", "probe")
        .name("#modifiedAt", "modifiedAt")
        .text(":restarting", Phase::Restarting.as_str())
        .text(":now", now.to_string());
        let update = with_due(update, registration.id.uuid(), now + GRACE);
        let update = Update::when(condition, update);
        transaction.update(REGISTRATION_LABEL, &self.table, &key(registration), update);
    }

    /// Makes a restarted registration Active because nothing waits that could decide. `false` when it is no longer
    /// Restarting or has its deciding event. The backlog is due once more, for what was held since the look. 1 round
    /// trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn activate(
        &self,
        registration: &Registration,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let condition = phase_is(Phase::Restarting)
            .and(Expression::new("attribute_not_exists(#probe)").name("#probe", "probe"));
        let update =
            Expression::new("SET #phase = :active, #dueShard = :dueShard, #dueAt = :dueAt")
                .text(":active", Phase::Active.as_str());
        let update = with_due(update, registration.id.uuid(), now + GRACE);
        self.step(registration, Update::when(condition, update)).await
    }

    /// Notes that nothing is left to release. `false` when the phase has changed since. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn nothing_left(&self, registration: &Registration) -> Result<bool, StoreError> {
        let update = with_due_names(Expression::new("REMOVE #dueShard, #dueAt"));
        self.step(registration, Update::when(phase_is(registration.phase), update)).await
    }

    /// Removes the item of a deleted registration whose line is empty. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_registration(&self, registration: &Registration) -> Result<(), StoreError> {
        match self.table.delete(&key(registration), phase_is(Phase::Deleted)).await {
            Ok(()) | Err(WriteError::Refused(_)) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    pub(super) async fn step(
        &self,
        registration: &Registration,
        update: Update,
    ) -> Result<bool, StoreError> {
        match self.table.update(&key(registration), update).await {
            Ok(_) => Ok(true),
            Err(WriteError::Refused(_)) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    fn reserve_name_in(&self, transaction: &mut Transaction, registration: &Registration) {
        let mut row = EventNameKey::new(registration.partner, &*registration.event_name).to_item();
        row.insert(
            "registration".to_owned(),
            aws_sdk_dynamodb::types::AttributeValue::S(registration.id.to_string()),
        );
        transaction.put_new(NAME_LABEL, &self.table, row);
    }

    fn free_name_in(&self, transaction: &mut Transaction, registration: &Registration) {
        let held = Expression::new("#registration = :registration")
            .name("#registration", "registration")
            .text(":registration", registration.id.to_string());
        let name = EventNameKey::new(registration.partner, &*registration.event_name);
        transaction.delete("old event name", &self.table, &name, held);
    }

    async fn change(&self, transaction: Transaction) -> Result<Change, CommitError> {
        match transaction.commit(&self.table).await {
            Ok(()) => Ok(Change::Done),
            Err(refused @ CommitError::Refused(_)) => {
                Ok(if refused.refusal(NAME_LABEL).is_some() {
                    Change::NameTaken
                } else {
                    Change::Refused
                })
            }
            Err(other) => Err(other),
        }
    }
}

pub(super) fn key(registration: &Registration) -> RegistrationKey {
    RegistrationKey::new(registration.partner, registration.id)
}

fn registration_partition(partner: PartnerId) -> String {
    RegistrationKey::new(partner, RegistrationId::from(uuid::Uuid::nil())).pk()
}

fn phase_is(phase: Phase) -> Expression {
    Expression::new("#phase = :was").name("#phase", "phase").text(":was", phase.as_str())
}

/// The partner's part is as it was read. The phase may move meanwhile: that is the dispatcher's part.
fn unchanged(before: &Registration) -> Expression {
    Expression::new("#phase <> :deleted AND #eventName = :before")
        .name("#phase", "phase")
        .name("#eventName", "eventName")
        .text(":deleted", Phase::Deleted.as_str())
        .text(":before", before.event_name.clone())
}
