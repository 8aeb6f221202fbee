//! What is posted to an endpoint, in the language that it speaks.

use contract_webhook::{MessageId, PostHogOptions, Speaks};
use ids::OrgId;
use problem::FieldError;
use serde_json::{Map, Value, json};

/// The most characters of data that Slack is shown: it folds longer texts, and cuts those of 40,000.
const SHOWN: usize = 3000;

/// The longest key and pointer, bytes.
const LONGEST: usize = 200;

/// How an endpoint is spoken to.
#[derive(Clone, Debug)]
pub(crate) struct Language {
    pub(crate) kind: Speaks,
    pub(crate) posthog: Option<PostHogOptions>,
}

impl Language {
    /// Whether messages are signed: Slack and PostHog look at no signature, and nobody else's.
    pub(crate) const fn signs(&self) -> bool {
        matches!(self.kind, Speaks::Webhook | Speaks::Zapier | Speaks::N8n)
    }

    /// What is posted of a message's body; none, if that is none.
    pub(crate) fn say(&self, (org, id): (OrgId, MessageId), body: String) -> Option<String> {
        match self.kind {
            Speaks::Webhook => Some(body),
            Speaks::Poll => None,
            Speaks::Zapier | Speaks::N8n => Some(format!("{{\"id\":\"{id}\",{}", body.strip_prefix('{')?)),
            Speaks::Slack => Some(json!({"text": text(&serde_json::from_str(&body).ok()?)?}).to_string()),
            Speaks::PostHog => {
                let options = self.posthog.as_ref()?;
                Some(captured(options, (org, id), serde_json::from_str(&body).ok()?)?.to_string())
            }
        }
    }
}

/// As it is stored, and back; whoever is unknown is spoken to as the others.
pub(super) const fn name(kind: Speaks) -> &'static str {
    match kind {
        Speaks::Webhook => "webhook",
        Speaks::Slack => "slack",
        Speaks::Zapier => "zapier",
        Speaks::N8n => "n8n",
        Speaks::PostHog => "posthog",
        Speaks::Poll => "poll",
    }
}

/// Out of the columns of an endpoint.
pub(crate) fn stored(kind: &str, posthog: Option<Value>) -> Language {
    let all = [Speaks::Slack, Speaks::Zapier, Speaks::N8n, Speaks::PostHog, Speaks::Poll];
    let kind = all.into_iter().find(|one| name(*one) == kind).unwrap_or_default();
    Language { kind, posthog: posthog.and_then(|options| serde_json::from_value(options).ok()) }
}

/// What keeps an endpoint from being spoken to so.
pub(super) fn faults(kind: Speaks, posthog: Option<&PostHogOptions>) -> Vec<FieldError> {
    let fault = |pointer: &str, code: &str, detail: &str| vec![FieldError::new(pointer, code, detail)];
    match (kind, posthog) {
        (Speaks::PostHog, None) => fault("/posthog", "missing", "PostHog wants the API key of a project"),
        (Speaks::PostHog, Some(options)) => {
            let key = &options.api_key;
            if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return fault(
                    "/posthog/api_key",
                    "invalid",
                    "the API key of a project such as `phc_…` is wanted",
                );
            }
            let pointer = &options.distinct_id;
            if !pointer.starts_with('/') || pointer.len() > LONGEST {
                return fault(
                    "/posthog/distinct_id",
                    "invalid",
                    "a JSON Pointer such as `/user_id` is wanted",
                );
            }
            Vec::new()
        }
        (_, Some(_)) => fault("/posthog", "unwanted", "only endpoints of the kind `posthog` have it"),
        (_, None) => Vec::new(),
    }
}

/// A message as somebody reads it, in Slack's mrkdwn.
fn text(body: &Value) -> Option<String> {
    let data = serde_json::to_string_pretty(body.get("data")?).ok()?;
    let shown: String = data.chars().take(SHOWN).collect();
    let more = if shown.len() < data.len() { "\n…" } else { "" };
    let (kind, at) = (body.get("type")?.as_str()?, body.get("timestamp")?.as_str()?);
    Some(format!("*{}* at {at}\n```\n{}{more}\n```", escaped(kind), escaped(&shown)))
}

