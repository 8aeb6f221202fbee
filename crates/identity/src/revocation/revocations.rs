use std::{
    convert::Infallible,
    error::Error,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use ids::ApiKeyId;
use reqwest::Method;
use service_discovery::Peer;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{End, Feed, REVOCATIONS_PATH, Revocation, Since, Watched, feed::FIRST_PATIENCE, known::Known};
use crate::{Claims, Refusal};

/// How often the feed is read.
const EVERY: Duration = Duration::from_millis(250);

/// How long one reading may take, once the first is done.
const PATIENCE: Duration = Duration::from_secs(1);

/// Without a reading for that long, sensitive permissions are refused, unless told otherwise.
const STALE_AFTER: Duration = Duration::from_secs(60);

/// The revocations that this process knows of. Clones share them.
///
/// Until the feed was read once, nothing is known, and no person's token is accepted.
/// When the feed is away later, what is known goes on; only sensitive permissions
/// are refused after a while ([`Revocations::require_fresh`]).
#[derive(Clone, Debug)]
pub struct Revocations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    known: RwLock<Known>,
    /// When the feed was last read.
    read_at: RwLock<Option<Instant>>,
    stale_after: Duration,
    /// Wakes those who wait for an end.
    news: watch::Sender<()>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new(STALE_AFTER)
    }
}

impl Revocations {
    /// Nothing is known yet; `stale_after` is for [`Revocations::require_fresh`].
    #[must_use]
    pub fn new(stale_after: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                known: RwLock::default(),
                read_at: RwLock::default(),
                stale_after,
                news: watch::Sender::new(()),
            }),
        }
    }

    /// Reads the feed of `auth` for ever; see [`feed_of_auth`](super::feed_of_auth).
    pub async fn follow(&self, auth: &Peer) -> Infallible {
        self.follow_by(async |since| {
            let request = auth.request(Method::GET, REVOCATIONS_PATH).query(&Since { since });
            auth.json(request).await
        })
        .await
    }

    /// Reads the feed for ever by `read`, which is given the last cursor. A failure
    /// is tolerated: what is known goes on, and the next reading brings the rest.
    pub async fn follow_by<E: Error + 'static>(
        &self,
        mut read: impl AsyncFnMut(Option<String>) -> Result<Feed, E>,
    ) -> Infallible {
        let (mut cursor, mut failing) = (None, false);
        loop {
            let patience = if cursor.is_none() { FIRST_PATIENCE } else { PATIENCE };
            let outcome = match timeout(patience, read(cursor.clone())).await {
                Ok(Ok(feed)) => Ok(feed),
                Ok(Err(error)) => Err(Box::<dyn Error>::from(error)),
                Err(elapsed) => Err(elapsed.into()),
            };
            if outcome.is_ok() == failing {
                failing = !failing;
                tell(outcome.as_ref().err().map(AsRef::as_ref));
            }
            if let Ok(feed) = outcome {
                cursor = Some(feed.cursor.clone());
                self.take(feed);
            }
            sleep(EVERY).await;
        }
    }

    /// Takes note of revocations beside the feed: auth's own, right after their commit.
    pub fn hear(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let now = Instant::now();
        let mut known = self.shared.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut news = false;
        for revocation in revocations {
            news |= known.hear(revocation, now);
        }
        drop(known);
        if news {
            self.shared.news.send_replace(());
        }
    }

    /// Takes note of one answer of the feed.
    pub fn take(&self, feed: Feed) {
        self.hear(feed.revocations);
        let now = Instant::now();
        self.shared.known.write().unwrap_or_else(PoisonError::into_inner).forget_old(now);
        *self.shared.read_at.write().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// How long ago the feed was last read; `None` if it never was.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.shared.read_at.read().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    /// Whether the feed was read once, so that all revocations that matter are known.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.age().is_some()
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the token with these claims was revoked.
    #[must_use]
    pub fn is_revoked(&self, claims: &Claims) -> bool {
        let known = self.shared.known.read().unwrap_or_else(PoisonError::into_inner);
        known.voids(&claims.sub, claims.ver)
            || claims.sid.as_deref().is_some_and(|sid| known.voids(sid, claims.sver))
    }

    /// Refuses a revoked token, and every person's as long as nothing is known. A
    /// service's own cannot be revoked: it is over within minutes.
    ///
    /// # Errors
    /// [`Refusal::Revoked`], or [`Refusal::RightsChanged`] when the token is of an API key
    /// that only has to be exchanged anew; [`Refusal::RevocationsUnknown`].
    pub fn check(&self, claims: &Claims) -> Result<(), Refusal> {
        if claims.service().is_some() {
            return Ok(());
        }
        if !self.is_loaded() {
            return Err(Refusal::RevocationsUnknown);
        }
        match self.is_revoked(claims) {
            false => Ok(()),
            true if self.is_of_good_key(claims) => Err(Refusal::RightsChanged),
            true => Err(Refusal::Revoked),
        }
    }

    /// Whether the token is of an API key that was not deleted. Its holder cannot do more
    /// than send it again, so a version that moved is no end for them.
    fn is_of_good_key(&self, claims: &Claims) -> bool {
        let key = claims.sid.as_deref().filter(|sid| sid.parse::<ApiKeyId>().is_ok());
        let known = self.shared.known.read().unwrap_or_else(PoisonError::into_inner);
        key.is_some_and(|key| ![key, &claims.sub].into_iter().any(|subject| known.voids_whole(subject)))
    }

    /// Refuses when the feed was not read for too long.
    ///
    /// # Errors
    /// [`Refusal::RevocationsStale`].
    pub fn require_fresh(&self) -> Result<(), Refusal> {
        match self.age() {
            Some(age) if age <= self.shared.stale_after => Ok(()),
            _ => Err(Refusal::RevocationsStale),
        }
    }

    /// A future that ends when the credential does, and says why: what a stream that was opened
    /// with it is raced against.
    pub fn ended(&self, credential: impl Into<Watched>) -> BoxFuture<'static, End> {
        Box::pin(Self::wait(self.clone(), credential.into()))
    }

    async fn wait(self, watched: Watched) -> End {
        let mut news = self.shared.news.subscribe();
        let revoked = async {
            while !self.voids_any(&watched) {
                // It cannot fail: the sender is in `self`.
                if news.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = revoked => End::Revoked,
            () = watched.expiry() => End::Expired,
        }
    }

    fn voids_any(&self, watched: &Watched) -> bool {
        let known = self.shared.known.read().unwrap_or_else(PoisonError::into_inner);
        watched.subjects.iter().any(|(subject, version)| known.voids(subject, *version))
    }
}

