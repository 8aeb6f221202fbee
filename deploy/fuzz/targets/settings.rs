//! Settings of a service: variables, and a TOML file.
//!
//! They are read or their faults are told, and no fault and no settings that are printed
//! repeat a secret. Before a line `---` stand variables (`NAME=value`), behind it the file.

#![no_main]

use std::{fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use service_discovery::Service;
use service_kit::settings::{Faults, Reader};
use tempfile::TempDir;

/// Part of every secret, and of nothing else. Base64 may hold it, a key's name may not.
const MARK: &str = "Hunter22";

/// The last words of the names of secrets.
const SECRETS: [&str; 7] = ["url", "owner_url", "keys", "secret", "gateway", "prefs", "webhook"];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = without_mark(text);
    let (variables, file) = text.split_once("---\n").unwrap_or((&text, ""));
    let file: String = file.lines().map(|line| marked(line, " = \"") + "\n").collect();
    let path = FOLDER.path().join("plinth.toml");
    fs::write(&path, file).expect("a file");
    for (service, read) in
        [(Service::Auth, read_auth as fn(Reader) -> Result<String, Faults>), (Service::Gateway, read_gateway)]
    {
        let told = match read(Reader::new(service, Some(&path), variables_of(variables))) {
            Ok(settings) => settings,
            Err(faults) => {
                let told = faults.to_string();
                assert!(told.contains(" wrong:\n  "), "nothing is wrong, and yet: {told}");
                told
            }
        };
        let leaks = told.to_lowercase().contains(&MARK.to_lowercase());
        assert!(!leaks, "{service} tells a secret:\n{told}");
    }
});

fn read_auth(read: Reader) -> Result<String, Faults> {
    auth::Settings::read(read).map(|settings| format!("{settings:?}"))
}

fn read_gateway(read: Reader) -> Result<String, Faults> {
    gateway::Settings::read(read).map(|settings| format!("{settings:?}"))
}

fn variables_of(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        marked(line, "=").split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    })
}

fn without_mark(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mark = MARK.to_lowercase();
    let mut rest = text.to_owned();
    for (at, _) in lower.match_indices(&mark) {
        rest.replace_range(at..at + mark.len(), "________");
    }
    rest
}

/// A line with part of its value overwritten by the mark, at its beginning, middle or end,
/// if it is a secret. What is well-formed may stay so.
fn marked(line: &str, between: &str) -> String {
    let Some((name, value)) = line.split_once(between) else { return line.to_owned() };
    let last = name.trim().rsplit("__").next().and_then(|name| name.rsplit('.').next());
    if !last.is_some_and(|last| SECRETS.contains(&last.to_lowercase().as_str())) {
        return line.to_owned();
    }
    let (secret, after) = value.split_at(value.find('"').unwrap_or(value.len()));
    let room = secret.len().saturating_sub(MARK.len());
    let place = [0, room / 2, room][secret.len() % 3];
    let start = secret.floor_char_boundary(place);
    let end = secret.ceil_char_boundary(place + MARK.len());
    format!("{name}{between}{}{MARK}{}{after}", &secret[..start], &secret[end.min(secret.len())..])
}
