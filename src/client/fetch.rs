//! One run: saves bundles, keys, images and signatures in an evidence folder.

use std::path::PathBuf;

use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::base::system::slashed;
use crate::client::access::NamedBy;
use crate::client::address::checked_url;
use crate::client::answers::{Absence, Asked};
use crate::client::builder;
use crate::client::disk::Place;
use crate::client::fit::compare_keys;
use crate::client::folder::EvidenceFolder;
use crate::client::http::{Resolve, shown_as_given};
use crate::client::layout::{Layers, Layout};
use crate::client::outside::{Outside, OutsideOptions};
use crate::client::reference::ImageReference;
use crate::client::registry::{Document, Registry};
use crate::client::run::{FetchReport, Run, Saver};
use crate::client::server::{BuildServer, Call};
use crate::client::settings::Settings;
use crate::client::spending::Spending;
use crate::client::step::Source;
use crate::client::store::{Bucket, save_bundles};
use crate::client::tls::{TlsFiles, check_named};
use crate::client::trust::{TrustOptions, named_server, notary_server, save_trust};
use crate::client::walk::{save_builds, save_keys, save_missing_keys};

/// The build server and how to reach it.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The settings from IBM's client.
    pub settings: Settings,
    /// Certificates and a key that override those in the settings.
    pub tls: TlsFiles,
    /// Fixed addresses for the server's name.
    pub resolves: Vec<Resolve>,
}

/// What to save, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The evidence folder.
    pub to: PathBuf,
    /// The build server, if one is used.
    pub server: Option<ServerOptions>,
    /// The names of the builds; with neither names nor a bucket, the server's newest build is saved.
    pub builds: Vec<BuildName>,
    /// A bucket that contains bundles.
    pub bucket: Option<Bucket>,
    /// Whether the image is saved and whether its layers are included.
    pub image: Option<Layers>,
    /// The image, if the user specified it; otherwise, the server's response or the settings identify it.
    pub image_name: Option<ImageReference>,
    /// Whether signatures on the image are saved.
    pub trust: Option<TrustOptions>,
    /// Certificates and revocation lists of builders: addresses or files.
    pub builder_files: Vec<String>,
    /// How other servers are reached.
    pub outside: OutsideOptions,
}

/// Saves the requested evidence. Saved evidence is never replaced, and an error does not affect what was already saved;
/// a further run adds what is missing.
///
/// This does NOT verify anything except that content has the digest by which it was requested and that a saved key matches its bundle: keys and
/// bundles stay *given* until an audit with a trusted key.
///
/// # Errors
/// Errors that prevent the run from starting, such as errors in the settings, the folder or the addresses. Later errors are listed in the report.
pub fn fetch(request: &Request, run: Run<'_>) -> Result<FetchReport, Error> {
    let spending = Spending::within(run.limits);
    let server = request
        .server
        .as_ref()
        .map(|options| BuildServer::new(run, &options.settings, &options.tls, &options.resolves, &spending));
    let server = server.transpose()?;
    let outside = Outside::new(run, &request.outside, &spending);
    let root = EvidenceFolder::open(&request.to, run.limits)?;
    let mut report = FetchReport::default();
    if let Some(bucket) = &request.bucket {
        let base = checked_url(&bucket.endpoint, "the store's address (--endpoint)")?;
        if let Err(error) = save_bundles(run, &outside.http(&base)?, bucket, &root, &mut report) {
            report.faults.push(error);
        }
    }
    let mut reached = None;
    if let Some(server) = &server {
        let saved = match (&request.bucket, request.builds.is_empty()) {
            (Some(_), true) => save_keys(run, server, &root, &mut report),
            _ => save_builds(run, server, &root, &request.builds, &mut report),
        };
        match saved {
            Ok(()) => reached = Some(server),
            Err(error) => report.faults.push(error),
        }
    }
    save_surroundings(request, run, &outside, &root, &mut report);
    if let Some(server) = reached
        && let Err(error) = save_missing_keys(run, server, &root, &mut report)
    {
        report.faults.push(error);
    }
    compare_keys(&root, run.limits, &mut report);
    match root.without_key() {
        Ok(names) => report.without_key = names,
        Err(error) => report.faults.push(error),
    }
    Ok(report)
}

