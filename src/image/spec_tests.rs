//! The cases from the OCI image specification's own tests and the manifests from containers/image's tests, taken from Debian's Go packages.
//! `tests/run` unpacks the packages below `target/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::document::{self, Document};
use crate::base::limits::Limits;
use crate::base::test_figures::assert_documented;

/// The folder of a package's source, either unpacked or installed.
pub(crate) fn go_source(package: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/go-dev");
    let places = [target, PathBuf::from("/")].map(|place| place.join("usr/share/gocode/src/github.com").join(package));
    let found = places.into_iter().find(|folder| folder.exists());
    found.unwrap_or_else(|| panic!("the source of {package} is needed: tests/run unpacks it below target/"))
}

struct Case {
    name: String,
    kind: String,
    text: String,
    must_fail: bool,
}

/// The cases of a Go test: a document in backquotes after the field's name, and `fail: true` if it must be refused.
fn cases(path: &Path) -> Vec<Case> {
    let file = path.file_name().unwrap().to_str().unwrap();
    let source = fs::read_to_string(path).unwrap();
    // Comments may contain backquotes; documents contain `//` only in addresses.
    let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut parts = code.split('`');
    let mut before = parts.next().unwrap();
    let mut cases = Vec::new();
    while let (Some(text), Some(after)) = (parts.next(), parts.next()) {
        let kind = before.trim_end().trim_end_matches(':').rsplit(|c: char| !c.is_alphanumeric()).next().unwrap();
        // The text up to the case's closing brace.
        let rest = after.split('}').next().unwrap();
        let must_fail = rest.split_whitespace().collect::<String>().contains("fail:true");
        let name = format!("{file} {}", cases.len());
        cases.push(Case { name, kind: kind.into(), text: text.into(), must_fail });
        before = after;
    }
    cases
}

/// Whether this program reads the document.
fn reads(case: &Case) -> Result<(), String> {
    let limits = Limits::default();
    let read = |bytes: &[u8]| document::read(bytes, None, &limits);
    match case.kind.as_str() {
        "manifest" => match read(case.text.as_bytes())? {
            Document::Manifest { .. } => Ok(()),
            Document::Index { .. } => Err("an index".into()),
        },
        "imageIndex" | "imageManifestList" | "index" => match read(case.text.as_bytes())? {
            Document::Index { .. } => Ok(()),
            Document::Manifest { .. } => Err("a manifest".into()),
        },
        "config" => document::read_config(case.text.as_bytes(), &limits).map(|_| ()),
        "descriptor" => {
            let index = format!("{{\"schemaVersion\": 2, \"manifests\": [{}]}}", case.text);
            read(index.as_bytes()).map(|_| ())
        }
        "imageLayout" => super::layout::read_version(case.text.as_bytes()),
        other => panic!("{}: a document of the kind {other:?}", case.name),
    }
}

const MEDIA_TYPE: &str =
    "the form of a media type is not checked: an unknown media type is never treated as a known one";
const SETTING: &str = "container settings are shown as written and not checked";
const PLATFORM: &str = "a platform without an architecture is read but never matches a requested platform";
const URLS: &str = "addresses of foreign layers are shown but never requested";
const ALGORITHM: &str =
    "digests other than SHA-256 are not supported, but index entries with them are ignored unless selected";

/// Cases that the suite refuses but this program reads.
const LENIENT: &[(&str, &str)] = &[
    ("config_test.go 2", SETTING),
    ("config_test.go 9", SETTING),
    ("descriptor_test.go 1", MEDIA_TYPE),
    ("descriptor_test.go 2", MEDIA_TYPE),
    ("descriptor_test.go 3", MEDIA_TYPE),
    ("descriptor_test.go 4", MEDIA_TYPE),
    ("descriptor_test.go 6", MEDIA_TYPE),
    ("descriptor_test.go 7", MEDIA_TYPE),
    ("descriptor_test.go 16", URLS),
    ("imageindex_test.go 0", MEDIA_TYPE),
    ("imageindex_test.go 3", PLATFORM),
    ("imageindex_test.go 4", MEDIA_TYPE),
    ("imageindex_test.go 5", MEDIA_TYPE),
    ("manifest_test.go 5", "an image without layers is read: docker builds one from `FROM scratch` with labels only"),
];
/// Cases that are valid in the suite but refused here.
const STRICT: &[(&str, &str)] = &[
    ("backwards_compatibility_test.go 1", "its config has the type application/octet-stream, used before Docker 1.10"),
    ("manifest_test.go 6", ALGORITHM),
];

