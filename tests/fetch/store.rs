//! Tests the object store with moto's S3.

use std::fs;

use hpsb_audit::client::{Bucket, ImageReference, Kept, Layers, OutsideOptions, Patience, Request, Secret, StoreKeys};

use crate::cutting_proxy::CuttingProxy;
use crate::plain_http::{PlainServer, send};
use crate::processes::object_store;
use crate::tls_server::TlsServer;
use crate::world::*;

fn fill(port: u16) {
    send(port, "PUT", "/builds", &[], b"");
    let put = |key: &str, bytes: &[u8]| send(port, "PUT", &format!("/builds/{key}"), &[], bytes);
    put(&format!("manifests/a%20b%2B%C3%A4/manifest.{NAME}.sig.tbz"), &Build::good().bundle);
    put(&format!("manifests/manifest.{OTHER}.sig.tbz"), &large());
    put("manifests/notes.txt", b"x");
    put("manifests/manifest.-public.pem", b"x");
    put("elsewhere/manifest.other.sig.tbz", b"x");
}

fn large() -> Vec<u8> {
    noise(3_000_000)
}

fn keys(id: &str, key: &str) -> Option<StoreKeys> {
    let secret = |text: &str| Secret::new(text.into());
    Some(StoreKeys { access_key_id: secret(id), secret_access_key: secret(key), session_token: None })
}

fn bucket_request(port: u16, scratch: &Scratch) -> Request {
    Request {
        to: scratch.0.clone(),
        server: None,
        builds: Vec::new(),
        bucket: Some(Bucket {
            endpoint: format!("http://127.0.0.1:{port}"),
            name: "builds".into(),
            prefix: "manifests/".into(),
            region: None,
            keys: keys("AKIDEXAMPLE", "x"),
            parallel: 4,
        }),
        image: None,
        image_name: None,
        trust: None,
        builder_files: Vec::new(),
        outside: OutsideOptions::default(),
    }
}

#[test]
fn bundles_are_downloaded_and_those_without_a_key_are_listed() {
    let store = object_store(None);
    fill(store.port);
    let scratch = Scratch::new();
    let mut request = bucket_request(store.port, &scratch);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(faults(&report), "");
    assert_eq!(report.without_key, names(&[OTHER, NAME]));
    assert_eq!(report.exit_code(), 3);
    let bundle = |name: &str| fs::read(scratch.path(name).join(format!("manifest.{name}.sig.tbz"))).unwrap();
    assert_eq!(bundle(NAME), Build::good().bundle);
    assert!(bundle(OTHER) == large());

    // The build server supplies keys by name. Only the keys, the server's status, and the data that exists only for the newest build are
    // requested.
    let server = TlsServer::start("server", |seen, _| answer(&[Build::other(), Build::good()], seen));
    request.server = crate::world::request(server.port, &scratch.0).server;
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let asked: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    let expected = ["/image", "/publickey", "/publickey", "/imagedigest", "/config-json", "/log/build", "/image"];
    assert_eq!(asked, expected);
    assert!(scratch.path(OTHER).join(format!("manifest.{OTHER}-public.pem")).is_file());

    // An object that is present in this version is not downloaded again.
    let before = tree(&scratch.0);
    request.server = None;
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0);
    assert!(report.builds.iter().flat_map(|build| &build.files).all(|(_, kept)| *kept == Kept::Same));
    assert_eq!(tree(&scratch.0), before);
}

#[test]
fn both_versions_of_a_replaced_object_are_kept() {
    let store = object_store(None);
    fill(store.port);
    let scratch = Scratch::new();
    let request = bucket_request(store.port, &scratch);
    run(&request, &impatient()).unwrap();
    let login = [(
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=x/20261123/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x",
    )];
    send(store.port, "PUT", &format!("/builds/manifests/manifest.{OTHER}.sig.tbz"), &login, b"other bytes");
    let name = format!("manifest.{OTHER}.sig.tbz");
    // The next run finds the received bytes in the folder, but the file that an audit reads is still a different one.
    for _ in 0..2 {
        let report = run(&request, &impatient()).unwrap();
        let build = report.builds.iter().find(|build| build.build_name.as_str() == OTHER).unwrap();
        assert_eq!(build.files, [(name.clone(), Kept::Beside(format!("{name}.differs-1")))]);
        let not_read = format!("It is not the file that was received, which is {name}.differs-1 and was not read");
        let said = format!("{}{}", faults(&report), notes(&report));
        assert!(said.contains(&not_read), "{report:?}");
    }
    assert!(fs::read(scratch.path(OTHER).join(&name)).unwrap() == large());
    assert_eq!(fs::read(scratch.path(OTHER).join(format!("{name}.differs-1"))).unwrap(), b"other bytes");
}

