use secrecy::{ExposeSecret, SecretString};

use crate::settings::Settings;

/// What lasts as long as the process and differs, by its variables. All else follows from the
/// front; where a new setting belongs is to be said here.
pub(super) fn fixed_that_differ(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let Settings {
        http,
        logs,
        registry,
        client_secret,
        redis_url,
        redis_patience,
        access_log,
        services_tls,
        services: _,
        keys: _,
        trusted_proxies: _,
        connections_per_address: _,
        limits: _,
        health: _,
        rates: _,
    } = old;
    let all = [
        ("GATEWAY__HTTP__*", *http == new.http),
        ("GATEWAY__LOG__* or GATEWAY__OTLP__*", *logs == new.logs),
        ("PLINTH_PUBLIC_URL", registry.public_origin() == new.registry.public_origin()),
        ("GATEWAY__CLIENT__SECRET", is_same(client_secret, &new.client_secret)),
        ("GATEWAY__REDIS__URL", is_same(redis_url, &new.redis_url)),
        ("GATEWAY__REDIS__PATIENCE_MS", *redis_patience == new.redis_patience),
        ("GATEWAY__ACCESS_LOG", *access_log == new.access_log),
        ("GATEWAY__SERVICES_TLS__* or PLINTH_CA_FILE", *services_tls == new.services_tls),
    ];
    all.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

#[cfg(test)]
mod tests {
    use service_discovery::Service;
    use service_kit::settings::Reader;

    use super::*;

    const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    /// What must be given, and these.
    fn settings(more: &[(&str, &str)]) -> Settings {
        let must = [
            ("GATEWAY__TOKEN__KEYS", SEED),
            ("GATEWAY__CLIENT__SECRET", "0123456789abcdef0123456789abcdef"),
            ("GATEWAY__REDIS__URL", "redis://127.0.0.1:6379"),
        ];
        let all = must.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(Reader::new(Service::Gateway, None, all)).unwrap()
    }

    #[test]
    fn what_lasts_as_long_as_the_process_is_named_when_it_differs() {
        for (variable, value, named) in [
            ("GATEWAY__HTTP__WORKERS", "77", "GATEWAY__HTTP__*"),
            ("PLINTH_ENV", "development", "GATEWAY__HTTP__*"),
            ("GATEWAY__LOG__LEVEL", "warn", "GATEWAY__LOG__* or GATEWAY__OTLP__*"),
            ("GATEWAY__OTLP__SAMPLED", "0.5", "GATEWAY__LOG__* or GATEWAY__OTLP__*"),
            ("PLINTH_PUBLIC_URL", "https://api.example.com", "PLINTH_PUBLIC_URL"),
            ("GATEWAY__CLIENT__SECRET", "0123456789abcdef0123456789abcdee", "GATEWAY__CLIENT__SECRET"),
            ("GATEWAY__REDIS__URL", "redis://127.0.0.1:6380", "GATEWAY__REDIS__URL"),
            ("GATEWAY__REDIS__PATIENCE_MS", "51", "GATEWAY__REDIS__PATIENCE_MS"),
            ("GATEWAY__ACCESS_LOG", "off", "GATEWAY__ACCESS_LOG"),
        ] {
            let differ = fixed_that_differ(&settings(&[]), &settings(&[(variable, value)]));
            assert_eq!(differ, [named], "{variable}");
        }
    }

    #[test]
    fn what_is_shown_to_services_lasts_too() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let other = settings(&[
            ("GATEWAY__SERVICES_TLS__CERTIFICATE_FILE", file),
            ("GATEWAY__SERVICES_TLS__KEY_FILE", file),
        ]);
        let named = "GATEWAY__SERVICES_TLS__* or PLINTH_CA_FILE";
        assert_eq!(fixed_that_differ(&settings(&[]), &other), [named]);
    }

    #[test]
    fn all_else_may_differ() {
        let other = settings(&[
            ("GATEWAY__SERVICES", "auth"),
            ("GATEWAY__TOKEN__KEYS", &format!("{SEED},{SEED}")),
            ("GATEWAY__TRUSTED_PROXIES", "10.0.0.0/8"),
            ("GATEWAY__CONNECTIONS_PER_ADDRESS", "7"),
            ("GATEWAY__MAX_BODY_BYTES", "7"),
            ("GATEWAY__TIMEOUTS__CONNECT_MS", "7"),
            ("GATEWAY__HEALTH__INTERVAL_MS", "7"),
            ("GATEWAY__LIMITS__IP", "7/m"),
            ("GATEWAY__LIMITS__REPLICAS", "7"),
            ("AUTH_SERVICE_URL", "http://a:1?weight=7"),
            ("AUTH_INTERNAL_URL", "http://a:1"),
            ("PLINTH_TRUSTED_ORIGINS", "https://app.example.com"),
        ]);
        assert_eq!(fixed_that_differ(&settings(&[]), &other), [""; 0]);
    }
}
