//! Bundles without a fault: the accepted forms, and the parts that may be missing.

use super::super::case::{Case, build_name, image_tag};
use super::super::encoding::{bzip2, pem};
use super::super::inputs::{self, STAMP};
use super::super::keys::{Named, rsa_pkcs1_der};
use super::super::signing::{p256_der, p256_numbers, p256_order, sign_archive};
use super::super::tar::{Entry, LongNames, pax_record};

pub fn cases() -> Vec<Case> {
    [keys(), containers(), repositories(), records(), logs(), several()].into_iter().flatten().collect()
}

fn keys() -> Vec<Case> {
    let server = Named::Server.rsa();
    let public_key_file = format!("manifest.{}-public.pem", build_name(&image_tag(), STAMP));
    vec![
        Case::good("good-rsa-2048", "The plain good build: RSA-2048, HEAD on a branch, one pack and loose objects."),
        Case::good("good-rsa-4096", "Signed with RSA-4096.").key(Named::Server4096),
        Case::good("good-p256", "Signed with ECDSA P-256, in DER.").key(Named::ServerP256),
        Case::good("good-p256-high-s", "An ECDSA signature whose s is above half the order: valid by FIPS 186-5.")
            .key(Named::ServerP256)
            .sign(|key, archive| {
                let (r, s) = p256_numbers(&sign_archive(key, archive));
                p256_der(&r, &(p256_order() - &s).max(s))
            }),
        Case::good("good-key-pkcs1", "The trusted key is a PKCS#1 `RSA PUBLIC KEY`.")
            .file("key.pem", pem("RSA PUBLIC KEY", &rsa_pkcs1_der(&server.n, &server.e))),
        Case::good(
            "good-key-pinned",
            "The key is pinned by its fingerprint; the file next to the bundle matches and supplies it.",
        )
        .file(public_key_file, Named::Server.public_pem())
        .arguments(&["--key", &Named::Server.fingerprint()]),
        Case::good("good-key-one-of-two", "Two keys are trusted, and the second one signed.")
            .file("other.pem", Named::Other.public_pem())
            .arguments(&["--key", "other.pem", "--key", "key.pem"]),
        Case::good("good-key-twice", "A key named twice counts once.")
            .file("again.pem", Named::Server.public_pem())
            .arguments(&["--key", "key.pem", "--key", "again.pem"]),
        Case::good("good-key-with-blanks", "Blank lines and CR LF line endings around and in the PEM block.")
            .file("key.pem", format!("\r\n\n{}\n \n", Named::Server.public_pem().replace('\n', "\r\n"))),
    ]
}

fn containers() -> Vec<Case> {
    vec![
        Case::good("good-signature-upper-case", "The signature is upper-case hex with a newline at its end.")
            .signature(|text| {
                text.make_ascii_uppercase();
                text.push(b'\n');
            }),
        Case::good("good-outer-order", "The signature comes before the signed archive.")
            .outer(|entries| entries.reverse()),
        Case::good("good-inner-order", "`git/` comes before `data/`, and the log comes before the record.").inner(
            |entries| {
                entries.swap(1, 2);
                entries.rotate_left(3);
            },
        ),
        Case::good("good-concatenated-streams", "Both archives consist of several concatenated bzip2 streams.")
            .inner_streams()
            .bundle(|bundle| bundle.extend(bzip2(&[0; 1024]))),
        Case::good("good-plain-ustar", "No PAX headers, as GNU tar writes `--format=ustar`.")
            .inner(|entries| entries.iter_mut().for_each(|entry| entry.mtime = "1772446530"))
            .outer(|entries| entries.iter_mut().for_each(|entry| entry.mtime = "1772446530")),
        Case::good("good-gnu-long-names", "A name of more than 100 bytes in GNU tar's form.")
            .inner(|entries| entries.push(long_name(LongNames::Gnu))),
        Case::good("good-pax-long-names", "A name of more than 100 bytes in a PAX header.")
            .inner(|entries| entries.push(long_name(LongNames::Pax))),
        Case::good("good-odd-names", "Names that differ only by case or Unicode form, and one that is not UTF-8.")
            .inner(|entries| entries.extend(odd_names())),
        Case::good("good-dot-slash-names", "Names begin with `./`, as `tar -c .` writes them.").inner(|entries| {
            for entry in entries.iter_mut() {
                entry.path.splice(0..0, *b"./");
            }
            entries.insert(0, Entry::directory("./"));
        }),
        Case::good("good-without-folders", "The archive has only files, no folders.")
            .inner(|entries| entries.retain(|entry| entry.kind != b'5')),
        Case::good("good-global-pax-header", "A global PAX header with a comment, as `git archive` writes it.").inner(
            |entries| {
                let comment = pax_record("comment", b"made by hand");
                entries.insert(0, Entry { kind: b'g', mtime: "0", ..Entry::file("pax_global_header", comment) });
            },
        ),
    ]
}

