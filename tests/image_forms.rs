//! One image in the forms that programs write, built here byte by byte: three generations of `docker save`, containerd, kaniko, ko, jib and `cosign
//! save`, with layers in gzip, eStargz and zstd:chunked. All forms that preserve the manifest's bytes give the same answer, and all forms that omit
//! the manifest give the same answer. `tests/writers` runs the programs themselves.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;
mod support;

use std::collections::BTreeMap;

use program::{Folder, report};
use serde_json::{Value, json};
use support::Case;
use support::image::{Image, Layer, blob, digest, gzip, layout_of, zstd};
use support::tar::{self, Entry};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An image in a program's form: its name, the transport that reads it, and its files. The
/// transport for a folder has no `archive` suffix.
struct Form {
    name: &'static str,
    transport: &'static str,
    entries: Vec<Entry>,
}

fn form(name: &'static str, transport: &'static str, entries: Vec<Entry>) -> Form {
    Form { name, transport, entries }
}

fn hex(bytes: &[u8]) -> String {
    digest(bytes)["sha256:".len()..].to_owned()
}

/// The content of a tar file before its end-of-archive marker.
fn without_end(content: &[u8]) -> &[u8] {
    let used = content.iter().rposition(|&byte| byte != 0).map_or(0, |last| (last + 1).next_multiple_of(tar::BLOCK));
    &content[..used]
}

/// eStargz (containerd/stargz-snapshotter, docs/estargz.md): each part is a gzip member; the table of contents is the tar's last file; an empty
/// member at the end has the table's offset in its header.
fn estargz(content: &[u8]) -> Layer {
    let content = without_end(content);
    let contents = tar::archive(&[Entry::file("stargz.index.json", r#"{"version":1,"entries":[]}"#)]);
    let mut blob: Vec<u8> = content.chunks(3 * tar::BLOCK).flat_map(gzip).collect();
    let place = format!("{:016x}STARGZ", blob.len());
    blob.extend(gzip(&contents));
    blob.extend(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff");
    blob.extend(26_u16.to_le_bytes());
    blob.extend([b"SG", &22_u16.to_le_bytes()[..], place.as_bytes()].concat());
    blob.extend(b"\x01\0\0\xff\xff\0\0\0\0\0\0\0\0");
    Layer { content: [content, &contents].concat(), blob, media_type: support::image::GZIP_LAYER }
}

/// zstd:chunked (containers/storage, pkg/chunked): each file is a frame; the table of contents and
/// the footer follow as skippable frames.
fn zstd_chunked(content: &[u8]) -> Layer {
    let skippable =
        |bytes: &[u8]| [b"\x50\x2a\x4d\x18", &u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], bytes].concat();
    let mut blob: Vec<u8> = content.chunks(3 * tar::BLOCK).flat_map(zstd).collect();
    blob.extend(skippable(&zstd(br#"{"version":1,"entries":[]}"#)));
    blob.extend(skippable(&[&[0; 56][..], b"GNUlInUx"].concat()));
    Layer { content: content.to_vec(), blob, media_type: "application/vnd.oci.image.layer.v1.tar+zstd" }
}

fn with(layer: fn(&[u8]) -> Layer) -> Image {
    let mut image = Image::wallet();
    image.layers = image.layers.iter().map(|one| layer(&one.content)).collect();
    image
}

/// docker's manifest.json, which lists an archive's files under these names.
fn listed(config: String, layers: Vec<String>, tags: Value) -> Entry {
    let list = json!([{"Config": config, "RepoTags": tags, "Layers": layers}]);
    Entry::file("manifest.json", list.to_string())
}

fn entry_of(image: &Image, annotations: Value) -> Value {
    let mut descriptor = image.descriptor();
    descriptor["platform"] = json!({"os": "linux", "architecture": "s390x"});
    descriptor["annotations"] = annotations;
    descriptor
}

/// The blobs of an OCI layout, below the folders that engines list in their tar files.
fn blobs(image: &Image) -> Vec<Entry> {
    let mut entries = vec![Entry::directory("blobs"), Entry::directory("blobs/sha256")];
    entries.push(blob(image.manifest_bytes()));
    entries.extend(image.blobs());
    entries
}

/// `ctr images export`, and docker 28 with containerd's image store: the pushed manifest, with docker's own list.
fn containerd(image: &Image, more: &[Value]) -> Vec<Entry> {
    let named =
        json!({"io.containerd.image.name": "docker.io/acme/wallet:v1", "org.opencontainers.image.ref.name": "v1"});
    let mut manifests = vec![entry_of(image, named)];
    manifests.extend_from_slice(more);
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", hex(bytes));
    let layers = image.layers.iter().map(|layer| path(&layer.blob)).collect();
    let mut entries = blobs(image);
    entries.extend(layout_of(&manifests));
    entries.push(listed(path(&image.config_bytes()), layers, json!(["acme/wallet:v1"])));
    entries
}

/// Like the form above, with an index of two platforms, only one of which was exported, and a statement that BuildKit adds.
fn containerd_index(image: &Image) -> Vec<Entry> {
    let mut other = Image::wallet();
    other.config["architecture"] = json!("amd64");
    let mut foreign = other.descriptor();
    foreign["platform"] = json!({"os": "linux", "architecture": "amd64"});
    let statement = json!({"mediaType": OCI_MANIFEST, "size": 9, "digest": digest(b"statement"),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest()}});
    let manifests = [foreign, entry_of(image, json!({})), statement];
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).to_string().into_bytes();
    let top = json!({"mediaType": OCI_INDEX, "size": index.len(), "digest": digest(&index),
        "annotations": {"io.containerd.image.name": "docker.io/acme/wallet:v1"}});
    let mut entries = containerd(image, &[]);
    entries.retain(|entry| entry.path != b"index.json");
    entries.extend(layout_of(&[top]).into_iter().filter(|entry| entry.path == b"index.json"));
    entries.push(blob(index));
    entries
}

/// `cosign save`: a folder with the image, its signature and annotations that state the kind of each.
fn cosign_saved(image: &Image) -> Vec<Entry> {
    let payload = br#"{"critical":{}}"#.to_vec();
    let config = br#"{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":[]}}"#.to_vec();
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "size": config.len(), "digest": digest(&config)},
        "layers": [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "size": payload.len(), "digest": digest(&payload),
            "annotations": {"dev.cosignproject.cosign/signature": "MEUC"}}]})
    .to_string()
    .into_bytes();
    let signature = json!({"mediaType": OCI_MANIFEST, "size": manifest.len(), "digest": digest(&manifest),
        "annotations": {"kind": "dev.cosignproject.cosign/sigs"}});
    let mut own = image.descriptor();
    own["annotations"] = json!({"kind": "dev.cosignproject.cosign/image"});
    let mut entries = layout_of(&[own, signature]);
    entries.push(blob(image.manifest_bytes()));
    entries.extend(image.blobs());
    entries.extend([payload, config, manifest].map(blob));
    entries
}

