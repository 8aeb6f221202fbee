//! Cursors: of pages, as clients send them back, and of the feed of revocations.
//!
//! What was given out is read, with one byte changed it is refused, and nothing else is taken.

#![no_main]

#[path = "../../../services/auth/src/revocation/error.rs"]
mod error;
#[path = "../../../services/auth/src/revocation/rules.rs"]
mod rules;

use libfuzzer_sys::fuzz_target;
use service_kit::page::{Page, PageError, PageQuery};
use uuid::Uuid;

use error::FeedError;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        read_page(text);
        read_snapshot(text);
    }
    if let Some((id, [place, byte, rest @ ..])) = data.split_first_chunk::<16>() {
        give_out_page(Uuid::from_bytes(*id), usize::from(*place), *byte);
        give_out_snapshot(*id, rest);
    }
});

fn ask(list: &str, cursor: &str) -> Result<Option<Uuid>, PageError> {
    let query = PageQuery { limit: None, cursor: Some(cursor.to_owned()) };
    query.page(list).map(|page| page.after)
}

fn give(list: &str, id: Uuid) -> String {
    let page = Page { limit: 1, after: None };
    page.cut(list, &mut vec![id, id], |id| *id).expect("a cursor, since there is more")
}

/// The first line is a list, the second a cursor.
fn read_page(text: &str) {
    let (list, cursor) = text.split_once('\n').unwrap_or(("sessions", text));
    match ask(list, cursor) {
        Ok(id) => assert_eq!(give(list, id.expect("an id")), cursor, "a second spelling"),
        Err(why) => assert_eq!(why, PageError::Cursor),
    }
}

fn give_out_page(id: Uuid, place: usize, byte: u8) {
    let cursor = give("sessions", id);
    assert_eq!(ask("sessions", &cursor), Ok(Some(id)));
    assert_eq!(ask("api-keys", &cursor), Err(PageError::Cursor));
    let mut changed = cursor.clone().into_bytes();
    let place = place % changed.len();
    changed[place] = byte;
    if let Ok(changed) = String::from_utf8(changed)
        && changed != cursor
    {
        assert_eq!(ask("sessions", &changed), Err(PageError::Cursor), "{changed} for {cursor}");
    }
    assert_eq!(ask("sessions", &cursor[..place]), Err(PageError::Cursor));
}

/// What PostgreSQL is given has the form that it wants, and nothing else in it.
fn read_snapshot(text: &str) {
    let Ok(taken) = rules::parse(text) else { return };
    assert_eq!(taken, text);
    assert!(text.bytes().all(|byte| byte.is_ascii_digit() || b":,".contains(&byte)), "{text}");
    assert!(!rules::is_of_another_history(text, text));
}

/// Whatever PostgreSQL may have given out is taken: `xmin:xmax:xip,…`, in order.
fn give_out_snapshot(numbers: [u8; 16], gaps: &[u8]) {
    let [xmin, span] = [&numbers[..8], &numbers[8..]]
        .map(|half| u64::from_le_bytes(half.try_into().expect("eight bytes")) >> 1);
    let (xmin, xmax) = (xmin.max(1), xmin.max(1) + span);
    let mut running = Vec::new();
    let mut next = xmin;
    for gap in gaps {
        if next >= xmax {
            break;
        }
        running.push(next.to_string());
        next += u64::from(*gap) + 1;
    }
    let text = format!("{xmin}:{xmax}:{}", running.join(","));
    assert_eq!(rules::parse(&text).ok().as_deref(), Some(text.as_str()));
    assert!(rules::is_of_another_history(&format!("{xmin}:{}:", xmax + 1), &text));
}
