//! Lists in pages: `?limit=` and `?cursor=`, stable under inserts because a page
//! begins after an id, not at a count.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use problem::{Describe, FieldError, Kind};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

/// How many items a page has unless the caller says.
pub const DEFAULT_LIMIT: i64 = 20;
/// How many items a page has at most.
pub const MAX_LIMIT: i64 = 100;

const CHECKSUM: usize = 6;

/// The query of every list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many items, 1 to 100.
    pub limit: i64,
    /// The id after which the page begins.
    pub after: Option<Uuid>,
}

/// A query that names no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Out of 1 to 100.
    #[error("`limit` must be from 1 to 100")]
    Limit,
    /// Not a cursor that this list gave out.
    #[error("`cursor` is not one that this list gave out; begin without one")]
    Cursor,
}

impl PageQuery {
    /// The page of the list called `list`; a cursor of another list is refused.
    ///
    /// # Errors
    /// [`PageError`], a 400.
    pub fn page(&self, list: &str) -> Result<Page, PageError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(PageError::Limit);
        }
        let after = self.cursor.as_deref().map(|cursor| place(list, cursor).map(Uuid::from_bytes));
        Ok(Page { limit, after: after.transpose()? })
    }
}

impl Page {
    /// How many rows to ask the database for: one more, to know whether there are more.
    #[must_use]
    pub const fn rows(self) -> i64 {
        self.limit + 1
    }

    /// Cuts `rows` to the page; gives the cursor of the next when there is one.
    pub fn cut<T>(self, list: &str, rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        rows.last().filter(|_| more).map(|last| cursor(list, id(last).as_bytes()))
    }
}

/// The cursor of a place in a list that is not ordered by ids alone; [`Page`] writes those of others.
#[must_use]
pub fn cursor(list: &str, place: &[u8]) -> String {
    BASE64URL_NOPAD.encode(&[place, &checksum(list, place)].concat())
}

/// The place that a cursor of this list names.
///
/// # Errors
/// [`PageError::Cursor`].
pub fn place<const LENGTH: usize>(list: &str, cursor: &str) -> Result<[u8; LENGTH], PageError> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_why| PageError::Cursor)?;
    match bytes.split_first_chunk::<LENGTH>() {
        Some((place, sum)) if sum == checksum(list, place) => Ok(*place),
        _ => Err(PageError::Cursor),
    }
}

/// Tells a mistyped cursor, or one of another list. It keeps no secret: what a
/// cursor names is filtered by its owner again.
fn checksum(list: &str, place: &[u8]) -> [u8; CHECKSUM] {
    let sum = digest::digest(&digest::SHA256, &[list.as_bytes(), place].concat());
    let mut short = [0; CHECKSUM];
    short.copy_from_slice(&sum.as_ref()[..CHECKSUM]);
    short
}

impl Describe for PageError {
    fn kind(&self) -> Kind {
        Kind::Malformed
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Limit => "limit_out_of_range",
            Self::Cursor => "cursor_invalid",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let name = if *self == Self::Limit { "?limit" } else { "?cursor" };
        vec![FieldError::new(name, self.code(), self.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(limit: Option<i64>, cursor: Option<String>) -> PageQuery {
        PageQuery { limit, cursor }
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_in_its_list_only(id: u128) {
            let id = Uuid::from_u128(id);
            let cursor = cursor("sessions", id.as_bytes());
            prop_assert_eq!(query(None, Some(cursor.clone())).page("sessions").unwrap().after, Some(id));
            prop_assert_eq!(query(None, Some(cursor)).page("api-keys"), Err(PageError::Cursor));
        }

        #[test]
        fn no_text_is_taken_for_a_cursor(text in "\\PC{0,60}") {
            prop_assert_eq!(query(None, Some(text)).page("sessions"), Err(PageError::Cursor));
        }
    }

    #[test]
    fn the_limit_is_from_1_to_100() {
        assert_eq!(query(None, None).page("x"), Ok(Page { limit: 20, after: None }));
        assert_eq!(query(Some(100), None).page("x").unwrap().limit, 100);
        for bad in [0, -1, 101, i64::MAX] {
            assert_eq!(query(Some(bad), None).page("x"), Err(PageError::Limit));
        }
    }

    #[test]
    fn there_is_a_next_page_only_when_there_is_more() {
        let page = Page { limit: 2, after: None };
        let mut rows = vec![Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];
        let next = page.cut("x", &mut rows, |id| *id).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(place("x", &next), Ok(Uuid::from_u128(2).into_bytes()));
        assert_eq!(page.cut("x", &mut rows, |id| *id), None);
    }
}
