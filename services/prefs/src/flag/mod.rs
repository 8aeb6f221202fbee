//! A flag: typed values by name, and in every environment rules that say who gets which.
//! It is archived, never deleted, so that its history stays.

pub(crate) mod act;
pub(crate) mod http;
pub(crate) mod rules;
pub(crate) mod store;

/// What the flags of an organisation are like, seen as a whole: what they may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) segments: std::collections::BTreeSet<String>,
    pub(crate) environments: std::collections::BTreeSet<String>,
}
