use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// The most characters of a key.
const LONGEST: usize = 100;

/// What code and paths call a flag, a segment or an environment:
/// `^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`, capitals kept apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlagKey(String);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key is 1 to 100 of `A`-`Z`, `a`-`z`, `0`-`9`, `.`, `_` and `-`, and begins with a letter or digit"
)]
pub struct NotAKey;

impl FlagKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn example() -> Self {
        Self("new-checkout".to_owned())
    }
}

impl FromStr for FlagKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let fits = begins && text.len() <= LONGEST && text.bytes().all(known);
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAKey) }
    }
}

impl fmt::Display for FlagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for FlagKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FlagKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl PartialSchema for FlagKey {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"))
            .examples(["new-checkout"])
            .into()
    }
}

impl ToSchema for FlagKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_code_calls_flags() {
        for good in ["a", "new-checkout", "newCheckout", "web.checkout_v2", "2fa", &"x".repeat(100)] {
            assert_eq!(good.parse::<FlagKey>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "-a", "_a", "a b", "a/b", "ä", "a\0", "a%2f", &"x".repeat(101)] {
            assert_eq!(bad.parse::<FlagKey>(), Err(NotAKey), "{bad}");
        }
    }
}
