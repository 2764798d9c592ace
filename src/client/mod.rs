//! The network edge: it saves evidence while the servers that hold it still stand. It returns and stores bytes; it never
//! judges them.
//!
//! Everything is read with GET. What can be asked of a build server is the list `server::Call`, and nothing else.

mod address;
mod disk;
mod evidence_record;
mod fault;
mod folder;
mod http;
mod listing;
mod on_premises;
mod run;
mod secret;
mod server;
mod settings;
mod signing;
mod store;
mod tls;
mod walk;

pub use folder::{BuildFolder, EvidenceFolder, Kept};
pub use http::{Patience, Resolve};
pub use run::{BuildReport, Event, FetchReport, Run, system_clock};
pub use secret::{Login, Secret};
pub use settings::{Settings, registry_login};
pub use signing::StoreKeys;
pub use store::Bucket;
pub use tls::TlsFiles;
