//! Properties that must hold for each parser and any bytes. The fuzz targets call these functions with libFuzzer's inputs, and `tests/corpora.rs`
//! calls them with the inputs in `fuzz/corpus/`. If a function returns, it has found no fault.

#[path = "plain.rs"]
mod plain;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::LazyLock;

use hpsb_audit::build_log::BuildLog;
use hpsb_audit::check::CHECKS;
use hpsb_audit::git::{Commit, ObjectId, RepositoryName, Snapshot, Tag, WorkEntry, prove};
use hpsb_audit::image::{Choice, ImageFacts, read_archive};
use hpsb_audit::report::{Amount, Controls, Look, Options, Origin};
use hpsb_audit::trust::{Kind, Standing, TrustFile};
use hpsb_audit::{
    AdmissionQuestion, Approvals, Books, BuildName, BuildRecord, Bundle, Case, Dossier, Error, Form, Format, Group,
    Index, Inventory, KeyRing, KeySource, KindsWithoutImages, Limits, Period, Policy, PublicKey, Question, Record,
    Report, Review, Sha256, Signature, Timestamp, TrustedKey, Verdict, Workload, admit, audit as audit_bundle,
    password_candidates, reconcile,
};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use sha1::{Digest as _, Sha1};

const KEY: &str = include_str!("../fixtures/inputs/keys/server-p256.pem");

/// Limits that are so low that inputs can reach them and nothing large is created.
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    for (name, value) in [
        ("signed_archive_bytes", 1 << 20),
        ("expanded_bytes", 1 << 22),
        ("archive_members", 100),
        ("path_bytes", 300),
        ("extended_header_bytes", 4096),
        ("build_log_bytes", 1 << 16),
        ("build_log_line_bytes", 1 << 12),
        ("git_bytes", 1 << 18),
        ("git_objects", 1000),
        ("git_object_bytes", 1 << 18),
        ("git_delta_bytes", 1 << 19),
        ("git_inflated_bytes", 1 << 21),
        ("git_tree_entries", 1000),
        ("git_tree_depth", 20),
        ("image_layer_bytes", 1 << 20),
        ("layer_expanded_bytes", 1 << 22),
        ("zstd_window_bytes", 1 << 20),
        ("image_documents_bytes", 1 << 18),
        ("image_config_bytes", 1 << 16),
        ("image_layers", 50),
        ("image_manifests", 20),
        ("workload_bytes", 1 << 16),
        ("workload_archive_bytes", 1 << 18),
        ("workload_images", 100),
        ("yaml_nodes", 1000),
        ("yaml_depth", 20),
        ("yaml_documents", 20),
    ] {
        limits.set(name, value).expect("a limit of that name");
    }
    limits
}

/// A whole bundle file. This target tests little more than the decompressor, because changed inputs have wrong CRCs.
pub fn bundle(bytes: &[u8]) {
    sound(Bundle::from_reader(bytes, &limits()));
}

/// Files of image signatures, each preceded by `=== PATH`: they are checked without trusted keys, and under a policy with the fixtures' keys.
pub fn trust(bytes: &[u8]) {
    let files: Vec<TrustFile> = files(bytes)
        .into_iter()
        .map(|(path, bytes)| TrustFile { path: String::from_utf8_lossy(path).into_owned(), bytes: bytes.to_vec() })
        .collect();
    let now = Timestamp::from_unix_seconds(1_800_000_000).expect("a moment");
    for policy in [&Policy::default(), &*SIGNERS] {
        let described = || hpsb_audit::trust::describe(&files, &policy.trust, now, &limits());
        let found = described();
        assert_eq!(found, described());
        let Ok(found) = found else { continue };
        let trusted = found.iter().any(|one| one.standing == Standing::Trusted);
        assert!(!trusted || !policy.require.is_empty(), "without a policy, no signer is trusted");
    }
}

/// One OpenPGP message, as in a `dir:` layout.
pub fn openpgp(bytes: &[u8]) {
    let file = TrustFile { path: "signature-1".into(), bytes: bytes.to_vec() };
    let now = Timestamp::from_unix_seconds(1_800_000_000).expect("a moment");
    let Ok(found) = hpsb_audit::trust::describe(&[file], &SIGNERS.trust, now, &limits()) else { return };
    // In a `dir:` layout, a signature file whose first byte is NUL is a cosign signature.
    assert!(found.iter().any(|one| matches!(one.kind, Kind::SimpleSigning | Kind::Cosign)), "skipped");
}

