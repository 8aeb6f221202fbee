//! Where flags are evaluated: every organisation has three environments, and may add more.

pub(crate) mod http;
mod store;

/// What every organisation has, in the order in which a change travels.
pub(crate) const BUILT_IN: [&str; 3] = ["development", "staging", "production"];

/// How many an organisation may add.
const MOST: usize = 17;
