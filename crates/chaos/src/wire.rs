//! HTTP/1.1 as it is on the wire: a message that breaks off is never taken for a whole one.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    /// Whole lines, each with its end.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

/// The first line and the headers of a message.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) first: String,
    headers: Vec<(String, String)>,
}

/// A connection of which one side reads messages.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: BufReader<S>,
}

impl Request {
    pub(crate) fn get(target: &str) -> Self {
        Self { method: "GET", target: target.to_owned(), headers: String::new(), body: Vec::new() }
    }

    pub(crate) fn post(target: &str, body: Vec<u8>) -> Self {
        Self { method: "POST", target: target.to_owned(), headers: String::new(), body }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// As it is sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { method, target, headers, body } = self;
        let length = match body.len() {
            0 => String::new(),
            length => format!("content-length: {length}\r\n"),
        };
        let head = format!("{method} {target} HTTP/1.1\r\nhost: chaos\r\n{headers}{length}\r\n");
        [head.as_bytes(), body].concat()
    }
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A word of the first line, counted from 0.
    pub(crate) fn word(&self, place: usize) -> &str {
        self.first.split(' ').nth(place).unwrap_or_default()
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next message's head; `None` when the other side has closed in its place.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        let Some(first) = self.line().await? else { return Ok(None) };
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
                None if line.is_empty() => return Ok(Some(Head { first, headers })),
                None => return Err(io::Error::other(format!("no header: {line}"))),
            }
        }
    }

    /// All of a body, as its head frames it.
    pub(crate) async fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if head.is_chunked() {
            while let Some(chunk) = self.chunk().await? {
                body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = head.header("content-length") {
            body.resize(length.parse().map_err(io::Error::other)?, 0);
            self.stream.read_exact(&mut body).await?;
        }
        Ok(body)
    }

    /// A chunk of a chunked body; `None` at its proper end.
    pub(crate) async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length + 2];
        self.stream.read_exact(&mut chunk).await?;
        if !chunk.ends_with(b"\r\n") {
            return Err(io::Error::other("a chunk without an end"));
        }
        chunk.truncate(length);
        Ok((length > 0).then_some(chunk))
    }

    /// A line without its end; `None` when there is none.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let whole = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Some(whole.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one side reads of what the other has sent before it closed.
    async fn read(text: &str) -> io::Result<Vec<u8>> {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(text.as_bytes()).await?;
        drop(theirs);
        let mut wire = Wire::new(ours);
        let head = wire.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        wire.body(&head).await
    }

    #[tokio::test]
    async fn a_whole_body_is_read_in_both_framings() {
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        for text in [sized, chunked] {
            assert_eq!(read(text).await.unwrap(), b"hello");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_anywhere_is_no_body() {
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        for text in [sized, chunked] {
            for length in 0..text.len() {
                assert!(read(&text[..length]).await.is_err(), "{:?}", &text[..length]);
            }
        }
    }
}
