use std::time::Duration;

use contract_auth::NotAnApiKey;
use identity::Refusal;
use problem::{Describe, Kind};
use service_discovery::CallError;

use super::ProofKind;

/// Why a credential does not let a request in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    /// Two credentials, and nobody knows which is meant.
    #[error(
        "more than one credential: send one of `Authorization`, `X-API-Key`, a ticket, a cookie; and it once"
    )]
    Ambiguous,
    /// What the verifier says of a token.
    #[error("{0}")]
    Token(#[from] Refusal),
    /// Mistyped: the form or the check sum is wrong.
    #[error("{0}")]
    Malformed(#[from] NotAnApiKey),
    /// Auth does not know it, or no longer.
    #[error("{}", .0.why())]
    Refused(ProofKind),
    /// Auth is away, and nothing is cached.
    #[error("the credential cannot be checked")]
    Unavailable(#[source] CallError),
    /// Auth refuses the gateway itself.
    #[error("auth does not accept the gateway's own credential")]
    Own(#[source] CallError),
}

impl Describe for CredentialError {
    fn kind(&self) -> Kind {
        match self {
            Self::Ambiguous => Kind::Malformed,
            Self::Token(refusal) => refusal.kind(),
            Self::Malformed(_) | Self::Refused(_) => Kind::Unauthenticated,
            Self::Unavailable(_) => Kind::Unavailable,
            Self::Own(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Ambiguous => "credential_ambiguous",
            Self::Token(refusal) => refusal.code(),
            Self::Malformed(_) => "api_key_malformed",
            Self::Refused(kind) => kind.refused(),
            Self::Unavailable(_) => "auth_unavailable",
            Self::Own(_) => "internal",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Token(refusal) => refusal.retry_after(),
            Self::Unavailable(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    fn challenge(&self) -> Option<String> {
        match self {
            Self::Token(refusal) => refusal.challenge(),
            Self::Malformed(_) | Self::Refused(_) => Some(r#"Bearer error="invalid_token""#.to_owned()),
            _ => None,
        }
    }
}
