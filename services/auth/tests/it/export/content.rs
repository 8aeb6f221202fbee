//! What auth itself tells about a person: all of it, no secret, and nothing about others.

use std::collections::BTreeSet;

use contract_auth::Level;
use serde_json::{Map, Value};

use super::ready;
use crate::{
    grant,
    organizations::thing,
    second_factor::guarded,
    spawn::{Auth, PASSWORD},
};

/// The tables that are in the export, each with its section.
const TOLD: [(&str, &str); 15] = [
    ("users", "account"),
    ("user_roles", "account"),
    ("organizations", "organizations"),
    ("memberships", "organizations"),
    ("invitations", "invitations_sent"),
    ("sessions", "sessions"),
    ("api_keys", "api_keys"),
    ("grants", "grants"),
    ("totp_factors", "second_factor"),
    ("recovery_codes", "second_factor"),
    ("mails", "mails"),
    ("one_time_tokens", "proofs_pending"),
    ("resource_permissions", "resource_permissions"),
    ("exports", "exports"),
    ("audit_log", "audit_log"),
];

/// Those that are not, each with the reason.
const NOT_TOLD: [(&str, &str); 19] = [
    ("attempts", "keyed by a MAC: whom a row is about is not known; it goes within days"),
    ("event_inbox", "which events of others were taken: ids of events"),
    ("event_positions", "the newest version of each thing that others told of"),
    ("event_subscribers", "services"),
    ("events", "what other services were told, by ids, of what the sections say; 90 days"),
    ("export_parts", "the export itself"),
    ("idempotency_records", "sealed replies for a day, which the person was given"),
    ("job_fires", "schedules"),
    ("jobs", "work that waits, by ids; an export's is in its section"),
    ("jobs_history", "work that was done, by ids; an export's is in its section"),
    ("plinth_migration_checksums", "the schema's"),
    ("permissions", "the platform's own list"),
    ("restricted_resources", "an organisation's resources; who has leave is in `resource_permissions`"),
    ("revocations", "ids of the last hour, of what the sections say"),
    ("role_permissions", "the platform's own list"),
    ("role_permissions_state", "which state that list is in"),
    ("roles", "the platform's own list"),
    ("signing_keys", "the platform's own"),
    ("__diesel_schema_migrations", "the schema's"),
];

async fn tables(auth: &Auth) -> BTreeSet<String> {
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition";
    auth.db.connect().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn sections(auth: &Auth, who: &crate::spawn::Somebody) -> Map<String, Value> {
    let export = ready(auth, who).await;
    let mut document = auth.client.download_export(&who.inward, export.id).await.unwrap();
    document.services.remove("auth").unwrap()
}

#[actix_web::test]
async fn every_table_is_in_the_export_or_says_why_it_is_not() {
    let auth = super::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let told = sections(&auth, &ada).await;
    let known = TOLD.iter().chain(&NOT_TOLD).map(|(table, _)| (*table).to_owned());
    assert_eq!(known.collect::<BTreeSet<_>>(), tables(&auth).await);
    for (table, section) in TOLD {
        assert!(told.contains_key(section), "{table}: there is no section `{section}`");
    }
}

#[actix_web::test]
async fn all_that_auth_holds_is_told_and_no_secret_and_nothing_about_others() {
    let auth = super::spawn().await;
    let guarded = guarded(&auth, "ada@example.com").await;
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    let ada = guarded.who;
    let (eve, org) = (auth.verified("eve@example.com").await, auth.org(&ada).await);
    let key = auth.api_key(&ada, &["auth:read"]).await;
    grant::give(&auth, &ada, "import_1").await.unwrap();
    let asked_by_eve = auth.org(&eve).await;
    auth.invited(&eve, asked_by_eve, "ada@example.com", "viewer").await;
    auth.invited(&ada, org, "waiting@example.com", "viewer").await;
    let member = auth.member(&ada, org, "member").await;
    auth.client.permit_resource(&ada.inward, org, &thing(), member.id(), Level::Read).await.unwrap();
    auth.client.permit_resource(&ada.inward, org, &thing(), ada.id(), Level::Write).await.unwrap();
    auth.client.change_email(&ada.inward, "somebody.else@example.com").await.unwrap();
    auth.idle().await;

    let told = sections(&auth, &ada).await;
    for (section, value) in &told {
        let empty = value.as_array().is_some_and(Vec::is_empty);
        assert!(!empty, "{section} is empty");
    }
    let of = |section: &str| told[section].as_array().unwrap();
    assert_eq!(
        (&told["account"]["email"], &told["account"]["roles"][0]),
        (&"ada@example.com".into(), &"USER".into())
    );
    assert_eq!(of("organizations").len(), 2);
    assert_eq!(of("sessions").len(), 1);
    assert_eq!(of("api_keys")[0]["id"], key.shown.id.to_string());
    assert_eq!(told["second_factor"]["recovery_codes_left"], 10);
    assert_eq!(of("invitations_received")[0]["org_id"], asked_by_eve.to_string());
    assert_eq!((of("resource_permissions").len(), of("resource_permissions_given").len()), (1, 2));
    let actors: BTreeSet<_> = of("audit_log").iter().map(|entry| entry["actor"].as_str().unwrap()).collect();
    assert_eq!(actors, BTreeSet::from([ada.id().to_string().as_str()]));

    let text = serde_json::to_string(&told).unwrap();
    let codes = guarded.recovery_codes.iter().map(|code| code.expose().to_owned());
    let secret = key.key.expose().rsplit('_').next().unwrap().to_owned();
    let secrets = [PASSWORD, "argon2", "hash", "sealed", "plt_", "plr_"].map(str::to_owned);
    for secret in secrets.into_iter().chain(codes).chain([secret]) {
        assert!(!text.contains(&secret), "{secret}");
    }
    let others = ["eve@example.com", "waiting@example.com", "somebody.else@example.com"].map(str::to_owned);
    for other in others.into_iter().chain([member.email]) {
        assert!(!text.contains(&other), "{other}");
    }
}

#[actix_web::test]
async fn what_an_administrator_did_in_their_name_is_told_but_not_from_where() {
    let auth = super::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let wish = contract_auth::Impersonate { reason: "a ticket".to_owned(), minutes: None, org_id: None };
    let acting = auth.client.impersonate(&auth.admin().await, ada.id(), &wish).await.unwrap();
    auth.client.end_impersonation(&auth.inward(&acting.access_token)).await.unwrap();
    let told = sections(&auth, &ada).await;
    let entries = told["audit_log"].as_array().unwrap();
    let ended = entries.iter().find(|entry| entry["action"] == "impersonation.ended").unwrap();
    assert!(ended["through"].is_string() && ended["ip"].is_null(), "{ended}");
    let own = entries.iter().find(|entry| entry["action"] == "session.opened").unwrap();
    assert!(own["ip"].is_string(), "{own}");
    let sessions = told["sessions"].as_array().unwrap();
    let acted = sessions.iter().find(|session| session["impersonation"] == true).unwrap();
    assert!(acted["ip"].is_null() && acted["user_agent"].is_null(), "{acted}");
}
