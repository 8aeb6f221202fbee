use std::{collections::BTreeMap, str::FromStr};

use rate_limiter::{NotAQuota, Policy, Quota};
use service_kit::settings::Reader;

/// How often clients may ask: `limits.*`.
#[derive(Clone, Debug)]
pub struct Rates {
    /// From one address, without a credential: `limits.ip`.
    pub(super) ip: Limit,
    /// From one address, what is to be guessed at: `limits.login`.
    pub(super) login: Limit,
    /// From one address, API keys, cookies and tickets that auth has to be asked about:
    /// `limits.proofs`.
    pub(super) proofs: Limit,
    /// To one source of webhooks: `limits.hooks`.
    pub(super) hooks: Limit,
    /// From one address, to all of them: `limits.senders`.
    pub(super) senders: Limit,
    /// Of one user, by plan: `limits.users`.
    pub(super) users: Plans,
    /// Of one organisation, by plan: `limits.organizations`.
    pub(super) organizations: Plans,
    /// How many gateways there are: `limits.replicas`.
    pub(crate) replicas: u32,
}

/// A policy, where there is one.
pub(super) type Limit = Option<Policy>;

/// What each plan allows; the one named `default` holds where a plan is not listed.
#[derive(Clone, Debug)]
pub(super) struct Plans(BTreeMap<String, Limit>);

/// The plan that holds where no other does.
const DEFAULT: &str = "default";

impl Rates {
    /// Reads them; with `limits.enforced = false` there are none.
    pub(crate) fn read(read: &mut Reader) -> Self {
        let enforced = read.or("limits.enforced", true);
        let mut limit = |name: &str, default: Quota| {
            let Given(quota) = read.or(&format!("limits.{name}"), Given(Some(default)));
            quota.filter(|_| enforced).map(|quota| Policy::new(name, quota))
        };
        let ip = limit("ip", Quota::per_minute(100));
        let login = limit("login", Quota::per_minute(30)).map(Policy::failing_closed);
        let proofs = limit("proofs", Quota::per_minute(300));
        let hooks = limit("hooks", Quota::per_second(10));
        let senders = limit("senders", Quota::per_second(100));
        let mut plans = |key: &str, name: &str, default: Quota| {
            let Table(given) = read.or(&format!("limits.{key}"), Table(BTreeMap::new()));
            let of_default = (DEFAULT.to_owned(), Some(default));
            let policy =
                |quota: Option<Quota>| quota.filter(|_| enforced).map(|quota| Policy::new(name, quota));
            let all = [of_default].into_iter().chain(given);
            Plans(all.map(|(plan, quota)| (plan, policy(quota))).collect())
        };
        let users = plans("users", "user", Quota::per_minute(1_000));
        let organizations = plans("organizations", "org", Quota::per_minute(10_000));
        let replicas = read.within("limits.replicas", 1, 1..=1_000);
        Self { ip, login, proofs, hooks, senders, users, organizations, replicas }
    }
}

impl Plans {
    /// What this plan allows.
    pub(super) fn of(&self, plan: Option<&str>) -> Option<&Policy> {
        let known = plan.and_then(|plan| self.0.get(plan));
        known.or_else(|| self.0.get(DEFAULT))?.as_ref()
    }
}

/// A quota, or `off`.
#[derive(Clone, Copy, Debug)]
struct Given(Option<Quota>);

impl FromStr for Given {
    type Err = NotAQuota;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" { Ok(Self(None)) } else { text.parse().map(|quota| Self(Some(quota))) }
    }
}

/// Plans and their quotas: `default=1000/m, pro=5000/m burst 500`.
#[derive(Debug)]
struct Table(BTreeMap<String, Option<Quota>>);

impl FromStr for Table {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let row = |row: &str| {
            let (plan, quota) =
                row.split_once('=').ok_or("plans such as `default=1000/m, pro=5000/m` are wanted")?;
            let Given(quota) = quota.trim().parse().map_err(|why: NotAQuota| why.to_string())?;
            Ok((plan.trim().to_owned(), quota))
        };
        text.split(',').map(row).collect::<Result<_, String>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service_discovery::Service;

    fn read(variables: &[(&str, &str)]) -> Result<Rates, String> {
        let named =
            variables.iter().map(|(name, value)| (format!("GATEWAY__LIMITS__{name}"), (*value).to_owned()));
        let mut reader = Reader::new(Service::Gateway, None, named);
        let rates = Rates::read(&mut reader);
        reader.finish(Some(rates)).map_err(|faults| faults.to_string())
    }

    fn quota(limit: Option<&Policy>) -> Option<Quota> {
        limit.map(Policy::quota)
    }

    #[test]
    fn the_defaults_are_limits() {
        let rates = read(&[]).unwrap();
        assert_eq!(quota(rates.ip.as_ref()), Some(Quota::per_minute(100)));
        assert_eq!(quota(rates.users.of(None)), Some(Quota::per_minute(1000)));
        assert!(rates.login.is_some_and(|policy| policy.fails_closed()));
        assert!(!rates.ip.is_some_and(|policy| policy.fails_closed()));
    }

    #[test]
    fn a_plan_has_its_own_quota_and_an_unknown_one_the_default() {
        let rates = read(&[("USERS", "free=100/m, pro = 5000/m burst 500, boundless=off")]).unwrap();
        assert_eq!(quota(rates.users.of(Some("pro"))), Some(Quota::per_minute(5000).with_burst(500)));
        assert_eq!(quota(rates.users.of(Some("unheard"))), Some(Quota::per_minute(1000)));
        assert_eq!(quota(rates.users.of(Some("boundless"))), None);
        let rates = read(&[("USERS", "default=7/m")]).unwrap();
        assert_eq!(quota(rates.users.of(Some("free"))), Some(Quota::per_minute(7)));
    }

    #[test]
    fn what_is_off_is_off() {
        let rates = read(&[("IP", "off"), ("HOOKS", "1/s")]).unwrap();
        assert!(rates.ip.is_none() && rates.hooks.is_some());
        let rates = read(&[("ENFORCED", "false"), ("HOOKS", "1/s")]).unwrap();
        assert!(rates.hooks.is_none() && rates.login.is_none() && rates.users.of(None).is_none());
    }

    #[test]
    fn every_fault_is_told() {
        let told =
            read(&[("IP", "many"), ("USERS", "free"), ("ORGANIZATIONS", "a=1/m,b=x"), ("REPLICAS", "0")]);
        let told = told.unwrap_err();
        for name in ["IP", "USERS", "ORGANIZATIONS", "REPLICAS"] {
            assert!(told.contains(&format!("GATEWAY__LIMITS__{name}:")), "{name}\n{told}");
        }
    }
}
