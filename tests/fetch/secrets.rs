//! Five dishonest servers (build server, registry, token server, Notary, object store) that cooperate, and a bystander: none of them receives a
//! secret meant for a different server.

use std::fs;

use base64ct::{Base64, Encoding};
use hpsb_audit::Sha256;
use hpsb_audit::client::{
    Bucket, ImageReference, Layers, Login as RegistryLogin, Request, Resolve, Secret, StoreKeys, TrustOptions,
};
use serde_json::json;

use crate::plain_http::{Asked, PlainServer};
use crate::tls_server::TlsServer;
use crate::world::*;

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

fn challenge(text: String) -> Answer {
    (401, vec![("WWW-Authenticate".into(), text)], b"no".to_vec())
}

fn redirect(to: String) -> Answer {
    (307, vec![("Location".into(), to)], Vec::new())
}

fn basic(user: &str, password: &str) -> String {
    Base64::encode_string(format!("{user}:{password}").as_bytes())
}

/// Ports that are known before the servers that need them start.
struct Ports {
    registry: u16,
    tokens: u16,
    notary: u16,
    store: u16,
    bystander: u16,
}

struct Servers {
    registry: PlainServer,
    tokens: PlainServer,
    notary: PlainServer,
    store: PlainServer,
    bystander: PlainServer,
}

const REGISTRY_TRICKS: usize = 5;
const NOTARY_TRICKS: usize = 8;
const TOKEN_TRICKS: usize = 3;
const STORE_TRICKS: usize = 5;

fn registry_answer(trick: usize, ports: &Ports, asked: &Asked) -> Answer {
    let realm = format!(
        "Bearer realm=\"http://127.0.0.1:{}/token\",service=\"reg\",scope=\"repository:acme/wallet:pull\"",
        ports.tokens
    );
    let shown = asked.header("authorization").is_some();
    match trick {
        0 if !shown => challenge(realm),
        1 if !shown => challenge("Basic realm=x".into()),
        2 => redirect(format!("http://127.0.0.1:{}/steal", ports.notary)),
        3 if !shown => challenge(realm),
        3 => redirect(format!("http://127.0.0.1:{}/steal", ports.bystander)),
        4 => redirect(format!("http://127.0.0.1:{}/steal", ports.store)),
        _ if asked.path.contains("/referrers/") => (404, Vec::new(), Vec::new()),
        _ if asked.path.contains("/manifests/sha256-") => (404, Vec::new(), Vec::new()),
        _ => (200, Vec::new(), manifest()),
    }
}

fn notary_answer(trick: usize, ports: &Ports, asked: &Asked) -> Answer {
    let shown = asked.header("authorization").is_some();
    let bearer = |port: u16, path: &str, service: &str, scope: &str| {
        let rest = format!("service=\"{service}\",scope=\"{scope}\"");
        challenge(format!("Bearer realm=\"http://127.0.0.1:{port}/{path}\",{rest}"))
    };
    let wide = "repository:acme/secret:pull,push";
    match trick {
        _ if shown || asked.path.starts_with("/steal") => (200, Vec::new(), b"{\"token\": \"mine\"}".to_vec()),
        0 => challenge("Basic realm=x".into()),
        1 => bearer(ports.tokens, "token", "reg", wide),
        2 => bearer(ports.tokens, "token", "notary", wide),
        3 => bearer(ports.notary, "steal", "notary", wide),
        4 => bearer(ports.registry, "token", "reg", wide),
        5 => redirect(format!("http://127.0.0.1:{}/v2/", ports.registry)),
        6 => bearer(ports.tokens, "token/../steal", "reg", wide),
        _ => bearer(ports.bystander, "steal", "other", wide),
    }
}

/// Each token contains its audience and whether a login was sent for it.
fn token_answer(trick: usize, ports: &Ports, asked: &Asked) -> Answer {
    match trick {
        1 => redirect(format!("http://127.0.0.1:{}/steal", ports.notary)),
        2 => challenge("Basic realm=x".into()),
        _ => {
            let login = if asked.header("authorization").is_some() { "login" } else { "anonymous" };
            let query = asked.path.split_once('?').map_or("", |(_, query)| query).replace(['%', '&', '='], "_");
            (200, Vec::new(), json!({"token": "", "access_token": format!("{login}.{query}")}).to_string().into_bytes())
        }
    }
}

