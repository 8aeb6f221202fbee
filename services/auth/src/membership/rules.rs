use contract_auth::Member;
use identity::{Permission, Principal, Scopes};
use ids::{OrgId, UserId};
use problem::FieldError;

use super::MembershipError;
use crate::permissions::{ReadOrganizations, WriteOrganizations};

/// The role of who owns an organisation: one member of each.
pub(crate) const OWNER: &str = "owner";

/// The role that an owner keeps who hands the organisation over.
pub(crate) const ADMIN: &str = "admin";

/// A role in an organisation, with what it permits there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrgRole {
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
}

impl OrgRole {
    pub(crate) fn owns(&self) -> bool {
        self.name == OWNER
    }

    /// Whether it manages the organisation and those below.
    pub(crate) fn manages(&self) -> bool {
        self.scopes.contains(WriteOrganizations::SCOPE)
    }

    /// Whether who has it decides about who has `other`, and may give `other`. The owner is
    /// over everybody; who else manages is over those who do not, as far as their own role
    /// goes: nobody raises anyone, themselves included, to where they stand or above.
    pub(crate) fn is_over(&self, other: &Self) -> bool {
        if other.owns() {
            return false;
        }
        self.owns() || (self.manages() && !other.manages() && other.scopes.beyond(&self.scopes).is_empty())
    }
}

/// A member of an organisation, as of now.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) role: OrgRole,
    /// Whether the organisation is somebody's own.
    pub(crate) personal: bool,
    /// Whether the member's address is verified.
    pub(crate) verified: bool,
    pub(crate) banned: bool,
    /// Whether the member's account is about to go.
    pub(crate) leaving: bool,
}

impl Standing {
    /// Refuses who does not manage the organisation.
    pub(crate) fn require_manager(&self) -> Result<(), MembershipError> {
        if self.role.manages() { Ok(()) } else { Err(MembershipError::Role) }
    }

    /// Refuses whose role does not let them look at the members: the token may be for another
    /// organisation, where they may more.
    pub(crate) fn require_reader(&self) -> Result<(), MembershipError> {
        if self.role.scopes.contains(ReadOrganizations::SCOPE) { Ok(()) } else { Err(MembershipError::Role) }
    }

    /// Refuses who does not own it, and what cannot be done to a personal one.
    pub(crate) fn require_owner(&self) -> Result<(), MembershipError> {
        match (self.role.owns(), self.personal) {
            (false, _) => Err(MembershipError::Role),
            (true, true) => Err(MembershipError::Personal),
            (true, false) => Ok(()),
        }
    }

    /// Refuses who may not decide about the other member.
    pub(super) fn require_over(&self, other: &Self) -> Result<(), MembershipError> {
        self.require_manager()?;
        if self.role.is_over(&other.role) { Ok(()) } else { Err(MembershipError::NotBelow) }
    }

    /// Refuses to give the role: it is the owner's, or not below one's own.
    pub(crate) fn require_may_give(&self, role: &OrgRole) -> Result<(), MembershipError> {
        self.require_manager()?;
        match (role.owns(), self.role.is_over(role)) {
            (true, _) => Err(MembershipError::Ownership),
            (false, true) => Ok(()),
            (false, false) => Err(MembershipError::NotBelow),
        }
    }

    /// Refuses to hand the organisation over to a member who could not act as its owner, or
    /// not for long.
    pub(super) const fn require_can_own(&self) -> Result<(), MembershipError> {
        match (self.banned, self.leaving) {
            (true, _) => Err(MembershipError::Suspended),
            (false, true) => Err(MembershipError::Leaving),
            (false, false) => Ok(()),
        }
    }

    /// Refuses to let the owner go: an organisation has one, always.
    pub(crate) fn require_not_owner(&self) -> Result<(), MembershipError> {
        if self.role.owns() { Err(MembershipError::Owner) } else { Ok(()) }
    }
}

/// Whether the caller's credential reaches the organisation: a login session reaches all of
/// its user's; whatever else speaks for a user acts in one organisation alone.
pub(super) fn reaches(caller: &Principal, org: OrgId) -> bool {
    caller.session().is_ok() || caller.org == org
}

/// A member as `by` may see them: addresses are for those who manage.
pub(super) fn shown_to(by: &Standing, member: Member) -> Member {
    Member { email: member.email.filter(|_| by.role.manages() || by.user == member.user_id), ..member }
}

/// A role that there is not.
pub(crate) fn unknown_role(name: &str) -> MembershipError {
    let detail = format!("there is no such role in organisations: {}", name.escape_debug());
    MembershipError::Invalid(vec![FieldError::new("/role", "unknown_role", detail)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn role(name: &str, scopes: &[&str]) -> OrgRole {
        OrgRole { name: name.to_owned(), scopes: scopes.iter().copied().collect() }
    }

    fn roles() -> [OrgRole; 4] {
        let all = ["orgs:read", "orgs:write", "payments:write", "agents:write"];
        [
            role(OWNER, &all),
            role(ADMIN, &all),
            role("member", &["orgs:read", "agents:write"]),
            role("viewer", &["orgs:read"]),
        ]
    }

    #[test]
    fn who_is_over_whom() {
        let [owner, admin, member, viewer] = roles();
        for (one, below) in [
            (&owner, vec![&admin, &member, &viewer]),
            (&admin, vec![&member, &viewer]),
            (&member, vec![]),
            (&viewer, vec![]),
        ] {
            for other in &roles() {
                assert_eq!(one.is_over(other), below.contains(&other), "{} over {}", one.name, other.name);
            }
        }
        let strange = role("strange", &["orgs:read", "licenses:write"]);
        assert!(owner.is_over(&strange) && !admin.is_over(&strange), "it goes further than an admin's");
    }

    fn any_role() -> impl Strategy<Value = OrgRole> {
        let scopes =
            prop::sample::subsequence(vec!["orgs:read", "orgs:write", "agents:write", "x:read"], 0..=4);
        let name = prop::sample::select(vec!["owner", "admin", "member", "odd"]);
        (name, scopes).prop_map(|(name, scopes)| role(name, &scopes))
    }

    proptest! {
        #[test]
        fn nobody_is_raised_to_the_owner_or_above_who_raises(by in any_role(), given in any_role()) {
            prop_assert!(!by.is_over(&by), "nobody decides about their equals");
            if by.is_over(&given) {
                prop_assert!(!given.owns());
                prop_assert!(by.owns() || given.scopes.beyond(&by.scopes).is_empty());
                prop_assert!(!given.is_over(&by), "not both ways");
            }
        }
    }
}
