use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use url::{Host, Url};

use crate::{Refusal, address::is_public};

/// The longest URL, bytes.
const LONGEST: usize = 2048;

/// Ports of protocols that a request of HTTP could be mistaken for (the Fetch standard, section
/// "port blocking").
const BLOCKED: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
    515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723,
    2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Which URLs may be called. By default those of public hosts, by `https`.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether `http` will do, too.
    pub clear_text: bool,
    /// What may be called although it is not public: loopback, on one's own machine.
    pub allowed: Vec<IpNet>,
    /// The ports that may not be called there: Plinth's own.
    pub own_ports: BTreeSet<u16>,
}

impl Policy {
    /// Reads a URL that a user gave. What its name leads to is seen when it is called.
    ///
    /// # Errors
    /// [`Refusal`] says what to mend.
    pub fn accept(&self, text: &str) -> Result<Url, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::TooLong(LONGEST));
        }
        let url = text.parse().map_err(|_why| Refusal::NoUrl)?;
        self.check(&url)?;
        Ok(url)
    }

    /// What can be said of a URL before its name is resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Refusal> {
        if url.scheme() != "https" && !(self.clear_text && url.scheme() == "http") {
            return Err(Refusal::Scheme(if self.clear_text { "http or https" } else { "https" }));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let port = url.port_or_known_default().ok_or(Refusal::NoUrl)?;
        if BLOCKED.contains(&port) {
            return Err(Refusal::Port(port));
        }
        // `url` reads an address in any of its forms (WHATWG URL, section 3.5).
        match url.host().ok_or(Refusal::NoUrl)? {
            Host::Ipv4(address) => self.check_address(address.into(), port),
            Host::Ipv6(address) => self.check_address(address.into(), port),
            Host::Domain(_) => Ok(()),
        }
    }

    fn check_address(&self, address: IpAddr, port: u16) -> Result<(), Refusal> {
        if may_reach(self.allowed_at(port), address) { Ok(()) } else { Err(Refusal::NotPublic) }
    }

    /// What may be called at this port although it is not public.
    pub(crate) fn allowed_at(&self, port: u16) -> &[IpNet] {
        if self.own_ports.contains(&port) { &[] } else { &self.allowed }
    }
}

/// Whether an address may be called, where these are allowed besides public ones.
pub(crate) fn may_reach(allowed: &[IpNet], address: IpAddr) -> bool {
    is_public(address) || allowed.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn development() -> Policy {
        let allowed = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        Policy { clear_text: true, allowed, own_ports: [8080, 3001].into() }
    }

    #[test]
    fn a_public_https_url_is_accepted_as_it_is_meant() {
        let policy = Policy::default();
        for (text, meant) in [
            ("https://example.com/hook?x=1", "https://example.com/hook?x=1"),
            ("HTTPS://EXAMPLE.com:8443", "https://example.com:8443/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ] {
            assert_eq!(policy.accept(text).map(String::from), Ok(meant.to_owned()));
        }
    }

    /// Decimal, octal, hexadecimal, short, mixed, with a dot at the end; digits and dots that are mapped
    /// to ASCII ones (UTS 46), also percent-encoded; IPv6, and IPv4 in it.
    const INSIDE: &str = "\
        127.0.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.1 127.0.1 127.0.0.1. \
        0x7f.0.0.0x1 0 0.0.0.0 00000177.00000000.0.01 3232235777 0xA9FEA9FE 169.254.169.254 \
        169.254.43518 2852039166 10.0.0.1 192.168.1 172.16.1.1 100.64.1.1 ①②⑦.⓪.⓪.① １２７。０。０。１ \
        127｡0｡0｡1 𝟏𝟐𝟕.𝟎.𝟎.𝟏 %31%32%37.0.0.1 0x7F.0x0.0x0.0x1 [::1] [::] [0:0:0:0:0:0:0:1] \
        [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b:1::a00:1] \
        [2002:7f00:1::] [2001::1] [fe80::1] [fc00::1] [fd00:ec2::254] [ff02::1]";

    #[test]
    fn no_form_of_an_address_leads_inside() {
        let policy = Policy { clear_text: true, ..Policy::default() };
        for host in INSIDE.split_whitespace() {
            let refused = policy.accept(&format!("http://{host}/")).unwrap_err();
            assert_eq!(refused, Refusal::NotPublic, "{host}");
        }
    }

    #[test]
    fn what_is_no_plain_url_is_refused() {
        let policy = Policy::default();
        for (text, refusal) in [
            ("", Refusal::NoUrl),
            ("example.com", Refusal::NoUrl),
            ("https://", Refusal::NoUrl),
            ("https://[fe80::1%25eth0]/", Refusal::NoUrl),
            ("https://[::1", Refusal::NoUrl),
            ("https://256.256.256.256/", Refusal::NoUrl),
            ("https://1.2.3.4.5/", Refusal::NoUrl),
            ("https://a b/", Refusal::NoUrl),
            ("http://example.com/", Refusal::Scheme("https")),
            ("ftp://example.com/", Refusal::Scheme("https")),
            ("file:///etc/passwd", Refusal::Scheme("https")),
            ("gopher://example.com/", Refusal::Scheme("https")),
            ("https://user@example.com/", Refusal::Credentials),
            ("https://:pass@example.com/", Refusal::Credentials),
            ("https://example.com@127.0.0.1/", Refusal::Credentials),
            ("https://example.com:22/", Refusal::Port(22)),
            ("https://example.com:6667/", Refusal::Port(6667)),
            ("https://example.com:0/", Refusal::Port(0)),
        ] {
            assert_eq!(policy.accept(text), Err(refusal), "{text}");
        }
        let long = format!("https://example.com/{}", "x".repeat(LONGEST));
        assert_eq!(policy.accept(&long), Err(Refusal::TooLong(LONGEST)));
    }

    #[test]
    fn what_looks_like_a_path_is_none_of_the_host() {
        let policy = Policy::default();
        for text in
            ["https:\\\\127.0.0.1\\", "https:/127.0.0.1", "https:127.0.0.1", "https://127.0.0.1\\@a.example/"]
        {
            assert_eq!(policy.accept(text), Err(Refusal::NotPublic), "{text}");
        }
        assert_eq!(policy.accept("https://a.example\\@127.0.0.1/").unwrap().host_str(), Some("a.example"));
        assert_eq!(policy.accept("https://a.example#@127.0.0.1/").unwrap().host_str(), Some("a.example"));
    }

    #[test]
    fn loopback_is_called_where_that_is_allowed_and_never_at_a_port_of_ours() {
        let policy = development();
        assert!(policy.accept("http://127.0.0.1:9000/").is_ok());
        assert!(policy.accept("http://[::1]:9000/").is_ok());
        assert_eq!(policy.accept("http://127.0.0.1:8080/"), Err(Refusal::NotPublic));
        assert_eq!(policy.accept("http://[::1]:3001/"), Err(Refusal::NotPublic));
        assert_eq!(policy.accept("http://10.0.0.1:9000/"), Err(Refusal::NotPublic));
        assert!(
            policy.accept("https://8.8.8.8:8080/").is_ok(),
            "a port of ours is one like others elsewhere"
        );
        assert_eq!(policy.accept("ftp://127.0.0.1:9000/"), Err(Refusal::Scheme("http or https")));
    }
}
