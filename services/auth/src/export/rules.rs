use std::time::Duration;

use contract_auth::ExportState;
use contract_jobs::JobState;
use ids::{Timestamp, UserId};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many a user may ask for in a day, those that they deleted among them.
pub(super) const A_DAY: i64 = 5;

/// How long one is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The most that all services together may tell, bytes.
pub(super) const LARGEST: usize = 64 * 1024 * 1024;

/// How much is sealed, and read again, at a time, bytes.
pub(super) const PIECE: usize = 1024 * 1024;

/// Until when an export is kept that was asked for, or became ready, now.
pub(super) fn expiry(now: Timestamp) -> Timestamp {
    now + KEPT
}

/// Until when the row of one that was withdrawn counts.
pub(super) fn counts_until(created_at: Timestamp) -> Timestamp {
    created_at + DAY
}

/// From when on exports count that were asked for.
pub(super) fn counted_since(now: Timestamp) -> Timestamp {
    now - DAY
}

/// How long until the first of those that count does so no more.
pub(super) fn wait(oldest: Timestamp, now: Timestamp) -> Duration {
    counts_until(oldest).since(now).max(Duration::from_secs(1))
}

/// Where an export stands that is not ready, by its job; `None`: there is no such job.
pub(super) fn state(job: Option<JobState>) -> ExportState {
    match job {
        Some(JobState::Ready | JobState::Scheduled | JobState::Parked | JobState::Running) => {
            ExportState::Waiting
        }
        Some(JobState::Cancelled) => ExportState::Cancelled,
        Some(JobState::Succeeded | JobState::Discarded) | None => ExportState::Failed,
    }
}

/// A part of what one service told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) service: String,
    pub(super) n: i32,
    pub(super) bytes: i32,
}

/// What the document is made of, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Part(Part),
}

/// The document of these parts, which are in the order of services and numbers. Each
/// service's parts together are a JSON object.
pub(super) fn document(user: UserId, created_at: Timestamp, parts: Vec<Part>) -> Vec<Piece> {
    let head = format!(r#"{{"user_id":"{user}","created_at":"{created_at}","services":{{"#);
    let mut pieces = vec![Piece::Text(head)];
    let mut last: Option<String> = None;
    for part in parts {
        if last.as_ref() != Some(&part.service) {
            let comma = if last.is_some() { "," } else { "" };
            pieces.push(Piece::Text(format!(r#"{comma}"{}":"#, part.service)));
            last = Some(part.service.clone());
        }
        pieces.push(Piece::Part(part));
    }
    pieces.push(Piece::Text("}}".to_owned()));
    pieces
}

/// The length of a document, bytes.
pub(super) fn length(document: &[Piece]) -> u64 {
    let length = |piece: &Piece| match piece {
        Piece::Text(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
        Piece::Part(part) => u64::try_from(part.bytes).unwrap_or_default(),
    };
    document.iter().map(length).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The document as it is downloaded, from what each service told.
    fn written(told: &[(&str, &str)], piece: usize) -> (String, u64) {
        let user = "usr_01h455vb4pex5vsknk084sn02q".parse().unwrap();
        let pieces_of = |(service, text): &(&str, &str)| {
            let parts = (0..).zip(text.as_bytes().chunks(piece)).map(|(n, part)| Part {
                service: (*service).to_owned(),
                n,
                bytes: i32::try_from(part.len()).unwrap(),
            });
            parts.collect::<Vec<_>>()
        };
        let parts = told.iter().flat_map(pieces_of).collect();
        let document = document(user, Timestamp::from_unix_seconds(0).unwrap(), parts);
        let text = |piece_of: &Piece| match piece_of {
            Piece::Text(text) => text.clone(),
            Piece::Part(part) => {
                let (_, whole) = told.iter().find(|(service, _)| *service == part.service).unwrap();
                let from = usize::try_from(part.n).unwrap() * piece;
                whole[from..from + usize::try_from(part.bytes).unwrap()].to_owned()
            }
        };
        (document.iter().map(text).collect(), length(&document))
    }

    proptest! {
        #[test]
        fn whatever_services_tell_the_document_is_json_of_the_said_length(
            notes in proptest::collection::vec("[a-z ]{0,40}", 0..5), piece in 1_usize..50,
        ) {
            let names = ["agents", "auth", "notify", "order", "prefs"];
            let texts: Vec<String> = notes.iter().map(|note| json!({ "notes": [note] }).to_string()).collect();
            let told: Vec<(&str, &str)> =
                names.iter().copied().zip(texts.iter().map(String::as_str)).collect();
            let (text, length) = written(&told, piece);
            prop_assert_eq!(u64::try_from(text.len()).unwrap(), length);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read["created_at"], "1970-01-01T00:00:00.000Z");
            prop_assert_eq!(read["services"].as_object().unwrap().len(), told.len());
            for ((name, _), note) in told.iter().zip(&notes) {
                prop_assert_eq!(&read["services"][name]["notes"][0], note);
            }
        }
    }

    #[test]
    fn what_is_not_ready_stands_where_its_job_does() {
        for state_of_job in JobState::ALL {
            let wanted = match state_of_job {
                JobState::Cancelled => ExportState::Cancelled,
                over if over.is_over() => ExportState::Failed,
                _ => ExportState::Waiting,
            };
            assert_eq!(state(Some(state_of_job)), wanted, "{state_of_job}");
        }
        assert_eq!(state(None), ExportState::Failed, "its job is long gone");
    }

    #[test]
    fn who_asked_too_often_waits_until_the_oldest_counts_no_more() {
        let now = Timestamp::now();
        assert_eq!(wait(now - Duration::from_secs(60), now), DAY - Duration::from_secs(60));
        assert_eq!(wait(now - DAY, now), Duration::from_secs(1));
    }
}
