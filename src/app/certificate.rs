//! The server's certificate: read at the start, and again whenever the operator says that it is
//! another. Connections that are there already keep theirs.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, ServerConfig};

use crate::settings::TlsFiles;

/// A certificate or its key cannot be used. Its text is one line that names the setting.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {path} {wrong}")]
pub struct BadCertificate {
    setting: &'static str,
    path: String,
    wrong: String,
}

/// The certificate that is shown to whoever connects.
pub struct Certificate {
    files: TlsFiles,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads it.
    pub fn load(files: TlsFiles) -> Result<Arc<Certificate>, BadCertificate> {
        let shown = RwLock::new(Arc::new(read(&files)?));
        Ok(Arc::new(Certificate { files, shown }))
    }

    /// Reads it again. When it cannot be used, the old one stays.
    pub fn reload(&self) -> Result<(), BadCertificate> {
        let new = Arc::new(read(&self.files)?);
        *self.shown.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = new;
        Ok(())
    }

    /// TLS that shows it. HTTP/1.1 only: the server's bounds are on connections, and on one of
    /// HTTP/2 the web server here allows any number of requests at a time.
    pub fn config(self: &Arc<Self>) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("invariant: the provider knows both versions")
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone())
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, BadCertificate> {
    let bad = |setting, path: &Path, wrong: String| BadCertificate {
        setting,
        path: path.display().to_string(),
        wrong,
    };
    let bad_chain = |wrong| bad("tls_cert", &files.certificate, wrong);
    let bad_key = |wrong| bad("tls_key", &files.key, wrong);
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");

    let pem = std::fs::read(&files.certificate).map_err(unreadable).map_err(bad_chain)?;
    let chain: Result<Vec<CertificateDer>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
        bad_chain("is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----".into())
    })?;
    let pem = std::fs::read(&files.key).map_err(unreadable).map_err(bad_key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| bad_key("is not a private key in PEM, or is one with a passphrase".into()))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(_) => {
            let certificate = files.certificate.display();
            bad_key(format!("is not the key of the first certificate in {certificate} (tls_cert)"))
        }
        error => bad_chain(format!("cannot be used with the key of tls_key: {error}")),
    })
}
