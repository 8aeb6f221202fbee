use contract_auth::{Level, Reason};
use identity::{Permission, Principal};
use problem::FieldError;

use super::ResourceError;
use crate::permissions::WriteOrganizations;

/// How a member of an organisation stands to one of its resources.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub(super) banned: bool,
    /// Whether their role in the organisation manages it.
    pub(super) manages: bool,
    /// Whether the resource is restricted to those with a leave.
    pub(super) restricted: bool,
    /// Their leave.
    pub(super) level: Option<Level>,
}

/// The level that a permission needs.
pub(super) fn level_of(permission: &str) -> Result<Level, ResourceError> {
    Level::needed_by(permission).ok_or_else(|| {
        let detail = "a scope such as agents:write is wanted";
        ResourceError::Invalid(vec![FieldError::new("/permission", "not_a_scope", detail)])
    })
}

/// Whether a member may do something with a resource: the scope is held in any case, and
/// where the resource is restricted, a leave for it goes as far.
pub(super) fn decide(facts: Option<Facts>, holds_scope: bool, needed: Level) -> Reason {
    let Some(Facts { banned: false, manages, restricted, level }) = facts else { return Reason::NotAMember };
    match (holds_scope, restricted, manages, level) {
        (false, ..) => Reason::InsufficientScope,
        (true, false, ..) => Reason::Open,
        (true, true, true, _) => Reason::Administrator,
        (true, true, false, None) => Reason::Restricted,
        (true, true, false, Some(level)) if level < needed => Reason::InsufficientLevel,
        (true, true, false, Some(_)) => Reason::Granted,
    }
}

/// Refuses who may not say who uses the resource: it takes who manages the organisation, with
/// a credential for that, or a leave of level `admin`. An API key shows the scope for either.
pub(super) fn require_administrator(caller: &Principal, facts: Facts) -> Result<(), ResourceError> {
    let writes = caller.scopes.contains(WriteOrganizations::SCOPE);
    let keeps = facts.level == Some(Level::Admin) && (writes || caller.session().is_ok());
    if keeps || (facts.manages && writes) { Ok(()) } else { Err(ResourceError::NotAdministrator) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn level() -> impl Strategy<Value = Level> {
        prop::sample::select(Level::ALL.to_vec())
    }

    fn facts() -> impl Strategy<Value = Option<Facts>> {
        let fields = (any::<bool>(), any::<bool>(), any::<bool>(), prop::option::of(level()));
        let facts = |(banned, manages, restricted, level)| Facts { banned, manages, restricted, level };
        prop::option::of(fields.prop_map(facts))
    }

    proptest! {
        #[test]
        fn whoever_may_is_a_member_with_the_scope_and_not_shut_out(
            facts in facts(), scope: bool, needed in level(),
        ) {
            let allowed = decide(facts, scope, needed).allows();
            let wanted = facts.is_some_and(|facts| {
                let through = !facts.restricted || facts.manages || facts.level >= Some(needed);
                !facts.banned && scope && through
            });
            prop_assert_eq!(allowed, wanted);
        }

        #[test]
        fn a_higher_level_never_opens_less(facts in facts(), needed in level(), scope: bool) {
            if let Some(facts) = facts {
                let with = |level| decide(Some(Facts { level, ..facts }), scope, needed).allows();
                let mut before = with(None);
                for level in Level::ALL {
                    prop_assert!(!before || with(Some(level)), "{level:?} opens less");
                    before = with(Some(level));
                }
            }
        }
    }
}