static SIGNERS: LazyLock<Policy> = LazyLock::new(|| {
    let text = concat!(
        "version = 1\nrequire = [\"trust\"]\n",
        "[[trust.signers]]\nname = \"a\"\nopenpgp = \"ada.asc\"\nfingerprint = \"",
        include_str!("../fixtures/inputs/trust/simple-signing/ada.fingerprint"),
        "\"\n[[trust.signers]]\nname = \"b\"\ncosign = \"release.pub\"\n",
        "[[trust.signers]]\nname = \"c\"\nsigstore-root = \"root.json\"\nissuer = \"https://token.actions.githubusercontent.com\"\n",
        "identity = \"https://github.com/acme/wallet/.github/workflows/release.yml@refs/heads/main\"\n",
    );
    let text = text.replacen("\n\"\n", "\"\n", 1);
    let load = |name: &str| match name {
        "ada.asc" => Ok(include_bytes!("../fixtures/inputs/trust/simple-signing/ada.asc").to_vec()),
        "release.pub" => Ok(include_bytes!("../fixtures/inputs/trust/cosign/release.pub").to_vec()),
        _ => Ok(include_bytes!("../fixtures/inputs/trust/sigstore/root.json").to_vec()),
    };
    Policy::from_toml("fuzz", text.as_bytes(), &limits(), load).expect("a policy")
});

/// The outer archive, uncompressed.
pub fn outer_tar(bytes: &[u8]) {
    sound(Bundle::from_reader(bzip2(&with_checksums(bytes)).as_slice(), &limits()));
}

fn sound(bundle: Result<Bundle, Error>) {
    match bundle {
        Ok(bundle) => {
            assert!(bundle.archive_size() <= limits().signed_archive_bytes);
            assert!(BuildName::parse(bundle.build_name().as_str()).is_some());
            assert!(!bundle.signature().as_bytes().is_empty());
            assert!(bundle.verify(&KeyRing::default()).is_err(), "nothing is trusted");
        }
        Err(error) => assert_eq!(error.exit_code(), 3),
    }
}

pub fn public_key(bytes: &[u8]) {
    let Ok(key) = PublicKey::from_pem("fuzz", bytes, &limits()) else { return };
    assert_eq!(key.fingerprint(), Sha256::of(key.spki_der()));
    assert!(matches!((key.kind(), key.bits()), ("rsa", 2048..=8192) | ("ecdsa-p256", 256)));
    let _ = key.verify(&Sha256::of(b""), &Signature::from_member(b"00", &limits()).expect("hex"));
}

pub fn signature(bytes: &[u8]) {
    let Ok(signature) = Signature::from_member(bytes, &limits()) else { return };
    let text = String::from_utf8(bytes.to_vec()).expect("hex is ASCII").to_ascii_lowercase();
    let hex: String = signature.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text.strip_suffix('\n').unwrap_or(&text), hex);
    let _ = KEYS.keys()[0].key.as_ref().expect("a recorded key").verify(&Sha256::of(b""), &signature);
}

pub fn policy(bytes: &[u8]) {
    let pem = public_pem();
    let read = || Policy::from_toml("fuzz", bytes, &limits(), |_| Ok(pem.clone().into_bytes()));
    let Ok(policy) = read() else { return };
    assert!(!policy.require.is_empty());
    assert_eq!(policy.level(CHECKS[0]).word(), "require", "manifest-signature always decides");
    let _ = policy.keys_for(KEYS.keys().to_vec());
    assert_eq!(format!("{policy:?}"), format!("{:?}", read().expect("read again")));
}

pub fn compose(bytes: &[u8]) {
    workload(bytes, Form::Compose);
}

pub fn kubernetes(bytes: &[u8]) {
    workload(bytes, Form::Kubernetes);
}

pub fn contract(bytes: &[u8]) {
    workload(bytes, Form::Contract);
}