#[test]
fn a_listing_of_many_pages_is_read_to_its_end() {
    let page = |keys: std::ops::Range<usize>, next: Option<&str>| {
        let object =
            |n| format!("<Contents><Key>manifest.b{n}.sig.tbz</Key><ETag>\"{n}\"</ETag><Size>1</Size></Contents>");
        let objects: String = keys.map(object).collect();
        let next =
            next.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>")).unwrap_or_default();
        let truncated = !next.is_empty();
        format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{next}{objects}</ListBucketResult>")
            .into_bytes()
    };
    let server = PlainServer::start(move |asked| match asked.path.as_str() {
        path if path.contains("continuation-token=t%2F1%3D") => (200, Vec::new(), page(10..12, None)),
        path if path.contains("list-type=2") => (200, Vec::new(), page(0..10, Some("t/1="))),
        _ => (200, Vec::new(), b"x".to_vec()),
    });
    let scratch = Scratch::new();
    let report = run(&bucket_request(server.port, &scratch), &impatient()).unwrap();
    assert_eq!(report.builds.len(), 12, "{}", faults(&report));
    assert_eq!(fs::read(scratch.path("b11/manifest.b11.sig.tbz")).unwrap(), b"x");
}

fn object(key: &str) -> String {
    format!("<Contents><Key>{key}</Key><ETag>\"e\"</ETag><Size>1</Size></Contents>")
}

#[test]
fn an_endless_listing_is_stopped_and_its_objects_are_saved() {
    for (circle, says) in [(false, "listing_pages=5"), (true, "form a loop")] {
        let server = PlainServer::start(move |asked| {
            let Some((_, query)) = asked.path.split_once('?') else { return (200, Vec::new(), b"x".to_vec()) };
            let number =
                query.split_once("token=t").map_or(0, |(_, rest)| rest.split('&').next().unwrap().parse().unwrap());
            let next = if circle { (number + 1) % 3 } else { number + 1 };
            let object = if number == 0 { object("manifest.b.sig.tbz") } else { String::new() };
            let text = format!(
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t{next}</NextContinuationToken>{object}</ListBucketResult>"
            );
            (200, Vec::new(), text.into_bytes())
        });
        let scratch = Scratch::new();
        let mut limits = hpsb_audit::Limits::default();
        limits.listing_pages = 5;
        let report = run_with(&bucket_request(server.port, &scratch), &impatient(), &limits).unwrap();
        assert_eq!(report.exit_code(), 3);
        assert!(faults(&report).contains(says), "{}", faults(&report));
        assert!(scratch.path("b/manifest.b.sig.tbz").is_file());
        assert!(server.asked().len() <= 6, "{}", server.asked().len());
    }
}

#[test]
fn no_key_can_address_another_bucket() {
    let keys =
        ["..%2Fother%2Fmanifest.a.sig.tbz", "x%2F..%2F..%2Fother%2Fmanifest.b.sig.tbz", ".%2Fmanifest.c.sig.tbz"];
    let listing: String = keys.iter().chain(&["x%2F%252e%252e%2Fmanifest.d.sig.tbz"]).map(|key| object(key)).collect();
    let listing = format!("<ListBucketResult>{listing}</ListBucketResult>");
    let server = PlainServer::start(move |asked| match asked.path.contains('?') {
        true => (200, Vec::new(), listing.clone().into_bytes()),
        false => (200, Vec::new(), b"x".to_vec()),
    });
    let scratch = Scratch::new();
    let report = run(&bucket_request(server.port, &scratch), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert_eq!(faults(&report).matches("cannot be requested").count(), 3, "{}", faults(&report));
    let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[1], "/builds/x/%252e%252e/manifest.d.sig.tbz");
}

