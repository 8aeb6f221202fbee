use std::{ops::RangeInclusive, time::Duration};

use aws_lc_rs::constant_time;
use contract_auth::{ApiKeyChange, ApiKeyRotation, NewApiKey};
use identity::Scopes;
use ids::Timestamp;
use problem::FieldError;

use super::{ApiKeyError, Proof};

/// The most keys that a user has.
pub(super) const MOST: i64 = 100;

/// The limits that a key may have, requests a minute.
const LIMITS: RangeInclusive<u32> = 1..=100_000;

/// For how long an old secret may open beside a new one: seven days.
const LONGEST_OVERLAP: u32 = 7 * 24 * 60 * 60;

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
    faults.extend(new.rate_limit.and_then(out_of_range));
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
    faults.extend(change.rate_limit.flatten().and_then(out_of_range));
    if faults.is_empty() { Ok(change) } else { Err(ApiKeyError::Invalid(faults)) }
}

/// For how long the secret until now goes on opening.
pub(super) fn accept_rotation(rotation: ApiKeyRotation) -> Result<Duration, ApiKeyError> {
    if rotation.overlap_seconds <= LONGEST_OVERLAP {
        return Ok(Duration::from_secs(rotation.overlap_seconds.into()));
    }
    let detail = format!("0 to {LONGEST_OVERLAP} seconds are wanted");
    Err(ApiKeyError::Invalid(vec![FieldError::new("/overlap_seconds", "out_of_range", detail)]))
}

fn out_of_range(limit: u32) -> Option<FieldError> {
    let detail = format!("{} to {} requests a minute are wanted", LIMITS.start(), LIMITS.end());
    (!LIMITS.contains(&limit)).then(|| FieldError::new("/rate_limit", "out_of_range", detail))
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

impl Proof {
    /// Until when the secret with this hash opens, if the key ends; `None`: it does not
    /// open. Both secrets are compared whatever the first comparison says.
    pub(crate) fn opens(&self, hash: &[u8], now: Timestamp) -> Option<Opens> {
        let is = |kept: &[u8]| constant_time::verify_slices_are_equal(kept, hash).is_ok();
        let (current, old) = (is(&self.secret_hash), self.old_secret_hash.as_deref().is_some_and(is));
        let until = match (current, self.old_secret_until) {
            (true, _) => self.expires_at,
            (false, Some(until)) if old => Some(self.expires_at.map_or(until, |end| end.min(until))),
            (false, _) => return None,
        };
        until.is_none_or(|until| until > now).then_some(Opens { until })
    }
}

/// That a secret opens the key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opens {
    /// Until when; for good, without.
    pub(crate) until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::{OrgId, UserId};

    fn new(name: &str, scopes: &[&str], expires_at: Option<Timestamp>) -> NewApiKey {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        NewApiKey { name: name.to_owned(), scopes, expires_at, rate_limit: None }
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
        let change = |expires_at| ApiKeyChange { expires_at, ..ApiKeyChange::default() };
        assert!(accept_change(change(Some(Some(now + Duration::from_secs(1)))), now).is_ok());
        assert!(accept_change(change(Some(None)), now).is_ok());
        assert!(accept_change(change(Some(Some(now))), now).is_err());
    }

    #[test]
    fn limits_and_overlaps_have_an_end() {
        let (held, now) = (["a:read"].into_iter().collect(), Timestamp::now());
        for (limit, good) in [(0, false), (1, true), (100_000, true), (100_001, false)] {
            let limited = NewApiKey { rate_limit: Some(limit), ..new("x", &["a:read"], None) };
            assert_eq!(accept(limited, &held, now).is_ok(), good, "{limit}");
            let change = ApiKeyChange { rate_limit: Some(Some(limit)), ..ApiKeyChange::default() };
            assert_eq!(accept_change(change, now).is_ok(), good, "{limit}");
        }
        for (overlap_seconds, good) in [(0, true), (LONGEST_OVERLAP, true), (LONGEST_OVERLAP + 1, false)] {
            assert_eq!(accept_rotation(ApiKeyRotation { overlap_seconds }).is_ok(), good);
        }
    }

    #[test]
    fn the_secret_before_opens_as_long_as_it_overlaps_and_the_key_lasts() {
        let now = Timestamp::now();
        let (soon, later) = (now + Duration::from_secs(60), now + Duration::from_secs(600));
        let proof = |expires_at, old_secret_until| Proof {
            org_id: OrgId::generate(),
            user_id: UserId::generate(),
            secret_hash: b"new".to_vec(),
            scopes: Vec::new(),
            expires_at,
            version: 1,
            rate_limit: None,
            old_secret_hash: Some(b"old".to_vec()),
            old_secret_until: Some(old_secret_until),
        };
        let until = |proof: &Proof, hash: &[u8]| proof.opens(hash, now).map(|opens| opens.until);
        assert_eq!(until(&proof(None, soon), b"new"), Some(None));
        assert_eq!(until(&proof(None, soon), b"old"), Some(Some(soon)));
        assert_eq!(until(&proof(Some(later), soon), b"old"), Some(Some(soon)));
        assert_eq!(until(&proof(Some(soon), later), b"old"), Some(Some(soon)));
        assert_eq!(until(&proof(None, now), b"old"), None);
        assert_eq!(until(&proof(Some(now), soon), b"new"), None);
        assert_eq!(until(&proof(None, soon), b"other"), None);
    }
}
