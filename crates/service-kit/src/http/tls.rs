//! TLS on the public listener. A certificate that is renewed is taken up without a restart.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{
    settings::TlsFiles,
    tls::{TlsError, certificates, key},
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate that is shown to whoever connects next.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// When one cannot be read, or the key is not the certificate's.
    pub(super) fn load(files: &TlsFiles) -> io::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = Arc::new(Current(RwLock::new(Arc::new(read(files, &provider)?))));
        Ok(Self { files: files.clone(), provider, current })
    }

    /// What a listener needs.
    ///
    /// # Errors
    /// When rustls has no protocol for what it is given.
    pub(super) fn config(&self) -> io::Result<ServerConfig> {
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let current: Arc<dyn ResolvesServerCert> = Arc::<Current>::clone(&self.current);
        Ok(config.with_no_client_auth().with_cert_resolver(current))
    }

    /// Takes up what is new in the files, again and again. What cannot be used is logged, and
    /// the last one stays.
    pub(super) async fn keep_fresh(&self) {
        let mut refused = None;
        loop {
            tokio::time::sleep(LOOK).await;
            match self.renew() {
                Ok(true) => tracing::info!("a new certificate is shown from now on"),
                Ok(false) => refused = None,
                Err(why) => {
                    let why = why.to_string();
                    if refused.as_ref() != Some(&why) {
                        tracing::warn!(why, "the new certificate cannot be used; the last one stays");
                    }
                    refused = Some(why);
                }
            }
        }
    }

    fn renew(&self) -> io::Result<bool> {
        let found = read(&self.files, &self.provider)?;
        let mut current = self.current.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = found.cert != current.cert;
        if is_new {
            *current = Arc::new(found);
        }
        Ok(is_new)
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> io::Result<CertifiedKey> {
    let chain = certificates(&files.certificate).map_err(io::Error::other)?;
    let key = key(&files.key).map_err(io::Error::other)?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|why| io::Error::other(TlsError::file(&files.key, why)))
}
