//! All SQL of a noun is in its `store.rs`, or `store/` where that would be long: queries, rows and
//! the schema's columns.

use super::fault::Fault;
use super::source::{Source, mentions};

/// Files and folders of a service that may speak to the database.
const HOMES: [&str; 3] = ["/store.rs", "/store/", "/schema.rs"];

/// Words of diesel that only a query or a row needs. A connection's type, a pool and `diesel::result::Error`
/// are no queries: handlers pass the one and errors wrap the other.
const QUERIES: [&str; 20] = [
    "diesel::prelude",
    "diesel::dsl",
    "diesel::sql_types",
    "diesel::sql_query",
    "diesel::insert_into",
    "diesel::update",
    "diesel::delete",
    "diesel::select",
    "diesel::table",
    "sql_query",
    "db::statement",
    "RunQueryDsl",
    "QueryDsl",
    "ExpressionMethods",
    "Queryable",
    "QueryableByName",
    "Selectable",
    "Insertable",
    "AsChangeset",
    "batch_execute",
];

/// The beginnings of statements, as string literals would hold them.
const STATEMENTS: [&str; 8] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "WITH ",
];

pub(crate) fn check(path: &str, source: &Source) -> Vec<Fault> {
    if !is_of_a_service(path) || HOMES.iter().any(|home| path.contains(home)) {
        return Vec::new();
    }
    let fault = |line, found: &str| {
        let advice = format!("`{found}` outside store.rs: move the query to the noun's store.rs and call it");
        Fault::new("sql", path, line, advice)
    };
    let in_code = source.lines().filter_map(|(line, code)| {
        let found = QUERIES.iter().find(|query| mentions(code, query)).copied();
        found.or_else(|| names_columns(code).then_some("schema::")).map(|found| fault(line, found))
    });
    let in_text = source.strings().filter_map(|(line, text)| {
        let text = text.trim_start_matches(['b', 'r', '#', '"']).trim_start();
        let found = STATEMENTS.iter().find(|statement| text.starts_with(**statement))?;
        Some(fault(line, found.trim_end()))
    });
    in_code.chain(in_text).collect()
}

/// Does a line name our own schema? `openapi::schema::…` is somebody else's.
fn names_columns(code: &str) -> bool {
    let is_ours = |before: &str| {
        !before.ends_with("::") || ["crate::", "super::"].iter().any(|own| before.ends_with(own))
    };
    mentions(code, "schema::") && code.match_indices("schema::").any(|(at, _)| is_ours(&code[..at]))
}

/// The sources of a service. `plinth` is none: it provisions roles and databases and owns no table.
pub(crate) fn is_of_a_service(path: &str) -> bool {
    path.strip_prefix("services/")
        .and_then(|below| below.split_once('/'))
        .is_some_and(|(service, below)| service != "monolith" && below.starts_with("src/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> usize {
        check(path, &Source::read(text)).len()
    }

    #[test]
    fn a_query_belongs_to_a_store() {
        let queries = [
            "use diesel::prelude::*;",
            "use diesel_async::{AsyncPgConnection, RunQueryDsl};",
            "diesel::insert_into(users)",
            "use crate::schema::users;",
            "#[derive(Debug, Queryable)]",
            "connection.query(\"SELECT 1\", &[])",
            "let text = r#\"\n    UPDATE users SET name = $1\"#;",
        ];
        for text in queries {
            assert_eq!(faults("services/auth/src/user/http.rs", text), 1, "{text}");
            assert_eq!(faults("services/auth/src/user/store.rs", text), 0, "{text}");
            assert_eq!(faults("services/auth/src/user/store/page.rs", text), 0, "{text}");
            assert_eq!(faults("services/auth/tests/it/user.rs", text), 0, "{text}");
            assert_eq!(faults("services/monolith/src/provision.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn connections_and_errors_are_no_queries() {
        let fine = [
            "use diesel_async::AsyncPgConnection;",
            "Db(#[from] diesel::result::Error),",
            "mod schema;",
            "let word = \"SELECTED\"; // SELECT 1",
            "use json_schema::Schema;",
            "use utoipa::openapi::schema::Schema;",
        ];
        for text in fine {
            assert_eq!(faults("services/auth/src/user/error.rs", text), 0, "{text}");
        }
    }
}
