use std::{
    collections::BTreeMap,
    fmt, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use url::Url;

use crate::{PeerOptions, Service, peer::authorities};

/// What an instance may weigh; the least is what it weighs unless it says more.
const WEIGHTS: RangeInclusive<u32> = 1..=100;

/// Where services are found that no variable places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// All on this machine, each at its own port.
    #[default]
    Local,
    /// By compose service names: `http://auth:3001`.
    Compose,
    /// By Kubernetes DNS in one namespace: `http://auth.plinth.svc:3001`.
    Kubernetes {
        /// The namespace of all services.
        namespace: String,
    },
}

impl FromStr for Placement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "local" => Ok(Self::Local),
            None if text == "compose" => Ok(Self::Compose),
            Some(("kubernetes", namespace)) if !namespace.is_empty() => {
                Ok(Self::Kubernetes { namespace: namespace.to_owned() })
            }
            _ => Err("one of `local`, `compose`, `kubernetes:<namespace>` is wanted".to_owned()),
        }
    }
}

impl Placement {
    fn url(&self, service: Service, port: u16) -> String {
        match self {
            Self::Local => format!("http://127.0.0.1:{port}"),
            Self::Compose => format!("http://{service}:{port}"),
            Self::Kubernetes { namespace } => format!("http://{service}.{namespace}.svc:{port}"),
        }
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The environment variable.
    pub variable: String,
    /// What is wrong with it, and what is wanted.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.detail)
    }
}

/// How the gateway treats an instance of a service, as said behind its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its share of the requests in relation to the others' weights.
    pub weight: u32,
    /// Whether it is known to speak HTTP/2, so that it is spoken without asking: in clear text
    /// there is nothing to ask by (RFC 9113 section 3.3).
    pub http2: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self { weight: *WEIGHTS.start(), http2: false }
    }
}

/// Whom to trust beside the system's authorities.
#[derive(Clone, Debug)]
struct Authority {
    file: PathBuf,
    pem: Arc<[u8]>,
}

/// The URLs at which every service answers, public and internal, one or more each.
#[derive(Clone, Debug)]
pub struct Registry {
    public: BTreeMap<Service, Vec<Url>>,
    terms: BTreeMap<Service, Vec<Terms>>,
    internal: BTreeMap<Service, Vec<Url>>,
    public_origin: Url,
    trusted_origins: Vec<String>,
    authority: Option<Authority>,
}

impl Registry {
    /// The variable that names the [`Placement`].
    pub const PLACEMENT: &'static str = "PLINTH_DISCOVERY";
    /// The variable with the gateway's origin as clients see it.
    pub const PUBLIC_URL: &'static str = "PLINTH_PUBLIC_URL";
    /// The variable with the other origins whose pages may call the API.
    pub const TRUSTED_ORIGINS: &'static str = "PLINTH_TRUSTED_ORIGINS";
    /// The variable with a file of authorities (PEM) to trust beside the system's when services
    /// are called.
    pub const AUTHORITY: &'static str = "PLINTH_CA_FILE";

    /// Whether a variable of this name is one that [`Registry::read`] asks for.
    #[must_use]
    pub fn has_variable(name: &str) -> bool {
        let places = |service: Service| {
            let place = name.strip_prefix(&service.name().to_uppercase());
            place.is_some_and(|place| place == "_SERVICE_URL" || place == "_INTERNAL_URL")
        };
        [Self::PLACEMENT, Self::PUBLIC_URL, Self::TRUSTED_ORIGINS, Self::AUTHORITY].contains(&name)
            || Service::ALL.into_iter().any(places)
    }

