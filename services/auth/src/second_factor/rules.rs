use contract_auth::{SecondFactorMethod, SecondFactorOff, Secret, StepUp};

use super::SecondFactorError;

/// What somebody shows in a session to prove anew who they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown<'a> {
    /// Their password.
    Password(&'a Secret),
    /// A code of their second factor.
    Code(SecondFactorMethod, &'a Secret),
}

/// The one proof of a step-up.
pub(crate) fn shown(body: &StepUp) -> Result<Shown<'_>, SecondFactorError> {
    match body {
        StepUp { password: Some(password), method: None, code: None } => Ok(Shown::Password(password)),
        StepUp { password: None, method: Some(method), code: Some(code) } => Ok(Shown::Code(*method, code)),
        _ => Err(SecondFactorError::field(
            "",
            "one_proof",
            "either `password` is wanted, or `method` and `code`",
        )),
    }
}

/// The one proof with which a second factor is switched off.
pub(super) fn shown_to_switch_off(body: &SecondFactorOff) -> Result<Shown<'_>, SecondFactorError> {
    match body {
        SecondFactorOff { code: Some(code), recovery_code: None, password: None } => {
            Ok(Shown::Code(SecondFactorMethod::Totp, code))
        }
        SecondFactorOff { code: None, recovery_code: Some(code), password: None } => {
            Ok(Shown::Code(SecondFactorMethod::RecoveryCode, code))
        }
        SecondFactorOff { code: None, recovery_code: None, password: Some(password) } => {
            Ok(Shown::Password(password))
        }
        _ => Err(SecondFactorError::field(
            "",
            "one_proof",
            "exactly one of `code`, `recovery_code` and `password` is wanted",
        )),
    }
}

/// What a session's methods say of a code (RFC 8176).
pub(crate) fn methods(method: SecondFactorMethod) -> [&'static str; 2] {
    match method {
        SecondFactorMethod::Totp => ["otp", "mfa"],
        SecondFactorMethod::RecoveryCode => ["recovery_code", "mfa"],
    }
}

/// Six digits as people type them, with spaces.
pub(super) fn digits(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace()).collect()
}
