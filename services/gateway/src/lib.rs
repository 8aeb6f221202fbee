//! The one door: verifies the credential, routes, streams.
