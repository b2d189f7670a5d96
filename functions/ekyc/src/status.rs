//! Where a session stands. Reads only.

use domain::ekyc::{Method, SessionState, Verdict, attempts_left, judge};
use http_api::{Caller, Failure, Reply, Request};

use crate::answer::Answer;
use crate::app::{Core, broken};
use crate::path::{self, not_active};
use crate::reconcile::RETURNED;

/// `GET …/{authId}` of both methods: where a session stands. Reads only. 2 round trips.
///
/// # Errors
/// [`Failure`].
pub async fn status(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    Box::pin(stand(core, caller, request)).await
}

async fn stand(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let method = path::method(request);
    let auth = path::auth(request)?;
    let place = path::place(core, caller, request).await?;
    let (_, session) = path::session(core, &place, method, auth).await?;
    let now = core.now();
    let look = core.ekyc.standing(&place, method, Some(&session.journey));
    let look = Box::pin(look).await.map_err(broken)?;
    let journey = look.journey.ok_or_else(not_active)?;
    let limits = &session.limits;
    let (state, scope) = match judge(session.state, auth, &journey, limits, now) {
        Verdict::Authenticated => ("authenticated", None),
        Verdict::Failed(ended) | Verdict::Overdue(ended) => ("failed", Some(ended)),
        Verdict::NotActive => return Err(not_active()),
        Verdict::Expired => ("expired", None),
        Verdict::Crowded | Verdict::Open => ("initiated", None),
    };
    let mut answer = Answer::of(state)
        .session(auth, &session.journey)
        .passcodes(look.issues.remaining(limits, now))
        .info("destination", session.masked.as_str());
    if let Some(channel) = session.channel {
        answer = answer.info("channel", channel.as_str());
    }
    if let Some(ended) = scope {
        answer = answer.attempts(0).info("scope", ended.as_str());
    }
    if let Some(reason) = session.reason.as_deref().filter(|reason| *reason == RETURNED) {
        answer = answer.info("reason", reason);
    }
    if state == "initiated" {
        answer = answer.attempts(attempts_left(&journey, auth, limits));
        if let Some(live) = journey.live(auth) {
            answer = answer.info("expiresAt", live.code.expires_at.to_string());
            // The payment may not have been made yet; the reconciliation will know.
            if method == Method::PennyDrop && live.state == SessionState::Sending {
                answer = answer.info("payment", "pending");
            }
        }
    }
    answer.reply()
}
