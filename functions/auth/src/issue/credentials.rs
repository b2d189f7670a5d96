//! How a client names itself: in the form (`client_secret_post`) or by HTTP Basic (`client_secret_basic`).
//!
//! Invariant: exactly one way per request (RFC 6749 §2.3), and whatever is wrong with what was presented, the answer
//! is the same `invalid_client` as for a wrong secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::Secret;
use zeroize::Zeroizing;

use super::error::TokenError;
use super::form::{Form, decode};

/// What a client presents.
#[derive(Debug)]
pub struct Credentials {
    /// Its id, not yet known to be one.
    pub client: String,
    /// Its secret.
    pub secret: Secret<String>,
}

impl Credentials {
    /// Reads them from the `Authorization` header or the form.
    ///
    /// # Errors
    /// [`TokenError::InvalidRequest`] for two ways at once, [`TokenError::InvalidClient`] for none or an unreadable one.
    pub fn read(authorization: Option<&str>, form: &Form) -> Result<Self, TokenError> {
        let Some(authorization) = authorization else {
            let client = form.get("client_id").ok_or(TokenError::InvalidClient)?;
            let secret = form.get("client_secret").ok_or(TokenError::InvalidClient)?;
            return Ok(Self { client: client.to_owned(), secret: Secret::new(secret.to_owned()) });
        };
        if form.get("client_secret").is_some() {
            return Err(TokenError::InvalidRequest("the client authenticates in two ways at once"));
        }
        let credentials = basic(authorization).ok_or(TokenError::InvalidClient)?;
        match form.get("client_id") {
            Some(client) if client != credentials.client => {
                Err(TokenError::InvalidRequest("client_id differs from the authenticated client"))
            }
            _ => Ok(credentials),
        }
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they become user and password.
fn basic(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (client, secret) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    let (client, secret) = (decode(client).ok()?, Secret::new(decode(secret).ok()?));
    if client.is_empty() || secret.reveal().is_empty() {
        return None;
    }
    Some(Credentials { client, secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    fn read(authorization: Option<&str>, body: &str) -> Result<(String, String), TokenError> {
        let credentials = Credentials::read(authorization, &Form::parse(body).unwrap())?;
        Ok((credentials.client.clone(), credentials.secret.reveal().clone()))
    }

    #[test]
    fn both_ways_are_read() {
        let expected = Ok(("id".to_owned(), "se:c ret".to_owned()));
        assert_eq!(read(None, "client_id=id&client_secret=se%3Ac+ret"), expected);
        assert_eq!(read(Some(&header("id:se%3Ac+ret")), ""), expected);
        assert_eq!(read(Some(&header("id:se:c ret")), "client_id=id"), expected);
        assert_eq!(read(Some(&header("id:se:c ret").replace("Basic", "bASIC")), ""), expected);
    }

    #[test]
    fn two_ways_at_once_are_refused() {
        let basic = header("id:secret");
        for body in ["client_secret=secret", "client_id=id&client_secret=secret", "client_id=other"]
        {
            let answer = read(Some(&basic), body);
            assert!(matches!(answer, Err(TokenError::InvalidRequest(_))), "{body}");
        }
    }

    #[test]
    fn nothing_readable_is_an_invalid_client() {
        let headers = [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer abc",
            &header("no-colon"),
            &header(":secret"),
            &header("id:"),
            &header("id:%zz"),
            &format!("Basic {}", STANDARD.encode([0xff, b':', b'a'])),
        ];
        for authorization in headers {
            assert_eq!(
                read(Some(authorization), ""),
                Err(TokenError::InvalidClient),
                "{authorization}"
            );
        }
        for body in ["", "client_id=id", "client_secret=secret", "client_id=id&client_secret="] {
            assert_eq!(read(None, body), Err(TokenError::InvalidClient), "{body}");
        }
    }
}
