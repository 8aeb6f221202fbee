use std::net::IpAddr;

use contract_auth::routes;
use identity::Claims;
use rate_limiter::{Count, Policy, Quota};

use super::Rates;
use crate::proxy::headers::HOOKS;

/// Of the operations that take no credential, those that nobody can guess at.
const NOT_GUESSED_AT: [&str; 3] = [routes::REFRESH, routes::JWKS, routes::DISCOVERY];

/// What a request counts as that shows no credential: webhooks against their source, and loosely
/// against who sends them, since senders share addresses but anybody can invent sources; all else
/// against the client's address, and what can be guessed at more tightly.
pub(super) fn anonymous(rates: &Rates, client: IpAddr, path: &str) -> Vec<Count> {
    if let Some(source) = source(path) {
        let hooks = rates.hooks.iter().map(|policy| policy.of(source));
        return hooks.chain(rates.senders.iter().map(|policy| policy.of_address(client))).collect();
    }
    let login = rates.login.iter().filter(|_| is_guessed_at(path));
    rates.ip.iter().chain(login).map(|policy| policy.of_address(client)).collect()
}

/// What a request counts as whose proof auth has to be asked about.
pub(super) fn unproven(rates: &Rates, client: IpAddr) -> Vec<Count> {
    rates.proofs.iter().map(|policy| policy.of_address(client)).collect()
}

/// What a request with these claims counts as: by the plan of its user and organisation, and by
/// what the maker of its API key allowed.
pub(super) fn known(rates: &Rates, claims: &Claims) -> Vec<Count> {
    // Billing will name the plan, in a claim.
    let plan = None;
    let own = claims.rpm.map(|rpm| Policy::new("key", Quota::per_minute(rpm)));
    let key = own.map(|policy| policy.of(claims.sid.as_ref().unwrap_or(&claims.sub)));
    let user = rates.users.of(plan).map(|policy| policy.of(&claims.sub));
    let organization = rates.organizations.of(plan).zip(claims.org);
    let organization = organization.map(|(policy, id)| policy.of(id.to_string()));
    [key, user, organization].into_iter().flatten().collect()
}

/// Operations that log in, prove something once, or say who has an account.
fn is_guessed_at(path: &str) -> bool {
    routes::OPEN.contains(&path) && !NOT_GUESSED_AT.contains(&path)
}

/// The source that a webhook's path names: its first segment after the prefix.
fn source(path: &str) -> Option<&str> {
    let prefix = HOOKS.iter().find(|prefix| path.starts_with(**prefix))?;
    let name = path[prefix.len()..].split(['/', '?']).next().unwrap_or_default();
    Some(&path[..prefix.len() + name.len()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use service_discovery::Service;
    use service_kit::settings::Reader;

    fn rates() -> Rates {
        Rates::read(&mut Reader::new(Service::Gateway, None, []))
    }

    fn names(counts: &[Count]) -> Vec<String> {
        counts.iter().map(|count| count.policy().name().to_owned()).collect()
    }

    fn claims(rpm: Option<u32>) -> Claims {
        serde_json::from_value(serde_json::json!({
            "iss": "i", "sub": "usr_1", "aud": "plinth", "jti": "j", "iat": 0, "exp": 1,
            "org": ids::OrgId::generate(), "sid": "key_1", "rpm": rpm,
        }))
        .unwrap()
    }

    #[test]
    fn what_can_be_guessed_at_has_a_policy_of_its_own() {
        let client = "192.0.2.1".parse().unwrap();
        let policies = |path: &str| names(&anonymous(&rates(), client, path));
        for path in [routes::LOGIN, routes::REGISTER, routes::MFA_VERIFY, routes::MAGIC_LINK_VERIFY] {
            assert_eq!(policies(path), ["ip", "login"], "{path}");
        }
        for path in
            [routes::REFRESH, routes::JWKS, "/api/v1/auth/me", "/api/v1/auth/login/x", "/api/v1/prefs"]
        {
            assert_eq!(policies(path), ["ip"], "{path}");
        }
        assert_eq!(policies("/api/v1/hooks/src_1"), ["hooks", "senders"]);
    }

    #[test]
    fn a_webhook_counts_for_its_source_whatever_follows() {
        assert_eq!(source("/api/v1/hooks/src_1/more"), Some("/api/v1/hooks/src_1"));
        assert_eq!(source("/api/v1/payments/webhooks/stripe"), Some("/api/v1/payments/webhooks/stripe"));
        assert_eq!(source("/api/v1/hooks/"), Some("/api/v1/hooks/"));
        assert_eq!(source("/api/v1/hooks"), None);
        assert_eq!(source("/api/v1/prefs/api/v1/hooks/x"), None);
    }

    #[test]
    fn a_credential_counts_for_its_user_its_organisation_and_its_key() {
        assert_eq!(names(&known(&rates(), &claims(None))), ["user", "org"]);
        assert_eq!(names(&known(&rates(), &claims(Some(30)))), ["key", "user", "org"]);
        assert_eq!(names(&unproven(&rates(), "192.0.2.1".parse().unwrap())), ["proofs"]);
    }
}
