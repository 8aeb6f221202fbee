//! What auth audits.

use contract_audit::Action;

/// A person registered; the actor is the new user.
pub const ACCOUNT_REGISTERED: Action = Action::new("account.registered", "A person registered.");
/// Somebody who is not known tried to register again.
pub const ACCOUNT_REREGISTERED: Action =
    Action::new("account.reregistered", "Somebody tried to register an address that has an account.");
/// An operator made an account.
pub const ACCOUNT_CREATED: Action = Action::new("account.created", "An operator made an account.");
/// An operator vouched for an address.
pub const ACCOUNT_VERIFIED: Action =
    Action::new("account.verified", "An operator said that an address is its account's own.");
/// A person deleted their account.
pub const ACCOUNT_DELETED: Action = Action::new("account.deleted", "A person deleted their account.");
/// A person wants their account gone; until then it can be restored.
pub const ACCOUNT_DELETION_SCHEDULED: Action = Action::new(
    "account.deletion_scheduled",
    "A person asked for the deletion of their account, which waits for a while.",
);
/// A person keeps their account.
pub const ACCOUNT_DELETION_CANCELLED: Action =
    Action::new("account.deletion_cancelled", "A person restored their account, whose deletion was waiting.");
/// A person followed the link of their registration.
pub const EMAIL_VERIFIED: Action =
    Action::new("email.verified", "A person showed by a mailed link that the address is theirs.");
/// A person wants another address.
pub const EMAIL_CHANGE_REQUESTED: Action = Action::new(
    "email.change_requested",
    "A person asked for another address, which is yet to be confirmed.",
);
/// A person has another address.
pub const EMAIL_CHANGED: Action =
    Action::new("email.changed", "A person confirmed another address by a link that was mailed there.");
/// A mailbox was proven for the first time, otherwise than by the registration's own link.
pub const ACCOUNT_CLAIMED: Action = Action::new(
    "account.claimed",
    "The mailbox was proven for the first time, so the password, sessions, keys and wishes from before were dropped.",
);
/// A person set a new password by a mailed link; every session ended.
pub const PASSWORD_RESET: Action =
    Action::new("password.reset", "A person set a new password by a mailed link, which ended every session.");
/// A person changed their password; every session ended.
pub const PASSWORD_CHANGED: Action =
    Action::new("password.changed", "A person changed their password, which ended every session.");
/// A person logged in.
pub const SESSION_OPENED: Action = Action::new("session.opened", "A person logged in.");
/// A person ended a session: their own by a logout, or another of theirs.
pub const SESSION_ENDED: Action = Action::new("session.ended", "A person ended a session of theirs.");
/// A refresh token came a second time, so somebody has a copy.
pub const REFRESH_TOKEN_REUSED: Action =
    Action::new("refresh_token.reused", "A refresh token was used again, so its session was ended.");
/// A person made an API key.
pub const API_KEY_CREATED: Action = Action::new("api_key.created", "A person made an API key.");
/// A person renamed an API key or moved its end.
pub const API_KEY_CHANGED: Action = Action::new("api_key.changed", "A person changed an API key.");
/// A person gave an API key another secret.
pub const API_KEY_ROTATED: Action =
    Action::new("api_key.rotated", "A person gave an API key another secret.");
/// A person deleted an API key.
pub const API_KEY_DELETED: Action = Action::new("api_key.deleted", "A person deleted an API key.");
/// A person let a service act in their name when they have left.
pub const GRANT_CREATED: Action =
    Action::new("grant.created", "A person let a service act in their name when they have left.");
/// A grant was taken back by its person, or given back by the service.
pub const GRANT_REVOKED: Action =
    Action::new("grant.revoked", "A person took a grant back, or the service gave it back.");
/// A user was banned.
pub const USER_BANNED: Action = Action::new("user.banned", "An administrator banned a user.");
/// A user was let in again.
pub const USER_UNBANNED: Action = Action::new("user.unbanned", "An administrator ended a ban.");
/// A user has other roles.
pub const USER_ROLES_CHANGED: Action =
    Action::new("user.roles_changed", "An administrator changed the roles of a user.");
