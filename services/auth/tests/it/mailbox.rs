//! The mails that auth wants sent, read as the mail service does.

use std::time::Duration;

use contract_auth::{Grant, Mail, MailKind, Secret};
use ids::MailId;
use service_discovery::Service;

use crate::spawn::{Auth, NOTIFY_SECRET, spawn_with};

/// auth with a worker.
pub(crate) async fn spawn() -> Auth {
    spawn_and(&[]).await
}

/// As [`spawn`], with these settings too.
pub(crate) async fn spawn_and(more: &[(&str, &str)]) -> Auth {
    let usual = [("AUTH__ROLE", "all")];
    spawn_with(&[&usual[..], more].concat()).await
}

impl Auth {
    /// All mails to this address so far, the earliest first.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Mail> {
        self.idle().await;
        let asked = Grant::Own(Service::Auth);
        let own =
            self.internal.token(Service::Notify, &NOTIFY_SECRET.to_owned().into(), asked).await.unwrap();
        let sql = "SELECT data->>'mail_id' FROM events WHERE type = 'mail.requested' ORDER BY seq";
        let mut mails = Vec::new();
        for row in self.db.connect().await.query(sql, &[]).await.unwrap() {
            let id: MailId = row.get::<_, String>(0).parse().unwrap();
            mails.extend(self.internal.mail(&own.access_token, id).await.ok().filter(|mail| mail.to == to));
        }
        mails
    }

    /// The kinds of the mails to this address.
    pub(crate) async fn kinds(&self, to: &str) -> Vec<MailKind> {
        self.mails(to).await.into_iter().map(|mail| mail.kind).collect()
    }

    /// The latest mail of this kind to this address.
    pub(crate) async fn mail(&self, to: &str, kind: MailKind) -> Mail {
        let mail = self.mails(to).await.into_iter().rfind(|mail| mail.kind == kind);
        mail.unwrap_or_else(|| panic!("no {kind:?} for {to}"))
    }

    /// The token in its link.
    pub(crate) async fn mailed(&self, to: &str, kind: MailKind) -> Secret {
        self.mail(to, kind).await.token.unwrap()
    }

    /// Verifies the address by the link of the registration.
    pub(crate) async fn verify(&self, email: &str) {
        let token = self.mailed(email, MailKind::VerifyEmail).await;
        assert_eq!(self.client.verify_email(&token).await.unwrap().status, "verified");
    }

    /// As if all mails had been asked for so much earlier.
    pub(crate) async fn mails_were_asked_for(&self, earlier: &str) {
        self.idle().await;
        self.sql(&format!("UPDATE mails SET created_at = created_at - interval '{earlier}'")).await;
    }

    /// Waits until every link that was asked for is mailed, or was found to be for nobody.
    pub(crate) async fn idle(&self) {
        for _ in 0..600 {
            if self.count("SELECT count(*) FROM jobs WHERE kind = 'auth.send_link'").await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("jobs were left undone");
    }
}
