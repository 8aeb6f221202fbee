//! Organisations, their members, and what those may do.

use ids::{InvitationId, OrgId, UserId};
use reqwest::Method;

use super::{Client, Result, at};
use crate::{
    Check, CheckOf, Decision, Invitation, InvitationList, InvitationToken, Level, Member, MemberChange,
    MemberList, NewInvitation, NewOrganization, Organization, OrganizationChange, OrganizationList,
    PermissionList, ReceivedInvitationList, ResourceId, ResourceLevel, ResourcePermission,
    ResourcePermissionList, Role, RoleDefinition, RoleList, Secret, SwitchOrg, SwitchedOrg, Transfer,
};

/// The paths, as auth's OpenAPI document writes them.
pub(super) mod routes {
    #![expect(missing_docs, reason = "each is the path it holds")]
    pub const ORGS: &str = "/api/v1/orgs";
    pub const ORG: &str = "/api/v1/orgs/{id}";
    pub const MEMBERS: &str = "/api/v1/orgs/{id}/members";
    pub const MEMBER: &str = "/api/v1/orgs/{id}/members/{user_id}";
    pub const LEAVE: &str = "/api/v1/orgs/{id}/leave";
    pub const TRANSFER: &str = "/api/v1/orgs/{id}/transfer";
    pub const INVITATIONS: &str = "/api/v1/orgs/{id}/invitations";
    pub const INVITATION: &str = "/api/v1/orgs/{id}/invitations/{invitation_id}";
    pub const INVITATION_RESEND: &str = "/api/v1/orgs/{id}/invitations/{invitation_id}/resend";
    pub const RECEIVED_INVITATIONS: &str = "/api/v1/auth/invitations";
    pub const ACCEPT_INVITATION: &str = "/api/v1/auth/invitations/accept";
    pub const DECLINE_INVITATION: &str = "/api/v1/auth/invitations/decline";
    pub const SWITCH_ORG: &str = "/api/v1/auth/switch-org";
    pub const RESOURCE_PERMISSIONS: &str = "/api/v1/orgs/{id}/resources/{resource}/permissions";
    pub const RESOURCE_PERMISSION: &str = "/api/v1/orgs/{id}/resources/{resource}/permissions/{user_id}";
    pub const CHECK: &str = "/api/v1/auth/check";
    pub const CHECK_OF: &str = "/internal/v1/auth/check";
    pub const ROLES: &str = "/api/v1/admin/auth/roles";
    pub const ROLE: &str = "/api/v1/admin/auth/roles/{name}";
    pub const PERMISSIONS: &str = "/api/v1/admin/auth/permissions";
}

