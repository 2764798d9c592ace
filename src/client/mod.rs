//! Network access, for saving evidence while the servers that have it are still available. This module returns and stores bytes but never gives a
//! verdict on them.
//!
//! Every request is a GET. `server::Call` lists all requests that can be sent to a build server. The modules are best read in this order: settings
//! and TLS, the build server's responses, the walk over the builds (which never mixes evidence from two builds), the object store, the registry, the
//! signatures, and the folder that stores everything.

mod access;
mod address;
mod answers;
mod bearer;
mod builder;
mod challenge;
mod disk;
mod evidence_record;
mod fault;
mod fetch;
mod fit;
mod folder;
mod helper;
mod http;
mod image;
mod json;
mod json_member;
mod layout;
mod listing;
mod logins;
mod on_premises;
mod outside;
mod parallel;
mod reference;
mod registry;
mod run;
mod secret;
mod server;
mod settings;
mod signing;
mod spending;
mod step;
mod store;
mod store_keys;
mod tls;
mod trust;
mod unnamed;
mod walk;

pub use fetch::{Request, ServerOptions, fetch, plan};
pub use folder::{BuildFolder, EvidenceFolder, Kept};
pub use http::{Patience, Resolve};
pub use image::{read_image, read_layer};
pub use layout::Layers;
pub use logins::{Helpers, usual_login_files};
pub use outside::OutsideOptions;
pub use reference::ImageReference;
pub use run::{BuildReport, Event, FetchReport, Run, system_clock};
pub use secret::{Login, Secret};
pub use settings::{Settings, registry_login};
pub use signing::StoreKeys;
pub use step::{Outcome, Source, SourceReport};
pub use store::Bucket;
pub use tls::TlsFiles;
pub use trust::TrustOptions;

/// For fuzz targets: calls parsers of text that people or servers write.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_all_forms(bytes: &[u8]) {
    for settings in [settings::from_json(bytes, &[]), on_premises::from_yaml(bytes, &[])].into_iter().flatten() {
        assert!(settings.port != 0 && !settings.host.is_empty());
    }
    if let Ok(page) = listing::read_page(bytes) {
        assert!(page.objects.len() <= bytes.len());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for scheme in ["bearer", "basic"] {
        let found = challenge::parameters(text, scheme).unwrap_or_default();
        assert!(found.iter().all(|(_, value)| text.contains(value.as_str())));
    }
    if let Some(image) = ImageReference::parse(text) {
        assert_eq!(ImageReference::parse(&image.to_string()), Some(image));
    }
    let _ = Bucket::parse_address(text);
    let _ = Resolve::parse(text);
}
