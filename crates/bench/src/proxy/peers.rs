//! nginx and HAProxy as one sets them up for this, and the upstream behind all.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use local_servers::port;
use tokio::net::TcpStream;

use super::{Contender, HAPROXY, NGINX};
use crate::plinth::Program;

/// Answers with 119 bytes, and with 64 KiB.
pub(super) async fn upstream(dir: &Path) -> anyhow::Result<Contender> {
    let root = dir.join("files/api/v1/prefs");
    fs::create_dir_all(&root)?;
    fs::write(root.join("small"), "x".repeat(119))?;
    fs::write(root.join("large"), "x".repeat(64 * 1024))?;
    let files = dir.join("files");
    let server = format!(
        "root {}; default_type application/octet-stream; open_file_cache max=10; sendfile on; tcp_nopush on;",
        files.display()
    );
    let (program, url) = start_nginx(dir, "upstream", 1, &server, "").await?;
    Ok(Contender { name: "upstream", url, program, token: None })
}

/// A proxy that keeps its connections to the upstream.
pub(super) async fn nginx(dir: &Path, upstream: &str) -> anyhow::Result<Contender> {
    let address = upstream.trim_start_matches("http://");
    let pool = format!("upstream behind {{ server {address}; keepalive 512; keepalive_requests 10000000; }}");
    let server =
        "location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ''; }";
    let (program, url) = start_nginx(dir, "nginx", 2, server, &pool).await?;
    Ok(Contender { name: NGINX, url, program, token: None })
}

async fn start_nginx(
    dir: &Path,
    name: &str,
    workers: usize,
    server: &str,
    more: &str,
) -> anyhow::Result<(Program, String)> {
    let (home, port) = (dir.join(name), port::free()?);
    fs::create_dir_all(&home)?;
    let home = home.display();
    let config = format!(
        "daemon off; worker_processes {workers}; pid {home}/pid; error_log {home}/error.log;
         events {{ worker_connections 8192; }}
         http {{
             access_log off; keepalive_requests 10000000; keepalive_timeout 600; tcp_nodelay on;
             client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
             uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
             {more}
             server {{ listen 127.0.0.1:{port} backlog=4096; {server} }}
         }}"
    );
    let file = format!("{home}/nginx.conf");
    fs::write(&file, config)?;
    let errors = format!("{home}/error.log");
    let as_told = ["-e", &errors, "-c", &file];
    let mut stop = command("nginx", &as_told);
    stop.args(["-s", "stop"]);
    let program = start("nginx", &as_told)?.stopped_by(stop);
    listening(port).await.with_context(|| format!("nginx does not listen: see {home}/error.log"))?;
    Ok((program, format!("http://127.0.0.1:{port}")))
}

/// A proxy on as many threads as there are cores.
pub(super) async fn haproxy(dir: &Path, upstream: &str) -> anyhow::Result<Contender> {
    let (address, port) = (upstream.trim_start_matches("http://"), port::free()?);
    let config = format!(
        "global
             maxconn 8192
         defaults
             mode http
             timeout connect 5s
             timeout client 600s
             timeout server 600s
             http-reuse always
         frontend door
             bind 127.0.0.1:{port} backlog 4096
             default_backend behind
         backend behind
             server one {address} pool-max-conn -1\n"
    );
    let file = dir.join("haproxy.cfg");
    fs::write(&file, config)?;
    let program = start("haproxy", &["-db", "-f", &file.display().to_string()])?;
    listening(port).await.context("HAProxy does not listen")?;
    Ok(Contender { name: HAPROXY, url: format!("http://127.0.0.1:{port}"), program, token: None })
}

fn start(name: &str, args: &[&str]) -> anyhow::Result<Program> {
    Program::spawn(&mut command(name, args))
        .with_context(|| format!("{name} is missing: install it, or leave it out by --without {name}"))
}

/// Debian has servers where only root's path leads.
fn command(name: &str, args: &[&str]) -> Command {
    let place = format!("/usr/sbin/{name}");
    let mut command = Command::new(if Path::new(&place).exists() { &place } else { name });
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

async fn listening(port: u16) -> anyhow::Result<()> {
    for _ in 0..100 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("nothing on port {port} after 5 s")
}
