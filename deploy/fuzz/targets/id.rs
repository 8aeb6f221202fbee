//! Ids and instants, as they come in paths, bodies and queries.
//!
//! An id has one spelling: what is read prints as it was, and another kind's is refused.

#![no_main]

use std::fmt::Debug;

use ids::{Id, Kind, OrgId, Timestamp, UserId};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        read(text);
    }
    if let Some((value, [place, byte, ..])) = data.split_first_chunk::<16>() {
        print(Uuid::from_bytes(*value), usize::from(*place), *byte);
    }
});

fn read(text: &str) {
    has_one_spelling::<ids::User>(text);
    has_one_spelling::<ids::Mail>(text);
    assert!(text.parse::<UserId>().is_err() || text.parse::<OrgId>().is_err(), "{text:?} is of two kinds");
    let quoted = serde_json::Value::from(text);
    assert_eq!(serde_json::from_value::<UserId>(quoted.clone()).ok(), text.parse().ok(), "{text:?} as JSON");
    if let Ok(instant) = serde_json::from_value::<Timestamp>(quoted) {
        let again: Timestamp = reread(&instant.to_string()).expect("an instant that was printed");
        assert_eq!(again.to_string(), instant.to_string(), "{text:?}");
    }
}

fn has_one_spelling<K: Kind>(text: &str) {
    if let Ok(id) = text.parse::<Id<K>>() {
        assert_eq!(id.to_string(), text);
    }
}

/// What is printed is read; with one byte changed it is another id, or none.
fn print(uuid: Uuid, place: usize, byte: u8) {
    let id = UserId::from_uuid(uuid);
    let text = id.to_string();
    assert_eq!(text.parse(), Ok(id));
    assert_eq!(reread(&text), Some(id));
    let mut changed = text.clone().into_bytes();
    let place = place % changed.len();
    changed[place] = byte;
    if let Ok(changed) = String::from_utf8(changed)
        && changed != text
    {
        assert_ne!(changed.parse(), Ok(id), "{changed} is a second spelling of {text}");
    }
}

fn reread<T: serde::de::DeserializeOwned + Debug>(text: &str) -> Option<T> {
    serde_json::from_value(text.into()).ok()
}
