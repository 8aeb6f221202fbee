use std::collections::BTreeSet;

use contract_auth::UserChange;
use ids::UserId;
use problem::FieldError;

use super::UserError;
use crate::account;

/// The role that everybody has.
const EVERYBODY: &str = "USER";

/// The role of those who administer.
pub(super) const ADMINISTRATOR: &str = "ADMIN";

/// The longest reason, characters.
const REASON: usize = 500;

/// Why somebody is banned, trimmed.
pub(crate) fn accept_reason(text: &str) -> Result<String, UserError> {
    let text = text.trim();
    if (1..=REASON).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let detail = format!("1 to {REASON} characters are wanted, none of them control characters");
    Err(UserError::Invalid(vec![FieldError::new("/reason", "not_a_reason", detail)]))
}

/// Every fault of a change at once, or the change with its name trimmed.
pub(super) fn accept_change(mut change: UserChange) -> Result<UserChange, UserError> {
    let mut faults = Vec::new();
    if let Some(Some(name)) = &mut change.name {
        match account::named(name, "/name") {
            Ok(accepted) => *name = accepted,
            Err(fault) => faults.push(fault),
        }
    }
    let metadata = change.app_metadata.as_ref();
    faults.extend(metadata.and_then(|metadata| account::too_large(metadata, "/app_metadata")));
    if faults.is_empty() { Ok(change) } else { Err(UserError::Invalid(faults)) }
}

/// Nobody bans or deletes themselves by these routes.
pub(super) fn may_end(caller: UserId, user: UserId) -> Result<(), UserError> {
    if caller == user { Err(UserError::Oneself) } else { Ok(()) }
}

/// The roles that somebody shall have, in order and once; everybody's is among them.
/// Nobody takes the right to administer from themselves.
pub(super) fn accept_roles(
    caller: UserId,
    user: UserId,
    roles: Vec<String>,
) -> Result<BTreeSet<String>, UserError> {
    let mut roles: BTreeSet<String> = roles.into_iter().collect();
    roles.insert(EVERYBODY.to_owned());
    if caller == user && !roles.contains(ADMINISTRATOR) {
        return Err(UserError::Oneself);
    }
    Ok(roles)
}

/// Roles that there are not.
pub(super) fn unknown_roles(roles: &[String]) -> UserError {
    let detail = format!("there is no such role: {}", roles.join(", "));
    UserError::Invalid(vec![FieldError::new("/roles", "unknown_role", detail)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something() {
        assert_eq!(accept_reason(" spam ").unwrap(), "spam");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(REASON + 1)] {
            assert!(accept_reason(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nobody_loses_their_own_administration_by_their_own_hand() {
        let (ada, eve) = (UserId::generate(), UserId::generate());
        let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert!(accept_roles(ada, ada, roles(&["USER"])).is_err());
        assert!(accept_roles(ada, ada, roles(&["ADMIN"])).is_ok());
        let accepted = accept_roles(ada, eve, roles(&["RESELLER", "RESELLER"])).unwrap();
        assert!(accepted.iter().eq(["RESELLER", "USER"]));
        assert!(may_end(ada, ada).is_err() && may_end(ada, eve).is_ok());
    }
}
