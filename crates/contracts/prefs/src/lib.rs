//! What prefs says and hears: shapes, routes, client.
