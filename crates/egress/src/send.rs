use std::{sync::Arc, time::Duration};

use reqwest::{Certificate, Client, Proxy, Response, redirect};
use url::Url;

use crate::{Answer, Call, EgressError, Lookup, Policy, SystemLookup, lookup::Guard, redirect::next};

/// How calls are made.
#[derive(Clone, Debug)]
pub struct Options {
    /// What may be called.
    pub policy: Policy,
    /// How long one address may take to take a connection.
    pub connect: Duration,
    /// How long an unused connection is kept.
    pub idle: Duration,
    /// Who calls, as the header says.
    pub user_agent: String,
    /// Authorities to trust besides the system's.
    pub authorities: Vec<Certificate>,
    /// A proxy (`http://proxy:3128`) by which all calls go. It resolves names itself, once more:
    /// it must be one that refuses what is not public, as Smokescreen does.
    pub proxy: Option<Url>,
    /// How names are resolved.
    pub lookup: Arc<dyn Lookup>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(30),
            user_agent: "Plinth".to_owned(),
            authorities: Vec::new(),
            proxy: None,
            lookup: Arc::new(SystemLookup),
        }
    }
}

/// Calls URLs that users gave. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Egress {
    policy: Arc<Policy>,
    public: Way,
    /// Reaches what is allowed besides: another client, so that no connection of it is used for
    /// a port at which nothing is.
    allowed: Way,
    is_proxied: bool,
}

#[derive(Clone, Debug)]
struct Way {
    client: Client,
    guard: Guard,
}

impl Egress {
    /// Calls nothing yet.
    ///
    /// # Errors
    /// When an authority or the proxy cannot be used.
    pub fn new(options: Options) -> Result<Self, EgressError> {
        let public = Way::new(&options, Vec::new())?;
        let allowed = if options.policy.allowed.is_empty() {
            public.clone()
        } else {
            Way::new(&options, options.policy.allowed.clone())?
        };
        let is_proxied = options.proxy.is_some();
        Ok(Self { policy: Arc::new(options.policy), public, allowed, is_proxied })
    }

    /// What may be called.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether a URL could be called now: its name leads to public hosts alone. For telling a user
    /// at once; a call looks again.
    ///
    /// # Errors
    /// [`EgressError::Refused`] or [`EgressError::Unresolved`].
    pub async fn check(&self, url: &Url) -> Result<(), EgressError> {
        self.policy.check(url)?;
        let Some(name) = url.domain() else { return Ok(()) };
        self.way(url).guard.addresses(name.to_owned()).await.map(drop)
    }

    /// Makes a call, and reads as much of the answer as is wanted. Whatever its status, an answer
    /// is one.
    ///
    /// # Errors
    /// [`EgressError`]: what was sent may have arrived unless it is `Refused`, `Unresolved`,
    /// `Unreachable`, `Tls` or `Unwritable`.
    pub async fn send(&self, call: Call) -> Result<Answer, EgressError> {
        // Boxed: whoever awaits it carries less.
        let answer = Box::pin(tokio::time::timeout(call.patience, self.exchange(call)));
        answer.await.unwrap_or(Err(EgressError::TimedOut))
    }

    async fn exchange(&self, mut call: Call) -> Result<Answer, EgressError> {
        let mut followed = 0;
        loop {
            let response = self.once(&call).await?;
            match next(&call, response.status(), response.headers(), followed)? {
                Some(next) => (call, followed) = (next, followed + 1),
                None => return Answer::read(response, call.url, call.keep).await,
            }
        }
    }

    async fn once(&self, call: &Call) -> Result<Response, EgressError> {
        self.policy.check(&call.url)?;
        let way = self.way(&call.url);
        if let Some(name) = call.url.domain().filter(|_| self.is_proxied) {
            way.guard.addresses(name.to_owned()).await?;
        }
        let request = way.client.request(call.method.clone(), call.url.clone());
        let request = request.headers(call.headers.clone());
        let request = if call.body.is_empty() { request } else { request.body(call.body.clone()) };
        request.send().await.map_err(EgressError::of)
    }

    fn way(&self, url: &Url) -> &Way {
        let port = url.port_or_known_default().unwrap_or_default();
        if self.policy.allowed_at(port).is_empty() { &self.public } else { &self.allowed }
    }
}

impl Way {
    fn new(options: &Options, allowed: Vec<ipnet::IpNet>) -> Result<Self, EgressError> {
        let guard = Guard { lookup: Arc::clone(&options.lookup), allowed };
        let builder = Client::builder()
            .connect_timeout(options.connect)
            .pool_idle_timeout(options.idle)
            .pool_max_idle_per_host(16)
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(&options.user_agent)
            .tls_certs_merge(options.authorities.iter().cloned())
            // Nor one that the environment names.
            .no_proxy();
        let builder = match &options.proxy {
            Some(proxy) => builder.proxy(Proxy::all(proxy.clone()).map_err(EgressError::of)?),
            None => builder.dns_resolver(guard.clone()),
        };
        Ok(Self { client: builder.build().map_err(EgressError::of)?, guard })
    }
}