/// skopeo's `dir:` form.
fn directory(image: &Image) -> Vec<Entry> {
    let mut entries = vec![Entry::file("version", "Directory Transport Version: 1.1\n")];
    entries.push(Entry::file("manifest.json", image.manifest_bytes()));
    let parts = std::iter::once(image.config_bytes()).chain(image.layers.iter().map(|layer| layer.blob.clone()));
    entries.extend(parts.map(|bytes| Entry::file(hex(&bytes), bytes)));
    entries
}

/// Forms that preserve the manifest's bytes.
fn keeping(image: &Image) -> Vec<Form> {
    let statement = json!({"mediaType": OCI_MANIFEST, "size": 9, "digest": digest(b"statement"),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"}});
    let ko = |image: &Image| {
        let mut entries = layout_of(&[entry_of(image, json!({}))]);
        entries.push(blob(image.manifest_bytes()));
        entries.extend(image.blobs());
        entries
    };
    vec![
        form("a layout, blob by blob", "oci", image.layout()),
        form("a layout in a tar file", "oci-archive", image.layout()),
        form("skopeo's dir", "dir", directory(image)),
        form("ko and kaniko with a layout", "oci", ko(image)),
        form("jib in OCI's form", "oci-archive", ko(image)),
        form("cosign save", "oci", cosign_saved(image)),
        form("containerd, as a layout", "oci-archive", containerd(image, &[])),
        form("containerd, as docker reads it", "docker-archive", containerd(image, &[])),
        form("docker 28 with containerd's store", "docker-archive", containerd(image, &[statement])),
        form("containerd of one platform of an index", "docker-archive", containerd_index(image)),
    ]
}

/// `docker save` up to version 24: a folder for each layer, with the files of the format's first version.
fn docker_24(image: &Image) -> Vec<Entry> {
    let mut entries = image.saved();
    for layer in &image.layers {
        let folder = hex(&layer.content);
        entries.push(Entry::directory(folder.as_str()));
        entries.push(Entry::file(format!("{folder}/VERSION"), "1.0"));
        entries.push(Entry::file(format!("{folder}/json"), json!({"id": folder, "os": "linux"}).to_string()));
    }
    let last = image.layers.last().map(|layer| hex(&layer.content));
    entries.push(Entry::file("repositories", json!({"acme/wallet": {"latest": last}}).to_string()));
    entries
}

/// `docker save` of versions 25 to 28: an OCI layout that the engine makes from its unpacked
/// layers, with a new manifest; 25.0 left the manifest list empty.
fn docker_25(image: &Image, has_manifest: bool) -> Vec<Entry> {
    let config = image.config_bytes();
    let of = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "size": bytes.len(), "digest": digest(bytes)});
    let layer = |layer: &Layer| of("application/vnd.oci.image.layer.v1.tar", &layer.content);
    let layers: Vec<Value> = image.layers.iter().map(layer).collect();
    let manifest =
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": of(OCI_CONFIG, &config), "layers": layers});
    let manifest = manifest.to_string().into_bytes();
    let mut top = of(OCI_MANIFEST, &manifest);
    top["annotations"] = json!({"io.containerd.image.name": "docker.io/acme/wallet:v1"});
    let manifests = if has_manifest { json!([top]) } else { Value::Null };
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", hex(bytes));
    let sources: BTreeMap<String, Value> =
        image.layers.iter().zip(&layers).map(|(layer, source)| (digest(&layer.content), source.clone())).collect();
    let paths: Vec<String> = image.layers.iter().map(|layer| path(&layer.content)).collect();
    let list =
        json!([{"Config": path(&config), "RepoTags": ["acme/wallet:v1"], "Layers": paths, "LayerSources": sources}]);
    let mut entries = vec![Entry::directory("blobs"), Entry::directory("blobs/sha256")];
    entries.extend(image.layers.iter().map(|layer| blob(layer.content.clone())));
    entries.extend([config, manifest].map(blob));
    entries.push(Entry::file("index.json", index.to_string()));
    entries.push(Entry::file("manifest.json", list.to_string()));
    entries.push(Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#));
    entries
}

/// Archives that contain the layers as pushed, under their digests: kaniko, ko and crane use the
/// configuration's digest as its name, and jib names it `config.json`.
fn of_layers(image: &Image, config: String, tags: Value) -> Vec<Entry> {
    let name = |layer: &Layer| format!("{}.tar.gz", hex(&layer.blob));
    let mut entries: Vec<Entry> =
        image.layers.iter().map(|layer| Entry::file(name(layer), layer.blob.clone())).collect();
    entries.push(Entry::file(config.as_str(), image.config_bytes()));
    entries.push(listed(config, image.layers.iter().map(name).collect(), tags));
    entries
}

/// Forms that omit the pushed manifest.
fn leaving(image: &Image) -> Vec<Form> {
    let by_digest = digest(&image.config_bytes());
    vec![
        form("docker save up to 24", "docker-archive", docker_24(image)),
        form("docker save of 25.0", "docker-archive", docker_25(image, false)),
        form("kaniko, ko and crane", "docker-archive", of_layers(image, by_digest, json!(["acme/wallet:v1"]))),
        form("jib", "docker-archive", of_layers(image, "config.json".into(), json!(["acme/wallet"]))),
        form("without a name", "docker-archive", of_layers(image, "config.json".into(), Value::Null)),
    ]
}

/// Every status of the group image, and the facts about the image.
type Told = (BTreeMap<String, String>, BTreeMap<String, Vec<String>>);

/// The exit code, and the audit's statuses and facts about the image `source`.
fn told(folder: &Folder, source: &str) -> (i32, Told) {
    let bundle = program::BUNDLE;
    let (code, report) = report(folder.path(), &[bundle, "--key", "key.pem", "--image", source]);
    let of = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let report = &report["reports"][0];
    let findings = report["findings"].as_array().unwrap_or_else(|| panic!("{source}: {report:#}"));
    let own = findings.iter().filter(|finding| finding["group"] == "image");
    let statuses = own.map(|finding| (of(finding, "check"), of(finding, "status"))).collect();
    let mut facts = BTreeMap::<String, Vec<String>>::new();
    for fact in report["evidence"].as_array().unwrap() {
        let same = ["image-digest", "image-id", "platform"].contains(&fact["fact"].as_str().unwrap());
        if same && ["layout", "docker-archive"].contains(&fact["witness"].as_str().unwrap()) {
            facts.entry(of(fact, "fact")).or_default().push(of(fact, "value"));
        }
    }
    (code, (statuses, facts))
}

/// Asserts that all forms give the same answer, and returns it.
fn one_answer(image: &Image, forms: Vec<Form>) -> (i32, Told) {
    let folder = Folder::new();
    for (name, bytes) in Case::good("made", "").image(image).make() {
        folder.write(name.split_once('/').unwrap().1, bytes);
    }
    folder.write("key.pem", support::keys::Named::Server.public_pem());
    let mut seen: Option<(i32, Told)> = None;
    for (number, form) in forms.into_iter().enumerate() {
        let path = format!("{number}");
        if form.transport.ends_with("archive") {
            folder.write(&path, tar::archive(&form.entries));
        } else {
            for entry in form.entries.iter().filter(|entry| entry.kind == b'0') {
                folder.write(&format!("{path}/{}", String::from_utf8(entry.path.clone()).unwrap()), &entry.content);
            }
        }
        for source in [format!("{}:{path}", form.transport), path] {
            let answer = told(&folder, &source);
            assert_eq!(*seen.get_or_insert_with(|| answer.clone()), answer, "{}: {source}", form.name);
        }
    }
    seen.unwrap()
}

#[test]
fn image_forms_that_keep_the_bytes_give_the_same_result() {
    let mut ids = Vec::new();
    for image in [Image::wallet(), with(|content| Layer::zstd(content.to_vec())), with(estargz), with(zstd_chunked)] {
        let (code, (statuses, facts)) = one_answer(&image, keeping(&image));
        assert_eq!(code, 0, "{statuses:?}");
        for check in ["image-digest", "image-config", "image-layers"] {
            assert_eq!(statuses[check], "pass", "{statuses:?}");
        }
        let size = image.manifest_bytes().len();
        assert_eq!(facts["image-digest"], [format!("{} ({size} bytes)", image.digest())]);
        ids.push(facts["image-id"].clone());
    }
    // A different compression gives a different manifest for the same configuration; eStargz adds a file to the layer.
    assert!(ids[0] == ids[1] && ids[0] == ids[3] && ids[0] != ids[2], "{ids:?}");
}

#[test]
fn image_forms_without_the_pushed_manifest_give_the_same_result() {
    for image in [Image::wallet(), with(estargz)] {
        let (code, (statuses, facts)) = one_answer(&image, leaving(&image));
        assert_eq!(code, 1);
        assert_eq!(facts["image-id"], [digest(&image.config_bytes())]);
        for (check, status) in [("image-digest", "unknown"), ("image-config", "unknown"), ("image-layers", "pass")] {
            assert_eq!(statuses[check], status, "{check}");
        }
    }
}

/// A manifest that an engine made is not the pushed one: the link between image and log is missing,
/// although configuration and layers match.
#[test]
fn a_manifest_written_by_an_engine_is_distinguished_from_the_pushed_one() {
    let image = Image::wallet();
    let (code, (statuses, _)) = one_answer(&image, vec![form("docker", "docker-archive", docker_25(&image, true))]);
    assert_eq!(code, 1);
    for (check, status) in [("image-digest", "unknown"), ("image-config", "pass"), ("image-layers", "pass")] {
        assert_eq!(statuses[check], status, "{check}");
    }
}

/// Links in a folder are not followed; the error reports that the file is a link, and states what to do.
#[test]
fn a_document_that_is_a_link_is_reported_as_a_link() {
    let folder = Folder::new();
    for entry in Image::wallet().layout() {
        folder.write(&format!("image/{}", String::from_utf8(entry.path).unwrap()), entry.content);
    }
    let path = |name: &str| folder.path().join("image").join(name);
    let manifest = format!("blobs/sha256/{}", hex(&Image::wallet().manifest_bytes()));
    for name in ["index.json", manifest.as_str()] {
        std::fs::rename(path(name), path("elsewhere")).unwrap();
        std::os::unix::fs::symlink(path("elsewhere"), path(name)).unwrap();
        let answer = program::run(folder.path(), &["image", "oci:image"]);
        assert_eq!(answer.code, 1, "{}", answer.err);
        let says = format!("{name} is a symbolic link, which is not followed");
        assert!(answer.out.contains(&says), "{}", answer.out);
        std::fs::remove_file(path(name)).unwrap();
        std::fs::rename(path("elsewhere"), path(name)).unwrap();
    }
}
