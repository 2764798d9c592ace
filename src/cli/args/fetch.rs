//! Arguments of `fetch`. No I/O here.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::base::build_name::BuildName;
use crate::cli::args::{OutputFormat, limit};
use crate::client::{Bucket, Helpers, ImageReference, Login, OutsideOptions, Resolve, usual_login_files};

pub(crate) const EXAMPLES: &str = "\
Examples:
  hpsb-audit fetch --env sbs-config.json --plan               list the requests without sending them
  hpsb-audit fetch --env sbs-config.json --image --trust --to evidence
  hpsb-audit fetch --env sbs-config.json --build-name NAME --build-name OTHER
  hpsb-audit fetch --env sbs-config.json --resolve sbs.example.com:443:192.0.2.7
  hpsb-audit fetch s3://bucket/prefix --env sbs-config.json \\
      --endpoint https://s3.us-south.cloud-object-storage.appdomain.cloud

All requests are GET; /state-image is never requested. After an error, run the command again: saved
files are kept, missing files are added. A fetched key is not trusted: compare its fingerprint with one
that reached you over a different channel, then pass the key to `audit --key`.

Exit codes:
  0  the folder contains everything requested that the sources offer; without --build-name or a bucket,
     only the server's newest build was requested
  2  wrong usage, or settings that cannot be used
  3  something could not be fetched, or a bundle has no key: run the command again
  4  nothing to save";

#[derive(Debug, Args)]
pub(crate) struct FetchArguments {
    /// A bucket with bundles, and a prefix of their names. Default: bundles come only from the build server
    #[arg(value_name = "s3://BUCKET/PREFIX", value_parser = bucket)]
    pub(crate) bucket: Option<(String, String)>,
    /// Settings of the build server: sbs-config.json, or the YAML of the on-premises client
    #[arg(long, value_name = "FILE", required_unless_present = "bucket")]
    pub(crate) env: Option<PathBuf>,
    /// A build of the server to save; may be repeated. Default: the newest build or, with a bucket, none
    #[arg(long = "build-name", value_name = "NAME", value_parser = build_name, requires = "env")]
    pub(crate) builds: Vec<BuildName>,
    /// Save each build's image from its registry as an OCI layout
    #[arg(long)]
    pub(crate) image: bool,
    /// Do not save the image's layers
    #[arg(long, requires = "image")]
    pub(crate) no_layers: bool,
    /// The image reference, instead of the one in the server's response or the settings
    #[arg(long, value_name = "REFERENCE", value_parser = image_name)]
    pub(crate) image_name: Option<ImageReference>,
    /// Save the signatures on each build's image: content trust, simple signing, cosign
    #[arg(long)]
    pub(crate) trust: bool,
    /// The Notary server to use instead of the default for docker.io or icr.io; https is assumed
    #[arg(long, value_name = "URL", requires = "trust")]
    pub(crate) trust_server: Option<String>,
    /// The base address of a lookaside for simple signing
    #[arg(long, value_name = "URL", requires = "trust")]
    pub(crate) lookaside: Option<String>,
    /// A certificate or revocation list for IBM's attestation, saved with each build; may be repeated
    #[arg(long = "builder-cert", value_name = "URL|FILE")]
    pub(crate) builder_files: Vec<String>,
    /// The folder to save into
    #[arg(long, value_name = "DIR", default_value = "evidence")]
    pub(crate) to: PathBuf,
    /// List the requests that would be sent, without sending them
    #[arg(long)]
    pub(crate) plan: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    #[command(flatten)]
    pub(crate) outside: OutsideArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(flatten)]
    pub(crate) patience: PatienceArguments,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: OutputFormat,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArguments {
    /// The CA of the build server's certificate, instead of the one in the settings
    #[arg(long, value_name = "FILE", requires = "env")]
    pub(crate) ca: Option<PathBuf>,
    /// The client certificate, with or without its key, instead of the one in the settings
    #[arg(long, value_name = "FILE", requires = "env")]
    pub(crate) cert: Option<PathBuf>,
    /// The client's private key, instead of the one in the settings
    #[arg(long, value_name = "FILE", requires = "env")]
    pub(crate) key_file: Option<PathBuf>,
}

