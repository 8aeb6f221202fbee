/// The longest name of a type, bytes.
const LONGEST: usize = 128;

/// Whether it names a type of events: words of letters, digits, `_` and `-` with full stops between
/// them, as Standard Webhooks has it.
pub(crate) fn is_event_type(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    name.len() <= LONGEST && name.split('.').all(is_word)
}