fn store_answer(trick: usize, ports: &Ports, asked: &Asked) -> Answer {
    let list = |key: &str| {
        let size = Build::good().bundle.len();
        let entry = format!("<Contents><Key>{key}</Key><ETag>\"e\"</ETag><Size>{size}</Size></Contents>");
        (200, Vec::new(), format!("<ListBucketResult>{entry}</ListBucketResult>").into_bytes())
    };
    let good = format!("manifest.{NAME}.sig.tbz");
    match trick {
        1 => redirect(format!("http://127.0.0.1:{}/steal", ports.bystander)),
        2 => challenge(format!("Bearer realm=\"http://127.0.0.1:{}/steal\",service=\"s\"", ports.notary)),
        3 if asked.path.contains("list-type") => list(&format!("..%2Fother%2F{good}")),
        4 if asked.path.contains("list-type") => list(&good),
        4 => redirect(format!("http://127.0.0.1:{}/steal", ports.registry)),
        _ if asked.path.contains("list-type") => list(&good),
        _ => (200, Vec::new(), Build::good().bundle),
    }
}

fn manifest() -> Vec<u8> {
    let text = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "x", "digest": Sha256::of(b"{}").to_string(), "size": 2}, "layers": [],
    });
    text.to_string().into_bytes()
}

impl Servers {
    fn start(tricks: [usize; 4]) -> Self {
        // Each server needs the others' ports, so the listeners are created first.
        let listeners = [(); 5].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = || {
            let port = |n: usize| listeners[n].local_addr().unwrap().port();
            Ports { registry: port(0), tokens: port(1), notary: port(2), store: port(3), bystander: port(4) }
        };
        let known = [(); 4].map(|()| ports());
        let [registry, tokens, notary, store, bystander] = listeners;
        let [a, b, c, d] = known;
        Self {
            registry: PlainServer::on(registry, move |asked| registry_answer(tricks[0], &a, asked)),
            tokens: PlainServer::on(tokens, move |asked| token_answer(tricks[1], &b, asked)),
            notary: PlainServer::on(notary, move |asked| notary_answer(tricks[2], &c, asked)),
            store: PlainServer::on(store, move |asked| store_answer(tricks[3], &d, asked)),
            bystander: PlainServer::on(bystander, |_| (200, Vec::new(), b"{\"token\": \"mine\"}".to_vec())),
        }
    }
}

/// Everything that a server received.
fn seen(server: &PlainServer) -> Vec<String> {
    let all = server.asked().into_iter().map(|asked| {
        let headers: Vec<String> = asked.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{}\n{}", asked.path, headers.join("\n"))
    });
    all.collect()
}

fn request_to(servers: &Servers, build_server: u16, scratch: &Scratch) -> Request {
    let host = |server: &PlainServer| format!("127.0.0.1:{}", server.port);
    let auth = |user: &str, password: &str| json!({"auth": basic(user, password)});
    let logins = json!({"auths": {
        host(&servers.registry): auth("ada", "of-registry"),
        host(&servers.bystander): auth("ada", "of-bystander"),
    }});
    fs::write(scratch.path("logins.json"), logins.to_string()).unwrap();
    let mut request = request(build_server, &scratch.path("evidence"));
    request.builds = names(&[NAME]);
    request.outside.login_files = vec![scratch.path("logins.json")];
    let settings = &mut request.server.as_mut().unwrap().settings;
    settings.push_server = Some(host(&servers.registry));
    settings.repository = Some("acme/wallet".into());
    request.image = Some(Layers::Save);
    request.trust = Some(TrustOptions { server: Some(format!("http://{}", host(&servers.notary))), lookaside: None });
    let secret = |text: &str| Secret::new(text.into());
    request.bucket = Some(Bucket {
        endpoint: format!("http://{}", host(&servers.store)),
        name: "builds".into(),
        prefix: String::new(),
        region: None,
        keys: Some(StoreKeys {
            access_key_id: secret("of-store"),
            secret_access_key: secret("never-sent"),
            session_token: Some(secret("of-store-too")),
        }),
        parallel: 1,
    });
    request
}

