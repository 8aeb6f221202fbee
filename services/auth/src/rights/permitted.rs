use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use uuid::Uuid;

/// What all roles permit, in one state of the table.
#[derive(Debug, Default)]
pub(super) struct Permitted {
    by_role: HashMap<String, Vec<Permission>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Permission {
    scope: String,
    /// Waits until the user's address is verified.
    sensitive: bool,
}

impl Permitted {
    /// Out of rows: role, scope, whether it is sensitive.
    pub(super) fn of(rows: impl IntoIterator<Item = (String, String, bool)>) -> Self {
        let mut by_role: HashMap<String, Vec<Permission>> = HashMap::new();
        for (role, scope, sensitive) in rows {
            by_role.entry(role).or_default().push(Permission { scope, sensitive });
        }
        Self { by_role }
    }

    /// What a user's roles permit in an organisation where they have the role `there`:
    /// sensitive ones only once their address is verified, and what does not administer only
    /// as far as the role there permits it too. In the order of their names.
    pub(super) fn scopes(&self, roles: &[String], there: &str, verified: bool) -> Vec<String> {
        let there: BTreeSet<&str> = self.of_role(there).map(|permission| permission.scope.as_str()).collect();
        let theirs = roles.iter().flat_map(|role| self.of_role(role));
        let scopes: BTreeSet<&str> = theirs
            .filter(|permission| verified || !permission.sensitive)
            .map(|permission| permission.scope.as_str())
            .filter(|scope| scope.ends_with(":admin") || there.contains(scope))
            .collect();
        scopes.into_iter().map(str::to_owned).collect()
    }

    fn of_role(&self, role: &str) -> impl Iterator<Item = &Permission> {
        self.by_role.get(role).into_iter().flatten()
    }
}

/// How many states are kept in mind: one, and those of transactions that are under way.
const MOST: usize = 8;

/// The states that this process has read. An id stands for one state of one database, for good.
static KNOWN: RwLock<Vec<(Uuid, Arc<Permitted>)>> = RwLock::new(Vec::new());

/// The state with this id, if it was read before.
pub(super) fn known(id: Uuid) -> Option<Arc<Permitted>> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.iter().find(|(other, _)| *other == id).map(|(_, permitted)| Arc::clone(permitted))
}

/// Keeps a state in mind that was read.
pub(super) fn keep(id: Uuid, permitted: Permitted) -> Arc<Permitted> {
    let permitted = Arc::new(permitted);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.retain(|(other, _)| *other != id);
    known.insert(0, (id, Arc::clone(&permitted)));
    known.truncate(MOST);
    permitted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted() -> Permitted {
        let row =
            |(role, scope, sensitive): (&str, &str, bool)| (role.to_owned(), scope.to_owned(), sensitive);
        let rows = [
            ("USER", "prefs:write", false),
            ("USER", "auth:read", false),
            ("USER", "payments:write", true),
            ("ADMIN", "auth:admin", false),
            ("ADMIN", "auth:read", false),
            ("owner", "auth:read", false),
            ("owner", "payments:write", true),
            ("viewer", "auth:read", false),
        ];
        Permitted::of(rows.map(row))
    }

    fn scopes(roles: &[&str], there: &str, verified: bool) -> Vec<String> {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        permitted().scopes(&roles, there, verified)
    }

    #[test]
    fn a_role_permits_as_far_as_the_one_in_the_organisation_does() {
        assert_eq!(scopes(&["USER"], "owner", true), ["auth:read", "payments:write"]);
        assert_eq!(scopes(&["USER"], "viewer", true), ["auth:read"]);
        assert_eq!(scopes(&["USER"], "unheard of", true), Vec::<String>::new());
        assert_eq!(scopes(&[], "owner", true), Vec::<String>::new());
    }

    #[test]
    fn what_is_sensitive_waits_for_a_verified_address() {
        assert_eq!(scopes(&["USER"], "owner", false), ["auth:read"]);
    }

    #[test]
    fn what_administers_goes_everywhere_and_nothing_comes_twice() {
        assert_eq!(scopes(&["USER", "ADMIN"], "viewer", true), ["auth:admin", "auth:read"]);
    }

    #[test]
    fn a_state_is_known_by_its_id_and_old_ones_are_forgotten() {
        let first = Uuid::from_u128(1);
        keep(first, permitted());
        assert!(known(first).is_some());
        assert!(known(Uuid::from_u128(2)).is_none());
        for number in (10..).take(MOST) {
            keep(Uuid::from_u128(number), Permitted::default());
        }
        assert!(known(first).is_none());
    }
}
