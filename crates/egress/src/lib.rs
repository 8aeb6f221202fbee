//! Calls URLs that users gave: never into our own network, and never for ever.
//!
//! [`Policy`] says which URLs may be called at all. [`Egress`] calls them: each name is resolved
//! once, all of its addresses are looked at, and a connection goes to exactly those.

mod address;
mod answer;
mod call;
mod error;
mod lookup;
mod policy;
mod redirect;
mod send;

pub use answer::{Answer, Keep};
pub use call::Call;
pub use error::{EgressError, Refusal};
pub use lookup::{Lookup, SystemLookup};
pub use policy::Policy;
pub use send::{Egress, Options};