/// Saves the requested image, signatures and builder files for every build in the report.
fn save_surroundings(
    request: &Request,
    run: Run<'_>,
    outside: &Outside<'_>,
    root: &EvidenceFolder,
    report: &mut FetchReport,
) {
    let mut builder_files = Vec::new();
    for file in builder::load(outside, &request.builder_files) {
        match file {
            Ok(file) => {
                report.faults.extend(file.fault().cloned());
                builder_files.push(file);
            }
            Err(error) => report.faults.push(error),
        }
    }
    if builder_files.is_empty() && request.image.is_none() && request.trust.is_none() {
        return;
    }
    let builds = report.builds.len();
    let is_ambiguous = request.image_name.is_some() && builds > 1;
    if is_ambiguous {
        report.faults.push(Error::Usage {
            message: format!(
                "--image-name refers to one image, but this run saves {builds} builds: no image was saved"
            ),
            hint: "save the image of each build in a separate run, with --build-name".into(),
        });
    }
    for build in &mut report.builds {
        let mut saver = match Saver::open(run, root, &build.build_name) {
            Ok(saver) => saver,
            Err(error) => {
                build.faults.push(error);
                continue;
            }
        };
        if !builder_files.is_empty() {
            let names = builder::origins(&builder_files);
            saver.step(Source::BuilderFiles, &names, |saver| builder::save(saver, &builder_files));
        }
        if (request.image.is_some() || request.trust.is_some()) && !is_ambiguous {
            save_image_and_trust(request, outside, &mut saver);
        }
        build.add(saver.report);
    }
}

fn save_image_and_trust(request: &Request, outside: &Outside<'_>, saver: &mut Saver<'_>) {
    let found = image_of(request, saver);
    let from = found.as_ref().map_or_else(|_| "the registry".to_owned(), |(image, _)| image.to_string());
    let opened = found.and_then(|(image, named_by)| Ok((Registry::open(outside, &image, named_by)?, image, named_by)));
    let (registry, image, named_by) = match opened {
        Ok(opened) => opened,
        Err(error) => return saver.step(Source::Image, &from, |saver| saver.fault("image", &from, error)),
    };
    let mut digest = image.digest;
    // If the digest is known, signatures can be requested without the image.
    if request.image.is_some() || digest.is_none() {
        let found = find_image(&registry, &image);
        if let Ok(Ok(document)) = &found {
            digest = Some(document.digest);
        }
        match (found, request.image) {
            // Only the digest was needed. The record keeps what it states about the image.
            (Ok(Ok(_)), None) => {}
            (found, layers) => saver.step(Source::Image, &from, |saver| match found {
                Ok(Ok(document)) => {
                    save_image(saver, &registry, document, image.tag.clone(), layers.unwrap_or(Layers::Leave))
                }
                Ok(Err(absence)) => saver.absent("image", &from, absence),
                Err(error) => saver.fault("image", &from, error),
            }),
        }
    }
    if let Some(options) = &request.trust {
        save_trust(saver, outside, &registry, (&image, named_by), digest, options);
    }
}

fn save_image(
    saver: &mut Saver<'_>,
    registry: &Registry<'_>,
    document: Document,
    name: Option<String>,
    layers: Layers,
) {
    let left = saver.run.limits.image_bytes();
    let mut layout = Layout { registry, folder: "image", layers, left };
    if layout.save_tree(saver, document.clone()) {
        layout.save_index(saver, &[(document, name)]);
    }
}

fn find_image(registry: &Registry<'_>, image: &ImageReference) -> Result<Result<Document, Absence>, Error> {
    let digest = image.digest.map(|digest| digest.to_string());
    match digest.as_deref().or(image.tag.as_deref()) {
        Some(reference) => registry.manifest(Asked::Image, reference),
        None => Ok(Err("the image has neither a tag nor a digest".into())),
    }
}

