//! auth: people, organisations, sessions, API keys, and the tokens that prove them.
//!
//! [`routes`] and [`internal_routes`] are the table of contents. [`App`] binds and
//! serves; [`admin`] is what an operator does by hand.

mod account;
pub mod admin;
mod api_key;
mod app;
mod attempt;
mod audited;
mod background;
mod deletion;
mod email_change;
mod export;
mod grant;
mod impersonation;
mod invitation;
mod magic_link;
mod mail;
mod membership;
mod one_time;
mod organization;
mod password;
mod permissions;
mod personal_data;
mod proof;
mod prune;
mod recovery;
mod resource;
mod revocation;
mod rights;
mod role;
mod schema;
mod second_factor;
mod session;
pub mod settings;
mod signing_key;
mod step_up;
mod token;
mod user;
mod verification;
mod ws_ticket;

use events::{Inbox, Subscriptions};
use include_dir::{Dir, include_dir};
use service_discovery::Service;
use service_kit::{
    http,
    migrations::{Catalogue, CatalogueError},
};
use utoipa::openapi::OpenApi as Document;
use utoipa_actix_web::service_config::ServiceConfig;

pub use app::{App, BuildError};
pub use settings::Settings;

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// What clients call, through the gateway.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(account::http::register)
        .service(account::http::get_me)
        .service(account::http::patch_me)
        .service(deletion::http::delete_me)
        .service(deletion::http::restore_me)
        .service(verification::http::verify_email)
        .service(verification::http::resend_verification)
        .service(email_change::http::change_email)
        .service(email_change::http::confirm_email)
        .service(password::http::change_password)
        .service(recovery::http::forgot_password)
        .service(recovery::http::reset_password)
        .service(session::http::login)
        .service(magic_link::http::want_magic_link)
        .service(magic_link::http::follow_magic_link)
        .service(session::http::refresh)
        .service(session::http::logout)
        .service(session::http::list_sessions)
        .service(session::http::delete_session)
        .service(ws_ticket::http::create_ws_ticket)
        .service(session::http::delete_other_sessions)
        .service(step_up::http::step_up)
        .service(second_factor::http::get_second_factor)
        .service(second_factor::http::enroll_totp)
        .service(second_factor::http::confirm_totp)
        .service(second_factor::http::disable_totp)
        .service(second_factor::http::create_recovery_codes)
        .service(second_factor::verify::verify_second_factor)
        .service(api_key::http::create_api_key)
        .service(api_key::http::list_api_keys)
        .service(api_key::http::patch_api_key)
        .service(api_key::http::rotate_api_key)
        .service(api_key::http::delete_api_key)
        .service(grant::http::list_grants)
        .service(grant::http::revoke_grant)
        .service(user::browse::http::list_users)
        .service(user::browse::http::get_user)
        .service(user::http::patch_user)
        .service(user::http::delete_user)
        .service(user::http::sign_out_user)
        .service(impersonation::http::impersonate_user)
        .service(impersonation::http::renew_impersonation)
        .service(impersonation::http::end_impersonation)
        .service(user::http::ban_user)
        .service(user::http::unban_user)
        .service(user::http::set_user_roles)
        .service(attempt::http::unlock_user)
        .service(session::switch::switch_org)
        .service(role::http::list_roles)
        .service(role::http::put_role)
        .service(role::http::delete_role)
        .service(role::http::list_permissions)
        .service(audited::list_audit_entries)
        .service(token::http::get_jwks)
        .service(token::http::get_discovery);
    export_routes(config);
    organization_routes(config);
    jobs_http::routes(config, Service::Auth);
}

fn export_routes(config: &mut ServiceConfig<'_>) {
    config
        .service(export::http::create_export)
        .service(export::http::list_exports)
        .service(export::http::get_export)
        .service(export::http::delete_export)
        .service(export::download::download_export)
        .service(export::download::download_latest_export);
}

fn organization_routes(config: &mut ServiceConfig<'_>) {
    config
        .service(organization::http::list_organizations)
        .service(organization::http::create_organization)
        .service(organization::http::get_organization)
        .service(organization::http::patch_organization)
        .service(organization::http::delete_organization)
        .service(membership::http::list_members)
        .service(membership::http::patch_member)
        .service(membership::http::delete_member)
        .service(membership::http::leave_organization)
        .service(membership::http::transfer_organization)
        .service(invitation::http::create_invitation)
        .service(invitation::http::list_invitations)
        .service(invitation::http::delete_invitation)
        .service(invitation::http::resend_invitation)
        .service(invitation::received::list_received_invitations)
        .service(invitation::received::accept_invitation)
        .service(invitation::received::decline_invitation)
        .service(resource::http::list_resource_permissions)
        .service(resource::http::put_resource_permission)
        .service(resource::http::delete_resource_permission)
        .service(resource::http::delete_resource_permissions)
        .service(resource::check::check_permission);
}

/// What only our own services call, on the internal listener.
pub fn internal_routes(config: &mut ServiceConfig<'_>) {
    config
        .service(token::http::create_token)
        .service(token::http::get_internal_jwks)
        .service(mail::http::get_mail)
        .service(grant::internal::create_grant)
        .service(grant::internal::give_back_grant)
        .service(resource::check::check_permission_of)
        .service(revocation::http::get_revocations);
    Inbox::new(Service::Auth, &Subscriptions::new(), contract_auth::events::catalogue()).routes(config);
    audit::internal_routes(config, Service::Auth);
}

/// The OpenAPI document of [`routes`].
#[must_use]
pub fn openapi() -> Document {
    http::document(about(), routes)
}

fn about() -> Document {
    let tags = [&TAGS[..], &jobs_http::TAGS].concat();
    http::tagged(http::about("Plinth auth", "People, organisations, sessions, API keys and tokens."), &tags)
}

/// What the operations are grouped by.
const TAGS: [(&str, &str); 9] = [
    ("Accounts", "Register, prove an address, change it, a password, leave and come back"),
    ("Sessions", "Log in and out, refresh, step up; where one is logged in"),
    ("Second factors", "TOTP and recovery codes"),
    ("API keys", "Keys for programs"),
    ("Grants", "What long-running work may do in one's name"),
    ("Organisations", "Members, roles, invitations, single resources"),
    ("Exports", "All that is held about a person"),
    ("Discovery", "What a verifier of tokens needs: issuer and keys"),
    ("Administration", "Users, roles and the audit log, for administrators"),
];

/// The schema of auth's database.
///
/// # Errors
/// When a folder of `migrations/` is no migration.
pub fn migrations() -> Result<Catalogue, CatalogueError> {
    let mechanisms = [&jobs::MIGRATIONS, &events::MIGRATIONS, &audit::MIGRATIONS, &idempotency::MIGRATIONS];
    Catalogue::embedded(&[&[&MIGRATIONS], &mechanisms[..]].concat())
}
