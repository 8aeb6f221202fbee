use std::{fs, path::PathBuf};

use data_encoding::BASE64;
use gateway::Outcome;
use tempfile::TempDir;

use crate::{
    auth::Auth,
    instance::{Instance, urls},
    spawn::Gateway,
};

/// The name of the file.
pub(crate) const FILE: &str = "plinth.toml";

/// A gateway whose settings are in a file, as far as they may change.
pub(crate) struct Configured {
    pub(crate) auth: Auth,
    pub(crate) gateway: Gateway,
    pub(crate) file: PathBuf,
    pub(crate) dir: TempDir,
}

/// What the file says of prefs' instances.
pub(crate) fn prefs(listed: &str) -> String {
    format!("[shared]\nprefs_service_url = \"{listed}\"\n")
}

/// The same, of these, each with the weight 1.
pub(crate) fn all(instances: &[&Instance]) -> String {
    prefs(&urls(instances))
}

pub(crate) async fn spawn(text: &str) -> Configured {
    spawn_with(text, &[]).await
}

/// With variables besides the usual ones, or in their place.
pub(crate) async fn spawn_with(text: &str, variables: &[(&str, &str)]) -> Configured {
    let (auth, keys) = (Auth::start(), key(9));
    let place = auth.url.clone();
    let mut all = vec![("AUTH_INTERNAL_URL", place.as_str()), ("GATEWAY__TOKEN__KEYS", &keys)];
    all.extend_from_slice(variables);
    spawn_bare(auth, text, &all).await
}

/// With these variables alone, so that the file may say all else.
pub(crate) async fn spawn_bare(auth: Auth, text: &str, variables: &[(&str, &str)]) -> Configured {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), text).unwrap();
    spawn_in(dir, auth, variables).await
}

/// With the file that is in this directory.
pub(crate) async fn spawn_in(dir: TempDir, auth: Auth, variables: &[(&str, &str)]) -> Configured {
    let file = dir.path().join(FILE);
    let gateway = Gateway::start_from(Some(file.clone()), variables).await;
    testing::until_ready(&format!("http://{}", gateway.address)).await;
    Configured { auth, gateway, file, dir }
}

/// A key that signs inward tokens.
pub(crate) fn key(seed: u8) -> String {
    BASE64.encode(&[seed; 32])
}

impl Configured {
    /// As an editor does it, so that no half of it is ever read.
    pub(crate) fn write(&self, text: &str) {
        let written = self.dir.path().join("written");
        fs::write(&written, text).unwrap();
        fs::rename(&written, &self.file).unwrap();
    }

    pub(crate) async fn reload(&self, text: &str) -> Outcome {
        self.write(text);
        self.gateway.reloader.reload().await.unwrap()
    }

    /// The new text is taken up at once.
    pub(crate) async fn apply(&self, text: &str) {
        assert_eq!(self.reload(text).await, Outcome::Applied, "{text}");
    }

    /// What Prometheus reads under this name, labels included.
    pub(crate) async fn metric(&self, name: &str) -> i64 {
        let url = format!("http://{}/metrics", self.gateway.internal);
        let text = testing::http().get(url).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) async fn reloads(&self, outcome: &str) -> i64 {
        self.metric(&format!("gateway_config_reloads_total{{outcome=\"{outcome}\"")).await
    }
}
