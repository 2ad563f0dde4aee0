//! TLS to a hook, as its integration asks: which certificates are good, and which is shown.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use super::progress::Progress;
use crate::model::IntegrationSpec;

/// The most bytes of a certificate or a chain of them, in PEM.
const PEM_BYTES_MAX: usize = 64 << 10;

/// A certificate of an integration cannot be used: where (a JSON pointer), and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {wrong}")]
pub struct BadCertificate {
    /// Which one.
    pub pointer: &'static str,
    /// What is wrong with it, and what to do. Never any of it.
    pub wrong: String,
}

/// The certificate is signed by nobody but itself, and is none of the integration's own.
#[derive(Debug, thiserror::Error)]
#[error("self-signed")]
pub struct SelfSigned;

/// TLS as `spec` asks; also the check of its certificates.
pub fn config(spec: &IntegrationSpec) -> Result<Arc<ClientConfig>, BadCertificate> {
    if spec.validate_certificate
        && spec.ca_certificate.is_none()
        && spec.client_certificate.is_none()
    {
        static DEFAULT: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        let verifier = || Arc::new(Trust::roots(system_roots().clone(), Vec::new()));
        let config = DEFAULT.get_or_init(|| Arc::new(anonymous(verifier())));
        return Ok(config.clone());
    }
    let mut roots = system_roots().clone();
    let own = match &spec.ca_certificate {
        None => Vec::new(),
        Some(pem) => add_authorities(&mut roots, pem)
            .map_err(|wrong| BadCertificate { pointer: "/ca_certificate", wrong })?,
    };
    let verifier: Arc<dyn ServerCertVerifier> = if spec.validate_certificate {
        Arc::new(Trust::roots(roots, own))
    } else {
        Arc::new(Trust::Everybody)
    };
    let config = match &spec.client_certificate {
        None => anonymous(verifier),
        Some(pem) => identified(verifier, pem)
            .map_err(|wrong| BadCertificate { pointer: "/client_certificate", wrong })?,
    };
    Ok(Arc::new(config))
}

fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider()))
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(verifier: Arc<dyn ServerCertVerifier>) -> Builder {
    ClientConfig::builder_with_provider(provider().clone())
        .with_safe_default_protocol_versions()
        .expect("invariant: the provider knows the default versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
}

fn anonymous(verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    builder(verifier).with_client_cert_resolver(Arc::new(NoCertificate))
}

fn identified(verifier: Arc<dyn ServerCertVerifier>, pem: &str) -> Result<ClientConfig, String> {
    let chain = certificates(pem)?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        "has no private key after the certificate, or one with a passphrase; append it as PEM"
            .to_owned()
    })?;
    builder(verifier).with_client_auth_cert(chain, key).map_err(|error| match error {
        Error::InconsistentKeys(_) => "has a private key that is not the certificate's; the \
             client's own certificate comes first, then its chain, then the key"
            .to_owned(),
        error => format!("cannot be used ({error})"),
    })
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    if pem.len() > PEM_BYTES_MAX {
        return Err(format!("has {} bytes; at most {PEM_BYTES_MAX}", pem.len()));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err("is not PEM; it begins with -----BEGIN CERTIFICATE-----".to_owned()),
    }
}

/// Adds the certificates of `pem` to `roots`; what they are.
fn add_authorities(
    roots: &mut RootCertStore,
    pem: &str,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = certificates(pem)?;
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("has a certificate that cannot be read ({error})"))?;
    }
    Ok(certificates)
}

/// The system's root certificates, read once.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            log::warn!("some of the system's root certificates cannot be read: {error}");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            log::warn!("this system has no root certificates: every https hook will be refused");
        }
        roots
    })
}

/// Shows no certificate, and notes when one was asked for.
#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Progress::note(|progress| progress.lacked_certificate.set(true));
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Whose certificates pass.
#[derive(Debug)]
enum Trust {
    /// Everybody's (`validate_certificate: false`).
    Everybody,
    /// Those that lead to a root, and the integration's own. Tells self-signed ones from those of
    /// issuers that it does not know.
    Roots {
        /// None when there are no roots at all.
        verifier: Option<Arc<WebPkiServerVerifier>>,
        /// The certificates of `ca_certificate`, which are among the roots as well.
        own: Vec<CertificateDer<'static>>,
    },
}

impl Trust {
    fn roots(roots: RootCertStore, own: Vec<CertificateDer<'static>>) -> Self {
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider().clone());
        Self::Roots { verifier: builder.build().ok(), own }
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}

/// Whether the only fault is that an authority's certificate stands in place of a server's, as openssl
/// makes them when it is asked for a self-signed one. That it is valid today was seen to before.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Roots { verifier, own } = self else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = match verifier {
            Some(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        match verified {
            Err(error) if is_authority(&error) && own.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            // A bad signature is one that does not fit another certificate of the same name.
            Err(Error::InvalidCertificate(
                CertificateError::UnknownIssuer
                | CertificateError::BadSignature
                | CertificateError::Other(_),
            )) if is_self_signed(end_entity) => {
                Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