/// Every image in a workload is denied, because the evidence is empty.
fn workload(bytes: &[u8], form: Form) {
    let passwords = password_candidates(b"secret");
    let Ok(read) = Workload::read("fuzz", bytes, &passwords, &KindsWithoutImages::default(), &limits()) else { return };
    assert!(read.images.len() as u64 <= limits().workload_images);
    for image in &read.images {
        let Ok(image) = &image.image else { continue };
        assert!(!image.text.trim().is_empty());
        if let Some(digest) = image.digest() {
            assert!(image.text.ends_with(&digest.to_string()), "{image:?}");
        }
    }
    assert!(form != Form::Contract || read.form != Form::Contract || !read.images.is_empty() || bytes.is_empty());
    assert_finds(&read, bytes);
    let policy = Policy::default();
    let question = AdmissionQuestion { policy: &policy, attestation: None, now: Timestamp::epoch() };
    let (admission, bundles) = admit(&[read], Vec::new(), Vec::new(), &question);
    assert!(bundles.is_empty() && admission.images.iter().all(|image| image.verdict == Verdict::Reject));
}

/// Asserts that every image found by the simple walk is in the result, or that the result contains an image that could not be determined, so that
/// nothing is admitted.
fn assert_finds(read: &Workload, bytes: &[u8]) {
    if read.images.iter().any(|image| image.image.is_err()) {
        return;
    }
    let walk = match read.form {
        Form::Compose => plain::compose,
        Form::Contract => plain::contract,
        Form::Kubernetes => plain::kubernetes,
        other => panic!("no simple walk for {other:?}"),
    };
    let answered =
        |name: &str| read.images.iter().any(|image| image.image.as_ref().is_ok_and(|image| image.text == name));
    for name in plain::documents(bytes).iter().flat_map(walk) {
        assert!(answered(&name), "{name} runs but is not in the result: {:?}", read.images);
    }
}

/// The evidence contains no build, so each image gets one row, and any image makes the exit code 1.
pub fn inventory(bytes: &[u8]) {
    let Ok(read) = Inventory::read("fuzz", bytes, &[], &KindsWithoutImages::default(), &limits()) else { return };
    assert!(read.images.len() as u64 <= limits().inventory_entries);
    let approvals = Approvals::read("none", b"[]".to_vec(), None, &limits()).expect("an empty list");
    let (images, inventories) = (read.images.len(), [read]);
    let books = Books {
        policy: &Policy::default(),
        approvals: &approvals,
        inventories: &inventories,
        period: Period::parse("2026-01-01/2026-12-31").expect("a year"),
        sample: None,
        now: Timestamp::epoch(),
    };
    let answer = reconcile(&[], &books);
    assert_eq!((answer.rows.len(), answer.exit_code()), (images, u8::from(images > 0)));
    for word in ["text", "json", "csv", "html"] {
        answer.write(Format::from_word(word).expect("a format"), &mut Vec::new()).expect("a page");
    }
}

/// The response is JSON with the request's id, regardless of the request's content.
pub fn review(bytes: &[u8]) {
    let Ok(review) = Review::read(bytes, &KindsWithoutImages::default(), &limits()) else { return };
    let twin: serde_json::Value = serde_json::from_slice(bytes).expect("serde_json also reads it");
    assert_eq!(twin["request"]["uid"], review.uid.as_str());
    let policy = Policy::default();
    let question = AdmissionQuestion { policy: &policy, attestation: None, now: Timestamp::epoch() };
    let images = Index::of(hpsb_audit::index(&[], &policy)).answers(&review.workload, &question);
    assert!(images.iter().all(|image| image.exit_code() == 1));
    let lines: Vec<String> = images.into_iter().map(|image| image.place).collect();
    for (allowed, answer) in [(true, Review::allow(&review.uid, &lines)), (false, Review::deny(&review.uid, &lines))] {
        let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(
            (&answer["response"]["uid"], &answer["response"]["allowed"]),
            (&twin["request"]["uid"], &allowed.into())
        );
    }
}

pub fn attestation(bytes: &[u8]) {
    let Ok(record) = Record::read(bytes) else { return };
    let text = std::str::from_utf8(bytes).expect("text");
    for item in ["workload", "baseimage", "cidata/user-data"] {
        if let Ok(Some(digest)) = record.digest(item) {
            assert!(text.contains(&digest.hex()) && text.contains(item));
        }
    }
}

