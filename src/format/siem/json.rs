//! JSON written key by key, in the order the keys are put, on one line.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

/// An object that is being written. Values are JSON as it came: nothing goes through a number type
/// that would round it.
pub struct Object(String);

impl Object {
    /// With no keys.
    pub fn new() -> Self {
        Self("{".into())
    }

    /// With one more key.
    pub fn put(mut self, key: &str, value: impl Serialize) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&text(key));
        self.0.push(':');
        self.0.push_str(&text(value));
        self
    }

    /// With one more key, where there is something to say.
    pub fn some(self, key: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// The object, where it has a key.
    pub fn filled(self) -> Option<Box<RawValue>> {
        (self.0.len() > 1).then(|| self.done())
    }

    /// The object.
    pub fn done(mut self) -> Box<RawValue> {
        self.0.push('}');
        RawValue::from_string(self.0).expect("invariant: written as JSON")
    }
}

/// A value as JSON.
pub fn text(value: impl Serialize) -> String {
    serde_json::to_string(&value).expect("invariant: keys are strings and values are JSON")
}

/// A value as JSON that is put in as it is.
pub fn raw(value: impl Serialize) -> Box<RawValue> {
    RawValue::from_string(text(value)).expect("invariant: written as JSON")
}

/// The details on one line; none when there are none.
pub fn details(details: &BTreeMap<String, Box<RawValue>>) -> Option<Box<RawValue>> {
    let put = |object: Object, key: &String| object.put(key, compact(&details[key]));
    details.keys().fold(Object::new(), put).filled()
}

/// The same JSON without white space between its tokens: as it came, it may run over many lines, and
/// a line is an event to most receivers.
fn compact(value: &RawValue) -> Box<RawValue> {
    let (mut inside, mut escaped) = (false, false);
    let keep = |c: &char| {
        if inside {
            inside = escaped || *c != '"';
            escaped = !escaped && *c == '\\';
            return true;
        }
        inside = *c == '"';
        !matches!(c, ' ' | '\t' | '\n' | '\r')
    };
    let text: String = value.get().chars().filter(keep).collect();
    RawValue::from_string(text).expect("invariant: white space between tokens has no meaning")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_from_between_tokens_and_stays_within_strings() {
        for (from, to) in [
            ("{ \"a\" :\n [ 1 , \"b \\\" c\\\\\" ,\t2 ] }", r#"{"a":[1,"b \" c\\",2]}"#),
            ("1e999", "1e999"),
            (" \"\\\\\" ", r#""\\""#),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(from).unwrap();
            assert_eq!(compact(&raw).get(), to);
        }
    }

    #[test]
    fn keys_stand_in_the_order_they_were_put() {
        let object = Object::new().put("z", 1).some("no", None::<u8>).put("a\"", "b");
        assert_eq!(object.done().get(), r#"{"z":1,"a\"":"b"}"#);
        assert!(Object::new().filled().is_none());
    }
}