#[test]
fn no_colluding_server_receives_a_secret_meant_for_another() {
    let mut lent = 0;
    // Tests every combination of a registry's trick, a trust server's trick and a registry name with an honest
    // token server; then tests dishonest token servers.
    for round in 0..REGISTRY_TRICKS * NOTARY_TRICKS * 3 {
        let (registry_trick, notary_trick) = (round % REGISTRY_TRICKS, round / 2 % NOTARY_TRICKS);
        let names_bystander = round % 2 == 1;
        let token_trick =
            if round < REGISTRY_TRICKS * NOTARY_TRICKS * 2 { 0 } else { 1 + round / 10 % (TOKEN_TRICKS - 1) };
        let tricks = [registry_trick, token_trick, notary_trick, (round / 3) % STORE_TRICKS];
        let servers = Servers::start(tricks);
        let named = if names_bystander { servers.bystander.port } else { servers.registry.port };
        let digest = format!("127.0.0.1:{named}/acme/wallet@{}", Sha256::of(&manifest()));
        let build_server = TlsServer::start("server", move |seen, _| {
            answer(&[Build { digest: digest.clone(), ..Build::good() }], seen)
        });
        let scratch = Scratch::new();
        run(&request_to(&servers, build_server.port, &scratch), &impatient()).unwrap();

        let registry_login = basic("ada", "of-registry");
        for (name, server) in [
            ("registry", &servers.registry),
            ("tokens", &servers.tokens),
            ("notary", &servers.notary),
            ("store", &servers.store),
            ("bystander", &servers.bystander),
        ] {
            for question in seen(server) {
                let case = format!("{name} in round {round}, tricks {tricks:?}: {question}");
                let shows = |text: &str| question.contains(text);
                assert!(!shows("never-sent") && !shows(&basic("ada", "of-bystander")), "{case}");
                assert!(!shows("of-store") || name == "store", "{case}");
                // Basic authentication is accepted by the registry itself, or by the token server that the registry specifies.
                let theirs = (name == "registry" && registry_trick == 1) || name == "tokens";
                assert!(!shows(&registry_login) || theirs, "{case}");
                assert!(!shows("Bearer login.service_reg") || name == "registry", "{case}");
                assert!(!shows("Bearer login.service_notary") || name == "notary", "{case}");
                if name == "tokens" && shows(&registry_login) {
                    let notary_scope = format!("repository%3A127.0.0.1%3A{named}%2Facme%2Fwallet%3Apull\n");
                    let path = format!("{}\n", question.lines().next().unwrap());
                    assert!(!path.contains("secret"), "{case}");
                    if path.contains("service=notary") {
                        assert!(path.ends_with(&format!("scope={notary_scope}")), "{case}");
                        lent += 1;
                    }
                }
                // A token from a foreign token server is sent only to the server that specified that token server.
                assert!(!shows("Bearer mine") || name == "notary", "{case}");
            }
        }
        for (name, bytes) in tree(&scratch.path("evidence")) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("of-registry") && !text.contains(&registry_login), "{name}");
        }
    }
    assert!(lent > 0, "no round sent the registry's login for a trust server: the test checks nothing");
}

