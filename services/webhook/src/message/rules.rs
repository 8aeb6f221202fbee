//! What a message may say, and how it is written.

use contract_webhook::NewMessage;
use ids::Timestamp;
use problem::FieldError;
use serde::Serialize;
use serde_json::value::RawValue;

use super::MessageError;
use crate::event_type::{is_event_type, is_platforms};

/// The longest id of its sender's, characters.
const LONGEST_EVENT_ID: usize = 256;

/// The largest payload, bytes. Standard Webhooks advises less than 20 KB.
const LARGEST: usize = 256 * 1024;

/// Refuses a message that cannot be, with all that is wrong with it.
pub(super) fn accept(new: &NewMessage) -> Result<(), MessageError> {
    let mut faults = Vec::new();
    if !is_event_type(&new.event_type) {
        let detail = "a name such as `order.paid` is wanted";
        faults.push(FieldError::new("/event_type", "invalid", detail));
    }
    if is_platforms(&new.event_type) {
        let detail = "this type is the platform's: nobody else sends it";
        faults.push(FieldError::new("/event_type", "event_type_reserved", detail));
    }
    if new.payload.get().len() > LARGEST {
        faults.push(FieldError::new("/payload", "too_large", format!("at most {LARGEST} bytes are wanted")));
    }
    let length = new.event_id.as_ref().map_or(1, |id| id.chars().count());
    if !(1..=LONGEST_EVENT_ID).contains(&length) || new.event_id.iter().any(|id| id.contains('\0')) {
        let detail = format!("1 to {LONGEST_EVENT_ID} characters are wanted");
        faults.push(FieldError::new("/event_id", "invalid", detail));
    }
    if faults.is_empty() { Ok(()) } else { Err(MessageError::Invalid(faults)) }
}

/// What is posted, the same in each attempt.
pub(super) fn body(new: &NewMessage, now: Timestamp) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Body<'a> {
        r#type: &'a str,
        timestamp: Timestamp,
        data: &'a RawValue,
    }
    serde_json::to_string(&Body { r#type: &new.event_type, timestamp: now, data: &new.payload })
}

/// What there is to say, out of a body.
pub(crate) fn data_of(body: &str) -> Option<&str> {
    body.split_once(",\"data\":")?.1.strip_suffix('}')
}

/// Whether two bodies say the same but for when.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    fn said(body: &str) -> Option<(&str, &str)> {
        // As `body` writes it: the type can hold no quote, and a time neither.
        let (head, data) = body.split_once(",\"data\":")?;
        Some((head.split_once(",\"timestamp\":")?.0, data))
    }
    said(one).is_some_and(|said_by_one| said(other) == Some(said_by_one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use problem::Describe;

    fn message(event_type: &str, payload: &str, event_id: Option<&str>) -> NewMessage {
        let payload = RawValue::from_string(payload.to_owned()).unwrap();
        NewMessage { event_type: event_type.to_owned(), payload, event_id: event_id.map(str::to_owned) }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds).unwrap()
    }

    #[test]
    fn what_is_said_is_posted_as_it_was_written() {
        let body =
            body(&message("a.b", "{\"n\": 12345678901234567890123, \"e\":1.0e2}", None), at(0)).unwrap();
        let wanted = "{\"type\":\"a.b\",\"timestamp\":\"1970-01-01T00:00:00.000Z\",\
                      \"data\":{\"n\": 12345678901234567890123, \"e\":1.0e2}}";
        assert_eq!(body, wanted);
        assert_eq!(data_of(&body), Some("{\"n\": 12345678901234567890123, \"e\":1.0e2}"));
    }

    #[test]
    fn what_is_the_platforms_or_too_large_is_refused() {
        let codes = |message: &NewMessage| accept(message).unwrap_err().fields().remove(0).code;
        assert_eq!(codes(&message("user.created", "{}", None)), "event_type_reserved");
        let longest = format!("\"{}\"", "x".repeat(LARGEST - 2));
        assert!(accept(&message("a", &longest, None)).is_ok());
        let larger = format!("\"{}\"", "x".repeat(LARGEST));
        assert_eq!(codes(&message("a", &larger, None)), "too_large");
    }

    #[test]
    fn bodies_are_the_same_whenever_they_were_written() {
        let said =
            |event_type, payload, seconds| body(&message(event_type, payload, None), at(seconds)).unwrap();
        let one = said("a", "{\"x\":\",\\\"data\\\":\"}", 0);
        assert!(is_same(&one, &said("a", "{\"x\":\",\\\"data\\\":\"}", 99)));
        assert!(!is_same(&one, &said("b", "{\"x\":\",\\\"data\\\":\"}", 0)));
        assert!(!is_same(&one, &said("a", "{}", 0)));
    }

    #[test]
    fn all_faults_are_named_at_once() {
        assert!(accept(&message("a", "1", Some("x"))).is_ok());
        for id in ["", "a\0", &"x".repeat(257)] {
            let refused = accept(&message("a b", "1", Some(id))).unwrap_err();
            let pointers: Vec<String> = refused.fields().into_iter().map(|fault| fault.pointer).collect();
            assert_eq!(pointers, ["/event_type", "/event_id"], "{id:?}");
        }
    }
}