#[test]
fn the_cases_of_the_image_specification_give_the_expected_results() {
    let folder = go_source("opencontainers/image-spec").join("schema");
    let mut all = Vec::new();
    for file in ["backwards_compatibility", "config", "descriptor", "imageindex", "imagelayout", "manifest"] {
        all.extend(cases(&folder.join(format!("{file}_test.go"))));
    }
    let (mut lenient, mut strict) = (Vec::new(), Vec::new());
    for case in &all {
        match (reads(case), case.must_fail) {
            (Ok(()), true) => lenient.push(case.name.as_str()),
            (Err(error), false) => {
                println!("{}: {error}", case.name);
                strict.push(case.name.as_str());
            }
            _ => {}
        }
    }
    let names = |list: &[(&'static str, &str)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    assert_eq!((&lenient, &strict), (&names(LENIENT), &names(STRICT)));
    let invalid = all.iter().filter(|case| case.must_fail).count();
    let (valid, refused) = (all.len() - invalid - strict.len(), invalid - lenient.len());
    assert_documented("image specification", &[valid, refused, strict.len(), lenient.len()]);
}

#[test]
fn the_examples_on_the_pages_of_the_image_specification_are_read() {
    let mut read = 0;
    for page in ["config", "descriptor", "image-index", "image-layout", "manifest"] {
        let text = fs::read_to_string(go_source("opencontainers/image-spec").join(format!("{page}.md"))).unwrap();
        for block in text.split("```json,").skip(1) {
            let (head, rest) = block.split_once('\n').unwrap();
            let kind = match head.rsplit_once("&mediatype=application/vnd.oci.").unwrap().1 {
                "image.manifest.v1%2Bjson" => "manifest",
                "image.index.v1%2Bjson" => "index",
                "image.config.v1%2Bjson" => "config",
                "descriptor.v1%2Bjson" => "descriptor",
                "layout.header.v1%2Bjson" => "imageLayout",
                other => panic!("{page}: {other}"),
            };
            let text = rest.split_once("```").unwrap().0.to_owned();
            let case = Case { name: format!("{page}.md: {head}"), kind: kind.into(), text, must_fail: false };
            assert_eq!(reads(&case), Ok(()), "{}", case.name);
            read += 1;
        }
    }
    assert_documented("image specification: examples", &[read, 0, 0, 0]);
}

/// Reads the documents in a folder of containers/image, and returns how many were refused and how many were accepted.
fn documents(folder: &str, expected: impl Fn(&str) -> &'static str) -> (usize, usize) {
    let mut files: Vec<PathBuf> =
        fs::read_dir(go_source("containers/image").join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut refused, mut others) = (0, 0);
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let (bytes, limits) = (fs::read(file).unwrap(), Limits::default());
        let found = match (expected(name), document::read(&bytes, None, &limits)) {
            ("config", _) => document::read_config(&bytes, &limits).map(|_| "config"),
            (_, answer) => answer.map(|document| match document {
                Document::Index { .. } => "index",
                Document::Manifest { .. } => "manifest",
            }),
        };
        assert_eq!(found.as_ref().copied().unwrap_or("refused"), expected(name), "{name}: {found:?}");
        match found {
            Ok(_) => others += 1,
            Err(_) => refused += 1,
        }
    }
    (refused, others)
}

#[test]
fn the_manifests_of_containers_image_give_the_expected_results() {
    // Schema 1 is not supported; artifacts are not images.
    let (refused, others) = documents("manifest/fixtures", |name| {
        if name.contains("v2list") || name.contains("index") {
            "index"
        } else if ["v2s1", "schema1", "non-json", "unknown", "artifact"].iter().any(|word| name.contains(word)) {
            "refused"
        } else {
            "manifest"
        }
    });
    // Documents converted from schema 1 lack layer sizes. Two other documents have the configuration type used before Docker 1.10.
    let old = ["schema2.json", "schema2-invalid-media-type.json"];
    let (more_refused, more) = documents("internal/image/fixtures", |name| {
        if name == "schema1-for-oci-config.json" || name.contains("to-schema1") || name.contains("artifact") {
            "refused"
        } else if name.ends_with("config.json") {
            "config"
        } else if name.contains("list") || name.contains("index") {
            "index"
        } else if name.starts_with("schema1") || old.contains(&name) {
            "refused"
        } else {
            "manifest"
        }
    });
    assert_documented("containers/image: documents", &[others + more, 0, refused + more_refused, 0]);
}
