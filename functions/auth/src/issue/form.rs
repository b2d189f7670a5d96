//! `application/x-www-form-urlencoded`, read strictly.
//!
//! Invariant: a parameter has one value. RFC 6749 §3.2 forbids repeated parameters, and two readers that pick
//! different ones of two values are how checks are passed by; so a repetition is an error, not a choice. An empty
//! value counts as absent, as the RFC says.

use std::collections::BTreeMap;

use zeroize::Zeroize;

/// Why a body is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A parameter occurs more than once.
    #[error("a parameter is repeated")]
    Repeated,
    /// A `%` without two hexadecimal digits, or text that is not UTF-8.
    #[error("the body is not form-urlencoded")]
    Malformed,
}

/// The parameters of a form. One of them is a secret, so all are wiped when dropped and none is shown.
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a body.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn parse(body: &str) -> Result<Self, FormError> {
        let mut form = Self(BTreeMap::new());
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if form.0.insert(name, value).is_some() {
                return Err(FormError::Repeated);
            }
        }
        Ok(form)
    }

    /// A parameter's value; `None` when it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

/// Undoes the form encoding of one name or value.
///
/// # Errors
/// [`FormError::Malformed`].
pub fn decode(text: &str) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = tail.split_at_checked(2).ok_or(FormError::Malformed)?;
                rest = after;
                let mut byte = [0];
                hex::decode_to_slice(digits, &mut byte).map_err(|_| FormError::Malformed)?;
                byte[0]
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).map_err(|_| FormError::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let form = Form::parse("a=1&b=x+y%2Bz&%63=%C3%A9&empty=&flag").unwrap();
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), Some("x y+z"));
        assert_eq!(form.get("c"), Some("é"));
        assert_eq!(form.get("empty"), None);
        assert_eq!(form.get("flag"), None);
        assert_eq!(form.get("absent"), None);
        assert!(Form::parse("").unwrap().get("a").is_none());
    }

    #[test]
    fn a_repetition_is_refused_even_if_equal_empty_or_encoded() {
        for body in ["a=1&a=2", "a=1&a=1", "a=1&a=", "a&a", "a=1&%61=1"] {
            assert_eq!(Form::parse(body).err(), Some(FormError::Repeated), "{body}");
        }
    }

    #[test]
    fn what_is_no_encoding_is_refused() {
        for body in ["a=%", "a=%2", "a=%zz", "a=%+1", "%ff=1", "a=%C3"] {
            assert_eq!(Form::parse(body).err(), Some(FormError::Malformed), "{body}");
        }
    }

    proptest! {
        #[test]
        fn every_text_survives_its_encoding(text in ".{0,40}") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(decode(&encoded).unwrap(), text);
        }

        #[test]
        fn no_body_panics(body in ".{0,60}") {
            let _ = Form::parse(&body);
        }
    }
}
