//! Saves the signatures on an image: Notary v1 (Docker Content Trust), simple signing, cosign. Nothing is verified
//! here.

mod cosign;
mod notary;
mod simple_signing;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::client::access::NamedBy;
use crate::client::http::shown_as_given;
use crate::client::outside::Outside;
use crate::client::reference::ImageReference;
use crate::client::registry::Registry;
use crate::client::run::Saver;
use crate::client::step::Source;

pub(crate) use notary::Notary;

/// Sources of signatures outside the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustOptions {
    /// The Notary server; by default, that of docker.io or icr.io.
    pub server: Option<String>,
    /// The base address of a lookaside for simple signing (`lookaside` in registries.d).
    pub lookaside: Option<String>,
}

/// A Notary server, and who specified it (or, for a registry's default server, who specified the registry).
pub(crate) struct TrustServer {
    pub(crate) address: String,
    pub(crate) named_by: NamedBy,
}

/// Saves the signatures for the image with this digest, separately for each source.
pub(crate) fn save_trust(
    saver: &mut Saver<'_>,
    outside: &Outside<'_>,
    registry: &Registry<'_>,
    (image, named_by): (&ImageReference, NamedBy),
    digest: Option<Sha256>,
    options: &TrustOptions,
) {
    let from = image.name();
    match digest {
        Some(digest) => {
            simple_signing::save(saver, outside, registry, (image, &from), digest, options.lookaside.as_deref());
            cosign::save(saver, registry, &from, digest);
        }
        None => saver.step(Source::Referrers, &from, |saver| {
            let error = Error::Usage {
                message: format!("the digest of {image} is not known, so its signatures cannot be requested"),
                hint: "also save the image (--image), or specify it with its digest".into(),
            };
            saver.fault("trust/cosign/referrers", &from, error);
        }),
    }
    // By now, the registry has specified its token server, if it has one.
    let named_by = if options.server.is_some() { NamedBy::User } else { named_by };
    let server = notary_server(image, options).map(|address| TrustServer { address, named_by });
    let address = server.as_ref().map_or_else(|| from.clone(), |server| shown_as_given(&server.address));
    saver.step(Source::ContentTrust, &address, |saver| match server {
        Some(server) => match Notary::open(outside, image, &server, registry.lend(&from)) {
            Ok(notary) => notary.save(saver),
            Err(error) => saver.fault("trust/notary", &address, error),
        },
        None => saver.absent(
            "trust/notary",
            &image.registry,
            format!(
                "no Notary server is known for {}; if there is one, specify it with --trust-server",
                image.registry
            )
            .as_str(),
        ),
    });
}

/// The Notary server for an image: the one that the user specified, or the known one of docker.io or icr.io.
pub(crate) fn notary_server(image: &ImageReference, options: &TrustOptions) -> Option<String> {
    let registry = image.registry.as_str();
    named_server(options).or_else(|| match registry {
        "docker.io" => Some("https://notary.docker.io".into()),
        // IBM Cloud Container Registry: DOCKER_CONTENT_TRUST_SERVER=https://us.icr.io:4443
        _ if registry == "icr.io" || registry.ends_with(".icr.io") => Some(format!("https://{registry}:4443")),
        _ => None,
    })
}

/// The Notary server that the user specified. Settings may omit the scheme.
pub(crate) fn named_server(options: &TrustOptions) -> Option<String> {
    let server = options.server.as_ref()?;
    Some(if server.contains("://") { server.clone() } else { format!("https://{server}") })
}
