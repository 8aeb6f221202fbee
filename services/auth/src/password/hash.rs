//! Argon2id as PHC strings, in memory that is used again and again: fresh memory
//! would cost a quarter of the time in page faults.

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use aws_lc_rs::{constant_time, rand};

/// The cost: 19,456 KiB, 2 passes, 1 lane (OWASP's first choice for Argon2id).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const SALT_LENGTH: usize = 16;
const HASH_LENGTH: usize = 32;

/// Scratch memory of one thread.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    fn of(&mut self, params: &Params) -> &mut [Block] {
        let count = params.block_count();
        if self.0.len() < count {
            self.0.resize(count, Block::default());
        }
        &mut self.0[..count]
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Whether it is the password.
    pub(crate) matches: bool,
    /// Whether the hash was made at another cost than today's.
    pub(crate) outdated: bool,
}

/// The PHC string of `password` with a fresh salt.
pub(super) fn make(password: &[u8], memory: &mut Memory) -> Result<String, String> {
    let mut salt = [0; SALT_LENGTH];
    rand::fill(&mut salt).map_err(|_opaque| "no randomness".to_owned())?;
    make_with(password, &salt, memory)
}

fn make_with(password: &[u8], salt: &[u8], memory: &mut Memory) -> Result<String, String> {
    let params = current()?;
    let hash = run(password, salt, &params, HASH_LENGTH, memory)?;
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|why| why.to_string())?,
        salt: Some(Salt::new(salt).map_err(|why| why.to_string())?),
        hash: Some(Output::new(&hash).map_err(|why| why.to_string())?),
    };
    Ok(phc.to_string())
}

/// Checks `password` against a PHC string. Without one it does the same work and
/// finds that it does not match, so that time does not tell whether there is one.
pub(super) fn check(password: &[u8], phc: Option<&str>, memory: &mut Memory) -> Result<Checked, String> {
    let Some(phc) = phc else {
        make_with(password, &[0; SALT_LENGTH], memory)?;
        return Ok(Checked { matches: false, outdated: false });
    };
    let phc = PasswordHash::new(phc).map_err(|why| why.to_string())?;
    let (Some(salt), Some(wanted)) = (&phc.salt, &phc.hash) else { return Err("no salt or hash".to_owned()) };
    if phc.algorithm != ARGON2ID_IDENT || phc.version != Some(Version::V0x13.into()) {
        return Err("not Argon2id 1.3".to_owned());
    }
    let params = Params::try_from(&phc).map_err(|why| why.to_string())?;
    let hash = run(password, salt.as_ref(), &params, wanted.len(), memory)?;
    let matches = constant_time::verify_slices_are_equal(&hash, wanted.as_bytes()).is_ok();
    let cost = (params.m_cost(), params.t_cost(), params.p_cost());
    Ok(Checked { matches, outdated: matches && cost != (MEMORY_KIB, PASSES, LANES) })
}

fn current() -> Result<Params, String> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LENGTH)).map_err(|why| why.to_string())
}

fn run(
    password: &[u8],
    salt: &[u8],
    params: &Params,
    length: usize,
    memory: &mut Memory,
) -> Result<Vec<u8>, String> {
    let mut hash = vec![0; length];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password, salt, &mut hash, memory.of(params))
        .map_err(|why| why.to_string())?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let mut memory = Memory::default();
        let phc = make(b"correct horse battery", &mut memory).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        let right = check(b"correct horse battery", Some(&phc), &mut memory).unwrap();
        assert_eq!(right, Checked { matches: true, outdated: false });
        assert!(!check(b"correct horse batterz", Some(&phc), &mut memory).unwrap().matches);
        assert!(!check(b"correct horse battery", None, &mut memory).unwrap().matches);
    }

    #[test]
    fn a_cheaper_hash_matches_and_is_outdated() {
        // Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -k 64 -l 24 -p 1`.
        let mut memory = Memory::default();
        let params = Params::new(64, 2, 1, Some(24)).unwrap();
        let hash = run(b"password", b"somesalt", &params, 24, &mut memory).unwrap();
        let phc = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).unwrap(),
            salt: Some(Salt::new(b"somesalt").unwrap()),
            hash: Some(Output::new(&hash).unwrap()),
        };
        let checked = check(b"password", Some(&phc.to_string()), &mut memory).unwrap();
        assert_eq!(checked, Checked { matches: true, outdated: true });
    }

    #[test]
    fn memory_used_before_changes_nothing() {
        let mut used = Memory::default();
        make(b"somebody else's password", &mut used).unwrap();
        let fresh = make_with(b"password", &[7; 16], &mut Memory::default()).unwrap();
        assert_eq!(make_with(b"password", &[7; 16], &mut used).unwrap(), fresh);
    }

    #[test]
    fn what_is_no_hash_is_an_error() {
        for nonsense in ["", "plain", "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo"] {
            assert!(check(b"password", Some(nonsense), &mut Memory::default()).is_err(), "{nonsense}");
        }
    }
}
