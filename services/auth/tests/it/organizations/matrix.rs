//! Every role × every operation on an organisation.

use contract_auth::{Level, NewInvitation, OrganizationChange};
use ids::OrgId;
use service_discovery::CallError;

use super::thing;
use crate::spawn::{Auth, Somebody, claims_of, refused, spawn};

const ROLES: [&str; 6] = ["owner", "admin", "member", "viewer", "stranger", "banned"];

/// An operation that somebody tries; there are a `member` and a waiting invitation.
const OPERATIONS: &[(&str, [&str; 6])] = &[
    ("read", ["ok", "ok", "ok", "ok", "unknown", "revoked"]),
    ("list members", ["ok", "ok", "ok", "ok", "unknown", "revoked"]),
    ("rename", ["ok", "ok", "scope", "scope", "unknown", "revoked"]),
    ("list invitations", ["ok", "ok", "role", "role", "unknown", "revoked"]),
    ("invite a viewer", ["ok", "ok", "scope", "scope", "unknown", "revoked"]),
    ("invite an admin", ["ok", "below", "scope", "scope", "unknown", "revoked"]),
    ("revoke the invitation", ["ok", "ok", "scope", "scope", "unknown", "revoked"]),
    ("make the member a viewer", ["ok", "ok", "scope", "scope", "unknown", "revoked"]),
    ("make the member an admin", ["ok", "below", "scope", "scope", "unknown", "revoked"]),
    ("make oneself the owner", ["ownership", "ownership", "scope", "scope", "unknown", "revoked"]),
    ("make oneself an admin", ["below", "below", "scope", "scope", "unknown", "revoked"]),
    ("remove the member", ["ok", "ok", "scope", "scope", "unknown", "revoked"]),
    ("remove another admin", ["ok", "below", "scope", "scope", "unknown", "revoked"]),
    ("remove the owner", ["must transfer", "below", "scope", "scope", "unknown", "revoked"]),
    ("leave", ["must transfer", "ok", "ok", "ok", "unknown", "revoked"]),
    ("transfer", ["ok", "role", "scope", "scope", "unknown", "revoked"]),
    ("delete", ["ok", "role", "scope", "scope", "unknown", "revoked"]),
    ("restrict a resource", ["ok", "ok", "role", "role", "unknown", "revoked"]),
    ("switch to it", ["ok", "ok", "ok", "ok", "unknown", "revoked"]),
];

/// One organisation with one of each role, and what is done to them.
struct Stage {
    org: OrgId,
    owner: Somebody,
    other_admin: Somebody,
    member: Somebody,
}

#[actix_web::test]
async fn every_role_may_do_what_the_table_says_and_nothing_else() {
    let auth = spawn().await;
    for (operation, wanted) in OPERATIONS {
        for (role, wanted) in ROLES.iter().zip(wanted) {
            let stage = stage(&auth, &format!("{operation} {role}").replace(' ', "-")).await;
            let by = who(&auth, &stage, role).await;
            let outcome = said(attempt(&auth, &stage, &by, operation).await);
            assert_eq!(outcome, *wanted, "{role}: {operation}");
            let owners = auth.roles_in(stage.org).await.iter().filter(|role| *role == "owner").count();
            assert_eq!(
                owners,
                usize::from(!(*operation == "delete" && outcome == "ok")),
                "{role}: {operation}"
            );
        }
    }
}

async fn stage(auth: &Auth, unique: &str) -> Stage {
    let owner = auth.verified(&format!("{unique}@example.com")).await;
    let org = auth.org(&owner).await;
    let other_admin = auth.member(&owner, org, "admin").await;
    let member = auth.member(&owner, org, "member").await;
    auth.invited(&owner, org, "waiting@example.com", "member").await;
    Stage { org, owner, other_admin, member }
}

/// Somebody of this role, with a session in the organisation if that lets them in.
async fn who(auth: &Auth, stage: &Stage, role: &str) -> Somebody {
    let owner = &stage.owner;
    let somebody = match role {
        "owner" => auth.back(&owner.email).await,
        "stranger" => return auth.verified(&format!("{}@example.com", ids::SessionId::generate())).await,
        "banned" => {
            let banned = auth.member(owner, stage.org, "admin").await;
            auth.client.ban(&auth.admin().await, banned.id(), "a test").await.unwrap();
            return banned;
        }
        role => auth.member(owner, stage.org, role).await,
    };
    let switched = auth.client.switch_org(&somebody.inward, stage.org).await.unwrap();
    let inward = auth.inward(&switched.access_token.unwrap());
    assert_eq!(claims_of(&inward).org, Some(stage.org));
    Somebody { inward, ..somebody }
}

async fn attempt(auth: &Auth, stage: &Stage, by: &Somebody, operation: &str) -> Result<(), CallError> {
    let (client, token, org) = (&auth.client, &by.inward, stage.org);
    let invite = async |role: &str| {
        let new = NewInvitation { email: "new@example.com".to_owned(), role: role.to_owned() };
        client.invite(token, org, &new).await.map(drop)
    };
    let give = async |user, role| client.change_member(token, org, user, role).await.map(drop);
    let (member, other_admin) = (stage.member.id(), stage.other_admin.id());
    match operation {
        "read" => client.org(token, org).await.map(drop),
        "list members" => client.members(token, org, "").await.map(drop),
        "rename" => {
            let change = OrganizationChange { name: Some("x".to_owned()), ..OrganizationChange::default() };
            client.change_org(token, org, &change).await.map(drop)
        }
        "list invitations" => client.invitations(token, org, "").await.map(drop),
        "invite a viewer" => invite("viewer").await,
        "invite an admin" => invite("admin").await,
        "revoke the invitation" => {
            let sql = "SELECT id FROM invitations WHERE org_id = $1";
            let row = auth.db.connect().await.query_one(sql, &[&org.uuid()]).await.unwrap();
            client.revoke_invitation(token, org, ids::InvitationId::from_uuid(row.get(0))).await
        }
        "make the member a viewer" => give(member, "viewer").await,
        "make the member an admin" => give(member, "admin").await,
        "make oneself the owner" => give(by.id(), "owner").await,
        "make oneself an admin" => give(by.id(), "admin").await,
        "remove the member" => client.remove_member(token, org, member).await,
        "remove another admin" => client.remove_member(token, org, other_admin).await,
        "remove the owner" => client.remove_member(token, org, stage.owner.id()).await,
        "leave" => client.leave_org(token, org).await,
        "transfer" => client.transfer_org(token, org, member).await,
        "delete" => client.delete_org(token, org).await,
        "restrict a resource" => {
            client.permit_resource(token, org, &thing(), member, Level::Read).await.map(drop)
        }
        "switch to it" => client.switch_org(token, org).await.map(drop),
        other => panic!("{other} is not known"),
    }
}

fn said(outcome: Result<(), CallError>) -> &'static str {
    if outcome.is_ok() {
        return "ok";
    }
    let (status, code) = refused(outcome);
    match (status, code.as_str()) {
        (404, "organization_not_found") => "unknown",
        (401, "token_revoked") => "revoked",
        (403, "insufficient_scope") => "scope",
        (403, "role_insufficient") => "role",
        (403, "member_not_below") => "below",
        (409, "ownership_is_transferred") => "ownership",
        (409, "owner_must_transfer") => "must transfer",
        other => panic!("{other:?}"),
    }
}
