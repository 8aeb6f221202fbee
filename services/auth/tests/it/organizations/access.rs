//! Organisations for the table of who may call what.

use ids::{InvitationId, OrgId, UserId};
use serde_json::{Value, json};

use super::thing;
use crate::spawn::{Auth, Somebody, claims_of};

/// An organisation with a member, an invitation and a restricted resource, and a role that
/// nobody holds.
pub(crate) struct Place {
    org: OrgId,
    member: UserId,
    invitation: InvitationId,
    resource: String,
    role: String,
}

/// One of the owner's, for the routes that name such things.
pub(crate) async fn place(auth: &Auth, owner: &Somebody, path: &str) -> Option<Place> {
    if !["/orgs", "/switch-org", "/admin/auth/roles", "/check", "/auth/invitations"]
        .iter()
        .any(|part| path.contains(part))
    {
        return None;
    }
    let org = auth.org(owner).await;
    let member = auth.somebody(&format!("member-{org}@example.com")).await.id();
    let (invitation, resource, role) =
        (InvitationId::generate(), thing().to_string(), format!("r{}", &org.to_string()[4..]));
    let (of, by) = (org.uuid(), owner.id().uuid());
    for sql in [
        "UPDATE users SET email_verified_at = now()".to_owned(),
        format!(
            "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ('{of}', '{}', 'member', now())",
            member.uuid()
        ),
        format!(
            "INSERT INTO invitations (id, org_id, email, role, invited_by, sent_at, expires_at, created_at)
             VALUES ('{}', '{of}', 'waiting@example.com', 'member', '{by}', now() - interval '1 hour',
                     now() + interval '1 day', now())",
            invitation.uuid()
        ),
        format!(
            "INSERT INTO restricted_resources (org_id, resource, created_at) VALUES ('{of}', '{resource}', now())"
        ),
        format!(
            "INSERT INTO resource_permissions (org_id, resource, user_id, level, updated_at)
             VALUES ('{of}', '{resource}', '{}', 'read', now())",
            member.uuid()
        ),
        format!("INSERT INTO roles (name, kind, description) VALUES ('{role}', 'organization', 'A test.')"),
    ] {
        auth.sql(&sql).await;
    }
    Some(Place { org, member, invitation, resource, role })
}

impl Place {
    /// Makes the caller a member.
    pub(crate) async fn take_in(&self, auth: &Auth, token: &str) {
        let user: UserId = claims_of(&token.into()).sub.parse().unwrap();
        let (org, user) = (self.org.uuid(), user.uuid());
        auth.sql(&format!("INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ('{org}', '{user}', 'member', now())")).await;
    }

    pub(crate) fn fill(&self, path: &str) -> String {
        path.replace("{id}", &self.org.to_string())
            .replace("{user_id}", &self.member.to_string())
            .replace("{invitation_id}", &self.invitation.to_string())
            .replace("{resource}", &self.resource)
            .replace("{name}", &self.role)
    }

    pub(crate) fn body(&self, method: &str, path: &str) -> Option<Value> {
        let last = path.rsplit('/').next().unwrap_or_default();
        match (method, last) {
            ("POST", "orgs") | ("PATCH", "{id}") => Some(json!({ "name": "x" })),
            ("PATCH", "{user_id}") => Some(json!({ "role": "viewer" })),
            ("PUT", "{user_id}") => Some(json!({ "level": "write" })),
            ("POST", "transfer") => Some(json!({ "user_id": self.member })),
            ("POST", "invitations") => Some(json!({ "email": "x@example.com", "role": "viewer" })),
            ("POST", "accept" | "decline") => Some(json!({ "token": "plt_none" })),
            ("POST", "switch-org") => Some(json!({ "org_id": self.org })),
            ("POST", "check") => Some(json!({ "permission": "agents:read", "resource": self.resource })),
            ("PUT", "{name}") => Some(json!({ "kind": "organization", "description": "x", "scopes": [] })),
            _ => None,
        }
    }
}
