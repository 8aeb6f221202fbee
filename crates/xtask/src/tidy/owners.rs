//! Every row belongs to somebody: a table has `org_id` or `user_id`, or is listed with its reason.
//!
//! The list of exceptions is `<home>/migrations/unowned.txt`, a line each: `table: reason`.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Fault;
use super::migrations::File;
use super::tree::Tree;

const OWNERS: [&str; 2] = ["org_id", "user_id"];

/// A table as the migrations make it.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    line: usize,
    name: String,
    columns: String,
}

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut unowned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, sql) in tree.files() {
        let Some(file) = File::of(path).filter(|file| file.name == "up.sql") else { continue };
        let list = list_of(file.home);
        let exceptions = tree.text(&list).unwrap_or_default();
        for table in tables(sql).into_iter().filter(|table| !is_owned(table)) {
            if reason(exceptions, &table.name).is_none() {
                let advice = format!(
                    "table {}: add org_id or user_id, or write `{}: why` in {list}",
                    table.name, table.name
                );
                faults.push(Fault::new("owners", path, table.line, advice));
            }
            unowned.entry(list.clone()).or_default().insert(table.name);
        }
    }
    let lists = tree.files().filter(|(path, _)| path.ends_with("/migrations/unowned.txt"));
    let none = BTreeSet::new();
    faults.extend(lists.flat_map(|(path, text)| stale(path, text, unowned.get(path).unwrap_or(&none))));
    faults
}

fn list_of(home: &str) -> String {
    format!("{home}/migrations/unowned.txt")
}

fn is_owned(table: &Table) -> bool {
    OWNERS.iter().any(|owner| super::source::mentions(&table.columns, owner))
}

fn reason<'a>(list: &'a str, table: &str) -> Option<&'a str> {
    let reasons = list.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| *name == table);
    reasons.map(|(_, reason)| reason.trim()).find(|reason| !reason.is_empty())
}

/// Lines of the list that except nothing any more.
fn stale(path: &str, list: &str, unowned: &BTreeSet<String>) -> Vec<Fault> {
    let is_needed = |line: &str| unowned.contains(line.split(':').next().unwrap_or_default());
    let lines = (1..).zip(list.lines()).filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
    let stale = lines.filter(|(_, line)| !is_needed(line));
    stale
        .map(|(line, _)| Fault::new("owners", path, line, "no such table is without an owner: drop it"))
        .collect()
}

/// The tables that a migration creates. A partition has the columns of its parent and is left out.
fn tables(sql: &str) -> Vec<Table> {
    let sql = without_comments(sql).to_lowercase();
    let mut tables = Vec::new();
    for (at, found) in sql.match_indices("create table ").chain(sql.match_indices("create unlogged table ")) {
        let rest = sql[at + found.len()..].trim_start();
        let rest = rest.strip_prefix("if not exists ").unwrap_or(rest);
        let Some((name, after)) = rest.split_once('(') else { continue };
        if !name.contains(" partition of ") {
            let name = name.split_whitespace().next().unwrap_or_default().trim_matches('"');
            let line = 1 + sql[..at].matches('\n').count();
            tables.push(Table { line, name: name.into(), columns: balanced(after).into() });
        }
    }
    tables
}

fn without_comments(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The text up to the bracket that closes the one before it.
fn balanced(text: &str) -> &str {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: &str = "services/auth/migrations/0001_keys/up.sql";
    const LIST: &str = "services/auth/migrations/unowned.txt";

    fn faults(sql: &str, list: &str) -> Vec<(String, usize)> {
        let faults = check(&Tree::of(&[(UP, sql), (LIST, list)]));
        faults.into_iter().map(|fault| (fault.path, fault.line)).collect()
    }

    #[test]
    fn a_table_without_an_owner_needs_a_reason() {
        let sql = "-- Keys.\nCREATE TABLE keys (id uuid DEFAULT gen(1), sealed bytea);";
        assert_eq!(faults(sql, ""), [(UP.into(), 2)]);
        assert_eq!(faults(sql, "keys:\n"), [(UP.into(), 2)]);
        assert_eq!(faults(sql, "keys: they are the platform's own\n"), []);
    }

    #[test]
    fn an_owner_column_is_enough() {
        assert_eq!(faults("CREATE TABLE IF NOT EXISTS a (\n  org_id uuid NOT NULL\n);", ""), []);
        assert_eq!(faults("create table a (check (f(x)), user_id uuid);", ""), []);
        assert_eq!(faults("CREATE TABLE a (org_identity text); -- org_id", ""), [(UP.into(), 1)]);
    }

    #[test]
    fn a_partition_has_the_owner_of_its_parent() {
        assert_eq!(
            faults("CREATE TABLE a_default PARTITION OF a DEFAULT; CREATE TABLE b (org_id uuid);", ""),
            []
        );
        assert_eq!(faults("CREATE TABLE a_1 PARTITION OF a FOR VALUES FROM (1) TO (2);", ""), []);
    }

    #[test]
    fn a_reason_goes_with_its_table() {
        assert_eq!(faults("CREATE TABLE a (org_id uuid);", "# why\na: it had none\n"), [(LIST.into(), 2)]);
    }
}