/// The three characters that control mrkdwn.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An event as PostHog captures it; by its `uuid` one that comes twice is the same.
fn captured(options: &PostHogOptions, (org, id): (OrgId, MessageId), mut body: Value) -> Option<Value> {
    let (event, timestamp) = (body.get("type")?.clone(), body.get("timestamp")?.clone());
    let data = body.get_mut("data")?.take();
    let person = match data.pointer(&options.distinct_id) {
        Some(Value::String(person)) if !person.is_empty() => Some(person.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let mut properties = match data {
        Value::Object(members) => members,
        other => Map::from_iter([("data".to_owned(), other)]),
    };
    if person.is_none() {
        properties.insert("$process_person_profile".to_owned(), false.into());
    }
    Some(json!({
        "api_key": options.api_key,
        "event": event,
        "distinct_id": person.unwrap_or_else(|| org.to_string()),
        "properties": properties,
        "timestamp": timestamp,
        "uuid": id.uuid().to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        r#"{"type":"a.b","timestamp":"2026-01-01T00:00:00.000Z","data":{"user_id":"u1","n":"<&>"}}"#;

    fn said(kind: Speaks, body: &str) -> Value {
        let posthog = PostHogOptions { api_key: "phc_1".to_owned(), distinct_id: "/user_id".to_owned() };
        let language = Language { kind, posthog: Some(posthog) };
        let whose = (OrgId::generate(), MessageId::generate());
        serde_json::from_str(&language.say(whose, body.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn slack_is_told_in_a_text_that_controls_nothing() {
        let text = said(Speaks::Slack, BODY);
        let text = text["text"].as_str().unwrap();
        assert!(text.starts_with("*a.b* at 2026-01-01T00:00:00.000Z\n```\n{"), "{text}");
        assert!(text.contains("&lt;&amp;&gt;") && text.ends_with("}\n```"), "{text}");
        let long = BODY.replace("<&>", &"<".repeat(50_000));
        let text = said(Speaks::Slack, &long)["text"].as_str().unwrap().to_owned();
        assert!(text.len() < 15_000 && text.ends_with("&lt;\n…\n```"), "{}", text.len());
    }

    #[test]
    fn posthog_is_told_of_the_person_or_of_nobody() {
        let event = said(Speaks::PostHog, BODY);
        assert_eq!((&event["distinct_id"], &event["properties"]["user_id"]), (&json!("u1"), &json!("u1")));
        for data in ["{}", "[1]", r#"{"user_id":""}"#, r#"{"user_id":{}}"#] {
            let body = format!(r#"{{"type":"a","timestamp":"2026-01-01T00:00:00.000Z","data":{data}}}"#);
            let event = said(Speaks::PostHog, &body);
            assert!(event["distinct_id"].as_str().unwrap().starts_with("org_"), "{event}");
            assert_eq!(event["properties"]["$process_person_profile"], false);
        }
    }

    #[test]
    fn zapier_and_n8n_get_the_id_besides() {
        for kind in [Speaks::Zapier, Speaks::N8n] {
            let event = said(kind, BODY);
            assert!(event["id"].as_str().unwrap().starts_with("msg_") && event["data"]["user_id"] == "u1");
        }
    }

    #[test]
    fn posthogs_options_are_posthogs_alone() {
        let options = |api_key: &str, distinct_id: &str| PostHogOptions {
            api_key: api_key.to_owned(),
            distinct_id: distinct_id.to_owned(),
        };
        let good = options("phc_1", "/user_id");
        assert!(faults(Speaks::PostHog, Some(&good)).is_empty() && faults(Speaks::Slack, None).is_empty());
        assert_eq!(faults(Speaks::PostHog, None)[0].pointer, "/posthog");
        assert_eq!(faults(Speaks::Webhook, Some(&good))[0].code, "unwanted");
        assert_eq!(faults(Speaks::PostHog, Some(&options("", "/a")))[0].pointer, "/posthog/api_key");
        assert_eq!(faults(Speaks::PostHog, Some(&options("k", "a")))[0].pointer, "/posthog/distinct_id");
    }
}