pub fn build_log(bytes: &[u8]) {
    let Ok(log) = BuildLog::from_bytes(bytes, &limits()) else { return };
    let lines = bytes.split(|byte| *byte == b'\n').count();
    assert!(log.entries().len() <= lines && log.events().count() <= lines);
    assert!(log.entries().windows(2).all(|pair| pair[0].line < pair[1].line));
    let text = String::from_utf8_lossy(bytes);
    for (tag, digest, size) in log.pushed() {
        let line = match size {
            Some(_) => format!("{tag}: digest: {digest} size: "),
            None => format!(":{tag}@{digest}"),
        };
        assert!(text.contains(&line), "{line}");
    }
    let _ = (log.ignored_pushes(), log.last_time());
}

pub fn build_record(bytes: &[u8]) {
    let Ok(record) = BuildRecord::from_json("fuzz", bytes, &limits()) else { return };
    let twin: serde_json::Value = serde_json::from_slice(bytes).expect("serde_json also reads it");
    assert_eq!(record.status(), twin["status"].as_str().expect("text"));
    assert_eq!(record.fields().count(), twin.as_object().expect("an object").len());
    assert_eq!(record.root_ssh_enabled(), twin["root_ssh_enabled"].as_bool());
    let _ = (record.build_name(), record.image_tag(), record.server_version(), record.says_pushed());
}

/// Names and times: short strings with a fixed form.
pub fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for moment in [Timestamp::from_rfc3339(text), Timestamp::from_build_stamp(text), Timestamp::from_log_time(text)] {
        let Some(moment) = moment else { continue };
        assert_eq!(Timestamp::from_rfc3339(&moment.to_string()), Some(moment), "{moment}");
        assert!(moment.plus_seconds(1) > moment && moment.unix_seconds() <= moment.plus_seconds(1).unix_seconds());
    }
    if let Some(name) = BuildName::parse(text) {
        let file = format!("manifest.{name}.sig.tbz");
        assert!(file.len() <= 255 && !file.contains(['/', '\\', '\0']));
        assert_eq!(BuildName::from_file_name(&file, ".sig.tbz"), Some(name.clone()));
        let _ = (name.subject(), name.stamp(), name.commit_digits());
    }
    if let Some(id) = ObjectId::from_hex(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(digest) = Sha256::from_prefixed(text) {
        assert_eq!(digest.to_string(), text);
    }
    let _ = RepositoryName::parse(text);
}

/// Objects of one repository, separated by `%%%%`: each consists of a letter (c, t, b, g) and its content. `@0@` is replaced with the id of the first
/// object (40 digits, or 20 bytes in a tree), and so on. HEAD is the last object.
pub fn git_objects(bytes: &[u8]) {
    let mut git = BTreeMap::new();
    let mut ids: Vec<[u8; 20]> = Vec::new();
    for piece in split(bytes, b"%%%%").into_iter().take(9) {
        let (kind, content) = match piece.split_first() {
            Some((b'c', content)) => ("commit", content),
            Some((b't', content)) => ("tree", content),
            Some((b'g', content)) => ("tag", content),
            Some((_, content)) => ("blob", content),
            None => ("blob", &[][..]),
        };
        let mut content = content.to_vec();
        for (at, id) in ids.iter().enumerate() {
            let id = if kind == "tree" { id.to_vec() } else { hex(id).into_bytes() };
            content = split(&content, format!("@{at}@").as_bytes()).join(id.as_slice());
        }
        let _ = (Commit::read(&content), Tag::read(&content));
        let object = [format!("{kind} {}\0", content.len()).as_bytes(), &content].concat();
        let id: [u8; 20] = Sha1::digest(&object).into();
        let name = hex(&id);
        git.insert(format!("objects/{}/{}", &name[..2], &name[2..]).into_bytes(), zlib(&object));
        ids.push(id);
    }
    git.insert(b"HEAD".to_vec(), hex(ids.last().expect("at least one piece")).into_bytes());
    let mut snapshot = snapshot(git);
    snapshot.work_tree.insert(b"a".to_vec(), WorkEntry::Directory);
    snapshot.work_tree.insert(b"l".to_vec(), WorkEntry::Symlink { target: b"a".to_vec() });
    proved(&snapshot);
}

