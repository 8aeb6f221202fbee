use contract_auth::{ApiKeyChange, NewApiKey};
use identity::Scopes;
use ids::Timestamp;
use problem::FieldError;

use super::ApiKeyError;

/// The most keys that a user has.
pub(super) const MOST: i64 = 100;

/// Every fault at once, or the request with its name trimmed and its scopes in order.
pub(super) fn accept(mut new: NewApiKey, held: &Scopes, now: Timestamp) -> Result<NewApiKey, ApiKeyError> {
    let mut faults = Vec::new();
    new.name = named(&new.name).unwrap_or_else(|fault| {
        faults.push(fault);
        String::new()
    });
    let asked: Scopes = new.scopes.iter().map(String::as_str).collect();
    if asked.is_empty() {
        faults.push(FieldError::new("/scopes", "missing_scopes", "at least one scope is wanted"));
    }
    let beyond = asked.beyond(held);
    if !beyond.is_empty() {
        let detail = format!("you do not hold: {}", beyond.join(" "));
        faults.push(FieldError::new("/scopes", "scope_not_held", detail));
    }
    faults.extend(new.expires_at.and_then(|at| past(at, now)));
    new.scopes = asked.iter().map(str::to_owned).collect();
    if faults.is_empty() { Ok(new) } else { Err(ApiKeyError::Invalid(faults)) }
}

/// Every fault of a change at once, or the change with its name trimmed.
pub(super) fn accept_change(mut change: ApiKeyChange, now: Timestamp) -> Result<ApiKeyChange, ApiKeyError> {
    let mut faults = Vec::new();
    if let Some(name) = &mut change.name {
        match named(name) {
            Ok(accepted) => *name = accepted,
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(change.expires_at.flatten().and_then(|at| past(at, now)));
    if faults.is_empty() { Ok(change) } else { Err(ApiKeyError::Invalid(faults)) }
}

fn named(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(FieldError::new(
        "/name",
        "not_a_name",
        "1 to 100 characters are wanted, none of them control characters",
    ))
}

fn past(at: Timestamp, now: Timestamp) -> Option<FieldError> {
    (at <= now).then(|| FieldError::new("/expires_at", "in_the_past", "an instant in the future is wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn new(name: &str, scopes: &[&str], expires_at: Option<Timestamp>) -> NewApiKey {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        NewApiKey { name: name.to_owned(), scopes, expires_at }
    }

    #[test]
    fn a_key_never_has_more_than_its_maker() {
        let (held, now) = (["prefs:read", "prefs:write"].into_iter().collect(), Timestamp::now());
        let good = accept(new(" import ", &["prefs:read", "prefs:read"], None), &held, now).unwrap();
        assert_eq!((good.name.as_str(), good.scopes.as_slice()), ("import", &["prefs:read".to_owned()][..]));
        let error = accept(new("", &["auth:admin"], Some(now)), &held, now).unwrap_err();
        let ApiKeyError::Invalid(faults) = error else { panic!("{error:?}") };
        let codes: Vec<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
        assert_eq!(codes, ["not_a_name", "scope_not_held", "in_the_past"]);
        assert!(accept(new("x", &[], None), &held, now).is_err());
    }

    #[test]
    fn a_change_may_extend_but_not_end_in_the_past() {
        let now = Timestamp::now();
        let change = |expires_at| ApiKeyChange { name: None, expires_at };
        assert!(accept_change(change(Some(Some(now + Duration::from_secs(1)))), now).is_ok());
        assert!(accept_change(change(Some(None)), now).is_ok());
        assert!(accept_change(change(Some(Some(now))), now).is_err());
    }
}
