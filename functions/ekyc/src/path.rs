//! What the path and the headers of an eKYC request name.

use domain::ekyc::{AccountNumber, MerchantId, Method, SubjectKind};
use domain::ids::{ApplicationId, AuthId};
use domain::problem::Problem;
use http_api::{Caller, Failure, ObjectReader, Request, Stated};
use store::ekyc::{Ekyc, Place, Session, SubjectHead};

use crate::app::{Core, broken};

/// Whether the route is about an application or an account.
pub(crate) fn kind(request: &Request) -> SubjectKind {
    if request.route.path.starts_with("/acquisition/v2/accounts") {
        SubjectKind::Account
    } else {
        SubjectKind::Application
    }
}

/// Which method the route is about.
pub(crate) fn method(request: &Request) -> Method {
    if request.route.path.contains("/pennydrop") { Method::PennyDrop } else { Method::Otp }
}

/// The application or account does not exist, or is not this partner's.
pub(crate) const fn unknown_subject(kind: SubjectKind) -> Failure {
    Failure::Stated(match kind {
        SubjectKind::Application => Stated {
            status: 404,
            state: "applicationIdNotFound",
            detail: "The applicationId cannot be found",
        },
        SubjectKind::Account => Stated {
            status: 404,
            state: "accountIdNotFound",
            detail: "The accountId cannot be found",
        },
    })
}

/// The session does not exist under this subject. The penny drop's column of the contract has no such state.
pub(crate) const fn unknown_session(method: Method) -> Failure {
    match method {
        Method::Otp => Failure::Stated(Stated {
            status: 404,
            state: "sessionIdNotFound",
            detail: "The authId cannot be found",
        }),
        Method::PennyDrop => not_active(),
    }
}

/// The session exists but its code is not the live one any more.
pub(crate) const fn not_active() -> Failure {
    Failure::Stated(Stated {
        status: 404,
        state: "notFound",
        detail: "The authId does not match an active session",
    })
}

/// The session of a method under its subject, with the subject's head. 1 round trip.
///
/// # Errors
/// What the contract says of a subject or session that is not there, or is past its life.
pub(crate) async fn session(
    core: &Core,
    place: &Place,
    method: Method,
    auth: AuthId,
) -> Result<(SubjectHead, Session), Failure> {
    let (head, session) = Box::pin(core.ekyc.session(place, auth)).await.map_err(broken)?;
    let head = head.ok_or_else(|| unknown_subject(place.subject.kind()))?;
    let session = session
        .filter(|session| session.method == method)
        .ok_or_else(|| unknown_session(method))?;
    if session.is_forgotten(core.now()) {
        return Err(not_active());
    }
    Ok((head, session))
}

/// Where the subject of the path lies. Whether it exists is learned by reading it.
pub(crate) async fn place(
    core: &Core,
    caller: &Caller,
    request: &Request,
) -> Result<Place, Failure> {
    let kind = kind(request);
    // The name of the missing thing is not used: every failure of the path is the contract's state.
    match kind {
        SubjectKind::Application => {
            let id = request.path("id", "application", ApplicationId::parse);
            let id = id.map_err(|_| unknown_subject(kind))?;
            Ok(Ekyc::application(caller.partner, id))
        }
        SubjectKind::Account => {
            let number = request.path("id", "account", AccountNumber::parse);
            let number = number.map_err(|_| unknown_subject(kind))?;
            let place = core.ekyc.existing_account(caller.partner, &number).await;
            place.map_err(Failure::internal)?.ok_or_else(|| unknown_subject(kind))
        }
    }
}

/// The session of the path.
pub(crate) fn auth(request: &Request) -> Result<AuthId, Failure> {
    read_auth(request).map_err(|problem| Failure::field("authId", problem))
}

/// The session of the path, to be named among the fields when it is none.
pub(crate) fn read_auth(request: &Request) -> Result<AuthId, Problem> {
    let malformed = |_| Problem::Malformed { expected: "a GUID" };
    request.path("authId", "session", AuthId::parse).map_err(malformed)
}

/// Names an idempotency key that is none together with whatever else is wrong; what follows would refuse it alone.
pub(crate) fn check_key(object: &ObjectReader<'_>, request: &Request) {
    if request.idempotency_key().is_err() {
        let expected = "1 to 128 printable characters";
        object.reject("Idempotency-Key", Problem::Malformed { expected });
    }
}

/// The header that names the merchant.
pub(crate) const MERCHANT: &str = "Merchant-Id";

/// Which merchant asks. One that is malformed is to be named among the fields.
pub(crate) fn merchant(request: &Request) -> Result<MerchantId, Problem> {
    match request.header("merchant-id").map(str::trim).filter(|named| !named.is_empty()) {
        None => Ok(MerchantId::unnamed()),
        Some(named) => MerchantId::parse(named),
    }
}
