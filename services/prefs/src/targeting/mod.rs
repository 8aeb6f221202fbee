//! Who gets which value of a flag: pure, and the same for all replicas and languages.
//!
//! What people wrote is compiled once ([`CompiledFlag`]), which also finds every fault of
//! it; an evaluation then reads nothing but the context and what was compiled.

mod bucket;
mod compile;
mod condition;
mod evaluate;
mod split;

pub(crate) use compile::{CompiledFlag, Faults, Participation};
pub(crate) use condition::{Condition, Segments};
pub(crate) use evaluate::{Asking, Outcome, Unanswered};
pub(crate) use split::Split;
