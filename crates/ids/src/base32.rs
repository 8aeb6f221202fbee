//! Crockford base32 of 128 bits, as the TypeID specification writes it: 26
//! lower-case characters, the first of which is at most `7`.

/// The number of characters that 128 bits take.
pub(crate) const LENGTH: usize = 26;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes `value` as 26 characters.
pub(crate) fn encode(value: u128) -> [u8; LENGTH] {
    let mut text = [b'0'; LENGTH];
    let mut rest = value;
    for place in text.iter_mut().rev() {
        let [low, ..] = rest.to_le_bytes();
        *place = ALPHABET[usize::from(low & 31)];
        rest >>= 5;
    }
    text
}

/// Reads exactly what [`encode`] writes; anything else, capitals included, is `None`.
pub(crate) fn decode(text: &str) -> Option<u128> {
    if text.len() != LENGTH || !matches!(text.as_bytes().first(), Some(b'0'..=b'7')) {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, character| {
        let digit = ALPHABET.iter().position(|known| *known == character)?;
        Some(value << 5 | u128::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_survives_the_round_trip(value: u128) {
            let text = encode(value);
            prop_assert_eq!(decode(std::str::from_utf8(&text).unwrap()), Some(value));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_text(text in "[0-9a-z]{26}") {
            if let Some(value) = decode(&text) {
                prop_assert_eq!(&encode(value)[..], text.as_bytes());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}") {
            let _ = decode(&text);
        }
    }

    #[test]
    fn the_first_character_holds_three_bits() {
        assert_eq!(decode("7zzzzzzzzzzzzzzzzzzzzzzzzz"), Some(u128::MAX));
        assert_eq!(decode("8zzzzzzzzzzzzzzzzzzzzzzzzz"), None);
    }
}