    /// Reads the registry from settings. `lookup` gives a variable's value; this
    /// crate reads no environment itself.
    ///
    /// `AUTH_SERVICE_URL` and `AUTH_INTERNAL_URL` (several instances separated by
    /// commas) place one service elsewhere than the [`Placement`] would. A public
    /// instance may say its share of the requests, and that it speaks HTTP/2 in clear text:
    /// `http://a:1?weight=9&http2=true, http://b:2`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let placement = lookup(Self::PLACEMENT)
            .map_or(Ok(Placement::default()), |text| text.parse())
            .unwrap_or_else(|detail| {
                faults.push(Fault { variable: Self::PLACEMENT.to_owned(), detail });
                Placement::default()
            });
        let mut place = |service: Service, suffix: &str, port: u16, parse: fn(&str) -> _| {
            let variable = format!("{}_{suffix}", service.name().to_uppercase());
            let text = lookup(&variable).unwrap_or_else(|| placement.url(service, port));
            let instances: Vec<(Url, Terms)> = parse_all(&text, &variable, parse, &mut faults);
            if instances.is_empty() && !faults.iter().any(|fault| fault.variable == variable) {
                faults.push(missing(&variable));
            }
            let (urls, terms): (Vec<Url>, Vec<Terms>) = instances.into_iter().unzip();
            ((service, urls), (service, terms))
        };
        let public =
            Service::ALL.map(|service| place(service, "SERVICE_URL", service.port(), url_with_terms));
        let internal =
            Service::ALL.map(|service| place(service, "INTERNAL_URL", service.internal_port(), plain_url));
        let own = lookup(Self::PUBLIC_URL).unwrap_or_else(|| Placement::Local.url(Service::Gateway, 8080));
        let public_origin = parse_all(&own, Self::PUBLIC_URL, origin, &mut faults).pop();
        let listed = lookup(Self::TRUSTED_ORIGINS).unwrap_or_default();
        let trusted = parse_all(&listed, Self::TRUSTED_ORIGINS, origin, &mut faults);
        let authority = lookup(Self::AUTHORITY).map(|file| read_authority(&file));
        let authority = authority.transpose().unwrap_or_else(|detail| {
            faults.push(Fault { variable: Self::AUTHORITY.to_owned(), detail });
            None
        });
        if public_origin.is_none() && !faults.iter().any(|fault| fault.variable == Self::PUBLIC_URL) {
            faults.push(missing(Self::PUBLIC_URL));
        }
        match public_origin {
            Some(public_origin) if faults.is_empty() => Ok(Self {
                trusted_origins: trusted.iter().map(|url| url.origin().ascii_serialization()).collect(),
                terms: public.iter().map(|(_, terms)| terms.clone()).collect(),
                public: public.into_iter().map(|(urls, _)| urls).collect(),
                internal: internal.into_iter().map(|(urls, _)| urls).collect(),
                public_origin,
                authority,
            }),
            _ => Err(faults),
        }
    }

    /// Where the public listeners of `service` are: one or more base URLs.
    #[must_use]
    pub fn public(&self, service: Service) -> &[Url] {
        self.public.get(&service).map_or(&[], Vec::as_slice)
    }

    /// As [`Registry::public`], each with its terms.
    pub fn instances(&self, service: Service) -> impl Iterator<Item = (&Url, Terms)> {
        let terms = self.terms.get(&service).into_iter().flatten().copied();
        self.public(service).iter().zip(terms)
    }

    /// The file of authorities to trust beside the system's, if there is one.
    #[must_use]
    pub fn authority_file(&self) -> Option<&Path> {
        self.authority.as_ref().map(|authority| authority.file.as_path())
    }

    /// How services are called: as by default, and trusting whom this registry says.
    #[must_use]
    pub fn peer_options(&self) -> PeerOptions {
        let authority = self.authority.as_ref().map(|authority| Arc::clone(&authority.pem));
        PeerOptions { authority, ..PeerOptions::default() }
    }

    /// Where the internal listeners of `service` are: one or more base URLs.
    #[must_use]
    pub fn internal(&self, service: Service) -> &[Url] {
        self.internal.get(&service).map_or(&[], Vec::as_slice)
    }

    /// The gateway's origin as clients see it, without a trailing slash; also the
    /// issuer (`iss`) of access tokens.
    #[must_use]
    pub fn public_origin(&self) -> String {
        self.public_origin.origin().ascii_serialization()
    }

    /// The origins whose pages may call the API: its own and the listed ones.
    #[must_use]
    pub fn trusted_origins(&self) -> Vec<String> {
        let mut origins = vec![self.public_origin()];
        origins.extend(self.trusted_origins.iter().cloned());
        origins
    }
}

fn missing(variable: &str) -> Fault {
    Fault { variable: variable.to_owned(), detail: "a URL is wanted".to_owned() }
}

