use aws_lc_rs::{digest, rand};
use contract_auth::Secret;
use data_encoding::BASE32_NOPAD;
use ids::UserId;

use super::SecondFactorError;

/// How many codes a user gets.
pub(super) const COUNT: usize = 10;

/// The random bytes of a code: 80 bits, so a plain SHA-256 of it is as good as a password
/// hash.
const BYTES: usize = 10;

/// Ten fresh codes: sixteen letters and digits each, in groups of four.
pub(super) fn generate() -> Result<Vec<Secret>, SecondFactorError> {
    (0..COUNT)
        .map(|_| {
            let mut random = [0; BYTES];
            rand::fill(&mut random).map_err(|_opaque| SecondFactorError::NoRandomness)?;
            let text = BASE32_NOPAD.encode(&random).to_lowercase();
            let groups: Vec<&str> =
                (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
            Ok(Secret::from(groups.join("-")))
        })
        .collect()
}

/// What is kept of a user's code, however it was typed: without hyphens and spaces, in any
/// case, and with digits that there are not taken for the letters they look like.
pub(super) fn hash(user: UserId, typed: &str) -> Vec<u8> {
    let normal = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| match c {
        '0' => 'o',
        '1' => 'l',
        '8' => 'b',
        other => other.to_ascii_lowercase(),
    });
    let text = normal.collect::<String>();
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(user.uuid().as_bytes());
    context.update(text.as_bytes());
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ten_different_codes_that_a_person_can_type() {
        let codes = generate().unwrap();
        let texts: HashSet<&str> = codes.iter().map(Secret::expose).collect();
        assert_eq!(texts.len(), COUNT);
        for text in texts {
            let groups: Vec<&str> = text.split('-').collect();
            assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 4), "{text}");
        }
    }

    #[test]
    fn however_it_is_typed_it_is_the_same_code_of_one_user() {
        let (ada, eve) = (UserId::generate(), UserId::generate());
        let wanted = hash(ada, "abob-cl23-defg-hijk");
        for typed in ["ABOB-CL23-DEFG-HIJK", "abobcl23defghijk", " a80b c123 defg hijk "] {
            assert_eq!(hash(ada, typed), wanted, "{typed}");
        }
        assert_ne!(hash(eve, "abob-cl23-defg-hijk"), wanted);
    }
}
