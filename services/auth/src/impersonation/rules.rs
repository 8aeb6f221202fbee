use std::{ops::RangeInclusive, time::Duration};

use contract_auth::Impersonate;
use identity::{Credential, Principal, Scopes};
use ids::{SessionId, Timestamp, UserId};
use problem::FieldError;

use super::ImpersonationError;
use crate::user::{UserError, accept_reason};

/// How long it may last, minutes.
const MINUTES: RangeInclusive<u32> = 1..=60;

/// How long it lasts unless the caller says.
const USUAL: u32 = 15;

/// The longest life of its access tokens, as of all.
const TOKEN: Duration = Duration::from_secs(15 * 60);

/// What it never may beside what administers: to take the account or an organisation
/// over, to spend money, and to speak to others in the user's name.
const NEVER: [&str; 5] = ["auth:write", "orgs:write", "payments:write", "licenses:write", "email:write"];

/// What somebody wants who may have it.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) reason: String,
    pub(super) lasts: Duration,
}

/// Every fault of a wish at once, or what may be carried out.
pub(super) fn accept(
    caller: UserId,
    user: UserId,
    wish: &Impersonate,
) -> Result<Accepted, ImpersonationError> {
    if caller == user {
        return Err(ImpersonationError::Oneself);
    }
    let mut faults = Vec::new();
    let reason = match accept_reason(&wish.reason) {
        Ok(reason) => reason,
        Err(UserError::Invalid(fields)) => {
            faults.extend(fields);
            String::new()
        }
        Err(other) => return Err(other.into()),
    };
    let minutes = wish.minutes.unwrap_or(USUAL);
    if !MINUTES.contains(&minutes) {
        let detail = format!("{} to {} minutes are wanted", MINUTES.start(), MINUTES.end());
        faults.push(FieldError::new("/minutes", "out_of_range", detail));
    }
    let lasts = Duration::from_secs(60 * u64::from(minutes));
    if faults.is_empty() { Ok(Accepted { reason, lasts }) } else { Err(ImpersonationError::Invalid(faults)) }
}

/// What is left of the user's scopes.
pub(super) fn narrowed(scopes: &[String]) -> Scopes {
    let harmless = |scope: &&String| !scope.ends_with(":admin") && !NEVER.contains(&scope.as_str());
    scopes.iter().filter(harmless).collect()
}

/// How long the next access token lives.
pub(super) fn token_lifetime(ends_at: Timestamp, now: Timestamp) -> Duration {
    ends_at.since(now).min(TOKEN)
}

/// The administrator who acts by this token, and the session.
pub(super) fn of(caller: &Principal) -> Result<(UserId, SessionId), ImpersonationError> {
    let administrator = caller.actor.as_ref().and_then(|actor| actor.sub.parse().ok());
    match (administrator, caller.credential) {
        (Some(administrator), Credential::Session(session)) => Ok((administrator, session)),
        _ => Err(ImpersonationError::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(reason: &str, minutes: Option<u32>) -> Impersonate {
        Impersonate { reason: reason.to_owned(), minutes, org_id: None }
    }

    #[test]
    fn it_has_a_reason_and_an_end() {
        let (ada, eve) = (UserId::generate(), UserId::generate());
        assert_eq!(accept(ada, eve, &wish(" x ", None)).unwrap().lasts, Duration::from_secs(900));
        assert_eq!(accept(ada, eve, &wish("x", Some(60))).unwrap().lasts, Duration::from_secs(3600));
        for (reason, minutes, faults) in [(" ", None, 1), ("x", Some(0), 1), ("", Some(61), 2)] {
            let Err(ImpersonationError::Invalid(found)) = accept(ada, eve, &wish(reason, minutes)) else {
                panic!("{reason} {minutes:?}")
            };
            assert_eq!(found.len(), faults);
        }
        assert!(matches!(accept(ada, ada, &wish("x", None)), Err(ImpersonationError::Oneself)));
    }

    #[test]
    fn what_administers_or_takes_over_is_left_out() {
        let all = ["auth:admin", "auth:read", "auth:write", "flags:admin", "payments:write", "prefs:write"];
        assert_eq!(narrowed(&all.map(str::to_owned)).to_string(), "auth:read prefs:write");
    }

    #[test]
    fn no_token_outlives_the_impersonation_or_any_other_token() {
        let now = Timestamp::now();
        assert_eq!(token_lifetime(now + Duration::from_secs(3600), now), TOKEN);
        assert_eq!(token_lifetime(now + Duration::from_secs(60), now), Duration::from_secs(60));
    }
}
