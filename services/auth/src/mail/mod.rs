//! Mails that auth wants sent: a row, and an event that names it. The mail service hears
//! the event and asks for the rest, with the link; neither addresses nor tokens are in the
//! log of events.

pub(crate) mod act;
mod error;
pub(crate) mod http;
mod links;
pub(crate) mod store;

pub(crate) use act::NewMail;
pub(crate) use links::Links;
pub(crate) use store::prune;
