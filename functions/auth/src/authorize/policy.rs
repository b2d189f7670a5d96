//! The authorizer's answer.
//!
//! Invariant: it allows the whole stage and nothing outside it, because API Gateway applies the cached answer to every
//! route. Context values are all text: API Gateway turns everything else into text anyway.

use serde_json::{Value, json};

use super::Authorized;

/// The policy and context of a good token.
#[must_use]
pub fn allow(authorized: &Authorized, method_arn: &str) -> Value {
    let mut answer = json!({
        "principalId": authorized.client.as_str(),
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": [whole_stage(method_arn)],
            }],
        },
        "context": {
            "partnerId": authorized.partner.to_string(),
            "clientId": authorized.client.as_str(),
            "subject": authorized.subject,
            "scopes": authorized.scopes.to_string(),
            "environment": authorized.environment.as_str(),
            "tokenId": authorized.token_id,
            "allowedSources": authorized.sources.to_string(),
        },
    });
    if let Some(key) = &authorized.usage_key {
        answer["usageIdentifierKey"] = Value::from(key.as_str());
    }
    answer
}

/// `…:<api>/<stage>/*` of `…:<api>/<stage>/<METHOD>/<path>`; an ARN of another shape stays as it is and so allows
/// nothing but itself.
fn whole_stage(method_arn: &str) -> String {
    let mut parts = method_arn.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(api), Some(stage), Some(_)) => format!("{api}/{stage}/*"),
        _ => method_arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_stage_and_no_other() {
        for (arn, resource) in [
            (
                "arn:aws:execute-api:us-east-1:000000000000:gatehouse/v1/GET/core/v1/cm/customers",
                "arn:aws:execute-api:us-east-1:000000000000:gatehouse/v1/*",
            ),
            ("arn:aws:execute-api:x:1:a/v1/GET/", "arn:aws:execute-api:x:1:a/v1/*"),
            ("arn:aws:execute-api:x:1:a", "arn:aws:execute-api:x:1:a"),
            ("", ""),
        ] {
            assert_eq!(whole_stage(arn), resource);
        }
    }
}
