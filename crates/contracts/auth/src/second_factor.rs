use ids::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// What a user shows beside the first proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorMethod {
    /// Six digits from an app on the user's device (RFC 6238).
    Totp,
    /// One of the codes for who lost the device.
    RecoveryCode,
}

/// How the caller's second factor stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecondFactorStatus {
    /// Whether a login takes a second step.
    pub enabled: bool,
    /// Since when.
    pub enabled_at: Option<Timestamp>,
    /// Whether a secret waits for its first code.
    pub pending: bool,
    /// How many recovery codes are unused.
    #[schema(example = 10)]
    pub recovery_codes_left: i64,
}

/// A new secret for an authenticator app. It guards nothing until a first code is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TotpEnrolment {
    /// The secret in base32, for who types it.
    #[schema(value_type = String, example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: Secret,
    /// The same as a URI, for a QR code.
    #[schema(value_type = String, example = "otpauth://totp/Plinth:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Plinth&algorithm=SHA1&digits=6&period=30")]
    pub otpauth_uri: Secret,
}

/// The first code of a new secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpConfirmation {
    /// Six digits from the app.
    #[schema(value_type = String, example = "287082")]
    pub code: Secret,
}

/// Codes for who lost the device, each good for once; they are shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// Ten of them.
    #[schema(value_type = Vec<String>, example = json!(["mfrg-gzdf-mzxw-6ytb"]))]
    pub recovery_codes: Vec<Secret>,
}

/// Switches the second factor off, by exactly one proof.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorOff {
    /// Six digits from the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "287082")]
    pub code: Option<Secret>,
    /// A recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub recovery_code: Option<Secret>,
    /// The password, in a session that has shown its second factor within 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Secret>,
}

/// The second step of a login.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorProof {
    /// What the first step gave; it takes five codes at most.
    #[schema(value_type = String)]
    pub mfa_token: Secret,
    /// What kind of code it is.
    pub method: SecondFactorMethod,
    /// The code.
    #[schema(value_type = String, example = "287082")]
    pub code: Secret,
}

/// Proves anew who the caller is: by their password or, where a second factor is on, by a
/// code of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password, example = "correct horse battery staple")]
    pub password: Option<Secret>,
    /// What kind of code it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<SecondFactorMethod>,
    /// The code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub code: Option<Secret>,
}
