//! A client that costs next to nothing: what it computes is taken from the cores that are
//! measured.

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

/// One connection, kept, that sends the same request again and again.
pub(crate) struct Wire {
    stream: BufStream<TcpStream>,
    request: Vec<u8>,
}

impl Wire {
    /// To `url` (`http://host:port`), for a POST of this JSON with one more header line.
    pub(crate) async fn post(url: &str, path: &str, header: &str, json: &str) -> anyhow::Result<Self> {
        let authority = url.strip_prefix("http://").context("not http://")?;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\n{header}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{json}",
            json.len()
        );
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufStream::new(stream), request: request.into_bytes() })
    }

    /// Sends it, and reads an answer that must be a 200 of a known length.
    pub(crate) async fn send(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.request).await?;
        self.stream.flush().await?;
        let status = self.line().await?;
        let mut length = None;
        loop {
            let line = self.line().await?;
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse()?);
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length.context("an answer of unknown length")?];
        self.stream.read_exact(&mut body).await?;
        anyhow::ensure!(status.contains(" 200 "), "{status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        anyhow::ensure!(self.stream.read_line(&mut line).await? > 0, "the connection was closed");
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
