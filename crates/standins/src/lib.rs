//! Servers that stand in for what is outside of Plinth, so that in development every
//! flow works with no account anywhere. Production refuses to start them.
//!
//! The first is the mailbox: it takes the place of the mail service,
//! and shows the mails instead of sending them.

mod app;
mod mailbox;
mod settings;

pub use app::{App, BuildError};
pub use settings::Settings;
