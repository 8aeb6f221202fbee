//! Which passwords are guessed first: common ones, and common ones in disguise.

use std::{collections::HashSet, sync::LazyLock};

static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../../data/blocklist.txt").lines().collect());

/// The words that common passwords are: what is left of each without its digits and marks.
static WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let readings = COMMON.iter().flat_map(|common| readings(common));
    readings.filter(|word| word.len() >= SHORTEST).collect()
});

/// The shortest word that is told from chance, letters.
const SHORTEST: usize = 4;

/// How many characters beside a common word are no more than its dress.
const DRESS: usize = 12;

/// The ways to read what stands for a letter.
const STANDINS: [&[(char, char)]; 3] = [
    &[],
    &[('0', 'o'), ('1', 'l'), ('3', 'e'), ('4', 'a'), ('5', 's'), ('7', 't'), ('@', 'a'), ('$', 's')],
    &[('0', 'o'), ('1', 'i'), ('3', 'e'), ('4', 'a'), ('5', 's'), ('7', 't'), ('@', 'a'), ('$', 's')],
];

/// Whether a password (in lower case) is common, or a common word again and again, with
/// stand-ins for its letters, or with a few digits and marks around it.
pub(super) fn is_common(lower: &str) -> bool {
    COMMON.contains(lower) || COMMON.contains(repeated_piece(lower)) || is_dressed_up(lower)
}

fn is_dressed_up(lower: &str) -> bool {
    let length = lower.chars().count();
    readings(lower).into_iter().any(|reading| {
        let rest = length.saturating_sub(reading.chars().count());
        rest <= DRESS && WORDS.contains(repeated_piece(&reading))
    })
}

/// The letters of a text, without what stands before the first and behind the last, in each
/// way to read what stands between.
fn readings(lower: &str) -> Vec<String> {
    let core = lower.trim_matches(|c: char| !c.is_alphabetic() && c != '@' && c != '$');
    let letter = |standins: &[(char, char)], c: char| match standins.iter().find(|(from, _)| *from == c) {
        Some((_, to)) => Some(*to),
        None => c.is_alphabetic().then_some(c),
    };
    STANDINS.iter().map(|standins| core.chars().filter_map(|c| letter(standins, c)).collect()).collect()
}

/// The shortest piece whose repetition is the whole: `abc` of `abcabcabc`.
pub(super) fn repeated_piece(text: &str) -> &str {
    let fits = |at: &usize| {
        text.is_char_boundary(*at) && text.len().is_multiple_of(*at) && {
            let (piece, _) = text.split_at(*at);
            text.as_bytes().chunks(*at).all(|part| part == piece.as_bytes())
        }
    };
    (1..text.len()).find(fits).map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_is_at_least_as_long_as_promised() {
        assert!(COMMON.len() >= 3000, "{}", COMMON.len());
        assert!(COMMON.contains("password1"));
    }

    #[test]
    fn a_common_word_is_seen_through_its_dress() {
        for dressed in [
            "password1234567",
            "1234567password",
            "passw0rd!passw0rd!",
            "p@$$w0rd20262026",
            "!!!qwerty123456789",
            "1loveyou1loveyou",
            "dragon-dragon-dragon",
            "letmein2026!!!!!",
        ] {
            assert!(is_common(dressed), "{dressed}");
        }
    }

    #[test]
    fn what_merely_holds_a_word_is_taken() {
        for good in [
            "correct horse battery staple",
            "nine blue foxes dance",
            "my password is a long sentence",
            "dragon under the old bridge",
            "password 8264 1097 3358 2941 7765",
            "пятнадцать букв",
        ] {
            assert!(!is_common(good), "{good}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(typed in "\\PC{0,40}") {
            let _ = is_common(&typed);
        }
    }
}
