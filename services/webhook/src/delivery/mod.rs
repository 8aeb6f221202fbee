//! A message on its way to one endpoint: a job of its own, in the lane of the endpoint.

mod attempt;
mod deliver;
pub(crate) mod http;
mod lane;
mod noted;
mod recover;
mod replay;
mod resend;
mod rules;
mod store;
mod turns;

pub(crate) use attempt::Sender;
pub(crate) use deliver::{Candidate, Deliver, begin};
pub(crate) use recover::{Recover, recover};
pub(crate) use replay::{Replay, replay};
pub(crate) use resend::{Repeat, repeat};
pub(crate) use store::{is_wanted, stats};
