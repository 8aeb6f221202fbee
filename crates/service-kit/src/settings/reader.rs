use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    ops::RangeInclusive,
    path::Path,
    str::FromStr,
};

use config::{Config, ConfigError, File, Map, Value, ValueKind};
use secrecy::SecretString;
use service_discovery::{Fault, Registry, Service};

/// The section of the file with the variables that all services share.
const SHARED: &str = "shared";

/// What stands behind a key whose setting is in a file.
const FILE: &str = "_file";

/// The variable that names the [`Environment`].
pub(super) const ENVIRONMENT: &str = "PLINTH_ENV";

/// What stands below a heading of the file.
type Section = Map<String, Value>;

/// Where this process runs; decides how it stops and what it calls what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Somebody's own machine.
    Development,
    /// Where it matters.
    Production,
}

impl FromStr for Environment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("one of `development`, `production` is wanted"),
        }
    }
}

/// Every setting that cannot be used, named by its variable.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults {
    service: Service,
    faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        let settings = if count == 1 { "setting is" } else { "settings are" };
        write!(f, "{}: {count} {settings} wrong:", self.service)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// Reads one service's settings and collects what is wrong with them.
///
/// A key such as `database.url` stands for `AUTH__DATABASE__URL`. What is secret may stand in a file
/// instead, which `AUTH__DATABASE__URL_FILE` names, as orchestrators mount secrets.
#[derive(Debug)]
pub struct Reader {
    service: Service,
    given: BTreeMap<String, String>,
    shared: BTreeMap<String, String>,
    known: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Reader {
    /// Takes the process's environment and, if there is one, the `file`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn open(service: Service, file: Option<&Path>) -> Self {
        Self::new(
            service,
            file,
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Takes `variables` in place of the process's environment.
    pub fn new(
        service: Service,
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut reader = Self {
            service,
            given: BTreeMap::new(),
            shared: BTreeMap::new(),
            known: BTreeSet::new(),
            faults: Vec::new(),
        };
        if let Some(path) = file {
            reader.take_file(path);
        }
        let prefix = format!("{}__", service.name().to_uppercase());
        for (name, value) in variables {
            match name.strip_prefix(&prefix) {
                Some(rest) => reader.given.insert(rest.to_lowercase().replace("__", "."), value),
                None => reader.shared.insert(name, value),
            };
        }
        reader
    }

    fn take_file(&mut self, path: &Path) {
        let read = Config::builder().add_source(File::from(path)).build();
        let taken = read.and_then(|config| {
            flatten(section(&config, self.service.name())?, "", &mut self.given);
            section(&config, SHARED)
        });
        match taken {
            Ok(shared) => self.take_shared(shared),
            Err(why) => {
                let why = without_contents(&why);
                self.fault("PLINTH_CONFIG", format!("{} cannot be read: {why}", path.display()));
            }
        }
    }

    /// Variables that all services share; unlike in the environment, they are all ours.
    fn take_shared(&mut self, section: Section) {
        let mut given = BTreeMap::new();
        flatten(section, "", &mut given);
        for (name, value) in given {
            let variable = name.to_uppercase();
            if variable == ENVIRONMENT || Registry::has_variable(&variable) {
                self.shared.insert(variable, value);
            } else {
                self.fault(format!("{SHARED}.{name}"), "there is no such setting of all services");
            }
        }
    }

    /// A setting that must be given.
    pub fn required<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Option<T> {
        let given = self.has(key);
        let value = self.optional(key);
        if !given {
            self.fault(self.variable(key), "is missing".to_owned());
        }
        value
    }

    /// A setting that may be given.
    pub fn optional<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(self.variable(key), format!("{why}"));
                None
            }
        }
    }

    /// A setting with a default.
    pub fn or<T: FromStr<Err: fmt::Display>>(&mut self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// A setting with a default; one out of `range` is a fault.
    pub fn within<T>(&mut self, key: &str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromStr<Err: fmt::Display> + PartialOrd + fmt::Display,
    {
        let value = self.or(key, default);
        if !range.contains(&value) {
            self.fault(self.variable(key), format!("from {} to {} is wanted", range.start(), range.end()));
        }
        value
    }

    /// A secret of at least `least` characters that must be given. Its value never
    /// shows in a fault.
    pub fn secret(&mut self, key: &str, least: usize) -> Option<SecretString> {
        let text: String = self.required(key)?;
        if text.chars().count() < least {
            self.fault(self.variable(key), format!("at least {least} characters are wanted"));
            return None;
        }
        Some(text.into())
    }

    /// A secret of at least `least` characters that may be given.
    pub fn optional_secret(&mut self, key: &str, least: usize) -> Option<SecretString> {
        self.known.insert(key.to_owned());
        if self.has(key) { self.secret(key, least) } else { None }
    }

    /// A required setting that `parse` understands; what `parse` says of a bad one
    /// must not repeat it when it is a secret.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text: String = self.required(key)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(self.variable(key), why.to_string());
                None
            }
        }
    }

    /// As [`Reader::parsed`], for a setting that may be given.
    pub fn optional_parsed<T, E: fmt::Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.known.insert(key.to_owned());
        if self.has(key) { self.parsed(key, parse) } else { None }
    }

    /// Whether a setting is given, or the file that it stands in.
    fn has(&self, key: &str) -> bool {
        self.given.contains_key(key) || self.given.contains_key(&format!("{key}{FILE}"))
    }

    /// A setting as it is given, or as it stands in the file that is named for it.
    fn text(&mut self, key: &str) -> Option<String> {
        self.known.insert(key.to_owned());
        let file_key = format!("{key}{FILE}");
        let given = self.given.get(key).cloned();
        let Some(path) = self.given.get(&file_key).cloned() else { return given };
        self.known.insert(file_key.clone());
        if given.is_some() {
            self.fault(
                self.variable(&file_key),
                format!("{} is given as well: one of them", self.variable(key)),
            );
            return None;
        }
        match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(why) => {
                self.fault(self.variable(&file_key), format!("{path} cannot be read: {why}"));
                None
            }
        }
    }

    /// A variable that all services share (`PLINTH_ENV`).
    pub fn shared<T: FromStr<Err: fmt::Display>>(&mut self, variable: &str) -> Option<T> {
        match self.shared.get(variable)?.parse() {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(variable, format!("{why}"));
                None
            }
        }
    }

    /// Where every service is.
    pub fn registry(&mut self) -> Option<Registry> {
        match Registry::read(|name| self.shared.get(name).cloned()) {
            Ok(registry) => Some(registry),
            Err(faults) => {
                self.faults.extend(faults);
                None
            }
        }
    }

    /// Notes a fault that only the service can see.
    pub fn fault(&mut self, variable: impl Into<String>, detail: impl Into<String>) {
        let fault = Fault { variable: variable.into(), detail: detail.into() };
        // A shared variable is read more than once.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The variable that a key stands for.
    #[must_use]
    pub fn variable(&self, key: &str) -> String {
        format!("{}__{}", self.service.name(), key.replace('.', "__")).to_uppercase()
    }

    /// The settings, if there is no fault; a setting that nobody asked for is one.
    ///
    /// # Errors
    /// All faults at once.
    pub fn finish<T>(mut self, settings: Option<T>) -> Result<T, Faults> {
        let unknown: Vec<String> =
            self.given.keys().filter(|key| !self.known.contains(*key)).cloned().collect();
        for key in unknown {
            let nearest = self.known.iter().min_by_key(|known| distance(known, &key));
            let hint = nearest.map_or_else(String::new, |known| format!("; is it {}?", self.variable(known)));
            self.fault(self.variable(&key), format!("there is no such setting{hint}"));
        }
        match settings {
            Some(settings) if self.faults.is_empty() => Ok(settings),
            _ => Err(Faults { service: self.service, faults: self.faults }),
        }
    }
}

