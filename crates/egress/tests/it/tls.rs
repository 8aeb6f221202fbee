use std::sync::Arc;

use egress::{Egress, EgressError, Options};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, date_time_ymd};
use reqwest::Certificate;
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::{Names, PUBLIC, get, policy, server::OK};

/// An authority that the callers of these tests trust.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn egress(&self) -> Egress {
        let authorities = vec![Certificate::from_der(self.0.der()).unwrap()];
        let lookup = Names::of(&[("hook.test", &[&[PUBLIC]])]);
        Egress::new(Options { policy: policy(), authorities, lookup, ..Options::default() }).unwrap()
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// A host that answers any request over TLS.
async fn serve(params: CertificateParams, issuer: Option<&Issuer<'static, KeyPair>>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.unwrap().der().clone()], key)
        .unwrap();
    let (listener, acceptor) =
        (TcpListener::bind((PUBLIC, 0)).await.unwrap(), TlsAcceptor::from(Arc::new(config)));
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Tolerated: who does not trust it goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(OK.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

fn is_tls(outcome: &Result<egress::Answer, EgressError>) -> bool {
    matches!(outcome, Err(EgressError::Tls(_)))
}

#[tokio::test]
async fn a_host_with_a_certificate_of_its_name_is_called() {
    let authority = Authority::new();
    let port = serve(params("hook.test"), Some(&authority.0)).await;
    let answer = authority.egress().send(get(&format!("https://hook.test:{port}/"))).await.unwrap();
    assert_eq!(answer.body.as_ref(), b"ok");
}

#[tokio::test]
async fn a_certificate_that_is_not_to_be_trusted_ends_the_call() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut old = params("hook.test");
    (old.not_before, old.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    for (what, params, issuer) in [
        ("another name", params("other.test"), Some(&authority)),
        ("another authority", params("hook.test"), Some(&stranger)),
        ("its own authority", params("hook.test"), None),
        ("out of date", old, Some(&authority)),
    ] {
        let port = serve(params, issuer.map(|issuer| &*issuer.0)).await;
        let outcome = authority.egress().send(get(&format!("https://hook.test:{port}/"))).await;
        assert!(is_tls(&outcome), "{what}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_gets_no_request() {
    let listener = TcpListener::bind((PUBLIC, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut heard = Vec::new();
        // Tolerated: the caller goes away in its own manner.
        let _ = stream.read_to_end(&mut heard).await;
        heard
    });
    let outcome = Authority::new().egress().send(get(&format!("https://hook.test:{port}/"))).await;
    assert!(is_tls(&outcome), "{outcome:?}");
    assert!(!heard.await.unwrap().windows(3).any(|part| part == b"GET"));
}