/// Organisations and their members.
impl Client {
    /// A page of the caller's organisations; `query` as in `?limit=10&cursor=…`, or empty.
    ///
    /// # Errors
    /// A refusal (400: the query), or no answer.
    pub async fn orgs(&self, token: &Secret, query: &str) -> Result<OrganizationList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", routes::ORGS))).await
    }

    /// Makes an organisation that the caller owns.
    ///
    /// # Errors
    /// A refusal (409: the slug is taken, 422: a field), or no answer.
    pub async fn create_org(&self, token: &Secret, new: &NewOrganization) -> Result<Organization> {
        self.json(self.with(token, Method::POST, routes::ORGS).json(new)).await
    }

    /// An organisation of the caller.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn org(&self, token: &Secret, org: OrgId) -> Result<Organization> {
        self.json(self.with(token, Method::GET, &at(routes::ORG, org))).await
    }

    /// Changes an organisation.
    ///
    /// # Errors
    /// A refusal (403: the role, 409: the slug is taken), or no answer.
    pub async fn change_org(
        &self,
        token: &Secret,
        org: OrgId,
        change: &OrganizationChange,
    ) -> Result<Organization> {
        self.json(self.with(token, Method::PATCH, &at(routes::ORG, org)).json(change)).await
    }

    /// Deletes an organisation and all that is its own, in every service.
    ///
    /// # Errors
    /// A refusal (403: not the owner, or log in anew first), or no answer.
    pub async fn delete_org(&self, token: &Secret, org: OrgId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &at(routes::ORG, org))).await
    }

    /// A page of an organisation's members; `query` as in `?limit=10&cursor=…`, or empty.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn members(&self, token: &Secret, org: OrgId, query: &str) -> Result<MemberList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", at(routes::MEMBERS, org)))).await
    }

    /// Gives a member another role; their tokens are void.
    ///
    /// # Errors
    /// A refusal (403: not below the caller, 422: no such role), or no answer.
    pub async fn change_member(
        &self,
        token: &Secret,
        org: OrgId,
        user: UserId,
        role: &str,
    ) -> Result<Member> {
        let change = MemberChange { role: role.to_owned() };
        self.json(self.with(token, Method::PATCH, &member(routes::MEMBER, org, user)).json(&change)).await
    }

    /// Removes a member; their tokens are void.
    ///
    /// # Errors
    /// A refusal (403: not below the caller), or no answer.
    pub async fn remove_member(&self, token: &Secret, org: OrgId, user: UserId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &member(routes::MEMBER, org, user))).await
    }

    /// Leaves an organisation.
    ///
    /// # Errors
    /// A refusal (409: its owner transfers it first), or no answer.
    pub async fn leave_org(&self, token: &Secret, org: OrgId) -> Result<()> {
        self.done(self.with(token, Method::POST, &at(routes::LEAVE, org))).await
    }

    /// Hands an organisation over to a member.
    ///
    /// # Errors
    /// A refusal (403: not the owner, or log in anew first), or no answer.
    pub async fn transfer_org(&self, token: &Secret, org: OrgId, user: UserId) -> Result<()> {
        let transfer = Transfer { user_id: user };
        self.done(self.with(token, Method::POST, &at(routes::TRANSFER, org)).json(&transfer)).await
    }

    /// Moves the caller's session to another organisation of theirs.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn switch_org(&self, token: &Secret, org: OrgId) -> Result<SwitchedOrg> {
        let switch = SwitchOrg { org_id: org };
        self.json(self.with(token, Method::POST, routes::SWITCH_ORG).json(&switch)).await
    }
}

/// Invitations.
impl Client {
    /// A page of the invitations that wait; `query` as in `?limit=10&cursor=…`, or empty.
    ///
    /// # Errors
    /// A refusal (403: the role), or no answer.
    pub async fn invitations(&self, token: &Secret, org: OrgId, query: &str) -> Result<InvitationList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", at(routes::INVITATIONS, org)))).await
    }

    /// Invites whoever has an address.
    ///
    /// # Errors
    /// A refusal (403: the role is not below the caller's, 409: invited already), or no answer.
    pub async fn invite(&self, token: &Secret, org: OrgId, new: &NewInvitation) -> Result<Invitation> {
        self.json(self.with(token, Method::POST, &at(routes::INVITATIONS, org)).json(new)).await
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// A refusal (404: no such invitation), or no answer.
    pub async fn revoke_invitation(&self, token: &Secret, org: OrgId, id: InvitationId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &invitation(routes::INVITATION, org, id))).await
    }

    /// Sends an invitation once more, with a new link.
    ///
    /// # Errors
    /// A refusal (404: no such invitation, 429: it was sent just now), or no answer.
    pub async fn resend_invitation(
        &self,
        token: &Secret,
        org: OrgId,
        id: InvitationId,
    ) -> Result<Invitation> {
        self.json(self.with(token, Method::POST, &invitation(routes::INVITATION_RESEND, org, id))).await
    }

    /// A page of the invitations to the caller's verified address.
    ///
    /// # Errors
    /// A refusal (400: the query), or no answer.
    pub async fn received_invitations(&self, token: &Secret, query: &str) -> Result<ReceivedInvitationList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", routes::RECEIVED_INVITATIONS))).await
    }

    /// Joins the organisation of an invitation.
    ///
    /// # Errors
    /// A refusal (401: the token, 403: it is for another address), or no answer.
    pub async fn accept_invitation(&self, token: &Secret, invitation: &Secret) -> Result<Organization> {
        let body = InvitationToken { token: invitation.clone() };
        self.json(self.with(token, Method::POST, routes::ACCEPT_INVITATION).json(&body)).await
    }

    /// Declines an invitation.
    ///
    /// # Errors
    /// A refusal (401: the token, 403: it is for another address), or no answer.
    pub async fn decline_invitation(&self, token: &Secret, invitation: &Secret) -> Result<()> {
        let body = InvitationToken { token: invitation.clone() };
        self.done(self.with(token, Method::POST, routes::DECLINE_INVITATION).json(&body)).await
    }
}