#[test]
fn a_trust_server_receives_the_login_specified_for_it() {
    let notary = PlainServer::start(|asked| match asked.header("authorization") {
        None => challenge("Basic realm=x".into()),
        Some(_) => (404, Vec::new(), Vec::new()),
    });
    let registry = PlainServer::start(|asked| match asked.path.contains("/manifests/sha256:") {
        true => (200, Vec::new(), manifest()),
        false => (404, Vec::new(), Vec::new()),
    });
    let digest = format!("127.0.0.1:{}/acme/wallet@{}", registry.port, Sha256::of(&manifest()));
    let image = ImageReference::parse(&digest).unwrap();
    let build_server =
        TlsServer::start("server", move |seen, _| answer(&[Build { digest: digest.clone(), ..Build::good() }], seen));
    let scratch = Scratch::new();
    let mut request = request(build_server.port, &scratch.path("evidence"));
    request.image_name = Some(image);
    request.trust = Some(TrustOptions { server: Some(format!("http://127.0.0.1:{}", notary.port)), lookaside: None });
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("401") && faults(&report).contains("HOST:PORT"), "{}", faults(&report));
    let logins = json!({"auths": {format!("127.0.0.1:{}", notary.port): {"auth": basic("ada", "of-notary")}}});
    fs::write(scratch.path("logins.json"), logins.to_string()).unwrap();
    request.outside.login_files = vec![scratch.path("logins.json")];
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let expected = format!("Basic {}", basic("ada", "of-notary"));
    assert!(notary.asked().iter().any(|asked| asked.header("authorization") == Some(&expected)));
    assert!(registry.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn a_login_is_never_sent_over_plain_http_beyond_this_computer() {
    let registry = PlainServer::start(|asked| match asked.header("authorization") {
        None => challenge("Basic realm=x".into()),
        Some(_) => (200, Vec::new(), manifest()),
    });
    let build_server = TlsServer::start("server", |seen, _| answer(&[Build::good()], seen));
    let scratch = Scratch::new();
    let mut request = request(build_server.port, &scratch.0);
    let name = format!("registry.example.com:{}", registry.port);
    request.image = Some(Layers::Leave);
    request.image_name = ImageReference::parse(&format!("{name}/acme/wallet@{}", Sha256::of(&manifest())));
    let address = "127.0.0.1".parse().unwrap();
    request.outside.resolves = vec![Resolve { host: "registry.example.com".into(), port: registry.port, address }];
    request.outside.plain_http = vec![name.clone()];
    let secret = |text: &str| Secret::new(text.into());
    request.outside.settings_login = Some((name, RegistryLogin { user: secret("ada"), password: secret("hunter2") }));
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("no login is sent over plain http"), "{}", faults(&report));
    assert!(!registry.asked().is_empty());
    assert!(registry.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn an_address_for_one_port_is_not_used_for_another() {
    let meant = PlainServer::start(|_| (200, Vec::new(), b"crl".to_vec()));
    let build_server = TlsServer::start("server", |seen, _| answer(&[Build::good()], seen));
    let scratch = Scratch::new();
    let mut request = request(build_server.port, &scratch.0);
    let address = "127.0.0.1".parse().unwrap();
    request.outside.resolves = vec![Resolve { host: "crl.invalid".into(), port: meant.port, address }];
    request.builder_files = vec![format!("http://crl.invalid:{}/a.crl", meant.port)];
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    // The same host with a different port: the host's name would have to be resolved, and it has no address (RFC 6761).
    let other = PlainServer::start(|_| (200, Vec::new(), b"crl".to_vec()));
    request.builder_files = vec![format!("http://crl.invalid:{}/b.crl", other.port)];
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 3);
    assert!(other.asked().is_empty());
}

/// The evidence files record a step even if its address was refused, so they must not contain the address's password.
#[test]
fn an_address_with_a_password_is_refused_and_never_written() {
    let registry = PlainServer::start(|asked| match asked.path.contains("/manifests/sha256:") {
        true => (200, Vec::new(), manifest()),
        false => (404, Vec::new(), Vec::new()),
    });
    let build_server = TlsServer::start("server", |seen, _| answer(&[Build::good()], seen));
    let scratch = Scratch::new();
    let mut request = request(build_server.port, &scratch.0);
    let name = format!("127.0.0.1:{}/acme/wallet@{}", registry.port, Sha256::of(&manifest()));
    request.image_name = ImageReference::parse(&name);
    request.trust = Some(TrustOptions {
        server: Some("https://ada:hunter2@notary.invalid".into()),
        lookaside: Some("https://ada:hunter2@lookaside.invalid/?token=hunter2".into()),
    });
    request.builder_files = vec!["https://ada:hunter2@crl.invalid/a.crl?token=hunter2".into()];
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert_eq!(faults(&report).matches("user name or password").count(), 3, "{}", faults(&report));
    assert!(!format!("{report:?}").contains("hunter2"));
    for (file, bytes) in tree(&scratch.0) {
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{file}");
    }
}
