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
mod tests;
