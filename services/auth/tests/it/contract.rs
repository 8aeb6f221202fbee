use contract_auth::routes;
use serde_json::Value;

/// What clients call.
const PUBLIC: [&str; 62] = [
    routes::REGISTER,
    routes::LOGIN,
    routes::REFRESH,
    routes::LOGOUT,
    routes::ME,
    routes::VERIFY_EMAIL,
    routes::VERIFY_EMAIL_RESEND,
    routes::EMAIL_CHANGE,
    routes::EMAIL_CONFIRM,
    routes::PASSWORD_CHANGE,
    routes::PASSWORD_FORGOT,
    routes::PASSWORD_RESET,
    routes::MAGIC_LINK,
    routes::MAGIC_LINK_VERIFY,
    routes::WS_TICKET,
    routes::SESSIONS,
    routes::SESSION,
    routes::STEP_UP,
    routes::EXPORTS,
    routes::EXPORT,
    routes::EXPORT_DOWNLOAD,
    routes::LATEST_EXPORT,
    routes::MFA,
    routes::MFA_VERIFY,
    routes::TOTP_ENROLL,
    routes::TOTP_CONFIRM,
    routes::TOTP_DISABLE,
    routes::RECOVERY_CODES,
    routes::UNLOCK,
    routes::API_KEYS,
    routes::API_KEY,
    routes::API_KEY_ROTATE,
    routes::USERS,
    routes::USER,
    routes::SIGN_OUT,
    routes::IMPERSONATE,
    routes::IMPERSONATION_RENEW,
    routes::IMPERSONATION_END,
    routes::BAN,
    routes::UNBAN,
    routes::USER_ROLES,
    routes::ORGS,
    routes::ORG,
    routes::MEMBERS,
    routes::MEMBER,
    routes::LEAVE,
    routes::TRANSFER,
    routes::INVITATIONS,
    routes::INVITATION,
    routes::INVITATION_RESEND,
    routes::RECEIVED_INVITATIONS,
    routes::ACCEPT_INVITATION,
    routes::DECLINE_INVITATION,
    routes::SWITCH_ORG,
    routes::RESOURCE_PERMISSIONS,
    routes::RESOURCE_PERMISSION,
    routes::CHECK,
    routes::ROLES,
    routes::ROLE,
    routes::PERMISSIONS,
    routes::JWKS,
    routes::DISCOVERY,
];

#[test]
fn the_document_is_the_one_that_is_checked_in() {
    let written: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert_eq!(serde_json::to_value(auth::openapi()).unwrap(), written, "run `cargo xtask openapi write`");
}

#[test]
fn every_route_of_the_contract_is_in_the_document() {
    let document = serde_json::to_value(auth::openapi()).unwrap();
    for path in PUBLIC {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let inside =
        serde_json::to_value(service_kit::http::document(auth::openapi(), auth::internal_routes)).unwrap();
    for path in [routes::TOKEN, routes::CHECK_OF, identity::REVOCATIONS_PATH] {
        assert!(inside["paths"][path].is_object(), "{path}");
    }
}

/// The gateway looks at no credential there: a browser with a stale cookie could not log in.
#[test]
fn what_takes_no_credential_is_open_at_the_gateway_and_nothing_else() {
    let document = serde_json::to_value(auth::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let takes_none = |operations: &&Value| {
        operations.as_object().unwrap().values().all(|operation| operation["security"].is_null())
    };
    let mut open: Vec<&str> = paths
        .iter()
        .filter(|(_, operations)| takes_none(operations))
        .map(|(path, _)| path.as_str())
        .collect();
    let mut known = routes::OPEN.to_vec();
    open.sort_unstable();
    known.sort_unstable();
    assert_eq!(open, known);
}
