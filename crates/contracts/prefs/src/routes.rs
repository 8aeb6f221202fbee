//! The routes of prefs, as its OpenAPI document writes them.

/// GET: all namespaces, merged.
pub const PREFERENCES: &str = "/api/v1/prefs";

/// GET, PUT, PATCH, DELETE: one namespace, merged.
pub const DOCUMENT: &str = "/api/v1/prefs/{namespace}";

/// GET: the list of namespaces.
pub const NAMESPACES: &str = "/api/v1/admin/prefs/namespaces";

/// GET, PUT: one namespace with its schema and defaults.
pub const NAMESPACE: &str = "/api/v1/admin/prefs/namespaces/{namespace}";

/// Every route with its methods.
pub const ALL: [(&str, &[&str]); 4] = [
    (PREFERENCES, &["GET"]),
    (DOCUMENT, &["GET", "PUT", "PATCH", "DELETE"]),
    (NAMESPACES, &["GET"]),
    (NAMESPACE, &["GET", "PUT"]),
];
