/// What was visible to a transaction, as PostgreSQL writes it: `xmin:xmax:xip,…`.
pub(super) type Snapshot = String;

/// How far a subscriber was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Everything visible in this was told.
    pub(super) seen: Snapshot,
    /// The round in progress, if there is one.
    pub(super) round: Option<Round>,
}

/// Tells what is visible in `target`, and has come to `after` in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) target: Snapshot,
    pub(super) after: i64,
}

impl Cursor {
    /// Of one who is told the whole log.
    pub(super) fn beginning() -> Self {
        Self { seen: "1:1:".to_owned(), round: None }
    }

    /// Everything up to `last` of the round was told; if that is its end, all that was
    /// visible in its target was.
    pub(super) fn advance(&mut self, last: i64, is_end: bool) {
        match self.round.take() {
            Some(round) if is_end => self.seen = round.target,
            Some(round) => self.round = Some(Round { after: last, ..round }),
            None => {}
        }
    }

    pub(super) fn target(&self) -> Option<&Snapshot> {
        self.round.as_ref().map(|round| &round.target)
    }

    pub(super) fn after(&self) -> i64 {
        self.round.as_ref().map_or(0, |round| round.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_ends_with_all_that_was_visible_when_it_began() {
        let round = |after| Some(Round { target: "7:9:".to_owned(), after });
        let mut cursor = Cursor { seen: "1:1:".to_owned(), round: round(0) };
        cursor.advance(200, false);
        assert_eq!(cursor, Cursor { seen: "1:1:".to_owned(), round: round(200) });
        cursor.advance(203, true);
        assert_eq!(cursor, Cursor { seen: "7:9:".to_owned(), round: None });
        assert_eq!((cursor.target(), cursor.after()), (None, 0));
    }
}
