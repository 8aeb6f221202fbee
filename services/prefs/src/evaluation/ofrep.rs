//! How OFREP asks and answers: its own shapes for what is wrong with a flag or a context.
//! What is wrong with the caller or with us is a problem, as everywhere.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload, http::StatusCode,
};
use contract_prefs::{
    Evaluation, EvaluationFailure, EvaluationRequest, FLAGS_ENVIRONMENT, FlagErrorCode as Code,
};
use futures_util::future::LocalBoxFuture;
use problem::HttpError;
use serde_json::{Map, Value};
use service_kit::http::{JsonError, Proxied, read_json};

use crate::targeting::{Outcome, Unanswered};

/// The environment of a request that names none.
const USUAL: &str = "production";

/// The most bytes of a targeting key.
const LONGEST_KEY: usize = 1_024;

/// The most items of a list in a context, and the most bytes of a text: each condition may look at
/// all of it.
const MOST_ITEMS: usize = 100;
const LONGEST_TEXT: usize = 4_096;

/// What a request asks, or what is wrong with it.
pub(crate) type Asked = Result<Question, Refusal>;

/// What a request asks.
#[derive(Debug)]
pub(crate) struct Question {
    pub(super) environment: String,
    pub(super) context: Map<String, Value>,
}

impl Question {
    /// Whom it is about; an empty key is none.
    pub(super) fn targeting_key(&self) -> Option<&str> {
        self.context.get("targetingKey").and_then(Value::as_str).filter(|key| !key.is_empty())
    }
}

/// Why a flag has no value.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(super) code: Code,
    pub(super) details: String,
}

impl Refusal {
    pub(super) fn new(code: Code, details: impl Into<String>) -> Self {
        Self { code, details: details.into() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(Code::FlagNotFound, "there is no flag of this key")
    }

    pub(super) fn no_environment(name: &str) -> Self {
        Self::new(Code::General, format!("there is no environment `{name}`"))
    }

    /// As OFREP writes it, of a flag or of all.
    pub(super) fn about(self, key: Option<&str>) -> EvaluationFailure {
        EvaluationFailure { key: key.map(str::to_owned), error_code: self.code, error_details: self.details }
    }

    /// The reply: 404 for a flag that there is not, else 400.
    pub(super) fn respond(self, key: Option<&str>) -> HttpResponse {
        let status = match self.code {
            Code::FlagNotFound => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = HttpResponseBuilder::new(status).json(self.about(key));
        response.extensions_mut().insert(Proxied);
        response
    }
}

impl From<Unanswered> for Refusal {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::TargetingKeyMissing => {
                Self::new(Code::TargetingKeyMissing, "the flag is split: `targetingKey` is wanted")
            }
            Unanswered::Broken => Self::new(Code::General, "the flag cannot be evaluated"),
        }
    }
}

/// A value as OFREP writes it.
pub(super) fn evaluation(key: &str, version: i64, environment: &str, outcome: &Outcome<'_>) -> Evaluation {
    let mut metadata = std::collections::BTreeMap::from([
        ("environment".to_owned(), Value::from(environment)),
        ("version".to_owned(), Value::from(version)),
    ]);
    metadata.extend(outcome.rule.map(|rule| ("rule".to_owned(), Value::from(rule))));
    let experiment = outcome.experiment.map(|id| ("experiment".to_owned(), Value::from(id.to_string())));
    metadata.extend(experiment);
    Evaluation {
        key: key.to_owned(),
        value: outcome.value.clone(),
        variant: outcome.variant.to_owned(),
        reason: outcome.reason,
        metadata,
    }
}

/// The question of a request, as an argument of a handler.
pub(crate) struct Asks(pub(crate) Asked);

impl FromRequest for Asks {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let environment = environment(request);
        let body = read_json::<EvaluationRequest>(request, payload, &["application/json"]);
        Box::pin(async move {
            let context = match body.await {
                Ok(body) => context(body),
                Err(JsonError::Syntax(why)) => Err(Refusal::new(Code::ParseError, why)),
                Err(JsonError::Shape(field)) if field.pointer.starts_with("/context") => {
                    Err(Refusal::new(Code::InvalidContext, field.detail))
                }
                Err(JsonError::Shape(field)) => Err(Refusal::new(Code::ParseError, field.detail)),
                Err(other) => return Err(other.into()),
            };
            let asked = environment.and_then(|environment| Ok(Question { environment, context: context? }));
            Ok(Self(asked))
        })
    }
}

fn context(body: EvaluationRequest) -> Result<Map<String, Value>, Refusal> {
    let context = body.context.unwrap_or_default();
    if !context.values().all(fits) {
        let details = format!(
            "lists of at most {MOST_ITEMS} items and texts of at most {LONGEST_TEXT} bytes are wanted"
        );
        return Err(Refusal::new(Code::InvalidContext, details));
    }
    match context.get("targetingKey") {
        None | Some(Value::Null) => Ok(context),
        Some(Value::String(key)) if key.len() <= LONGEST_KEY => Ok(context),
        Some(_) => {
            let details = format!("`targetingKey` is a text of at most {LONGEST_KEY} bytes");
            Err(Refusal::new(Code::InvalidContext, details))
        }
    }
}

fn fits(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= LONGEST_TEXT,
        Value::Array(items) => items.len() <= MOST_ITEMS && items.iter().all(fits),
        Value::Object(members) => members.values().all(fits),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn environment(request: &HttpRequest) -> Result<String, Refusal> {
    let mut values = request.headers().get_all(FLAGS_ENVIRONMENT);
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(USUAL.to_owned()),
        (Some(Ok(name)), None) => Ok(name.to_owned()),
        _ => Err(Refusal::new(Code::General, format!("`{FLAGS_ENVIRONMENT}` names one environment"))),
    }
}
