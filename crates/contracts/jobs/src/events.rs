use std::collections::VecDeque;

use reqwest::Response;
use service_discovery::CallError;

use crate::Job;

/// What a service tells about a job while somebody watches it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where to go on with the next connection: `Last-Event-ID`.
    pub id: i64,
    /// The job as it stands. Once it is over, nothing follows.
    pub job: Job,
}

/// The events of one job, as they come (`text/event-stream`, HTML Living Standard
/// section 9.2).
#[derive(Debug)]
pub struct Events {
    response: Response,
    unread: Vec<u8>,
    ready: VecDeque<Event>,
}

impl Events {
    pub(crate) fn new(response: Response) -> Self {
        Self { response, unread: Vec::new(), ready: VecDeque::new() }
    }

    /// The next one; `None` once the stream has ended. If the last one's job was not
    /// over by then, a new connection goes on where this one ended.
    ///
    /// # Errors
    /// When the connection breaks, or says what no contract describes.
    pub async fn next(&mut self) -> Result<Option<Event>, CallError> {
        while self.ready.is_empty() {
            match self.response.chunk().await.map_err(CallError::Transport)? {
                Some(bytes) => self.read(&bytes)?,
                None => return Ok(None),
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Takes what has come; an event ends with an empty line.
    fn read(&mut self, bytes: &[u8]) -> Result<(), CallError> {
        self.unread.extend_from_slice(bytes);
        while let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.unread.drain(..end + 2).collect();
            self.ready.extend(parse(&String::from_utf8_lossy(&block))?);
        }
        Ok(())
    }
}

/// The event of one block of lines; `None` for a comment.
fn parse(block: &str) -> Result<Option<Event>, CallError> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let (Some(id), Some(data)) = (field("id").and_then(|id| id.parse().ok()), field("data")) else {
        return Ok(None);
    };
    let unreadable = |source| CallError::Unreadable { status: 200, source: Some(source) };
    Ok(Some(Event { id, job: serde_json::from_str(data).map_err(unreadable)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_events() {
        assert!(parse(":\n\n").unwrap().is_none());
        assert!(parse("retry: 1000\n\n").unwrap().is_none());
        assert!(parse("id: 3\nevent: progress\ndata: {}\n\n").is_err());
    }

    #[test]
    fn an_event_has_an_id_and_a_job() {
        let job = format!(
            r#"{{"id":"{}","kind":"k","state":"ready","cancel_requested":false,"attempt":0,"created_at":"2026-11-20T12:00:00.000Z"}}"#,
            ids::JobId::generate()
        );
        let event = parse(&format!("id: 3\nevent: progress\ndata: {job}\n\n")).unwrap().unwrap();
        assert_eq!((event.id, event.job.kind.as_str()), (3, "k"));
    }
}