fn parse_all<T>(
    text: &str,
    variable: &str,
    parse: fn(&str) -> Result<T, String>,
    faults: &mut Vec<Fault>,
) -> Vec<T> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut parsed = Vec::new();
    for part in parts {
        match parse(part) {
            Ok(value) => parsed.push(value),
            Err(detail) => faults.push(Fault { variable: variable.to_owned(), detail }),
        }
    }
    parsed
}

/// A [`base_url`], and behind it perhaps its terms: `?weight=9&http2=true`. A query, because no
/// base URL has one, while `#` or `;` would end the value in many a shell and file.
fn url_with_terms(text: &str) -> Result<(Url, Terms), String> {
    let Some((url, query)) = text.split_once('?') else { return plain_url(text) };
    let understood = || {
        format!(
            "behind a URL, `?weight=` with a number from {} to {} and `?http2=true` are all that is understood, \
             with `&` between, each once",
            WEIGHTS.start(),
            WEIGHTS.end()
        )
    };
    Ok((base_url(url)?, terms(query).ok_or_else(understood)?))
}

fn terms(query: &str) -> Option<Terms> {
    let (mut weight, mut http2) = (None, None);
    for pair in query.split('&') {
        let before = match pair.split_once('=')? {
            ("weight", value) => {
                weight.replace(value.parse().ok().filter(|weight| WEIGHTS.contains(weight))?).is_some()
            }
            ("http2", value) => http2.replace(value.parse().ok()?).is_some(),
            _ => return None,
        };
        if before {
            return None;
        }
    }
    let usual = Terms::default();
    Some(Terms { weight: weight.unwrap_or(usual.weight), http2: http2.unwrap_or(usual.http2) })
}

/// A [`base_url`], on the terms of those that say none.
fn plain_url(text: &str) -> Result<(Url, Terms), String> {
    Ok((base_url(text)?, Terms::default()))
}

fn read_authority(file: &str) -> Result<Authority, String> {
    let pem = fs::read(file).map_err(|why| format!("{file} cannot be read: {why}"))?;
    authorities(&pem).map_err(|why| format!("{file}: {why}"))?;
    Ok(Authority { file: file.into(), pem: pem.into() })
}

/// An http(s) URL with a host and nothing behind the path.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|why| format!("a URL such as http://auth:3001 is wanted ({why})"))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "http" | "https" if plain && url.has_host() => Ok(url),
        _ => Err("an http or https URL such as http://auth:3001 is wanted".to_owned()),
    }
}