/// A pack with a corrected checksum and no index: each later entry is found by inflating the entry before it.
pub fn git_pack(bytes: &[u8]) {
    let mut pack = bytes.to_vec();
    pack.extend(Sha1::digest(bytes));
    let git = [(b"objects/pack/pack-1.pack".to_vec(), pack), (b"HEAD".to_vec(), b"ref: refs/heads/main\n".to_vec())];
    proved(&snapshot(git.into()));
}

/// An index of a valid pack, with both checksums corrected.
pub fn git_index(bytes: &[u8]) {
    static PACK: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let object = |kind: u8, content: &[u8]| [&[kind << 4 | content.len() as u8], zlib(content).as_slice()].concat();
        let pack = [&b"PACK\0\0\0\x02\0\0\0\x02"[..], &object(3, b"one"), &object(3, b"two")].concat();
        [pack.as_slice(), &Sha1::digest(&pack)].concat()
    });
    let mut index = [bytes, &PACK[PACK.len() - 20..]].concat();
    let checksum = Sha1::digest(&index);
    index.extend(checksum);
    let git = [
        (b"objects/pack/pack-1.pack".to_vec(), PACK.clone()),
        (b"objects/pack/pack-1.idx".to_vec(), index),
        (b"HEAD".to_vec(), b"ref: refs/heads/main\n".to_vec()),
    ];
    proved(&snapshot(git.into()));
}

/// Text files of a repository: each begins with `=== PATH`. Paths below `.git/` are git's; all others belong to the work tree.
pub fn git_files(bytes: &[u8]) {
    let mut snapshot = snapshot(BTreeMap::new());
    for (path, content) in files(bytes) {
        match path.strip_prefix(b".git/") {
            Some(path) => drop(snapshot.git.insert(path.to_vec(), content.to_vec())),
            None => {
                let mut hasher = hpsb_audit::git::WorkFileHasher::new(path, 0o644, content.len() as u64);
                hasher.update(content);
                snapshot.work_tree.insert(path.to_vec(), WorkEntry::File(hasher.finish()));
            }
        }
    }
    proved(&snapshot);
}

fn snapshot(git: BTreeMap<Vec<u8>, Vec<u8>>) -> Snapshot {
    Snapshot { repository: b"repository".to_vec(), git, work_tree: BTreeMap::new(), faults: Vec::new() }
}

/// Asserts that a proof is consistent and does not depend on the number of threads.
fn proved(snapshot: &Snapshot) {
    let limits = limits();
    let (one, three) = (prove(snapshot, 1, &limits), prove(snapshot, 3, &limits));
    assert_eq!(one.objects, three.objects);
    assert_eq!(format!("{:?}", one.tree), format!("{:?}", three.tree));
    if one.commit.is_some() {
        assert!(one.head.is_ok() && one.objects.object_count > 0);
    }
    assert!(one.objects.reachable + one.objects.unreachable <= one.objects.object_count);
}

/// A complete run: members (`=== PATH`) are packed, compressed, signed and audited, and the report is written as JSON, HTML and text.
pub fn audit(bytes: &[u8]) {
    let mut members = Vec::new();
    for (path, content) in files(bytes) {
        member(path, content, &mut members);
    }
    members.resize(members.len() + 1024, 0);
    let report = audit_tar(&members);
    assert!(report.key.is_some());
    written(report);
}

/// Like [`audit`], but from the uncompressed signed archive.
pub fn audit_inner_tar(bytes: &[u8]) {
    written(audit_tar(&with_checksums(bytes)));
}

fn audit_tar(tar: &[u8]) -> hpsb_audit::BundleReport {
    let archive = bzip2(tar);
    let signature: p256::ecdsa::Signature = SIGNER.sign(Sha256::of(&archive).as_bytes());
    let mut outer = Vec::new();
    member(b"manifest.a.b.v1-0000000.2026-03-02_10-15-30.tbz", &archive, &mut outer);
    let digits = hex(signature.to_der().as_bytes());
    member(b"manifest.a.b.v1-0000000.2026-03-02_10-15-30.sig", digits.as_bytes(), &mut outer);
    outer.resize(outer.len() + 1024, 0);
    let (policy, limits) = (Policy::default(), limits());
    let now = Timestamp::from_rfc3339("2026-03-10T00:00:00Z").expect("a moment");
    let bundle = bzip2(&outer);
    audit_bundle(Dossier::new("fuzz", bundle.as_slice()), &Question::new(&policy, &KEYS, now, &limits))
}

