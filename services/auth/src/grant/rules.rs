use std::{ops::RangeInclusive, time::Duration};

use contract_auth::NewGrant;
use identity::{Credential, Principal, Scopes};
use ids::{ApiKeyId, UserId};
use problem::FieldError;

use super::GrantError;

/// The most grants that a user has given and that have not ended.
pub(super) const MOST: i64 = 1000;

/// For how long one may last, seconds: a minute to 400 days.
const LASTS: RangeInclusive<u64> = 60..=400 * 24 * 60 * 60;

/// The most characters of what people and services call it.
const LONGEST: usize = 200;

/// A grant that may be made.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) reference: String,
    pub(super) description: String,
    pub(super) actor: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) lasts: Duration,
    /// The key that the person used, if it was one.
    pub(super) api_key: Option<ApiKeyId>,
}

/// Every fault at once, or what may be made for `giver`, whose token was shown.
///
/// Nobody gives in another's name, and nothing that is drawn gives in turn: what was given
/// for minutes, or can be taken back, must not become more lasting than it is.
pub(super) fn accept(new: NewGrant, giver: &Principal) -> Result<Accepted, GrantError> {
    if impersonated(giver) {
        return Err(GrantError::Impersonated);
    }
    let api_key = match giver.credential {
        Credential::Session(_) => None,
        Credential::ApiKey(id) => Some(id),
        Credential::Grant(_) => return Err(GrantError::FromGrant),
    };
    let asked: Scopes = new.scopes.iter().map(String::as_str).collect();
    let mut faults = Vec::new();
    faults.extend(text("/reference", &new.reference));
    faults.extend(text("/description", &new.description));
    faults.extend(new.actor.as_deref().and_then(|actor| text("/actor", actor)));
    faults.extend(scopes(&asked, &giver.scopes));
    if !LASTS.contains(&new.lasts_seconds) {
        let detail = format!("{} to {} seconds are wanted", LASTS.start(), LASTS.end());
        faults.push(FieldError::new("/lasts_seconds", "out_of_range", detail));
    }
    if !faults.is_empty() {
        return Err(GrantError::Invalid(faults));
    }
    Ok(Accepted {
        reference: new.reference,
        description: new.description,
        actor: new.actor,
        scopes: asked.iter().map(str::to_owned).collect(),
        lasts: Duration::from_secs(new.lasts_seconds),
        api_key,
    })
}

/// Whether a person stands anywhere between the giver and whoever shows the token: services
/// do, when they call each other on somebody's behalf.
fn impersonated(giver: &Principal) -> bool {
    let chain = std::iter::successors(giver.actor.as_ref(), |actor| actor.act.as_deref());
    chain.into_iter().any(|actor| actor.sub.parse::<UserId>().is_ok())
}

fn text(pointer: &str, text: &str) -> Option<FieldError> {
    let good = (1..=LONGEST).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control);
    let detail =
        format!("1 to {LONGEST} characters are wanted, with no space around and no control characters");
    (!good).then(|| FieldError::new(pointer, "not_a_name", detail))
}

fn scopes(asked: &Scopes, held: &Scopes) -> Option<FieldError> {
    let beyond = asked.beyond(held);
    if asked.is_empty() {
        return Some(FieldError::new("/scopes", "missing_scopes", "at least one scope is wanted"));
    }
    if !beyond.is_empty() {
        let detail = format!("the token does not hold: {}", beyond.join(" "));
        return Some(FieldError::new("/scopes", "scope_not_held", detail));
    }
    let administers = asked.iter().find(|scope| scope.ends_with(":admin"))?;
    let detail = format!("work that nobody watches does not administer: {administers}");
    Some(FieldError::new("/scopes", "scope_not_grantable", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::Actor;
    use ids::{GrantId, OrgId, SessionId, Timestamp};

    fn giver(scopes: &[&str]) -> Principal {
        Principal {
            user: UserId::generate(),
            org: OrgId::generate(),
            scopes: scopes.iter().copied().collect(),
            roles: Vec::new(),
            credential: Credential::Session(SessionId::generate()),
            actor: None,
            authenticated_at: None,
            methods: Vec::new(),
            expires_at: Timestamp::now(),
            versions: (1, 1),
        }
    }

    fn new(scopes: &[&str]) -> NewGrant {
        NewGrant::new("t".into(), "exe_1", "An agent", scopes)
    }

    fn codes(error: GrantError) -> Vec<String> {
        let GrantError::Invalid(faults) = error else { panic!("{error:?}") };
        faults.into_iter().map(|fault| fault.code.to_string()).collect()
    }

    #[test]
    fn a_grant_never_has_more_than_its_giver_and_never_administers() {
        let giver = giver(&["prefs:read", "prefs:write", "auth:admin"]);
        let good = accept(new(&["prefs:write", "prefs:read", "prefs:read"]), &giver).unwrap();
        assert_eq!(good.scopes, ["prefs:read", "prefs:write"]);
        for (scopes, code) in [
            (&["orders:read"][..], "scope_not_held"),
            (&["auth:admin"], "scope_not_grantable"),
            (&[], "missing_scopes"),
        ] {
            assert_eq!(codes(accept(new(scopes), &giver).unwrap_err()), [code]);
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let bad = NewGrant {
            reference: String::new(),
            description: "x".repeat(LONGEST + 1),
            actor: Some(" a".to_owned()),
            lasts_seconds: 59,
            ..new(&[])
        };
        let codes = codes(accept(bad, &giver(&["prefs:read"])).unwrap_err());
        assert_eq!(codes, ["not_a_name", "not_a_name", "not_a_name", "missing_scopes", "out_of_range"]);
    }

    #[test]
    fn who_impersonates_and_what_was_drawn_give_nothing() {
        let person = Actor { sub: UserId::generate().to_string(), act: None };
        let service = |act| Some(Actor { sub: "service:agents".to_owned(), act });
        let through = |actor| Principal { actor, ..giver(&["prefs:read"]) };
        assert!(accept(new(&["prefs:read"]), &through(service(None))).is_ok());
        for actor in [Some(person.clone()), service(Some(Box::new(person)))] {
            let refused = accept(new(&["prefs:read"]), &through(actor));
            assert!(matches!(refused, Err(GrantError::Impersonated)));
        }
        let drawn =
            Principal { credential: Credential::Grant(GrantId::generate()), ..giver(&["prefs:read"]) };
        assert!(matches!(accept(new(&["prefs:read"]), &drawn), Err(GrantError::FromGrant)));
    }
}
