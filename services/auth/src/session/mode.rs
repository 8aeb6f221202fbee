use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How a client carries its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// As a pair of tokens, which it keeps itself.
    #[default]
    Token,
    /// As a cookie, which scripts never see.
    Cookie,
}

/// What the query of a login says.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ModeQuery {
    /// How to carry the session: `token`, or `cookie` for browsers.
    #[serde(default)]
    #[param(inline)]
    pub(crate) mode: Mode,
}
