//! Certificates, and receivers that speak TLS with them.

use std::io::Write;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use super::raw;

/// A private certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    /// Its certificate.
    pub pem: String,
}

/// A certificate and its key.
pub struct Identity {
    der: CertificateDer<'static>,
    key: KeyPair,
    pem: String,
}

fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| host.to_string()).collect();
    let mut params = CertificateParams::new(hosts).expect("hosts");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn during(mut params: CertificateParams, years: Option<(i32, i32)>) -> CertificateParams {
    if let Some((from, to)) = years {
        params.not_before = date_time_ymd(from, 6, 15);
        params.not_after = date_time_ymd(to, 6, 15);
    }
    params
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Self { issuer: Issuer::new(params, key), der, pem }
    }

    /// Signs a certificate for these hosts; valid from the summer of one year to that of another, if
    /// it is not to be valid now.
    pub fn sign(&self, hosts: &[&str], years: Option<(i32, i32)>) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = during(params("somebody", hosts), years);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity { der: certificate.der().clone(), pem: certificate.pem(), key }
    }
}

impl Identity {
    /// Signed by nobody but itself.
    pub fn self_signed(hosts: &[&str]) -> Self {
        Self::signs_itself(params("itself", hosts))
    }

    /// Signed by nobody but itself, and an authority: as `openssl req -x509` makes them.
    pub fn self_signed_authority(hosts: &[&str], years: Option<(i32, i32)>) -> Self {
        let mut params = during(params("itself", hosts), years);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::signs_itself(params)
    }

    fn signs_itself(params: CertificateParams) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { der: certificate.der().clone(), pem: certificate.pem(), key }
    }

    /// The certificate alone.
    pub fn certificate(&self) -> &str {
        &self.pem
    }

    /// The key alone.
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }

    /// Certificate and key, as an integration has them.
    pub fn pem(&self) -> String {
        format!("{}{}", self.pem, self.key.serialize_pem())
    }
}

/// A receiver that shows this certificate, and asks for one that `clients` signed. Answers 200. Its
/// port.
pub fn receiver(identity: &Identity, clients: Option<&Authority>) -> u16 {
    receiver_speaking(rustls::ALL_VERSIONS, identity, clients)
}

/// The same, with these versions of TLS.
pub fn receiver_speaking(
    versions: &[&'static SupportedProtocolVersion],
    identity: &Identity,
    clients: Option<&Authority>,
) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).expect("a key");
    let config = builder.with_single_cert(vec![identity.der.clone()], key).expect("a certificate");
    let config = Arc::new(config);
    raw::listen(move |stream| {
        let connection = ServerConnection::new(config.clone()).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        if raw::read_request(&mut stream).is_ok() {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            let _ = stream.write_all(answer);
            stream.conn.send_close_notify();
        }
        let _ = stream.flush();
    })
}