#[test]
fn requests_are_signed_as_s3_requires() {
    // Three requests create a user with access; after that, the store refuses requests without a good signature. (moto decodes an address
    // before it checks the address's signature, so the names here need no encoding; known-answer tests cover names that do.)
    let store = object_store(Some(2 + 3));
    send(store.port, "PUT", "/builds", &[], b"");
    send(store.port, "PUT", &format!("/builds/manifest.{NAME}.sig.tbz"), &[], &Build::good().bundle);
    let iam = [
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=x/20261123/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x",
        ),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    send(store.port, "POST", "/", &iam, b"Action=CreateUser&UserName=auditor&Version=2010-05-08");
    let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
    let body = format!("Action=PutUserPolicy&UserName=auditor&PolicyName=p&PolicyDocument={policy}&Version=2010-05-08");
    send(store.port, "POST", "/", &iam, body.as_bytes());
    let answer = send(store.port, "POST", "/", &iam, b"Action=CreateAccessKey&UserName=auditor&Version=2010-05-08");
    let field = |name: &str| {
        let rest = answer.split_once(&format!("<{name}>")).unwrap().1;
        rest.split_once('<').unwrap().0.to_owned()
    };
    let (id, key) = (field("AccessKeyId"), field("SecretAccessKey"));
    let scratch = Scratch::new();
    let mut request = bucket_request(store.port, &scratch);
    request.bucket.as_mut().unwrap().prefix = "manifest.".into();
    let refused = |request: &Request| {
        let report = run(request, &impatient()).unwrap();
        assert_eq!((report.exit_code(), report.builds.len()), (3, 0), "{}", faults(&report));
        faults(&report)
    };
    request.bucket.as_mut().unwrap().keys = keys(&id, "hunter2");
    let said = refused(&request);
    assert!(said.contains("403") && !said.contains("hunter2") && !said.contains(&id), "{said}");
    request.bucket.as_mut().unwrap().keys = keys(&id, &key);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.builds.len()), ("", 1));
    assert_eq!(fs::read(scratch.path(NAME).join(format!("manifest.{NAME}.sig.tbz"))).unwrap(), Build::good().bundle);
    assert!(!tree(&scratch.0).iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(&id)));
}

#[test]
fn after_a_connection_is_cut_anywhere_a_second_run_completes_the_bucket() {
    let store = object_store(None);
    fill(store.port);
    let proxy = CuttingProxy::start(store.port);
    let reference = {
        let scratch = Scratch::new();
        run(&bucket_request(proxy.port, &scratch), &impatient()).unwrap();
        tree(&scratch.0)
    };
    for position in [0, 1, 200, 1_000, 5_000, 100_000, 1_500_000, 2_999_999, 3_000_100] {
        let scratch = Scratch::new();
        proxy.cut(u64::MAX, position);
        let report = run(&bucket_request(proxy.port, &scratch), &impatient()).unwrap();
        let complete = tree(&scratch.0) == reference;
        assert!(complete || !faults(&report).is_empty(), "{position}");
        proxy.cut(0, 0);
        let report = run(&bucket_request(proxy.port, &scratch), &impatient()).unwrap();
        assert_eq!(faults(&report), "", "{position}");
        assert!(tree(&scratch.0) == reference, "{position}: {:?}", file_names(&scratch.0));
    }
}

#[test]
fn after_a_connection_is_cut_only_the_missing_bytes_are_requested() {
    let bytes = large();
    let whole = bytes.clone();
    let server = PlainServer::start(move |asked| {
        if asked.path.contains("list-type=2") {
            let listing = format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>manifest.x.sig.tbz</Key><ETag>\"e\"</ETag><Size>{}</Size></Contents></ListBucketResult>",
                whole.len()
            );
            return (200, Vec::new(), listing.into_bytes());
        }
        assert_eq!(asked.header("if-match"), Some("\"e\""));
        match asked
            .header("range")
            .map(|range| range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse::<usize>().unwrap())
        {
            None => (200, Vec::new(), whole.clone()),
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
                (206, vec![("Content-Range".into(), range)], whole[from..].to_vec())
            }
        }
    });
    let proxy = CuttingProxy::start(server.port);
    let scratch = Scratch::new();
    // The listing is not cut; each further connection delivers a piece of the bundle until no more connections are cut.
    proxy.cut(6, 700_000);
    let report = run(&bucket_request(proxy.port, &scratch), &Patience { tries: 10, ..impatient() }).unwrap();
    assert_eq!(faults(&report), "");
    assert!(fs::read(scratch.path("x/manifest.x.sig.tbz")).unwrap() == bytes);
    let ranges: Vec<bool> = server.asked().iter().skip(1).map(|asked| asked.header("range").is_some()).collect();
    assert_eq!(ranges.iter().filter(|ranged| !**ranged).count(), 1, "{ranges:?}");
    assert!(ranges.len() > 2);
}

