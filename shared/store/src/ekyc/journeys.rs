//! The moves of a journey as conditional writes.
//!
//! Each function is the move of the same name in `domain::ekyc::Journey`. Moves that stand alone are one update; moves
//! that belong to something else are entries of its transaction.

use domain::ekyc::{
    Code, Ended, Issues, Journey, JourneyId, JourneyState, Limits, Method, SessionState,
};
use domain::ids::AuthId;
use jiff::Timestamp;

use super::expressions::{millis, on};
use super::records::{read_journey, write_issues};
use super::{Ekyc, Place};
use crate::keys::{IssuesKey, Key};
use crate::{Expression, StoreError, Transaction, Update, WriteError};

/// The label of a journey's entry in a transaction.
pub const JOURNEY: &str = "journey";
/// The label of the entry of the codes made so far.
pub const ISSUES: &str = "issues";

const OPEN: &str = "#state = :open AND #liveAuth = :auth AND #liveState IN (:sending, :initiated)";

/// What became of a single move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Done; the journey as it is now.
    Done(Journey),
    /// Refused; the journey as it stands, when there is one.
    Refused(Option<Journey>),
    /// A transaction was writing it at the same moment: try again.
    Conflict,
}

/// Which journey of which subject.
#[derive(Debug, Clone)]
pub struct Slot<'a> {
    /// The subject.
    pub place: &'a Place,
    /// The method.
    pub method: Method,
    /// The journey.
    pub journey: &'a JourneyId,
    /// The session.
    pub auth: AuthId,
}

impl Slot<'_> {
    /// The name of a session's n-th code among those that were made.
    #[must_use]
    pub fn code_name(&self, sends: i64) -> String {
        format!("{}.{sends}", self.auth)
    }

    fn open(&self) -> Expression {
        self.live(OPEN)
            .text(":open", JourneyState::Open.as_str())
            .text(":sending", SessionState::Sending.as_str())
            .text(":initiated", SessionState::Initiated.as_str())
    }

    fn live(&self, condition: &str) -> Expression {
        on(condition).text(":auth", self.auth.to_string())
    }
}

/// Takes one entry out of a map of the codes made so far, and counts the write.
fn without(map: &str, name: &str) -> Update {
    let held = on(&format!("attribute_exists(#{map}.#thisEntry)")).name("#thisEntry", name);
    let update = on(&format!("SET #version = #version + :one REMOVE #{map}.#thisEntry"))
        .name("#thisEntry", name)
        .number(":one", 1);
    Update::when(held, update)
}

