//! Which targets are taken as they stand; nothing is ever repaired.

use problem::{Describe, Kind};

/// Why a request's target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path is not canonical: {0}")]
pub(crate) struct NotCanonical(pub(crate) &'static str);

impl Describe for NotCanonical {
    fn kind(&self) -> Kind {
        Kind::Malformed
    }

    fn code(&self) -> &'static str {
        "path_not_canonical"
    }
}

/// The path of `target`, when it is the one way to write it. The query isn't looked
/// at: no decision rests on it.
///
/// # Errors
/// What is wrong with it: RFC 3986 sections 3.3, 5.2.4 and 6.2.2 name most of these.
pub(crate) fn canonical(target: &str) -> Result<&str, NotCanonical> {
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(NotCanonical("it holds a character that must be percent-encoded"));
    }
    if target.contains('#') {
        return Err(NotCanonical("a fragment is never sent"));
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let inner = path.strip_prefix('/').ok_or(NotCanonical("it does not begin with a slash"))?;
    for segment in inner.split('/') {
        check(segment)?;
    }
    if path.contains("//") {
        return Err(NotCanonical("it holds an empty segment"));
    }
    Ok(path)
}

fn check(segment: &str) -> Result<(), NotCanonical> {
    if segment == "." || segment == ".." {
        return Err(NotCanonical("it holds a dot segment"));
    }
    if let Some(bad) = segment.bytes().find(|byte| !is_segment_character(*byte)) {
        return Err(match bad {
            b'\\' => NotCanonical("it holds a backslash"),
            b';' => NotCanonical("it holds path parameters"),
            _ => NotCanonical("it holds a character that must be percent-encoded"),
        });
    }
    let Some((plain, escapes)) = segment.split_once('%') else { return Ok(()) };
    let mut text = plain.as_bytes().to_vec();
    for escape in escapes.split('%') {
        text.push(escaped(escape)?);
        text.extend_from_slice(escape.as_bytes().get(2..).unwrap_or_default());
    }
    // Of other bytes each reader makes what it likes: of an overlong `%C0%AF` perhaps a slash.
    let is_text = std::str::from_utf8(&text).is_ok();
    is_text.then_some(()).ok_or(NotCanonical("it encodes what is no UTF-8"))
}

/// `pchar` of RFC 3986 section 3.3, without `;`: servers disagree about what it means.
fn is_segment_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@%".contains(&byte)
}

/// The byte that is meant by what follows a `%`.
fn escaped(escape: &str) -> Result<u8, NotCanonical> {
    let digits = escape.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    match value.ok_or(NotCanonical("a percent sign is not followed by two hexadecimal digits"))? {
        b'/' | b'\\' => Err(NotCanonical("it holds an encoded slash or backslash")),
        0..=0x1f | 0x7f => Err(NotCanonical("it holds an encoded control character")),
        b'%' => Err(NotCanonical("it is encoded twice")),
        b';' | b'?' | b'#' => Err(NotCanonical("it holds an encoded delimiter")),
        byte if is_segment_character(byte) => Err(NotCanonical("it encodes what needs no encoding")),
        byte => Ok(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_paths_stand() {
        for path in
            ["/", "/api/v1/auth/me", "/a/", "/a%20b", "/caf%C3%A9", "/@x:y=~z", "/.well-known/jwks.json"]
        {
            assert_eq!(canonical(path), Ok(path));
        }
        assert_eq!(canonical("/a?b=//../%2f;#".trim_end_matches('#')), Ok("/a"));
    }

    #[test]
    fn whatever_could_be_read_in_two_ways_is_refused() {
        for path in [
            "",
            "a",
            "*",
            "//",
            "//a",
            "/a//b",
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/%2e",
            "/%2E%2e/a",
            "/..%2fa",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%0d%0ab",
            "/a;b",
            "/a%3bb",
            "/%61",
            "/a%7E",
            "/a#b",
            "/a b",
            "/a\u{7f}",
            "/é",
            "/%",
            "/%2",
            "/%zz",
            "/%2561",
            "/%c0%af",
            "/a%e9b",
            "/%C3/%A9",
            "/%252e",
            "/a|b",
            "/a\"b",
            "/{a}",
            "http://evil/a",
        ] {
            assert!(canonical(path).is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_has_one_reading(target in "/[a-c./%0-9a-fA-F;\\\\?#-]{0,24}") {
            if let Ok(path) = canonical(&target) {
                prop_assert!(target.starts_with(path));
                prop_assert!(!path.contains("//") && !path.contains('\\') && !path.contains(';'));
                prop_assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
                prop_assert_eq!(canonical(path), Ok(path));
            }
        }

        #[test]
        fn no_target_makes_it_panic(target in "\\PC{0,40}") {
            let _ = canonical(&target);
        }
    }
}
