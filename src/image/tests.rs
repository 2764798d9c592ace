use super::document::{self, Document};
use super::tree::{self, Difference, Entries, Entry, Kind};
use crate::base::digest::Sha256;
use crate::base::limits::Limits;

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":3,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#;
const CONFIG: &str = r#"{"architecture":"s390x","os":"linux","config":{"Labels":{"a":"b"}},"history":[{"created_by":"x","empty_layer":true}],
 "rootfs":{"type":"layers","diff_ids":["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"]}}"#;

fn read(text: &str, announced: Option<&str>) -> Result<Document, String> {
    document::read(text.as_bytes(), announced, &Limits::default())
}

#[test]
fn a_manifest_is_read_and_truncated_or_contradictory_ones_are_refused() {
    assert!(matches!(read(MANIFEST, None), Ok(Document::Manifest { layers, .. }) if layers.len() == 1));
    for end in 0..MANIFEST.len() {
        assert!(read(&MANIFEST[..end], None).is_err(), "cut at {end}");
    }
    assert!(read(MANIFEST, Some("application/vnd.oci.image.index.v1+json")).is_err());
    for (from, to) in [
        ("\"schemaVersion\":2", "\"schemaVersion\":1"),
        ("\"schemaVersion\":2", "\"schemaVersion\":\"2\""),
        ("\"layers\":", "\"manifests\":[],\"layers\":"),
        ("\"layers\":", "\"other\":"),
        ("\"size\":2", "\"size\":-2"),
        ("\"size\":2", "\"size\":2.0"),
        ("sha256:44", "sha512:44"),
        ("sha256:44136FA3", "sha256:44136fa3"),
        ("image.config.v1", "artifact.v1"),
        ("image.manifest.v1", "image.index.v1"),
        ("\"size\":2", "\"size\":2,\"size\":2"),
        // Go programs ignore case and read these names as the known fields.
        ("\"layers\":", "\"Layers\":[],\"layers\":"),
        ("\"layers\":", "\"layer\u{17f}\":[],\"layers\":"),
        ("\"size\":2", "\"size\":2,\"Digest\":null"),
    ] {
        let changed = MANIFEST.replace(from, to);
        assert!(changed == MANIFEST || read(&changed, None).is_err(), "{to}");
    }
    let few = Limits { image_layers: 0, ..Limits::default() };
    assert!(document::read(MANIFEST.as_bytes(), None, &few).is_err());
}