/// Reflogs of branches whose names differ only by case or Unicode form (é as one character and as two), and of a branch whose name is not UTF-8:
/// git accepts them, and they must stay separate.
fn odd_names() -> Vec<Entry> {
    let names: [&[u8]; 5] = [b"main-2", b"MAIN-2", b"caf\xc3\xa9", b"cafe\xcc\x81", b"caf\xe9"];
    let path = |name: &[u8]| [b"git/wallet/.git/logs/refs/heads/", name].concat();
    names.map(|name| Entry { names: LongNames::Gnu, ..Entry::file(path(name), "") }).into()
}

/// A reflog of a branch with a long name: git writes such reflogs, and they are not part of any object.
fn long_name(names: LongNames) -> Entry {
    let path = format!("git/wallet/.git/logs/refs/heads/{}", "long-branch-name-".repeat(6));
    Entry { names, ..Entry::file(path, "") }
}

fn repositories() -> Vec<Case> {
    let head = inputs::head_commit();
    let loose = |entry: &Entry| entry.path.starts_with(b"git/wallet/.git/refs/") && entry.kind == b'0';
    vec![
        Case::good("good-detached-head", "HEAD is a commit id, as after a clone of a tag.")
            .text("git/wallet/.git/HEAD", |_| format!("{head}\n")),
        Case::good("good-shallow", "A clone with `--depth 1`: the parents may be missing.").repository(inputs::SHALLOW),
        Case::good("good-packed-refs-only", "Every ref is packed, as after `git pack-refs --all`.")
            .inner(move |entries| entries.retain(|entry| !loose(entry)))
            .text("git/wallet/.git/packed-refs", |text| {
                text.replace("refs/remotes/origin/main", "refs/heads/main")
                    .replace("ae216163cffcebdd31cde54d045da5617d67a40a refs/heads", &format!("{head} refs/heads"))
            }),
        Case::good(
            "good-loose-ref-counts",
            "A packed ref names a different commit than the loose one, which takes precedence.",
        )
        .text("git/wallet/.git/packed-refs", |text| text.replace("refs/remotes/origin/main", "refs/heads/main")),
    ]
}

fn records() -> Vec<Case> {
    vec![
        Case::good("good-on-premises", "An on-premises server: root ssh is off and its folder is empty.")
            .record(|text| text.replace("\"build_image_tag\": \"1.3.0.18\"", "\"root_ssh_enabled\": false"))
            .inner(|entries| entries.push(Entry::directory("root_ssh")))
            .expect("root-ssh", "pass"),
        Case::good("good-names-empty", "The record's names are empty, as they are during a build.")
            .record(without_names),
        Case::good(
            "good-names-empty-without-log",
            "The record's names are empty, and the archive has no log: no time is signed.",
        )
        .record(without_names)
        .inner(|entries| entries.retain(|entry| entry.path != b"data/build.log"))
        .expect("build-age", "not-run: no-expectation")
        .expect("source-commit", "pass"),
        Case::good("good-status-only", "The record has only a status.")
            .record(|_| "{\"status\": \"success\"}".into())
            .expect("build-status", "pass"),
        Case::good("good-status-success", "The status is `success`.")
            .record(|text| text.replace("image pushed", "success"))
            .expect("build-status", "pass"),
        Case::good("good-unknown-fields", "The record has unknown fields.")
            .record(|text| text.replacen('{', "{\n    \"builder\": {\"cores\": [2, 4]},\n    \"note\": null,", 1)),
        Case::good("good-icr", "A build for icr.io without content trust: no digest in the log, and no key.")
            .build_name(icr_name())
            .record(|text| text.replace(&build_name(&image_tag(), STAMP), &icr_name()))
            .log(|text| {
                let text = text.replace("docker.io/acme/wallet", "us.icr.io/acme/wallet");
                super::without(
                    &text,
                    &["digest: ", "signed", "Signing", "Finished", "keyid=", "publickey=", "image keyid"],
                )
            })
            .expect("log-image", "pass")
            .expect("log-key", "not-run"),
    ]
}

