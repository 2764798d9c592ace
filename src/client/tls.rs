//! TLS: the trusted roots and the client certificate. The ring provider is passed explicitly, never installed for the
//! whole process.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use zeroize::Zeroizing;

use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::client::settings::{Settings, read_bounded};

/// Certificate files for the client and the server; each overrides the settings.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// The CA that must have issued the build server's certificate.
    pub ca: Option<PathBuf>,
    /// The client certificate, with or without its key.
    pub certificate: Option<PathBuf>,
    /// The client's key.
    pub key: Option<PathBuf>,
}

/// The TLS configuration for the build server: only the CA file is trusted, not the system's roots, and the client
/// sends its certificate.
///
/// All certificates created by IBM's client have the same key identifier. Such certificates are accepted, because key identifiers are not compared.
///
/// # Errors
/// [`Error::Settings`], which names the missing or unusable file.
pub(crate) fn for_build_server(settings: &Settings, files: &TlsFiles, limits: &Limits) -> Result<ClientConfig, Error> {
    check_named(settings, files)?;
    let ca = find(settings, files.ca.as_deref(), &settings.ca, "CA", "--ca")?;
    let certificate =
        find(settings, files.certificate.as_deref(), &settings.certificate, "client certificate", "--cert")?;
    let key = match (&files.key, settings.key.is_empty() || files.certificate.is_some()) {
        (Some(key), _) => key.clone(),
        (None, true) => certificate.clone(),
        (None, false) => find(settings, None, &settings.key, "client key", "--key-file")?,
    };
    let roots = Arc::new(roots(&ca, limits)?);
    let chain = certificates(&certificate, limits)?;
    let private_key = private_key(&key, limits)?;
    let inner = WebPkiServerVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| unusable(&ca, &format!("this CA cannot be used: {error}")))?;
    builder()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AddressVerifier { inner }))
        .with_client_auth_cert(chain, private_key)
        .map_err(|error| unusable(&certificate, &format!("the client certificate and key do not match: {error}")))
}

/// The TLS configuration for all other servers: the system's roots, plus the CA of `extra`. No client certificate is used.
///
/// # Errors
/// [`Error::Settings`] if the CA file cannot be used, [`Error::Network`] if the system has no root certificates.
pub(crate) fn for_public_servers(extra: Option<&Path>, limits: &Limits) -> Result<ClientConfig, Error> {
    let extra = extra.map(|path| certificates(path, limits)).transpose()?.unwrap_or_default();
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider()).map_err(fault)?;
    Ok(builder()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(fault)
}

fn fault(error: rustls::Error) -> Error {
    Error::Network {
        from: "TLS".into(),
        message: format!("cannot be set up: {error}"),
        hint: "check that the system's CA certificates are installed".into(),
    }
}

fn find(
    settings: &Settings,
    named: Option<&Path>,
    candidates: &[PathBuf],
    what: &str,
    flag: &str,
) -> Result<PathBuf, Error> {
    if let Some(path) = named {
        return Ok(path.to_path_buf());
    }
    candidates.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let tried: Vec<String> = candidates.iter().map(|path| slashed(path)).collect();
        Error::Settings {
            path: slashed(&settings.path),
            message: format!("no {what} found; looked for {}; specify it with {flag}", tried.join(", ")),
        }
    })
}

fn unnamed(settings: &Settings, what: &str, flags: &str) -> Error {
    let message = format!("the settings specify no {what}: use {flags}");
    Error::Settings { path: slashed(&settings.path), message }
}

/// Checks that the settings and flags together specify every required file. Whether the files exist is not checked.
///
/// # Errors
/// [`Error::Settings`], which names every missing flag.
pub(crate) fn check_named(settings: &Settings, files: &TlsFiles) -> Result<(), Error> {
    let no_ca = files.ca.is_none() && settings.ca.is_empty();
    let no_certificate = files.certificate.is_none() && settings.certificate.is_empty();
    match (no_ca, no_certificate) {
        (false, false) => Ok(()),
        (true, false) => Err(unnamed(settings, "CA", "--ca")),
        (false, true) => Err(unnamed(settings, "client certificate", "--cert")),
        (true, true) => Err(unnamed(settings, "CA and no client certificate", "--ca and --cert")),
    }
}

fn unusable(path: &Path, message: &str) -> Error {
    Error::Settings { path: slashed(path), message: message.into() }
}

fn certificates(path: &Path, limits: &Limits) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read_bounded(path, limits.tls_file_bytes())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unusable(path, "expected a certificate in PEM (BEGIN CERTIFICATE), found none")),
        Err(_) => Err(unusable(path, "expected certificates in PEM, found malformed PEM")),
    }
}

fn roots(path: &Path, limits: &Limits) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, limits)? {
        roots.add(certificate).map_err(|error| unusable(path, &format!("this CA cannot be used: {error}")))?;
    }
    Ok(roots)
}

fn private_key(path: &Path, limits: &Limits) -> Result<PrivateKeyDer<'static>, Error> {
    let bytes: Zeroizing<Vec<u8>> = read_bounded(path, limits.tls_file_bytes())?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let encrypted = bytes.windows(9).any(|window| window == b"ENCRYPTED");
        let message = if encrypted {
            "the private key is encrypted with a passphrase, which is not supported: use a copy without a passphrase and delete that copy afterwards"
        } else {
            "expected a private key in PEM (BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY), found none"
        };
        unusable(path, message)
    })
}

/// Verifies as webpki does, with one addition: IBM's client writes an address into the certificate as `DNS:192.0.2.1`
/// (the only SAN form that it uses), although X.509 has a separate form for addresses. If a server is specified by
/// address, such a name matches if its text is exactly that address. webpki always checks the chain, dates and usage.
#[derive(Debug)]
struct AddressVerifier {
    inner: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for AddressVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let Err(rustls::Error::InvalidCertificate(fault)) = &verified else { return verified };
        // webpki checks the name last, when everything else is already known to be valid.
        let only_the_name =
            matches!(fault, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. });
        match server_name {
            ServerName::IpAddress(address) if only_the_name && names_address(end_entity, (*address).into()) => {
                Ok(ServerCertVerified::assertion())
            }
            _ => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn names_address(certificate: &CertificateDer<'_>, address: IpAddr) -> bool {
    let Ok(certificate) = x509_cert::Certificate::from_der(certificate) else { return false };
    let Ok(Some((_, names))) = certificate.tbs_certificate().get_extension::<SubjectAltName>() else { return false };
    let text = address.to_string();
    names.0.iter().any(|name| matches!(name, GeneralName::DnsName(dns) if dns.as_str() == text))
}
