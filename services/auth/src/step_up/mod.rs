//! Proving anew, in a session, who one is: for what a stolen session must not do.

pub(crate) mod http;