pub(super) fn icr_name() -> String {
    build_name(&image_tag(), STAMP).replace("docker.io", "us.icr.io")
}

/// `case` whose log is the line `before`, followed by part of the log that IBM published.
pub(super) fn public_log(case: Case, before: &'static str) -> Case {
    case.inner(|entries| {
        for entry in entries.iter_mut() {
            let path = String::from_utf8(entry.path.clone()).unwrap();
            entry.path = path.replacen("git/wallet", "git/secure-bitcoin-wallet", 1).into_bytes();
        }
    })
    .build_name(public_name())
    .record(|text| {
        text.replace(&build_name(&image_tag(), STAMP), &public_name())
            .replace(&image_tag(), &public_tag())
            .replace("1.3.0.18", "1.3.0.4")
    })
    .log(move |_| {
        let end = inputs::PUBLIC_LOG.split_inclusive('\n').position(|line| line.contains("create_and_push")).unwrap();
        let tail: String = inputs::PUBLIC_LOG.split_inclusive('\n').take(end).collect();
        format!("{before}{tail}")
    })
}

fn without_names(text: String) -> String {
    let name = build_name(&image_tag(), STAMP);
    text.replace(&format!("manifest.{name}-public.pem"), "").replace(&name, "").replace(&image_tag(), "")
}

fn logs() -> Vec<Case> {
    vec![
        Case::good("good-without-log", "The archive has no log, so nothing in it disagrees.")
            .inner(|entries| entries.retain(|entry| entry.path != b"data/build.log"))
            .expect("log-image", "not-run")
            .expect("log-key", "not-run"),
        Case::good("good-build-kit", "The builder is BuildKit, which prints bases with their digest, and no steps.")
            .log(build_kit)
            .expect("source-dockerfile", "unknown"),
        Case::good("good-build-kit-pushed", "BuildKit itself pushes the image, as a step of the build.")
            .log(pushed_by_build_kit)
            .expect("log-image", "pass"),
        Case::fails(
            "pushed-by-build-kit-elsewhere",
            "log-image",
            "BuildKit pushed to a repository other than the one in the build's name.",
        )
        .log(|text| pushed_by_build_kit(text).replace("for docker.io/acme/wallet:", "for docker.io/acme/purse:")),
        Case::good(
            "good-build-kit-push-imitated",
            "A RUN step of docker's classic builder prints BuildKit's push lines, which are ignored.",
        )
        .log(|text| {
            let digest = format!("sha256:{}", "0".repeat(64));
            let line = format!("run: #9 pushing manifest for docker.io/acme/wallet:latest@{digest} 0.9s done");
            super::insert_before(&text, "building the wallet", &line)
        })
        .expect("log-image", "pass")
        .expect("source-dockerfile", "unknown"),
        Case::good("good-base-up-to-date", "The base images were already on the server.").log(|text| text.replace("Downloaded newer image", "Image is up to date")),
        Case::good("good-log-half-a-second-late", "The log ends half a second after the build's stamp.")
            .log(|text| text.replace("10:15:30,123  root       INFO    generating", "10:15:30,623  root       INFO    generating"))
            .expect("log-order", "pass"),
        public_log(
            Case::good(
                "good-public-log",
                "The end of the log, up to the build's stamp, is a real one published by IBM; the build's last line before it is invented.",
            ),
            "2020-06-23 08:39:40,000  root       INFO    run: Successfully built 0123456789ab\n",
        )
            .expect("log-key", "pass"),
        Case::good(
            "good-log-fake-push",
            "A RUN step of the Dockerfile prints push lines with a different digest, and lines like the server's. \
             They come before the build's last line and are ignored.",
        )
        .log(|text| {
            let fake = format!(
                "run: Successfully built 000000000000\nrun: Successfully tagged docker.io/acme/wallet:latest\n\
                 run: The push refers to repository [docker.io/evil/wallet]\n\
                 run: latest: digest: sha256:{} size: 1157\nrun: keyid={0}\nrun: publickey=AAAA\nrun: github_dir=evil",
                "0".repeat(64)
            );
            super::insert_before(&text, "Removing intermediate container 1e2f3a4b5c6d", &fake)
        })
        .expect("log-image", "pass")
        .expect("log-key", "pass"),
    ]
}

