//! The configuration of a partner's merchant and method: what holds by default, what may be changed, what is refused.
//!
//! Invariants: a value that would switch a protection off (zero for "never") is refused; a change replaces the version
//! that its author saw and no other; a running session keeps the limits that it was created under. Other processes
//! believe what they read for up to 60 seconds.
//!
//! Round trips: reading 1 BatchGetItem; changing 1 BatchGetItem + 1 TransactWriteItems.

use domain::ekyc::{KEYS, Limits, MerchantId, Method, Toggle};
use domain::problem::{Problem, Violations};
use http_api::{Caller, Failure, ObjectReader, Operation, Reply, Request};
use runtime::Idempotency;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::Transaction;
use store::ekyc::{ConfigurationRecord, Ekyc};

use crate::app::{Core, broken};
use crate::bank::{NamePolicy, ReferencePrefix, Unverified};
use crate::path;
use crate::templates::{Locale, Templates};

/// What holds for one method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// The contract's keys.
    pub(crate) limits: Limits,
    /// Whether a journey that the caller names must have begun before.
    pub(crate) require_known_journey: bool,
    /// What only passcodes have.
    pub(crate) otp: OtpOptions,
    /// What only the penny drop has.
    pub(crate) penny_drop: PennyDropOptions,
}

/// What only passcodes have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OtpOptions {
    /// A landline given as a mobile number is called.
    pub allow_voice_fallback: bool,
    /// The language of messages.
    pub locale: Option<Locale>,
    /// The partner's own texts.
    pub message_templates: Templates,
}

/// What only the penny drop has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PennyDropOptions {
    /// What stands before the code in the payment's reference.
    pub reference_prefix: String,
    /// A close match of the name will do when our own comparer agrees.
    pub accept_close_match: bool,
    /// A business account will do.
    pub accept_business: bool,
    /// An account that cannot be checked gets its penny all the same.
    pub unverifiable_proceeds: bool,
}

impl Default for PennyDropOptions {
    fn default() -> Self {
        Self {
            reference_prefix: "GATEHOUSE".to_owned(),
            accept_close_match: true,
            accept_business: false,
            unverifiable_proceeds: false,
        }
    }
}

impl PennyDropOptions {
    pub(crate) const fn policy(&self) -> NamePolicy {
        NamePolicy {
            accept_close_match: self.accept_close_match,
            accept_business: self.accept_business,
            unverifiable: if self.unverifiable_proceeds {
                Unverified::Proceed
            } else {
                Unverified::Reject
            },
        }
    }
}

const REJECT: &str = "reject";
const PROCEED: &str = "proceed";

/// The keys beside the numeric ones, and the method that has each; `None` for both.
const OTHER_KEYS: &[(&str, Option<Method>)] = &[
    (Toggle::NAME, None),
    ("requireKnownJourney", None),
    ("allowVoiceFallback", Some(Method::Otp)),
    ("locale", Some(Method::Otp)),
    ("messageTemplates", Some(Method::Otp)),
    ("referencePrefix", Some(Method::PennyDrop)),
    ("acceptCloseMatch", Some(Method::PennyDrop)),
    ("acceptBusiness", Some(Method::PennyDrop)),
    ("unverifiable", Some(Method::PennyDrop)),
];

/// What an answer carries beside the keys; a configuration that was read may be sent back as it is.
const FRAME: [&str; 4] = ["merchantId", "method", "version", "modifiedAt"];

impl Configuration {
    /// What holds where nothing was configured.
    #[must_use]
    pub fn of(method: Method) -> Self {
        Self {
            limits: Limits::of(method),
            require_known_journey: false,
            otp: OtpOptions::default(),
            penny_drop: PennyDropOptions::default(),
        }
    }

    pub(crate) fn stored(document: &str) -> Result<Self, Failure> {
        serde_json::from_str(document).map_err(Failure::internal)
    }