impl Ekyc {
    /// Counts an attempt before anything is compared. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(
        &self,
        slot: &Slot<'_>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Moved, StoreError> {
        let room =
            on("#codeEnds > :now AND #liveAttempts < :perSession AND #attempts < :perJourney")
                .number(":perSession", limits.maximum_number_of_invalid_validates_per_session)
                .number(":perJourney", limits.maximum_number_of_invalid_validates);
        let update = on("SET #liveAttempts = #liveAttempts + :one, #attempts = #attempts + :one, \
                         #claimedAt = :now")
        .number(":one", 1)
        .number(":now", millis(now));
        self.move_alone(slot, Update::when(slot.open().and(room), update)).await
    }

    /// Gives a claimed attempt back that another request's answer, or nothing, has settled. `is_live` says whether the
    /// session is the journey's newest. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_back(&self, slot: &Slot<'_>, is_live: bool) -> Result<Moved, StoreError> {
        let (may, update) = if is_live {
            (
                "#attempts > #wrong AND #liveAuth = :auth AND #liveAttempts > #liveWrong",
                "SET #attempts = #attempts - :one, #liveAttempts = #liveAttempts - :one",
            )
        } else {
            ("#attempts > #wrong AND #liveAuth <> :auth", "SET #attempts = #attempts - :one")
        };
        let update = Update::when(slot.live(may), on(update).number(":one", 1));
        self.move_alone(slot, update).await
    }

    /// Replaces the code with the digest `digest` by one that nothing matches, wherever it may still count. 1 round
    /// trip, 2 when a newer code has taken its place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn void(
        &self,
        slot: &Slot<'_>,
        digest: &str,
        never: &str,
    ) -> Result<Moved, StoreError> {
        let mut moved = Moved::Conflict;
        for held in ["#code", "#previousCode"] {
            let may = slot.live(&format!("#liveAuth = :auth AND {held} = :held"));
            let update = on(&format!("SET {held} = :never")).text(":never", never);
            let update = Update::when(may.text(":held", digest), update);
            moved = self.move_alone(slot, update).await?;
            if !matches!(moved, Moved::Refused(_)) {
                break;
            }
        }
        Ok(moved)
    }

    /// Takes claims that nobody can be working on any more for wrong codes. `seen` is the journey that says so. 1 round
    /// trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write_off(&self, slot: &Slot<'_>, seen: &Journey) -> Result<Moved, StoreError> {
        let unmoved = on("#attempts = :attempts AND #wrong = :wrong AND #claimedAt = :claimedAt")
            .number(":attempts", seen.attempts)
            .number(":wrong", seen.wrong)
            .number(":claimedAt", seen.claimed_at.map_or(0, millis));
        let update = on("SET #wrong = #attempts, #liveWrong = #liveAttempts");
        self.move_alone(slot, Update::when(unmoved, update)).await
    }

    /// Locks an application. `false`, and nothing is done, when another request wrote first: what was decided by is
    /// no longer so. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock(
        &self,
        place: &Place,
        method: Method,
        issues: &Issues,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = IssuesKey::new(place.partner, place.subject.clone(), method);
        let unmoved = on("#version = :version").number(":version", issues.version);
        let update = on("SET #lockUntil = :until, #version = #version + :one")
            .number(":until", millis(until))
            .number(":one", 1);
        match Box::pin(self.table.update(&key, Update::when(unmoved, update))).await {
            Ok(_) => Ok(true),
            Err(WriteError::Refused(_)) => Ok(false),
            Err(WriteError::Store(error)) if error.is_conflict() => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    async fn move_alone(&self, slot: &Slot<'_>, update: Update) -> Result<Moved, StoreError> {
        let key = self.journey_key(slot.place, slot.method, slot.journey);
        match Box::pin(self.table.update(&key, update)).await {
            Ok(item) => Ok(Moved::Done(read_journey(&item)?)),
            Err(WriteError::Refused(standing)) => {
                let standing = standing.as_deref().map(read_journey).transpose()?;
                Ok(Moved::Refused(standing))
            }
            Err(WriteError::Store(error)) if error.is_conflict() => Ok(Moved::Conflict),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Adds the codes made so far, when nobody wrote them since they were read at `before`.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when they do not serialise, which they always do.
    pub fn put_issues(
        &self,
        transaction: &mut Transaction,
        slot: &Slot<'_>,
        issues: &Issues,
        before: i64,
    ) -> Result<(), StoreError> {
        let mut item = write_issues(issues)?;
        let place = slot.place;
        IssuesKey::new(place.partner, place.subject.clone(), slot.method).stamp(&mut item);
        let condition = if before == 0 {
            Expression::absent()
        } else {
            on("#version = :version").number(":version", before)
        };
        transaction.put(ISSUES, &self.table, item, condition);
        Ok(())
    }

    /// Adds that a code was not sent after all, so that it does not count.
    pub fn drop_issued(&self, transaction: &mut Transaction, slot: &Slot<'_>, sends: i64) {
        let place = slot.place;
        let key = IssuesKey::new(place.partner, place.subject.clone(), slot.method);
        let update = without("issued", &slot.code_name(sends));
        transaction.update(ISSUES, &self.table, &key, update);
    }

    /// Notes that a name check of the session told nothing, so that it does not count. 1 round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_check(&self, slot: &Slot<'_>) -> Result<(), StoreError> {
        let place = slot.place;
        let key = IssuesKey::new(place.partner, place.subject.clone(), slot.method);
        let update = without("checks", &slot.auth.to_string());
        match Box::pin(self.table.update(&key, update)).await {
            Ok(_) | Err(WriteError::Refused(_)) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Adds a new session's beginning.
    pub fn begin(&self, transaction: &mut Transaction, slot: &Slot<'_>, code: &Code) {
        let may = on("attribute_not_exists(pk) OR #state = :open");
        let update = slot
            .live(
                "SET #state = if_not_exists(#state, :open), \
                 #attempts = if_not_exists(#attempts, :zero), \
                 #wrong = if_not_exists(#wrong, :zero), \
                 #expired = if_not_exists(#expired, :zero), \
                 #liveAuth = :auth, #liveState = :sending, #liveAttempts = :zero, \
                 #liveWrong = :zero, #sends = :one, #code = :code, #codeEnds = :ends \
                 REMOVE #previousCode, #previousEnds",
            )
            .text(":open", JourneyState::Open.as_str())
            .text(":sending", SessionState::Sending.as_str())
            .number(":zero", 0)
            .number(":one", 1)
            .text(":code", &code.digest)
            .number(":ends", millis(code.expires_at));
        self.entry(transaction, slot, may, update);
    }

    /// Adds a new code for the session; `sends` is how many it had.
    pub fn renew(&self, transaction: &mut Transaction, slot: &Slot<'_>, sends: i64, code: &Code) {
        let may = slot.open().and(on("#sends = :sends").number(":sends", sends));
        let update = on("SET #previousCode = #code, #previousEnds = #codeEnds, #code = :code, \
                         #codeEnds = :ends, #sends = #sends + :one")
        .text(":code", &code.digest)
        .number(":ends", millis(code.expires_at))
        .number(":one", 1);
        self.entry(transaction, slot, may, update);
    }

    /// Adds that the code before counts again.
    pub fn fall_back(&self, transaction: &mut Transaction, slot: &Slot<'_>, sends: i64) {
        let may = slot
            .live("#liveAuth = :auth AND #sends = :sends AND attribute_exists(#previousCode)")
            .number(":sends", sends);
        let update = on("SET #code = #previousCode, #codeEnds = #previousEnds \
                         REMOVE #previousCode, #previousEnds");
        self.entry(transaction, slot, may, update);
    }

    /// Adds that the provider took it.
    pub fn sent(&self, transaction: &mut Transaction, slot: &Slot<'_>) {
        self.leave_sending(transaction, slot, SessionState::Initiated);
    }

    /// Adds that nothing was sent.
    pub fn cancel(&self, transaction: &mut Transaction, slot: &Slot<'_>) {
        self.leave_sending(transaction, slot, SessionState::Cancelled);
    }

    fn leave_sending(&self, transaction: &mut Transaction, slot: &Slot<'_>, to: SessionState) {
        let may = slot
            .live("#liveAuth = :auth AND #liveState = :sending")
            .text(":sending", SessionState::Sending.as_str());
        let update = on("SET #liveState = :to").text(":to", to.as_str());
        self.entry(transaction, slot, may, update);
    }

    /// Adds that the claimed attempt was right. `from` is where the session stood, which says what else is to be told.
    pub fn settle_right(&self, transaction: &mut Transaction, slot: &Slot<'_>, from: SessionState) {
        let unmoved = on("#liveState = :from").text(":from", from.as_str());
        let update = on("SET #state = :done, #liveState = :done, #attempts = #attempts - :one, \
                         #liveAttempts = #liveAttempts - :one")
        .text(":done", JourneyState::Authenticated.as_str())
        .number(":one", 1);
        self.entry(transaction, slot, slot.open().and(unmoved), update);
    }

    /// Adds that the claimed attempt was wrong, and what ends by it. `seen` is the journey that this was computed from.
    pub fn settle_wrong(
        &self,
        transaction: &mut Transaction,
        slot: &Slot<'_>,
        seen: &Journey,
        ended: Option<Ended>,
    ) {
        let mut unmoved = on("#wrong = :wrong").number(":wrong", seen.wrong);
        let mut sets = vec!["#wrong = #wrong + :one"];
        if let Some(live) = seen.live(slot.auth) {
            unmoved = unmoved.and(
                slot.live("#liveAuth = :auth AND #liveWrong = :liveWrong")
                    .number(":liveWrong", live.wrong),
            );
            sets.push("#liveWrong = #liveWrong + :one");
        } else if let Some(live) = &seen.live {
            let other = on("#liveAuth = :other").text(":other", live.auth.to_string());
            unmoved = unmoved.and(other);
        }
        if let (Some(_), Some(live)) = (ended, &seen.live) {
            // Where the session stood says what else is to be told.
            let open = on("#state = :open AND #liveState = :from")
                .text(":open", JourneyState::Open.as_str())
                .text(":from", live.state.as_str());
            unmoved = unmoved.and(open);
            sets.push("#liveState = :failed");
        }
        if ended == Some(Ended::Journey) {
            sets.push("#state = :failed");
        }
        let mut update = on(&format!("SET {}", sets.join(", "))).number(":one", 1);
        if ended.is_some() {
            update = update.text(":failed", JourneyState::Failed.as_str());
        }
        self.entry(transaction, slot, unmoved, update);
    }

    /// Adds that a code came too late. `seen` is the journey that this was computed from.
    pub fn count_expired(&self, transaction: &mut Transaction, slot: &Slot<'_>, seen: &Journey) {
        let unmoved = on("#expired = :expired").number(":expired", seen.expired);
        let update = on("SET #expired = #expired + :one").number(":one", 1);
        self.entry(transaction, slot, slot.open().and(unmoved), update);
    }

    /// Adds that the session failed, and the journey with it where `ended` says so. `from` is where the session stood,
    /// which says what else is to be told.
    pub fn fail(
        &self,
        transaction: &mut Transaction,
        slot: &Slot<'_>,
        ended: Ended,
        from: SessionState,
    ) {
        let unmoved = on("#liveState = :from").text(":from", from.as_str());
        let update = match ended {
            Ended::Session => on("SET #liveState = :failed"),
            Ended::Journey => on("SET #liveState = :failed, #state = :failed"),
        };
        let update = update.text(":failed", JourneyState::Failed.as_str());
        self.entry(transaction, slot, slot.open().and(unmoved), update);
    }

    /// Adds that what proved possession was taken back.
    pub fn revoke(&self, transaction: &mut Transaction, slot: &Slot<'_>) {
        let proved = slot
            .live("#state = :done AND #liveAuth = :auth AND #liveState = :done")
            .text(":done", JourneyState::Authenticated.as_str());
        let update = on("SET #state = :open, #liveState = :failed")
            .text(":open", JourneyState::Open.as_str())
            .text(":failed", SessionState::Failed.as_str());
        self.entry(transaction, slot, proved, update);
    }

    fn entry(
        &self,
        transaction: &mut Transaction,
        slot: &Slot<'_>,
        condition: Expression,
        update: Expression,
    ) {
        let key = self.journey_key(slot.place, slot.method, slot.journey);
        transaction.update(JOURNEY, &self.table, &key, Update::when(condition, update));
    }

    /// The journey that stood in a transaction's way.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn standing_journey(refused: &crate::CommitError) -> Result<Option<Journey>, StoreError> {
        let standing = refused.refusal(JOURNEY).and_then(|refusal| refusal.standing.as_ref());
        standing.map(read_journey).transpose()
    }
}