/// A [`base_url`] that has no path either.
fn origin(text: &str) -> Result<Url, String> {
    let url = base_url(text)?;
    if url.path() == "/" { Ok(url) } else { Err("an origin without a path is wanted".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Registry, Vec<Fault>> {
        Registry::read(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn development_needs_no_setting() {
        let registry = read(&[]).unwrap();
        assert_eq!(registry.public(Service::Auth)[0].as_str(), "http://127.0.0.1:3001/");
        assert_eq!(registry.internal(Service::Prefs)[0].as_str(), "http://127.0.0.1:4003/");
        assert_eq!(registry.public_origin(), "http://127.0.0.1:8080");
    }

    #[test]
    fn kubernetes_names_follow_the_namespace() {
        let registry = read(&[("PLINTH_DISCOVERY", "kubernetes:shop")]).unwrap();
        assert_eq!(registry.public(Service::Auth)[0].as_str(), "http://auth.shop.svc:3001/");
    }

    #[test]
    fn a_variable_places_several_instances() {
        let registry = read(&[("AUTH_SERVICE_URL", "http://a:1, http://b:2")]).unwrap();
        let urls: Vec<&str> = registry.public(Service::Auth).iter().map(Url::as_str).collect();
        assert_eq!(urls, ["http://a:1/", "http://b:2/"]);
    }

    #[test]
    fn an_instance_may_say_its_weight() {
        let listed = "http://a:1/x?weight=9, http://b:2,http://c?weight=100";
        let registry = read(&[("AUTH_SERVICE_URL", listed)]).unwrap();
        let weighted: Vec<_> =
            registry.instances(Service::Auth).map(|(url, terms)| (url.as_str(), terms.weight)).collect();
        assert_eq!(weighted, [("http://a:1/x", 9), ("http://b:2/", 1), ("http://c/", 100)]);
        assert_eq!(registry.instances(Service::Prefs).count(), 1);
    }

    #[test]
    fn an_instance_may_be_known_to_speak_http2() {
        let listed = "http://a:1?http2=true, http://b:2?http2=true&weight=3, http://c?weight=3&http2=false";
        let registry = read(&[("AUTH_SERVICE_URL", listed)]).unwrap();
        let terms: Vec<_> = registry.instances(Service::Auth).map(|(_, terms)| terms).collect();
        let wanted = [(1, true), (3, true), (3, false)].map(|(weight, http2)| Terms { weight, http2 });
        assert_eq!(terms, wanted);
    }

    #[test]
    fn an_authority_that_is_none_is_a_fault() {
        let own_source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/registry.rs");
        for file in ["/nowhere/ca.pem", own_source] {
            let faults = read(&[("PLINTH_CA_FILE", file)]).unwrap_err();
            assert_eq!((faults.len(), faults[0].variable.as_str()), (1, "PLINTH_CA_FILE"), "{file}");
        }
        assert!(read(&[]).unwrap().authority_file().is_none());
    }

    #[test]
    fn a_weight_that_is_none_or_has_no_place_is_a_fault() {
        for query in [
            "weight=0",
            "weight=101",
            "weight=-1",
            "weight=",
            "weight=1.5",
            "weight=1&x=2",
            "weight=1&weight=2",
            "http2=yes",
            "http2",
            "weight=1&",
            "x",
            "",
        ] {
            let faults = read(&[("AUTH_SERVICE_URL", &format!("http://a:1?{query}"))]).unwrap_err();
            assert_eq!((faults.len(), faults[0].variable.as_str()), (1, "AUTH_SERVICE_URL"), "{query}");
            assert!(faults[0].detail.contains("from 1 to 100"), "{}", faults[0]);
        }
        for (variable, value) in [
            ("AUTH_INTERNAL_URL", "http://a:1?weight=2"),
            ("AUTH_SERVICE_URL", "http://a:1#weight=2"),
            ("AUTH_SERVICE_URL", "http://a:1;weight=2"),
            ("PLINTH_PUBLIC_URL", "http://a:1?weight=2"),
        ] {
            assert_eq!(read(&[(variable, value)]).unwrap_err()[0].variable, variable, "{value}");
        }
    }

    #[test]
    fn what_is_asked_for_is_known() {
        let asked = std::cell::RefCell::new(Vec::new());
        let lookup = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            None
        };
        Registry::read(lookup).unwrap();
        assert!(asked.borrow().iter().all(|name| Registry::has_variable(name)), "{asked:?}");
        assert_eq!(asked.borrow().len(), 4 + 2 * Service::ALL.len());
        for other in ["AUTH_URL", "_SERVICE_URL", "MOON_SERVICE_URL", "PLINTH_ENV", "PATH"] {
            assert!(!Registry::has_variable(other), "{other}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let faults = read(&[
            ("PLINTH_DISCOVERY", "moon"),
            ("AUTH_SERVICE_URL", "ftp://a"),
            ("PREFS_INTERNAL_URL", "nonsense"),
            ("ORDER_SERVICE_URL", ""),
            ("PLINTH_PUBLIC_URL", "https://api.example.com/v1"),
        ])
        .unwrap_err();
        let named: Vec<&str> = faults.iter().map(|fault| fault.variable.as_str()).collect();
        let wanted = [
            "PLINTH_DISCOVERY",
            "AUTH_SERVICE_URL",
            "ORDER_SERVICE_URL",
            "PREFS_INTERNAL_URL",
            "PLINTH_PUBLIC_URL",
        ];
        for variable in wanted {
            assert_eq!(named.iter().filter(|name| **name == variable).count(), 1, "{variable} of {named:?}");
        }
    }

    #[test]
    fn the_own_origin_is_trusted() {
        let registry = read(&[("PLINTH_TRUSTED_ORIGINS", "https://app.example.com")]).unwrap();
        assert_eq!(registry.trusted_origins(), ["http://127.0.0.1:8080", "https://app.example.com"]);
    }
}
