use std::net::IpAddr;

use actix_web::web::Data;
use audit::Origin;
use contract_auth::Secret;
use ids::UserId;
use problem::FieldError;

use super::{Hasher, NormalPassword, PasswordError, RangeCheck, accept, hash::Checked, hasher::Place};
use crate::{
    account::store::PasswordRow,
    attempt::{Attempt, Attempts, Proof},
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
    /// place to hash it, and only then a look at the database, to count the attempt. So who is
    /// shed costs nothing, and who waits for a turn keeps nobody's place.
    ///
    /// # Errors
    /// [`AttemptError::TooMany`], or that there is no place.
    pub(crate) async fn begin(
        &self,
        address: &str,
        from: Option<IpAddr>,
    ) -> Result<Judged<'_>, PasswordError> {
        let turn = self.attempts.turn(Proof::Password, address).await?;
        let place = self.hasher.place().await?;
        Ok(Judged { attempt: turn.count(from).await?, place })
    }

    /// Judges a password and settles the attempt: what was found, if it is the one that is
    /// held. One that is longer than any that was ever taken is wrong, after the same work.
    pub(crate) async fn judge(
        &self,
        Judged { attempt, place }: Judged<'_>,
        held: &Held,
        typed: NormalPassword,
        origin: &Origin,
    ) -> Result<Option<Checked>, PasswordError> {
        let phc = held.phc.clone().filter(|_| !typed.is_overlong());
        match self.hasher.check(&place, typed, phc).await {
            Ok(checked) if checked.matches => {
                attempt.succeeded().await?;
                Ok(Some(checked))
            }
            Ok(_) => {
                attempt.failed(held.user, origin).await?;
                Ok(None)
            }
            Err(error) => {
                attempt.withdraw().await?;
                Err(error)
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
        let begun = self.begin(&row.email, None).await?;
        let held = Held { user: Some(user), phc: row.password_hash.clone() };
        let typed = NormalPassword::from(typed.expose());
        let checked = self.judge(begun, &held, typed, origin).await?;
        Ok(checked.and(held.phc))
    }
}
