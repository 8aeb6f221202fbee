//! The law of lanes: who of those that wait may run.

use ids::JobId;

/// A job that is ready in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) id: JobId,
    pub(crate) ord: i64,
}

/// What a lane holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Occupancy {
    pub(crate) running: i64,
    /// The order of the first job that has not ended.
    pub(crate) first: Option<i64>,
    /// Whether jobs wait for it to have room.
    pub(crate) parked: bool,
}

/// Who runs, and who is parked. Without a `width` only the very first may run, and only
/// alone.
pub(crate) fn choose(
    width: Option<i16>,
    occupancy: Occupancy,
    mut waiting: Vec<Waiting>,
) -> (Vec<JobId>, Vec<JobId>) {
    waiting.sort_by_key(|one| one.ord);
    let room = i64::from(width.unwrap_or(1)) - occupancy.running;
    let is_first = |one: &Waiting| width.is_some() || occupancy.first.is_none_or(|first| one.ord <= first);
    let mut taken = Vec::new();
    let mut parked = Vec::new();
    for one in waiting {
        let fits = i64::try_from(taken.len()).is_ok_and(|already| already < room);
        if fits && is_first(&one) { taken.push(one.id) } else { parked.push(one.id) }
    }
    (taken, parked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(ords: &[i64]) -> Vec<Waiting> {
        ords.iter().map(|ord| Waiting { id: JobId::generate(), ord: *ord }).collect()
    }

    fn counts(width: Option<i16>, running: i64, first: i64, ords: &[i64]) -> (usize, usize) {
        let (taken, parked) =
            choose(width, Occupancy { running, first: Some(first), parked: false }, waiting(ords));
        (taken.len(), parked.len())
    }

    #[test]
    fn an_ordered_lane_runs_its_very_first_alone() {
        assert_eq!(counts(None, 0, 5, &[7, 5, 6]), (1, 2));
        assert_eq!(counts(None, 1, 4, &[5, 6]), (0, 2));
        assert_eq!(counts(None, 0, 4, &[5]), (0, 1), "the first one waits for its next attempt");
        let (taken, _) = choose(None, Occupancy { first: Some(1), ..Occupancy::default() }, waiting(&[2, 1]));
        assert_eq!(taken.len(), 1);
    }

    #[test]
    fn a_limited_lane_runs_as_many_as_it_is_wide() {
        assert_eq!(counts(Some(3), 1, 1, &[2, 3, 4]), (2, 1));
        assert_eq!(counts(Some(3), 3, 1, &[9]), (0, 1));
        assert_eq!(counts(Some(2), 0, 1, &[8, 9]), (2, 0));
    }
}
