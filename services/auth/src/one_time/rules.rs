use std::time::Duration;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// What a one-time token is good for, and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Proves that an address is its account's own.
    VerifyEmail,
    /// Gives the account another address; `about` is that address.
    ChangeEmail,
    /// Sets a new password.
    ResetPassword,
    /// Logs in.
    MagicLink,
    /// Accepts an invitation; `about` is its id.
    Invitation,
    /// Takes the second step of a login.
    SecondFactor,
    /// Opens one WebSocket; `about` is the session.
    WebSocket,
}

impl Purpose {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::VerifyEmail,
        Self::ChangeEmail,
        Self::ResetPassword,
        Self::MagicLink,
        Self::Invitation,
        Self::SecondFactor,
        Self::WebSocket,
    ];

    /// What is only worth something while its account stays as it is.
    pub(crate) const OF_ACCOUNTS: [Self; 6] = [
        Self::VerifyEmail,
        Self::ChangeEmail,
        Self::ResetPassword,
        Self::MagicLink,
        Self::SecondFactor,
        Self::WebSocket,
    ];

    /// What is mailed to the address of an account, or about another one.
    pub(crate) const MAILED: [Self; 4] =
        [Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword, Self::MagicLink];

    /// The name, in rows and in what the MAC is made of.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify-email",
            Self::ChangeEmail => "change-email",
            Self::ResetPassword => "reset-password",
            Self::MagicLink => "magic-link",
            Self::Invitation => "invitation",
            Self::SecondFactor => "second-factor",
            Self::WebSocket => "web-socket",
        }
    }

    /// How long it works.
    pub(crate) const fn lifetime(self) -> Duration {
        Duration::from_secs(match self {
            Self::VerifyEmail => 3 * DAY,
            Self::ChangeEmail | Self::ResetPassword => 60 * MINUTE,
            Self::MagicLink => 15 * MINUTE,
            Self::Invitation => 7 * DAY,
            Self::SecondFactor => 10 * MINUTE,
            Self::WebSocket => 30,
        })
    }
}
