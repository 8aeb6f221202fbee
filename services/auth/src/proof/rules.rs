use std::time::Duration;

use contract_auth::MailKind;
use ids::Timestamp;
use serde::{Deserialize, Serialize};

use crate::one_time::Purpose;

/// A mail to the address of an account, with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Letter {
    /// After a registration, or when its maker asks once more.
    VerifyEmail,
    /// After a registration of an address that has an account.
    AlreadyRegistered,
    /// For who forgot the password.
    ResetPassword,
    /// For who logs in by mail.
    MagicLink,
}

impl Letter {
    /// Which mail it is in.
    pub(crate) const fn kind(self) -> MailKind {
        match self {
            Self::VerifyEmail => MailKind::VerifyEmail,
            Self::AlreadyRegistered => MailKind::AlreadyRegistered,
            Self::ResetPassword => MailKind::ResetPassword,
            Self::MagicLink => MailKind::MagicLink,
        }
    }

    /// What it does.
    pub(super) const fn purpose(self) -> Purpose {
        match self {
            Self::VerifyEmail => Purpose::VerifyEmail,
            Self::AlreadyRegistered | Self::ResetPassword => Purpose::ResetPassword,
            Self::MagicLink => Purpose::MagicLink,
        }
    }
}

/// How many mails of one kind an account gets in the span of [`WINDOW`]: enough for who
/// lost one, too few to fill a stranger's mailbox with.
pub(super) const fn most(kind: MailKind) -> u16 {
    match kind {
        MailKind::AlreadyRegistered => 1,
        _ => 5,
    }
}

/// The span that mails are counted in.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// How long until another mail may go, if it may not now; `last` is when the
/// [`most`]-latest one was asked for.
pub(super) fn wait(last: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    last.map(|at| (at + WINDOW).since(now)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_waits_until_the_oldest_that_counts_is_an_hour_old() {
        let now = Timestamp::now();
        let ago = |minutes: u64| Some(now - Duration::from_secs(minutes * 60));
        assert_eq!(wait(None, now), None, "there are fewer");
        assert_eq!(wait(ago(45), now), Some(Duration::from_secs(15 * 60)));
        assert_eq!(wait(ago(60), now), None);
        assert_eq!(wait(ago(600), now), None);
    }

    #[test]
    fn who_registers_again_is_written_to_once_an_hour() {
        assert_eq!((most(MailKind::AlreadyRegistered), most(MailKind::ResetPassword)), (1, 5));
    }
}
