use contract_auth::{AccountChange, Registration};
use problem::FieldError;
use serde_json::{Map, Value};

use super::{AccountError, Email};
use crate::password::{self, NormalPassword};

/// The longest name, characters.
const NAME: usize = 200;
/// The longest URL, bytes.
const URL: usize = 2048;
/// The largest metadata, bytes as JSON.
const METADATA: usize = 16 * 1024;

/// A registration that may be carried out.
pub(crate) struct NewAccount {
    pub(crate) email: Email,
    pub(crate) password: NormalPassword,
    pub(crate) name: Option<String>,
}

impl NewAccount {
    /// What to call the person's own organisation.
    pub(crate) fn organization_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.email.local_part().to_owned())
    }
}

/// Every fault of a registration at once, or what may be carried out.
pub(super) fn accept(registration: &Registration) -> Result<NewAccount, AccountError> {
    let Registration { email, password, name } = registration;
    let mut faults = Vec::new();
    let email = email.parse::<Email>().map_err(|why| {
        faults.push(FieldError::new("/email", "not_an_address", why.to_string()));
    });
    let local = email.as_ref().map_or("", Email::local_part);
    let about = [email.as_ref().map_or("", Email::as_str), local, name.as_deref().unwrap_or_default()];
    let password =
        password::accept(password.expose(), "/password", &about).map_err(|fault| faults.push(fault));
    let name = name.as_deref().map(|name| named(name, "/name")).transpose();
    let name = name.map_err(|fault| faults.push(fault));
    match (email, password, name) {
        (Ok(email), Ok(password), Ok(name)) => Ok(NewAccount { email, password, name }),
        _ => Err(AccountError::Invalid(faults)),
    }
}

/// Every fault of a change at once, or the change with its texts trimmed.
pub(super) fn accept_change(mut change: AccountChange) -> Result<AccountChange, AccountError> {
    let mut faults = Vec::new();
    let mut check = |field: &mut Option<Option<String>>, check: fn(&str) -> Result<String, FieldError>| {
        if let Some(Some(text)) = field {
            match check(text) {
                Ok(accepted) => *text = accepted,
                Err(fault) => faults.push(fault),
            }
        }
    };
    check(&mut change.name, |text| named(text, "/name"));
    check(&mut change.avatar_url, picture);
    check(&mut change.locale, language);
    check(&mut change.time_zone, zone);
    faults.extend(change.metadata.as_ref().and_then(|metadata| too_large(metadata, "/metadata")));
    if faults.is_empty() { Ok(change) } else { Err(AccountError::Invalid(faults)) }
}

/// Metadata that is larger than what is kept.
pub(crate) fn too_large(metadata: &Map<String, Value>, pointer: &str) -> Option<FieldError> {
    let size = serde_json::to_vec(metadata).map_or(usize::MAX, |bytes| bytes.len());
    let detail = format!("at most {METADATA} bytes as JSON are taken");
    (size > METADATA).then(|| FieldError::new(pointer, "too_large", detail))
}

/// What to call a person, trimmed.
pub(crate) fn named(text: &str, pointer: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if is_name(text, NAME) {
        return Ok(text.to_owned());
    }
    let detail = format!(
        "1 to {NAME} characters are wanted that one can see, none of them control characters, and no link"
    );
    Err(FieldError::new(pointer, "not_a_name", detail))
}

/// Whether somebody or something may be called this. Names stand in mails to strangers: one sees
/// them, they turn nothing around, and there is no link in them.
pub(crate) fn is_name(text: &str, most: usize) -> bool {
    let lower = text.to_lowercase();
    let links = lower.contains("://") || lower.contains("www.");
    let plain = !links && !text.chars().any(|c| c.is_control() || turns_text_around(c));
    (1..=most).contains(&text.chars().count()) && plain && text.chars().any(is_visible)
}

/// Whether a reader sees anything of it: a name must not look like none.
fn is_visible(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
    !hidden && !c.is_whitespace()
}

