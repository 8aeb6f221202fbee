use actix_web::web::Data;
use audit::Entry;
use contract_auth::{Secret, Tokens, audited};
use diesel_async::AsyncPgConnection;
use identity::Principal;
use ids::{OrgId, SessionId, Timestamp, UserId};
use sealing::Keyring;

use super::{
    Device, Lifetimes, Mode, Pass, RefreshToken, SessionError, cookie, rules,
    store::{self, AtOnce, NewSession, Outcome, Owner},
};
use crate::{
    attempt::Keys,
    rights::{self, Rights, RightsError},
    settings::LoginPolicy,
    token::{Subject, TokenIssuer},
};

/// What makes pairs of tokens, and cookies.
#[derive(Debug)]
pub(crate) struct Minting {
    pub(crate) issuer: TokenIssuer,
    pub(crate) keyring: Data<Keyring>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) policy: LoginPolicy,
}

/// A session that is to begin.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) user: UserId,
    pub(crate) org: OrgId,
    /// How the user has proven who they are (RFC 8176).
    pub(crate) methods: Vec<String>,
    /// When they have, if not now.
    pub(crate) authenticated_at: Option<Timestamp>,
    pub(crate) mode: Mode,
}

impl Opening {
    /// By a proof that was given just now.
    pub(crate) const fn now((user, org): (UserId, OrgId), methods: Vec<String>, mode: Mode) -> Self {
        Self { user, org, methods, authenticated_at: None, mode }
    }

    /// In place of the caller's own session, by the same proof; who has shown a password
    /// meanwhile has not shown the second factor anew.
    pub(crate) fn again(caller: &Principal, mode: Mode) -> Self {
        let both = caller.methods.iter().any(|method| method == "mfa");
        let authenticated_at = caller.authenticated_at.filter(|_| both);
        let (whose, methods) = ((caller.user, caller.org), caller.methods.clone());
        Self { authenticated_at, ..Self::now(whose, methods, mode) }
    }
}

/// How a session may begin.
#[derive(Clone, Copy, Debug)]
pub(super) enum Terms<'a> {
    /// As part of something else, by all the proofs that it takes.
    Part,
    /// As a login, by all the proofs that it takes.
    Login,
    /// As a login by a first proof: not for a user who has a second factor.
    FirstStep,
    /// The same, outside a transaction, with the attempt that succeeds by it: if it takes no
    /// more than that, and the user's row is still as it was found.
    AtOnce { as_found: &'a str, attempt: Keys<'a> },
}

/// A session that has begun.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) pass: Pass,
    /// Whom to tell, if its user was never seen on such a device there: their address.
    pub(super) unseen_by: Option<String>,
}

impl Minting {
    /// Opens a session on a device, as part of what the transaction does.
    pub(crate) async fn open(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        opening: Opening,
    ) -> Result<Opened, SessionError> {
        self.open_on(connection, device, opening, Terms::Part).await?.ok_or(SessionError::Over)
    }

    /// Opens a session on these terms, or none if they are not met.
    pub(super) async fn open_on(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        opening: Opening,
        terms: Terms<'_>,
    ) -> Result<Option<Opened>, SessionError> {
        let now = Timestamp::now();
        let new = self.session(device, opening, terms, now);
        let outcome = store::open(connection, &new).await?;
        let Some(Outcome { opened, unseen_by, standing }) = outcome else {
            return if new.at_once.is_some() { Ok(None) } else { Err(RightsError::Ended.into()) };
        };
        if !opened {
            return Ok(None);
        }
        let rights = standing.rights(connection).await?;
        let state = RefreshToken { session: new.id, counter: 0, issued_at: now };
        Ok(Some(Opened { pass: self.pass_of(&new.owner, rights, state, now)?, unseen_by }))
    }