/// Roles, and what one may do with a resource.
impl Client {
    /// Every role.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn roles(&self, token: &Secret) -> Result<RoleList> {
        self.json(self.with(token, Method::GET, routes::ROLES)).await
    }

    /// Makes a role, or says what it permits from now on.
    ///
    /// # Errors
    /// A refusal (422: an unknown scope), or no answer.
    pub async fn define_role(&self, token: &Secret, name: &str, role: &RoleDefinition) -> Result<Role> {
        let path = routes::ROLE.replace("{name}", name);
        self.json(self.with(token, Method::PUT, &path).json(role)).await
    }

    /// Deletes a role that nobody holds.
    ///
    /// # Errors
    /// A refusal (409: somebody holds it, or it is Plinth's own), or no answer.
    pub async fn delete_role(&self, token: &Secret, name: &str) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &routes::ROLE.replace("{name}", name))).await
    }

    /// Every scope that roles can permit.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn permissions(&self, token: &Secret) -> Result<PermissionList> {
        self.json(self.with(token, Method::GET, routes::PERMISSIONS)).await
    }

    /// Who may do what with a resource.
    ///
    /// # Errors
    /// A refusal (403: neither the organisation's nor the resource's administrator), or no
    /// answer.
    pub async fn resource_permissions(
        &self,
        token: &Secret,
        org: OrgId,
        resource: &ResourceId,
    ) -> Result<ResourcePermissionList> {
        self.json(self.with(token, Method::GET, &of(routes::RESOURCE_PERMISSIONS, org, resource))).await
    }

    /// Gives a member a leave for a resource, which is restricted from then on.
    ///
    /// # Errors
    /// As [`Client::resource_permissions`], and 404: no such member.
    pub async fn permit_resource(
        &self,
        token: &Secret,
        org: OrgId,
        resource: &ResourceId,
        user: UserId,
        level: Level,
    ) -> Result<ResourcePermission> {
        let path = of(&member(routes::RESOURCE_PERMISSION, org, user), org, resource);
        self.json(self.with(token, Method::PUT, &path).json(&ResourceLevel { level })).await
    }

    /// Takes a member's leave for a resource; it stays restricted.
    ///
    /// # Errors
    /// As [`Client::resource_permissions`], and 404: they have none.
    pub async fn forbid_resource(
        &self,
        token: &Secret,
        org: OrgId,
        resource: &ResourceId,
        user: UserId,
    ) -> Result<()> {
        let path = of(&member(routes::RESOURCE_PERMISSION, org, user), org, resource);
        self.done(self.with(token, Method::DELETE, &path)).await
    }

    /// Opens a resource to all members again.
    ///
    /// # Errors
    /// As [`Client::resource_permissions`].
    pub async fn open_resource(&self, token: &Secret, org: OrgId, resource: &ResourceId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &of(routes::RESOURCE_PERMISSIONS, org, resource))).await
    }

    /// Whether the caller may do something with a resource.
    ///
    /// # Errors
    /// A refusal (422: no such permission), or no answer.
    pub async fn check(&self, token: &Secret, check: &Check) -> Result<Decision> {
        self.json(self.with(token, Method::POST, routes::CHECK).json(check)).await
    }

    /// Whether somebody may do something with a resource, for a service: `token` is its own.
    ///
    /// # Errors
    /// A refusal (422: no such permission), or no answer.
    pub async fn check_of(&self, token: &Secret, check: &CheckOf) -> Result<Decision> {
        self.json(self.with(token, Method::POST, routes::CHECK_OF).json(check)).await
    }
}

fn member(template: &str, org: OrgId, user: UserId) -> String {
    at(template, org).replace("{user_id}", &user.to_string())
}

fn invitation(template: &str, org: OrgId, id: InvitationId) -> String {
    at(template, org).replace("{invitation_id}", &id.to_string())
}

fn of(template: &str, org: OrgId, resource: &ResourceId) -> String {
    at(template, org).replace("{resource}", resource.as_str())
}
