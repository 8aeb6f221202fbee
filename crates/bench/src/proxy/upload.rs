//! What a large upload takes of the gateway's memory.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use futures_util::StreamExt;
use service_discovery::Service;
use service_kit::http::Routes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    plinth::{Plinth, memory},
    report::{Report, Target},
    served::{no_routes, serve},
    servers::Servers,
};

const SIZE: usize = 1 << 30;
const SMALL: usize = 1 << 20;
const CHUNK: usize = 64 * 1024;
const MEBIBYTE: f64 = 1024.0;

/// Mebibytes.
const MOST: f64 = 16.0;

pub(super) async fn measure(plinth: &Plinth, servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing("an upload of 1 GiB");
    let routes: Routes = Arc::new(|config| {
        config.route("/api/v1/prefs/upload", web::put().to(count));
    });
    let behind = serve(Service::Prefs, routes, no_routes())?;
    let size = SIZE.to_string();
    let variables = [("PREFS_SERVICE_URL", behind.public.as_str()), ("GATEWAY__MAX_BODY_BYTES", &size)];
    let (program, url) = plinth.another(servers, Service::Gateway, &variables).await?;
    // What its first request takes, of code above all, is none of the upload's.
    upload(&url, SMALL).await?;
    let before = memory(program.pid(), "VmRSS:")?;
    let answer = upload(&url, SIZE).await?;
    anyhow::ensure!(answer.contains(&size), "not all of it arrived: {answer}");
    let grown = (memory(program.pid(), "VmHWM:")? - before) / MEBIBYTE;
    let wanted = ("what is allowed", MOST);
    report.compared("proxy: memory for an upload of 1 GiB", grown, "MiB", wanted, Target::AtMost(1.0));
    Ok(())
}

async fn count(mut payload: web::Payload) -> HttpResponse {
    let mut bytes = 0;
    while let Some(Ok(chunk)) = payload.next().await {
        bytes += chunk.len();
    }
    HttpResponse::Ok().body(bytes.to_string())
}

async fn upload(url: &str, size: usize) -> anyhow::Result<String> {
    let authority = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority).await?;
    let head = format!(
        "PUT /api/v1/prefs/upload HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let chunk = vec![0; CHUNK];
    for _ in 0..size / CHUNK {
        stream.write_all(&chunk).await?;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
