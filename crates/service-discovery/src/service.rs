use std::{fmt, str::FromStr};

/// Every service of Plinth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The one door: verifies the credential, routes, never decides business.
    Gateway,
    /// People, organisations, sessions, keys and tokens.
    Auth,
    /// Products and orders.
    Order,
    /// Preferences and feature flags.
    Prefs,
    /// Signed webhooks, out and in.
    Webhook,
    /// Plans, subscriptions and licences.
    Payments,
    /// E-mail.
    Notify,
    /// Tables, connectors and live updates.
    Workspace,
    /// AI agents.
    Agents,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 9] = [
        Self::Gateway,
        Self::Auth,
        Self::Order,
        Self::Prefs,
        Self::Webhook,
        Self::Payments,
        Self::Notify,
        Self::Workspace,
        Self::Agents,
    ];

    /// Those behind the gateway that this release contains.
    pub const SHIPPED: [Self; 3] = [Self::Auth, Self::Prefs, Self::Webhook];

    /// The name in URLs, tokens (`aud`), logs and variables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Auth => "auth",
            Self::Order => "order",
            Self::Prefs => "prefs",
            Self::Webhook => "webhook",
            Self::Payments => "payments",
            Self::Notify => "notify",
            Self::Workspace => "workspace",
            Self::Agents => "agents",
        }
    }

    /// The name in public paths: `/api/v1/webhooks/jobs/…`.
    #[must_use]
    pub const fn area(self) -> &'static str {
        match self {
            Self::Webhook => "webhooks",
            other => other.name(),
        }
    }

    /// The TCP port of the public listener.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Gateway => 8080,
            Self::Auth => 3001,
            Self::Order => 3002,
            Self::Prefs => 3003,
            Self::Webhook => 3004,
            Self::Payments => 3005,
            Self::Notify => 3006,
            Self::Workspace => 3010,
            Self::Agents => 8000,
        }
    }

    /// The TCP port of the internal listener: metrics and `/internal/*`.
    #[must_use]
    pub const fn internal_port(self) -> u16 {
        self.port() + 1000
    }

    /// The public paths that this service owns, each with all below it. The
    /// gateway takes the longest that fits.
    #[must_use]
    pub const fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Gateway => &[],
            Self::Auth => &[
                "/api/v1/auth",
                "/api/v1/orgs",
                "/api/v1/admin/users",
                "/api/v1/admin/audit",
                "/api/v1/admin/auth",
                "/.well-known/jwks.json",
                "/.well-known/openid-configuration",
            ],
            Self::Order => &["/api/v1/orders", "/api/v1/products"],
            Self::Prefs => &[
                "/api/v1/prefs",
                "/api/v1/admin/prefs",
                "/api/v1/flags",
                "/api/v1/flag-environments",
                "/api/v1/flag-segments",
                "/api/v1/experiments",
                "/ofrep/v1",
            ],
            Self::Webhook => &["/api/v1/webhooks", "/api/v1/hooks", "/api/v1/admin/webhooks"],
            Self::Payments => &["/api/v1/payments", "/api/v1/licenses", "/api/v1/entitlements"],
            Self::Notify => &["/api/v1/email"],
            Self::Workspace => &[
                "/api/v1/workspaces",
                "/api/v1/connections",
                "/api/v1/jobs",
                "/api/v1/uploads",
                "/ws/workspaces",
            ],
            Self::Agents => &[
                "/api/v1/agents",
                "/api/v1/executions",
                "/api/v1/agent-sessions",
                "/api/v1/usage",
                "/api/v1/providers",
                "/api/v1/prompts",
                "/v1/chat/completions",
                "/v1/models",
                "/mcp",
                "/ws",
            ],
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no service has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no service `{0}`")]
pub struct UnknownService(String);

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|service| service.name() == name);
        known.ok_or_else(|| UnknownService(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_and_no_path_has_two_owners() {
        let mut ports: Vec<u16> =
            Service::ALL.iter().flat_map(|service| [service.port(), service.internal_port()]).collect();
        let mut paths: Vec<&str> = Service::ALL.iter().flat_map(|service| service.paths()).copied().collect();
        ports.sort_unstable();
        paths.sort_unstable();
        assert!(ports.is_sorted_by(|one, next| one < next), "{ports:?}");
        assert!(paths.is_sorted_by(|one, next| one < next), "{paths:?}");
    }

    #[test]
    fn names_read_back() {
        for service in Service::ALL {
            assert_eq!(service.name().parse(), Ok(service));
        }
        assert!("Auth".parse::<Service>().is_err());
    }
}