    /// Reads a whole configuration: what is left out takes its default.
    fn read(object: &ObjectReader<'_>, method: Method) -> Option<Self> {
        let mut asked = Self::of(method);
        let mut all_good = true;
        for key in KEYS.iter().filter(|key| key.concerns(method)) {
            let whole = |text: &str| {
                text.parse().map_err(|_| Problem::Malformed { expected: "a whole number" })
            };
            let value = object.optional_number(key.name, false, whole);
            let set =
                value.and_then(|value| object.take(key.name, key.set(&mut asked.limits, value)));
            all_good &= set.is_some() || !object.has(key.name);
        }
        // What is unsafe together can be told only of values that are safe by themselves.
        if all_good && let Err(Violations(unsafe_ones)) = asked.limits.check() {
            for violation in unsafe_ones {
                object.reject(&violation.field, violation.problem);
            }
        }
        let flag = |name: &str, into: &mut bool| {
            if let Some(value) = object.optional_bool(name) {
                *into = value;
            }
        };
        flag(Toggle::NAME, &mut asked.limits.temp_lock_enabled_on_initiate_application);
        flag("requireKnownJourney", &mut asked.require_known_journey);
        match method {
            Method::Otp => {
                flag("allowVoiceFallback", &mut asked.otp.allow_voice_fallback);
                asked.otp.locale = object.optional("locale", |text| {
                    let expected = "a locale such as en-GB";
                    Locale::parse(text).map_err(|_| Problem::Malformed { expected })
                });
                if let Some(texts) = object.value("messageTemplates") {
                    match Templates::parse(texts) {
                        Ok(templates) => asked.otp.message_templates = templates,
                        Err(wrong) => wrong.iter().for_each(|wrong| {
                            let problem = Problem::NotApplicable { reason: wrong.rule };
                            object.reject(&wrong.path, problem);
                        }),
                    }
                }
            }
            Method::PennyDrop => {
                flag("acceptCloseMatch", &mut asked.penny_drop.accept_close_match);
                flag("acceptBusiness", &mut asked.penny_drop.accept_business);
                if let Some(prefix) = object.optional("referencePrefix", ReferencePrefix::parse) {
                    asked.penny_drop.reference_prefix = prefix.as_str().to_owned();
                }
                let policy = object.optional("unverifiable", |text| match text {
                    REJECT => Ok(false),
                    PROCEED => Ok(true),
                    _ => Err(Problem::NotOneOf { allowed: &[REJECT, PROCEED] }),
                });
                if let Some(proceeds) = policy {
                    asked.penny_drop.unverifiable_proceeds = proceeds;
                }
            }
        }
        Some(asked)
    }

    fn show(&self, method: Method) -> Map<String, Value> {
        let mut shown = Map::new();
        for key in KEYS.iter().filter(|key| key.concerns(method)) {
            shown.insert(key.name.to_owned(), key.get(&self.limits).into());
        }
        let mut add = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        add(Toggle::NAME, self.limits.temp_lock_enabled_on_initiate_application.into());
        add("requireKnownJourney", self.require_known_journey.into());
        match method {
            Method::Otp => {
                add("allowVoiceFallback", self.otp.allow_voice_fallback.into());
                if let Some(locale) = &self.otp.locale {
                    add("locale", locale.as_str().into());
                }
                if !self.otp.message_templates.is_empty() {
                    add("messageTemplates", json!(self.otp.message_templates));
                }
            }
            Method::PennyDrop => {
                let options = &self.penny_drop;
                add("referencePrefix", options.reference_prefix.as_str().into());
                add("acceptCloseMatch", options.accept_close_match.into());
                add("acceptBusiness", options.accept_business.into());
                let policy = if options.unverifiable_proceeds { PROCEED } else { REJECT };
                add("unverifiable", policy.into());
            }
        }
        shown
    }
}

