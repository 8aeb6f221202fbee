//! A released migration is never edited: somebody's database holds what it was.
//!
//! `<home>/migrations/RELEASED` lists the released files as `sha256sum */*.sql` prints them in that
//! folder. Where there is none, nothing was released yet.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use super::fault::Fault;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let lists = tree.files().filter(|(path, _)| path.ends_with("/migrations/RELEASED"));
    lists.flat_map(|(path, text)| check_list(tree, path, text)).collect()
}

fn check_list(tree: &Tree, path: &str, text: &str) -> Vec<Fault> {
    let folder = path.strip_suffix("RELEASED").unwrap_or_default();
    let fault = |(line, entry): (usize, &str)| {
        let wrong = wrong_with(tree, folder, entry)?;
        Some(Fault::new("released", path, line, wrong))
    };
    (1..).zip(text.lines()).filter_map(fault).collect()
}

/// What is wrong with one entry of the list, if anything is.
fn wrong_with(tree: &Tree, folder: &str, entry: &str) -> Option<String> {
    let Some((sum, name)) = entry.split_once("  ") else {
        return Some("write `<sha256>  <migration>/<file>`, as sha256sum prints it".into());
    };
    let Some(text) = tree.text(&format!("{folder}{name}")) else {
        return Some(format!("{name} was released and is gone: put it back, and undo it in a new migration"));
    };
    let now = HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref());
    (now != sum).then(|| format!("{name} was released and is edited: restore it, and write a new migration"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    const SUM: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn faults(sql: &str, list: &str) -> usize {
        let sql = ("services/auth/migrations/0001_users/up.sql", sql);
        check(&Tree::of(&[sql, ("services/auth/migrations/RELEASED", list)])).len()
    }

    #[test]
    fn an_edited_release_is_refused() {
        let list = format!("{SUM}  0001_users/up.sql\n");
        assert_eq!(faults("abc", &list), 0);
        assert_eq!(faults("abc ", &list), 1);
    }

    #[test]
    fn a_missing_release_and_an_unreadable_list_are_refused() {
        assert_eq!(faults("abc", &format!("{SUM}  0000_gone/up.sql\n")), 1);
        assert_eq!(faults("abc", "0001_users\n"), 1);
    }
}
