use contract_auth::{Client, Mail};
use events::Tokens;
use ids::MailId;
use secrecy::SecretString;
use service_discovery::{CallError, Service};

use super::error::MailboxError;

/// Fetches mails from auth, as the mail service.
#[derive(Debug)]
pub(super) struct Courier {
    auth: Client,
    tokens: Tokens,
}

impl Courier {
    pub(super) fn new(auth: Client, secret: SecretString) -> Self {
        let tokens = Tokens::from_auth(auth.clone(), Service::Notify, secret);
        Self { auth, tokens }
    }

    /// The mail; `None` when auth has it no more.
    pub(super) async fn fetch(&self, id: MailId) -> Result<Option<Mail>, MailboxError> {
        let token = self.tokens.token(Service::Auth).await.map_err(MailboxError::NoToken)?;
        match self.auth.mail(&token, id).await {
            Ok(mail) => Ok(Some(mail)),
            Err(CallError::Refused(problem)) if problem.status == 404 => Ok(None),
            Err(why) => {
                if matches!(&why, CallError::Refused(problem) if problem.status == 401) {
                    self.tokens.forget(Service::Auth);
                }
                Err(MailboxError::NotFetched(why))
            }
        }
    }
}
