use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{
    Accepted, Client, LoginReply, Secret,
    client::{Result, routes},
};

/// Asks for a mail to an address: with a link that sets a new password, or logs in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailWanted {
    /// The address of the account; its case does not matter.
    #[schema(example = "ada@example.com", max_length = 254)]
    pub email: String,
}

/// Shows the one-time token of a mailed link.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailProof {
    /// The token, as the link has it.
    #[schema(value_type = String, example = "plt_…")]
    pub token: Secret,
}

/// Sets a new password by a mailed link.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// The token, as the link has it.
    #[schema(value_type = String, example = "plt_…")]
    pub token: Secret,
    /// The password that shall hold: at least 15 characters.
    #[schema(value_type = String, format = Password, example = "nine blue foxes dance", min_length = 15, max_length = 1024)]
    pub new_password: Secret,
}

/// Asks for another address.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChange {
    /// The address that the account shall have.
    #[schema(example = "ada@example.org", max_length = 254)]
    pub email: String,
}

/// What a mailed proof has brought about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settled {
    /// `verified`, `changed` or `reset`.
    #[schema(example = "verified")]
    pub status: String,
}

impl Client {
    /// Shows the token of the link that a registration mails: the address is verified.
    ///
    /// # Errors
    /// A refusal (401: the token), or no answer.
    pub async fn verify_email(&self, proof: &Secret) -> Result<Settled> {
        self.proof(routes::VERIFY_EMAIL, proof).await
    }

    /// Asks for another mail with such a link.
    ///
    /// # Errors
    /// A refusal (409: it is verified, 429: too many), or no answer.
    pub async fn resend_verification(&self, token: &Secret) -> Result<Accepted> {
        self.json(self.with(token, Method::POST, routes::VERIFY_EMAIL_RESEND)).await
    }

    /// Asks for another address, which a mail there confirms.
    ///
    /// # Errors
    /// A refusal (403: log in anew first, 422: the address), or no answer.
    pub async fn change_email(&self, token: &Secret, email: &str) -> Result<Accepted> {
        let change = EmailChange { email: email.to_owned() };
        self.json(self.with(token, Method::POST, routes::EMAIL_CHANGE).json(&change)).await
    }

    /// Shows the token of the link that was mailed to the new address.
    ///
    /// # Errors
    /// A refusal (401: the token), or no answer.
    pub async fn confirm_email(&self, proof: &Secret) -> Result<Settled> {
        self.proof(routes::EMAIL_CONFIRM, proof).await
    }

    /// Asks for a mail whose link sets a new password.
    ///
    /// # Errors
    /// A refusal (422: no address), or no answer.
    pub async fn forgot_password(&self, email: &str) -> Result<Accepted> {
        self.mail_wanted(routes::PASSWORD_FORGOT, email).await
    }

    /// Sets a new password by the token of such a link.
    ///
    /// # Errors
    /// A refusal (401: the token, 422: the password), or no answer.
    pub async fn reset_password(&self, reset: &PasswordReset) -> Result<Settled> {
        self.json(self.peer.request(Method::POST, routes::PASSWORD_RESET).json(reset)).await
    }

    /// Asks for a mail whose link logs in.
    ///
    /// # Errors
    /// A refusal (422: no address), or no answer.
    pub async fn want_magic_link(&self, email: &str) -> Result<Accepted> {
        self.mail_wanted(routes::MAGIC_LINK, email).await
    }

    /// Logs in by the token of such a link, or as far as the second factor.
    ///
    /// # Errors
    /// A refusal (401: the token), or no answer.
    pub async fn follow_magic_link(&self, proof: &Secret) -> Result<LoginReply> {
        self.proof(routes::MAGIC_LINK_VERIFY, proof).await
    }

    async fn proof<T: DeserializeOwned>(&self, path: &str, token: &Secret) -> Result<T> {
        let proof = MailProof { token: token.clone() };
        self.json(self.peer.request(Method::POST, path).json(&proof)).await
    }

    async fn mail_wanted(&self, path: &str, email: &str) -> Result<Accepted> {
        let wanted = MailWanted { email: email.to_owned() };
        self.json(self.peer.request(Method::POST, path).json(&wanted)).await
    }
}
