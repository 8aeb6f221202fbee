//! TLS towards others: whom we trust, and what we show.

use std::{fmt, path::Path, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::settings::TlsFiles;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or what stands in it cannot be used.
    #[error("{0}")]
    File(String),
    /// rustls refuses what it is given.
    #[error("TLS cannot be set up")]
    Refused(#[from] rustls::Error),
}

impl TlsError {
    pub(crate) fn file(path: &Path, why: impl fmt::Display) -> Self {
        Self::File(format!("{}: {why}", path.display()))
    }
}

/// Trusts the system's authorities and those in the PEM file `authority`; shows `own`, a
/// certificate and its key, to whom asks for one.
///
/// # Errors
/// When a file cannot be used, or the system has no authorities and none is given.
pub fn client(authority: Option<&Path>, own: Option<&TlsFiles>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = match authority {
        Some(path) => Verifier::new_with_extra_roots(certificates(path)?, Arc::clone(&provider))?,
        None => Verifier::new(Arc::clone(&provider))?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // The name of rustls' door for verifiers; this one is the system's.
        .with_custom_certificate_verifier(Arc::new(verifier));
    match own {
        Some(own) => Ok(config.with_client_auth_cert(certificates(&own.certificate)?, key(&own.key)?)?),
        None => Ok(config.with_no_client_auth()),
    }
}

/// The certificates in a PEM file, of which there is at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|why| TlsError::file(path, why))?;
    if found.is_empty() {
        return Err(TlsError::file(path, "there is no certificate in it"));
    }
    Ok(found)
}

/// The private key in a PEM file.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|why| TlsError::file(path, why))
}
