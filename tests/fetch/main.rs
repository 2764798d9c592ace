//! `fetch` against servers on loopback. Tools that are asked: openssl, docker-registry, notary, skopeo, moto_server; a test whose
//! tool is missing fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod certificates;
mod cutting_proxy;
mod server;
mod tls_server;
mod world;
