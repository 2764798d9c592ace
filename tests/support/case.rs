//! Builds a fixture: the recorded build, changed step by step and packed into a bundle.

use std::fmt::Write as _;

use super::encoding::{bzip2, hex};
use super::image::Image;
use super::inputs;
use super::keys::Named;
use super::signing::sign_archive;
use super::tar::{self, Entry};

type Edit<T> = Box<dyn FnOnce(&mut T)>;
type Compress = Box<dyn FnOnce(&[u8]) -> Vec<u8>>;
type Sign = Box<dyn FnOnce(Named, &[u8]) -> Vec<u8>>;

/// One fixture directory. A case starts as the good build, which the methods change.
pub struct Case {
    name: String,
    about: &'static str,
    expect: Expect,
    build_name: String,
    /// The signed archive's members.
    inner: Vec<Entry>,
    edit_inner_tar: Vec<Edit<Vec<u8>>>,
    compress: Compress,
    edit_archive: Vec<Edit<Vec<u8>>>,
    key: Named,
    sign: Sign,
    edit_signature: Vec<Edit<Vec<u8>>>,
    edit_outer: Vec<Edit<Vec<Entry>>>,
    edit_outer_tar: Vec<Edit<Vec<u8>>>,
    compress_outer: fn(&[u8]) -> Vec<u8>,
    edit_bundle: Vec<Edit<Vec<u8>>>,
    bundle_name: Option<String>,
    files: Vec<(String, Vec<u8>)>,
    arguments: Option<Vec<String>>,
    now: &'static str,
}

struct Expect {
    exit: u8,
    verdict: &'static str,
    error: Option<&'static str>,
    /// The cargo feature without which the answer differs.
    feature: Option<&'static str>,
    checks: Vec<(&'static str, &'static str)>,
    /// Strings that must not be in any format's output.
    absent: Vec<&'static str>,
    /// Strings that must not reach a terminal unescaped.
    inert: Vec<&'static str>,
}

/// The image tag: a prefix, and the first digits of HEAD's commit in the recorded repository.
pub fn image_tag() -> String {
    format!("v1-{}", &inputs::head_commit()[..7])
}

/// The build's name with this tag and time stamp.
pub fn build_name(tag: &str, stamp: &str) -> String {
    format!("docker.io.acme.wallet.{tag}.{stamp}")
}

