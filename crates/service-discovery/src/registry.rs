use std::{collections::BTreeMap, fmt, ops::RangeInclusive, str::FromStr};

use url::Url;

use crate::Service;

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

/// The URLs at which every service answers, public and internal, one or more each.
#[derive(Clone, Debug)]
pub struct Registry {
    public: BTreeMap<Service, Vec<Url>>,
    weights: BTreeMap<Service, Vec<u32>>,
    internal: BTreeMap<Service, Vec<Url>>,
    public_origin: Url,
    trusted_origins: Vec<String>,
}

impl Registry {
    /// The variable that names the [`Placement`].
    pub const PLACEMENT: &'static str = "PLINTH_DISCOVERY";
    /// The variable with the gateway's origin as clients see it.
    pub const PUBLIC_URL: &'static str = "PLINTH_PUBLIC_URL";
    /// The variable with the other origins whose pages may call the API.
    pub const TRUSTED_ORIGINS: &'static str = "PLINTH_TRUSTED_ORIGINS";

    /// Reads the registry from settings. `lookup` gives a variable's value; this
    /// crate reads no environment itself.
    ///
    /// `AUTH_SERVICE_URL` and `AUTH_INTERNAL_URL` (several instances separated by
    /// commas) place one service elsewhere than the [`Placement`] would. A public
    /// instance may say its share of the requests: `http://a:1?weight=9, http://b:2`.
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
            let instances: Vec<(Url, u32)> = parse_all(&text, &variable, parse, &mut faults);
            if instances.is_empty() && !faults.iter().any(|fault| fault.variable == variable) {
                faults.push(missing(&variable));
            }
            let (urls, weights): (Vec<Url>, Vec<u32>) = instances.into_iter().unzip();
            ((service, urls), (service, weights))
        };
        let public = Service::ALL.map(|service| place(service, "SERVICE_URL", service.port(), weighted_url));
        let internal =
            Service::ALL.map(|service| place(service, "INTERNAL_URL", service.internal_port(), plain_url));
        let own = lookup(Self::PUBLIC_URL).unwrap_or_else(|| Placement::Local.url(Service::Gateway, 8080));
        let public_origin = parse_all(&own, Self::PUBLIC_URL, origin, &mut faults).pop();
        let listed = lookup(Self::TRUSTED_ORIGINS).unwrap_or_default();
        let trusted = parse_all(&listed, Self::TRUSTED_ORIGINS, origin, &mut faults);
        if public_origin.is_none() && !faults.iter().any(|fault| fault.variable == Self::PUBLIC_URL) {
            faults.push(missing(Self::PUBLIC_URL));
        }
        match public_origin {
            Some(public_origin) if faults.is_empty() => Ok(Self {
                trusted_origins: trusted.iter().map(|url| url.origin().ascii_serialization()).collect(),
                weights: public.iter().map(|(_, weights)| weights.clone()).collect(),
                public: public.into_iter().map(|(urls, _)| urls).collect(),
                internal: internal.into_iter().map(|(urls, _)| urls).collect(),
                public_origin,
            }),
            _ => Err(faults),
        }
    }

    /// Where the public listeners of `service` are: one or more base URLs.
    #[must_use]
    pub fn public(&self, service: Service) -> &[Url] {
        self.public.get(&service).map_or(&[], Vec::as_slice)
    }

    /// As [`Registry::public`], each with its weight: its share of the requests in
    /// relation to the others'.
    pub fn weighted(&self, service: Service) -> impl Iterator<Item = (&Url, u32)> {
        let weights = self.weights.get(&service).into_iter().flatten().copied();
        self.public(service).iter().zip(weights)
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

/// A [`base_url`], and behind it perhaps the weight: `?weight=9`. A query, because no
/// base URL has one, while `#` or `;` would end the value in many a shell and file.
fn weighted_url(text: &str) -> Result<(Url, u32), String> {
    let Some((url, query)) = text.split_once('?') else { return plain_url(text) };
    let weight = query.strip_prefix("weight=").and_then(|weight| weight.parse().ok());
    match weight.filter(|weight| WEIGHTS.contains(weight)) {
        Some(weight) => Ok((base_url(url)?, weight)),
        None => Err(format!(
            "behind a URL, `?weight=` and a number from {} to {} is all that is understood",
            WEIGHTS.start(),
            WEIGHTS.end()
        )),
    }
}

/// A [`base_url`], of the weight that those have that say none.
fn plain_url(text: &str) -> Result<(Url, u32), String> {
    Ok((base_url(text)?, *WEIGHTS.start()))
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
            registry.weighted(Service::Auth).map(|(url, weight)| (url.as_str(), weight)).collect();
        assert_eq!(weighted, [("http://a:1/x", 9), ("http://b:2/", 1), ("http://c/", 100)]);
        assert_eq!(registry.weighted(Service::Prefs).count(), 1);
    }

    #[test]
    fn a_weight_that_is_none_or_has_no_place_is_a_fault() {
        for query in ["weight=0", "weight=101", "weight=-1", "weight=", "weight=1.5", "weight=1&x=2", "x", ""]
        {
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
