use std::time::{Duration, Instant};

use audit::{AuditEntry, AuditQuery, By, Entry, Log};
use ids::{AuditEntryId, OrgId};
use problem::HttpError;
use service_discovery::{Registry, Service};
use testing::Issuer;

use crate::spawn::{BANNED, LOGGED_IN, Logged, Telling, log, serve, tokens};

/// auth's log and that of prefs, which is served; that of webhook is, too, and stays empty.
struct Both {
    auth: Logged,
    prefs: Logged,
    telling: Option<Telling>,
    _empty: (Logged, Telling),
    issuer: Issuer,
    log: Log,
}

async fn both() -> Both {
    let (auth, prefs, issuer) = (log().await, log().await, Issuer::start());
    let telling = serve(Service::Prefs, &prefs.db, &issuer);
    let webhook = log().await;
    let empty = serve(Service::Webhook, &webhook.db, &issuer);
    let registry = Registry::read(|name| match name {
        "PREFS_INTERNAL_URL" => Some(telling.url.clone()),
        "WEBHOOK_INTERNAL_URL" => Some(empty.url.clone()),
        _ => None,
    });
    let log = Log::new(Service::Auth, auth.db.clone(), &registry.unwrap()).unwrap();
    Both { auth, prefs, telling: Some(telling), _empty: (webhook, empty), issuer, log }
}

impl Both {
    /// So many entries in both logs, by turns and not.
    async fn fill(&self, entries: usize) {
        for at in 0..entries {
            let log = if at % 3 == 0 { &self.prefs } else { &self.auth };
            let action = if at % 2 == 0 { BANNED } else { LOGGED_IN };
            log.record(&By::operator(), Entry::of(action).on(at)).await;
        }
    }

    async fn page(&self, query: &AuditQuery) -> Result<audit::AuditPage, HttpError> {
        self.log.page(query, tokens(&self.issuer)).await
    }

    /// All pages; before each but the first, something new happens.
    async fn pages(&self, query: &AuditQuery) -> Vec<AuditEntry> {
        let (mut entries, mut query) = (Vec::new(), query.clone());
        loop {
            let page = self.page(&query).await.unwrap();
            entries.extend(page.data);
            let Some(cursor) = page.next_cursor else { return entries };
            query.cursor = Some(cursor);
            self.fill(2).await;
        }
    }
}

fn targets(entries: &[AuditEntry]) -> Vec<String> {
    entries.iter().filter_map(|entry| entry.target.clone()).collect()
}

#[actix_web::test]
async fn the_logs_of_all_services_are_one() {
    let both = both().await;
    both.fill(25).await;
    let wanted: Vec<String> = (0..25).rev().map(|at| at.to_string()).collect();
    for limit in [1, 2, 7, 24, 25, 100] {
        let first = both.page(&AuditQuery { limit: Some(limit), ..AuditQuery::default() }).await.unwrap();
        let newest = first.data.first().unwrap().created_at;
        let ids: Vec<AuditEntryId> = first.data.iter().map(|entry| entry.id).collect();
        assert!(ids.is_sorted_by(|one, next| one > next));
        assert_eq!(first.next_cursor.is_some(), limit < 25);
        assert!(first.data.iter().all(|entry| entry.created_at <= newest));
        assert_eq!(targets(&first.data), wanted[..usize::try_from(limit).unwrap().min(25)]);
    }
}

#[actix_web::test]
async fn pages_stay_as_they_are_while_the_log_grows() {
    let both = both().await;
    both.fill(25).await;
    let query = AuditQuery { limit: Some(4), ..AuditQuery::default() };
    let wanted: Vec<String> = (0..25).rev().map(|at| at.to_string()).collect();
    assert_eq!(targets(&both.pages(&query).await), wanted);
    let banned = AuditQuery { action: Some("user.".to_owned()), services: Some("prefs".to_owned()), ..query };
    let entries = both.pages(&banned).await;
    assert!(entries.iter().all(|entry| entry.service == "prefs" && entry.action == "user.banned"));
}

#[actix_web::test]
async fn every_filter_reaches_the_other_services() {
    let both = both().await;
    both.fill(9).await;
    let all = both.page(&AuditQuery::default()).await.unwrap().data;
    let remote: Vec<&AuditEntry> = all.iter().filter(|entry| entry.service == "prefs").collect();
    assert_eq!(remote.len(), 3);
    let nobody = Some("usr_nobody".to_owned());
    let told = async |query: AuditQuery| {
        let page = both.page(&AuditQuery { services: Some("prefs".to_owned()), ..query }).await.unwrap();
        page.data.len()
    };
    let query = AuditQuery::default();
    assert_eq!(told(AuditQuery { actor: nobody, ..query.clone() }).await, 0);
    assert_eq!(told(AuditQuery { org: Some(OrgId::generate()), ..query.clone() }).await, 0);
    assert_eq!(told(AuditQuery { action: Some("session.".to_owned()), ..query.clone() }).await, 1);
    assert_eq!(told(AuditQuery { target: Some("3".to_owned()), ..query.clone() }).await, 1);
    let since = Some(remote[0].created_at);
    let later = told(AuditQuery { since, ..query.clone() }).await;
    assert_eq!(told(AuditQuery { until: since, ..query }).await + later, 3);
}

#[actix_web::test]
async fn a_silent_service_is_named_and_can_be_left_out() {
    let mut both = both().await;
    both.fill(3).await;
    drop(both.telling.take());
    // Its connections may linger for a moment.
    let began = Instant::now();
    let refused = loop {
        match both.page(&AuditQuery::default()).await {
            Err(refused) => break refused,
            Ok(page) => assert!(began.elapsed() < Duration::from_secs(30), "{page:?}"),
        }
    };
    let problem = refused.problem();
    assert_eq!((problem.status, problem.code.as_str()), (503, "audit_log_incomplete"));
    assert!(problem.errors[0].detail.contains("prefs"), "{problem:?}");
    let auth = AuditQuery { services: Some("auth".to_owned()), ..AuditQuery::default() };
    assert_eq!(targets(&both.page(&auth).await.unwrap().data), ["2", "1"]);
}

#[actix_web::test]
async fn a_query_that_names_no_page_is_refused() {
    let both = both().await;
    let query = AuditQuery::default();
    let refused = [
        (AuditQuery { limit: Some(101), ..query.clone() }, "limit_out_of_range"),
        (AuditQuery { cursor: Some("x".to_owned()), ..query.clone() }, "cursor_invalid"),
        (AuditQuery { services: Some("moon".to_owned()), ..query.clone() }, "service_unknown"),
        (AuditQuery { services: Some(String::new()), ..query }, "service_unknown"),
    ];
    for (query, code) in refused {
        let problem = both.page(&query).await.unwrap_err();
        assert_eq!((problem.problem().status, problem.problem().code.as_str()), (400, code));
    }
}