/// How to reach servers. Only `--resolve` also applies to the build server.
#[derive(Debug, Default, Args)]
pub(crate) struct OutsideArguments {
    /// Connect to ADDRESS for HOST and PORT, without a proxy; the certificate must still be valid for HOST; may be repeated
    #[arg(long = "resolve", value_name = "HOST:PORT:ADDRESS", value_parser = resolve)]
    pub(crate) resolves: Vec<Resolve>,
    /// A CA for registries, Notary servers and object stores, in addition to the system's CAs
    #[arg(long, value_name = "FILE")]
    pub(crate) outside_ca: Option<PathBuf>,
    /// A file with registry logins (docker's config.json). Default: the files of docker and podman
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_auth: Option<PathBuf>,
    /// Run the credential helpers configured in the login files
    #[arg(long)]
    pub(crate) credential_helpers: bool,
    /// Use plain http, without a login, for this registry: anyone on the path can read and change the traffic; may be repeated
    #[arg(long, value_name = "HOST[:PORT]", value_parser = registry)]
    pub(crate) plain_http: Vec<String>,
}

impl OutsideArguments {
    /// Converts the flags to options of the client.
    pub(crate) fn options(&self, settings_login: Option<(String, Login)>) -> OutsideOptions {
        OutsideOptions {
            ca: self.outside_ca.clone(),
            resolves: self.resolves.clone(),
            login_files: self.registry_auth.clone().map_or_else(usual_login_files, |path| vec![path]),
            helpers: if self.credential_helpers { Helpers::Run } else { Helpers::Never },
            plain_http: self.plain_http.clone(),
            settings_login,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    /// The object store's address. Default: MANIFEST_COS_ENDPOINT in the settings
    #[arg(long, value_name = "URL", requires = "bucket")]
    pub(crate) endpoint: Option<String>,
    /// The signing region. Default: AWS_REGION, AWS_DEFAULT_REGION or the endpoint's region
    #[arg(long, value_name = "NAME", requires = "bucket")]
    pub(crate) region: Option<String>,
    /// Number of bundles to download at the same time
    #[arg(long, value_name = "N", default_value = "4")]
    pub(crate) parallel: usize,
}

#[derive(Debug, Args)]
pub(crate) struct PatienceArguments {
    /// Time limit for one request, until the last byte of its response
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Longest time without new data in a response
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) idle_timeout: Duration,
    /// Maximum number of attempts for one request
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) tries: u32,
}

fn bucket(text: &str) -> Result<(String, String), String> {
    Bucket::parse_address(text).ok_or_else(|| "expected s3://BUCKET or s3://BUCKET/PREFIX".into())
}

fn build_name(text: &str) -> Result<BuildName, String> {
    // Also accept the bundle's file name, because users copy it.
    let bare = text.strip_prefix("manifest.").unwrap_or(text);
    let bare = bare.strip_suffix(".sig.tbz").unwrap_or(bare);
    BuildName::parse(bare)
        .filter(|name| name.as_str().len() <= 200)
        .ok_or_else(|| "expected 1 to 200 characters from A-Z a-z 0-9 . _ : -, not beginning with a dot".into())
}

fn image_name(text: &str) -> Result<ImageReference, String> {
    let bare = text.strip_prefix("docker://").unwrap_or(text);
    ImageReference::parse(bare)
        .filter(|image| image.tag.is_some() || image.digest.is_some())
        .ok_or_else(|| "expected REGISTRY/REPOSITORY@sha256:HEX or REGISTRY/REPOSITORY:TAG".into())
}

fn registry(text: &str) -> Result<String, String> {
    let named = ImageReference::parse(&format!("{text}/name")).filter(|image| image.registry == text);
    named
        .map(|image| image.registry)
        .ok_or_else(|| "expected HOST:PORT, or a HOST with a dot, as in the image reference".into())
}

pub(crate) fn resolve(text: &str) -> Result<Resolve, String> {
    Resolve::parse(text).ok_or_else(|| "expected HOST:PORT:ADDRESS, for example sbs.example.com:443:192.0.2.7".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<u64>().ok().filter(|seconds| (1..=604_800).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "expected 1 to 604800 seconds".into())
}