/// The build's image: the one specified on the command line, otherwise the one in the server's response, otherwise the settings' repository with the
/// tag that the build's name contains. Each of these is *given*; the audit compares the image with the signed log.
fn image_of(request: &Request, saver: &Saver<'_>) -> Result<(ImageReference, NamedBy), Error> {
    if let Some(image) = &request.image_name {
        return Ok((image.clone(), NamedBy::User));
    }
    let settings = request.server.as_ref().map(|server| &server.settings);
    let of_settings = settings.and_then(|settings| of_settings(settings, &saver.report.build_name));
    let answer = saver.folder.read(&Place::new("image-digest.json")?, saver.run.limits.server_answer_bytes())?;
    let of_answer = answer.and_then(|answer| {
        let text: String = serde_json::from_slice(&answer).ok()?;
        ImageReference::parse(&text).filter(|image| image.digest.is_some())
    });
    match (of_answer, of_settings) {
        // Here, the tag is only a name for the layout.
        (Some(answer), Some(settings)) if answer.name() == settings.name() => {
            Ok((ImageReference { tag: answer.tag.clone().or(settings.tag), ..answer }, NamedBy::User))
        }
        (Some(answer), _) => {
            let known = settings.and_then(repository_of).is_some_and(|known| known.name() == answer.name());
            Ok((answer, if known { NamedBy::User } else { NamedBy::Answer }))
        }
        (None, Some(settings)) => Ok((settings, NamedBy::User)),
        (None, None) if settings.is_some_and(|settings| settings.registry().is_none()) => Err(Error::Usage {
            message: format!("it is not known where the image of {} was pushed", saver.report.build_name),
            hint: "the settings' push server is a name that only the build server can resolve: specify the image with its \
                   registry: --image-name REGISTRY/REPOSITORY@sha256:HEX".into(),
        }),
        (None, None) => Err(Error::Usage {
            message: format!("it is not known which image {} pushed", saver.report.build_name),
            hint: "specify the image: --image-name REGISTRY/REPOSITORY@sha256:HEX, or :TAG; for many builds, supply settings \
                   with DOCKER_PUSH_SERVER and DOCKER_REPO".into(),
        }),
    }
}

/// The repository to which images are pushed, according to the settings.
fn repository_of(settings: &Settings) -> Option<ImageReference> {
    ImageReference::parse(&format!("{}/{}", settings.registry()?, settings.repository.as_deref()?))
}

/// In a build's name, each `/` has been replaced with `.`, and this cannot be undone. But if the repository is known, the text after the repository
/// is the tag.
fn of_settings(settings: &Settings, build: &BuildName) -> Option<ImageReference> {
    let (server, repository) = (settings.registry()?, settings.repository.as_deref()?);
    let prefix = format!("{server}.{}.", repository.replace('/', "."));
    let tag = build.subject()?.strip_prefix(&prefix)?;
    ImageReference::parse(&format!("{server}/{repository}:{tag}"))
}

