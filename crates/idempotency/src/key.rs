use std::str::FromStr;

use actix_web::http::header::{HeaderMap, HeaderName};
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
    },
};

use crate::error::IdempotencyError;

/// The header that holds a [`Key`].
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The header as documents write it.
pub(crate) const SHOWN: &str = "Idempotency-Key";

/// The most characters of a key.
const LONGEST: usize = 255;

/// What a client calls one act of its own: 1 to 255 visible ASCII characters, no
/// quotes and no backslash.
///
/// The draft writes it as a string of RFC 8941 (`"8e03978e"`), most clients bare
/// (`8e03978e`): both are the same key. In `params(…)` of a `utoipa::path` it stands
/// for the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key of exactly one header.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, IdempotencyError> {
        let mut values = headers.get_all(HEADER);
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_why| IdempotencyError::Malformed)?.parse(),
            _ => Err(IdempotencyError::Malformed),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = IdempotencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let key = quoted.unwrap_or(text);
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if (1..=LONGEST).contains(&key.len()) && key.bytes().all(plain) {
            Ok(Self(key.to_owned()))
        } else {
            Err(IdempotencyError::Malformed)
        }
    }
}

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(LONGEST))
            .examples(["8e03978e-40d5-43dd-bc93-6894a57f9324"]);
        let description = "Makes a repetition harmless for 24 hours: the same key and request get the same \
                           reply again, with `Idempotency-Replayed: true`. Take a new UUID for every act.";
        let header = ParameterBuilder::new()
            .name(SHOWN)
            .parameter_in(ParameterIn::Header)
            .description(Some(description))
            .schema(Some(schema))
            .build();
        vec![header]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quoted_or_bare_it_is_the_same_key(text in "[!#-\\[\\]-~]{1,255}") {
            let key: Key = text.parse().unwrap();
            prop_assert_eq!(key.as_str(), &text);
            prop_assert_eq!(format!("\"{text}\"").parse::<Key>().unwrap(), key);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,300}") {
            let _ = text.parse::<Key>();
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "a".repeat(LONGEST + 1);
        for text in ["", "\"\"", "\"", "\"a", "a\"", "a b", "a\\b", "\"a\";b=1", "ä", "a\t", &long] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_given_once() {
        let mut headers = HeaderMap::new();
        assert!(Key::read(&headers).is_err());
        headers.append(HEADER, "a".parse().unwrap());
        assert_eq!(Key::read(&headers).unwrap().as_str(), "a");
        headers.append(HEADER, "a".parse().unwrap());
        assert!(Key::read(&headers).is_err());
    }
}