/// A key that is none would be believed to be in force.
fn refuse_unknown(object: &ObjectReader<'_>, body: &str, method: Method) {
    let Ok(Value::Object(map)) = serde_json::from_str::<Value>(body) else { return };
    let known = |name: &str| {
        FRAME.contains(&name)
            || KEYS.iter().any(|key| key.name == name && key.concerns(method))
            || OTHER_KEYS
                .iter()
                .any(|(key, only)| *key == name && only.is_none_or(|only| only == method))
    };
    let reason = "the method has no such key";
    for name in map.keys().filter(|name| !known(name)) {
        // The caller's own text is shortened: a body may be all keys.
        let name: String = name.chars().take(64).collect();
        object.reject(&name, Problem::NotApplicable { reason });
    }
}

fn view(
    merchant: &MerchantId,
    method: Method,
    configuration: &Configuration,
    record: Option<&ConfigurationRecord>,
) -> Result<Reply, Failure> {
    let mut shown = configuration.show(method);
    shown.insert("merchantId".to_owned(), merchant.as_str().into());
    shown.insert("method".to_owned(), method.as_str().into());
    shown.insert("version".to_owned(), record.map_or(0, |record| record.version).into());
    if let Some(record) = record {
        shown.insert("modifiedAt".to_owned(), record.modified.as_str().into());
    }
    Reply::ok(&shown)
}

/// `GET` and `PUT /configurations/{merchantId}/ekyc/{method}`.
///
/// # Errors
/// [`Failure`].
pub async fn configuration(
    core: &Core,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
    Box::pin(answer(core, caller, request)).await
}

async fn answer(core: &Core, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let what = "configuration";
    let merchant = request.path("merchantId", what, MerchantId::parse)?;
    let method = request.path("method", what, Method::parse)?;
    if request.route.operation == Operation::EkycConfigurationPut {
        return change(core, caller, request, &merchant, method).await;
    }
    let found =
        core.ekyc.configurations(caller.partner, std::slice::from_ref(&merchant), method).await;
    match found.map_err(broken)?.first() {
        Some((_, record)) => {
            let held = Configuration::stored(&record.document)?;
            view(&merchant, method, &held, Some(record))
        }
        // Version 0: nothing was configured; this is what holds, by the partner's general configuration or by default.
        None => {
            let held = core.configuration(caller.partner, &merchant, method).await?;
            view(&merchant, method, &held, None)
        }
    }
}

async fn change(
    core: &Core,
    caller: &Caller,
    request: &Request,
    merchant: &MerchantId,
    method: Method,
) -> Result<Reply, Failure> {
    let (asked, version) = request.read(|object| {
        path::check_key(object, request);
        refuse_unknown(object, request.body(), method);
        let whole = |text: &str| {
            text.parse::<u64>().map_err(|_| Problem::OutOfRange { min: 0, max: i64::MAX })
        };
        let version = object.required_number("version", false, whole);
        Some((Configuration::read(object, method)?, version?))
    })?;
    let idempotency = Idempotency::of(request, caller)?;
    let now = core.now();
    let record = ConfigurationRecord {
        version: version.saturating_add(1),
        modified: now.to_string(),
        document: serde_json::to_string(&asked).map_err(Failure::internal)?,
    };
    let reply = view(merchant, method, &asked, Some(&record))?;
    let mut transaction = Transaction::new();
    let partner = caller.partner;
    core.ekyc
        .put_configuration(&mut transaction, partner, merchant, method, &record, version)
        .map_err(broken)?;
    if let Some(idempotency) = &idempotency {
        idempotency.record(&mut transaction, core.table(), &core.ring, &reply, now).await?;
    }
    let Err(refused) = Box::pin(transaction.commit(core.table())).await else {
        core.forget_configurations();
        return Ok(reply);
    };
    if let Some(idempotency) = &idempotency
        && let Some(earlier) = idempotency.replay_of(&refused, &core.ring).await?
    {
        return Ok(earlier);
    }
    match refused {
        refused if refused.refusal(Ekyc::CONFIGURATION).is_some() => Err(Failure::VersionMismatch),
        store::CommitError::Conflict => Err(Failure::Conflict),
        refused => Err(broken(refused)),
    }
}