const DETAILS: Look = Look { amount: Amount::Everything, ..Look::PLAIN };

fn written(bundle: hpsb_audit::BundleReport) {
    let checks: Vec<&str> = bundle.findings.iter().map(|finding| finding.check).collect();
    let asked = CHECKS.iter().filter(|check| check.group != Group::Workload);
    assert!(asked.map(|check| check.name).eq(checks));
    assert_eq!(bundle.verdict == Verdict::None, bundle.error.is_some());
    let mut report = Report::new(None);
    report.bundles.push(bundle);
    let json = page(&report, Format::Json);
    let parsed: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(parsed["exit_code"], report.exit_code());
    let mut again = Report::from_json("fuzz", json.as_bytes(), &Limits::default()).expect("its own output");
    assert_eq!(page(&again, Format::Json), json);
    again.origin = Origin::Audited;
    for format in [Format::Html, Format::Text(Look::PLAIN), Format::Text(DETAILS)] {
        assert_eq!(page(&again, format), page(&report, format));
    }
}

/// Writes the report and checks that nothing in it can control a terminal.
fn page(report: &Report, format: Format) -> String {
    let mut page = Vec::new();
    report.write(format, &Options::default(), &mut page).expect("in memory");
    let page = String::from_utf8(page).expect("UTF-8");
    let steering =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    assert!(!page.contains(steering), "{page:?}");
    page
}

/// A saved report, which must be identical after it is written and read again.
pub fn saved_report(bytes: &[u8]) {
    let Ok(report) = Report::from_json("fuzz", bytes, &limits()) else { return };
    let json = page(&report, Format::Json);
    let again = Report::from_json("fuzz", json.as_bytes(), &limits()).expect("its own output");
    assert_eq!(page(&again, Format::Json), json);
    for look in [Look::PLAIN, DETAILS] {
        page(&report, Format::Text(look));
    }
    for (name, _) in report.pages(&Options::default(), "report.html.bundles").others {
        assert!(!name.contains(['/', '\\', '\0']) && !name.starts_with('.'), "{name:?}");
    }
}

/// A case, which has exactly one valid encoding.
pub fn case(bytes: &[u8]) {
    match Case::read("fuzz", bytes, &limits()) {
        Ok(case) => {
            let mut again = Vec::new();
            case.write(&mut again).expect("in memory");
            assert_eq!(again, bytes);
        }
        Err(error) => assert_eq!(error.exit_code(), 3),
    }
}

pub fn controls(bytes: &[u8]) {
    let _ = Controls::from_toml("fuzz", bytes, &limits());
}

/// An image archive: an OCI layout, or the output of `docker save`. Checksums of its headers are corrected.
pub fn image_archive(bytes: &[u8]) {
    read_image(&with_checksums(bytes));
}