#[test]
fn an_object_of_the_wrong_size_is_not_saved() {
    let server = PlainServer::start(|asked| {
        match asked.path.contains("list-type=2") {
        true => (200, Vec::new(), b"<ListBucketResult><Contents><Key>manifest.x.sig.tbz</Key><ETag>1</ETag><Size>5</Size></Contents></ListBucketResult>".to_vec()),
        false => (200, Vec::new(), b"four".to_vec()),
    }
    });
    let scratch = Scratch::new();
    let report = run(&bucket_request(server.port, &scratch), &impatient()).unwrap();
    assert!(faults(&report).contains("expected 5 bytes, found 4"), "{}", faults(&report));
    assert!(!scratch.path("x/manifest.x.sig.tbz").exists());
}

#[test]
fn an_empty_bucket_has_nothing_to_save() {
    let store = object_store(None);
    send(store.port, "PUT", "/builds", &[], b"");
    let scratch = Scratch::new();
    let report = run(&bucket_request(store.port, &scratch), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 4);
    let mut request = bucket_request(store.port, &scratch);
    request.bucket.as_mut().unwrap().name = "none".into();
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("404"), "{}", faults(&report));
}

#[test]
fn a_store_that_requires_a_login_is_reported() {
    let server = PlainServer::start(|_| (403, Vec::new(), b"<Error><Code>AccessDenied</Code></Error>".to_vec()));
    let scratch = Scratch::new();
    let mut request = bucket_request(server.port, &scratch);
    request.bucket.as_mut().unwrap().keys = None;
    let report = run(&request, &impatient()).unwrap();
    assert!(
        faults(&report).contains("AWS_ACCESS_KEY_ID") && faults(&report).contains("AccessDenied"),
        "{}",
        faults(&report)
    );
    assert!(server.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn a_store_is_reached_over_plain_http_only_on_this_computer() {
    let scratch = Scratch::new();
    let mut request = bucket_request(1, &scratch);
    request.bucket.as_mut().unwrap().endpoint = "http://192.0.2.1".into();
    let error = run(&request, &impatient()).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
}

/// The server's newest build may be missing in the bucket, and keys are requested for the bucket's builds even if builds of the server are named.
#[test]
fn a_bucket_does_not_hide_the_servers_newest_build() {
    let store = object_store(None);
    send(store.port, "PUT", "/builds", &[], b"");
    send(store.port, "PUT", &format!("/builds/manifests/manifest.{OTHER}.sig.tbz"), &[], &Build::other().bundle);
    let server = TlsServer::start("server", |seen, _| answer(&[Build::other(), Build::good()], seen));
    let scratch = Scratch::new();
    let mut request = bucket_request(store.port, &scratch);
    request.server = crate::world::request(server.port, &scratch.0).server;
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(
        faults(&report).contains(&format!("no bundle of the newest build, {NAME}, is in the folder")),
        "{}",
        faults(&report)
    );

    let other = Scratch::new();
    for (scratch, builds) in [(&other, names(&[NAME])), (&other, Vec::new())] {
        request.to = scratch.0.clone();
        request.builds = builds;
        let report = run(&request, &impatient()).unwrap();
        assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
        assert!(scratch.path(OTHER).join(format!("manifest.{OTHER}-public.pem")).is_file());
    }

    // One named image is not the image of two builds.
    request.builds = names(&[NAME]);
    request.image_name = ImageReference::parse("127.0.0.1:1/acme/wallet:v1-b0398d3");
    request.image = Some(Layers::Leave);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert!(faults(&report).contains("this run saves 2 builds"), "{}", faults(&report));
}
