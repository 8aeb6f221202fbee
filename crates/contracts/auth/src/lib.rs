//! What auth says and hears: the shapes of its requests and replies, its routes,
//! and a client. Never rows or SQL.

mod account;
mod api_key;
pub mod audited;
mod client;
pub mod events;
mod impersonation;
mod mail;
mod personal_data;
mod proof;
mod secret;
mod session;
mod token;
mod user;
mod ws_ticket;

pub use account::{Accepted, Account, AccountChange, Login, Registration};
pub use api_key::{
    ApiKey, ApiKeyChange, ApiKeyList, ApiKeyRotation, ApiKeyText, NewApiKey, NewApiKeyText, NotAnApiKey,
};
pub use client::{Client, routes};
pub use impersonation::{Impersonate, Impersonation};
pub use mail::{Mail, MailKind};
pub use personal_data::{PersonalData, PersonalDataQuery, personal_data_path};
pub use proof::{EmailChange, MailProof, MailWanted, PasswordReset, Settled};
pub use secret::Secret;
pub use session::{
    CookieSession, LoginReply, Refresh, SESSION_COOKIE, SecondFactorRequired, Session, SessionList,
    SessionReply, Tokens,
};
pub use token::{Exchange, Grant, IssuedToken, TokenRequest, grant_type, token_type};
pub use user::{
    Ban, PasswordChange, Roles, User, UserChange, UserDetails, UserList, UserOrganization, UserQuery,
};
pub use ws_ticket::WsTicket;