/// Blobs of an OCI layout, separated by `%%%%`. `@0@` is replaced with the digest of the first
/// blob, `#0#` with its size. The last blob is index.json.
pub fn image_documents(bytes: &[u8]) {
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    for piece in split(bytes, b"%%%%").into_iter().take(9) {
        let mut content = piece.to_vec();
        for (at, blob) in blobs.iter().enumerate() {
            content = split(&content, format!("@{at}@").as_bytes()).join(Sha256::of(blob).to_string().as_bytes());
            content = split(&content, format!("#{at}#").as_bytes()).join(blob.len().to_string().as_bytes());
        }
        blobs.push(content);
    }
    let mut tar = Vec::new();
    member(b"oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, &mut tar);
    member(b"index.json", &blobs.pop().expect("at least one piece"), &mut tar);
    blobs.sort();
    blobs.dedup();
    for blob in &blobs {
        member(format!("blobs/sha256/{}", Sha256::of(blob).hex()).as_bytes(), blob, &mut tar);
    }
    tar.resize(tar.len() + 1024, 0);
    let Some(image) = read_image(&tar) else { return };
    // Every digest and size that is labelled as recomputed must be that of a blob.
    let documents = image.indexes.iter().chain(&image.manifest).map(|document| (document.digest, document.size));
    let config = image.config.iter().map(|config| (config.digest, config.size));
    let layers = image.layers.iter().filter_map(|layer| layer.measured.as_ref());
    let found = documents.chain(config).chain(layers.map(|measured| (measured.digest, measured.size)));
    for (digest, size) in found {
        let blob = blobs.iter().find(|blob| Sha256::of(blob) == digest).expect("a blob of this digest");
        assert_eq!(blob.len() as u64, size);
    }
}

/// A layer in a docker-archive. Its first bytes determine whether it is plain, gzip or zstd.
pub fn image_layer(bytes: &[u8]) {
    let mut tar = Vec::new();
    member(b"manifest.json", br#"[{"Config":"config","RepoTags":[],"Layers":["layer"]}]"#, &mut tar);
    member(b"layer", bytes, &mut tar);
    tar.resize(tar.len() + 1024, 0);
    let Some(image) = read_image(&tar) else { return };
    let measured = image.layers[0].measured.as_ref().expect("the layer is there");
    assert_eq!((measured.digest, measured.size), (Sha256::of(bytes), bytes.len() as u64));
    if measured.compression.word() == "plain" {
        assert_eq!(measured.content, Ok((measured.digest, measured.size)));
    }
}

fn read_image(tar: &[u8]) -> Option<ImageFacts> {
    match read_archive("fuzz", tar, &Choice::default(), &limits()) {
        Ok(image) => {
            assert!(image.layers.len() as u64 <= limits().image_layers);
            assert!(
                !image.indexes.is_empty()
                    || image.manifest.is_some()
                    || !image.faults.is_empty()
                    || image.config.is_some()
            );
            Some(image)
        }
        Err(error) => {
            assert!(matches!(error.exit_code(), 2 | 3), "{error}");
            None
        }
    }
}

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_pkcs8_pem(KEY).expect("the recorded key"));

static KEYS: LazyLock<KeyRing> = LazyLock::new(|| {
    let key = PublicKey::from_pem("fuzz", public_pem().as_bytes(), &Limits::default()).expect("the recorded key");
    let mut ring = KeyRing::default();
    ring.add(TrustedKey {
        fingerprint: key.fingerprint(),
        key: Some(key),
        source: KeySource::CommandLine,
        name: None,
        not_before: None,
        not_after: None,
        revoked: None,
    });
    ring
});

fn public_pem() -> String {
    SIGNER.verifying_key().to_public_key_pem(Default::default()).expect("a public key")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bzip2::read::BzEncoder::new(bytes, bzip2::Compression::fast()).read_to_end(&mut out).expect("in memory");
    out
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn split<'b>(bytes: &'b [u8], mark: &[u8]) -> Vec<&'b [u8]> {
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while at + mark.len() <= bytes.len() {
        if bytes[at..].starts_with(mark) {
            pieces.push(&bytes[start..at]);
            at += mark.len();
            start = at;
        } else {
            at += 1;
        }
    }
    pieces.push(&bytes[start..]);
    pieces
}

/// `=== PATH`, a newline, and the content up to the next `\n=== `.
fn files(bytes: &[u8]) -> BTreeMap<&[u8], &[u8]> {
    let bytes = bytes.strip_prefix(b"=== ").unwrap_or(bytes);
    let pieces = split(bytes, b"\n=== ").into_iter().take(50).map(|piece| {
        let end = piece.iter().position(|byte| *byte == b'\n').unwrap_or(piece.len());
        (&piece[..end], piece.get(end + 1..).unwrap_or_default())
    });
    pieces.filter(|(path, _)| is_plain(path)).collect()
}

/// Whether the tar reader accepts this name. Other names are left out, so that later code is reached.
fn is_plain(path: &[u8]) -> bool {
    let part = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0);
    path.len() <= 100 && path.split(|byte| *byte == b'/').all(part)
}

/// A regular file with a ustar header.
fn member(path: &[u8], content: &[u8], out: &mut Vec<u8>) {
    let mut block = [0; 512];
    block[..path.len()].copy_from_slice(path);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    out.extend(block);
    let at = out.len() - 512;
    checksum(&mut out[at..]);
    out.extend(content);
    out.resize(out.len().next_multiple_of(512), 0);
}

fn checksum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

/// Corrects the checksum of every block that looks like a header.
pub fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        checksum(block);
    }
    bytes
}
