use contract_auth::{Exchange, Secret};

/// What is no token itself but becomes one at auth.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) kind: ProofKind,
    pub(crate) text: Secret,
}

/// Which kind of proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofKind {
    /// Of a program.
    ApiKey,
    /// Of a browser: its session.
    Cookie,
    /// Of a WebSocket that a browser opens, once.
    Ticket,
}

impl Proof {
    pub(crate) const fn new(kind: ProofKind, text: Secret) -> Self {
        Self { kind, text }
    }

    /// What auth is asked for.
    pub(super) fn exchange(&self) -> Exchange {
        let text = self.text.clone();
        match self.kind {
            ProofKind::ApiKey => Exchange::ApiKey(text),
            ProofKind::Cookie => Exchange::SessionCookie(text),
            ProofKind::Ticket => Exchange::WsTicket(text),
        }
    }
}

impl ProofKind {
    /// The name in the names of cached entries.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "apikey",
            Self::Cookie => "cookie",
            Self::Ticket => "ticket",
        }
    }

    /// The code of the refusal of one that opens nothing.
    pub(super) const fn refused(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key_invalid",
            Self::Cookie => "session_cookie_invalid",
            Self::Ticket => "ws_ticket_invalid",
        }
    }

    /// The same in words.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::ApiKey => "the API key is not accepted: it is unknown, expired or deleted",
            Self::Cookie => "the session cookie is not accepted: its session is over; log in again",
            Self::Ticket => "the ticket is not accepted: it was used, or is too old; ask for another",
        }
    }
}
