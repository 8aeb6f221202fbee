//! TLS and HTTP/2 towards clients.

use std::{fs, path::Path, time::Duration};

use reqwest::{Certificate, Client, Version};
use tempfile::TempDir;

use crate::{
    auth::Auth,
    spawn::{Gateway, World},
    upstream::Upstream,
};

/// A certificate that one has just made, and where it lies.
pub(crate) fn certificate(dir: &Path) -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    // Each file is whole at any time, as where a renewal moves it into place.
    for (name, text) in
        [("new-key.pem", made.signing_key.serialize_pem()), ("new-chain.pem", made.cert.pem())]
    {
        fs::write(dir.join(name), text).unwrap();
    }
    fs::rename(dir.join("new-key.pem"), dir.join("key.pem")).unwrap();
    fs::rename(dir.join("new-chain.pem"), dir.join("chain.pem")).unwrap();
    Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

async fn spawn(dir: &TempDir) -> World {
    let (auth, upstream) = (Auth::start(), Upstream::start("one"));
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (chain, key) = (path("chain.pem"), path("key.pem"));
    let gateway = Gateway::start(&[
        ("AUTH_INTERNAL_URL", auth.url.as_str()),
        ("AUTH_SERVICE_URL", &upstream.url),
        ("PREFS_SERVICE_URL", &upstream.url),
        ("GATEWAY__HTTP__TLS__CERTIFICATE_FILE", &chain),
        ("GATEWAY__HTTP__TLS__KEY_FILE", &key),
    ])
    .await;
    World { auth, upstream, gateway }
}

/// Trusts that certificate alone, and keeps no connection.
fn client(trusted: &Certificate) -> reqwest::ClientBuilder {
    Client::builder()
        .tls_certs_only([trusted.clone()])
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(5))
}

fn url(world: &World, what: &str) -> String {
    let port = world.gateway.address.rsplit(':').next().unwrap();
    format!("https://localhost:{port}/api/v1/prefs/{what}")
}

async fn ask(world: &World, client: &Client) -> reqwest::Result<Version> {
    let answer = client.get(url(world, "name")).send().await?;
    let version = answer.version();
    assert_eq!(answer.error_for_status()?.text().await?, "one");
    Ok(version)
}

#[actix_web::test]
async fn clients_speak_tls_and_http2_or_http1_as_they_can() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = certificate(dir.path());
    let world = spawn(&dir).await;
    assert_eq!(ask(&world, &client(&trusted).build().unwrap()).await.unwrap(), Version::HTTP_2);
    let sends = client(&trusted).build().unwrap().post(url(&world, "count"));
    let chunks = ["some", "thing"].map(Ok::<_, std::io::Error>);
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let counted = sends.body(body).send().await.unwrap();
    assert_eq!(
        (counted.version(), counted.text().await.unwrap().as_str()),
        (Version::HTTP_2, "{\"bytes\":9}")
    );
    let old = client(&trusted).http1_only().build().unwrap();
    assert_eq!(ask(&world, &old).await.unwrap(), Version::HTTP_11);
    let stranger = certificate(tempfile::tempdir().unwrap().path());
    assert!(ask(&world, &client(&stranger).build().unwrap()).await.is_err());
    assert!(world.gateway.get("/healthz").send().await.is_err(), "not in clear text");
}

#[actix_web::test]
async fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let first = certificate(dir.path());
    let world = spawn(&dir).await;
    // Each time a new client: one that resumes a session looks at no certificate.
    let shown = async |trusted: &Certificate| ask(&world, &client(trusted).build().unwrap()).await.is_ok();
    assert!(shown(&first).await);
    fs::write(dir.path().join("chain.pem"), "nonsense").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(shown(&first).await);
    let second = certificate(dir.path());
    for turn in 0.. {
        if shown(&second).await {
            break;
        }
        assert!(turn < 60, "the new one is never shown");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert!(!shown(&first).await);
}
