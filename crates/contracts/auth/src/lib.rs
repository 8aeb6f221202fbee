//! What auth says and hears: shapes, routes, client.
