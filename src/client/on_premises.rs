//! The settings file of the on-premises client (HPVS 1.2.x): YAML, with the certificate and key in two files.

use std::path::PathBuf;

use serde::Deserialize;

use crate::client::settings::{Scalar, Settings, candidates, checked_host, checked_port};

/// On some of IBM's pages, `sbs` and the other fields follow an empty `secure_build_workers` without indentation.
#[derive(Deserialize)]
struct Document {
    secure_build_workers: Option<Workers>,
    sbs: Option<Server>,
    docker: Option<Docker>,
}

#[derive(Deserialize)]
struct Workers {
    sbs: Server,
    docker: Option<Docker>,
}

#[derive(Deserialize)]
struct Server {
    url: String,
    port: Option<Scalar>,
    cert_path: Option<String>,
    key_path: Option<String>,
    /// No published sample has this field.
    ca_cert_path: Option<String>,
}

#[derive(Deserialize)]
struct Docker {
    push_server: Option<String>,
    repo: Option<String>,
}

/// Reads `sbs.{url, port, cert_path, key_path, ca_cert_path}` and `docker.{push_server, repo}` in
/// `secure_build_workers` (ibm-wsc/hyper-protect-virtual-servers-workshop, docs/securebuild-lab/build.md;
/// ibm-hyper-protect/hyper-protect-virtual-servers-hosted-trial, docs/securebuild); everything else is ignored.
pub(crate) fn from_yaml(text: &[u8], folders: &[PathBuf]) -> Result<Settings, String> {
    let text =
        std::str::from_utf8(text).map_err(|_| "expected JSON or YAML, found bytes that are not UTF-8".to_owned())?;
    // The library's message is not shown, because it could quote a value.
    const WANTED: &str =
        "expected a JSON object, or YAML with url, port, cert_path and key_path in secure_build_workers.sbs";
    let document: Document = serde_saphyr::from_str(text).map_err(|_| WANTED.to_owned())?;
    let workers = match document {
        Document { secure_build_workers: Some(workers), .. } => Some(workers),
        Document { sbs: Some(sbs), docker, .. } => Some(Workers { sbs, docker }),
        Document { .. } => None,
    };
    let Workers { sbs, docker } = workers.ok_or(WANTED)?;
    let (host, port_in_url) = split_url(&sbs.url)?;
    let port = sbs.port.and_then(|port| port.0).map(|text| checked_port(&text, "port")).transpose()?;
    let Docker { push_server, repo } = docker.unwrap_or(Docker { push_server: None, repo: None });
    let all = |path: Option<String>| {
        candidates(&path.into_iter().filter(|path| !path.is_empty()).collect::<Vec<_>>(), folders)
    };
    Ok(Settings {
        path: PathBuf::new(),
        host,
        port: port.or(port_in_url).unwrap_or(443),
        ca: all(sbs.ca_cert_path),
        certificate: all(sbs.cert_path),
        key: all(sbs.key_path),
        push_server,
        repository: repo,
        trust_server: None,
        bucket: None,
        bucket_endpoint: None,
    })
}

fn split_url(url: &str) -> Result<(String, Option<u16>), String> {
    let rest = match url.split_once("://") {
        Some(("https", rest)) => rest,
        Some(_) => return Err("url must begin with https://".into()),
        None => url,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => Ok((checked_host(host, "url")?, Some(checked_port(port, "url")?))),
        _ => Ok((checked_host(rest.trim_matches(['[', ']']), "url")?, None)),
    }
}
