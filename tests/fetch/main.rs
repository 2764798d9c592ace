//! `fetch` against servers on loopback. Tools used: openssl, docker-registry, notary, skopeo, moto_server; a test without its tool fails.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod answers;
mod certificates;
mod command;
mod cutting_proxy;
mod notary;
mod plain_http;
mod processes;
mod registry;
mod secrets;
mod server;
mod store;
mod tls_server;
mod world;
