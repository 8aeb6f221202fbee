use contract_auth::{NewOrganization, OrganizationChange};
use problem::FieldError;
use serde_json::{Map, Value};

use super::OrganizationError;
use crate::account;

/// The longest name, characters.
const NAME: usize = 100;
/// How long a slug is, bytes.
const SLUG: std::ops::RangeInclusive<usize> = 3..=48;
/// The largest metadata, bytes as JSON.
const METADATA: usize = 16 * 1024;

/// Every fault of a new organisation at once, or what is to be made, with its name trimmed.
pub(super) fn accept(mut new: NewOrganization) -> Result<NewOrganization, OrganizationError> {
    let mut faults = Vec::new();
    check_name(&mut new.name, &mut faults);
    faults.extend(new.slug.as_deref().and_then(check_slug));
    faults.extend(new.metadata.as_ref().and_then(check_metadata));
    if faults.is_empty() { Ok(new) } else { Err(OrganizationError::Invalid(faults)) }
}

/// Every fault of a change at once, or the change with its name trimmed.
pub(super) fn accept_change(mut change: OrganizationChange) -> Result<OrganizationChange, OrganizationError> {
    let mut faults = Vec::new();
    if let Some(name) = &mut change.name {
        check_name(name, &mut faults);
    }
    faults.extend(change.slug.as_ref().and_then(Option::as_deref).and_then(check_slug));
    faults.extend(change.metadata.as_ref().and_then(check_metadata));
    if faults.is_empty() { Ok(change) } else { Err(OrganizationError::Invalid(faults)) }
}

fn check_name(name: &mut String, faults: &mut Vec<FieldError>) {
    *name = name.trim().to_owned();
    if !account::is_name(name, NAME) {
        let detail =
            format!("1 to {NAME} characters are wanted that one can see, no control characters and no link");
        faults.push(FieldError::new("/name", "not_a_name", detail));
    }
}

fn check_slug(slug: &str) -> Option<FieldError> {
    let part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let good = SLUG.contains(&slug.len()) && slug.split('-').all(part);
    let detail = "3 to 48 of a-z and 0-9 are wanted, with single hyphens between";
    (!good).then(|| FieldError::new("/slug", "not_a_slug", detail))
}

fn check_metadata(metadata: &Map<String, Value>) -> Option<FieldError> {
    let size = serde_json::to_vec(metadata).map_or(usize::MAX, |text| text.len());
    let detail = format!("at most {METADATA} bytes as JSON are taken");
    (size > METADATA).then(|| FieldError::new("/metadata", "too_large", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(outcome: Result<NewOrganization, OrganizationError>) -> Vec<String> {
        match outcome {
            Err(OrganizationError::Invalid(faults)) => faults.into_iter().map(|fault| fault.code).collect(),
            Ok(_) => Vec::new(),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn new(name: &str, slug: Option<&str>) -> NewOrganization {
        NewOrganization { name: name.to_owned(), slug: slug.map(str::to_owned), metadata: None }
    }

    #[test]
    fn names_are_trimmed_and_hold_no_link() {
        assert_eq!(accept(new("  Engines & Söhne ", None)).unwrap().name, "Engines & Söhne");
        let long = "x".repeat(101);
        for bad in [
            "",
            "  ",
            "a\u{7}b",
            &long,
            "\u{200b}",
            "Works\u{202e}live",
            "win at https://evil.example",
            "see WWW.evil.example",
        ] {
            assert_eq!(codes(accept(new(bad, None))), ["not_a_name"], "{bad:?}");
        }
    }

    #[test]
    fn slugs_are_plain() {
        for good in ["abc", "a-1", "analytical-engines"] {
            assert!(accept(new("x", Some(good))).is_ok(), "{good}");
        }
        let long = "x".repeat(49);
        for bad in ["", "ab", "-abc", "abc-", "a--b", "Abc", "ａbc", "a_b", "a/b", &long] {
            assert_eq!(codes(accept(new("x", Some(bad)))), ["not_a_slug"], "{bad:?}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let metadata = Map::from_iter([("x".to_owned(), "y".repeat(METADATA).into())]);
        let all = NewOrganization { metadata: Some(metadata.clone()), ..new("", Some("A")) };
        assert_eq!(codes(accept(all)), ["not_a_name", "not_a_slug", "too_large"]);
        let change = OrganizationChange { name: None, slug: Some(None), metadata: None };
        assert!(accept_change(change).is_ok(), "a slug can be given up");
        let change = OrganizationChange { metadata: Some(metadata), ..OrganizationChange::default() };
        assert!(accept_change(change).is_err());
    }
}
