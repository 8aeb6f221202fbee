//! One time that a message is sent, as [Standard Webhooks](https://www.standardwebhooks.com) has it.

use std::time::{Duration, Instant};

use contract_webhook::MessageId;
use egress::{Answer, Call, Egress, EgressError, Keep};
use ids::{OrgId, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::{
    endpoint::{EndpointError, kind::Language},
    signing::{SigningSecret, sign},
};

/// How long an endpoint may take to answer, from looking its name up on.
const PATIENCE: Duration = Duration::from_secs(15);

/// How much of its answer is kept, bytes.
const KEPT: usize = 1024;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What was answered, if anything was.
    pub(crate) status: Option<i32>,
    /// Why there was no answer.
    pub(crate) error: Option<&'static str>,
    /// The beginning of the answer.
    pub(crate) response: String,
    pub(crate) duration_ms: i64,
    /// How long the endpoint wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Outcome {
    /// Whether the endpoint took it.
    pub(crate) fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Where a message goes, and how.
#[derive(Debug)]
pub(crate) struct To<'a> {
    /// As it is stored.
    pub(crate) url: &'a str,
    /// The endpoint's own.
    pub(crate) headers: HeaderMap,
    pub(crate) language: &'a Language,
}

/// Posts a message of an organisation there, in its language, signed by each of these secrets at this
/// time. The URL is looked at as if it were new: the policy may be another than it was.
pub(crate) async fn send<'a>(
    egress: &Egress,
    to: To<'_>,
    (org, id, body): (OrgId, MessageId, String),
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
    now: Timestamp,
) -> Result<Outcome, EndpointError> {
    let began = Instant::now();
    let outcome = match egress.policy().accept(to.url) {
        Ok(url) => {
            let Some(body) = to.language.say((org, id), body) else {
                return Ok(Outcome { error: Some("message_unfit"), ..Outcome::default() });
            };
            let headers = match to.language.signs() {
                true => headers(to.headers, (id, &body), secrets, now)?,
                false => typed(to.headers),
            };
            let call = Call::post(url, body).headers(headers).within(PATIENCE).keeping(Keep::First(KEPT));
            egress.send(call).await
        }
        Err(refusal) => Err(refusal.into()),
    };
    let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    Ok(match outcome {
        Ok(answer) => Outcome { duration_ms, ..answered(&answer, now) },
        Err(why) => Outcome { duration_ms, ..unanswered(&why) },
    })
}

fn typed(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

fn headers<'a>(
    headers: HeaderMap,
    (id, body): (MessageId, &str),
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
    now: Timestamp,
) -> Result<HeaderMap, EndpointError> {
    let (id, at) = (id.to_string(), now.unix_seconds());
    let signature = sign(secrets, &id, at, body.as_bytes());
    let written =
        [("webhook-id", id), ("webhook-timestamp", at.to_string()), ("webhook-signature", signature)];
    let mut headers = typed(headers);
    for (name, value) in written {
        let value = HeaderValue::try_from(value).map_err(|_why| EndpointError::Unwritable)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

fn answered(answer: &Answer, now: Timestamp) -> Outcome {
    // PostgreSQL's text holds no NUL.
    let response = String::from_utf8_lossy(&answer.body).replace('\0', "\u{fffd}");
    let status = Some(answer.status.as_u16().into());
    Outcome { status, response, retry_after: retry_after(&answer.headers, now), ..Outcome::default() }
}

fn unanswered(why: &EgressError) -> Outcome {
    Outcome { error: Some(why.code()), ..Outcome::default() }
}

/// `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = u64::try_from(now.unix_seconds()).ok()?;
    Some(Duration::from_secs(at.as_secs().saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_or_as_a_date() {
        let now = Timestamp::from_unix_seconds(784_111_777).unwrap();
        for (text, wait) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999999", None),
        ] {
            let headers = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
            assert_eq!(retry_after(&headers, now), wait.map(Duration::from_secs), "{text}");
        }
    }
}
