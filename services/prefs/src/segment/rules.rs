//! What a segment may say.

use contract_prefs::NewSegment;

use crate::{
    flag::rules::MOST_BYTES,
    flag_set::FlagError,
    namespace::rules::size,
    targeting::{Condition, Faults},
};

/// How many segments an organisation has at most.
pub(super) const MOST_SEGMENTS: i64 = 200;

/// Refuses a segment that makes no sense, or names another: so none can go in circles.
pub(super) fn accept(new: &NewSegment) -> Result<(), FlagError> {
    if size(new) > MOST_BYTES {
        return Err(FlagError::TooLarge { most: MOST_BYTES });
    }
    let mut faults = Faults::default();
    if new.description.chars().count() > 500 {
        faults.add("/description", "too_long", "at most 500 characters are wanted");
    }
    Condition::compile(&new.when, &|_| false, "/when", &mut faults);
    if faults.count() == 0 { Ok(()) } else { Err(FlagError::Invalid(faults.into_inner())) }
}
