use std::collections::BTreeSet;

use contract_auth::{RoleDefinition, RoleKind};
use problem::FieldError;

use super::RoleError;

/// The longest name, bytes.
const NAME: usize = 63;
/// The longest description, characters.
const DESCRIPTION: usize = 500;
/// The most roles that there are.
pub(super) const MOST: i64 = 100;

/// What may be carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) kind: RoleKind,
    pub(super) description: String,
    pub(super) scopes: BTreeSet<String>,
}

/// Every fault of a definition at once, or what may be carried out.
pub(super) fn accept(name: &str, definition: RoleDefinition) -> Result<Accepted, RoleError> {
    let mut faults = Vec::new();
    let kind = definition.kind;
    match kind_of(name) {
        None => return Err(RoleError::Unknown),
        Some(named) if named != kind => {
            let detail = format!("a role with this name is one of the {}", named.name());
            faults.push(FieldError::new("/kind", "not_of_its_name", detail));
        }
        Some(_) => {}
    }
    let description = definition.description.trim().to_owned();
    let length = description.chars().count();
    if !(1..=DESCRIPTION).contains(&length) || description.chars().any(char::is_control) {
        let detail = format!("1 to {DESCRIPTION} characters are wanted, none of them control characters");
        faults.push(FieldError::new("/description", "not_a_description", detail));
    }
    let scopes: BTreeSet<String> = definition.scopes.into_iter().collect();
    let administers = scopes.iter().any(|scope| scope.ends_with(":admin"));
    if kind == RoleKind::Organization && administers {
        let detail = "what administers the platform is for roles of the platform";
        faults.push(FieldError::new("/scopes", "scope_administers", detail));
    }
    let missing: Vec<&str> = kept(name).iter().copied().filter(|scope| !scopes.contains(*scope)).collect();
    if !missing.is_empty() {
        let detail = format!("this role keeps: {}", missing.join(" "));
        faults.push(FieldError::new("/scopes", "scope_kept", detail));
    }
    if faults.is_empty() {
        Ok(Accepted { kind, description, scopes })
    } else {
        Err(RoleError::Invalid(faults))
    }
}

/// The kind that a name is of; `None` when it is no name.
fn kind_of(name: &str) -> Option<RoleKind> {
    let rest = |upper: bool| {
        let letter = if upper { u8::is_ascii_uppercase } else { u8::is_ascii_lowercase };
        name.len() <= NAME && name.bytes().all(|b| letter(&b) || b.is_ascii_digit() || b == b'_')
    };
    match name.as_bytes().first()? {
        b'A'..=b'Z' => rest(true).then_some(RoleKind::Platform),
        b'a'..=b'z' => rest(false).then_some(RoleKind::Organization),
        _ => None,
    }
}

/// What a role of Plinth's own always permits, so that nobody is locked out: administrators
/// administer, owners manage, and everybody can log out.
fn kept(name: &str) -> &'static [&'static str] {
    match name {
        "ADMIN" => &["auth:admin"],
        "USER" => &["auth:read", "auth:write"],
        "owner" => &["auth:read", "auth:write", "orgs:read", "orgs:write"],
        _ => &[],
    }
}

/// Scopes that there are not.
pub(super) fn unknown_scopes(scopes: &[String]) -> RoleError {
    let detail = format!("there is no such scope: {}", scopes.join(", ").escape_debug());
    RoleError::Invalid(vec![FieldError::new("/scopes", "unknown_scope", detail)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn definition(kind: RoleKind, scopes: &[&str]) -> RoleDefinition {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        RoleDefinition { kind, description: " for a test ".to_owned(), scopes }
    }

    fn codes(outcome: Result<Accepted, RoleError>) -> Vec<String> {
        match outcome {
            Ok(_) => Vec::new(),
            Err(RoleError::Invalid(faults)) => faults.into_iter().map(|fault| fault.code).collect(),
            Err(other) => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn the_name_tells_the_kind() {
        use RoleKind::{Organization, Platform};
        for (name, kind) in [("AUDITOR", Platform), ("SUPPORT_2", Platform), ("billing_clerk", Organization)]
        {
            let accepted = accept(name, definition(kind, &["orgs:read", "orgs:read"])).unwrap();
            assert_eq!((accepted.description.as_str(), accepted.scopes.len()), ("for a test", 1));
            let other = if kind == Platform { Organization } else { Platform };
            assert_eq!(codes(accept(name, definition(other, &[]))), ["not_of_its_name"]);
        }
        for name in ["", "Auditor", "aUDITOR", "1st", "_x", "a-b", "ä", &"a".repeat(64)] {
            assert_eq!(codes(accept(name, definition(Platform, &[]))), ["Unknown"], "{name}");
        }
    }

    #[test]
    fn nobody_is_locked_out() {
        let codes = |name, kind, scopes: &[&str]| codes(accept(name, definition(kind, scopes)));
        assert_eq!(codes("ADMIN", RoleKind::Platform, &["prefs:admin"]), ["scope_kept"]);
        assert!(codes("ADMIN", RoleKind::Platform, &["auth:admin"]).is_empty());
        assert_eq!(codes("USER", RoleKind::Platform, &["auth:read"]), ["scope_kept"]);
        assert_eq!(codes("owner", RoleKind::Organization, &["orgs:read"]), ["scope_kept"]);
        assert!(codes("member", RoleKind::Organization, &[]).is_empty());
        assert_eq!(codes("clerk", RoleKind::Organization, &["auth:admin"]), ["scope_administers"]);
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "\\PC{0,70}") {
            let _ = accept(&name, definition(RoleKind::Platform, &[]));
        }
    }
}
