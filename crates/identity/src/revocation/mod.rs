//! Revocations: which tokens are void before they expire, known within a second by
//! every process, without a call per request.
//!
//! auth writes each into a feed in the transaction that causes it. Everybody else
//! follows the feed ([`Revocations::follow`]) and looks tokens up in memory.

mod ended;
mod feed;
mod known;
mod revocations;

pub use ended::{End, Watched};
pub use feed::{Feed, REVOCATIONS_PATH, Revocation, Since, feed_of_auth};
pub use revocations::Revocations;
