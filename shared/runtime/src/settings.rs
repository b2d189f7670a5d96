//! A function's settings: environment variables, read once at the start.
//!
//! Every variable of the product stands in [`VARIABLES`]; `docs/configuration.md` is checked against it by a test. A
//! function asks for what it needs and gets either all of it or a list of all that is missing.

use std::collections::BTreeSet;
use std::env;

/// Every variable and what it means. Values never hold secrets.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "ADDRESS_PROVIDER_SECRET_ID",
        "Secret (name or ARN) with the key of the address service: `{\"key\":\"…\"}`",
    ),
    (
        "ADDRESS_PROVIDER_URL",
        "Address service of the identity review, up to and without `/address`; empty when there is none",
    ),
    ("AUTH_TABLE", "Table of client credentials and revoked tokens"),
    (
        "BANK_PROVIDER_SECRET_ID",
        "Secret (name or ARN) with the bank provider, its address and credentials",
    ),
    (
        "CALLBACK_ALLOWED_NETWORKS",
        "Networks (CIDR, comma-separated) that webhook callbacks may reach although they are not public; empty in production",
    ),
    ("CUSTOMER_TABLE", "Table of customers, their events and data keys"),
    ("DATA_KEY_ID", "KMS key that wraps the data keys"),
    ("DELIVERY_QUEUE_URL", "Queue of webhook deliveries"),
    ("ENVIRONMENT", "Deployment name, a dimension of the metrics"),
    (
        "GATEHOUSE_FAILPOINT",
        "Name of a step after which the process ends; for kill tests only, refused in production",
    ),
    (
        "IDENTITY_PROVIDER_SECRET_ID",
        "Secret (name or ARN) with the key of the identity provider: `{\"key\":\"…\"}`",
    ),
    (
        "IDENTITY_PROVIDER_URL",
        "Identity provider of the identity review, up to and without `/identity`; empty when there is none",
    ),
    (
        "MODULUS_BUCKET",
        "Bucket of the modulus tables; empty when they are files beside the function",
    ),
    (
        "MODULUS_SUBSTITUTIONS",
        "Sort code substitutions of the modulus check: object key or file; empty for the packaged sample",
    ),
    (
        "MODULUS_WEIGHTS",
        "Weight table of the modulus check: object key or file; empty for the packaged sample",
    ),
    (
        "OTP_ALLOWED_COUNTRIES",
        "Countries (ISO 3166, comma-separated) whose numbers get passcodes; `GB` when empty",
    ),
    (
        "OTP_CONFIGURATION_SET",
        "Configuration set of End User Messaging and SES that passcodes are sent with; may be empty",
    ),
    ("OTP_EMAIL_FROM", "Verified sender of passcode e-mails; without it, none are sent"),
    ("OTP_SENDER_ID", "Sender that text messages show, where the country allows it; may be empty"),
    ("OTP_SEND_LIMITS", "Limits of the fraud guard as JSON; what is not given has its default"),
    (
        "OTP_SMS_ORIGINATION",
        "Number, sender or pool that text messages are sent from; may be empty",
    ),
    (
        "OTP_SMS_SERVICE",
        "Service of text messages: `sns` (also when empty) or `end-user-messaging`",
    ),
    ("OTP_VOICE_ORIGINATION", "Number that calls are made from; without it, none are made"),
    (
        "OTP_WEB_ORIGIN",
        "Host whose pages may fill a code in by themselves; empty leaves the line out of text messages",
    ),
    ("SCAN_QUEUE_URL", "Queue of customers to be screened"),
    (
        "SIGNING_KEY_IDS",
        "KMS keys (ECC_NIST_P256, comma-separated) that sign tokens; the first signs, all are published",
    ),
    (
        "SORT_CODE_DIRECTORY",
        "Sort code directory: object key in `MODULUS_BUCKET` or file; empty when there is none",
    ),
    (
        "SWEEP_DELAY_SECONDS",
        "How long a sweep past a list's new edition waits, so that nobody still screens with the one before",
    ),
    ("TOKEN_AUDIENCE", "The `aud` of access tokens"),
    ("TOKEN_ISSUER", "The `iss` of access tokens: base URL of the discovery document"),
    ("TRUSTED_ISSUERS", "Further token issuers as a JSON array; empty when there are none"),
    (
        "USAGE_PLAN_ID",
        "API Gateway usage plan that new clients join; empty when throttling per client is off",
    ),
    ("WATCHLIST_BUCKET", "Bucket of compiled watchlists"),
    ("WATCHLIST_MANIFEST_KEY", "Object that names the current watchlist editions"),
    ("WEBHOOK_TABLE", "Table of webhook registrations and deliveries"),
];

/// One or more required variables are missing or empty.
#[derive(Debug, thiserror::Error)]
#[error("missing settings: {}", .0.join(", "))]
pub struct Missing(pub Vec<String>);

/// Reads variables and remembers which were missing.
#[derive(Debug, Default)]
pub struct Settings {
    missing: BTreeSet<String>,
}

impl Settings {
    /// Runs `read` and gives its value only when nothing that it asked for was missing.
    ///
    /// # Errors
    /// [`Missing`] with every name at once.
    pub fn read<T>(read: impl FnOnce(&mut Settings) -> T) -> Result<T, Missing> {
        let mut settings = Settings::default();
        let value = read(&mut settings);
        if settings.missing.is_empty() {
            Ok(value)
        } else {
            Err(Missing(settings.missing.into_iter().collect()))
        }
    }

    /// A variable that must be set. The empty text stands in until [`Self::read`] refuses.
    pub fn required(&mut self, name: &str) -> String {
        match self.optional(name) {
            Some(value) => value,
            None => {
                self.missing.insert(name.to_owned());
                String::new()
            }
        }
    }

    /// A variable that may be absent or empty.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        debug_assert!(VARIABLES.iter().any(|(known, _)| *known == name), "{name} is not listed");
        env::var(name).ok().filter(|value| !value.is_empty())
    }

    /// A comma-separated list that must have at least one entry.
    pub fn required_list(&mut self, name: &str) -> Vec<String> {
        split_list(&self.required(name))
    }

    /// A comma-separated list that may be empty.
    pub fn optional_list(&mut self, name: &str) -> Vec<String> {
        self.optional(name).map_or_else(Vec::new, |value| split_list(&value))
    }
}

fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_names_are_reported_together() {
        let missing = Settings::read(|settings| {
            (settings.required("USAGE_PLAN_ID"), settings.required("TOKEN_ISSUER"))
        });
        assert_eq!(
            missing.unwrap_err().to_string(),
            "missing settings: TOKEN_ISSUER, USAGE_PLAN_ID"
        );
        assert!(Settings::read(|settings| settings.optional("TOKEN_ISSUER")).unwrap().is_none());
    }

    #[test]
    fn variables_are_listed_once_and_in_order() {
        for pair in VARIABLES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{}", pair[1].0);
        }
    }

    #[test]
    fn lists_ignore_blanks() {
        assert_eq!(split_list(" a, b ,,c"), ["a", "b", "c"]);
        assert!(split_list("").is_empty());
    }
}
