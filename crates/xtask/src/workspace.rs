//! The workspace as `cargo metadata` tells it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The members of the workspace and where it lives.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    #[serde(rename = "packages")]
    pub(crate) members: Vec<Member>,
}

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Below the root once loaded, with `/` between the parts: `services/auth/Cargo.toml`.
    #[serde(rename = "manifest_path")]
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// One line of a package's `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    architecture: Option<Architecture>,
}

#[derive(Debug, Deserialize)]
struct Architecture {
    floor: u8,
}

impl Workspace {
    /// Asks cargo about the workspace of the current folder.
    pub(crate) fn load() -> Result<Self> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version=1", "--no-deps"])
            .output()
            .context("cargo metadata did not start")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let mut workspace: Self = serde_json::from_slice(&output.stdout)?;
        for member in &mut workspace.members {
            let below = Path::new(&member.manifest).strip_prefix(&workspace.root)?;
            member.manifest = below.to_string_lossy().replace('\\', "/");
        }
        workspace.members.sort_by(|a, b| a.manifest.cmp(&b.manifest));
        Ok(workspace)
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The services that other people call: everything below `services/` except the monolith.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_service())
    }
}

impl Member {
    /// The package's folder below the root: `crates/contracts/auth`.
    pub(crate) fn folder(&self) -> &str {
        self.manifest.strip_suffix("/Cargo.toml").unwrap_or_default()
    }

    /// The floor that the package declares; see ARCHITECTURE.md.
    pub(crate) fn floor(&self) -> Option<u8> {
        self.metadata.as_ref()?.architecture.as_ref().map(|architecture| architecture.floor)
    }

    pub(crate) fn is_service(&self) -> bool {
        self.manifest.starts_with("services/") && self.name != "plinth"
    }

    /// A contract: the shapes, routes and client of one called service.
    pub(crate) fn is_contract(&self) -> bool {
        self.manifest.starts_with("crates/contracts/")
    }
}

impl Dependency {
    /// Dev-dependencies are exempt from the floors: a test may reach up.
    pub(crate) fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

#[cfg(test)]
pub(crate) mod sample {
    use super::*;

    /// A member at `folder` on `floor`; a dependency is written `name` or `dev:name`.
    pub(crate) fn member(folder: &str, name: &str, floor: Option<u8>, dependencies: &[&str]) -> Member {
        let dependency = |text: &&str| match text.split_once(':') {
            Some((kind, name)) => Dependency { name: name.into(), kind: Some(kind.into()) },
            None => Dependency { name: (*text).into(), kind: None },
        };
        Member {
            name: name.into(),
            manifest: format!("{folder}/Cargo.toml"),
            dependencies: dependencies.iter().map(dependency).collect(),
            metadata: floor.map(|floor| Metadata { architecture: Some(Architecture { floor }) }),
        }
    }

    pub(crate) fn workspace(members: Vec<Member>) -> Workspace {
        Workspace { root: PathBuf::from("."), target: PathBuf::from("target"), members }
    }
}
