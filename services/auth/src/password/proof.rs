use std::net::IpAddr;

use actix_web::web::Data;
use audit::Origin;
use contract_auth::Secret;
use diesel_async::AsyncPgConnection;
use ids::UserId;
use problem::FieldError;
use service_kit::db;

use super::{Hasher, NormalPassword, PasswordError, RangeCheck, accept, hash::Checked, hasher::Place};
use crate::{
    account::store::PasswordRow,
    attempt::{Attempt, AttemptError, Attempts, Keys, Proof},
};

/// What checks passwords: every check of one that is held is an attempt.
#[derive(Debug)]
pub(crate) struct Checker {
    pub(crate) hasher: Hasher,
    pub(crate) attempts: Data<Attempts>,
    pub(crate) range_check: RangeCheck,
}

/// A password that is to be judged: the attempt was counted, and there is a place to hash it.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    attempt: Attempt<'a>,
    place: Place,
}

/// Whose password is checked, and what is kept of it; neither, where there is no account.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) user: Option<UserId>,
    pub(crate) phc: Option<String>,
}

impl Checker {
    /// A password that its user, whom `row` describes, may have from now on.
    ///
    /// # Errors
    /// The fault of the field at `pointer`.
    pub(crate) async fn accept(
        &self,
        typed: &Secret,
        pointer: &str,
        row: &PasswordRow,
    ) -> Result<NormalPassword, FieldError> {
        let local = row.email.split('@').next().unwrap_or_default();
        let about = [row.email.as_str(), local, row.name.as_deref().unwrap_or_default()];
        let new = accept(typed.expose(), pointer, &about)?;
        self.range_check.accept(&new, pointer).await?;
        Ok(new)
    }

    /// Begins to check the password of whoever has this address: a turn at the account, a
    /// place to hash it, and only then a look at the database, to count the attempt and for
    /// what `look` asks. So who is shed costs nothing, and who waits for a turn keeps
    /// nobody's place.
    ///
    /// # Errors
    /// [`AttemptError::TooMany`], or that there is no place.
    pub(crate) async fn begin<T>(
        &self,
        address: &str,
        from: Option<IpAddr>,
        look: impl AsyncFnOnce(&AsyncPgConnection) -> db::Result<T>,
    ) -> Result<(Judged<'_>, T), PasswordError> {
        let turn = self.attempts.turn(Proof::Password, address).await?;
        let place = self.hasher.place().await?;
        let (attempt, found) = turn.count(from, look).await?;
        Ok((Judged { attempt, place }, found))
    }

    /// Judges a password and settles the attempt: what was found, if it is the one that is
    /// held, and what that opened, if `open` could settle it by the same statement. One that is
    /// longer than any that was ever taken is wrong, after the same work.
    pub(crate) async fn judge<T, E: From<PasswordError> + From<AttemptError>>(
        &self,
        Judged { attempt, place }: Judged<'_>,
        held: &Held,
        typed: NormalPassword,
        origin: &Origin,
        open: impl AsyncFnOnce(&mut AsyncPgConnection, Keys<'_>, Checked) -> Result<Option<T>, E>,
    ) -> Result<Option<(Checked, Option<T>)>, E> {
        let phc = held.phc.clone().filter(|_| !typed.is_overlong());
        match self.hasher.check(&place, typed, phc).await {
            Ok(checked) if checked.matches => {
                let open = async |connection: &mut AsyncPgConnection, keys: Keys<'_>| {
                    open(connection, keys, checked).await
                };
                Ok(Some((checked, attempt.succeeded_by(open).await?)))
            }
            Ok(_) => {
                attempt.failed(held.user, origin).await?;
                Ok(None)
            }
            Err(error) => {
                attempt.withdraw().await?;
                Err(error.into())
            }
        }
    }

    /// Checks the password of somebody who is logged in, by the counter that their logins
    /// have; its hash, if it is the one.
    pub(crate) async fn prove(
        &self,
        user: UserId,
        row: &PasswordRow,
        typed: &Secret,
        origin: &Origin,
    ) -> Result<Option<String>, PasswordError> {
        let (begun, ()) = self.begin(&row.email, None, async |_| Ok(())).await?;
        let held = Held { user: Some(user), phc: row.password_hash.clone() };
        let typed = NormalPassword::from(typed.expose());
        let open = async |_: &mut AsyncPgConnection, _: Keys<'_>, _| Ok::<Option<()>, PasswordError>(None);
        let checked = self.judge(begun, &held, typed, origin, open).await?;
        Ok(checked.and(held.phc))
    }
}
