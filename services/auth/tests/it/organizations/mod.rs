//! Organisations, their members, and what those may do.

pub(crate) mod access;
mod invitation;
mod matrix;
mod member;
mod organization;
mod race;
mod resource;
mod role;

use contract_auth::{
    Grant, Level, NewInvitation, NewOrganization, OrganizationChange, ResourceId, RoleDefinition, RoleKind,
    Secret,
};
use ids::{MailId, OrgId, SessionId};
use service_discovery::Service;

use crate::spawn::{Auth, NOTIFY_SECRET, Somebody};

impl Auth {
    /// Somebody whose address is verified.
    pub(crate) async fn verified(&self, email: &str) -> Somebody {
        self.register(email).await;
        self.sql(&format!("UPDATE users SET email_verified_at = now() WHERE email = '{email}'")).await;
        self.back(email).await
    }

    /// The same person, logged in anew.
    pub(crate) async fn back(&self, email: &str) -> Somebody {
        let tokens = self.login(email).await.unwrap();
        let inward = self.inward(&tokens.access_token);
        Somebody { email: email.to_owned(), tokens, inward }
    }

    /// An organisation of somebody's.
    pub(crate) async fn org(&self, owner: &Somebody) -> OrgId {
        let new = NewOrganization { name: "Engines".to_owned(), ..NewOrganization::default() };
        self.client.create_org(&owner.inward, &new).await.unwrap().id
    }

    /// The token of the latest invitation to an address, as the mail service gets it.
    pub(crate) async fn letter(&self, email: &str) -> Secret {
        let asked = Grant::Own(Service::Auth);
        let own =
            self.internal.token(Service::Notify, &NOTIFY_SECRET.to_owned().into(), asked).await.unwrap();
        let sql =
            "SELECT id FROM mails WHERE recipient = $1 AND kind = 'invitation' ORDER BY id DESC LIMIT 1";
        let row = self.db.connect().await.query_one(sql, &[&email]).await.unwrap();
        let mail = self.internal.mail(&own.access_token, MailId::from_uuid(row.get(0))).await.unwrap();
        mail.token.unwrap()
    }

    /// Invites an address to an organisation of somebody's; gives the mailed token.
    pub(crate) async fn invited(&self, by: &Somebody, org: OrgId, email: &str, role: &str) -> Secret {
        let new = NewInvitation { email: email.to_owned(), role: role.to_owned() };
        self.client.invite(&by.inward, org, &new).await.unwrap();
        self.letter(email).await
    }

    /// Somebody new with a role in an organisation of somebody's.
    pub(crate) async fn member(&self, owner: &Somebody, org: OrgId, role: &str) -> Somebody {
        let somebody = self.verified(&format!("{role}-{}@example.com", SessionId::generate())).await;
        let token = self.invited(owner, org, &somebody.email, role).await;
        self.client.accept_invitation(&somebody.inward, &token).await.unwrap();
        somebody
    }

    /// The roles in an organisation, in alphabetical order.
    pub(crate) async fn roles_in(&self, org: OrgId) -> Vec<String> {
        let sql = "SELECT role FROM memberships WHERE org_id = $1 ORDER BY role";
        let rows = self.db.connect().await.query(sql, &[&org.uuid()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Something of some service.
pub(crate) fn thing() -> ResourceId {
    format!("agt_{}", SessionId::generate().to_string().split_once('_').unwrap().1).parse().unwrap()
}

/// A role for members that permits this.
pub(crate) fn role(scopes: &[&str]) -> RoleDefinition {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    RoleDefinition { kind: RoleKind::Organization, description: "For a test.".to_owned(), scopes }
}

/// All that is audited and told of organisations, roles and resources, once at least.
pub(crate) async fn live(auth: &Auth) {
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let change = OrganizationChange { name: Some("Works".to_owned()), ..OrganizationChange::default() };
    auth.client.change_org(&owner.inward, org, &change).await.unwrap();
    let (admin, member) = (auth.member(&owner, org, "admin").await, auth.member(&owner, org, "member").await);
    let viewer = auth.member(&owner, org, "viewer").await;
    auth.client.change_member(&owner.inward, org, member.id(), "viewer").await.unwrap();
    auth.client.switch_org(&viewer.inward, org).await.unwrap();
    let viewer = auth.back(&viewer.email).await;
    auth.client.leave_org(&viewer.inward, org).await.unwrap();
    let declined = auth.invited(&owner, org, &viewer.email, "viewer").await;
    auth.client.decline_invitation(&auth.back(&viewer.email).await.inward, &declined).await.unwrap();
    auth.invited(&owner, org, "nobody@example.com", "viewer").await;
    let waiting = auth.client.invitations(&owner.inward, org, "").await.unwrap().data[0].id;
    auth.client.revoke_invitation(&owner.inward, org, waiting).await.unwrap();
    let resource = thing();
    auth.client.permit_resource(&owner.inward, org, &resource, member.id(), Level::Read).await.unwrap();
    auth.client.forbid_resource(&owner.inward, org, &resource, member.id()).await.unwrap();
    auth.client.open_resource(&owner.inward, org, &resource).await.unwrap();
    auth.client.remove_member(&owner.inward, org, member.id()).await.unwrap();
    auth.client.transfer_org(&owner.inward, org, admin.id()).await.unwrap();
    auth.client.delete_org(&auth.back(&admin.email).await.inward, org).await.unwrap();
    let root = auth.admin().await;
    auth.client.define_role(&root, "auditor", &role(&["orgs:read"])).await.unwrap();
    auth.client.delete_role(&root, "auditor").await.unwrap();
}
