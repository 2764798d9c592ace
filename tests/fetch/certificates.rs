//! Certificates like those of IBM's client (client_certificate.py, cicd/openssl.py), made here by openssl: RSA-2048, SHA-256, and for all
//! certificates the same key identifier, the SHA-1 of an empty input.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const SAME_IDENTIFIER: &str = "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09";

/// Runs a tool that must be installed. A test fails if its tool is missing.
pub fn tool(name: &str, arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new(name).args(arguments).output().unwrap_or_else(|error| panic!("{name} is needed: {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub struct Certificates {
    pub folder: PathBuf,
}

impl Certificates {
    /// One set of certificates for all tests of this process.
    pub fn get() -> &'static Self {
        static SET: OnceLock<Certificates> = OnceLock::new();
        SET.get_or_init(|| {
            let folder = std::env::temp_dir().join(format!("hpsb-audit-certificates-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            let set = Self { folder };
            set.authority("ca");
            set.authority("other-ca");
            set.leaf("server", "ca", "DNS:sbs.example.com", "365");
            set.leaf("address", "ca", "DNS:127.0.0.1", "365");
            set.leaf("workshop", "ca", "DNS:127.0.0.1:443,IP:127.0.0.1", "365");
            set.leaf("stranger", "ca", "DNS:other.example.com", "365");
            set.leaf("foreign", "other-ca", "DNS:sbs.example.com", "365");
            set.leaf("client", "ca", "", "365");
            set.leaf("foreign-client", "other-ca", "", "365");
            set.join("client.pem", &["client-cert.pem", "client-key.pem"]);
            set.join("foreign-client.pem", &["foreign-client-cert.pem", "foreign-client-key.pem"]);
            set
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// SHA-256 of a certificate, computed by openssl.
    pub fn fingerprint(&self, name: &str) -> String {
        let path = self.text(name);
        let said = tool("openssl", &["x509", "-in", &path, "-noout", "-fingerprint", "-sha256"]);
        let said = String::from_utf8(said).unwrap();
        said.trim().rsplit_once('=').unwrap().1.replace(':', "").to_lowercase()
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn authority(&self, name: &str) {
        let config = self.text(&format!("{name}.cnf"));
        let text = format!(
            "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nC=US\nO=IBM\nOU=Digital Assets\nCN=Client CA {name}\n\
             [ext]\nsubjectKeyIdentifier={SAME_IDENTIFIER}\nauthorityKeyIdentifier=keyid:always\nbasicConstraints=CA:TRUE\n\
             extendedKeyUsage=clientAuth,serverAuth\nkeyUsage=keyCertSign,cRLSign\n"
        );
        fs::write(&config, text).unwrap();
        let (key, certificate) = (self.text(&format!("{name}-key.pem")), self.text(&format!("{name}.pem")));
        tool(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-sha256",
                "-days",
                "730",
                "-config",
                &config,
                "-keyout",
                &key,
                "-out",
                &certificate,
            ],
        );
    }

    fn leaf(&self, name: &str, authority: &str, alternative_names: &str, days: &str) {
        let (key, request) = (self.text(&format!("{name}-key.pem")), self.text(&format!("{name}.csr")));
        tool(
            "openssl",
            &[
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-sha256",
                "-subj",
                &format!("/C=US/O=IBM/OU=Digital Assets/CN={name}"),
                "-keyout",
                &key,
                "-out",
                &request,
            ],
        );
        let extensions = self.text(&format!("{name}.ext"));
        let names =
            if alternative_names.is_empty() { String::new() } else { format!("subjectAltName={alternative_names}\n") };
        let text = format!(
            "basicConstraints=CA:FALSE\nsubjectKeyIdentifier={SAME_IDENTIFIER}\nauthorityKeyIdentifier=keyid:always\n\
             extendedKeyUsage=clientAuth,serverAuth\nkeyUsage=digitalSignature\n{names}"
        );
        fs::write(&extensions, text).unwrap();
        let (ca, ca_key) = (self.text(&format!("{authority}.pem")), self.text(&format!("{authority}-key.pem")));
        let certificate = self.text(&format!("{name}-cert.pem"));
        tool(
            "openssl",
            &[
                "x509",
                "-req",
                "-in",
                &request,
                "-CA",
                &ca,
                "-CAkey",
                &ca_key,
                "-set_serial",
                "50000001",
                "-days",
                days,
                "-sha256",
                "-extfile",
                &extensions,
                "-out",
                &certificate,
            ],
        );
    }

    fn join(&self, name: &str, parts: &[&str]) {
        let joined: Vec<u8> = parts.iter().flat_map(|part| self.read(part)).collect();
        fs::write(Path::new(&self.path(name)), joined).unwrap();
    }
}
