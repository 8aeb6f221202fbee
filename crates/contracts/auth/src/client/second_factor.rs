//! Second factors, and stepping up by one.

use reqwest::Method;

use super::{Client, Result, routes};
use crate::{
    RecoveryCodes, SecondFactorOff, SecondFactorProof, SecondFactorStatus, Secret, StepUp, Tokens,
    TotpConfirmation, TotpEnrolment,
};

impl Client {
    /// Proves anew who the caller is.
    ///
    /// # Errors
    /// A refusal (422: the proof, 429: too many attempts), or no answer.
    pub async fn step_up(&self, token: &Secret, proof: &StepUp) -> Result<Tokens> {
        self.json(self.with(token, Method::POST, routes::STEP_UP).json(proof)).await
    }

    /// How the caller's second factor stands.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn second_factor(&self, token: &Secret) -> Result<SecondFactorStatus> {
        self.json(self.with(token, Method::GET, routes::MFA)).await
    }

    /// A new secret for the caller's authenticator app.
    ///
    /// # Errors
    /// A refusal (403: log in anew first, 409: one is on), or no answer.
    pub async fn enroll_totp(&self, token: &Secret) -> Result<TotpEnrolment> {
        self.json(self.with(token, Method::POST, routes::TOTP_ENROLL)).await
    }

    /// Switches the second factor on by its first code.
    ///
    /// # Errors
    /// A refusal (409: none waits, 422: the code), or no answer.
    pub async fn confirm_totp(&self, token: &Secret, code: &Secret) -> Result<RecoveryCodes> {
        let body = TotpConfirmation { code: code.clone() };
        self.json(self.with(token, Method::POST, routes::TOTP_CONFIRM).json(&body)).await
    }

    /// Switches the second factor off.
    ///
    /// # Errors
    /// A refusal (409: none is on, 422: the proof), or no answer.
    pub async fn disable_totp(&self, token: &Secret, proof: &SecondFactorOff) -> Result<()> {
        self.done(self.with(token, Method::POST, routes::TOTP_DISABLE).json(proof)).await
    }

    /// Fresh recovery codes.
    ///
    /// # Errors
    /// A refusal (403: show the second factor first), or no answer.
    pub async fn replace_recovery_codes(&self, token: &Secret) -> Result<RecoveryCodes> {
        self.json(self.with(token, Method::POST, routes::RECOVERY_CODES)).await
    }

    /// Takes the second step of a login.
    ///
    /// # Errors
    /// A refusal (401: the code or the token, 429: too many attempts), or no answer.
    pub async fn verify_second_factor(&self, proof: &SecondFactorProof) -> Result<Tokens> {
        self.json(self.peer.request(Method::POST, routes::MFA_VERIFY).json(proof)).await
    }
}
