use std::{collections::VecDeque, time::Duration};

use reqwest::{Method, Response};
use service_discovery::CallError;

use crate::{Client, Notice, State, routes};

/// How long one connection may last: as good as for ever.
const WATCHING: Duration = Duration::from_secs(24 * 60 * 60);

/// What prefs tells somebody who watches their preferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// How all documents stand: the first of a stream that goes on behind no event.
    State(State),
    /// A document is another one.
    Changed(Notice),
}

/// The news, as they come (`text/event-stream`, HTML Living Standard section 9.2).
#[derive(Debug)]
pub struct Watching {
    response: Response,
    unread: Vec<u8>,
    ready: VecDeque<(Option<String>, News)>,
    last: Option<String>,
}

impl Client {
    /// Watches the caller's preferences, behind the event with the id `last` if there is one.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn watch(&self, token: &str, last: Option<&str>) -> Result<Watching, CallError> {
        let request = self.request(Method::GET, routes::EVENTS, token).timeout(WATCHING);
        let request = match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        let response = self.peer.send(request).await?;
        let last = last.map(str::to_owned);
        Ok(Watching { response, unread: Vec::new(), ready: VecDeque::new(), last })
    }
}

impl Watching {
    /// The next one; `None` once the stream has ended.
    ///
    /// # Errors
    /// When the connection breaks, or says what no contract describes.
    pub async fn next(&mut self) -> Result<Option<News>, CallError> {
        while self.ready.is_empty() {
            match self.response.chunk().await.map_err(CallError::Transport)? {
                Some(bytes) => self.read(&bytes)?,
                None => return Ok(None),
            }
        }
        Ok(self.ready.pop_front().map(|(id, news)| {
            self.last = id.or_else(|| self.last.take());
            news
        }))
    }

    /// Where to go on with the next connection: `Last-Event-ID`.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
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

/// The event of one block of lines, with its id; `None` for a comment.
fn parse(block: &str) -> Result<Option<(Option<String>, News)>, CallError> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let (Some(event), Some(data)) = (field("event"), field("data")) else { return Ok(None) };
    let unreadable = |source| CallError::Unreadable { status: 200, source: Some(source) };
    let news = match event {
        "state" => News::State(serde_json::from_str(data).map_err(unreadable)?),
        "changed" => News::Changed(serde_json::from_str(data).map_err(unreadable)?),
        _ => return Ok(None),
    };
    Ok(Some((field("id").map(str::to_owned), news)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_what_is_unknown_are_no_news() {
        for block in [":\n\n", "retry: 1000\n\n", "event: later\ndata: {}\n\n"] {
            assert_eq!(parse(block).unwrap(), None);
        }
        assert!(parse("event: changed\ndata: {}\n\n").is_err());
    }

    #[test]
    fn a_notice_may_bear_an_id() {
        let data = r#"{"namespace":"a","etag":"\"1.0.2\""}"#;
        let notice = Notice { namespace: "a".parse().unwrap(), etag: "\"1.0.2\"".to_owned() };
        let bare = parse(&format!("event: changed\ndata: {data}\n\n")).unwrap();
        assert_eq!(bare, Some((None, News::Changed(notice.clone()))));
        let with_id = parse(&format!("id: 7:9:\nevent: changed\ndata: {data}\n\n")).unwrap();
        assert_eq!(with_id, Some((Some("7:9:".to_owned()), News::Changed(notice))));
    }
}
