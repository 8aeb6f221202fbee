use std::{fmt, time::Duration};

use ids::Timestamp;

use crate::{Claims, Principal};

/// What of a credential can be revoked, and when it ends by itself: what a stream
/// that was opened with it has to watch.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The user, and the session or key, each with the version that the token carries.
    pub(super) subjects: Vec<(String, i64)>,
    expires_at: Timestamp,
}

/// Why a credential opens nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl Watched {
    /// Ends when the credential expires.
    pub(super) async fn expiry(&self) {
        loop {
            let left = self.expires_at.since(Timestamp::now());
            if left.is_zero() {
                return;
            }
            // In pieces, since a clock may be set while it waits.
            tokio::time::sleep(left.min(Duration::from_secs(10))).await;
        }
    }
}

impl From<&Claims> for Watched {
    fn from(claims: &Claims) -> Self {
        let mut subjects = vec![(claims.sub.clone(), claims.ver)];
        subjects.extend(claims.sid.clone().map(|sid| (sid, claims.sver)));
        Self { subjects, expires_at: claims.expires_at() }
    }
}

impl From<&Principal> for Watched {
    fn from(principal: &Principal) -> Self {
        let credential = principal.credential.to_string();
        let (user, held) = principal.versions;
        let subjects = vec![(principal.user.to_string(), user), (credential, held)];
        Self { subjects, expires_at: principal.expires_at }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::Revoked => "was revoked",
        })
    }
}
