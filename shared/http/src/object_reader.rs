//! Reads a JSON object field by field and reports every wrong field at once.
//!
//! A derived deserialiser stops at the first error and words it in terms of Rust types; the contract wants all failing
//! fields with stable codes. Rule kept here: `null`, a missing field and blank text are the same thing, absent.

use std::cell::RefCell;

use domain::problem::{Problem, Violations};
use serde_json::{Map, Value};

/// A JSON object being read, at a known path.
pub struct ObjectReader<'a> {
    map: &'a Map<String, Value>,
    path: String,
    violations: &'a RefCell<Violations>,
}

/// Runs `read` over an object and returns its value only when no violation was found.
///
/// # Errors
/// All violations, in the order in which the fields were read.
pub fn read_object<T>(
    map: &Map<String, Value>,
    read: impl FnOnce(&ObjectReader<'_>) -> Option<T>,
) -> Result<T, Violations> {
    let violations = RefCell::new(Violations::new());
    let value = read(&ObjectReader { map, path: String::new(), violations: &violations });
    let mut found = violations.into_inner();
    match value {
        Some(value) if found.is_empty() => Ok(value),
        // A reader that gives up without a word would otherwise answer an empty error list.
        None if found.is_empty() => {
            found.push("body", Problem::Required);
            Err(found)
        }
        _ => Err(found),
    }
}

impl<'a> ObjectReader<'a> {
    /// The full path of a field of this object.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Records a problem of a field.
    pub fn reject(&self, name: &str, problem: Problem) {
        self.violations.borrow_mut().push(self.path_of(name), problem);
    }

    /// Keeps a value or records its problem.
    pub fn take<T>(&self, name: &str, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.reject(name, problem);
                None
            }
        }
    }

    /// The raw value of a field, `None` when absent, null or blank text.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        match self.map.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(value) => Some(value),
        }
    }

    /// Whether the field is given.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn need<T>(&self, name: &str, found: Option<T>) -> Option<T> {
        if found.is_none() && !self.has(name) {
            self.reject(name, Problem::Required);
        }
        found
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        match self.value(name)? {
            Value::String(text) => Some(text.trim()),
            _ => {
                self.reject(name, Problem::WrongType { expected: "a string" });
                None
            }
        }
    }

    /// An optional text field, parsed after trimming.
    pub fn optional<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let text = self.text(name)?;
        self.take(name, parse(text))
    }

    /// A required text field, parsed after trimming.
    pub fn required<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let found = self.optional(name, parse);
        self.need(name, found)
    }

    /// An optional boolean.
    pub fn optional_bool(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(value) => Some(*value),
            _ => {
                self.reject(name, Problem::WrongType { expected: "true or false" });
                None
            }
        }
    }

    /// An optional number as decimal text, which is what the domain reads: as it was written up to 15 digits, and beyond them
    /// the nearest double's, which is more than any amount or share here has. Numeric text is accepted where `or_text` says
    /// so.
    pub fn optional_number<T>(
        &self,
        name: &str,
        or_text: bool,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        match self.value(name)? {
            Value::Number(number) => self.take(name, parse(&number.to_string())),
            Value::String(text) if or_text => self.take(name, parse(text.trim())),
            _ => {
                self.reject(name, Problem::WrongType { expected: "a number" });
                None
            }
        }
    }

    /// A required number; see [`Self::optional_number`].
    pub fn required_number<T>(
        &self,
        name: &str,
        or_text: bool,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let found = self.optional_number(name, or_text, parse);
        self.need(name, found)
    }

    /// An optional nested object.
    pub fn optional_object(&self, name: &str) -> Option<ObjectReader<'a>> {
        match self.value(name)? {
            Value::Object(map) => {
                Some(ObjectReader { map, path: self.path_of(name), violations: self.violations })
            }
            _ => {
                self.reject(name, Problem::WrongType { expected: "an object" });
                None
            }
        }
    }

    /// An optional list of objects, each read at its place: `representatives[0]`.
    pub fn optional_list(&self, name: &str) -> Option<Vec<ObjectReader<'a>>> {
        let Value::Array(all) = self.value(name)? else {
            self.reject(name, Problem::WrongType { expected: "a list" });
            return None;
        };
        let mut readers = Vec::with_capacity(all.len());
        for (at, value) in all.iter().enumerate() {
            let name = format!("{name}[{at}]");
            match value {
                Value::Object(map) => {
                    let path = self.path_of(&name);
                    readers.push(ObjectReader { map, path, violations: self.violations });
                }
                _ => self.reject(&name, Problem::WrongType { expected: "an object" }),
            }
        }
        Some(readers)
    }

    /// The fields as they were sent, for objects whose field names are the caller's own.
    pub const fn fields(&self) -> &'a Map<String, Value> {
        self.map
    }

    /// A required nested object.
    pub fn required_object(&self, name: &str) -> Option<ObjectReader<'a>> {
        let found = self.optional_object(name);
        self.need(name, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read<T>(
        value: Value,
        read: impl FnOnce(&ObjectReader<'_>) -> Option<T>,
    ) -> Result<T, String> {
        let Value::Object(map) = value else { panic!("an object") };
        read_object(&map, read).map_err(|found| found.to_string())
    }

    fn text(text: &str) -> Result<String, Problem> {
        if text.len() > 5 { Err(Problem::TooLong { max: 5 }) } else { Ok(text.to_owned()) }
    }

    #[test]
    fn every_violation_is_reported_with_its_path() {
        let body = json!({ "a": 1, "b": "toolong", "c": { "e": "  " }, "f": "yes", "g": [] });
        let found = read(body, |object| {
            let a = object.required("a", text);
            let b = object.optional("b", text);
            let c = object.required_object("c");
            let d = c.as_ref().and_then(|c| c.required("d", text));
            let e = c.as_ref().and_then(|c| c.required("e", text));
            let f = object.optional_bool("f");
            let g = object.optional_object("g");
            let h = object.required_number("h", false, text);
            (a.is_some() && b.is_some() && d.is_some() && e.is_some() && f.is_some())
                .then_some((g.is_some(), h))
        });
        assert_eq!(
            found.unwrap_err(),
            "a must be a string; b must have at most 5 characters; c.d is required; c.e is required; \
             f must be true or false; g must be an object; h is required"
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        let body = json!({ "a": 25.5, "b": "26", "c": "26" });
        let found = read(body, |object| {
            Some((
                object.required_number("a", false, text)?,
                object.required_number("b", true, text)?,
            ))
        });
        assert_eq!(found.unwrap(), ("25.5".to_owned(), "26".to_owned()));
        let refused = read(json!({ "c": "26" }), |object| object.required_number("c", false, text));
        assert_eq!(refused.unwrap_err(), "c must be a number");
    }

    #[test]
    fn absent_null_and_blank_are_the_same() {
        for body in [json!({}), json!({ "a": null }), json!({ "a": "" }), json!({ "a": " \t" })] {
            assert_eq!(read(body.clone(), |object| Some(object.optional("a", text))), Ok(None));
            assert_eq!(
                read(body, |object| object.required("a", text)),
                Err("a is required".into())
            );
        }
    }

    proptest! {
        #[test]
        fn a_reader_never_panics_and_never_answers_an_empty_list(body in "\\PC*") {
            if let Ok(Value::Object(map)) = serde_json::from_str(&body) {
                let found = read_object(&map, |object| object.required("a", text));
                prop_assert!(found.is_ok() || !found.unwrap_err().is_empty());
            }
        }
    }
}
