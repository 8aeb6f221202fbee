use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use contract_auth::{Client, Grant, Secret};
use futures_util::future::LocalBoxFuture;
use secrecy::SecretString;
use service_discovery::Service;

/// A token is asked for anew this long before it ends.
const AHEAD: Duration = Duration::from_secs(30);

/// Why there is no token.
pub type NoToken = Box<dyn std::error::Error + Send + Sync>;

/// A token, and how long it is good for.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token.
    pub token: Secret,
    /// From now on.
    pub lasts: Duration,
}

type Source = dyn Fn(Service) -> LocalBoxFuture<'static, Result<Issued, NoToken>>;

/// Where a service gets its own tokens from, for the services that it calls.
#[derive(Clone)]
pub struct Tokens {
    source: Arc<Source>,
    held: Arc<Held>,
}

impl Tokens {
    /// By `source`, which is asked anew shortly before a token ends: auth signs them
    /// itself.
    pub fn by<S>(source: S) -> Self
    where
        S: AsyncFn(Service) -> Result<Issued, NoToken> + Clone + 'static,
    {
        let source = move |service| -> LocalBoxFuture<'static, _> {
            let source = source.clone();
            Box::pin(async move { source(service).await })
        };
        Self { source: Arc::new(source), held: Arc::default() }
    }

    /// From auth, as `own`, which proves itself by `secret`.
    #[must_use]
    pub fn from_auth(auth: Client, own: Service, secret: SecretString) -> Self {
        Self::by(async move |service| {
            let issued = auth.token(own, &secret, Grant::Own(service)).await?;
            let lasts = Duration::from_secs(u64::try_from(issued.expires_in).unwrap_or(0));
            Ok(Issued { token: issued.access_token, lasts })
        })
    }

    /// A token that `service` takes.
    ///
    /// # Errors
    /// Whatever the source says.
    pub async fn token(&self, service: Service) -> Result<Secret, NoToken> {
        let now = Instant::now();
        if let Some(token) = self.held.get(service, now) {
            return Ok(token);
        }
        let Issued { token, lasts } = (self.source)(service).await?;
        self.held.put(service, token.clone(), now + lasts.saturating_sub(AHEAD));
        Ok(token)
    }

    /// Asks anew next time: this one was refused.
    pub fn forget(&self, service: Service) {
        self.held.forget(service);
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Tokens that were given, by whom they are for.
#[derive(Default)]
struct Held {
    tokens: Mutex<BTreeMap<Service, (Secret, Instant)>>,
}

impl Held {
    fn get(&self, service: Service, now: Instant) -> Option<Secret> {
        self.tokens().get(&service).filter(|(_, until)| now < *until).map(|(token, _)| token.clone())
    }

    fn put(&self, service: Service, token: Secret, until: Instant) {
        self.tokens().insert(service, (token, until));
    }

    fn forget(&self, service: Service) {
        self.tokens().remove(&service);
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<Service, (Secret, Instant)>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_until_it_is_due_or_refused() {
        let (held, now) = (Held::default(), Instant::now());
        held.put(Service::Auth, Secret::from("one"), now + AHEAD);
        assert!(held.get(Service::Auth, now).is_some());
        assert!(held.get(Service::Prefs, now).is_none());
        assert!(held.get(Service::Auth, now + AHEAD).is_none());
        held.forget(Service::Auth);
        assert!(held.get(Service::Auth, now).is_none());
    }
}
