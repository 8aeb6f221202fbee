use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode, header::HeaderMap};
use url::Url;

use crate::EgressError;

/// How much of an answer's body is wanted, bytes as they are sent: nothing is decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many, and what comes after them is not read.
    First(usize),
    /// All of it; it is an error if there are more than these.
    All(usize),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whatever it is: a 500 is an answer, too.
    pub status: StatusCode,
    /// As they were sent.
    pub headers: HeaderMap,
    /// As much as was wanted.
    pub body: Bytes,
    /// Whether there was more than that.
    pub is_cut: bool,
    /// Where it is from: another URL than was called after a redirect.
    pub url: Url,
}

impl Answer {
    /// Reads the body, and no further than is wanted. More is not known of: the connection ends.
    pub(crate) async fn read(mut response: Response, url: Url, keep: Keep) -> Result<Self, EgressError> {
        let (Keep::First(most) | Keep::All(most)) = keep;
        let (mut body, mut is_cut) = (BytesMut::new(), false);
        while let Some(chunk) = response.chunk().await.map_err(EgressError::of)? {
            let room = most - body.len();
            is_cut = chunk.len() > room;
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if is_cut {
                break;
            }
        }
        if is_cut && keep == Keep::All(most) {
            return Err(EgressError::TooLarge(most));
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Self { status, headers, body: body.freeze(), is_cut, url })
    }
}
