//! Tests of `fetch` with servers on loopback. The tests use openssl, docker-registry, notary,
//! skopeo and moto_server; a test fails if its tool is missing.
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
