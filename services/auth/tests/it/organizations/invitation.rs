use contract_auth::NewInvitation;
use futures_util::future::join_all;
use serde_json::Value;

use crate::spawn::{code, refused, spawn, spawn_with};

fn new(email: &str, role: &str) -> NewInvitation {
    NewInvitation { email: email.to_owned(), role: role.to_owned() }
}

#[actix_web::test]
async fn an_invitation_accepted_by_another_account_is_refused_and_stays_usable_by_the_right_one() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let letter = auth.invited(&owner, org, "Grace@Example.com".to_lowercase().as_str(), "member").await;
    let eve = auth.verified("eve@example.com").await;
    let another = code(403, "invitation_for_another");
    assert_eq!(refused(auth.client.accept_invitation(&eve.inward, &letter).await), another);
    assert_eq!(refused(auth.client.decline_invitation(&eve.inward, &letter).await), another);
    let grace = auth.somebody("grace@example.com").await;
    let early = auth.client.accept_invitation(&grace.inward, &letter).await;
    assert_eq!(refused(early), code(403, "email_unverified"), "her address is not verified yet");
    assert!(auth.client.received_invitations(&grace.inward, "").await.unwrap().data.is_empty());
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    let seen = auth.client.received_invitations(&grace.inward, "").await.unwrap().data;
    assert_eq!(
        (seen[0].org_id, seen[0].organization_name.as_str(), seen[0].role.as_str()),
        (org, "Engines", "member")
    );
    let joined = auth.client.accept_invitation(&grace.inward, &letter).await.unwrap();
    assert_eq!((joined.id, joined.role.as_str()), (org, "member"));
    let again = auth.client.accept_invitation(&grace.inward, &letter).await;
    assert_eq!(refused(again), code(401, "one_time_token_invalid"), "it worked once");
    assert_eq!(auth.roles_in(org).await, ["member", "owner"]);
}

#[actix_web::test]
async fn of_fifty_that_accept_at_once_one_joins() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let grace = auth.verified("grace@example.com").await;
    let letter = auth.invited(&owner, org, "grace@example.com", "viewer").await;
    let outcomes = join_all((0..50).map(|_| auth.client.accept_invitation(&grace.inward, &letter))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refused(outcome), code(401, "one_time_token_invalid"));
    }
    assert_eq!(auth.roles_in(org).await, ["owner", "viewer"]);
    assert_eq!(auth.count("SELECT count(*) FROM events WHERE type = 'membership.created'").await, 1);
}

#[actix_web::test]
async fn inviting_says_the_same_whether_or_not_the_address_has_an_account() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    auth.register("known@example.com").await;
    let mut shapes = Vec::new();
    for email in ["known@example.com", "nobody@example.com"] {
        let made = auth.client.invite(&owner.inward, org, &new(email, "member")).await.unwrap();
        let Value::Object(fields) = serde_json::to_value(&made).unwrap() else { panic!() };
        shapes.push((fields.keys().cloned().collect::<Vec<_>>(), made.role, made.invited_by));
        let twice = auth.client.invite(&owner.inward, org, &new(email, "member")).await;
        assert_eq!(refused(twice), code(409, "already_invited"));
    }
    assert_eq!(shapes[0], shapes[1]);
    let mails = "SELECT count(*) FROM mails WHERE kind = 'invitation' AND user_id IS NULL";
    assert_eq!(auth.count(mails).await, 2);
}

#[actix_web::test]
async fn what_is_revoked_expired_declined_or_sent_again_works_no_longer() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let grace = auth.verified("grace@example.com").await;
    let dead = code(401, "one_time_token_invalid");
    let accept = async |letter| refused(auth.client.accept_invitation(&grace.inward, letter).await);
    let waiting = async || auth.client.invitations(&owner.inward, org, "").await.unwrap().data;

    let letter = auth.invited(&owner, org, &grace.email, "member").await;
    let id = waiting().await[0].id;
    auth.client.revoke_invitation(&owner.inward, org, id).await.unwrap();
    assert_eq!(accept(&letter).await, dead);
    let twice = auth.client.revoke_invitation(&owner.inward, org, id).await;
    assert_eq!(refused(twice), code(404, "invitation_not_found"));

    let letter = auth.invited(&owner, org, &grace.email, "member").await;
    auth.client.decline_invitation(&grace.inward, &letter).await.unwrap();
    assert_eq!(accept(&letter).await, dead);

    let letter = auth.invited(&owner, org, &grace.email, "member").await;
    auth.sql("UPDATE invitations SET expires_at = now()").await;
    assert_eq!(accept(&letter).await, dead, "its seven days are over");
    assert!(waiting().await.is_empty());

    let letter = auth.invited(&owner, org, &grace.email, "member").await;
    let id = waiting().await[0].id;
    let early = auth.client.resend_invitation(&owner.inward, org, id).await;
    assert_eq!(refused(early), code(429, "invitation_just_sent"));
    auth.sql("UPDATE invitations SET sent_at = sent_at - interval '1 minute'").await;
    auth.client.resend_invitation(&owner.inward, org, id).await.unwrap();
    assert_eq!(accept(&letter).await, dead, "the link of before");
    let fresh = auth.letter(&grace.email).await;
    assert!(auth.client.accept_invitation(&grace.inward, &fresh).await.is_ok());
    let member = auth.client.invite(&owner.inward, org, &new(&grace.email, "viewer")).await;
    assert_eq!(refused(member), code(409, "already_member"));
}

