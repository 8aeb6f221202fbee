//! All flags, segments, environments and experiments of an organisation: one set with one
//! version. Whoever changes one of them locks the set first ([`store::begin`]), so that
//! what names another thing finds it there, and every replica learns that its snapshot is
//! old.

mod error;
pub(crate) mod store;

pub(crate) use error::FlagError;

/// The channel on which replicas hear whose set has changed.
pub(crate) const CHANNEL: &str = "plinth_flag_sets";
