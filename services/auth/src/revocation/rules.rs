use super::FeedError;

/// A cursor is a snapshot of PostgreSQL as text, `xmin:xmax:xip,xip…`: which
/// transactions had ended when the feed was read. Whoever asks with it gets what
/// those have written that had not.
pub(super) fn parse(text: &str) -> Result<String, FeedError> {
    let parts: Vec<&str> = text.split(':').collect();
    let [xmin, xmax, running] = parts[..] else { return Err(FeedError::BadCursor) };
    let (Some(xmin), Some(xmax)) = (number(xmin), number(xmax)) else { return Err(FeedError::BadCursor) };
    let running: Option<Vec<u64>> =
        if running.is_empty() { Some(Vec::new()) } else { running.split(',').map(number).collect() };
    let in_order =
        |running: &Vec<u64>| running.is_sorted() && running.iter().all(|xid| (xmin..xmax).contains(xid));
    if xmin > 0 && xmin <= xmax && running.as_ref().is_some_and(in_order) {
        Ok(text.to_owned())
    } else {
        Err(FeedError::BadCursor)
    }
}

/// Digits alone, as many as PostgreSQL takes (64 bits).
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Whether `given` knows of transactions that the database has yet to begin: it was
/// restored from a backup, and transaction numbers come again.
pub(super) fn is_of_another_history(given: &str, now: &str) -> bool {
    let xmax = |cursor: &str| cursor.split(':').nth(1).and_then(number);
    xmax(given) > xmax(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn snapshots_are_taken_and_nothing_else() {
        for good in ["10:20:", "10:20:10,14,15", "795:795:"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "10",
            "10:20",
            "10:20:30",
            "20:10:",
            "0:1:",
            "10:20:15,14",
            "+1:20:",
            "10:20:10,",
            "10:20:x",
            "10:20:;DROP TABLE users",
            "99999999999999999999:1:",
            "10:20:10:11",
        ] {
            assert!(matches!(parse(bad), Err(FeedError::BadCursor)), "{bad}");
        }
    }

    #[test]
    fn a_cursor_from_the_future_is_of_another_history() {
        assert!(is_of_another_history("10:21:", "5:20:"));
        assert!(!is_of_another_history("10:20:10", "12:20:"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9:,]{0,30}|\\PC{0,30}") {
            let _ = parse(&text);
        }
    }
}
