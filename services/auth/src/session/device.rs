use std::{
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::USER_AGENT};
use audit::Origin;
use problem::HttpError;

use super::client_name::client_name;

/// What a client tells of itself, for its user's eyes only: nothing is granted by it.
#[derive(Debug)]
pub(crate) struct Device {
    /// How it describes itself, cut to 512 characters.
    pub(super) user_agent: Option<String>,
    /// Where the request came from.
    pub(crate) origin: Origin,
}

impl Device {
    /// What it seems to be: `Firefox on Linux`.
    pub(super) fn name(&self) -> Option<String> {
        self.user_agent.as_deref().and_then(client_name)
    }

    /// The network it is in, wide enough that a new address of the same line is no news.
    pub(super) fn network(&self) -> Option<String> {
        self.origin.ip.map(network)
    }
}

/// The /24 of an IPv4 address, the /48 of an IPv6 one.
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

impl FromRequest for Device {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = agent.map(|agent| agent.chars().take(512).collect());
        let Ok(origin) = Origin::from_request(request, payload).into_inner();
        ready(Ok(Self { user_agent, origin }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_address_of_the_same_line_is_no_news() {
        for (one, other) in
            [("203.0.113.7", "::ffff:203.0.113.200"), ("2001:db8:1:2::3", "2001:db8:1:ffff::1")]
        {
            assert_eq!(network(one.parse().unwrap()), network(other.parse().unwrap()));
        }
        assert_ne!(network("203.0.113.7".parse().unwrap()), network("203.0.114.7".parse().unwrap()));
    }
}
