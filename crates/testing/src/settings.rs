//! What `cargo xtask test` says in the environment, and plain HTTP.

use std::{path::PathBuf, time::Duration};

/// The superuser's URL of the test run's PostgreSQL.
pub(crate) fn postgres_url() -> String {
    variable("PLINTH_TEST_POSTGRES_URL")
}

/// The test run's Redis.
#[must_use]
pub fn redis_url() -> String {
    variable("PLINTH_TEST_REDIS_URL")
}

/// The directory of the binaries `auth`, `prefs`, `gateway` and `plinth`.
#[must_use]
pub fn bin_dir() -> PathBuf {
    variable("PLINTH_BIN_DIR").into()
}

/// The directory of the same binaries of the release before, which `cargo xtask upgrade` builds.
#[must_use]
pub fn previous_bin_dir() -> PathBuf {
    variable("PLINTH_PREVIOUS_BIN_DIR").into()
}

/// A client for raw requests: no redirects, no proxy, 30 s at most.
#[must_use]
#[expect(clippy::expect_used, reason = "a test without a client cannot go on")]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client for tests")
}

#[expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "the one place where tests read the environment"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `cargo xtask test`"))
}

/// Waits until the service at `base` says that it is ready, for half a minute at most.
#[expect(clippy::panic, reason = "a test whose service does not start cannot go on")]
pub async fn until_ready(base: &str) {
    let http = http();
    for _ in 0..600 {
        let reply = http.get(format!("{base}/readyz")).send().await;
        if reply.is_ok_and(|reply| reply.status().is_success()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{base} is not ready");
}
