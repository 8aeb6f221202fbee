//! An app that is limited by address, and more tightly where it is costly.
//!
//! `cargo run -p rate-limiter --example limited [redis://127.0.0.1:6379]`, several of them if you
//! like (each takes a free port): they count together. Without a Redis each counts for itself.
#![expect(clippy::print_stdout, reason = "it says where it is")]

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{App, HttpServer, Responder, dev::ServiceRequest, web};
use deadpool_redis::{Config, Runtime};
use rate_limiter::{Count, Limiter, Options, Policy, Quota, RateLimiting};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let pool = Config::from_url(url).create_pool(Some(Runtime::Tokio1))?;
    let limiter = Limiter::new(pool, Options { space: "example".to_owned(), ..Options::default() });
    let ip = Policy::new("ip", Quota::per_minute(30));
    let reports = Policy::new("reports", Quota::per_minute(5).with_burst(2));

    let server = HttpServer::new(move || {
        let (ip, reports) = (ip.clone(), reports.clone());
        App::new()
            .wrap(RateLimiting::new(limiter.clone(), move |request| counts(request, &ip, &reports)))
            .route("/", web::get().to(hello))
            .route("/report", web::get().to(hello))
    })
    .workers(2)
    .bind(("127.0.0.1", 0))?;
    server.addrs().iter().for_each(|address| println!("try curl -i http://{address}/report"));
    Ok(server.run().await?)
}

/// A report counts as ten requests, and against a policy of its own.
fn counts(request: &ServiceRequest, ip: &Policy, reports: &Policy) -> Vec<Count> {
    let client = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    match request.path() {
        "/report" => vec![ip.of_address(client).costing(10), reports.of_address(client)],
        _ => vec![ip.of_address(client)],
    }
}

async fn hello() -> impl Responder {
    "hello\n"
}
