//! What an organisation chooses for its members, and keeps them from overriding: its layer.

pub(crate) mod http;