impl Case {
    fn new(name: &str, about: &'static str, expect: Expect) -> Self {
        let tag = image_tag();
        let build_name = build_name(&tag, inputs::STAMP);
        let words = [
            ("@BUILD_NAME@", build_name.clone()),
            ("@IMAGE_TAG@", tag),
            ("@IMAGE_DIGEST@", inputs::IMAGE_DIGEST.into()),
            ("@IMAGE_ID_12@", inputs::IMAGE_ID_12.into()),
            ("@KEY_ID@", inputs::log_key_id()),
            ("@PUBLIC_KEY@", inputs::log_public_key()),
        ];
        let fill = |text: &str| words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value));
        let mut inner = vec![
            Entry::directory("data"),
            Entry::file("data/build.json", fill(inputs::RECORD)),
            Entry::file("data/build.log", fill(inputs::LOG)),
            Entry::directory("git"),
        ];
        inner.extend(inputs::repository(inputs::REPOSITORY));
        Self {
            name: name.into(),
            about,
            expect,
            build_name,
            inner,
            edit_inner_tar: Vec::new(),
            compress: Box::new(bzip2),
            edit_archive: Vec::new(),
            key: Named::Server,
            sign: Box::new(sign_archive),
            edit_signature: Vec::new(),
            edit_outer: Vec::new(),
            edit_outer_tar: Vec::new(),
            compress_outer: bzip2,
            edit_bundle: Vec::new(),
            bundle_name: None,
            files: Vec::new(),
            arguments: None,
            now: "2026-03-10T00:00:00Z",
        }
    }

    /// A good build, which ends with exit code 0. Without a policy, it is accepted in part.
    pub fn good(name: &str, about: &'static str) -> Self {
        let checks = vec![("manifest-signature", "pass"), ("manifest-key", "pass"), ("manifest-name", "pass")];
        Self::new(name, about, Expect::new(0, "accept-in-part", None, checks))
    }

    /// The build is accepted in part, even with a policy.
    pub fn in_part(mut self) -> Self {
        self.expect.verdict = "accept-in-part";
        self
    }

    /// The signature is good and the specified check fails: exit code 1.
    pub fn fails(name: &str, check: &'static str, about: &'static str) -> Self {
        let checks = vec![("manifest-signature", "pass"), (check, "fail")];
        Self::new(&format!("{name}_fail"), about, Expect::new(1, "reject", None, checks))
    }

    /// The signature is good and several checks may fail: exit code 1.
    pub fn rejected(name: &str, about: &'static str) -> Self {
        let checks = vec![("manifest-signature", "pass")];
        Self::new(&format!("{name}_fail"), about, Expect::new(1, "reject", None, checks))
    }

    /// No trusted key verifies the signature, so the signed archive is not read: exit code 1.
    pub fn unsigned(name: &str, about: &'static str) -> Self {
        let checks = vec![("manifest-signature", "fail"), ("manifest-name", "not-run"), ("source-commit", "not-run")];
        Self::new(&format!("{name}_fail"), about, Expect::new(1, "reject", None, checks))
    }

    /// No verdict: exit code 2, 3 or 4, with the error's code.
    pub fn error(name: &str, exit: u8, code: &'static str, about: &'static str) -> Self {
        Self::new(&format!("{name}_fail"), about, Expect::new(exit, "none", Some(code), Vec::new()))
    }

    /// Expects this status of a further check that matters in this case.
    pub fn expect(mut self, check: &'static str, status: &'static str) -> Self {
        self.expect.checks.retain(|(known, _)| *known != check);
        self.expect.checks.push((check, status));
        self
    }

    /// Applies several related changes.
    pub fn also(self, change: impl FnOnce(Self) -> Self) -> Self {
        change(self)
    }

    /// The expected answer is that of a build with this cargo feature.
    pub fn feature(mut self, feature: &'static str) -> Self {
        self.expect.feature = Some(feature);
        self
    }

    /// Adds a string that must not be in any format's output.
    pub fn absent(mut self, text: &'static str) -> Self {
        self.expect.absent.push(text);
        self
    }

    /// Adds a string that must not reach a terminal unescaped.
    pub fn inert(mut self, text: &'static str) -> Self {
        self.expect.inert.push(text);
        self
    }

    /// Expects no particular status of any check.
    pub fn unchecked(mut self) -> Self {
        self.expect.checks.clear();
        self
    }

    /// Adds a different case's bundle to the directory. No check's status is expected any longer.
    pub fn beside(mut self, other: Self) -> Self {
        self.expect.checks.clear();
        self.files.push(other.make_bundle());
        self
    }

    /// The directory has no bundle.
    pub fn without_bundle(mut self) -> Self {
        self.bundle_name = Some(String::new());
        self
    }

    /// Signs with this key, which is also trusted.
    pub fn key(mut self, key: Named) -> Self {
        self.key = key;
        self
    }

    /// Changes `data/build.log`.
    pub fn log(self, edit: impl FnOnce(String) -> String) -> Self {
        self.text("data/build.log", edit)
    }

    /// Changes `data/build.json`.
    pub fn record(self, edit: impl FnOnce(String) -> String) -> Self {
        self.text("data/build.json", edit)
    }

    /// Changes a text file of the signed archive.
    pub fn text(self, path: &str, edit: impl FnOnce(String) -> String) -> Self {
        self.inner(|entries| {
            let entry = entries.iter_mut().find(|entry| entry.path == path.as_bytes()).unwrap();
            entry.content = edit(String::from_utf8(std::mem::take(&mut entry.content)).unwrap()).into_bytes();
        })
    }

    /// Changes the signed archive's members.
    pub fn inner(mut self, edit: impl FnOnce(&mut Vec<Entry>)) -> Self {
        edit(&mut self.inner);
        self
    }

    /// Changes the signed archive's bytes before they are compressed.
    pub fn inner_tar(mut self, edit: impl FnOnce(&mut Vec<u8>) + 'static) -> Self {
        self.edit_inner_tar.push(Box::new(edit));
        self
    }

    /// Compresses the signed archive differently.
    pub fn compress(mut self, compress: impl FnOnce(&[u8]) -> Vec<u8> + 'static) -> Self {
        self.compress = Box::new(compress);
        self
    }

    /// Changes the compressed archive before it is signed.
    pub fn archive(mut self, edit: impl FnOnce(&mut Vec<u8>) + 'static) -> Self {
        self.edit_archive.push(Box::new(edit));
        self
    }

    /// Replaces the signature's bytes.
    pub fn sign(mut self, sign: impl FnOnce(Named, &[u8]) -> Vec<u8> + 'static) -> Self {
        self.sign = Box::new(sign);
        self
    }

    /// Changes the `.sig` member's text.
    pub fn signature(mut self, edit: impl FnOnce(&mut Vec<u8>) + 'static) -> Self {
        self.edit_signature.push(Box::new(edit));
        self
    }

    /// Changes the list of outer members, which are the signed archive and its signature.
    pub fn outer(mut self, edit: impl FnOnce(&mut Vec<Entry>) + 'static) -> Self {
        self.edit_outer.push(Box::new(edit));
        self
    }

    /// Changes the outer archive's bytes before they are compressed.
    pub fn outer_tar(mut self, edit: impl FnOnce(&mut Vec<u8>) + 'static) -> Self {
        self.edit_outer_tar.push(Box::new(edit));
        self
    }

    /// Compresses the outer archive differently.
    pub fn compress_outer(mut self, compress: fn(&[u8]) -> Vec<u8>) -> Self {
        self.compress_outer = compress;
        self
    }

    /// Changes the bundle's bytes.
    pub fn bundle(mut self, edit: impl FnOnce(&mut Vec<u8>) + 'static) -> Self {
        self.edit_bundle.push(Box::new(edit));
        self
    }

    /// Changes the build name in the names of the file and its members.
    pub fn build_name(mut self, name: impl Into<String>) -> Self {
        self.build_name = name.into();
        self
    }

    /// Changes only the file's name.
    pub fn bundle_name(mut self, name: impl Into<String>) -> Self {
        self.bundle_name = Some(name.into());
        self
    }

    /// Adds a file next to the bundle, replacing any file of that name; `key.pem` replaces the trusted key.
    pub fn file(mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        let name = name.into();
        self.files.retain(|(known, _)| *known != name);
        self.files.push((name, content.into()));
        self
    }

    /// Uses arguments other than `--key key.pem`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        // With a policy and an answer in every group that the policy requires, the build is accepted in full.
        if arguments.contains(&"--policy") && self.expect.verdict == "accept-in-part" {
            self.expect.verdict = "accept";
        }
        self.arguments = Some(arguments.iter().map(|argument| (*argument).to_owned()).collect());
        self
    }

    /// Adds a policy, which is the only argument.
    pub fn policy(self, text: impl Into<Vec<u8>>) -> Self {
        self.file("policy.toml", text).arguments(&["--policy", "policy.toml"])
    }

    /// The log reports a push of this image.
    pub fn image(self, image: &Image) -> Self {
        self.pushed(&image.digest(), image.manifest_bytes().len(), image)
    }

    /// The log reports a push of a manifest with this digest and size, for this image.
    pub fn pushed(self, digest: &str, size: usize, image: &Image) -> Self {
        self.pushed_as(digest, size, &image.id_12())
    }

    /// The log reports a push of a manifest with this digest and size, and the builder printed this image id.
    pub fn pushed_as(self, digest: &str, size: usize, id: &str) -> Self {
        let (digest, id) = (digest.to_owned(), id.to_owned());
        self.log(move |text| {
            assert!(text.contains(inputs::IMAGE_DIGEST), "another image was pushed before");
            text.replace(inputs::IMAGE_DIGEST, &digest)
                .replace("size: 1157", &format!("size: {size}"))
                .replace(inputs::IMAGE_ID_12, &id)
        })
    }

    /// Supplies an image: the members of `image.tar`, and the arguments that refer to it.
    pub fn hand_over(self, arguments: &[&str], entries: &[Entry]) -> Self {
        self.hand_over_bytes(arguments, tar::archive(entries))
    }

    /// Like [`Case::hand_over`], with the bytes of `image.tar`.
    pub fn hand_over_bytes(self, arguments: &[&str], bytes: Vec<u8>) -> Self {
        self.file("image.tar", bytes).arguments(&[&["--key", "key.pem"], arguments].concat())
    }

    /// Adds a policy for the supplied image.
    pub fn image_policy(self, more: &str) -> Self {
        self.file("key.pem", Named::Server.public_pem()).policy(super::cases::policy_with(more)).arguments(&[
            "--policy",
            "policy.toml",
            "--image",
            "oci-archive:image.tar",
        ])
    }

    /// Uses a different `--now`.
    pub fn now(mut self, now: &'static str) -> Self {
        self.now = now;
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory's files, by their path below `fixtures/`.
    pub fn make(self) -> Vec<(String, Vec<u8>)> {
        let name = self.name.clone();
        let arguments = self.arguments.clone().unwrap_or_else(|| vec!["--key".into(), "key.pem".into()]);
        let mut files = vec![("case.toml".to_owned(), self.toml(&arguments).into_bytes())];
        if self.names_key(&arguments) && !self.files.iter().any(|(name, _)| name == "key.pem") {
            files.push(("key.pem".into(), self.key.public_pem().into_bytes()));
        }
        files.extend(self.files.clone());
        if self.bundle_name.as_deref() != Some("") {
            files.push(self.make_bundle());
        }
        files.into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)).collect()
    }

    /// Whether the command line or the policy refers to `key.pem`.
    fn names_key(&self, arguments: &[String]) -> bool {
        let in_policy = |(name, content): &(String, Vec<u8>)| {
            name == "policy.toml" && String::from_utf8_lossy(content).contains("key.pem")
        };
        arguments.iter().any(|one| one == "key.pem") || self.files.iter().any(in_policy)
    }

    /// The bundle alone.
    pub fn make_bundle_bytes(self) -> Vec<u8> {
        self.make_bundle().1
    }

    fn make_bundle(self) -> (String, Vec<u8>) {
        let mut inner = tar::archive(&self.inner);
        apply(self.edit_inner_tar, &mut inner);
        let mut archive = (self.compress)(&inner);
        apply(self.edit_archive, &mut archive);
        let mut signature = hex(&(self.sign)(self.key, &archive)).into_bytes();
        apply(self.edit_signature, &mut signature);
        let mut outer = vec![
            Entry::file(format!("manifest.{}.tbz", self.build_name), archive),
            Entry::file(format!("manifest.{}.sig", self.build_name), signature),
        ];
        apply(self.edit_outer, &mut outer);
        let mut outer = tar::archive(&outer);
        apply(self.edit_outer_tar, &mut outer);
        let mut bundle = (self.compress_outer)(&outer);
        apply(self.edit_bundle, &mut bundle);
        (self.bundle_name.unwrap_or_else(|| format!("manifest.{}.sig.tbz", self.build_name)), bundle)
    }

    fn toml(&self, arguments: &[String]) -> String {
        let expect = &self.expect;
        let mut text = format!("what = {}\n", toml::Value::from(self.about));
        let rules = super::rules_of(&self.name);
        if !rules.is_empty() {
            writeln!(text, "rule = {}", toml::Value::from(rules)).unwrap();
        }
        if let Some((check, _)) = expect.checks.iter().find(|(_, status)| *status == "fail") {
            writeln!(text, "check = \"{check}\"").unwrap();
        }
        writeln!(text, "args = {}", toml::Value::from(arguments.to_vec())).unwrap();
        writeln!(text, "now = \"{}\"", self.now).unwrap();
        if let Some(feature) = expect.feature {
            writeln!(text, "features = [\"{feature}\"]").unwrap();
        }
        text + &expect.toml()
    }
}

impl Expect {
    fn new(
        exit: u8,
        verdict: &'static str,
        error: Option<&'static str>,
        checks: Vec<(&'static str, &'static str)>,
    ) -> Self {
        Self { exit, verdict, error, feature: None, checks, absent: Vec::new(), inert: Vec::new() }
    }

    fn toml(&self) -> String {
        let mut text = format!("\n[expect]\nverdict = \"{}\"\nexit = {}\n", self.verdict, self.exit);
        if let Some(error) = self.error {
            writeln!(text, "error = \"{error}\"").unwrap();
        }
        for (name, texts) in [("absent", &self.absent), ("inert", &self.inert)] {
            if !texts.is_empty() {
                writeln!(text, "{name} = {}", toml::Value::from(texts.clone())).unwrap();
            }
        }
        if !self.checks.is_empty() {
            text += "\n[expect.checks]\n";
        }
        for (check, status) in &self.checks {
            writeln!(text, "{check} = \"{status}\"").unwrap();
        }
        text
    }
}

fn apply<T>(edits: Vec<Edit<T>>, value: &mut T) {
    for edit in edits {
        edit(value);
    }
}
