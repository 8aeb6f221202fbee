use problem::FieldError;
use unicode_normalization::UnicodeNormalization;

use super::blocklist::{is_common, repeated_piece};

/// The least length where the password is the only factor, code points (NIST SP
/// 800-63B-4, section 3.1.1.2).
pub(crate) const LEAST: usize = 15;

/// The most that is taken, code points: nothing is ever cut off.
pub(crate) const MOST: usize = 1024;

/// A password after NFKC, so that one typed on another keyboard is the same.
#[derive(Clone)]
pub(crate) struct NormalPassword(String);

impl NormalPassword {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether it is longer than any that was ever accepted: it need not be hashed
    /// to know that it is wrong, but it is, for the time's sake.
    pub(crate) fn is_overlong(&self) -> bool {
        self.0.chars().count() > MOST
    }
}

impl From<&str> for NormalPassword {
    fn from(typed: &str) -> Self {
        Self(typed.nfkc().collect())
    }
}

/// A password that is fit to be set. It must not be common, disguised or not, nor made
/// of one short piece, nor of the person's own name or address.
pub(crate) fn accept(typed: &str, pointer: &str, about: &[&str]) -> Result<NormalPassword, FieldError> {
    let password = NormalPassword::from(typed);
    let length = password.0.chars().count();
    let fault = |code, detail: String| Err(FieldError::new(pointer, code, detail));
    if length < LEAST {
        return fault(
            "password_too_short",
            format!("at least {LEAST} characters are wanted; several words do"),
        );
    }
    if length > MOST {
        return fault("password_too_long", format!("at most {MOST} characters are taken"));
    }
    let lower = password.0.to_lowercase();
    if is_common(&lower) || is_monotonous(&lower) {
        return fault("password_common", "this one is among the first that are guessed".to_owned());
    }
    if about.iter().any(|word| contains_mostly(&lower, &word.to_lowercase())) {
        return fault("password_personal", "it is mostly your own name or address".to_owned());
    }
    Ok(password)
}

/// One piece of at most 4 characters again and again, or a run such as `abcdefg…`.
fn is_monotonous(text: &str) -> bool {
    let codes: Vec<u32> = text.chars().map(u32::from).collect();
    let run = |step: i64| {
        let next = |pair: &[u32]| i64::from(pair[1]) - i64::from(pair[0]) == step;
        codes.windows(2).filter(|pair| next(pair)).count() * 10 >= codes.len() * 8
    };
    repeated_piece(text).chars().count() <= 4 || run(1) || run(-1)
}

/// Whether `word` (of at least 4 characters) makes more than half of the text.
fn contains_mostly(text: &str, word: &str) -> bool {
    let length = word.chars().count();
    length >= 4 && text.contains(word) && length * 2 > text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(typed: &str) -> Option<String> {
        accept(typed, "/password", &["ada@example.com", "Ada Lovelace"]).err().map(|fault| fault.code)
    }

    #[test]
    fn length_is_counted_in_code_points_after_nfkc() {
        assert_eq!(code("fourteen chars").as_deref(), Some("password_too_short"));
        assert_eq!(code("fifteen  chars!"), None);
        assert_eq!(code("пятнадцать букв"), None);
        assert_eq!(code("ﬁve and ten mo"), None, "the ligature counts for two");
        assert_eq!(code(&"long and winding ".repeat(61)).as_deref(), Some("password_too_long"));
    }

    #[test]
    fn at_least_64_characters_and_any_of_them_are_taken() {
        assert_eq!(code(&"x y!ß漢字🦀 ".repeat(8).chars().take(64).collect::<String>()), None);
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for common in [
            "passwordpassword",
            "123456789012345678",
            "aaaaaaaaaaaaaaaaaaaa",
            "PASSWORDPASSWORD",
            "abcdefghijklmnopqrst",
            "qwertyuiopqwertyuiop",
            "password1234567",
            "Passw0rd!Passw0rd!",
        ] {
            assert_eq!(code(common).as_deref(), Some("password_common"), "{common}");
        }
        assert_eq!(code("adalovelace ada lovelace!").as_deref(), None);
        assert_eq!(code("ada@example.com!").as_deref(), Some("password_personal"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(typed in "\\PC{0,40}") {
            let _ = accept(&typed, "/password", &["x", ""]);
        }

        #[test]
        fn normal_forms_agree(typed in "\\PC{0,40}") {
            let composed: String = typed.nfc().collect();
            let decomposed: String = typed.nfd().collect();
            let bytes = |text: &str| NormalPassword::from(text).bytes().to_vec();
            prop_assert_eq!(bytes(&composed), bytes(&decomposed));
        }
    }
}