    /// A session that begins now.
    fn session<'a>(
        &self,
        device: &'a Device,
        opening: Opening,
        terms: Terms<'a>,
        now: Timestamp,
    ) -> NewSession<'a> {
        let Opening { user, org, methods, authenticated_at, mode } = opening;
        let id = SessionId::generate();
        let unverified = !self.policy.requires_verified_email;
        let entry = || {
            let entry = Entry::of(audited::SESSION_OPENED).on(id).in_org(org).with("by", methods.join(" "));
            audit::row(&device.origin.anybody(user.to_string()), entry)
        };
        let (unless_guarded, entry, at_once) = match terms {
            Terms::Part => (false, None, None),
            Terms::Login => (false, Some(entry()), None),
            Terms::FirstStep => (true, Some(entry()), None),
            Terms::AtOnce { as_found, attempt } => {
                (true, Some(entry()), Some(AtOnce { as_found, unverified, attempt }))
            }
        };
        let owner = Owner {
            user_id: user,
            org_id: org,
            expires_at: now + self.lifetimes.absolute,
            authenticated_at: authenticated_at.unwrap_or(now),
            methods,
            cookie: mode == Mode::Cookie,
            version: 0,
        };
        NewSession { id, owner, device, now, unless_guarded, entry, at_once }
    }

    /// What the client of a session in this state goes on with, with the user's rights as of
    /// now.
    pub(crate) async fn pass(
        &self,
        connection: &mut AsyncPgConnection,
        owner: &Owner,
        state: RefreshToken,
        now: Timestamp,
    ) -> Result<Pass, SessionError> {
        let rights = rights::store::find(connection, owner.org_id, owner.user_id).await?;
        self.pass_of(owner, rights.ok_or(RightsError::Ended)?, state, now)
    }

    /// [`Minting::pass`] with rights that were read with the session.
    fn pass_of(
        &self,
        owner: &Owner,
        rights: Rights,
        state: RefreshToken,
        now: Timestamp,
    ) -> Result<Pass, SessionError> {
        if !owner.cookie {
            return Ok(Pass::Tokens(self.pair_of(owner, rights, state, now)?));
        }
        self.admissible(rights)?;
        let lasts = rules::remaining(owner.expires_at, self.lifetimes.idle, now);
        let text = cookie::text(&self.keyring, state.session)?;
        Ok(Pass::Cookie { session: state.session, text, lasts })
    }

    /// The pair for a session in this state, with the user's rights as of now.
    pub(super) async fn pair(
        &self,
        connection: &mut AsyncPgConnection,
        owner: &Owner,
        state: RefreshToken,
        now: Timestamp,
    ) -> Result<Tokens, SessionError> {
        let rights = rights::store::find(connection, owner.org_id, owner.user_id).await?;
        self.pair_of(owner, rights.ok_or(RightsError::Ended)?, state, now)
    }

    /// [`Minting::pair`] with rights that were read with the session.
    pub(super) fn pair_of(
        &self,
        owner: &Owner,
        rights: Rights,
        state: RefreshToken,
        now: Timestamp,
    ) -> Result<Tokens, SessionError> {
        let subject = subject(owner, state.session, &self.admissible(rights)?);
        let access_token = self.issuer.for_clients(&subject, self.lifetimes.access, now)?;
        let refresh_expires_in = rules::remaining(owner.expires_at, self.lifetimes.idle, now).as_secs();
        Ok(Tokens {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: self.expires_in(),
            refresh_token: state.seal(&self.keyring)?,
            refresh_expires_in: i64::try_from(refresh_expires_in).unwrap_or(i64::MAX),
        })
    }

    /// The next access token of a session, if its client holds tokens.
    pub(super) async fn access_token(
        &self,
        connection: &mut AsyncPgConnection,
        owner: &Owner,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<Secret>, SessionError> {
        let subject = self.subject(connection, owner, session).await?;
        let token = self.issuer.for_clients(&subject, self.lifetimes.access, now)?;
        Ok((!owner.cookie).then_some(token))
    }

    /// How long an access token lasts, seconds.
    pub(super) fn expires_in(&self) -> i64 {
        i64::try_from(self.lifetimes.access.as_secs()).unwrap_or(i64::MAX)
    }

    /// Whom the tokens of a session speak for, with their rights as of now: nobody who is
    /// banned, or may not log in.
    pub(crate) async fn subject(
        &self,
        connection: &mut AsyncPgConnection,
        owner: &Owner,
        session: SessionId,
    ) -> Result<Subject, SessionError> {
        Ok(subject(owner, session, &self.admit(connection, owner.user_id, owner.org_id).await?))
    }

    /// What the user may do in the organisation as of now, if they may log in at all.
    pub(super) async fn admit(
        &self,
        connection: &mut AsyncPgConnection,
        user: UserId,
        org: OrgId,
    ) -> Result<Rights, SessionError> {
        let rights = rights::store::find(connection, org, user).await?;
        self.admissible(rights.ok_or(RightsError::Ended)?)
    }

    /// The rights of somebody who may log in.
    fn admissible(&self, rights: Rights) -> Result<Rights, SessionError> {
        if rights.banned_at.is_some() {
            return Err(RightsError::Banned.into());
        }
        if self.policy.requires_verified_email && !rights.email_verified {
            return Err(SessionError::Unverified);
        }
        Ok(rights)
    }
}

/// Whom the tokens of a session speak for.
fn subject(owner: &Owner, session: SessionId, rights: &Rights) -> Subject {
    Subject {
        authenticated_at: Some(owner.authenticated_at),
        methods: owner.methods.clone(),
        ..Subject::session(owner.user_id, owner.org_id, (session, owner.version), rights)
    }
}