impl Reader {
    /// Whether any setting of this service was given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// A group of settings that is read without the rest of the service's, if there is
    /// no fault in it.
    ///
    /// # Errors
    /// All its faults at once.
    pub fn finish_group<T>(self, group: Option<T>) -> Result<T, Faults> {
        match group {
            Some(group) if self.faults.is_empty() => Ok(group),
            _ => Err(Faults { service: self.service, faults: self.faults }),
        }
    }
}

/// What is wrong with a file, and nothing that stands in it.
fn without_contents(why: &ConfigError) -> String {
    match why {
        ConfigError::Type { key, .. } => {
            format!("`{}` is no section", key.as_deref().unwrap_or_default())
        }
        // The lines behind the first repeat the file's.
        why => why.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// Nothing, when the heading is not there.
fn section(config: &Config, name: &str) -> Result<Section, ConfigError> {
    match config.get_table(name) {
        Err(ConfigError::NotFound(_)) => Ok(Section::new()),
        read => read,
    }
}

/// `{database: {url: x}}` as `database.url = x`; lists joined by commas.
fn flatten(
    table: impl IntoIterator<Item = (String, Value)>,
    path: &str,
    into: &mut BTreeMap<String, String>,
) {
    for (name, value) in table {
        let key = if path.is_empty() { name } else { format!("{path}.{name}") };
        match value.kind {
            ValueKind::Table(inner) => flatten(inner, &key, into),
            ValueKind::Array(items) => {
                let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
                into.insert(key, items.join(","));
            }
            _ => {
                into.insert(key, value.to_string());
            }
        }
    }
}

/// How many characters two keys do not share at their ends: good enough for a hint.
fn distance(one: &str, other: &str) -> usize {
    let front = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one.as_bytes()[front..], &other.as_bytes()[front..]);
    let back = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    one.len().max(other.len()) - back
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(variables: &[(&str, &str)]) -> Reader {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Reader::new(Service::Auth, None, variables)
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut read = reader(&[
            ("AUTH__DATABASE__POOL_SIZE", "many"),
            ("AUTH__SEALING__KEY", "x"),
            ("PREFS__ANYTHING", "is not ours"),
        ]);
        let url: Option<String> = read.required("database.url");
        let _: u32 = read.or("database.pool_size", 10);
        let _ = read.secret("sealing.keys", 8);
        let told = read.finish(url).unwrap_err().to_string();
        for wanted in [
            "auth: 4 settings are wrong:",
            "AUTH__DATABASE__URL: is missing",
            "AUTH__DATABASE__POOL_SIZE: invalid digit",
            "AUTH__SEALING__KEYS: is missing",
            "AUTH__SEALING__KEY: there is no such setting; is it AUTH__SEALING__KEYS?",
        ] {
            assert!(told.contains(wanted), "{wanted}\nin\n{told}");
        }
        assert!(!told.contains("PREFS"), "{told}");
    }

    #[test]
    fn a_short_secret_is_refused_without_being_shown() {
        let mut read = reader(&[("AUTH__CLIENT__SECRET", "hunter2")]);
        let secret = read.secret("client.secret", 32);
        let told = read.finish(secret).unwrap_err().to_string();
        assert!(told.contains("AUTH__CLIENT__SECRET: at least 32 characters"), "{told}");
        assert!(!told.contains("hunter2"));
    }

    #[test]
    fn what_is_out_of_its_range_is_told_and_never_moved_into_it() {
        let mut read = reader(&[("AUTH__DATABASE__POOL_SIZE", "0"), ("AUTH__HTTP__WORKERS", "4")]);
        let _: usize = read.within("database.pool_size", 10, 1..=1000);
        let workers: usize = read.within("http.workers", 1, 1..=1024);
        let told = read.finish(Some(workers)).unwrap_err().to_string();
        assert!(told.contains("AUTH__DATABASE__POOL_SIZE: from 1 to 1000 is wanted"), "{told}");
        assert!(!told.contains("WORKERS"), "{told}");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let path = std::env::temp_dir().join(format!("plinth-settings-{}.toml", std::process::id()));
        std::fs::write(&path, "[auth.database]\nurl = \"file\"\npool_size = 7\n[prefs]\nx = 1\n").unwrap();
        let variables = [("AUTH__DATABASE__URL".to_owned(), "environment".to_owned())];
        let mut read = Reader::new(Service::Auth, Some(&path), variables);
        let url: Option<String> = read.required("database.url");
        let size: u32 = read.or("database.pool_size", 10);
        std::fs::remove_file(&path).unwrap();
        assert_eq!((read.finish(url).unwrap().as_str(), size), ("environment", 7));
    }

    #[test]
    fn the_file_may_hold_what_all_services_share() {
        let path = std::env::temp_dir().join(format!("plinth-shared-{}.toml", std::process::id()));
        let text = "[shared]\nauth_service_url = [\"http://a:1?weight=9\", \"http://b:2\"]\n\
                    PLINTH_PUBLIC_URL = \"https://file.example.com\"\nplinth_env = \"development\"\n\
                    ahut_service_url = \"http://a:1\"\n";
        std::fs::write(&path, text).unwrap();
        let variables = [("PLINTH_PUBLIC_URL".to_owned(), "https://environment.example.com".to_owned())];
        let mut read = Reader::new(Service::Auth, Some(&path), variables);
        std::fs::remove_file(&path).unwrap();
        let registry = read.registry().unwrap();
        let weighted: Vec<_> =
            registry.instances(Service::Auth).map(|(url, terms)| (url.as_str(), terms.weight)).collect();
        assert_eq!(weighted, [("http://a:1/", 9), ("http://b:2/", 1)]);
        assert_eq!(registry.public_origin(), "https://environment.example.com", "the environment wins");
        assert_eq!(read.shared(ENVIRONMENT), Some(Environment::Development));
        let told = read.finish(Some(())).unwrap_err().to_string();
        assert!(told.contains("1 setting is wrong") && told.contains("shared.ahut_service_url"), "{told}");
    }

    #[test]
    fn a_broken_file_is_named_without_what_stands_in_it() {
        let path = std::env::temp_dir().join(format!("plinth-broken-{}.toml", std::process::id()));
        for (text, why) in [
            ("[auth.database]\nurl = \"postgres://auth:hunter2@h/x\n", "line 2"),
            ("auth = \"hunter2\"\n", "`auth` is no section"),
        ] {
            std::fs::write(&path, text).unwrap();
            let read = Reader::new(Service::Auth, Some(&path), []);
            std::fs::remove_file(&path).unwrap();
            let told = read.finish(Some(())).unwrap_err().to_string();
            assert!(told.contains(why) && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let path = std::env::temp_dir().join(format!("plinth-secret-{}", std::process::id()));
        std::fs::write(&path, "postgres://auth:of-the-file@h/auth\n").unwrap();
        let file = path.to_str().unwrap();
        let mut read = reader(&[("AUTH__DATABASE__URL_FILE", file), ("AUTH__HTTP__TLS__KEY_FILE", file)]);
        let url: Option<String> = read.required("database.url");
        let key: Option<String> = read.optional("http.tls.key_file");
        let both = read.finish(url.zip(key)).unwrap();
        assert_eq!(both, ("postgres://auth:of-the-file@h/auth".to_owned(), file.to_owned()));

        let mut read = reader(&[("AUTH__DATABASE__URL_FILE", file), ("AUTH__DATABASE__URL", "given")]);
        let url: Option<String> = read.required("database.url");
        std::fs::remove_file(&path).unwrap();
        let told = read.finish(url).unwrap_err().to_string();
        assert!(
            told.contains("1 setting is wrong") && told.contains("AUTH__DATABASE__URL is given as well"),
            "{told}"
        );

        let mut read = reader(&[("AUTH__CLIENT__SECRET_FILE", file), ("AUTH__CLIENTS__PREFS_FILE", file)]);
        let secret = read.optional_secret("client.secret", 32);
        let told = read.finish(Some(secret)).unwrap_err().to_string();
        let wanted = [
            "AUTH__CLIENT__SECRET_FILE: ",
            "cannot be read: No such file",
            "AUTH__CLIENTS__PREFS_FILE: there is no",
        ];
        assert!(wanted.iter().all(|wanted| told.contains(wanted)), "{told}");
    }

    #[test]
    fn a_missing_file_is_a_fault() {
        let mut read = Reader::new(Service::Auth, Some(Path::new("/nowhere/plinth.toml")), []);
        let size: u32 = read.or("database.pool_size", 10);
        assert!(read.finish(Some(size)).unwrap_err().to_string().contains("PLINTH_CONFIG"));
    }
}