/// Lists the requests that [`fetch`] would send, one per line. No request is sent, and no certificates or keys are read.
///
/// Requests that depend on earlier responses (an image's blobs, delegations, the next page of a listing) are only
/// described.
///
/// # Errors
/// [`Error::Usage`] for an invalid address of the object store; [`Error::Settings`] if the settings lack a valid address or a required file.
pub fn plan(request: &Request) -> Result<Vec<String>, Error> {
    let mut lines = vec![format!("write to {}", slashed(&request.to))];
    if let Some(bucket) = &request.bucket {
        checked_url(&bucket.endpoint, "the store's address (--endpoint)")?;
        let signed = if bucket.keys.is_some() { "signed with HMAC keys" } else { "without a login" };
        lines.push(format!(
            "GET {}, {signed}: the listing, then every *.sig.tbz that is not in the folder yet",
            bucket.address()
        ));
    }
    if let Some(server) = &request.server {
        plan_server(server, request, &mut lines)?;
    }
    let of_settings = request.server.as_ref().and_then(|server| repository_of(&server.settings));
    let known = request.image_name.clone().or(of_settings);
    let images = match (&request.image_name, &known) {
        (Some(image), _) => image.to_string(),
        (None, Some(repository)) => format!("each build's image (according to the settings, {repository})"),
        (None, None) if request.server.as_ref().is_some_and(|server| server.settings.registry().is_none()) => {
            "each build's image (only the build server can resolve the settings' push server: --image-name may be needed)".into()
        }
        (None, None) => "each build's image".into(),
    };
    match request.image {
        Some(Layers::Save) => {
            lines.push(format!("GET manifest, configuration and layers of {images} from its registry"))
        }
        Some(Layers::Leave) => {
            lines.push(format!("GET manifest and configuration of {images} from its registry, no layers"))
        }
        None => {}
    }
    if let Some(options) = &request.trust {
        let server = match (named_server(options), &known) {
            (Some(server), _) => Some(shown_as_given(&server)),
            (None, Some(image)) => notary_server(image, options).map(|server| shown_as_given(&server)),
            (None, None) => Some("the Notary server of docker.io or icr.io".into()),
        };
        lines.push(match server {
            Some(server) => format!("GET content trust metadata of {images} from {server}: timestamp, snapshot, targets, delegations, every root"),
            None => format!("no content trust metadata of {images}: no Notary server is known for its registry; specify one with --trust-server"),
        });
        let lookaside =
            options.lookaside.as_deref().map(|base| format!(" and {}", shown_as_given(base))).unwrap_or_default();
        lines.push(format!("GET simple signing and cosign signatures of {images} from its registry{lookaside}"));
    }
    lines.extend(request.builder_files.iter().map(|source| format!("copy {}", crate::base::mask::mask(source))));
    Ok(lines)
}

fn plan_server(options: &ServerOptions, request: &Request, lines: &mut Vec<String>) -> Result<(), Error> {
    let base = super::server::base_url(&options.settings)?;
    check_named(&options.settings, &options.tls)?;
    let line = |call: Call<'_>| format!("GET {} with the body {}", super::server::address(&base, call), call.body());
    lines.push(line(Call::Status));
    match (&request.bucket, request.builds.is_empty()) {
        (Some(_), true) => lines.push(format!(
            "GET {} once for each bundle without a key",
            super::server::address(&base, Call::PublicKey(None))
        )),
        (None, true) => {
            lines.push(format!("{}, or with the newest build's name", line(Call::Manifest(None))));
            lines.push(format!("{}, or with the newest build's name", line(Call::PublicKey(None))));
        }
        (_, false) => {
            for name in &request.builds {
                lines.push(line(Call::Manifest(Some(name))));
                lines.push(line(Call::PublicKey(Some(name))));
            }
        }
    }
    lines.push("if the newest build is among the fetched builds:".into());
    lines.extend(
        [Call::ImageDigest, Call::ImageKey, Call::BuildLog, Call::Status].map(|call| format!("  {}", line(call))),
    );
    let keys = super::server::address(&base, Call::PublicKey(None));
    lines.push(format!("GET {keys} once for every other bundle in the folder that has no key"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_in_a_build_name_is_the_text_after_the_known_repository() {
        let build = BuildName::parse("us.icr.io.ns.a.b.v1-ad52e76.2023-11-10_15-37-37.178350").unwrap();
        let with = |server: &str, repository: &str| {
            let settings =
                Settings { push_server: Some(server.into()), repository: Some(repository.into()), ..settings() };
            of_settings(&settings, &build).map(|image| image.to_string())
        };
        assert_eq!(with("us.icr.io", "ns/a").as_deref(), Some("us.icr.io/ns/a:b.v1-ad52e76"));
        assert_eq!(with("us.icr.io", "ns/a.b").as_deref(), Some("us.icr.io/ns/a.b:v1-ad52e76"));
        assert_eq!(with("us.icr.io", "ns/other"), None);
        assert_eq!(with("docker.io", "ns/a"), None);
    }

    fn settings() -> Settings {
        Settings {
            path: PathBuf::new(),
            host: "sbs".into(),
            port: 443,
            ca: Vec::new(),
            certificate: Vec::new(),
            key: Vec::new(),
            push_server: None,
            repository: None,
            trust_server: None,
            bucket: None,
            bucket_endpoint: None,
        }
    }
}
