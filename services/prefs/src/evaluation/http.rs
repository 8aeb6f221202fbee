use actix_web::{
    HttpResponse,
    http::header::{CONTENT_TYPE, ETAG, EntityTag},
    post,
    web::{Data, Path},
};
use aws_lc_rs::digest::{SHA256, digest};
use contract_prefs::{BulkEvaluation, Evaluation, EvaluationFailure, EvaluationRequest, FlagEvaluation};
use identity::Can;
use ids::{OrgId, Timestamp};
use problem::{HttpError, Problem};
use service_kit::http::Credentialed;
use utoipa::IntoResponses;

use super::{
    Evaluator, Snapshot,
    ofrep::{self, Asks, Question, Refusal},
};
use crate::{
    exposure::Seen,
    permissions::ReadFlags,
    precondition::Preconditions,
    targeting::{Asking, Segments},
};

/// What an evaluation may be refused with, for the OpenAPI document.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only the descriptions are of use")]
pub(crate) enum Refused {
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body has another media type.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
}

/// Evaluates one flag for a context (OFREP).
///
/// Who takes part in an experiment is noted as having seen the variant.
#[utoipa::path(
    tag = "Flag evaluation",
    params(
        ("key" = String, Path, description = "The flag's key"),
        ("Flags-Environment" = Option<String>, Header, description = "Where; `production` by default"),
    ),
    request_body = EvaluationRequest,
    responses(
        (status = 200, description = "The value", body = Evaluation),
        Credentialed, Refused,
        (status = 400, description = "The context cannot be evaluated, as OFREP writes it; or the request is none",
            content((EvaluationFailure = "application/json"), (Problem = "application/problem+json"))),
        (status = 404, description = "There is no such flag; as OFREP writes it", body = EvaluationFailure),
    ),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[post("/ofrep/v1/evaluate/flags/{key}")]
pub(crate) async fn evaluate_flag(
    caller: Can<ReadFlags>,
    key: Path<String>,
    Asks(asked): Asks,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let question = match asked {
        Ok(question) => question,
        Err(refusal) => return Ok(refusal.respond(Some(&key))),
    };
    let snapshot = evaluator.snapshot(caller.org).await?;
    let now = Timestamp::now();
    match evaluate(&snapshot, &snapshot.segments(), &question, &key, now) {
        Ok(evaluation) => {
            note(&evaluator, caller.org, &snapshot, &question, &evaluation, now);
            Ok(HttpResponse::Ok().json(evaluation))
        }
        Err(refusal) => Ok(refusal.respond(Some(&key))),
    }
}

/// Evaluates all flags for a context (OFREP).
///
/// The ETag stands for all the values: it stays as long as none of them changes. Nobody
/// is noted as having seen a variant of an experiment: what was shown is for the client to
/// tell (`POST /api/v1/flags/{key}/exposures`).
#[utoipa::path(
    tag = "Flag evaluation",
    params(
        ("Flags-Environment" = Option<String>, Header, description = "Where; `production` by default"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known already"),
    ),
    request_body = EvaluationRequest,
    responses(
        (status = 200, description = "The values", body = BulkEvaluation,
            headers(("ETag" = String, description = "For `If-None-Match`"))),
        (status = 304, description = "The values are still those of `If-None-Match`"),
        Credentialed, Refused,
        (status = 400, description = "The context cannot be evaluated, as OFREP writes it; or the request is none",
            content((EvaluationFailure = "application/json"), (Problem = "application/problem+json"))),
    ),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[post("/ofrep/v1/evaluate/flags")]
pub(crate) async fn evaluate_flags(
    caller: Can<ReadFlags>,
    preconditions: Preconditions,
    Asks(asked): Asks,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let question = match asked {
        Ok(question) => question,
        Err(refusal) => return Ok(refusal.respond(None)),
    };
    let snapshot = evaluator.snapshot(caller.org).await?;
    if !snapshot.has_environment(&question.environment) {
        return Ok(Refusal::no_environment(&question.environment).respond(None));
    }
    let body = serde_json::to_vec(&evaluate_all(&snapshot, &question, Timestamp::now()));
    let body = body.map_err(|_why| crate::flag_set::FlagError::Broken("a value"))?;
    let etag = tag(&body);
    if preconditions.is_known(&etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, etag))
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(body))
}

fn evaluate_all(snapshot: &Snapshot, question: &Question, now: Timestamp) -> BulkEvaluation {
    let segments = snapshot.segments();
    let flags = snapshot.keys().map(|key| match evaluate(snapshot, &segments, question, key, now) {
        Ok(evaluation) => FlagEvaluation::Value(evaluation),
        Err(refusal) => FlagEvaluation::Failure(refusal.about(Some(key))),
    });
    BulkEvaluation { flags: flags.collect() }
}

fn evaluate(
    snapshot: &Snapshot,
    segments: &Segments<'_>,
    question: &Question,
    key: &str,
    now: Timestamp,
) -> Result<Evaluation, Refusal> {
    let Question { environment, context } = question;
    let asking = Asking { environment, context, targeting_key: question.targeting_key(), now };
    if !snapshot.has_environment(environment) {
        return Err(Refusal::no_environment(environment));
    }
    let (version, outcome) = snapshot.evaluate(key, &asking, segments).ok_or_else(Refusal::not_found)?;
    Ok(ofrep::evaluation(key, version, environment, &outcome?))
}

/// Notes who saw which variant of an experiment.
fn note(
    evaluator: &Evaluator,
    org: OrgId,
    snapshot: &Snapshot,
    question: &Question,
    evaluation: &Evaluation,
    now: Timestamp,
) {
    let in_experiment = evaluation.metadata.contains_key("experiment");
    let running = snapshot.running(&evaluation.key, &question.environment).filter(|_| in_experiment);
    if let (Some(running), Some(key)) = (running, question.targeting_key()) {
        let seen = Seen::new(org, running.experiment, snapshot.salt(), key, &evaluation.variant, now);
        evaluator.exposures().note(seen);
    }
}

/// Strong: the values themselves, hashed.
fn tag(body: &[u8]) -> EntityTag {
    let hash = digest(&SHA256, body);
    EntityTag::new_strong(hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}
