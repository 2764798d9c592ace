//! Tests which image of a source is read and which entries are ignored, for layouts like those written by common tools.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::Platform;
use super::{Choice, Form, Held, ImageFacts, Part, read_held};
use crate::base::budget::Budget;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Blobs by path. A method that adds a blob returns the blob's descriptor.
#[derive(Default)]
struct Layout(BTreeMap<String, Vec<u8>>);

impl Layout {
    fn put(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Sha256::of(bytes);
        self.0.insert(format!("blobs/sha256/{}", digest.hex()), bytes.to_vec());
        json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
    }

    fn image(&mut self, architecture: &str) -> Value {
        let layer = self.put("application/vnd.oci.image.layer.v1.tar", architecture.as_bytes());
        let config = json!({"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}});
        self.manifest("application/vnd.oci.image.config.v1+json", &config, &[layer])
    }

    fn manifest(&mut self, config_type: &str, config: &Value, layers: &[Value]) -> Value {
        let config = self.put(config_type, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.put(MANIFEST, manifest.to_string().as_bytes())
    }

    /// A signature as cosign stores it: a manifest with an image configuration.
    fn signature(&mut self) -> Value {
        let payload = self.put("application/vnd.dev.cosign.simplesigning.v1+json", b"{}");
        let config = json!({"os": "", "architecture": "", "rootfs": {"type": "layers", "diff_ids": []}});
        self.manifest("application/vnd.oci.image.config.v1+json", &config, &[payload])
    }

    /// An attestation as stored among an image's referrers.
    fn referrer(&mut self) -> Value {
        let statement = self.put("application/vnd.in-toto+json", b"{\"a\": 1}");
        self.manifest("application/vnd.oci.empty.v1+json", &json!({}), &[statement])
    }

    /// Adds the `manifest.json` of `docker save` for this image.
    fn save(&mut self, image: &Value) {
        let manifest: Value = serde_json::from_slice(&self.0[&path_of(image)]).unwrap();
        let (config, layer) = (path_of(&manifest["config"]), path_of(&manifest["layers"][0]));
        let saved = json!([{"Config": config, "RepoTags": ["acme/wallet:latest"], "Layers": [layer]}]);
        self.0.insert("manifest.json".into(), saved.to_string().into_bytes());
    }

    fn index(&mut self, entries: &[&Value]) -> Value {
        self.put(INDEX, index(entries).as_bytes())
    }

    fn read(&mut self, entries: &[&Value], reference: Option<&str>) -> Result<ImageFacts, Error> {
        self.facts(entries, reference).and_then(ImageFacts::decided)
    }

    fn facts(&mut self, entries: &[&Value], reference: Option<&str>) -> Result<ImageFacts, Error> {
        self.with(entries, reference, &Choice::default())
    }

    fn chosen(&mut self, entries: &[&Value], choice: &Choice) -> ImageFacts {
        self.with(entries, None, choice).unwrap()
    }

    fn with(&mut self, entries: &[&Value], reference: Option<&str>, choice: &Choice) -> Result<ImageFacts, Error> {
        self.in_form(Form::Layout, entries, reference, choice)
    }

    fn in_form(
        &mut self,
        form: Form,
        entries: &[&Value],
        reference: Option<&str>,
        choice: &Choice,
    ) -> Result<ImageFacts, Error> {
        self.0.insert("oci-layout".into(), b"{\"imageLayoutVersion\": \"1.0.0\"}".to_vec());
        self.0.insert("index.json".into(), index(entries).into_bytes());
        let files = self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        read_held(
            "test",
            &Held::Folder(files),
            (Some(form), reference),
            choice,
            &Limits::default(),
            &Budget::of_unknown_input(&Limits::default()),
        )
    }
}

fn index(entries: &[&Value]) -> String {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).to_string()
}

fn named(entry: &Value, name: &str) -> Value {
    let mut entry = entry.clone();
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    entry
}

fn path_of(entry: &Value) -> String {
    format!("blobs/sha256/{}", digest_of(entry).hex())
}

fn digest_of(entry: &Value) -> Sha256 {
    Sha256::from_prefixed(entry["digest"].as_str().unwrap()).unwrap()
}

fn manifest_of(image: &ImageFacts) -> String {
    image.manifest.as_ref().map(|manifest| manifest.digest.to_string()).unwrap_or_default()
}

#[test]
fn signatures_and_referrers_next_to_an_image_are_ignored() {
    let mut layout = Layout::default();
    let (image, signature, referrer) = (layout.image("s390x"), layout.signature(), layout.referrer());
    let fallback = layout.index(&[&referrer]);
    let fallback = named(&fallback, &image["digest"].as_str().unwrap().replace(':', "-"));
    let entries = [&fallback, &signature, &image, &referrer];
    let read = layout.read(&entries, None).unwrap();
    assert_eq!((manifest_of(&read).as_str(), read.faults.as_slice()), (image["digest"].as_str().unwrap(), &[][..]));
    // Any entry can be selected by its digest.
    let by_digest = layout.read(&entries, image["digest"].as_str()).unwrap();
    assert_eq!(manifest_of(&by_digest), manifest_of(&read));
    assert_eq!(layout.read(&entries, Some("sha256:00")).unwrap_err().exit_code(), 2);
    let error = layout.read(&entries, Some("latest")).unwrap_err();
    assert!(error.hint().contains("oci:PATH:sha256:DIGEST"), "{}", error.hint());
    // If there are two images, the choice is ambiguous.
    let other = layout.image("amd64");
    assert_eq!(layout.read(&[&signature, &image, &other], None).unwrap_err().exit_code(), 2);
    // An entry whose bytes are missing may be an image, and an index may lead to an image.
    let missing = json!({"mediaType": MANIFEST, "digest": Sha256::of(b"x").to_string(), "size": 1});
    assert!(layout.read(&[&image, &missing], None).is_err());
    let mixed = layout.index(&[&referrer, &other]);
    assert!(layout.read(&[&image, &mixed], None).is_err());
    // If an artifact is the only entry, it is checked, not ignored.
    assert!(layout.read(&[&referrer], None).unwrap().faults_of(Part::Manifest).next().is_some());
}

#[test]
fn a_name_shared_by_two_images_is_undecided() {
    let mut layout = Layout::default();
    let (first, second, third) = (layout.image("s390x"), layout.image("amd64"), layout.image("arm64"));
    let entries = [&named(&first, "v1"), &named(&second, "v1"), &named(&third, "v2")];
    let undecided = layout.facts(&entries, Some("v1")).unwrap().undecided.unwrap();
    let among: Vec<String> = undecided.among.iter().map(ToString::to_string).collect();
    assert!([&first, &second].iter().all(|entry| among.iter().any(|digest| entry["digest"] == *digest)), "{among:?}");
    assert_eq!(manifest_of(&layout.read(&entries, Some("v2")).unwrap()), third["digest"].as_str().unwrap());
    // The digest in the log does not decide, either, nor a platform that only the index states, nor another name of the image.
    let wanted = Choice { digests: vec![digest_of(&first)], ..Choice::default() };
    assert!(layout.chosen(&entries, &wanted).undecided.is_some());
    let on = |entry: &Value, architecture: &str| {
        let mut entry = named(entry, "v1");
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        entry
    };
    let apart = [&on(&first, "s390x"), &on(&second, "amd64")];
    let platform = Choice { platforms: vec!["linux/s390x".into()], ..wanted.clone() };
    assert!(layout.chosen(&apart, &platform).undecided.is_some());
    assert!(layout.chosen(&[&named(&first, "v0"), entries[0], entries[1]], &wanted).undecided.is_some());
    // An entry with a digest of another algorithm is an image, too.
    let mut unread = named(&second, "v1");
    unread["digest"] = json!(format!("sha512:{}", "0".repeat(128)));
    assert!(layout.chosen(&[entries[0], &unread], &wanted).undecided.is_some());
}

/// `docker save a:latest b:latest`: both entries have the tag as their name. containerd takes the whole name.
#[test]
fn the_whole_name_of_dockers_annotation_counts() {
    let mut layout = Layout::default();
    let (first, second) = (layout.image("s390x"), layout.image("amd64"));
    let saved = |entry: &Value, name: &str| {
        let mut entry = named(entry, "latest");
        entry["annotations"]["io.containerd.image.name"] = json!(name);
        entry
    };
    let wanted = Choice { digests: vec![digest_of(&first)], ..Choice::default() };
    let own = saved(&first, "docker.io/acme/wallet:latest");
    let apart = [&own, &saved(&second, "docker.io/acme/other:latest")];
    assert_eq!(manifest_of(&layout.chosen(&apart, &wanted)), first["digest"].as_str().unwrap());
    let same = [&own, &saved(&second, "acme/wallet")];
    assert!(layout.chosen(&same, &wanted).undecided.is_some());
}

/// Some engines read manifest.json, some index.json.
#[test]
fn a_name_has_one_image_in_both_files() {
    let mut layout = Layout::default();
    let (first, second) = (layout.image("s390x"), layout.image("amd64"));
    layout.save(&first);
    let wanted = Choice { digests: vec![digest_of(&first)], ..Choice::default() };
    for (name, clashes) in [("docker.io/acme/wallet:latest", true), ("docker.io/acme/other:latest", false)] {
        let mut other = second.clone();
        other["annotations"] = json!({"io.containerd.image.name": name});
        let faults = layout.chosen(&[&first, &other], &wanted).faults;
        let clash = faults.iter().any(|(_, fault)| fault.contains("call several images"));
        assert_eq!(clash, clashes, "{name}: {faults:?}");
    }
    // manifest.json alone can give the name to two images.
    layout.save(&second);
    let mut saved = std::mem::take(layout.0.get_mut("manifest.json").unwrap());
    layout.save(&first);
    let both = layout.0.get_mut("manifest.json").unwrap();
    both.truncate(both.len() - 1);
    both.push(b',');
    both.extend(saved.drain(1..));
    let faults = layout.chosen(&[&named(&first, "v1"), &named(&second, "v2")], &wanted).faults;
    assert!(faults.iter().any(|(_, fault)| fault.contains("call several images")), "{faults:?}");
}

/// A build from the cache pushes another index for the same image.
#[test]
fn of_two_indexes_for_one_image_the_logged_one_counts() {
    let mut layout = Layout::default();
    let (image, other) = (layout.image("s390x"), layout.image("amd64"));
    let logged = layout.index(&[&image]);
    let later = layout.index(&[&image, &other]);
    layout.save(&image);
    let wanted = Choice { digests: vec![digest_of(&logged)], ..Choice::default() };
    for entries in [[&logged, &later], [&later, &logged]] {
        let read = layout.in_form(Form::DockerArchive, &entries, None, &wanted).unwrap();
        let indexes: Vec<Sha256> = read.indexes.iter().map(|index| index.digest).collect();
        assert_eq!(
            (indexes, manifest_of(&read)),
            (vec![digest_of(&logged)], image["digest"].as_str().unwrap().to_owned())
        );
    }
}

#[test]
fn entries_for_one_image_must_agree() {
    let mut layout = Layout::default();
    let image = layout.image("s390x");
    let faults = |layout: &mut Layout, other: Value| {
        let orders = [[&named(&image, "v1"), &other], [&other, &named(&image, "v1")]];
        let mut faulty = orders.map(|entries| {
            let read = layout.read(&entries, None).unwrap();
            (!read.faults.is_empty(), read.names)
        });
        faulty.iter_mut().for_each(|(_, names)| names.sort());
        assert_eq!(faulty[0], faulty[1]);
        faulty[0].clone()
    };
    assert_eq!(faults(&mut layout, named(&image, "v2")), (false, vec!["v1".into(), "v2".into()]));
    for (field, value) in [("size", json!(1)), ("mediaType", json!(INDEX))] {
        let mut other = named(&image, "v2");
        other[field] = value;
        assert!(faults(&mut layout, other).0, "{field}");
    }
    let on = |architecture: &str| {
        let mut entry = named(&image, architecture);
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        entry
    };
    for (other, is_faulty) in [("s390x", false), ("amd64", true)] {
        let read = layout.read(&[&on("s390x"), &named(&image, "v1"), &on(other)], None).unwrap();
        assert_eq!(read.faults.iter().any(|(_, fault)| fault.contains("which differ")), is_faulty, "{other}");
    }
}

#[test]
fn entries_with_other_digest_algorithms_matter_only_if_chosen() {
    let mut layout = Layout::default();
    let image = layout.image("s390x");
    let mut unread = json!({"mediaType": MANIFEST, "digest": format!("sha512:{}", "0f".repeat(64)), "size": 1});
    let digest = unread["digest"].as_str().unwrap().to_owned();
    let read = layout.read(&[&image, &named(&unread, "v2")], None).unwrap();
    assert_eq!((manifest_of(&read).as_str(), read.unsupported.len()), (image["digest"].as_str().unwrap(), 0));
    for reference in ["v2", digest.as_str()] {
        let read = layout.read(&[&image, &named(&unread, "v2")], Some(reference)).unwrap();
        assert!(read.manifest.is_none() && read.faults.is_empty(), "{reference}");
        assert!(read.unsupported_of(Part::Manifest).any(|message| message.contains("sha512 is not supported")));
    }
    assert_eq!(layout.read(&[&unread], None).unwrap().unsupported.len(), 1);
    // An index with two entries for the same platform, and an index with only the unsupported entry.
    let mut meant = image.clone();
    meant["platform"] = json!({"os": "linux", "architecture": "s390x"});
    unread["platform"] = meant["platform"].clone();
    let top = layout.index(&[&meant, &unread]);
    assert_eq!(layout.read(&[&top], None).unwrap_err().exit_code(), 2, "two images for the same platform");
    let top = layout.index(&[&unread]);
    assert_eq!(layout.read(&[&top], None).unwrap().unsupported.len(), 1);
    // A digest is malformed if its digits do not fit its algorithm, or if it has no valid algorithm.
    for bad in ["sha512:00", "sha256:00", "md5", "md5:", "MD5:00", ":00", "sha512:../../x"] {
        unread["digest"] = json!(bad);
        let read = layout.read(&[&image, &unread], None).unwrap();
        assert!(read.faults_of(Part::Manifest).next().is_some(), "{bad}");
    }
}

#[test]
fn platforms_are_compared_in_normal_form() {
    let platform = |text: &str| {
        let mut words = text.split('/').map(str::to_owned);
        Platform {
            os: words.next().unwrap_or_default(),
            architecture: words.next().unwrap_or_default(),
            variant: words.next(),
        }
    };
    for (one, other, agree) in [
        ("linux/arm64/v8", "linux/arm64", true),
        ("linux/arm64/v8", "linux/aarch64", true),
        ("linux/arm/v7", "linux/arm", true),
        ("linux/arm/v6", "linux/arm", true),
        ("linux/amd64/v1", "linux/amd64", true),
        ("linux/x86_64", "linux/amd64", true),
        ("Linux/S390X", "linux/s390x", true),
        ("linux/arm/7", "linux/armhf", true),
        ("linux/arm/v6", "linux/arm/v7", false),
        ("linux/armel", "linux/armhf", false),
        ("linux/arm64/v8", "linux/arm64/v9", false),
        ("linux/amd64/v1", "linux/amd64/v3", false),
        ("linux/arm64", "linux/arm/v8", false),
        ("linux/s390x", "linux/s390", false),
        ("linux/amd64", "windows/amd64", false),
    ] {
        assert_eq!(platform(one).agrees_with(&platform(other)), agree, "{one} {other}");
        assert_eq!(platform(other).agrees_with(&platform(one)), agree, "{other} {one}");
    }
    for (found, expected, is) in [
        ("linux/arm64", "linux/arm64/v8", true),
        ("linux/arm64/v8", "linux/arm64", true),
        ("linux/arm64/v9", "linux/arm64/v8", false),
        ("linux/arm64", "linux/arm64/v9", false),
        ("linux/amd64", "linux/amd64/v1", true),
        ("linux/amd64", "linux/amd64/v3", false),
        ("linux/amd64/v3", "linux/amd64", true),
        // For years, images for arm did not state a variant.
        ("linux/arm", "linux/arm/v6", true),
        ("linux/arm/v7", "linux/arm/v6", false),
        ("linux/arm/v6", "linux/armel", true),
        ("linux/s390x", "linux/s390x/", false),
        ("linux/s390x", "linux", false),
        ("linux/s390x", "linux/s390x/a/b", false),
    ] {
        assert_eq!(platform(found).is(expected), is, "{found} as {expected}");
    }
}

/// A registry's Content-Type is only a hint, because the digest verifies the bytes.
#[cfg(feature = "fetch")]
#[test]
fn only_a_known_and_different_content_type_is_a_contradiction() {
    use super::{Remote, read_remote};

    let mut layout = Layout::default();
    let image = layout.image("s390x");
    let blob =
        |digest: &str| layout.0.get(&format!("blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap())).cloned();
    let document = |path: &str, _| Ok(blob(path.rsplit('/').next().unwrap()));
    let layer = |_, _| Ok(None);
    for (content_type, is_read) in [
        (MANIFEST, true),
        ("application/vnd.oci.image.manifest.v1+json; charset=utf-8", true),
        ("application/json", true),
        ("application/octet-stream", true),
        ("text/plain; charset=utf-8", true),
        ("", true),
        (INDEX, false),
        ("application/vnd.docker.distribution.manifest.v2+json", false),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", false),
    ] {
        let bytes = blob(image["digest"].as_str().unwrap()).unwrap();
        let remote = Remote { document: &document, layer: &layer };
        let read = read_remote(
            "test",
            None,
            (bytes, content_type),
            remote,
            &Choice::default(),
            &Limits::default(),
            &Budget::of_unknown_input(&Limits::default()),
        )
        .unwrap();
        assert_eq!(read.faults.is_empty(), is_read, "{content_type:?}: {:?}", read.faults);
    }
}