/// An administrator changed what is known of a user.
pub const USER_CHANGED: Action = Action::new("user.changed", "An administrator changed a user.");
/// An administrator ended all sessions of a user.
pub const USER_SIGNED_OUT: Action =
    Action::new("user.signed_out", "An administrator ended all sessions of a user.");
/// An administrator began to act in a user's name.
pub const USER_IMPERSONATED: Action =
    Action::new("user.impersonated", "An administrator began to act in a user's name.");
/// They stopped; the actor is the user, and `through` says who it was.
pub const IMPERSONATION_ENDED: Action =
    Action::new("impersonation.ended", "An administrator stopped acting in a user's name.");
/// An administrator deleted a user.
pub const USER_DELETED: Action = Action::new("user.deleted", "An administrator deleted a user.");
/// A person made an organisation.
pub const ORGANIZATION_CREATED: Action =
    Action::new("organization.created", "A person made an organisation.");
/// An organisation's name, slug or metadata was changed.
pub const ORGANIZATION_CHANGED: Action =
    Action::new("organization.changed", "An organisation's name, slug or metadata was changed.");
/// An owner deleted an organisation.
pub const ORGANIZATION_DELETED: Action =
    Action::new("organization.deleted", "An owner deleted an organisation.");
/// An owner handed an organisation over to a member.
pub const ORGANIZATION_TRANSFERRED: Action =
    Action::new("organization.transferred", "An owner handed an organisation over to a member.");
/// A member of an organisation got another role.
pub const MEMBER_ROLE_CHANGED: Action =
    Action::new("member.role_changed", "A member of an organisation got another role.");
/// A member was removed from an organisation.
pub const MEMBER_REMOVED: Action =
    Action::new("member.removed", "A member was removed from an organisation.");
/// A member left an organisation.
pub const MEMBER_LEFT: Action = Action::new("member.left", "A member left an organisation.");
/// Somebody was invited to an organisation, or once more.
pub const INVITATION_SENT: Action =
    Action::new("invitation.sent", "Somebody was invited to an organisation, or once more.");
/// An invitation was taken back.
pub const INVITATION_REVOKED: Action = Action::new("invitation.revoked", "An invitation was taken back.");
/// Somebody accepted an invitation and joined.
pub const INVITATION_ACCEPTED: Action =
    Action::new("invitation.accepted", "Somebody accepted an invitation and joined.");
/// Somebody declined an invitation.
pub const INVITATION_DECLINED: Action =
    Action::new("invitation.declined", "Somebody declined an invitation.");
/// A person moved a session to another organisation.
pub const SESSION_SWITCHED: Action =
    Action::new("session.switched", "A person moved a session to another organisation.");
/// An administrator made a role or changed what it permits.
pub const ROLE_DEFINED: Action =
    Action::new("role.defined", "An administrator made a role or changed what it permits.");
/// An administrator deleted a role.
pub const ROLE_DELETED: Action = Action::new("role.deleted", "An administrator deleted a role.");
/// A member got a leave for a resource, which is restricted from then on.
pub const RESOURCE_RESTRICTED: Action = Action::new(
    "resource.restricted",
    "A member got a leave for a resource, which is restricted from then on.",
);
/// A member lost their leave for a resource.
pub const RESOURCE_PERMISSION_REVOKED: Action =
    Action::new("resource.permission_revoked", "A member lost their leave for a resource.");
/// A resource was opened to all members again.
pub const RESOURCE_OPENED: Action =
    Action::new("resource.opened", "A resource was opened to all members again.");
/// A person asked for all that is held about them.
pub const EXPORT_REQUESTED: Action =
    Action::new("export.requested", "A person asked for all that is held about them.");
/// A person downloaded it.
pub const EXPORT_DOWNLOADED: Action =
    Action::new("export.downloaded", "A person downloaded all that is held about them.");
