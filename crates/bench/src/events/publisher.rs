//! The side that publishes, with its relay.

use std::{ops::Range, time::Duration};

use anyhow::Context;
use contract_auth::Secret;
use contract_prefs::{NamespaceName, events::PreferencesChanged};
use events::{Issued, Relay, Tokens, publish};
use identity::Claims;
use ids::{OrgId, UserId};
use observability::Metrics;
use service_discovery::Service;
use service_kit::db::{self, Db};
use testing::{Issuer, Person};
use tokio::{sync::oneshot, task::JoinSet};

use crate::{served::registry, servers::pool};

/// Over how many users the events are spread: those of one stay in order.
const USERS: usize = 1_000;
/// How many are published in one transaction when nobody looks at the clock.
const AT_ONCE: usize = 500;
/// How long the relay's token lasts: longer than the bench.
const TOKEN: Duration = Duration::from_secs(3600);

pub(super) struct Publisher {
    db: Db,
    org: OrgId,
    users: Vec<UserId>,
    namespace: NamespaceName,
}

impl Publisher {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let users = (0..USERS).map(|_| UserId::generate()).collect();
        Ok(Self { db: pool(url)?, org: OrgId::generate(), users, namespace: "bench".parse()? })
    }

    /// The event of this number, which is also the version of what it is about.
    fn event(&self, number: i64) -> anyhow::Result<PreferencesChanged> {
        let user = usize::try_from(number)? % self.users.len();
        let user_id = *self.users.get(user).context("a user")?;
        Ok(PreferencesChanged {
            org_id: self.org,
            user_id,
            namespace: self.namespace.clone(),
            version: number,
        })
    }

    /// Publishes as fast as it goes.
    pub(super) async fn publish_all(&self, numbers: Range<i64>) -> anyhow::Result<()> {
        let all = numbers.map(|number| self.event(number)).collect::<anyhow::Result<Vec<_>>>()?;
        for portion in all.chunks(AT_ONCE) {
            self.publish(portion).await?;
        }
        Ok(())
    }

    /// Publishes one in each pause, in transactions of their own, even if those take longer.
    pub(super) async fn publish_at_rate(&self, numbers: Range<i64>, pause: Duration) -> anyhow::Result<()> {
        let mut next = tokio::time::interval(pause);
        let mut publishing = JoinSet::new();
        for number in numbers {
            let (db, event) = (self.db.clone(), self.event(number)?);
            next.tick().await;
            publishing.spawn_local(async move { commit(&db, &[event]).await });
        }
        while let Some(published) = publishing.join_next().await {
            published??;
        }
        Ok(())
    }

    async fn publish(&self, events: &[PreferencesChanged]) -> anyhow::Result<()> {
        Ok(commit(&self.db, events).await?)
    }

    /// Tells the receiver at `url` until the answer is dropped.
    pub(super) fn relay(&self, issuer: &Issuer, url: &str) -> anyhow::Result<oneshot::Sender<()>> {
        let token = own_token(issuer);
        let tokens =
            Tokens::by(async move |_| Ok(Issued { token: Secret::from(token.clone()), lasts: TOKEN }));
        let registry = registry("AUTH_INTERNAL_URL", url)?;
        let metrics = Metrics::new(Service::Prefs.name())?;
        let relay = Relay::new(&self.db, &[Service::Auth], &registry, &tokens, &metrics)?;
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::task::spawn_local(relay.run(async { drop(stopped.await) }));
        Ok(stop)
    }
}

async fn commit(db: &Db, events: &[PreferencesChanged]) -> db::Result<()> {
    db.transaction(async |conn| {
        for event in events {
            publish(conn, event).await?;
        }
        Ok(())
    })
    .await
}

fn own_token(issuer: &Issuer) -> String {
    let claims = issuer.claims(Service::Auth, &Person::with_scopes(""));
    let exp = claims.iat + i64::try_from(TOKEN.as_secs()).unwrap_or_default();
    issuer.sign(&Claims { sub: Claims::service_subject(Service::Prefs), org: None, sid: None, exp, ..claims })
}
