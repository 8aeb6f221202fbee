use audit::Origin;
use identity::Principal;
use service_kit::db::Db;

use super::{SecondFactorError, rules::Shown};
use crate::{
    account::store::find_password,
    attempt::{Attempt, Proof},
    password::Checker,
    rights::RightsError,
};

/// Begins to prove anew who the caller is. A password is judged here and now; a code counts
/// as an attempt from here on, and is judged where it is used up, in the caller's
/// transaction.
pub(crate) async fn begin<'a>(
    checker: &'a Checker,
    db: &Db,
    caller: &Principal,
    shown: Shown<'_>,
    origin: &Origin,
) -> Result<Option<Attempt<'a>>, SecondFactorError> {
    let Shown::Password(typed) = shown else {
        return Ok(Some(checker.attempts.begin(Proof::Code, &caller.user.to_string(), None).await?));
    };
    let row = find_password(&mut *db.connection().await?, caller.user).await?.ok_or(RightsError::Ended)?;
    match checker.prove(caller.user, &row, typed, origin).await? {
        Some(_) => Ok(None),
        None => Err(SecondFactorError::field("/password", "wrong_password", "this is not the password")),
    }
}

/// Settles the attempt at a code, if there was one: `wrong` says that it was judged so, and
/// `done` that all went well.
pub(crate) async fn settle(
    attempt: Option<Attempt<'_>>,
    caller: &Principal,
    (done, wrong): (bool, bool),
    origin: &Origin,
) -> Result<(), SecondFactorError> {
    match attempt {
        None => {}
        Some(attempt) if done => attempt.succeeded().await?,
        Some(attempt) if wrong => attempt.failed(Some(caller.user), origin).await?,
        Some(attempt) => attempt.withdraw().await?,
    }
    Ok(())
}

impl SecondFactorError {
    /// A wrong code in a session is a field to mend: a client must not log out because of it.
    pub(crate) fn in_session(self) -> Self {
        match self {
            Self::WrongCode => Self::field("/code", "wrong_code", "the code is wrong, or was used already"),
            other => other,
        }
    }
}
