//! What webhook holds about a person: what they did. Endpoints and messages are their organisation's.

pub(crate) mod http;
