//! What auth says and hears: the shapes of its requests and replies, its routes,
//! and a client. Never rows or SQL.

mod account;
mod api_key;
pub mod audited;
mod client;
pub mod events;
mod export;
mod grant;
mod impersonation;
mod invitation;
mod mail;
mod organization;
mod personal_data;
mod proof;
mod resource;
mod role;
mod second_factor;
mod secret;
mod session;
mod token;
mod user;
mod ws_ticket;

pub use account::{Accepted, Account, AccountChange, Login, Registration, ScheduledDeletion};
pub use api_key::{
    ApiKey, ApiKeyChange, ApiKeyList, ApiKeyRotation, ApiKeyText, NewApiKey, NewApiKeyText, NotAnApiKey,
};
pub use client::{Client, routes};
pub use export::{Export, ExportDocument, ExportList, ExportState};
pub use grant::{GivenGrant, GrantList, HeldGrant, NewGrant};
pub use impersonation::{Impersonate, Impersonation};
pub use invitation::{
    Invitation, InvitationList, InvitationToken, NewInvitation, ReceivedInvitation, ReceivedInvitationList,
};
pub use mail::{Mail, MailKind};
pub use organization::{
    Member, MemberChange, MemberList, NewOrganization, Organization, OrganizationChange, OrganizationList,
    SwitchOrg, Transfer,
};
pub use personal_data::{PersonalData, PersonalDataQuery, personal_data_path};
pub use proof::{EmailChange, MailProof, MailWanted, PasswordReset, Settled};
pub use resource::{
    Check, CheckOf, Decision, Level, NotAResourceId, Reason, ResourceId, ResourceLevel, ResourcePermission,
    ResourcePermissionList,
};
pub use role::{PermissionInfo, PermissionList, Role, RoleDefinition, RoleKind, RoleList};
pub use second_factor::{
    RecoveryCodes, SecondFactorMethod, SecondFactorOff, SecondFactorProof, SecondFactorStatus, StepUp,
    TotpConfirmation, TotpEnrolment,
};
pub use secret::Secret;
pub use session::{
    CookieSession, LoginReply, Refresh, SESSION_COOKIE, SecondFactorRequired, Session, SessionList,
    SessionReply, SwitchedOrg, Tokens,
};
pub use token::{Exchange, Grant, IssuedToken, TokenRequest, grant_type, token_type};
pub use user::{
    Ban, PasswordChange, Roles, User, UserChange, UserDetails, UserList, UserOrganization, UserQuery,
};
pub use ws_ticket::WsTicket;
