//! What a deployment allows.

use domain::country::Country;
use runtime::Settings;
use serde::Deserialize;

use crate::line::Countries;

/// The settings that [`Policy::from_settings`] reads. Both may be absent.
pub const NAMES: [&str; 2] = ["OTP_ALLOWED_COUNTRIES", "OTP_SEND_LIMITS"];

/// At most so many sends within so many seconds, wherever the window begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the parts say so by their names")]
pub struct Limit {
    pub sends: u32,
    pub seconds: u32,
}

/// When too few codes are used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Breaker {
    /// It judges from so many sends on, all of them old enough.
    pub sends: u32,
    /// It opens when fewer than this share of them was used.
    pub least_used_percent: u32,
    /// A send is old enough to be judged after this long: the life of a code.
    pub mature_seconds: u32,
    /// It stays open this long.
    pub open_seconds: u32,
    /// Then so many messages are sent to see whether their codes are used.
    pub trials: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            sends: 50,
            least_used_percent: 10,
            mature_seconds: 600,
            open_seconds: 900,
            trials: 5,
        }
    }
}

/// All limits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Per destination.
    pub destination: Limit,
    /// Per range of 100 000 numbers.
    pub range: Limit,
    /// Per partner.
    pub partner: Limit,
    /// Per range and per partner.
    pub breaker: Breaker,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            destination: Limit { sends: 6, seconds: 3_600 },
            range: Limit { sends: 200, seconds: 3_600 },
            partner: Limit { sends: 10_000, seconds: 3_600 },
            breaker: Breaker::default(),
        }
    }
}

/// Where passcodes go, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts say so by their names")]
pub struct Policy {
    pub countries: Countries,
    pub limits: Limits,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name} {rule}")]
pub struct WrongPolicy {
    /// The variable.
    pub name: &'static str,
    /// What it must be.
    pub rule: String,
}

impl Policy {
    /// Reads the countries (ISO 3166 codes, comma-separated; Great Britain when there are none) and the limits (JSON;
    /// what is not given has its default).
    ///
    /// # Errors
    /// [`WrongPolicy`] for what cannot be read, and for a limit of 0, which would mean either nothing or no limit.
    pub fn from_settings(settings: &mut Settings) -> Result<Self, WrongPolicy> {
        let [countries, limits] = NAMES;
        Self::read(settings.optional_list(countries), settings.optional(limits))
    }

    fn read(countries: Vec<String>, limits: Option<String>) -> Result<Self, WrongPolicy> {
        let wrong = |name, rule| WrongPolicy { name, rule };
        let [countries_name, limits_name] = NAMES;
        let named = if countries.is_empty() { vec!["GB".to_owned()] } else { countries };
        let countries = named.iter().map(|code| Country::parse(code)).collect::<Result<_, _>>();
        let countries = countries.map_err(|problem| wrong(countries_name, problem.to_string()))?;
        let limits = match limits {
            // Through a map first: as a struct, an array would be read as its members in their order.
            Some(json) => serde_json::from_str::<serde_json::Map<_, _>>(&json)
                .and_then(|members| serde_json::from_value(members.into()))
                .map_err(|error| {
                    wrong(limits_name, format!("must be JSON as documented: {error}"))
                })?,
            None => Limits::default(),
        };
        check(&limits).map_err(|rule| wrong(limits_name, rule.to_owned()))?;
        Ok(Self { countries: Countries::new(countries), limits })
    }
}

/// Two weeks: rows live as long, and their slots are a twelfth.
const LONGEST_WINDOW_SECONDS: u32 = 14 * 24 * 3_600;

fn check(limits: &Limits) -> Result<(), &'static str> {
    let Limits { destination, range, partner, breaker } = limits;
    for limit in [destination, range, partner] {
        if limit.sends == 0 || limit.seconds == 0 {
            return Err("must have no limit of 0");
        }
        if limit.seconds > LONGEST_WINDOW_SECONDS {
            return Err("must have no window of more than 14 days");
        }
    }
    let Breaker { sends, least_used_percent, mature_seconds, open_seconds, trials } = breaker;
    if [sends, least_used_percent, mature_seconds, open_seconds, trials].contains(&&0) {
        return Err("must have no 0 in its breaker");
    }
    if *least_used_percent > 90 {
        return Err("must not ask for more than 90 percent of codes to be used");
    }
    let shortest = range.seconds.min(partner.seconds);
    if *mature_seconds >= shortest {
        return Err("must judge sends while they are in their window");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(countries: &[&str], limits: Option<&str>) -> Result<Policy, String> {
        let countries = countries.iter().map(|code| (*code).to_owned()).collect();
        Policy::read(countries, limits.map(str::to_owned)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let policy = read(&[], None).unwrap();
        assert_eq!(policy.countries, Countries::new(vec![Country::parse("GB").unwrap()]));
        assert_eq!(policy.limits, Limits::default());
        let policy =
            read(&["ie", "GB"], Some(r#"{"destination":{"sends":3,"seconds":60}}"#)).unwrap();
        assert_eq!(policy.limits.destination, Limit { sends: 3, seconds: 60 });
        assert_eq!(policy.limits.breaker, Breaker::default());
        let partial = read(&[], Some(r#"{"breaker":{"trials":2}}"#)).unwrap();
        assert_eq!(partial.limits.breaker, Breaker { trials: 2, ..Breaker::default() });
    }

    #[test]
    fn what_would_be_no_limit_is_refused() {
        for limits in [
            "",
            "[]",
            r#"{"destination":{"sends":0,"seconds":60}}"#,
            r#"{"range":{"sends":1,"seconds":0}}"#,
            r#"{"partner":{"sends":1,"seconds":1209601}}"#,
            r#"{"partner":{"sends":-1,"seconds":60}}"#,
            r#"{"partner":{"sends":5}}"#,
            r#"{"breaker":{"leastUsedPercent":0}}"#,
            r#"{"breaker":{"leastUsedPercent":91}}"#,
            r#"{"breaker":{"matureSeconds":3600}}"#,
            r#"{"other":1}"#,
        ] {
            let refused = read(&[], Some(limits)).unwrap_err();
            assert!(refused.starts_with("OTP_SEND_LIMITS must "), "{limits}: {refused}");
        }
        assert!(read(&["GB", "XX"], None).unwrap_err().starts_with("OTP_ALLOWED_COUNTRIES must "));
    }
}
