use actix_web::web::Data;
use audit::Origin;
use contract_auth::Secret;
use ids::UserId;
use problem::FieldError;

use super::{Hasher, NormalPassword, PasswordError, RangeCheck, accept, hash::Checked};
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

    /// Judges a password and settles the attempt: what was found, if it is the one that is
    /// held. One that is longer than any that was ever taken is wrong, after the same work.
    pub(crate) async fn judge(
        &self,
        attempt: Attempt<'_>,
        held: &Held,
        typed: NormalPassword,
        origin: &Origin,
    ) -> Result<Option<Checked>, PasswordError> {
        let phc = held.phc.clone().filter(|_| !typed.is_overlong());
        match self.hasher.check(typed, phc).await {
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
        let attempt = self.attempts.begin(Proof::Password, &row.email, None).await?;
        let held = Held { user: Some(user), phc: row.password_hash.clone() };
        let typed = NormalPassword::from(typed.expose());
        let checked = self.judge(attempt, &held, typed, origin).await?;
        Ok(checked.and(held.phc))
    }
}
