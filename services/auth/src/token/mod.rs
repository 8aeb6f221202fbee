//! Tokens: how they are made, and the endpoint where services get them.

mod clients;
mod error;
mod exchange;
pub(crate) mod http;
mod issuer;

pub(crate) use clients::Clients;
pub(crate) use error::{IssueError, TokenError};
pub(crate) use exchange::Exchanges;
pub(crate) use issuer::{Subject, TokenIssuer};
