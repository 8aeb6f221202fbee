//! What a service is told: everything that it reads, and nothing of the shell's.

use service_discovery::{Registry, Service};
use tokio::process::Command;

use super::ports::known;
use super::run::Run;
use super::settings;

/// Gives a service's program its whole environment.
pub(crate) fn give(command: &mut Command, run: &Run, service: Service) {
    command.env_clear().envs(settings::inherited()).envs(variables(run, service));
}

fn variables(run: &Run, service: Service) -> Vec<(String, String)> {
    let mut all = addresses(run);
    all.push(("PLINTH_ENV".to_owned(), "development".to_owned()));
    let prefix = service.name().to_uppercase();
    let own = [
        listeners(run, service),
        database(run, service),
        secrets(run, service),
        limits(run, service),
        deletion(run, service),
    ]
    .concat();
    all.extend(own.into_iter().map(|(name, value)| (format!("{prefix}__{name}"), value)));
    all
}

/// Where everybody finds everybody.
fn addresses(run: &Run) -> Vec<(String, String)> {
    let mut all = vec![(Registry::PUBLIC_URL.to_owned(), run.ports.url(Service::Gateway))];
    for service in known() {
        let name = service.name().to_uppercase();
        all.push((format!("{name}_SERVICE_URL"), run.ports.url(service)));
        all.push((format!("{name}_INTERNAL_URL"), run.ports.internal_url(service)));
    }
    all
}

type Own = Vec<(&'static str, String)>;

fn listeners(run: &Run, service: Service) -> Own {
    vec![
        ("HTTP__BIND", format!("127.0.0.1:{}", run.ports.public(service))),
        ("HTTP__INTERNAL_BIND", format!("127.0.0.1:{}", run.ports.internal(service))),
        ("LOG__FORMAT", "text".to_owned()),
    ]
}

fn database(run: &Run, service: Service) -> Own {
    run.database_url(service).map(|url| ("DATABASE__URL", url)).into_iter().collect()
}

fn secrets(run: &Run, service: Service) -> Own {
    let secrets = &run.secrets;
    match service {
        Service::Auth => vec![
            ("SEALING__KEYS", secrets.auth_sealing.clone()),
            ("CLIENTS__GATEWAY", secrets.gateway_client.clone()),
            ("CLIENTS__PREFS", secrets.prefs_client.clone()),
            ("CLIENTS__WEBHOOK", secrets.webhook_client.clone()),
            ("CLIENTS__NOTIFY", secrets.notify_client.clone()),
            ("EXPORTS__SERVICES", others(run, service)),
            ("EVENTS__SUBSCRIBERS", format!("{},notify", others(run, service))),
        ],
        Service::Gateway => vec![
            ("TOKEN__KEYS", secrets.gateway_token.clone()),
            ("CLIENT__SECRET", secrets.gateway_client.clone()),
            ("REDIS__URL", run.redis_url()),
            ("SERVICES", others(run, service)),
            ("ACCESS_LOG", run.log("access").display().to_string()),
        ],
        Service::Prefs => vec![
            ("SEALING__KEYS", secrets.prefs_sealing.clone()),
            ("CLIENT__SECRET", secrets.prefs_client.clone()),
            ("EVENTS__SUBSCRIBERS", others(run, service)),
        ],
        Service::Webhook => vec![
            ("SEALING__KEYS", secrets.webhook_sealing.clone()),
            ("CLIENT__SECRET", secrets.webhook_client.clone()),
            ("EVENTS__SUBSCRIBERS", others(run, service)),
        ],
        Service::Notify => vec![("CLIENT__SECRET", secrets.notify_client.clone())],
        _ => Vec::new(),
    }
}

/// Everybody on this machine, tests among them, has the same address.
fn limits(run: &Run, service: Service) -> Own {
    let generous = match service {
        _ if run.strict_limits => return Vec::new(),
        Service::Auth => ("LOGIN__FAILURES_PER_ADDRESS", "100000"),
        Service::Gateway => ("LIMITS__ENFORCED", "false"),
        _ => return Vec::new(),
    };
    vec![(generous.0, generous.1.to_owned())]
}

/// How long accounts can be restored, where that was asked for.
fn deletion(run: &Run, service: Service) -> Own {
    let days = run.deletion_grace_days.filter(|_| service == Service::Auth);
    days.map(|days| ("ACCOUNTS__DELETION_GRACE_DAYS", days.to_string())).into_iter().collect()
}

/// The services of this run behind the gateway, without itself.
fn others(run: &Run, own: Service) -> String {
    let behind = run.services.iter().filter(|service| **service != Service::Gateway && **service != own);
    behind.map(|service| service.name()).collect::<Vec<_>>().join(",")
}