fn public_tag() -> String {
    image_tag().replace("v1-", "latest-")
}

fn public_name() -> String {
    format!("docker.io.gmoney23.hpvs_bc.{}.2020-06-23_08-39-48.301849", public_tag())
}

pub(super) fn build_kit(text: String) -> String {
    let (before, rest) = text.split_once("2026-03-02 10:12:04,955").unwrap();
    let (_, after) = rest.split_once("run: Successfully tagged docker.io/acme/wallet:latest\n").unwrap();
    let lines = [
        "#1 [internal] load build definition from Dockerfile",
        "#5 [build 1/4] FROM docker.io/library/golang:1.24-bookworm@sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c",
        "#6 [stage-1 1/3] FROM docker.io/library/debian:bookworm-slim@sha256:8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f",
        "#9 [build 4/4] RUN ./build.sh",
        "#9 0.351 building the wallet",
        "#9 DONE 144.2s",
        "#12 exporting layers 0.4s done",
        "#12 writing image sha256:c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1d8c1a1f9b0e7c6d5a4f3e2d1 done",
        "#12 naming to docker.io/acme/wallet:latest done",
    ];
    let lines: String =
        lines.iter().map(|line| format!("2026-03-02 10:15:13,974  root       INFO    run: {line}\n")).collect();
    format!("{before}{lines}{after}")
}

/// A build in which BuildKit itself pushes, with lines as in real logs: each status appears once
/// when it begins and once when it is done.
pub(super) fn pushed_by_build_kit(text: String) -> String {
    let (_, digest) = text.split_once(": digest: ").unwrap();
    let digest = digest.split(' ').next().unwrap().to_owned();
    let text = super::without(&build_kit(text), &["writing image", "naming to"]);
    let (before, rest) = text.split_once("2026-03-02 10:15:14,377").unwrap();
    let (_, after) = rest.split_once("run: Successfully signed docker.io/acme/wallet:latest\n").unwrap();
    let pushed = |tag: &str| format!("#12 pushing manifest for docker.io/acme/wallet:{tag}@{digest}");
    let lines = [
        "#12 pushing layers".into(),
        "#12 ...".into(),
        "#13 [auth] acme/wallet:pull,push token for registry-1.docker.io".into(),
        "#13 DONE 0.0s".into(),
        "#12 pushing layers 2.1s done".into(),
        pushed(&image_tag()),
        format!("{} 0.9s done", pushed(&image_tag())),
        format!("{} 0.3s done", pushed("latest")),
        "#12 DONE 9.1s".into(),
    ];
    let line = |line: &String| format!("2026-03-02 10:15:27,330  root       INFO    run: {line}\n");
    format!("{before}{}{after}", lines.iter().map(line).collect::<String>())
}

fn several() -> Vec<Case> {
    let later = || build_name(&image_tag(), "2026-03-02_11-40-00.000001");
    vec![
        Case::good("good-two-bundles", "Two builds of one commit in one folder.").beside(
            Case::good("later", "")
                .build_name(later())
                .record(move |text| text.replace(&build_name(&image_tag(), STAMP), &later())),
        ),
    ]
}

impl Case {
    /// The inner archive, with a separate bzip2 stream for every 20,000 bytes.
    fn inner_streams(self) -> Self {
        self.compress(|tar| tar.chunks(20_000).flat_map(bzip2).collect())
    }

    /// A different recorded repository.
    fn repository(self, recorded: &'static [u8]) -> Self {
        self.inner(|entries| {
            entries.retain(|entry| !entry.path.starts_with(b"git/wallet"));
            entries.extend(inputs::repository(recorded));
        })
    }
}