/// Says once that the feed is away, and once that it is back.
fn tell(error: Option<&(dyn Error + 'static)>) {
    match error {
        Some(error) => tracing::warn!(error, "revocations cannot be read; those known go on"),
        None => tracing::info!("revocations are read again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::{SessionId, Timestamp, UserId};

    fn claims(user: UserId, sid: impl ToString, lifetime: Duration) -> Claims {
        serde_json::from_value(serde_json::json!({
            "iss": "i", "sub": user, "aud": "a", "jti": "j", "iat": 0, "ver": 3, "sid": sid.to_string(), "sver": 2,
            "exp": (Timestamp::now() + lifetime).unix_seconds(),
        }))
        .unwrap()
    }

    fn loaded() -> Revocations {
        let revocations = Revocations::default();
        revocations.take(Feed::default());
        revocations
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_their_own_revocation_alone() {
        let (user, session, minute) = (UserId::generate(), SessionId::generate(), Duration::from_secs(60));
        let revocations = loaded();
        let mut ended = Box::pin(revocations.ended(&claims(user, session, minute)));
        revocations.hear([
            Revocation::of_user(user, 3),
            Revocation::of_user(UserId::generate(), 9),
            Revocation::of_session(SessionId::generate()),
        ]);
        assert!(timeout(Duration::from_millis(50), &mut ended).await.is_err(), "none is meant for it");
        revocations.hear([Revocation::of_session(session)]);
        assert_eq!(ended.await, End::Revoked);
        assert_eq!(revocations.ended(&claims(user, session, minute)).await, End::Revoked, "and later");
    }

    #[test]
    fn a_good_keys_token_is_to_be_sent_again_when_a_version_moved() {
        let (user, key) = (UserId::generate(), ApiKeyId::generate());
        let by_key = claims(user, key, Duration::from_secs(60));
        let by_session = claims(user, SessionId::generate(), Duration::from_secs(60));
        for moved in [Revocation::of_user(user, 4), Revocation::of_api_key_before(key, 3)] {
            let revocations = loaded();
            assert_eq!(revocations.check(&by_key), Ok(()));
            revocations.hear([moved]);
            assert_eq!(revocations.check(&by_key), Err(Refusal::RightsChanged));
            revocations.hear([Revocation::of_user(user, 4)]);
            assert_eq!(revocations.check(&by_session), Err(Refusal::Revoked), "a refresh helps it");
            revocations.hear([Revocation::of_api_key(key)]);
            assert_eq!(revocations.check(&by_key), Err(Refusal::Revoked), "a deleted key is final");
        }
    }

    #[tokio::test]
    async fn whoever_waits_long_enough_expires() {
        let claims = claims(UserId::generate(), SessionId::generate(), Duration::from_secs(1));
        assert_eq!(loaded().ended(&claims).await, End::Expired);
    }

    #[tokio::test]
    async fn a_feed_that_fails_or_hangs_is_read_again_from_where_it_was() {
        let revocations = loaded();
        let (user, done) = (UserId::generate(), tokio::sync::Notify::new());
        let mut asked = Vec::new();
        let follow = revocations.follow_by(async |since| {
            asked.push(since);
            match asked.len() {
                2 => return Err(std::io::Error::other("away")),
                3 => return std::future::pending().await,
                5 => done.notify_one(),
                _ => {}
            }
            Ok(Feed { cursor: format!("c{}", asked.len()), revocations: vec![Revocation::of_user(user, 1)] })
        });
        tokio::select! {
            never = follow => match never {},
            () = done.notified() => {}
        }
        let asked: Vec<_> = asked.iter().map(Option::as_deref).collect();
        assert_eq!(asked, [None, Some("c1"), Some("c1"), Some("c1"), Some("c4")]);
        assert_eq!(revocations.len(), 1);
    }

    #[tokio::test]
    async fn a_feed_that_was_never_or_long_not_read_is_stale() {
        assert_eq!(Revocations::default().require_fresh(), Err(Refusal::RevocationsStale));
        assert_eq!(loaded().require_fresh(), Ok(()));
        let impatient = Revocations::new(Duration::ZERO);
        impatient.take(Feed::default());
        sleep(Duration::from_millis(2)).await;
        assert_eq!(impatient.require_fresh(), Err(Refusal::RevocationsStale));
    }
}