/// Whether it makes what follows read from the other side: a name must not reorder the text
/// that it stands in (CVE-2021-42574).
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn picture(text: &str) -> Result<String, FieldError> {
    let plain = text.len() <= URL && text.bytes().all(|b| b.is_ascii_graphic());
    let host = text.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    match host {
        Some(host) if plain && !host.is_empty() && !host.contains('@') => Ok(text.to_owned()),
        _ => Err(FieldError::new("/avatar_url", "not_an_https_url", "an https URL is wanted")),
    }
}

/// The shape of a language tag (RFC 5646); whether the language exists is the front
/// end's business.
fn language(text: &str) -> Result<String, FieldError> {
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    let letters = (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
    let rest =
        parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if letters && rest && text.len() <= 35 {
        return Ok(text.to_owned());
    }
    Err(FieldError::new("/locale", "not_a_language_tag", "a language tag such as en-GB is wanted"))
}

/// The shape of a name in the IANA time zone database.
fn zone(text: &str) -> Result<String, FieldError> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
    };
    if text.len() <= 64 && text.split('/').all(part) {
        return Ok(text.to_owned());
    }
    Err(FieldError::new("/time_zone", "not_a_time_zone", "a name such as Europe/London is wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(email: &str, password: &str, name: Option<&str>) -> Registration {
        Registration { email: email.to_owned(), password: password.into(), name: name.map(str::to_owned) }
    }

    fn pointers(error: AccountError) -> Vec<String> {
        let AccountError::Invalid(faults) = error else { panic!("{error:?}") };
        faults.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let error = accept(&registration("nobody", "short", Some(" "))).err().unwrap();
        assert_eq!(pointers(error), ["/email", "/password", "/name"]);
    }

    #[test]
    fn the_organisation_is_called_after_the_person() {
        let password = "correct horse battery staple";
        let named = accept(&registration("a@example.com", password, Some(" Ada "))).ok().unwrap();
        assert_eq!(named.organization_name(), "Ada");
        let nameless = accept(&registration("a.b@example.com", password, None)).ok().unwrap();
        assert_eq!(nameless.organization_name(), "a.b");
    }

    #[test]
    fn a_name_can_be_seen_turns_nothing_around_and_is_no_link() {
        for bad in [
            "https://evil.example",
            "Ada, see WWW.evil.example",
            "\u{200b}\u{200b}",
            "\u{3164}",
            "\u{feff} \u{2060}",
            "Ada\u{202e}nimda",
            "\u{e0041}",
        ] {
            assert!(named(bad, "/name").is_err(), "{bad:?}");
        }
        for good in ["Ada", "👩\u{200d}🔬", "عائشة", "क\u{94d}\u{200d}ष"] {
            assert!(named(good, "/name").is_ok(), "{good}");
        }
    }

    #[test]
    fn every_bad_field_of_a_change_is_named() {
        let some = |text: &str| Some(Some(text.to_owned()));
        let change = AccountChange {
            name: some("\u{7}"),
            avatar_url: some("javascript:alert(1)"),
            locale: some("english please"),
            time_zone: some("../etc/passwd"),
            metadata: serde_json::from_str(&format!(r#"{{"x": "{}"}}"#, "y".repeat(METADATA))).ok(),
        };
        let wrong = pointers(accept_change(change).unwrap_err());
        assert_eq!(wrong, ["/name", "/avatar_url", "/locale", "/time_zone", "/metadata"]);
    }

    #[test]
    fn a_good_change_is_taken() {
        let change = AccountChange {
            name: Some(Some(" Ada ".to_owned())),
            avatar_url: Some(Some("https://example.com/a.png?x=1".to_owned())),
            locale: Some(Some("de-CH-1996".to_owned())),
            time_zone: Some(Some("America/Argentina/Buenos_Aires".to_owned())),
            metadata: None,
        };
        assert_eq!(accept_change(change).unwrap().name, Some(Some("Ada".to_owned())));
        for good in ["https://example.com", "https://a.example/x#y"] {
            assert!(picture(good).is_ok());
        }
        for bad in ["https://", "http://example.com", "https://u@example.com", "https://exa mple.com"] {
            assert!(picture(bad).is_err(), "{bad}");
        }
    }
}