/// Nobody fills a stranger's mailbox by inviting and taking back.
#[actix_web::test]
async fn an_address_gets_five_mails_an_hour_from_an_organisation() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let invite = async || auth.client.invite(&owner.inward, org, &new("x@example.com", "member")).await;
    for _ in 0..5 {
        let id = invite().await.unwrap().id;
        auth.client.revoke_invitation(&owner.inward, org, id).await.unwrap();
    }
    assert_eq!(refused(invite().await), code(429, "too_many_mails"));
    assert!(auth.client.invite(&owner.inward, org, &new("y@example.com", "member")).await.is_ok());
    auth.sql("UPDATE mails SET created_at = created_at - interval '1 hour'").await;
    assert!(invite().await.is_ok());
    assert_eq!(auth.count("SELECT count(*) FROM mails WHERE recipient = 'x@example.com'").await, 6);
}

#[actix_web::test]
async fn an_invitation_wants_a_good_address_a_role_and_a_verified_inviter() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let org = auth.org(&ada).await;
    let unverified = auth.client.invite(&ada.inward, org, &new("x@example.com", "member")).await;
    assert_eq!(refused(unverified), code(403, "email_unverified"));
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    for (email, role) in [("x＠example.com", "member"), ("nobody", "member"), ("x@example.com", "king")] {
        let refusal = auth.client.invite(&ada.inward, org, &new(email, role)).await;
        assert_eq!(refused(refusal), code(422, "invalid_fields"), "{email} {role}");
    }
    let owner = auth.client.invite(&ada.inward, org, &new("x@example.com", "owner")).await;
    assert_eq!(refused(owner), code(409, "ownership_is_transferred"));
    let mails = "SELECT count(*) FROM mails WHERE kind = 'invitation'";
    assert_eq!(auth.count(mails).await, 0);
}

#[actix_web::test]
async fn invitations_and_members_are_held_to_their_limits_in_any_race() {
    let limits = [("AUTH__ORGANIZATIONS__PENDING_INVITATIONS", "3"), ("AUTH__ORGANIZATIONS__MEMBERS", "5")];
    let auth = spawn_with(&limits).await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let many: Vec<_> = (0..12).map(|turn| new(&format!("x{turn}@example.com"), "viewer")).collect();
    let outcomes = join_all(many.iter().map(|new| auth.client.invite(&owner.inward, org, new))).await;
    let (made, refusals): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 3);
    for refusal in refusals {
        assert_eq!(refused(refusal), code(409, "too_many_invitations"));
    }
    for invitation in made {
        let email = invitation.unwrap().email;
        let letter = auth.letter(&email).await;
        let somebody = auth.verified(&email).await;
        auth.client.accept_invitation(&somebody.inward, &letter).await.unwrap();
    }
    let grace = auth.verified("grace@example.com").await;
    let letter = auth.invited(&owner, org, &grace.email, "viewer").await;
    let full = auth.client.invite(&owner.inward, org, &new("late@example.com", "viewer")).await;
    assert_eq!(refused(full), code(409, "organization_full"), "four members and one who is invited");
    auth.client.accept_invitation(&grace.inward, &letter).await.unwrap();
    assert_eq!(auth.roles_in(org).await.len(), 5);
}

#[actix_web::test]
async fn a_token_for_something_else_invites_nobody() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    for text in ["", "plt_", "plt_AAAA", "plr_x"] {
        let refusal = auth.client.accept_invitation(&ada.inward, &text.into()).await;
        assert_eq!(refused(refusal), code(401, "one_time_token_invalid"), "{text}");
    }
}
