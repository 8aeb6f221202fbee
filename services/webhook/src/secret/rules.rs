//! How a secret may be replaced.

use contract_webhook::NewSecret;

use crate::{endpoint::EndpointError, signing::SigningSecret};

/// How many secrets of an endpoint retire at once, at most: each signs every message.
pub(super) const MOST_RETIRING: i64 = 5;

/// How long a secret may retire, seconds.
const OVERLAPS: std::ops::RangeInclusive<i32> = 0..=604_800;

/// The secret that is to sign; none, if it is to be a new one.
pub(super) fn accept(new: &NewSecret) -> Result<Option<SigningSecret>, EndpointError> {
    if !OVERLAPS.contains(&new.overlap_seconds) {
        let detail = format!("{} to {} seconds are wanted", OVERLAPS.start(), OVERLAPS.end());
        return Err(EndpointError::field("/overlap_seconds", "out_of_range", detail));
    }
    let given = new.secret.as_deref().map(SigningSecret::parse).transpose();
    given.map_err(|why| EndpointError::field("/secret", "invalid", why.to_string()))
}