/// A person deleted it, or no longer wanted it.
pub const EXPORT_DELETED: Action =
    Action::new("export.deleted", "A person deleted an export, or no longer wanted it.");
/// A signing key was added.
pub const SIGNING_KEY_ROTATED: Action =
    Action::new("signing_key.rotated", "An operator added a key that tokens are signed with.");

/// A session's user proved anew who they are.
pub const SESSION_CONFIRMED: Action =
    Action::new("session.confirmed", "A person proved anew who they are, in a session of theirs.");
/// A person ended all sessions but the one they acted in.
pub const OTHER_SESSIONS_ENDED: Action =
    Action::new("session.others_ended", "A person ended all their other sessions.");
/// A second factor guards the account now.
pub const SECOND_FACTOR_ON: Action =
    Action::new("second_factor.on", "A person switched their second factor on.");
/// No second factor guards the account any more.
pub const SECOND_FACTOR_OFF: Action =
    Action::new("second_factor.off", "A person switched their second factor off.");
/// A person got new recovery codes; those before are void.
pub const RECOVERY_CODES_REPLACED: Action =
    Action::new("recovery_codes.replaced", "A person replaced their recovery codes.");
/// Many wrong passwords or codes locked an account, or an address that has none.
pub const LOGIN_LOCKED: Action = Action::new(
    "login.locked",
    "Many wrong passwords or codes locked an account, or an address without one.",
);
/// A locked account may be tried again.
pub const USER_UNLOCKED: Action =
    Action::new("user.unlocked", "An administrator opened an account that many attempts had locked.");

/// All of it.
pub const ALL: &[Action] = &[
    ACCOUNT_REGISTERED,
    ACCOUNT_REREGISTERED,
    ACCOUNT_CREATED,
    ACCOUNT_VERIFIED,
    ACCOUNT_DELETED,
    ACCOUNT_DELETION_SCHEDULED,
    ACCOUNT_DELETION_CANCELLED,
    EMAIL_VERIFIED,
    EMAIL_CHANGE_REQUESTED,
    EMAIL_CHANGED,
    ACCOUNT_CLAIMED,
    PASSWORD_RESET,
    PASSWORD_CHANGED,
    SESSION_OPENED,
    SESSION_ENDED,
    SESSION_CONFIRMED,
    OTHER_SESSIONS_ENDED,
    SECOND_FACTOR_ON,
    SECOND_FACTOR_OFF,
    RECOVERY_CODES_REPLACED,
    LOGIN_LOCKED,
    USER_UNLOCKED,
    REFRESH_TOKEN_REUSED,
    API_KEY_CREATED,
    API_KEY_CHANGED,
    API_KEY_ROTATED,
    API_KEY_DELETED,
    GRANT_CREATED,
    GRANT_REVOKED,
    USER_BANNED,
    USER_UNBANNED,
    USER_ROLES_CHANGED,
    USER_CHANGED,
    USER_SIGNED_OUT,
    USER_DELETED,
    USER_IMPERSONATED,
    IMPERSONATION_ENDED,
    ORGANIZATION_CREATED,
    ORGANIZATION_CHANGED,
    ORGANIZATION_DELETED,
    ORGANIZATION_TRANSFERRED,
    MEMBER_ROLE_CHANGED,
    MEMBER_REMOVED,
    MEMBER_LEFT,
    INVITATION_SENT,
    INVITATION_REVOKED,
    INVITATION_ACCEPTED,
    INVITATION_DECLINED,
    SESSION_SWITCHED,
    ROLE_DEFINED,
    ROLE_DELETED,
    RESOURCE_RESTRICTED,
    RESOURCE_PERMISSION_REVOKED,
    RESOURCE_OPENED,
    EXPORT_REQUESTED,
    EXPORT_DOWNLOADED,
    EXPORT_DELETED,
    SIGNING_KEY_ROTATED,
];
