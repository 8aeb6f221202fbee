//! TLS towards services: whom the gateway trusts, and what it shows.

use std::{fs, net::TcpListener, path::Path, sync::Arc, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, web};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use service_kit::settings::{Http, TlsFiles};

pub(crate) use crate::upstream::Upstream as Served;
use crate::{
    balancing::metric,
    spawn::{problem, spawn_with},
    tls::certificate,
};

/// A certificate that was just made, for `localhost`, which is its own authority.
pub(crate) fn tls_files(dir: &Path) -> TlsFiles {
    certificate(dir);
    TlsFiles { certificate: dir.join("chain.pem"), key: dir.join("key.pem") }
}

/// Listeners as our services have them.
pub(crate) fn listeners(tls: Option<TlsFiles>, http2: bool) -> Http {
    let (anywhere, brief) = (([127, 0, 0, 1], 0).into(), Duration::ZERO);
    Http { bind: anywhere, internal_bind: anywhere, workers: 1, drain: brief, grace: brief, tls, http2 }
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).display().to_string()
}

#[actix_web::test]
async fn a_service_behind_tls_is_reached_asked_whether_it_is_ready_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::served("one", &listeners(Some(tls_files(dir.path())), false));
    let world = spawn_with(&[
        ("AUTH_SERVICE_URL", &served.url),
        ("PREFS_SERVICE_URL", &served.url),
        ("PLINTH_CA_FILE", &path(dir.path(), "chain.pem")),
        ("GATEWAY__HEALTH__INTERVAL_MS", "50"),
    ])
    .await;
    let name = world.gateway.get("/api/v1/prefs/name").send().await.unwrap();
    assert_eq!(name.text().await.unwrap(), "one");
    assert_eq!(world.gateway.get("/status").send().await.unwrap().status(), 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(metric(&world.gateway, "gateway_instances_up").await, 1, "of each");
}

#[actix_web::test]
async fn only_a_service_of_the_right_name_and_authority_is_called() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let served = Served::served("one", &listeners(Some(tls_files(dir.path())), false));
    let by_address = served.url.replace("localhost", "127.0.0.1");
    certificate(other.path());
    let (its, anothers) = (path(dir.path(), "chain.pem"), path(other.path(), "chain.pem"));
    for (url, authority) in [(&served.url, &anothers), (&by_address, &its)] {
        let world = spawn_with(&[("PREFS_SERVICE_URL", url), ("PLINTH_CA_FILE", authority)]).await;
        let down = (503, "upstream_unavailable".to_owned());
        assert_eq!(problem(world.gateway.get("/api/v1/prefs")).await, down, "{url}");
    }
    assert!(served.seen().is_empty());
}

/// A service that lets in whom `trusted` (PEM) names, and nobody else.
fn asking_who_calls(own: &TlsFiles, trusted: &Path) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&own.certificate).unwrap()],
            PrivateKeyDer::from_pem_file(&own.key).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let server = HttpServer::new(|| {
        App::new().default_service(web::to(|| std::future::ready(HttpResponse::Ok().finish())))
    });
    let server = server.workers(1).disable_signals().shutdown_timeout(0);
    actix_web::rt::spawn(server.listen_rustls_0_23(listener, config).unwrap().run());
    url
}

#[actix_web::test]
async fn the_gateway_shows_its_certificate_and_a_new_one_without_a_restart() {
    let [service, known, shown] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let own = tls_files(service.path());
    let (known_files, shown_files) = (tls_files(known.path()), tls_files(shown.path()));
    let world = spawn_with(&[
        ("PREFS_SERVICE_URL", &asking_who_calls(&own, &known_files.certificate)),
        ("PLINTH_CA_FILE", &path(service.path(), "chain.pem")),
        ("GATEWAY__SERVICES_TLS__CERTIFICATE_FILE", &path(shown.path(), "chain.pem")),
        ("GATEWAY__SERVICES_TLS__KEY_FILE", &path(shown.path(), "key.pem")),
    ])
    .await;
    let status = async || world.gateway.get("/api/v1/prefs").send().await.unwrap().status().as_u16();
    assert!(status().await >= 500, "nobody knows the gateway");
    for (from, to) in
        [(&known_files.key, &shown_files.key), (&known_files.certificate, &shown_files.certificate)]
    {
        fs::copy(from, to).unwrap();
    }
    for turn in 0.. {
        if status().await == 200 {
            break;
        }
        assert!(turn < 80, "the new one is never shown");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