#[test]
fn a_configuration_is_read_and_malformed_ones_are_refused() {
    let config = document::read_config(CONFIG.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((config.platform.to_string().as_str(), config.diff_ids.len()), ("linux/s390x", 1));
    assert!(!config.history[0].makes_layer);
    for (from, to) in [
        ("\"os\":\"linux\"", "\"os\":1"),
        ("\"os\":\"linux\",", ""),
        ("\"layers\"", "\"tar\""),
        ("{\"a\":\"b\"}", "{\"a\":1}"),
        ("sha256:44", "sha256:zz"),
        ("\"rootfs\"", "\"other\""),
        ("\"rootfs\"", "\"RootFS\":{},\"rootfs\""),
    ] {
        assert!(document::read_config(CONFIG.replace(from, to).as_bytes(), &Limits::default()).is_err(), "{to}");
    }
}

#[test]
fn documents_that_docker_load_reads_differently_are_refused() {
    let image = r#"[{"Config":"c.json","RepoTags":null,"Layers":["a/layer.tar"]MORE}]"#;
    let read = |more: &str| document::read_docker_archive(image.replace("MORE", more).as_bytes(), &Limits::default());
    assert!(read("").is_ok() && read(r#","Parent":"x""#).is_ok());
    for more in [r#","layers":["evil/layer.tar"]"#, r#","CONFIG":"evil.json""#, ",\"Layer\u{17f}\":[]"] {
        assert!(read(more).unwrap_err().contains("only in case"), "{more}");
    }
}

#[test]
fn a_variant_is_compared_only_if_one_is_expected() {
    let platform = document::Platform { os: "linux".into(), architecture: "arm64".into(), variant: Some("v8".into()) };
    for (expected, is) in [
        ("linux/arm64", true),
        ("linux/arm64/v8", true),
        ("linux/arm64/v7", false),
        ("linux/arm64/v8/x", false),
        ("linux/s390x", false),
        ("linux", false),
    ] {
        assert_eq!(platform.is(expected), is, "{expected}");
    }
}

#[test]
fn different_spellings_of_a_platform_have_one_normal_form() {
    let normal = |text: &str| {
        let mut words = text.split('/').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (os, architecture, variant) = (word(), word(), Some(word()).filter(|variant| !variant.is_empty()));
        document::Platform { os, architecture, variant }.normal()
    };
    for (one, other) in [
        ("linux/s390x", "Linux/S390X"),
        ("linux/s390x", "/s390x"),
        ("linux/amd64", "linux/x86_64/v1"),
        ("linux/arm64", "linux/aarch64/v8"),
        ("linux/arm", "linux/armhf"),
        ("linux/arm/v6", "linux/armel"),
        ("linux/386", "linux/i386"),
        ("darwin/amd64", "macOS/x86-64"),
    ] {
        assert_eq!(normal(one), normal(other), "{other}");
    }
    for (one, other) in [
        ("linux/s390x", "linux/s390"),
        ("linux/amd64", "linux/amd64/v3"),
        ("linux/arm/v6", "linux/arm"),
        ("linux/s390x", "aix/s390x"),
    ] {
        assert_ne!(normal(one), normal(other), "{other}");
    }
}

#[test]
fn layer_differences_are_reported_by_path() {
    let file = |text: &[u8], mode| Entry { kind: Kind::File(text.len() as u64, Sha256::of(text)), mode };
    let folder = Entry { kind: Kind::Directory, mode: 0o755 };
    let one: Entries =
        [(b"a".to_vec(), file(b"1", 0o644)), (b"b".to_vec(), file(b"1", 0o644)), (b"c".to_vec(), folder.clone())]
            .into();
    let two: Entries =
        [(b"b".to_vec(), file(b"2", 0o644)), (b"c".to_vec(), file(b"", 0o644)), (b"d".to_vec(), folder)].into();
    let found: Vec<(String, Difference)> = tree::differences(&one, &two)
        .into_iter()
        .map(|(path, what)| (String::from_utf8(path).unwrap(), what))
        .collect();
    let expected = [
        ("a", Difference::OnlyInFirst),
        ("b", Difference::Content),
        ("c", Difference::Kind),
        ("d", Difference::OnlyInSecond),
    ];
    assert_eq!(found, expected.map(|(path, what)| (path.to_owned(), what)));
    let wider: Entries =
        [(b"a".to_vec(), file(b"1", 0o755)), one.clone().pop_last().unwrap(), (b"b".to_vec(), file(b"1", 0o644))]
            .into();
    assert_eq!(tree::differences(&one, &wider), [(b"a".to_vec(), Difference::Mode(0o644, 0o755))]);
}

/// A layout in memory whose only layer is listed `count` times.
fn layout_naming(count: usize) -> std::collections::BTreeMap<String, Vec<u8>> {
    let layer = vec![7; 10_000];
    let mut files = std::collections::BTreeMap::new();
    let mut add = |bytes: &[u8], kind: &str| {
        let digest = Sha256::of(bytes);
        files.insert(format!("blobs/sha256/{}", digest.hex()), bytes.to_vec());
        serde_json::json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest.to_string(), "size": bytes.len() })
    };
    let layer = add(&layer, "layer.v1.tar");
    let config = add(CONFIG.as_bytes(), "config.v1+json");
    let manifest = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": vec![layer; count] });
    let index = add(manifest.to_string().as_bytes(), "manifest.v1+json");
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [index] });
    files.insert("index.json".into(), index.to_string().into_bytes());
    files.insert("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    files
}

#[test]
fn a_blob_listed_several_times_is_measured_once() {
    let spent = |count: usize| {
        let files = layout_naming(count);
        let held: std::collections::BTreeMap<&str, &[u8]> =
            files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let limits = Limits::default();
        let budget = crate::base::budget::Budget::of_audit(0, &limits);
        let held = super::Held::Folder(held);
        let image = super::read_held("x", &held, (None, None), &super::Choice::default(), &limits, &budget).unwrap();
        assert_eq!(image.layers.len(), count);
        assert!(image.layers.iter().all(|layer| layer.measured == image.layers[0].measured));
        (budget.spent(), budget.input())
    };
    assert!(spent(1).0 >= 30_000);
    assert_eq!(spent(1), spent(500));
}

#[test]
fn reading_a_layer_counts_towards_the_work_limit() {
    let files = layout_naming(1);
    let held = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    // Each byte of the layer is charged four times: for reading and hashing it, and for unpacking and hashing its content.
    let limits = Limits { work_base_units: 39_999, work_per_megabyte_units: 0, ..Limits::default() };
    let budget = crate::base::budget::Budget::of_audit(0, &limits);
    let held = super::Held::Folder(held);
    let read = super::read_held("x", &held, (None, None), &super::Choice::default(), &limits, &budget);
    assert!(matches!(read, Err(crate::Error::OverLimit { limit: "work_base_units", .. })), "{read:?}");
}
