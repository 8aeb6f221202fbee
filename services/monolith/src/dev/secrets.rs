//! The secrets of a development machine: made once, at random, kept from other users.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use aws_lc_rs::rand;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use service_discovery::Service;

use super::state::write_private;

const KEY_BYTES: usize = 32;

/// All of them. A file of an earlier version lacks the newer ones; they are added.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// Of PostgreSQL's superuser.
    #[serde(default = "password")]
    pub(crate) postgres: String,
    #[serde(default = "password")]
    pub(crate) redis: String,
    #[serde(default = "Roles::new")]
    pub(crate) auth_database: Roles,
    #[serde(default = "Roles::new")]
    pub(crate) prefs_database: Roles,
    #[serde(default = "Roles::new")]
    pub(crate) webhook_database: Roles,
    /// Seals auth's secrets at rest: `id:base64`.
    #[serde(default = "sealing_key")]
    pub(crate) auth_sealing: String,
    #[serde(default = "sealing_key")]
    pub(crate) prefs_sealing: String,
    #[serde(default = "sealing_key")]
    pub(crate) webhook_sealing: String,
    /// With which a service shows auth which one it is.
    #[serde(default = "password")]
    pub(crate) gateway_client: String,
    #[serde(default = "password")]
    pub(crate) prefs_client: String,
    #[serde(default = "password")]
    pub(crate) webhook_client: String,
    #[serde(default = "password")]
    pub(crate) notify_client: String,
    /// The Ed25519 seed of the gateway's inward tokens, base64.
    #[serde(default = "key")]
    pub(crate) gateway_token: String,
}

/// The passwords of a database's two roles.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roles {
    pub(crate) owner: String,
    pub(crate) serving: String,
}

impl Secrets {
    /// Reads the file; makes it, or what it lacks.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => "{}".to_owned(),
            text => text.with_context(|| format!("can't read {}", path.display()))?,
        };
        let unfit = || format!("{} is damaged; start afresh with --fresh", path.display());
        let secrets: Self = serde_json::from_str(&text).with_context(unfit)?;
        if serde_json::from_str::<serde_json::Value>(&text)? != serde_json::to_value(&secrets)? {
            write_private(path, &secrets).with_context(|| format!("can't write {}", path.display()))?;
        }
        Ok(secrets)
    }

    /// The passwords of a service's database. None if it has no database.
    pub(crate) fn database(&self, service: Service) -> Option<&Roles> {
        match service {
            Service::Auth => Some(&self.auth_database),
            Service::Prefs => Some(&self.prefs_database),
            Service::Webhook => Some(&self.webhook_database),
            _ => None,
        }
    }
}

impl Roles {
    fn new() -> Self {
        Self { owner: password(), serving: password() }
    }
}

/// 32 random bytes in letters that a URL takes as they are.
fn password() -> String {
    BASE64URL_NOPAD.encode(&random())
}

fn key() -> String {
    BASE64.encode(&random())
}

fn sealing_key() -> String {
    format!("dev:{}", key())
}

#[expect(clippy::expect_used, reason = "a machine without randomness can't run Plinth")]
fn random() -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).expect("the system's randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn are_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.json");
        let made = Secrets::load(&path).unwrap();
        assert!(made == Secrets::load(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_an_older_file_lacks_is_added() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.json");
        fs::write(&path, r#"{"redis": "kept"}"#).unwrap();
        let filled = Secrets::load(&path).unwrap();
        assert_eq!(filled.redis, "kept");
        assert!(filled == Secrets::load(&path).unwrap());
    }
}
