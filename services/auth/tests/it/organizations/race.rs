//! Whatever happens at once, an organisation has one owner.

use futures_util::future::{LocalBoxFuture, join_all};
use service_discovery::CallError;

use crate::spawn::{Auth, Somebody, refused, spawn};

type Attempt<'a> = LocalBoxFuture<'a, Result<(), CallError>>;

/// No answer is a failure of ours: refusals are all that loses a race.
fn no_failure(outcomes: Vec<Result<(), CallError>>) -> usize {
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        let (status, code) = refused(outcome);
        assert!((400..500).contains(&status), "{status} {code}");
    }
    won
}

#[actix_web::test]
async fn of_fifty_transfers_at_once_one_is_carried_out() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let mut members = Vec::new();
    for _ in 0..5 {
        members.push(auth.member(&owner, org, "admin").await.id());
    }
    let many = (0..50).map(|turn| auth.client.transfer_org(&owner.inward, org, members[turn % 5]));
    assert_eq!(no_failure(join_all(many).await), 1);
    assert_eq!(auth.roles_in(org).await, ["admin", "admin", "admin", "admin", "admin", "owner"]);
}

#[actix_web::test]
async fn transfers_removals_leaves_role_changes_and_joins_at_once_leave_one_owner() {
    let auth = spawn().await;
    for round in 0..50 {
        let owner = auth.verified(&format!("owner{round}@example.com")).await;
        let org = auth.org(&owner).await;
        let (one, other) =
            (auth.member(&owner, org, "admin").await, auth.member(&owner, org, "member").await);
        let guest = auth.verified(&format!("guest{round}@example.com")).await;
        let letter = auth.invited(&owner, org, &guest.email, "viewer").await;
        let client = &auth.client;
        let attempts: Vec<Attempt<'_>> = vec![
            Box::pin(client.transfer_org(&owner.inward, org, one.id())),
            Box::pin(client.transfer_org(&owner.inward, org, other.id())),
            Box::pin(client.leave_org(&one.inward, org)),
            Box::pin(client.leave_org(&other.inward, org)),
            Box::pin(client.remove_member(&owner.inward, org, one.id())),
            Box::pin(client.remove_member(&one.inward, org, other.id())),
            Box::pin(client.remove_member(&one.inward, org, owner.id())),
            Box::pin(async {
                client.change_member(&owner.inward, org, other.id(), "viewer").await.map(drop)
            }),
            Box::pin(async { client.accept_invitation(&guest.inward, &letter).await.map(drop) }),
            Box::pin(async { client.switch_org(&one.inward, org).await.map(drop) }),
        ];
        no_failure(join_all(attempts).await);
        one_owner(&auth, org, round).await;
    }
}

async fn one_owner(auth: &Auth, org: ids::OrgId, round: usize) {
    let roles = auth.roles_in(org).await;
    assert_eq!(roles.iter().filter(|role| *role == "owner").count(), 1, "round {round}: {roles:?}");
    // Whoever is no member has no session there, either.
    let strays = "SELECT count(*) FROM sessions s WHERE NOT EXISTS (
        SELECT FROM memberships m WHERE m.org_id = s.org_id AND m.user_id = s.user_id)";
    assert_eq!(auth.count(strays).await, 0, "round {round}");
}

#[actix_web::test]
async fn a_deletion_against_everything_else_leaves_nothing_or_one_owner() {
    let auth = spawn().await;
    for round in 0..50 {
        let owner = auth.verified(&format!("owner{round}@example.com")).await;
        let org = auth.org(&owner).await;
        let admin = auth.member(&owner, org, "admin").await;
        let guest = auth.verified(&format!("guest{round}@example.com")).await;
        let letter = auth.invited(&owner, org, &guest.email, "viewer").await;
        let client = &auth.client;
        let attempts: Vec<Attempt<'_>> = vec![
            Box::pin(client.delete_org(&owner.inward, org)),
            Box::pin(client.leave_org(&admin.inward, org)),
            Box::pin(async { client.switch_org(&admin.inward, org).await.map(drop) }),
            Box::pin(client.transfer_org(&owner.inward, org, admin.id())),
            Box::pin(async { client.accept_invitation(&guest.inward, &letter).await.map(drop) }),
        ];
        no_failure(join_all(attempts).await);
        match auth.roles_in(org).await.len() {
            0 => {}
            _ => one_owner(&auth, org, round).await,
        }
        for somebody in [&owner, &admin, &guest] {
            still_there(&auth, somebody).await;
        }
    }
}

/// Whoever deletes a user holds their organisations before them, as whoever changes members does:
/// in another order each would wait for the other.
#[actix_web::test]
async fn an_administrators_deletion_against_changes_of_members_is_no_deadlock() {
    let auth = spawn().await;
    let root = auth.admin().await;
    for round in 0..50 {
        let owner = auth.verified(&format!("owner{round}@example.com")).await;
        let org = auth.org(&owner).await;
        let (member, other) =
            (auth.member(&owner, org, "member").await, auth.member(&owner, org, "viewer").await);
        let client = &auth.client;
        let attempts: Vec<Attempt<'_>> = vec![
            Box::pin(client.delete_user(&root, member.id())),
            Box::pin(async {
                client.change_member(&owner.inward, org, member.id(), "viewer").await.map(drop)
            }),
            Box::pin(client.transfer_org(&owner.inward, org, member.id())),
            Box::pin(client.remove_member(&owner.inward, org, member.id())),
            Box::pin(client.leave_org(&other.inward, org)),
        ];
        no_failure(join_all(attempts).await);
        one_owner(&auth, org, round).await;
    }
}

/// A session outlives every organisation but its user's own.
async fn still_there(auth: &Auth, somebody: &Somebody) {
    assert!(auth.client.refresh(&somebody.tokens.refresh_token).await.is_ok(), "{}", somebody.email);
}

#[actix_web::test]
async fn not_even_sql_behind_auths_back_leaves_none_or_two() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    auth.member(&owner, org, "admin").await;
    let mut client = auth.db.connect().await;
    for sql in [
        "UPDATE memberships SET role = 'admin' WHERE role = 'owner'",
        "DELETE FROM memberships WHERE role = 'owner'",
        "UPDATE memberships SET role = 'owner' WHERE role = 'admin'",
        "UPDATE memberships SET role = 'king' WHERE role = 'admin'",
        "UPDATE memberships SET role = 'ADMIN' WHERE role = 'admin'",
        "UPDATE user_roles SET role = 'owner'",
    ] {
        let transaction = client.transaction().await.unwrap();
        let outcome = match transaction.execute(sql, &[]).await {
            Ok(_) => transaction.commit().await,
            Err(error) => Err(error),
        };
        assert!(outcome.is_err(), "{sql}");
    }
}
