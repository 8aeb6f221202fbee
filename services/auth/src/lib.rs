//! People, organisations, sessions, keys and tokens.
