use contract_prefs::FlagKey;
use problem::{Describe, FieldError, Kind};
use service_kit::db;

/// What can go wrong with flags and what belongs to them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlagError {
    #[error("there is no {0} of this name")]
    Unknown(&'static str),
    #[error("there is a {what} `{key}` already")]
    Exists { what: &'static str, key: FlagKey },
    #[error("an organisation has at most {most} {what}")]
    TooMany { what: &'static str, most: i64 },
    #[error("the flag is larger than {most} bytes")]
    TooLarge { most: usize },
    #[error("it cannot be written so; `errors` says why")]
    Invalid(Vec<FieldError>),
    #[error("`{key}` is still in use, by {by}")]
    InUse { key: FlagKey, by: String },
    #[error("every organisation has the environment `{0}`")]
    BuiltIn(FlagKey),
    #[error("the flag is archived: bring a version back first")]
    Archived,
    #[error("the experiment is {0} already")]
    WrongState(&'static str),
    #[error("another experiment runs on this flag in this environment")]
    AlreadyRunning,
    #[error("no experiment runs on this flag in this environment")]
    NotRunning,
    #[error("the account or the organisation is deleted")]
    OwnerGone,
    #[error("what was accepted once cannot be read: {0}")]
    Broken(&'static str),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl FlagError {
    /// One field is at fault.
    pub(crate) fn field(pointer: &str, code: &str, detail: &str) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }
}

impl From<diesel::result::Error> for FlagError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for FlagError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) | Self::OwnerGone => Kind::NotFound,
            Self::Exists { .. }
            | Self::TooMany { .. }
            | Self::InUse { .. }
            | Self::BuiltIn(_)
            | Self::Archived
            | Self::WrongState(_)
            | Self::AlreadyRunning
            | Self::NotRunning => Kind::Conflict,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Invalid(_) => Kind::Invalid,
            Self::Broken(_) => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown("flag") => "flag_not_found",
            Self::Unknown("version") => "flag_version_not_found",
            Self::Unknown("segment") => "flag_segment_not_found",
            Self::Unknown("environment") => "flag_environment_not_found",
            Self::Unknown(_) => "experiment_not_found",
            Self::Exists { what: "flag", .. } => "flag_exists",
            Self::Exists { .. } => "flag_environment_exists",
            Self::TooMany { .. } => "too_many",
            Self::TooLarge { .. } => "flag_too_large",
            Self::Invalid(_) => "invalid_fields",
            Self::InUse { .. } => "in_use",
            Self::BuiltIn(_) => "flag_environment_built_in",
            Self::Archived => "flag_archived",
            Self::WrongState(_) => "experiment_state",
            Self::AlreadyRunning => "experiment_already_running",
            Self::NotRunning => "experiment_not_running",
            Self::OwnerGone => "owner_deleted",
            Self::Broken(_) => "internal",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            _ => Vec::new(),
        }
    }
}
