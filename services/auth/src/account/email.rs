use std::{fmt, str::FromStr};

/// An e-mail address that a person can log in with, in lower case.
///
/// Only ASCII is taken: a look-alike (`＠`, a Cyrillic `а`) must never pass for an
/// address that it is not. It is a subset of RFC 5321's: no quoted local parts, no
/// address literals, and a domain of at least two labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email(String);

/// A text that is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address such as ada@example.com is wanted")]
pub(crate) struct NotAnEmail;

impl Email {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub(crate) fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl FromStr for Email {
    type Err = NotAnEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (local, domain) = text.split_once('@').ok_or(NotAnEmail)?;
        if text.len() <= 254 && is_local_part(local) && is_domain(domain) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NotAnEmail)
        }
    }
}

/// A dot-string of RFC 5321 section 4.1.2.
fn is_local_part(text: &str) -> bool {
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    text.len() <= 64 && text.split('.').all(atom)
}

/// Two labels or more, of letters, digits and inner hyphens; the last not a number.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.contains('.') && text.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_addresses_are_taken_in_lower_case() {
        for (typed, kept) in [
            ("Ada@Example.COM", "ada@example.com"),
            ("first.last+tag@mail.example.co.uk", "first.last+tag@mail.example.co.uk"),
            ("o'neil@xn--bcher-kva.example", "o'neil@xn--bcher-kva.example"),
        ] {
            assert_eq!(typed.parse::<Email>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn look_alikes_and_nonsense_are_refused() {
        for typed in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada＠example.com",
            "аda@example.com",
            "ada@exаmple.com",
            "ada@@example.com",
            "ada@b@example.com",
            "ada..b@example.com",
            ".ada@example.com",
            "ada.@example.com",
            "ada@example",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            "ada@-example.com",
            "ada@example..com",
            " ada@example.com",
            "ada@example.com ",
            "ada @example.com",
            "\"ada\"@example.com",
            "ada@example.com\n",
            "ada@example.com,eve@example.com",
            "ada\u{200b}@example.com",
            "Ada <ada@example.com>",
        ] {
            assert_eq!(typed.parse::<Email>(), Err(NotAnEmail), "{typed:?}");
        }
        assert!(format!("{}@example.com", "a".repeat(65)).parse::<Email>().is_err());
        assert!(format!("a@{}.com", "b.".repeat(130)).parse::<Email>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_ascii_and_reads_back(typed in "\\PC{0,20}@\\PC{0,20}|[a-zA-Z.+]{1,9}@[a-zA-Z.-]{1,20}") {
            if let Ok(email) = typed.parse::<Email>() {
                prop_assert!(email.as_str().is_ascii());
                prop_assert_eq!(email.as_str().parse::<Email>().unwrap(), email);
            }
        }
    }
}
